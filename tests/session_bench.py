"""Sessions, engine and journal put together as `alma.app` does, with the scripted model and sockets made of queues."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from alma.agent.plan_check import PlanLimits
from alma.agent.roles import Roles
from alma.agent.router import Router
from alma.agent.run import Agent
from alma.agent.tooling import Tooling
from alma.db.database import Database
from alma.engine.budget import Limits as BudgetLimits
from alma.engine.bus import LocalBus
from alma.engine.decide import RunLimits
from alma.engine.dispatch import Limits as DispatchLimits
from alma.engine.dispatch import LocalDispatcher
from alma.engine.journal import Journal
from alma.engine.ledger import Ledger, Scope
from alma.engine.reminded import tell_reminded
from alma.engine.role_files import keep_role
from alma.engine.runner import Engine
from alma.engine.state import RunState
from alma.engine.worker import Duty, Policy
from alma.errors import NotFound
from alma.events import Recorded
from alma.memory.embedder import Embedder
from alma.memory.records import Change
from alma.models.cache import ResponseCache
from alma.models.cached import CachedModels
from alma.models.chat import ChatModel
from alma.models.endpoints import Price
from alma.models.probe import Grade, ProbeReport
from alma.models.scripted import ScriptedModel
from alma.observability.ended import Book
from alma.schooling import Choice as Learning
from alma.schooling import Schooling
from alma.security.caller import Caller
from alma.server.commands import PROTOCOL
from alma.server.connection import Connection
from alma.server.guard import unguarded
from alma.session.feed import Feeds
from alma.session.notices import Notices
from alma.session.sessions import Limits, Sessions
from alma.session.steering import Steering
from alma.session.summaries import Summaries
from alma.session.wire import Welcome
from alma.tools.toolbox import Toolbox
from memory.fakes import MemoryBench

WELCOME = Welcome(
    protocol=PROTOCOL,
    version="test",
    boot_id="boot",
    heartbeat_seconds=60,
    max_frame_bytes=100_000,
    max_prompt_chars=9000,
)


@dataclass
class Info:
    id: str = "scripted/scripted"
    endpoint: str = "scripted"
    name: str = "scripted"
    context_window: int = 4096
    kind: str = "scripted"
    tiny: bool = False
    price: Price = Price()  # noqa: RUF009  # frozen


class OneModel:
    """Resolves every id but `unknown/…` to one model. `strong`: it may plan by itself."""

    def __init__(self, model: ChatModel) -> None:
        self.model = model
        self.info = Info()
        self.strong = False

    def report(self, model_id: str) -> ProbeReport | None:
        names = ("planning", "schema", "tools")
        grades = [Grade(name, "A", 1.0, "") for name in names]
        return ProbeReport(model_id, grades, 1.0, 1.0, 1.0, 0.0) if self.strong else None

    def resolve(self, model_id: str | None) -> tuple[ChatModel, Any]:
        if model_id is not None and model_id.startswith("unknown/"):
            raise NotFound("unknown_model", f"There is no model {model_id}.")
        return self.model, self.info


class Client:
    """A client on a socket of queues. `frames` holds what came, decoded."""

    def __init__(self) -> None:
        self.inbox: asyncio.Queue[str | bytes | None] = asyncio.Queue()
        self.arrived: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.frames: list[dict[str, Any]] = []
        self.blocked: asyncio.Event | None = None
        self._ids = itertools.count(1)

    # the socket's side
    async def receive(self) -> str | bytes | None:
        return await self.inbox.get()

    async def send(self, frame: str) -> None:
        if self.blocked is not None:
            await self.blocked.wait()
        event = msgspec.json.decode(frame)
        self.frames.append(event)
        self.arrived.put_nowait(event)

    async def close(self, code: int, reason: str) -> None:
        self.drop()

    def drop(self) -> None:
        self.inbox.put_nowait(None)

    # the user's side
    def say(self, type: str, **fields: object) -> str:
        command_id = f"c{next(self._ids)}"
        self.inbox.put_nowait(msgspec.json.encode({"type": type, "id": command_id, **fields}).decode())
        return command_id

    async def until(self, **wanted: object) -> dict[str, Any]:
        """The next frame that has these fields (`name` and those of `value` too)."""
        async with asyncio.timeout(120):
            while True:
                event = await self.arrived.get()
                flat = {**event, **event["value"]} if event["type"] == "CUSTOM" else event
                if all(flat.get(name) == value for name, value in wanted.items()):
                    return event

    async def answer(self, command_id: str) -> dict[str, Any]:
        """The value of the acknowledgement or error of a command."""
        return (await self.until(id=command_id))["value"]


class SessionBench:
    """`roles`: a folder of role files over those that ship; `toolbox`: what tools there are; `at_once`: as many tasks
    of a role at once as its file says, else a hundred; `cache`: have one,
    made with this, for otherwise every call is to reach the model; `memory`: agents remember, by fakes of what searches
    by meaning; `learning`: agents learn so."""

    def __init__(
        self,
        url: str,
        *,
        max_attempts: int = 3,
        outbox_bytes: int = 1 << 20,
        roles: Path | None = None,
        toolbox: Toolbox | None = None,
        run_seconds: float = 0.0,
        run_tokens: int = 0,
        budgets: dict[Scope, BudgetLimits] | None = None,
        at_once: bool = False,
        cache: dict[str, Any] | None = None,
        memory: bool = False,
        learning: Learning | None = None,
    ) -> None:
        self.model = ScriptedModel()
        self.over: dict[str, asyncio.Event] = {}
        self.models = OneModel(self.model)
        self.guard = unguarded(WELCOME.heartbeat_seconds)
        self.outbox_bytes = outbox_bytes
        self.database = Database(url)
        self.bus = LocalBus()
        self.book = Book()
        self.journal = Journal(self.database, self.bus, self.book)
        self.roles = Roles(roles)
        self.embedder = Embedder(Path("nowhere"))
        self.router = Router(lambda: self.roles.get("manager"), self.embedder)
        self.toolbox = toolbox or Toolbox()
        self.cache = ResponseCache(self.database, **cache) if cache is not None else None
        answering = self.models if self.cache is None else CachedModels(self.models, self.cache)
        self.memory = MemoryBench(url, database=self.database) if memory else None
        door = self.memory.memories if self.memory is not None else None
        self.schooling = (
            Schooling(self.database, self.roles, self.models, self.embedder, None, learning, time.time)
            if learning is not None
            else None
        )
        usual = {"run": BudgetLimits(run_tokens), **(budgets or {})}
        self.engine = Engine(
            self.database,
            self.journal,
            self.bus,
            Agent(
                self.roles,
                self.router,
                answering,
                Tooling(self.toolbox, memory=door),
                memories=door,
                teacher=self.schooling.teacher if self.schooling is not None else None,
            ),
            LocalDispatcher(DispatchLimits(lambda name: self.roles.get(name).budgets.parallel if at_once else 100)),
            policy=Policy(max_attempts, self.duty, lambda name: name in self.roles.names()),
            limits=RunLimits(run_seconds),
            ledger=Ledger(self.journal, usual),
            jitter=lambda: 0.02,
            changed=self._changed,
        )
        self.summaries = Summaries(self.database, self.engine.conversations, self.models)
        self.notices = Notices()
        self.sessions = Sessions(
            self.database,
            self.journal,
            self.engine,
            self.router,
            self.models,
            Feeds(self.bus),
            self.notices,
            Limits(max_prompt_chars=9000, max_unfinished_runs=100),
            Steering(self.database, self.engine, PlanLimits(tasks=100, task_tokens=0), self.roles),
            self._forget if self.cache is not None else None,
        )
        self._group: asyncio.TaskGroup | None = None
        if door is not None:
            door.listen(self._news)

    async def _forget(self, _owner: str, run_ids: list[str]) -> None:
        assert self.cache is not None
        await self.cache.forget_runs(run_ids)

    def _news(self, changes: Sequence[Change]) -> None:
        assert self._group is not None
        self._group.create_task(tell_reminded(self.engine, changes, lambda name: self.roles.get(name).memory.recall))

    def _changed(self, state: RunState, log: Sequence[Recorded]) -> None:
        self.summaries.ended(state)
        if self.schooling is not None:
            self.schooling.changed(state, log)
        if state.finished is not None:
            self.over.setdefault(state.run_id, asyncio.Event()).set()

    async def ended(self, run_id: str) -> None:
        """Once the engine has put the run away, which is a little after its last frame."""
        await self.over.setdefault(run_id, asyncio.Event()).wait()

    def duty(self, name: str) -> Duty:
        try:
            role = self.roles.get(name)
        except NotFound:
            return Duty()
        stand_ins: list[tuple[str | None, str | None]] = [(None, model) for model in role.stand_in_models]
        stand_ins += [(other, None) for other in role.stand_ins]
        return Duty(role.version, role.budgets.tokens, role.budgets.seconds, stand_ins)

    @contextlib.asynccontextmanager
    async def running(self, *, sweep: bool = True) -> AsyncGenerator[SessionBench]:
        self.database.open()
        await self.database.write(lambda connection: [keep_role(connection, role) for role in self.roles.all()])
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                ready = asyncio.Event()
                engine = group.create_task(self.engine.run(ready.set, sweep=sweep))
                summaries = group.create_task(self.summaries.run())
                parts = [engine, summaries]
                if self.schooling is not None:
                    await self.schooling.open()
                    parts.append(group.create_task(self.schooling.run()))
                if self.cache is not None:
                    await self.cache.open()
                    parts.append(group.create_task(self.cache.run()))
                await ready.wait()
                self._connections: list[asyncio.Task[None]] = []
                yield self
                for task in (*parts, *self._connections):
                    task.cancel()
        finally:
            self.database.close()

    def connect(self, *, owner: str = "ada", watch: bool = False, admin: bool = True) -> Client:
        client = Client()
        connection = Connection(
            self.sessions, client, Caller(owner, admin=admin), WELCOME, self.outbox_bytes, self.guard, watch=watch
        )
        assert self._group is not None
        client.task = self._group.create_task(connection.run())  # type: ignore[attr-defined]
        self._connections.append(client.task)  # type: ignore[attr-defined]
        return client


def texts(frames: list[dict[str, Any]]) -> dict[str, str]:
    """The text of every message as a client puts it together; fails on a gap, a duplicate, or a wrong length."""
    text: dict[str, str] = {}
    attempt: dict[str, int] = {}
    for frame in frames:
        match frame["type"]:
            case "TEXT_MESSAGE_START":
                assert frame["attempt"] > attempt.get(frame["messageId"], 0)
                attempt[frame["messageId"]] = frame["attempt"]
                text[frame["messageId"]] = ""
            case "TEXT_MESSAGE_CONTENT":
                message = frame["messageId"]
                assert attempt[message] == frame["attempt"]
                assert len(text[message]) == frame["n"] - len(frame["delta"]), "a gap or a duplicate"
                text[message] += frame["delta"]
            case "TEXT_MESSAGE_END":
                assert len(text[frame["messageId"]]) == frame["n"]
    return text
