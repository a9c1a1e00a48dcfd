"""The engine: carries every run from its last entry to its end.

For each run one task folds the log, asks `state.decide` for the next step, and takes it. What an agent says goes
through its desk into the journal and onto the bus. After a crash `run` takes up every unfinished run again.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Generator, Sequence
from typing import Any, Protocol, TypeVar

from alma.agent.task import Answer, Failed, Outcome, Task, Turn
from alma.agent.task import Desk as AgentDesk
from alma.db.database import Database
from alma.engine.bus import Bus
from alma.engine.journal import Fence, Journal
from alma.engine.open_text import OpenMessage, OpenText
from alma.engine.state import Attempt, Finish, Rest, RunState, apply, decide, fold, retry_delay_ms
from alma.engine.turns import read_history
from alma.errors import FenceLost, NotFound, StorageFailure
from alma.events import (
    AttemptFailed,
    Delta,
    ErrorFacts,
    JournalEntry,
    MessageFinished,
    MessageStarted,
    Recorded,
    RunFinished,
    RunStarted,
    StopRequested,
    Timing,
    Usage,
)

log = logging.getLogger(__name__)
T = TypeVar("T")


class Agent(Protocol):
    async def run(self, task: Task, desk: AgentDesk) -> Outcome: ...


class _Active:
    """A run that this process carries now. `fence` is None until it is claimed; `attempt` is the cancellable part."""

    __slots__ = ("abandoned", "attempt", "fence", "state", "stopping", "thread_id")

    def __init__(self, state: RunState, fence: Fence | None) -> None:
        self.state = state
        self.fence = fence
        self.thread_id = state.started.thread_id if state.started is not None else ""
        self.attempt: asyncio.Task[Outcome | Exception] | None = None
        self.stopping = False
        self.abandoned = False


class Engine:
    """`max_attempts`: how often a message is tried when its endpoint fails. `clock`: Unix seconds. `trouble` is told
    when the engine has to wait for the database and (None) when that is over; `changed` when a run begins or ends."""

    def __init__(
        self,
        database: Database,
        journal: Journal,
        bus: Bus,
        agent: Agent,
        *,
        max_attempts: int = 3,
        clock: Callable[[], float] = time.time,
        jitter: Callable[[], float] = lambda: random.uniform(0.5, 1.5),
        trouble: Callable[[StorageFailure | None], None] = lambda _error: None,
        changed: Callable[[RunStarted], None] = lambda _started: None,
    ) -> None:
        self.open_text = OpenText()
        self._database = database
        self._journal = journal
        self._bus = bus
        self._agent = agent
        self._max_attempts = max_attempts
        self._clock = clock
        self._jitter = jitter
        self._trouble = trouble
        self._changed = changed
        self._active: dict[str, _Active] = {}
        self._group: asyncio.TaskGroup | None = None

    async def run(self, ready: Callable[[], None], *, sweep: bool = True) -> None:
        """Take up what an earlier process left unfinished (`sweep`), call `ready`, then carry runs until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            for run_id in await self._journal.unfinished() if sweep else []:
                self.take_up(run_id)
            ready()
            await asyncio.Event().wait()

    def begin(self, first: Recorded, fence: Fence) -> None:
        """Carry a run that was just inserted; `fence` came with it."""
        self._spawn(_Active(fold(first.run_id, [first]), fence))

    def take_up(self, run_id: str) -> None:
        """Carry an unfinished run, if nobody here does."""
        if run_id not in self._active:
            self._spawn(_Active(RunState(run_id), None))

    def _spawn(self, active: _Active) -> None:
        assert self._group is not None, "Engine.run must be running"
        self._active[active.state.run_id] = active
        self._group.create_task(self._carry(active))

    @property
    def running(self) -> int:
        return len(self._active)

    async def stop(self, run_id: str, thread_id: str) -> None:
        """Durably ask the run to stop, then end its model call at once. One that has ended stays as it is."""
        asked = await self._journal.append(thread_id, run_id, [StopRequested(at=self._clock())])
        if not asked:
            return
        self.take_up(run_id)  # nobody carries it: somebody must end it
        active = self._active[run_id]
        active.stopping = True
        active.state.stop_requested = True
        if active.attempt is not None:
            active.attempt.cancel()

    def abandon(self, run_id: str) -> None:
        """Drop a run whose log was deleted."""
        active = self._active.get(run_id)
        if active is not None:
            active.abandoned = True
            if active.attempt is not None:
                active.attempt.cancel()

    async def _carry(self, active: _Active) -> None:
        """Step by step to the end of the log; nothing that goes wrong in one run reaches the others."""
        run_id = active.state.run_id
        try:
            if active.fence is None:
                await self._claim(active)
            if active.state.started is not None:
                self._changed(active.state.started)
                await self._steps(active)
        except (FenceLost, NotFound) as error:
            log.info("run %s is no longer ours: %s", run_id, error)
        except Exception as error:  # noqa: BLE001  # the run's boundary
            await self._give_up(active, error)
        finally:
            self.open_text.end(run_id)
            self._active.pop(run_id, None)
            if active.state.started is not None:
                self._changed(active.state.started)

    async def _claim(self, active: _Active) -> None:
        run_id = active.state.run_id
        active.fence = await self._patiently(lambda: self._journal.claim(run_id, "main"))
        for recorded in await self._patiently(lambda: self._journal.read(run_id)):
            apply(active.state, recorded)
        if active.state.started is not None:
            active.thread_id = active.state.started.thread_id

    async def _steps(self, active: _Active) -> None:
        while True:
            match decide(active.state):
                case Rest():
                    return
                case Finish(status, error):
                    await self._record(active, RunFinished(at=self._clock(), status=status, error=error))
                case Attempt() as step:
                    await self._attempt(active, step)

    async def _give_up(self, active: _Active, error: Exception) -> None:
        run_id = active.state.run_id
        log.error("run %s failed on a bug", run_id, exc_info=error)
        if active.state.started is None:
            return  # its log could not be read: it is not ours to end
        facts = ErrorFacts("internal", f"Alma failed on a bug of its own: {error!r}", hint=f"The log has run {run_id}.")
        try:
            await self._record(active, RunFinished(at=self._clock(), status="failed", error=facts))
        except Exception as refused:  # noqa: BLE001  # it stays unfinished, and the next start takes it up
            log.error("run %s could not be ended: %s", run_id, refused)

    async def _attempt(self, active: _Active, step: Attempt) -> None:
        async with asyncio.TaskGroup() as group:
            attempt = active.attempt = group.create_task(self._run_agent(active, step))
        active.attempt = None
        if active.abandoned:
            raise NotFound("unknown_run", f"Run {active.state.run_id} was deleted.")
        outcome = None if attempt.cancelled() else attempt.result()
        message = self.open_text.of(active.state.run_id)
        match outcome:
            case Exception():
                raise outcome
            case Answer(finished):
                await self._record(active, finished, RunFinished(at=self._clock(), status="completed"))
            case Failed() if not active.stopping:
                await self._record(active, self._failure(active.state, step, outcome))
            case _ if message is not None and (message.n or message.reasoning_n):
                await self._record(active, _stopped(message, self._clock()))
            case _:
                pass  # stopped before a word was said: `decide` ends the run
        self.open_text.end(active.state.run_id)

    async def _run_agent(self, active: _Active, step: Attempt) -> Outcome | Exception:
        """The cancellable part. Errors come back as values, so that a group of one does not wrap them."""
        try:
            return await self._agent.run(await self._task(active, step), _Desk(self, active))
        except Exception as error:  # noqa: BLE001  # raised again by `_attempt`
            return error

    async def _task(self, active: _Active, step: Attempt) -> Task:
        delay = step.not_before - self._clock()
        if delay > 0:
            await asyncio.sleep(delay)
        state = active.state
        started = state.started
        assert started is not None
        history: list[Turn] = []
        older = 0
        if (parent := started.parent_run_id) is not None:
            history, older = await self._patiently(
                lambda: self._database.read(lambda connection: read_history(connection, parent))
            )
        return Task(
            run_id=state.run_id,
            thread_id=started.thread_id,
            owner=started.owner,
            text=started.text,
            history=history,
            attempt=step.attempt,
            model=started.model,
            older=older,
            kind=started.kind,
            route=state.route,
        )

    def _failure(self, state: RunState, step: Attempt, failed: Failed) -> AttemptFailed:
        failures = state.failures + 1
        retry = failed.retryable and failures < self._max_attempts
        return AttemptFailed(
            at=self._clock(),
            message_id=f"{state.run_id}.main",
            attempt=step.attempt,
            error=ErrorFacts(**failed.error.facts()),
            text=failed.text,
            retry_in_ms=retry_delay_ms(failures, failed.retry_after_ms, self._jitter()) if retry else None,
        )

    async def _record(self, active: _Active, *new: JournalEntry) -> None:
        """Append and fold; a full disk is waited out, so nothing that was computed is lost."""
        await self.settle(active, new, self.submit(active, new))

    def submit(self, active: _Active, new: Sequence[JournalEntry]) -> asyncio.Future[list[Recorded]]:
        return self._journal.submit(active.thread_id, active.state.run_id, new, fence=active.fence)

    async def settle(self, active: _Active, new: Sequence[JournalEntry], first: asyncio.Future[list[Recorded]]) -> None:
        """Wait for `first`, the submission of `new`; when the database could not, submit it again until it can."""
        try:
            written = await asyncio.shield(first)
        except StorageFailure as error:
            self._trouble(error)
            written = await self._patiently(lambda: self._append_once(active, new))
            self._trouble(None)
        for recorded in written:
            apply(active.state, recorded)

    async def _append_once(self, active: _Active, new: Sequence[JournalEntry]) -> list[Recorded]:
        """Append `new` unless it is there: a database that fails may have committed before it did."""
        run_id = active.state.run_id
        there = [one for one in await self._journal.read(run_id, active.state.head) if one.entry in new]
        if len(there) == len(new):
            for recorded in there:
                self._journal.publish(active.thread_id, recorded)
            return there
        return await asyncio.shield(self.submit(active, new))

    def publish(self, delta: Delta) -> None:
        self._bus.publish(delta.thread_id, delta)

    def now(self) -> float:
        return self._clock()

    async def _patiently(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do `work`, again and again while the database cannot, up to 5 s apart."""
        delay = 0.25
        while True:
            try:
                result = await work()
            except StorageFailure as error:
                log.warning("waiting for the database: %s", error.actual)
                self._trouble(error)
                await asyncio.sleep(delay)
                delay = min(delay * 2, 5.0)
                continue
            if delay > 0.25:
                self._trouble(None)
            return result


class _Recording:
    """Entries on their way to the journal from the moment they were recorded; awaiting it makes sure of them."""

    def __init__(self, engine: Engine, active: _Active, new: Sequence[JournalEntry]) -> None:
        self._engine = engine
        self._active = active
        self._new = new
        self._first = engine.submit(active, new)

    def __await__(self) -> Generator[Any, None, None]:
        return self._engine.settle(self._active, self._new, self._first).__await__()


class _Desk:
    """The desk of one attempt: facts to the journal under the run's fence, text to the bus."""

    def __init__(self, engine: Engine, active: _Active) -> None:
        self._engine = engine
        self._active = active
        self._message: OpenMessage | None = None

    def record(self, *entries: JournalEntry) -> Awaitable[None]:
        return _Recording(self._engine, self._active, entries)

    def open(self, started: MessageStarted) -> None:
        self._message = self._engine.open_text.begin(self._active.state.run_id, started, self._engine.now())

    def stream(self, delta: Delta) -> None:
        assert self._message is not None, "text before `open`"
        self._message.extend(delta)
        self._engine.publish(delta)


def _stopped(message: OpenMessage, at: float) -> MessageFinished:
    """What had streamed when the user stopped it is the message."""
    started = message.started
    return MessageFinished(
        at=at,
        message_id=started.message_id,
        attempt=started.attempt,
        text=message.text,
        reasoning=message.reasoning,
        finish_reason="stopped",
        usage=Usage(sum(section.tokens for section in started.sections), message.tokens, estimated=True),
        timing=Timing(round((message.opened_at - started.at) * 1000, 2), round((at - started.at) * 1000, 2)),
    )
