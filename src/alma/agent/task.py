"""What an agent is given, what it gives back, and the desk through which it acts in between. Frozen data."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol

from msgspec import Struct

from alma.errors import AlmaError
from alma.events import (
    AgentMessage,
    BoardWritten,
    Delta,
    ErrorFacts,
    JournalEntry,
    Kind,
    LessonsTold,
    MessageFinished,
    MessageStarted,
    QuestionAsked,
    RouteChosen,
    TaskStatus,
    ToolCalled,
    ToolReturned,
)
from alma.learned import Choice, Trial
from alma.models.endpoints import Price
from alma.plan import MAIN, Plan, PlanTask, message_id
from alma.recollection import RecalledMemory


class Turn(Struct, frozen=True):
    """One earlier exchange of the conversation, by its run; `answer` is empty when there was none. `outside`: what from
    outside was in the context of who answered."""

    run_id: str
    text: str
    answer: str
    outside: list[str] = []


class Summary(Struct, frozen=True):
    """A conversation up to and including the turn of `run_id`, in short."""

    run_id: str
    text: str


class Result(Struct, frozen=True):
    """How another task ended: what this one builds upon. `text` is empty unless it was completed. `outside`: what from
    outside was in its context."""

    task_id: str
    role: str
    title: str
    status: TaskStatus
    text: str
    error: ErrorFacts | None = None
    outside: list[str] = []


class ToolUse(Struct, frozen=True):
    """A tool call of this assignment so far; `approved` None: not decided, or no need."""

    called: ToolCalled
    approved: bool | None = None
    returned: ToolReturned | None = None


class Reply(Struct, frozen=True):
    """A question that the agent asked, and the user's answer."""

    asked: QuestionAsked
    text: str


def question_before_plan(task_id: str) -> str:
    """The id of what the user is asked before there is a plan."""
    return f"{task_id}.ask"


class Task(Struct, frozen=True):
    """One activation of a task: all that is known when its agent takes it up.

    `request` is what the user asked; `spec` what this task is in its plan (None: the run's own). `role`, `model`: who
    has it now. `history`: the conversation's turns before it, oldest first; `older`: how many more there are;
    `summary`: of the old ones; `memories`: what it is reminded of, the most useful first, as of the message
    `reminded_for`; `reminded`: the ids of all that it was ever told.
    `steps`, `attempts`, `calls`: what this assignment has done so far. `results`: of the tasks it depends on, and of
    its own plan's once they have ended. `budget_tokens`: what is left of them; 0 is no limit.
    """

    run_id: str
    thread_id: str
    owner: str
    request: str
    task_id: str = MAIN
    spec: PlanTask | None = None
    role: str = ""
    model: str | None = None
    assignment: int = 1
    history: list[Turn] = []
    older: int = 0
    summary: Summary | None = None
    memories: list[RecalledMemory] = []
    reminded_for: str = ""
    reminded: frozenset[str] = frozenset()
    kind: Kind | None = None
    route: RouteChosen | None = None
    approve: bool = False
    plan: Plan | None = None
    declined: bool = False
    steps: dict[str, MessageFinished] = {}
    attempts: dict[str, int] = {}
    calls: list[ToolUse] = []
    replies: list[Reply] = []
    results: list[Result] = []
    mail: list[tuple[int, AgentMessage]] = []
    board: dict[str, BoardWritten] = {}
    budget_tokens: int = 0
    next_child: int = 1
    problem: str = ""  # what was wrong with the last attempt at its answer
    priority: int = 0
    choices: list[Choice] = []  # that learning made for it
    lessons: LessonsTold | None = None  # that it was told
    trial: Trial | None = None
    fresh: bool = False  # the user wants another answer than the one of before

    @property
    def goal(self) -> str:
        """What is to be done, in words."""
        return self.spec.goal if self.spec is not None else self.request

    def message_id(self, step: str) -> str:
        """Of the message of a step: the same for every attempt at it, another one after a reassignment."""
        return message_id(self.run_id, self.task_id, self.assignment, step)

    def call_id(self, step: str, number: int) -> str:
        """Of the tool call `number` (from 1) that the message of `step` asks for: the call's idempotency key."""
        return f"{self.message_id(step).removeprefix(self.run_id + '.')}#{number}"


# ── what comes of an activation ───────────────────────────────────────────────────────────────────────────────────


class Answer(Struct, frozen=True):
    """The task is done: this message is its result."""

    message: MessageFinished


class Wait(Struct, frozen=True):
    """What the task waits for is in the journal: its plan's tasks, the user's answer, leave to call a tool."""


class Failed(Struct, frozen=True):
    """`text`: what had streamed. `retryable`: another attempt may help; `retry_after_ms`: asked for by the endpoint.
    `endpoint`: who failed; `others`: how many other endpoints can take it at once. `ms`: how long it took;
    `message`: it was whole, but of no use."""

    error: AlmaError
    step: str = "answer"
    text: str = ""
    retryable: bool = False
    retry_after_ms: float | None = None
    endpoint: str = ""
    others: int = 0
    ms: float = 0.0
    message: MessageFinished | None = None


class Grant(Protocol):
    """What a model call may use: so many tokens of answer. `held`: there are budgets, and it must not say more,
    whatever it was told; `by`: one of them made the answer shorter."""

    @property
    def max_tokens(self) -> int: ...

    @property
    def by(self) -> object | None: ...

    @property
    def held(self) -> bool: ...


Outcome = Answer | Wait | Failed


class Desk(Protocol):
    """The agent's only way out: durable facts and streaming text."""

    def record(self, *entries: JournalEntry) -> Awaitable[object]:
        """Journal the entries, in order; they are durable when the result has been awaited."""
        ...

    def open(self, started: MessageStarted) -> None:
        """From now on text of this attempt may stream."""
        ...

    def stream(self, delta: Delta) -> None:
        """Show text now. Never waits."""
        ...

    def close(self, message_id: str) -> None:
        """The message's end is in the journal."""
        ...

    async def write_board(self, key: str, text: str, seen: int) -> BoardWritten | None:
        """Put `text` on the run's blackboard if `seen` is still its version there; None: it is not."""
        ...

    async def add_task(self, role: str, goal: str, title: str) -> tuple[str, str]:
        """Add a task to the plan that this task is in; gives its id, or why not."""
        ...

    def delegations(self) -> set[str]:
        """All that has been delegated in this run, and the request itself, as `plan_check.delegation` gives it."""
        ...

    def board(self) -> dict[str, BoardWritten]:
        """The blackboard as it is now."""
        ...

    def mail(self) -> list[tuple[int, AgentMessage]]:
        """All messages to this task until now, with their `seq`."""
        ...

    def outside(self) -> list[str]:
        """What from outside is in the task's context now, in phrases such as "a web page"; empty: nothing is."""
        ...

    async def reserve(self, prompt: int, most: int, price: Price) -> Grant:
        """Before a model call: hold its prompt's tokens and at most `most` of its answer in all budgets. Waits while
        other calls hold what it needs. Raises `BudgetSpent`."""
        ...

    def paused(self) -> bool:
        """Whether nothing new is to begin: no model call, no tool call."""
        ...
