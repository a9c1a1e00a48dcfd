"""One simulated process: the real engine, agent, journal and sessions on an event loop that may die at any callback."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from pathlib import Path
from typing import cast

from alma.agent.plan_check import PlanLimits
from alma.agent.roles import Roles
from alma.agent.router import Router
from alma.agent.run import Agent
from alma.agent.tooling import Tooling
from alma.engine.budget import Limits as BudgetLimits
from alma.engine.decide import RunLimits
from alma.engine.journal import Journal
from alma.engine.ledger import Ledger
from alma.engine.runner import Engine
from alma.engine.worker import Duty, Policy
from alma.errors import StorageFailure
from alma.memory.embedder import Embedder
from alma.plan import MANAGER
from alma.security.caller import Caller
from alma.server.commands import PROTOCOL
from alma.server.connection import Connection, Socket
from alma.server.guard import unguarded
from alma.session.feed import Feeds
from alma.session.notices import Notices
from alma.session.sessions import Limits, Sessions
from alma.session.steering import Steering
from alma.session.wire import Welcome
from alma.sim.cast import Manners, SimModel, SimRoles, SimTools, WatchedAgent
from alma.sim.database import SimDatabase
from alma.sim.judge import Judge
from alma.sim.network import HEARTBEAT_S, Network, SimBus, SimDispatcher, TicketQueue
from alma.sim.promises import MOST_TASKS
from alma.sim.world import SimLoop, World

OWNER = "ada"
SWEEP_S = 10.0
_OUTBOX_BYTES = 2000  # small, so that clients fall behind
_WELCOME = Welcome(
    protocol=PROTOCOL,
    version="simulated",
    boot_id="boot",
    heartbeat_seconds=100_000,
    max_frame_bytes=1_000_000,
    max_prompt_chars=10_000,
)


class House:
    """What all processes of all seeds share, because it is dear to make and never changes."""

    def __init__(self) -> None:
        self.database = SimDatabase()
        self.roles = SimRoles(Roles(None))
        self.tools = SimTools()
        self.embedder = Embedder(Path("nowhere"))
        gc.freeze()  # what is here by now stays: clearing a world away need not look at it


class Process:
    """Starts at once. `died` is called when it is gone, however that came."""

    def __init__(
        self,
        house: House,
        world: World,
        judge: Judge,
        network: Network,
        queue: TicketQueue,
        manners: Manners,
        limits: tuple[float, int],
        name: str,
        died: Callable[[Process], None],
    ) -> None:
        self.name = name
        self.world = world
        self.loop = SimLoop(world, name)
        self.loop.on_fuse = self.kill
        self.ready = False
        self._house = house
        self._died = died
        bus = SimBus(network, self.loop)
        journal = Journal(house.database, bus)
        roles = house.roles
        router = Router(lambda: roles.get(MANAGER), house.embedder)
        self.model = SimModel(world, judge, manners)
        agent = Agent(roles, router, self.model, Tooling(house.tools.box, world.clock), world.clock)  # pyright: ignore[reportArgumentType]  # `resolve` gives a model of its own kind
        self.engine = self.model.engine = Engine(
            house.database,
            journal,
            bus,
            WatchedAgent(agent),
            SimDispatcher(queue, self.loop),
            policy=Policy(3, self._duty, lambda role: role in roles.names(), max_reviews=2, max_tasks=MOST_TASKS),
            limits=RunLimits(limits[0]),
            ledger=Ledger(journal, {"run": BudgetLimits(limits[1])}, clock=world.clock),
            clock=world.clock,
            jitter=lambda: world.random.uniform(0.5, 1.5),
            sweep_every=SWEEP_S,
            heartbeat_every=HEARTBEAT_S,
        )
        self._guard = unguarded()
        self.sessions = Sessions(
            house.database,
            journal,
            self.engine,
            router,
            self.model,  # pyright: ignore[reportArgumentType]  # the same
            Feeds(bus),
            Notices(),
            Limits(max_prompt_chars=10_000, max_unfinished_runs=100),
            Steering(house.database, self.engine, PlanLimits(tasks=MOST_TASKS, task_tokens=0), roles),
        )
        self._main = self.loop.create_task(self.engine.run(self._is_ready))
        self._main.add_done_callback(self._ended)
        world.note(f"{name} starts")

    def _duty(self, name: str) -> Duty:
        role = self._house.roles.get(name)
        stand_ins: list[tuple[str | None, str | None]] = [(other, None) for other in role.stand_ins]
        return Duty(role.version, role.budgets.tokens, role.budgets.seconds, stand_ins)

    def _is_ready(self) -> None:
        self.ready = True

    @property
    def serves(self) -> bool:
        """Whether a client that asks now is answered."""
        return self.ready and not self.loop.dead and not self.loop.paused

    def connect(self, socket: Socket) -> None:
        connection = Connection(self.sessions, socket, Caller(OWNER), _WELCOME, _OUTBOX_BYTES, self._guard, watch=False)
        self.loop.create_task(connection.run()).add_done_callback(self._disconnected)

    def _disconnected(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None and not self.loop.dead:
            self.world.blame(f"{self.name}: a connection failed: {error!r}")

    def kill(self) -> None:
        """At once, and without a word: nothing of it is ever run again."""
        if self.loop.dead:
            return
        self.world.note(f"{self.name} is killed")
        self.loop.kill()
        self._house.database.last_words(self.loop)
        self._died(self)

    def stop(self) -> None:
        """As SIGTERM does it: what is under way is cancelled, and may clean up."""
        if not self.loop.dead:
            self.world.note(f"{self.name} is stopped")
            self.loop.call_soon(self._main.cancel)

    def _ended(self, main: asyncio.Task[None]) -> None:
        if not main.cancelled() and (error := main.exception()) is not None and not _could_not_start(error):
            self.world.blame(f"{self.name}: the engine ended: {error!r}")
        self.world.note(f"{self.name} has ended")
        self.loop.kill()
        self._died(self)


def _could_not_start(error: BaseException) -> bool:
    """A process that finds no database when it starts gives up, and is started again."""
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        return all(_could_not_start(one) for one in group.exceptions)
    return isinstance(error, StorageFailure)
