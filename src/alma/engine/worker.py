"""One activation of one task: the agent is run, and what comes of it is written under the task's fence.

A worker that has lost its fence falls silent. It can be cut off (a stop, a deadline): what had streamed is then the
message, and the end that was decided is written with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar, assert_never

from msgspec import Struct
from msgspec.structs import replace

from alma.agent.task import Answer, Failed, Outcome, Wait
from alma.engine.briefing import brief, delegations, mail
from alma.engine.decide import End, after_failure
from alma.engine.journal import UNCLAIMED, Fence
from alma.engine.open_text import OpenMessage
from alma.engine.recording import Recording
from alma.engine.review import send_back
from alma.engine.state import TaskState
from alma.engine.turns import Conversation
from alma.errors import BudgetSpent, HeadMoved
from alma.events import (
    AgentMessage,
    AttemptFailed,
    BoardWritten,
    BudgetReached,
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
from alma.model_call import Timing, Usage
from alma.plan import MAIN, PlanTask, child_id, depth_of, message_id, parent_of

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
    to how many a plan may grow while it runs."""

    max_attempts: int = 3
    duty: Callable[[str], Duty] = lambda _role: Duty()
    knows: Callable[[str], bool] = lambda _role: True
    max_reviews: int = 2
    max_tasks: int = 100


class Worker:
    def __init__(self, engine: Engine, active: Active, task: TaskState) -> None:
        self._engine = engine
        self._active = active
        self._task = task
        fence = active.fence if task.id == MAIN else None
        if fence is not None:
            active.fence = None  # good for one activation; the next claims anew
        self._fence = fence or Fence(active.run_id, task.id, seen=active.state.head)
        self._first: list[JournalEntry] = []  # written with the first thing that the agent says
        self._tokens, self._seconds = task.budget_tokens, task.budget_seconds
        if task.id != MAIN and task.begun != task.assignment:
            started = self._started()
            self._tokens, self._seconds = started.tokens, started.seconds
            self._first.append(started)
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
            tokens=_share(self._active.state.tasks, task, duty.tokens),
            seconds=(task.spec.seconds if task.spec is not None else 0.0) or duty.seconds,
        )

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
            if self._open is not None:
                self.close(self._open.started.message_id)

    async def _run_agent(self) -> Outcome | Exception | None:
        """The cancellable part; None when its time is up. Errors come back as values, so that a group of one does not
        wrap them."""
        try:
            said = await self._history()
            self._fence.seen = self._active.state.head
            task = replace(brief(self._active.state, self._task, list(said.turns), said.older), summary=said.summary)
            # Of a task that begins, its start is not in the log yet.
            task = replace(task, budget_tokens=self.tokens_left(), tokens_limit=self._tokens)
            left = self._seconds_left()
            if left is None:
                return await self._engine.agent.run(task, self)
            try:
                async with asyncio.timeout(left):
                    return await self._engine.agent.run(task, self)
            except TimeoutError:
                self._end = self._out_of_time()
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

    def _seconds_left(self) -> float | None:
        return max(self._seconds - self._task.spent_ms / 1000, 0.0) if self._seconds else None

    def _out_of_time(self) -> End:
        limit = self._seconds
        facts = ErrorFacts(
            "deadline",
            f"The task was not ready after {limit:g} s.",
            expected=f"an answer within its budget of {limit:g} s",
            hint="Raise budgets.seconds in the role's file, or ask for less at once.",
        )
        return End(self._task.id, "failed", facts)

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
            case Failed():
                await self.record(*self._failed(outcome, at))
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

    def _failed(self, failed: Failed, at: float) -> list[JournalEntry]:
        task = self._task
        if not isinstance(failed.error, BudgetSpent):
            return [self._failure(failed, at)]
        reached = BudgetReached(at=at, task_id=task.id, what="tokens", limit=self._tokens, used=task.spent_tokens)
        return [reached, self._failure(failed, at)]

    def _failure(self, failed: Failed, at: float) -> AttemptFailed:
        task, engine = self._task, self._engine
        planned = task.spec.role if task.spec is not None else None
        stand_ins = engine.policy.duty(planned).stand_ins if planned is not None else []
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
        )

    async def _cut_off(self) -> None:
        """Write what had streamed as the message, and the end with it. The end of `main` is decided by its answer."""
        engine, task, end = self._engine, self._task, self._end
        at = engine.clock()
        new: list[JournalEntry] = []
        message_id = ""
        if self._open is not None and self._whole is not None:
            await self._whole  # it was at its end, and only the database's word is missing
        elif self._open is not None and (self._open.n or self._open.reasoning_n):
            stopped = _stopped(self._open, at, task.id)
            new.append(stopped)
            message_id = stopped.message_id
        if task.id != MAIN and end is not None:
            new.append(TaskFinished(at=at, task_id=task.id, status=end.status, message_id=message_id, error=end.error))
        if end is not None and end.error is not None and end.error.code == "deadline" and task.id != MAIN:
            seconds = self._seconds
            new.insert(0, BudgetReached(at=at, task_id=task.id, what="seconds", limit=seconds, used=seconds))
        if new:
            await self.record(*new)

    # ── the agent's desk ──────────────────────────────────────────────────────────────────────────────────────────

    def record(self, *entries: JournalEntry, head: int | None = None) -> Awaitable[list[Recorded]]:
        new, self._first = [*self._first, *entries], []
        self._begun.update(entry.step for entry in entries if isinstance(entry, MessageStarted))
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

    def tokens_left(self) -> int:
        return max(self._tokens - self._task.spent_tokens, 1) if self._tokens else 0

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


def _share(tasks: dict[str, TaskState], task: TaskState, own: int) -> int:
    """A task's budget in tokens: what its plan or role says, within a fair share of what its parent has left. Shares
    are taken when a task begins, so what an earlier one did not spend is there for the later ones."""
    wanted = (task.spec.tokens if task.spec is not None else 0) or own
    above = task.id.rpartition(".")[0] or MAIN
    parent = tasks[above]
    if not parent.budget_tokens or depth_of(task.id) == 0:
        return wanted
    others = [tasks[child] for child in parent.children if child != task.id]
    held = [other.budget_tokens for other in others if other.begun and not other.ended]
    left = parent.budget_tokens - parent.spent_tokens - sum(held)
    share = max(left // (parent.open_children - len(held) + 1), 1)
    return min(wanted, share) if wanted else share


def _stopped(message: OpenMessage, at: float, task_id: str) -> MessageFinished:
    """What had streamed when it was cut off is the message."""
    started = message.started
    return MessageFinished(
        at=at,
        task_id=task_id,
        message_id=started.message_id,
        attempt=started.attempt,
        text=message.text,
        reasoning=message.reasoning,
        finish_reason="stopped",
        usage=Usage(sum(section.tokens for section in started.sections), message.tokens, estimated=True),
        timing=Timing(round((message.opened_at - started.at) * 1000, 2), round((at - started.at) * 1000, 2)),
        step=started.step,
    )
