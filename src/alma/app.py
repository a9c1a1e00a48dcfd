"""The composition root: the only place that knows every part; what the settings mean for each is in `choices.py`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import signal
import time
from collections.abc import AsyncGenerator, Sequence
from typing import Literal

from fastapi import FastAPI

from alma import __version__
from alma.acting import ActingRoles
from alma.agent.plan_check import PlanLimits
from alma.agent.role import Role
from alma.agent.roles import Roles
from alma.agent.router import Router
from alma.agent.run import Agent
from alma.agent.tooling import Tooling
from alma.agent.warming import Warming
from alma.annexes import Annexes
from alma.choices import (
    access_of,
    budgets_of,
    cache_of,
    dispatch_limits_of,
    guard_of,
    lookout_of,
    memory_of,
    policy_of,
    recorder_of,
    registry_of,
    schooling_of,
    toolbox_of,
)
from alma.db.database import Database
from alma.doors import doors
from alma.engine.bus import LocalBus
from alma.engine.decide import RunLimits
from alma.engine.dispatch import LocalDispatcher
from alma.engine.journal import Journal
from alma.engine.ledger import Ledger
from alma.engine.reminded import tell_reminded
from alma.engine.role_files import keep_role
from alma.engine.run_log import RunLog
from alma.engine.runner import Engine
from alma.engine.state import RunState
from alma.errors import NotFound, StorageFailure
from alma.events import Recorded
from alma.experiments.experiments import Experiments
from alma.experiments.place import Place
from alma.following import follow
from alma.learner.share_store import ShareStore
from alma.lookout import Lookout
from alma.memory.embedder import Embedder
from alma.memory.examples import load_examples
from alma.memory.records import Change, Filter, Scope
from alma.mind import Mind
from alma.models.cached import CachedModels
from alma.models.chat import ChatRequest
from alma.models.fetch import embedding_dir
from alma.observability.context import part
from alma.observability.ended import Book
from alma.observability.logs import log_problem
from alma.plan import MANAGER
from alma.recorder import Recorder
from alma.schooling import Schooling
from alma.security.caller import LOCAL
from alma.server.commands import PROTOCOL
from alma.server.http import build
from alma.session.endpoint_news import keep_telling
from alma.session.feed import Feeds
from alma.session.notices import Notices
from alma.session.rehearsals import Rehearsals
from alma.session.remembering import Remembering
from alma.session.retention import keep_pruning
from alma.session.sessions import Limits, Sessions
from alma.session.steering import Steering
from alma.session.summaries import Summaries
from alma.session.warming import Warmer
from alma.session.wire import Welcome
from alma.settings import MIB, Settings
from alma.telling import Telling
from alma.tools.files import ThreadFiles
from alma.watch import Parts, Watch

log = logging.getLogger(__name__)
SWEEP_EVERY = 30.0  # seconds between two looks for runs that nobody carries on
TAKE_IN_S = 2.0  # that a stopping Alma gives to keeping what its last runs said


class Alma:
    """All parts of a running Alma, put together. Made by `running`. `annex`: beside another, for an experiment."""

    def __init__(self, settings: Settings, *, annex: bool = False) -> None:
        self.settings = settings
        self.database = Database(settings.database)
        self.bus = LocalBus()
        book = Book() if settings.metrics else None
        self.journal = Journal(self.database, self.bus, book)
        self.recorder = Recorder(self.database, self.journal, recorder_of(settings))
        self.run_log = RunLog()
        self.journal.subscribe_all(self.run_log.witness)
        self.notices = Notices()
        self.telling = Telling(self.notices, lambda owner, thread_id: self.sessions.announce(owner, thread_id))
        self.roles = Roles(settings.agents_dir)
        model = embedding_dir(settings.data_dir)
        self.embedder = Embedder(model)
        self.router = Router(lambda: self.roles.get(MANAGER), self.embedder, keep=model / "kept")
        self.registry = registry_of(settings, self._models_changed, self.telling.pulled)
        self.cache = cache_of(settings, self.database, self.embedder)
        self.files = ThreadFiles(settings.data_dir / "files")
        self.toolbox = toolbox_of(settings, self.files)
        self.guard = guard_of(settings)
        self.access = access_of(settings, self.database, self.guard)
        self.mind = Mind(self.database, self.embedder, self.notices, memory_of(settings), LOCAL)
        memories = self.mind.memories if settings.memory else None
        tooling = Tooling(self.toolbox, memory=memories)
        self.schooling = Schooling(
            self.database,
            self.roles,
            self.registry,
            self.embedder,
            memories,
            schooling_of(settings),
            time.time,
            well=self.registry.well,
            busy=lambda role: self.dispatcher.busy(role),
        )
        warming = Warming(self.roles, self.registry, tooling)
        self.shares = (
            follow(
                lambda: self.dispatcher,
                self.schooling.books,
                self.embedder,
                self.registry,
                self.cache,
                warming,
                time.time,
                settings.kept_mib * MIB,
                self.schooling.follows,
            )
            if settings.learning
            else None
        )
        weight, merit = (self.shares.weight, self.shares.merit) if self.shares is not None else (None, None)
        self.dispatcher = LocalDispatcher(dispatch_limits_of(settings, self.roles), weight=weight)
        self.lookout = Lookout(
            self.database,
            self.notices,
            lookout_of(settings),
            self.embedder,
            self.registry,
            self.mind.dense,
            self.dispatcher,
            log_problem=log_problem,
            limit_problem=lambda: self.guard.rates.problem,
            trace_problem=lambda: self.recorder.problem,
        )
        self.engine = Engine(
            self.database,
            self.journal,
            self.bus,
            Agent(
                self.roles,
                self.router,
                CachedModels(self.registry, self.cache),
                tooling,
                memories=memories,
                teacher=self.schooling.teacher,
            ),
            self.dispatcher,
            policy=policy_of(settings, self.roles, merit),
            limits=RunLimits(settings.run_seconds),
            ledger=Ledger(
                self.journal,
                budgets_of(settings),
                warn_at=settings.budget_warning,
                told=self.guard.used if settings.limit_tokens else None,
            ),
            trouble=self.telling.trouble,
            changed=self._changed,
            sweep_every=SWEEP_EVERY,
        )
        self.summaries = Summaries(self.database, self.engine.conversations, self.registry)
        self.remembering = (
            Remembering(self.database, self.journal, self.engine.open_text, memories, self.roles, self.registry)
            if memories is not None
            else None
        )
        self.mind.memories.listen(self._memories_changed)
        self.warmer = Warmer(
            self.database,
            self.engine.conversations,
            warming,
            self._read_in_advance,
        )
        self.sessions = Sessions(
            self.database,
            self.journal,
            self.engine,
            self.router,
            self.registry,
            Feeds(self.bus),
            self.notices,
            Limits(settings.max_prompt_chars, settings.max_unfinished_runs, settings.memory),
            Steering(self.database, self.engine, PlanLimits(tasks=settings.max_plan_tasks, task_tokens=0), self.roles),
            self._forget,
            self.warmer,
        )
        self.sessions.feedback.listen(self.schooling.books.signaled)
        rehearsals = Rehearsals(self.sessions)
        self.schooling.gated(
            rehearsals.rehearse, rehearsals.cancel, rehearsals.forget_named, lambda: not self.engine.busy
        )
        self.place = Place(rehearsals, self.schooling.versions.lend, fresh=not annex)
        self.experiments = Experiments(
            self.database,
            ActingRoles(self.schooling),
            self.registry,
            self.embedder,
            self.place,
            Annexes(settings, _annex) if not annex else None,
            self._draft,
            settings.data_dir / "evaluators",
            time.time,
        )
        self.watch = self._watching(book) if book is not None else None
        self.failed = False  # a part ended that should not have
        self._group: asyncio.TaskGroup | None = None

    @contextlib.asynccontextmanager
    async def running(self, *, sweep: bool) -> AsyncGenerator[Alma]:
        """Everything started; on the way out everything stopped. `sweep`: take up runs that an earlier process left."""
        await asyncio.to_thread(self.database.open)
        try:
            await self.access.keyring.open()
            await self._keep(self.roles.all())
            for example in await self.database.read(load_examples):
                self.router.learn(example.owner, example.text, example.kind, example.vector)
            await self.cache.open()
            await self.mind.open()
            await self.schooling.open()
            share_store = ShareStore(self.database, self.shares) if self.shares is not None and sweep else None
            if share_store is not None:
                await share_store.open()
            await self.experiments.open(sweep=sweep)
            await self.lookout.open()
            async with self.recorder.open(), asyncio.TaskGroup() as group:
                self._group = group
                self.telling.begin(group)
                tasks = [group.create_task(part("embedder", self.embedder.run()))]
                tasks.append(group.create_task(part("recorder", self.recorder.run())))
                tasks.append(group.create_task(part("registry", self.registry.run())))
                tasks.append(group.create_task(part("roles", self.roles.run(self._roles_changed))))
                tasks.append(group.create_task(part("cache", self.cache.run())))
                tasks.append(group.create_task(part("router", self.router.warm())))
                tasks.append(group.create_task(part("access", self.access.run(self.guard.sockets))))
                tasks.append(group.create_task(part("guard", self.guard.run())))
                tasks.append(group.create_task(keep_telling(self.registry, self.notices)))
                tasks.append(group.create_task(part("summaries", self.summaries.run())))
                tasks.append(group.create_task(part("mind", self.mind.run())))
                tasks.append(group.create_task(part("schooling", self.schooling.run())))
                if self.shares is not None:
                    following = share_store.run() if share_store is not None else self.shares.run()
                    tasks.append(group.create_task(part("shares", following)))
                tasks.append(group.create_task(part("lookout", self.lookout.run(alerts=sweep))))
                pruning = keep_pruning(self.database, self.settings.keep_runs_days)
                tasks.append(group.create_task(part("pruning", pruning)))
                if self.watch is not None and sweep:
                    tasks.append(group.create_task(part("watch", self.watch.run())))
                ready = asyncio.Event()
                tasks.append(group.create_task(part("engine", self.engine.run(ready.set, sweep=sweep))))
                if self.remembering is not None:
                    tasks.append(group.create_task(part("remembering", self.remembering.run())))
                await ready.wait()
                tasks.append(group.create_task(part("experiments", self.experiments.run())))
                try:
                    yield self
                finally:
                    await self._take_in_the_last()
                    await self.lookout.close()
                    if share_store is not None:
                        await share_store.save()
                    for task in tasks:
                        task.cancel()
        finally:
            await asyncio.to_thread(self.database.close)

    def stop_taking(self) -> None:
        """Begin nothing new, and tell clients that it is about to end."""
        self.lookout.stopping = self.sessions.stopping = True
        self.telling.stopping()

    @property
    def busy(self) -> bool:
        """Whether agents are at work."""
        return self.engine.busy and not self.failed

    @property
    def unfinished(self) -> int:
        return self.engine.running

    async def _take_in_the_last(self) -> None:
        """Runs that ended just now; what does not fit in a moment is taken in at the next start."""
        if self.remembering is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TAKE_IN_S):
                    await self.remembering.settled()

    async def _draft(
        self, owner: str, what: Literal["prompt", "notes"], of: str, content: str, title: str, reason: str
    ) -> str:
        draft = self.schooling.versions.draft
        return (await draft(owner, what, of, content, title=title, made_by="hand", reason=reason)).id

    def _watching(self, book: Book) -> Watch:
        mind = self.mind if self.settings.memory else None
        parts = Parts(
            self.database,
            self.journal,
            self.engine,
            self.dispatcher,
            self.registry,
            self.embedder,
            self.cache,
            mind,
            self.guard,
            lambda: self.recorder.errors.total,
        )
        watch = Watch(parts, book, self.settings.data_dir, self.settings.metrics_days)
        sampler = watch.sampler
        sampler.listen(lambda _second, values: self.lookout.sampled(values, sampler.newest.sketches))
        self.lookout.reports.pending = sampler.pending
        self.sessions.metrics = watch.news
        return watch

    async def _keep(self, roles: list[Role]) -> None:
        """Store versions of roles before a run uses them."""
        await self.database.write(lambda connection: [keep_role(connection, role) for role in roles])

    async def _forget(self, owner: str, run_ids: list[str]) -> None:
        """These runs are deleted with their thread: none of their words may stay, but what the owner has pinned."""
        await self.cache.forget_runs(run_ids)
        await self.schooling.forget(owner, run_ids)
        if run_ids:
            of_runs = Filter(runs=tuple(run_ids), pinned=False, state="any")
            await self.mind.memories.forget_where(owner, of_runs, by=owner, purge=True)
        if self.registry.local is not None:
            await self.registry.local.forget()

    def _memories_changed(self, changes: Sequence[Change]) -> None:
        """Answers that rest on them are made anew, and agents at work that were told them hear of it."""
        matter = [change for change in changes if change.what not in ("added", "merged")]
        if matter and self._group is not None:
            self._group.create_task(self._pass_on(matter))

    async def _pass_on(self, changes: Sequence[Change]) -> None:
        try:
            await self.cache.invalidate(*{f"memory:{change.id}" for change in changes})
            await tell_reminded(self.engine, changes, self._may_read)
        except StorageFailure as error:
            log.warning("a change of memories could not be passed on: %s", error.actual)

    def _may_read(self, name: str) -> list[Scope]:
        """The scopes that a role may read; none where its file is gone."""
        try:
            return self.roles.get(name).memory.recall
        except NotFound:
            return []

    async def _roles_changed(self, roles: list[Role]) -> None:
        await self.engine.patiently(lambda: self._keep(roles))
        for role in roles:
            await self.cache.invalidate(f"role:{role.name}")
        self.telling.models_changed("roles")

    def _models_changed(self, reason: str) -> None:
        self.telling.models_changed(reason)
        if reason == "embedded" and self.registry.embedded_state().state == "ready":
            self.warmer.first()

    def _read_in_advance(self, requests: Sequence[ChatRequest]) -> None:
        if self.registry.local is not None:
            self.registry.local.warm(requests)

    def _changed(self, state: RunState, log: Sequence[Recorded]) -> None:
        """A run began or ended."""
        self.run_log.changed(state)
        self.schooling.changed(state, log)
        self.summaries.ended(state)
        if self.remembering is not None:
            self.remembering.ended(state)
        if state.started is not None:
            self.telling.thread_changed(state.started.owner, state.started.thread_id)


@contextlib.asynccontextmanager
async def _annex(settings: Settings) -> AsyncGenerator[Place]:
    async with Alma(settings, annex=True).running(sweep=False) as alma:
        yield alma.place


def create_app(alma: Alma, *, sweep: bool = True) -> FastAPI:
    """The ASGI app around `alma`: WebSocket, JSON API, health, page."""

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
        try:
            async with alma.running(sweep=sweep):
                yield
        except BaseExceptionGroup:
            log.critical("a part of Alma failed for good; the server stops", exc_info=True)
            alma.failed = True
            signal.raise_signal(signal.SIGTERM)
            raise

    settings = alma.settings
    return build(
        alma.sessions,
        alma.registry,
        alma.roles,
        alma.files,
        alma.cache,
        alma.mind.memories,
        alma.mind.library,
        alma.guard,
        alma.access,
        alma.lookout.health,
        alma.lookout.alerts,
        alma.lookout.reports,
        alma.recorder.errors,
        stopping=lambda: alma.lookout.stopping,
        metrics=alma.watch.doors if alma.watch is not None else None,
        clerk=alma.watch,
        remembers=settings.memory,
        no_vectors=lambda: alma.mind.dense.problem,
        welcome=Welcome(
            protocol=PROTOCOL,
            version=__version__,
            boot_id=secrets.token_hex(6),
            heartbeat_seconds=settings.heartbeat_seconds,
            max_frame_bytes=settings.max_frame_bytes,
            max_prompt_chars=settings.max_prompt_chars,
        ),
        outbox_bytes=settings.outbox_bytes,
        more=doors(alma.schooling, alma.shares, alma.sessions.feedback, alma.experiments),
        lifespan=lifespan,
    )
