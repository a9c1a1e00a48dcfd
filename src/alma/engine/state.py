"""What is known of a run and of each of its tasks. Data only: `fold.py` makes it of entries, `decide.py` reads it."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from alma.events import (
    AgentMessage,
    AttemptFailed,
    BoardWritten,
    BudgetReached,
    BudgetScope,
    BudgetWhat,
    LessonsTold,
    MemoriesRecalled,
    MessageFinished,
    PlanMade,
    QuestionAsked,
    RouteChosen,
    RunFinished,
    RunStarted,
    TaskFinished,
    TaskStatus,
    ToolCalled,
    ToolReturned,
)
from alma.learned import Choice
from alma.model_call import Paid
from alma.plan import MAIN, PlanTask

ENDED: frozenset[TaskStatus] = frozenset(("completed", "failed", "canceled", "rejected"))


class Spent(Struct, frozen=True):
    """What model calls have used. `saved_tokens`: that answers from the cache did not use; `ms`: of the calls; `cost`:
    US dollars."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    saved_tokens: int = 0
    ms: float = 0.0
    cost: float = 0.0
    calls: int = 0

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_tokens + other.cached_tokens,
            self.saved_tokens + other.saved_tokens,
            self.ms + other.ms,
            self.cost + other.cost,
            self.calls + other.calls,
        )


NOTHING = Spent()


class Call(Struct):
    """A tool call of a task: asked for, then (where it must be) decided by the user, then returned."""

    called: ToolCalled
    approved: bool | None = None
    returned: ToolReturned | None = None


class TaskState(Struct):
    """One task. What a new role or model must not inherit is in `steps`, `calls` and `attempts`: of its present
    assignment only. `waiting_for`: unfinished tasks it depends on; `open_children`: unfinished ones of its own plan.
    `spent_tokens`, `spent_ms`: by itself and, once they have ended, by its children. `asked`: what the message under
    way has used if nothing more is heard of it."""

    id: str
    role: str = ""
    model: str | None = None
    spec: PlanTask | None = None
    status: TaskStatus = "submitted"
    depends_on: list[str] = []
    waiting_for: set[str] = set()
    dependents: list[str] = []
    children: list[str] = []
    open_children: int = 0
    plan: PlanMade | None = None
    plan_open: bool = False  # the user has yet to decide on it
    plan_declined: bool = False
    assignment: int = 1
    outside: dict[str, None] = {}  # what from outside it has met: see `outside.py`
    begun: int = 0  # the assignment for which a worker has started
    started_at: float = 0.0
    attempts: dict[str, int] = {}  # by step: how often its message was begun
    failures: int = 0  # in a row
    last_failure: AttemptFailed | None = None
    steps: dict[str, MessageFinished] = {}
    calls: dict[str, Call] = {}
    questions: dict[str, QuestionAsked] = {}
    answers: dict[str, str] = {}  # by question
    result: TaskFinished | None = None
    text: str = ""  # of the result
    reused: bool = False
    replaced_by: str | None = None
    stop_requested: bool = False
    budget_tokens: int = 0
    budget_seconds: float = 0.0
    spent_tokens: int = 0
    spent_ms: float = 0.0
    asked: Paid | None = None
    recalled: MemoriesRecalled | None = None  # what its agent was told for the newest of its messages
    reminded: set[str] = set()  # ids of all memories that it was told
    reached: list[BudgetReached] = []
    choices: list[Choice] = []  # that learning made for it
    lessons: LessonsTold | None = None

    @property
    def answer(self) -> MessageFinished | None:
        """The message with which its agent is done: an `answer` step that asks for no tools."""
        for step, message in reversed(self.steps.items()):
            if step.startswith("answer") and not message.tool_calls:
                return message
        return None

    @property
    def next_child(self) -> int:
        """The number of the next task in its plan. A user may have left numbers out."""
        return max((int(child.rpartition(".")[2]) for child in self.children), default=0) + 1

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    @property
    def waits_for_user(self) -> bool:
        """For an answer, for a plan to be approved, or for a tool call to be allowed."""
        return (
            self.plan_open
            or len(self.answers) < len(self.questions)
            or any(call.called.needs_approval and call.approved is None for call in self.calls.values())
        )

    @property
    def doomed(self) -> bool:
        """Its last attempt failed, and there is to be no other."""
        failure = self.last_failure
        return failure is not None and failure.retry_in_ms is None and failure.to_role is failure.to_model is None

    @property
    def not_before(self) -> float:
        """When the next attempt may begin, in Unix seconds."""
        failure = self.last_failure
        return 0.0 if failure is None or failure.retry_in_ms is None else failure.at + failure.retry_in_ms / 1000


class RunState(Struct):
    """A run. `ready`: tasks that can be worked on now; `ending`: tasks that were stopped, failed for good or have
    nothing to work on, and whose end is not in the log yet. Both in the order in which it came about.
    `clock_from`: since when the run has not waited for the user. `spent`: by all its tasks; `reached`: the budgets that
    its user was told of, each with whether that was a warning, but those of single tasks."""

    run_id: str
    head: int = 0
    started: RunStarted | None = None
    route: RouteChosen | None = None
    tasks: dict[str, TaskState] = {}
    ready: dict[str, None] = {}
    ending: dict[str, None] = {}
    paused: bool = False
    mail: list[tuple[int, AgentMessage]] = []  # with their `seq`
    board: dict[str, BoardWritten] = {}
    clock_from: float = 0.0
    spent: Spent = NOTHING
    reached: set[tuple[BudgetScope, BudgetWhat, bool]] = set()
    outside: bool = False  # anything from outside has come into it
    named_early: dict[str, list[str]] = {}  # by a task that is not there (yet): those that depend on it
    finished: RunFinished | None = None

    @property
    def main(self) -> TaskState:
        return self.tasks[MAIN]

    @property
    def stop_requested(self) -> bool:
        return MAIN in self.tasks and self.main.stop_requested

    def unfinished(self) -> Iterator[TaskState]:
        """All tasks but the run's own that have no end yet."""
        return (task for task in self.tasks.values() if not task.ended and task.id != MAIN)
