"""The engine: carries every run from its last entry to its end.

Each run that this process knows is an `Active`: its folded state, the workers on its tasks, what it has queued. Whoever
brings news (a worker's entry, another process's, a user's word, a timer) lets the engine decide again: decisions are
made by `decide.py`, tasks go through the dispatcher to workers (`worker.py`), ends are appended on the condition that
the log has not grown meanwhile. Nobody leads: any process may do so for any run.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar, assert_never

from alma.agent.task import Desk as AgentDesk
from alma.agent.task import Outcome, Task
from alma.db.database import Database
from alma.engine.active import Active, end_entry
from alma.engine.bus import Bus, Item
from alma.engine.decide import Begin, Complete, End, RunLimits, Wake, decide
from alma.engine.dispatch import Dispatcher, Ticket
from alma.engine.journal import Fence, Journal
from alma.engine.ledger import Ledger
from alma.engine.open_text import OpenText
from alma.engine.recording import Recording
from alma.engine.state import RunState
from alma.engine.turns import Conversations
from alma.engine.worker import Policy, Worker
from alma.errors import FenceLost, HeadMoved, NotFound, StorageFailure
from alma.events import (
    ErrorFacts,
    JournalEntry,
    Recorded,
    RunFinished,
    StopRequested,
)
from alma.observability.context import bind
from alma.observability.fingerprint import of_error
from alma.plan import MAIN

log = logging.getLogger(__name__)
T = TypeVar("T")


class Agent(Protocol):
    async def run(self, task: Task, desk: AgentDesk) -> Outcome: ...


class Engine:
    """`policy`: how failures are met. `limits`: of a run. `ledger`: what owners may use and have used. `clock`: Unix
    seconds. `trouble` is told when the engine has to wait for the database and (None) when that is over; `changed` when
    a run begins or ends. `sweep_every`: seconds between two looks for runs that nobody carries on; 0 looks once, at the
    start."""

    def __init__(
        self,
        database: Database,
        journal: Journal,
        bus: Bus,
        agent: Agent,
        dispatcher: Dispatcher,
        *,
        policy: Policy | None = None,
        limits: RunLimits = RunLimits(),  # noqa: B008  # frozen
        ledger: Ledger | None = None,
        clock: Callable[[], float] = time.time,
        jitter: Callable[[], float] = lambda: random.uniform(0.5, 1.5),
        trouble: Callable[[StorageFailure | None], None] = lambda _error: None,
        changed: Callable[[RunState, Sequence[Recorded]], None] = lambda _state, _log: None,
        sweep_every: float = 0.0,
        heartbeat_every: float = 5.0,
    ) -> None:
        self.open_text = OpenText()
        self.database = database
        self.conversations = Conversations(database)
        self.journal = journal
        self.ledger = ledger or Ledger(journal, clock=lambda: self.clock())
        self.bus = bus
        self.agent = agent
        self.policy = policy or Policy()
        self.clock = clock
        self.jitter = jitter
        self._dispatcher = dispatcher
        self._limits = limits
        self.trouble = trouble
        self._changed = changed
        self._sweep_every = sweep_every
        self._heartbeat_every = heartbeat_every
        self._active: dict[str, Active] = {}
        self._working: dict[tuple[str, str], Ticket] = {}
        self._group: asyncio.TaskGroup | None = None

    # ── living ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def run(self, ready: Callable[[], None], *, sweep: bool = True) -> None:
        """Take up what an earlier process left unfinished (`sweep`), call `ready`, then carry runs until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                await self.ledger.load()
                if sweep:
                    await self._sweep()
                ready()
                group.create_task(self._beat())
                if self._sweep_every:
                    group.create_task(self._sweep_forever())
                while True:
                    ticket = await self._dispatcher.claim()
                    group.create_task(self._work(ticket))
            finally:
                self._group = None  # nothing new is begun while what is under way is being cancelled

    async def _sweep(self) -> None:
        """Take up every unfinished run, also those that are known: a ticket or news of them may have been lost. What is
        queued or worked on already stays so."""
        for run_id in await self.journal.unfinished():
            self.take_up(run_id)

    async def _sweep_forever(self) -> None:
        while True:
            await asyncio.sleep(self._sweep_every)
            try:
                await self._sweep()
            except StorageFailure as error:
                log.warning("the sweep waits for the database: %s", error.actual)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._heartbeat_every)
            self._dispatcher.heartbeat(list(self._working.values()))

    @property
    def running(self) -> int:
        """Runs that have no end yet, as far as this process knows."""
        return len(self._active)

    @property
    def busy(self) -> bool:
        """Whether any task is being worked on, or about to be."""
        return any(active.workers or active.queued for active in self._active.values())

    # ── what a session asks for ───────────────────────────────────────────────────────────────────────────────────

    def begin(self, first: Sequence[Recorded], fence: Fence) -> None:
        """Carry a run that was just inserted with these entries; `fence` came with it."""
        active = self._add(Active(RunState(first[0].run_id), fence=fence))
        for recorded in first:
            active.take(recorded)
        self._know(active)
        self.advance(active)

    def take_up(self, run_id: str) -> None:
        """Carry on an unfinished run, read anew if it is known already."""
        active = self._active.get(run_id) or self._add(Active(RunState(run_id)))
        active.behind = True
        active.elsewhere.clear()
        active.queued.clear()
        self.advance(active)

    def carried(self) -> list[Active]:
        """The runs that this process carries and whose log it knows."""
        return [active for active in self._active.values() if active.thread_id]

    async def tell(self, thread_id: str, run_id: str, *news: JournalEntry) -> bool:
        """Durably add a user's word to a run that is not finished, and act on it. Whether it came in time."""
        written = await self.journal.append(thread_id, run_id, news)
        if written and run_id not in self._active:
            self.take_up(run_id)
        return bool(written)

    async def stop(self, run_id: str, thread_id: str, task_id: str = MAIN) -> None:
        """Durably ask to stop, then end the model calls concerned at once. What has ended stays as it is."""
        await self.tell(thread_id, run_id, StopRequested(at=self.clock(), task_id=task_id))

    def state(self, run_id: str) -> RunState | None:
        """The folded state of a run that this process carries."""
        active = self._active.get(run_id)
        return None if active is None or active.behind else active.state

    def abandon(self, run_id: str) -> None:
        """Drop a run whose log was deleted."""
        active = self._active.get(run_id)
        if active is not None:
            active.abandoned = True
            for worker in list(active.workers.values()):
                worker.drop()
            self._forget(active)

    # ── knowing runs ──────────────────────────────────────────────────────────────────────────────────────────────

    def _add(self, active: Active) -> Active:
        assert self._group is not None, "Engine.run must be running"
        self._active[active.run_id] = active
        return active

    def _know(self, active: Active) -> None:
        """Its first entry is known: follow what others write, and say that it is there."""
        started = active.state.started
        if started is None or active.thread_id:
            return
        active.thread_id = started.thread_id
        active.unsubscribe = self.bus.subscribe(started.thread_id, lambda item: self._hear(active, item))
        self._changed(active.state, active.log)

    def _forget(self, active: Active) -> None:
        if self._active.pop(active.run_id, None) is None:
            return
        active.unsubscribe()
        if active.wake is not None:
            active.wake.cancel()
        if active.state.started is not None:
            self._changed(active.state, active.log)

    def _hear(self, active: Active, item: Item) -> None:
        if isinstance(item, Recorded) and item.run_id == active.run_id:
            self.absorb(active, (item,))

    def absorb(self, active: Active, written: Sequence[Recorded]) -> None:
        """Take what was written, here or elsewhere, into the state; a gap is read up before anything is decided."""
        news = False
        for recorded in written:
            if recorded.seq > active.state.head + 1:
                active.behind = news = True
            elif recorded.seq == active.state.head + 1:
                active.take(recorded)
                news = True
        if news:
            self.advance(active)

    async def catch_up(self, active: Active) -> None:
        """Read what the log has and the state has not."""
        active.behind = False
        for recorded in await self.patiently(lambda: self.journal.read(active.run_id, active.state.head)):
            active.take(recorded)
        self._know(active)

    # ── deciding ──────────────────────────────────────────────────────────────────────────────────────────────────

    def advance(self, active: Active) -> None:
        """Decide, and act on it; by itself or, where that takes waiting, in a task. Never waits, never raises."""
        active.again = True
        if active.deciding or active.abandoned or self._group is None:
            return
        if not active.behind:
            active.again = False
            ends = self._act(active)
            if not ends and not self._is_over(active):
                return
            if not ends:
                self._forget(active)
                return
            active.again = True
        active.deciding = True
        self._group.create_task(self._decide(active))

    def _is_over(self, active: Active) -> bool:
        """Whether nothing is left to do here: the run has ended, or another process has it."""
        if active.workers:
            return False
        return active.state.finished is not None or bool(active.elsewhere and not active.queued)

    async def _decide(self, active: Active) -> None:
        """Until nothing is left to decide; nothing that goes wrong in one run reaches the others."""
        bind(part="engine", run_id=active.run_id, thread_id=active.thread_id)
        try:
            while active.again and not active.abandoned:
                active.again = False
                if active.behind:
                    await self.catch_up(active)
                ends = self._act(active)
                if ends:
                    await self._end(active, ends)
        except NotFound as error:
            log.info("run %s is gone: %s", active.run_id, error)
            active.abandoned = True
        except Exception as error:  # noqa: BLE001  # the run's boundary
            await self.give_up(active, error)
        finally:
            active.deciding = False
        if active.abandoned or active.state.started is None or self._is_over(active):
            self._forget(active)

    def _act(self, active: Active) -> list[JournalEntry]:
        """Do what can be done at once; gives back the ends that are to be written."""
        now = self.clock()
        ends: list[JournalEntry] = []
        for decision in decide(active.state, now, self._limits_of(active), (active.workers, active.queued)):
            match decision:
                case Begin():
                    self._enqueue(active, decision)
                case End():
                    worker = active.workers.get(decision.task_id)
                    if worker is not None:
                        worker.cut(decision)
                    elif decision.task_id != MAIN or not active.workers:
                        ends.append(end_entry(decision, now, active.state.tasks[decision.task_id].asked))
                case Complete():
                    if not active.workers:
                        ends.append(RunFinished(at=now, status="completed"))
                case Wake(at):
                    if at != active.wake_at:
                        self._wake(active, at, now)
                case _:
                    assert_never(decision)
        return ends

    def _limits_of(self, active: Active) -> RunLimits:
        """The user's own limit comes before the settings'."""
        started = active.state.started
        seconds = self.ledger.own(started.owner, "run").seconds if started is not None else None
        return self._limits if seconds is None else RunLimits(seconds)

    def _wake(self, active: Active, at: float, now: float) -> None:
        """Decide again at `at`, instead of when it was to be before."""

        def decide_again() -> None:
            active.wake_at = 0.0
            self.advance(active)

        if active.wake is not None:
            active.wake.cancel()
        active.wake_at = at
        active.wake = asyncio.get_running_loop().call_later(max(at - now, 0.0), decide_again)

    def _enqueue(self, active: Active, decision: Begin) -> None:
        task_id = decision.task_id
        if task_id in active.workers or task_id in active.queued or task_id in active.elsewhere:
            return
        active.queued.add(task_id)
        self._dispatcher.enqueue(active.ticket(decision))

    async def _end(self, active: Active, ends: list[JournalEntry]) -> None:
        """Write the ends, on the condition that the log is as it was when they were decided."""
        try:
            await Recording(self, active, ends, None, active.state.head)
        except HeadMoved:
            active.behind = active.again = True

    async def give_up(self, active: Active, error: Exception) -> None:
        """A bug: end this run, so that the user is told and nothing hangs."""
        run_id = active.run_id
        log.error("run %s failed on a bug", run_id, exc_info=error)
        if active.state.started is None:
            return  # its log could not be read: it is not ours to end
        facts = ErrorFacts(
            "internal",
            f"Alma failed on a bug of its own: {error!r}",
            hint=f"The log has run {run_id}.",
            fingerprint=of_error(error).id,
        )
        end = RunFinished(at=self.clock(), status="failed", error=facts)
        try:
            self.absorb(active, await self.journal.append(active.thread_id, run_id, [end]))
        except Exception as refused:  # noqa: BLE001  # it stays unfinished, and the next start takes it up
            log.error("run %s could not be ended: %s", run_id, refused)
            active.abandoned = True

    # ── working ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def _work(self, ticket: Ticket) -> None:
        """One activation of one task, whoever it was that enqueued it."""
        bind(part="worker", run_id=ticket.run_id, task_id=ticket.task_id, owner=ticket.owner)
        key = (ticket.run_id, ticket.task_id)
        self._working[key] = ticket
        active = self._active.get(ticket.run_id)
        worker: Worker | None = None
        try:
            if active is None:
                active = self._add(Active(RunState(ticket.run_id)))
                active.behind = True
            if active.behind:
                await self.catch_up(active)
            bind(thread_id=active.thread_id)
            active.queued.discard(ticket.task_id)
            if active.state.started is None:  # it was deleted while the ticket was queued
                active.abandoned = True
                self._forget(active)
            if ticket.task_id in active.workers or ticket.task_id not in active.state.ready or active.state.paused:
                return
            worker = Worker(self, active, active.state.tasks[ticket.task_id])
            active.workers[ticket.task_id] = worker
            try:
                await worker.run()
            finally:
                del active.workers[ticket.task_id]
        except (FenceLost, NotFound) as error:
            log.info("task %s of run %s is no longer ours: %s", ticket.task_id, ticket.run_id, error)
            if active is not None:
                active.behind = True
                if worker is None or worker.claimed:  # else it was begun on old news: look again
                    active.elsewhere.add(ticket.task_id)
        except Exception as error:  # noqa: BLE001  # the task's boundary
            if active is not None:
                await self.give_up(active, error)
        finally:
            self._working.pop(key, None)
            self._dispatcher.ack(ticket)
            if active is not None:
                self.advance(active)

    # ── writing ───────────────────────────────────────────────────────────────────────────────────────────────────

    def submit(
        self, active: Active, new: Sequence[JournalEntry], fence: Fence | None, head: int | None = None
    ) -> asyncio.Future[list[Recorded]]:
        """Append under a task's fence; what was written goes into the state unless something before it is missing."""

        def wrote(written: list[Recorded], turn: int) -> None:
            self.absorb(active, written)
            if (started := active.state.started) is not None:
                self.ledger.wrote(started.owner, started.thread_id, written, turn)

        return self.journal.submit(active.thread_id, active.run_id, new, fence=fence, head=head, then=wrote)

    async def patiently(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do `work`, again and again while the database cannot, up to 5 s apart."""
        delay = 0.25
        while True:
            try:
                result = await work()
            except StorageFailure as error:
                log.warning("waiting for the database: %s", error.actual)
                self.trouble(error)
                await asyncio.sleep(delay)
                delay = min(delay * 2, 5.0)
                continue
            if delay > 0.25:
                self.trouble(None)
            return result
