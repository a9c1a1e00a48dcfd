"""What a run's entries become on the wire where AG-UI has no event: the `value` of CUSTOM events. Data only.

Each docstring begins with the event's name; `wire.py` has the table.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from alma.events import (
    BudgetScope,
    BudgetWhat,
    ErrorFacts,
    Kind,
    MessageKind,
    Neighbour,
    Rung,
    TaskStatus,
)
from alma.learned import Choice, LearnedExample, LearnedNote, SignalName
from alma.model_call import Sampling
from alma.plan import Plan, PlanTask
from alma.recollection import PassedOver, RecalledMemory


class Payload(Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """Base of the `value` of CUSTOM events."""


class Route(Payload, frozen=True):
    """`alma.route` (seq): how the Manager decided to treat the task, and why."""

    kind: Kind
    source: Literal["examples", "user", "default"]
    scores: dict[str, float]
    neighbours: list[Neighbour]
    role: str
    prompt_version: str
    sampling: Sampling


class RouteCorrection(Payload, frozen=True):
    """`alma.route_corrected` (seq)."""

    kind: Kind


class AttemptFailure(Payload, frozen=True):
    """`alma.attempt_failed` (seq): the attempt ended badly; `retry_in_ms` is absent when there is no further one by
    this role and model. `to_role`, `to_model`: who gets the task instead."""

    message_id: str
    attempt: int
    error: ErrorFacts
    retry_in_ms: float | None = None
    to_role: str | None = None
    to_model: str | None = None
    endpoint: str = ""
    others: int = 0


class Recall(Payload, frozen=True):
    """`alma.recalled` (seq): what an agent was reminded of before it wrote `message_id` (its TEXT_MESSAGE_START
    follows), or by its own tool call `call_id`, and what it was not told of what had been found. Of each hit `label`
    says where it is from, and the prompt had `text`."""

    message_id: str
    query: str
    hits: list[RecalledMemory]
    missed: list[PassedOver] = []
    call_id: str = ""
    considered: int = 0
    dense: bool = True
    ms: float = 0.0


class Choices(Payload, frozen=True):
    """`alma.choices` (seq): what learning chose for the event's task before its first step, of which options, and how
    likely that was."""

    role: str
    choices: list[Choice]


class Lessons(Payload, frozen=True):
    """`alma.lessons` (seq): the learned examples and notes that stand in the prompt of `message_id`, whose
    TEXT_MESSAGE_START follows."""

    message_id: str
    examples: list[LearnedExample] = []
    notes: list[LearnedNote] = []
    considered: int = 0
    ms: float = 0.0


class Signal(Payload, frozen=True):
    """`alma.signal` (seq): what its owner thinks of the result of the event's task (absent: of the run), from −1 to 1;
    comes after the run's end too."""

    signal: SignalName
    value: float
    reason: str = ""
    text: str = ""
    other: str = ""


class ContextNote(Payload, frozen=True):
    """`alma.context` (seq): what was left out or shortened so that the prompt of `message_id` fits its window; `tokens`
    that freed. Its TEXT_MESSAGE_START follows."""

    message_id: str
    rung: Rung
    tokens: int = 0
    refs: list[str] = []
    detail: str = ""


class Stopping(Payload, frozen=True):
    """`alma.stop_requested` (seq): of the event's task with all below it; without one, of the run."""


class Pausing(Payload, frozen=True):
    """`alma.paused` (seq): nothing new begins in this run."""


class Resuming(Payload, frozen=True):
    """`alma.resumed` (seq)."""


class PlanEvent(Payload, frozen=True):
    """`alma.plan` (seq): the event's task (absent: the run itself) was split into these tasks. `needs_approval`: it
    waits for `plan.decide`."""

    plan: Plan
    needs_approval: bool = False


class PlanDecision(Payload, frozen=True):
    """`alma.plan_decided` (seq): the user's word on the plan; `tasks` when they changed it."""

    approved: bool
    tasks: list[PlanTask] | None = None


class PlanAmendment(Payload, frozen=True):
    """`alma.plan_amended` (seq): the plan changed while it ran."""

    add: list[PlanTask] = []
    replace: dict[str, str] = {}
    cancel: list[str] = []
    reason: str = ""


class Reused(Payload, frozen=True):
    """`alma.task_reused` (seq): in a fork, the task's result is taken from the run it was forked from."""

    from_run_id: str
    role: str
    text: str
    status: TaskStatus


class Budget(Payload, frozen=True):
    """`alma.budget` (seq): the budget of the task (or what `scope` says) is used up, or (`warning`) most of it."""

    what: BudgetWhat
    limit: float
    used: float
    warning: bool = False
    scope: BudgetScope = "task"


class ToolDecision(Payload, frozen=True):
    """`alma.tool_decided` (seq)."""

    tool_call_id: str
    approved: bool


class Question(Payload, frozen=True):
    """`alma.question` (seq): the event's task waits for `question.answer`."""

    question_id: str
    text: str
    options: list[str] = []


class QuestionReply(Payload, frozen=True):
    """`alma.question_answered` (seq)."""

    question_id: str
    text: str


class Message(Payload, frozen=True):
    """`alma.message` (seq): the agent of the event's task tells `recipient` (a task, a role, or `team`) something."""

    sender: str
    recipient: str
    kind: MessageKind
    text: str
    refs: list[str] = []


class Board(Payload, frozen=True):
    """`alma.board` (seq): the run's blackboard changed."""

    key: str
    version: int
    text: str
