"""One activation of one task: the agent is run, and what comes of it is written under the task's fence.

A worker that has lost its fence falls silent. It can be cut off (a stop, a deadline): what had streamed is then the
message, and the end that was decided is written with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar, assert_never

from msgspec import Struct
from msgspec.structs import replace

from alma.agent.task import Answer, Failed, Outcome, Wait
from alma.engine.active import end_entry
from alma.engine.briefing import brief, delegations, mail
from alma.engine.budget import Granted, Room, share
from alma.engine.decide import End, after_failure
from alma.engine.fairness import Weight
from alma.engine.journal import UNCLAIMED, Fence
from alma.engine.open_text import OpenMessage
from alma.engine.outside import marked, of_turns, outside_of
from alma.engine.partial import answered_alone, said_so_far, stopped
from alma.engine.purse import Purse, raise_hint, spent_words, was_sent
from alma.engine.recording import Recording
from alma.engine.review import send_back
from alma.engine.state import TaskState
from alma.engine.turns import Conversation
from alma.errors import BudgetSpent, HeadMoved
from alma.events import (
    AgentMessage,
    AttemptFailed,
    BoardWritten,
    Delta,
    ErrorFacts,
    JournalEntry,
    MessageFinished,
    MessageStarted,
    PlanAmended,
    Recorded,
    RunFinished,
    TaskFinished,
    TaskStarted,
)
from alma.models.endpoints import Price
from alma.observability.context import bind
from alma.plan import MAIN, PlanTask, child_id, message_id, parent_of

if TYPE_CHECKING:
    from alma.engine.runner import Active, Engine


Changed = TypeVar("Changed", bound=JournalEntry)


class Duty(Struct, frozen=True):
    """What a role's file says of a task: its version, its own budget (0: a share of the parent's), who may stand in
    for it (role, model; None keeps it) when it has failed for good."""

    prompt_version: str = ""
    tokens: int = 0
    seconds: float = 0.0
    stand_ins: list[tuple[str | None, str | None]] = []


class Policy(Struct, frozen=True):
    """`max_attempts`: how often a step is tried before somebody else gets the task. `duty`: of a role, by name.
    `knows`: whether there is such a role. `max_reviews`: how often a critic may send the same work back; `max_tasks`:
    to how many a plan may grow while it runs. `weight`: of an owner's role, for the shares of a plan's budget."""

    max_attempts: int = 3
    duty: Callable[[str], Duty] = lambda _role: Duty()
    knows: Callable[[str], bool] = lambda _role: True
    max_reviews: int = 2
    max_tasks: int = 100
    weight: Weight | None = None


class Worker:
    def __init__(self, engine: Engine, active: Active, task: TaskState) -> None:
        self._engine = engine
        self._active = active
        self._task = task
        fence = active.fence if task.id == MAIN else None
        if fence is not None:
            active.fence = None  # good for one activation; the next claims anew
        self._fence = fence or Fence(active.run_id, task.id, seen=active.state.head)
        self._before: list[str] = []  # from outside, in the conversation
        self._first: list[JournalEntry] = []  # written with the first thing that the agent says
        self._tokens, self._seconds = task.budget_tokens, task.budget_seconds
        if task.id != MAIN and task.begun != task.assignment:
            started = self._started()
            self._tokens, self._seconds = started.tokens, started.seconds
            self._first.append(started)
        self._purse = Purse(engine, active, task, self._tokens, self._out_of)
        self._begun: set[str] = set()  # steps whose message was begun in this activation
        self._open: OpenMessage | None = None
        self._whole: Recording | None = None  # of the open message, once it has been written to its end
        self._attempt: asyncio.Task[Outcome | Exception | None] | None = None
        self._end: End | None = None
        self._dropped = False

    def _started(self) -> TaskStarted:
        task = self._task
        duty = self._engine.policy.duty(task.role)
        return TaskStarted(
            at=self._engine.clock(),
            task_id=task.id,
            role=task.role,
            prompt_version=duty.prompt_version,
            model=task.model or "",
            assignment=task.assignment,
            tokens=self._share(duty.tokens),
            seconds=(task.spec.seconds if task.spec is not None else 0.0) or duty.seconds,
        )

    def _share(self, own: int) -> int:
        state, weight = self._active.state, self._engine.policy.weight
        owner = state.started.owner if state.started is not None else ""
        return share(state.tasks, self._task, own, partial(weight, owner) if weight is not None else None)

    def cut(self, end: End) -> None:
        """End the activation at once, and the task so."""
        if self._end is None:
            self._end = end
            if self._attempt is not None:
                self._attempt.cancel()

    def drop(self) -> None:
        """Fall silent: the run is gone."""
        self._dropped = True
        if self._attempt is not None:
            self._attempt.cancel()

    @property
    def claimed(self) -> bool:
        """Whether the task was ours at any time."""
        return self._fence.epoch != UNCLAIMED

    async def run(self) -> None:
        """Raises `FenceLost`, `NotFound` when the task is not ours any more; and what is a bug."""
        try:
            if self._end is None:
                async with asyncio.TaskGroup() as group:
                    self._attempt = group.create_task(self._run_agent())
                    if self._end is not None:
                        self._attempt.cancel()
                outcome = None if self._attempt.cancelled() else self._attempt.result()
            else:
                outcome = None
            if self._dropped:
                return
            if isinstance(outcome, Exception):
                raise outcome
            if outcome is None or (self._end is not None and isinstance(outcome, Failed)):
                await self._cut_off()
            else:
                await self._finish(outcome)
        finally:
            self._purse.release()
            if self._open is not None:
                self.close(self._open.started.message_id)

    async def _run_agent(self) -> Outcome | Exception | None:
        """The cancellable part; None when its time is up. Errors come back as values, so that a group of one does not
        wrap them."""
        try:
            said = await self._history()
            self._before = of_turns(said.turns, older=bool(said.older))
            self._fence.seen = self._active.state.head
            task = replace(brief(self._active.state, self._task, list(said.turns), said.older), summary=said.summary)
            # Of a task that begins, its start is not in the log yet.
            task = replace(task, budget_tokens=self._tokens_left())
            left = self._seconds_left()
            if left is None:
                return await self._engine.agent.run(task, self)
            try:
                if left > 0:
                    async with asyncio.timeout(left):
                        return await self._engine.agent.run(task, self)
            except TimeoutError:
                pass
            self._end = self._end or self._out_of_time()
            return None
        except Exception as error:  # noqa: BLE001  # raised again by `run`
            return error

    async def _history(self) -> Conversation:
        started = self._active.state.started
        parent = started.parent_run_id if started is not None and self._task.id == MAIN else None
        if parent is None:
            return Conversation()
        engine = self._engine
        return await engine.patiently(lambda: engine.conversations.history(parent))

    # ── budgets ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _tokens_left(self) -> int:
        return max(self._tokens - self._task.spent_tokens, 1) if self._tokens else 0

    def _seconds_left(self) -> float | None:
        """Of a task's own budget; of the run's own task, until the user's limit for the run."""
        if self._task.id != MAIN:
            return max(self._seconds - self._task.spent_ms / 1000, 0.0) if self._seconds else None
        state = self._active.state
        if state.started is None or not state.started.seconds:
            return None
        return max(state.clock_from + state.started.seconds - self._engine.clock(), 0.0)

    def _out_of_time(self) -> End:
        if self._task.id == MAIN:
            assert self._active.state.started is not None
            limit = self._active.state.started.seconds
            self._purse.spent = Room("run", "seconds", limit, limit)
            return End(MAIN, "failed", self._facts(self._purse.spent))
        limit = self._seconds
        self._purse.reached(Room("task", "seconds", limit, limit))
        facts = ErrorFacts(
            "deadline",
            f"The task was not ready after {limit:g} s.",
            expected=f"an answer within its budget of {limit:g} s",
            hint="Raise budgets.seconds in the role's file, or ask for less at once.",
        )
        return End(self._task.id, "failed", facts)

    def _out_of(self, room: Room) -> None:
        """A budget of seconds is used up while the model speaks: what it has said is the answer."""
        if self._end is None:
            self._purse.spent = room
            self.cut(End(self._task.id, "failed", self._facts(room)))

    @staticmethod
    def _facts(room: Room) -> ErrorFacts:
        return ErrorFacts(BudgetSpent.code, f"{spent_words(room)}.", hint=raise_hint(room))

    # ── what comes of it ──────────────────────────────────────────────────────────────────────────────────────────

    async def _finish(self, outcome: Outcome) -> None:
        at, task = self._engine.clock(), self._task
        match outcome:
            case Answer(message) if task.id == MAIN:
                await self.record(message, RunFinished(at=at, status="completed"))
            case Answer(message):
                await self._hand_in(message, at)
            case Wait():
                pass
            case Failed(error=BudgetSpent()) if self._purse.spent is not None:
                await self._stop_short(self._purse.spent, at, self._failure(outcome, at))
            case Failed():
                await self.record(self._failure(outcome, at))
            case _:
                assert_never(outcome)

    async def _hand_in(self, message: MessageFinished, at: float) -> None:
        """The task's result; where it is a critic's verdict, the work may go back with it."""
        task = self._task
        end = TaskFinished(at=at, task_id=task.id, status="completed", message_id=message.message_id)
        said = [] if message.step in task.steps else [message]  # it may be there from before a crash
        spec = task.spec
        if spec is None or spec.review_of is None:
            await self.record(*said, end)
            return
        if said:
            await self.record(*said)
        while True:  # the numbers of new tasks are taken from the state: nobody may have taken them meanwhile
            more = send_back(self._active.state, task, message.text, self._engine.policy.max_reviews, at)
            try:
                await self.record(*more, end, head=self._active.state.head)
                return
            except HeadMoved:
                await self._engine.catch_up(self._active)

    async def _stop_short(self, room: Room, at: float, nothing: JournalEntry, *said: MessageFinished) -> None:
        """A budget is used up: the task, or the run, ends with what there is; with `nothing` where there is nothing.
        `said`: the message that was cut off."""
        self._purse.reached(room)
        state, task = self._active.state, self._task
        text = any(message.text for message in said)
        so_far = "" if text else said_so_far(state, task, spent_words(room))
        if not text and not so_far:
            await self.record(*said, nothing)
        elif task.id == MAIN:
            alone = () if text else answered_alone(state, task, so_far, at)
            await self.record(*(said if text else alone), RunFinished(at=at, status="completed"))
        else:
            message_id = said[-1].message_id if text else ""
            end = TaskFinished(at=at, task_id=task.id, status="completed", message_id=message_id, text=so_far)
            await self.record(*(said if text else ()), end)

    def _failure(self, failed: Failed, at: float) -> AttemptFailed:
        task, engine = self._task, self._engine
        stand_ins = engine.policy.duty(task.spec.role).stand_ins if task.spec is not None else []
        following = after_failure(
            task,
            retryable=failed.retryable,
            max_attempts=engine.policy.max_attempts,
            asked_ms=failed.retry_after_ms,
            jitter=engine.jitter(),
            stand_ins=stand_ins if not isinstance(failed.error, BudgetSpent) else [],
            others=failed.others,
        )
        return AttemptFailed(
            at=at,
            task_id=task.id,
            message_id=message_id(self._active.run_id, task.id, task.assignment, failed.step),
            attempt=task.attempts.get(failed.step, 0) + (failed.step not in self._begun),
            error=ErrorFacts(**failed.error.facts()),
            text=failed.text,
            retry_in_ms=following.retry_in_ms,
            to_role=following.to_role,
            to_model=following.to_model,
            step=failed.step,
            endpoint=failed.endpoint,
            others=failed.others,
            paid=self._purse.paid(failed),
            sent=was_sent(failed.error),
        )

    async def _cut_off(self) -> None:
        """Write what had streamed as the message, and the end with it. The end of `main` is decided by its answer."""
        engine, task, end = self._engine, self._task, self._end
        at, over = engine.clock(), self._purse.spent
        said: list[MessageFinished] = []
        if self._open is not None and self._whole is not None:
            await self._whole  # it was at its end, and only the database's word is missing
        elif self._open is not None and (self._open.n or self._open.reasoning_n):
            reason = "budget" if over is not None else "stopped"
            said = [stopped(self._open, at, task.id, reason, *self._purse.stopped(self._open))]
        if over is not None and end is not None:
            await self._stop_short(over, at, end_entry(end, at), *said)
            return
        new: list[JournalEntry] = [*said]
        if task.id != MAIN and end is not None:
            message_id = said[-1].message_id if said else ""
            new.append(TaskFinished(at=at, task_id=task.id, status=end.status, message_id=message_id, error=end.error))
        if new:
            await self.record(*new)

    # ── the agent's desk ──────────────────────────────────────────────────────────────────────────────────────────

    def record(self, *entries: JournalEntry, head: int | None = None) -> Awaitable[list[Recorded]]:
        new, self._first = [*self._first, *marked(self._purse.complete(entries), self.outside())], []
        for entry in entries:
            if isinstance(entry, MessageStarted):
                self._begun.add(entry.step)
                bind(step=entry.step, attempt=str(entry.attempt))
        recording = Recording(self._engine, self._active, new, self._fence, head)
        if self._open is not None and any(isinstance(entry, MessageFinished) for entry in entries):
            self._whole = recording
        return recording

    def open(self, started: MessageStarted) -> None:
        self._open = self._engine.open_text.begin(self._active.run_id, started, self._engine.clock())

    def stream(self, delta: Delta) -> None:
        assert self._open is not None, "text before `open`"
        self._open.extend(delta)
        self._engine.bus.publish(delta.thread_id, delta)

    def close(self, message_id: str) -> None:
        self._engine.open_text.end(self._active.run_id, message_id)
        self._open = self._whole = None

    def board(self) -> dict[str, BoardWritten]:
        return self._active.state.board

    def mail(self) -> list[tuple[int, AgentMessage]]:
        return mail(self._active.state, self._task)

    def outside(self) -> list[str]:
        return outside_of(self._active.state, self._task, self._before)

    async def reserve(self, prompt: int, most: int, price: Price) -> Granted:
        return await self._purse.reserve(prompt, most, price)

    def paused(self) -> bool:
        return self._active.state.paused

    def delegations(self) -> set[str]:
        return delegations(self._active.state)

    async def write_board(self, key: str, text: str, seen: int) -> BoardWritten | None:
        def entry() -> BoardWritten | None:
            there = self._active.state.board.get(key)
            if seen != (there.version if there is not None else 0):
                return None
            at = self._engine.clock()
            return BoardWritten(at=at, task_id=self._task.id, key=key, version=seen + 1, text=text)

        return await self._if_unchanged(entry)

    async def add_task(self, role: str, goal: str, title: str) -> tuple[str, str]:
        engine, parent_id = self._engine, parent_of(self._task.id) or MAIN
        if not engine.policy.knows(role):
            return "", f"There is no role {role}."

        def entry() -> PlanAmended | None:
            parent = self._active.state.tasks[parent_id]
            if len(parent.children) >= engine.policy.max_tasks:
                return None
            added = PlanTask(id=child_id(parent_id, parent.next_child), role=role, goal=goal, title=title)
            reason = f"Task {self._task.id} found that it is missing."
            return PlanAmended(at=engine.clock(), task_id=parent_id, add=[added], reason=reason)

        amended = await self._if_unchanged(entry)
        if amended is None:
            return "", f"The plan has {engine.policy.max_tasks} tasks already; more are not allowed."
        return amended.add[0].id, ""

    async def _if_unchanged(self, entry: Callable[[], Changed | None]) -> Changed | None:
        """Record what `entry` makes of the state, on the condition that the log is still what it was made of."""
        while True:
            new = entry()
            if new is None:
                return None
            try:
                await self.record(new, head=self._active.state.head)
                return new
            except HeadMoved:
                await self._engine.catch_up(self._active)
