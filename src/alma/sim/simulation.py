"""One seed: a world is built, goes through its weather, comes to rest, and is judged."""

from __future__ import annotations

import contextlib
import gc
import sys
import warnings
from collections.abc import Callable, Generator
from types import SimpleNamespace

from msgspec import Struct

import alma.agent.call
import alma.session.ids
import alma.session.sessions
import alma.session.threads
import alma.tools.tool
from alma.sim.client import Client
from alma.sim.database import Trouble
from alma.sim.faults import Planned, Weather, forecast
from alma.sim.judge import Judge
from alma.sim.network import Network, TicketQueue
from alma.sim.process import House, Process
from alma.sim.world import EPOCH, World

_PATIENCE_S = 600.0  # virtual seconds after the last fault in which every run must have come to its end
_LOOK_S = 0.8  # between two looks of a user


class Outcome(Struct, frozen=True):
    """What came of a seed. `violation` empty: all promises held. `digest`: of all that happened."""

    seed: int
    violation: str
    digest: int
    seconds: float  # virtual
    entries: int
    callbacks: int


def simulate(house: House, seed: int, tell: Callable[[str], None] | None = None) -> Outcome:
    """Play one seed. The same seed gives the same outcome, digest and all."""
    world = World(seed, tell)
    with _stage(world):
        play = _Play(house, world, forecast(world.random))
        violation = play.run()
        log = sum(len(entries) for entries in play.judge.logs.values())
        play.bury()
        del play
        gc.collect()
    return Outcome(seed, violation, world.digest, world.now - EPOCH, log, world.callbacks)


class _Play:
    def __init__(self, house: House, world: World, weather: Weather) -> None:
        self.world = world
        self.weather = weather
        self.judge = Judge(world)
        self._house = house
        self._network = Network(world, weather.losses)
        self._queue = TicketQueue(self._network)
        self._client = Client(world, self.judge, weather.asks)
        self._storage_fails = False
        self._calm = False
        self._all: list[Process] = []
        self._alive: list[Process | None] = [None] * weather.processes

    def run(self) -> str:
        """Returns what promise was broken; empty: none."""
        world, house = self.world, self._house
        world.note(f"weather {self.weather}")
        house.database.clear(world)
        house.database.committed = self.judge.committed
        house.database.first_entries = self.judge.first_entries
        house.database.trouble = self._trouble
        house.tools.enter(world, self.judge)
        house.roles.dress(self.weather.manners)
        for number in range(self.weather.processes):
            self._start(number)
        for fault in self.weather.faults:
            world.after(fault.at, self._strike, fault)
        world.after(self.weather.horizon, self._clear_up)
        world.after(0.1, self._look)
        if not world.run(lambda: self._client.done, world.now + self.weather.horizon + _PATIENCE_S):
            world.blame(self._stuck())
        if world.violation is None:
            house.database.trouble = lambda: ""
            house.database.now(self.judge.close)
        return str(world.violation or "")

    def _stuck(self) -> str:
        states = self.judge.unfinished()
        if not states:
            return "the client never learnt of the end"
        state = states[0]
        open_tasks = {task.id: task.status for task in state.tasks.values() if not task.ended}
        return (
            f"run {state.run_id} is stuck at seq {state.head}: open {open_tasks}, ready {list(state.ready)},"
            f" ending {list(state.ending)}, paused {state.paused}"
        )

    # ── processes ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _start(self, number: int) -> None:
        process = Process(
            self._house,
            self.world,
            self.judge,
            self._network,
            self._queue,
            self.weather.manners,
            (self.weather.run_seconds, self.weather.run_tokens),
            f"process {number}.{len(self._all)}",
            lambda gone: self._gone(number, gone),
        )
        process.model.calm = self._calm
        self._all.append(process)
        self._alive[number] = process

    def _gone(self, number: int, process: Process) -> None:
        if self._alive[number] is process:
            self._alive[number] = None
            self.world.after(0.1 if self._calm else self.world.random.random() * 4, self._start, number)

    # ── what goes wrong ───────────────────────────────────────────────────────────────────────────────────────────

    def _strike(self, fault: Planned) -> None:
        self.world.note(f"fault {fault.name} of process {fault.process} for {fault.seconds:.1f} s")
        process = self._alive[fault.process]
        match fault.name:
            case "storage":
                self._storage_fails = True
                self.world.after(fault.seconds, self._storage_is_well)
            case "disconnect":
                self._client.disconnect()
            case _ if process is None:
                pass
            case "kill":
                process.loop.fuse = self.world.random.randrange(200)
            case "stop":
                process.stop()
            case "pause":
                process.loop.pause()
                self.world.after(fault.seconds, process.loop.resume)
            case "cut_off":
                self._network.cut_off.add(process.loop)
                self.world.after(fault.seconds, self._network.cut_off.discard, process.loop)

    def _storage_is_well(self) -> None:
        self._storage_fails = False

    def _trouble(self) -> Trouble:
        if self._calm or not (
            self.world.chance(0.7) if self._storage_fails else self.world.chance(self.weather.storage)
        ):
            return ""
        return self.world.random.choice(("refused", "rolled_back", "unanswered"))

    def _clear_up(self) -> None:
        """From now on everything works, and the user is diligent."""
        self.world.note("the weather clears up")
        self._calm = True
        self._storage_fails = False
        self._network.cut_off.clear()
        self._network.losses.news = self._network.losses.tickets = 0.0
        self._network.losses.twice = self._network.losses.acks = 0.0
        for process in self._alive:
            if process is not None:
                process.model.calm = True
                process.loop.fuse = None
                process.loop.resume()

    # ── who watches ───────────────────────────────────────────────────────────────────────────────────────────────

    def _look(self) -> None:
        world, client = self.world, self._client
        serving = [process for process in self._alive if process is not None and process.serves]
        if serving and (client.line is None or client.line.process.loop.dead or world.chance(0.02)):
            client.connect(world.random.choice(serving))
        client.look(0.0 if self._calm else self.weather.whims)
        if world.chance(0.2):
            for process in serving:
                self.judge.compare(process.engine, process.name)
        world.after(_LOOK_S * (0.5 + world.random.random()), self._look)

    def bury(self) -> None:
        """Let go of everything that is still under way."""
        for process in self._all:
            process.loop.kill()
            process.loop.bury()


@contextlib.contextmanager
def _stage(world: World) -> Generator[None]:
    """Clocks and ids are the world's; what falls down when a world is cleared away is nobody's error."""

    def token_hex(size: int) -> str:
        return world.random.randbytes(size).hex()

    clock = SimpleNamespace(time=world.clock, perf_counter=world.clock, time_ns=lambda: int(world.now * 1e9))
    ids = SimpleNamespace(token_hex=token_hex)
    places = [
        (alma.agent.call, "time", clock),
        (alma.tools.tool, "time", clock),
        (alma.session.sessions, "time", clock),
        (alma.session.threads, "time", clock),
        (alma.session.ids, "time", clock),
        (alma.session.ids, "secrets", ids),
    ]
    before = [getattr(module, name) for module, name, _ in places]
    hook = sys.unraisablehook
    sys.unraisablehook = lambda _unraisable: None
    gc.disable()
    try:
        for module, name, value in places:
            setattr(module, name, value)
        with warnings.catch_warnings(action="ignore", category=RuntimeWarning):  # of coroutines that were never begun
            yield
    finally:
        for (module, name, _), value in zip(places, before, strict=True):
            setattr(module, name, value)
        gc.enable()
        sys.unraisablehook = hook
