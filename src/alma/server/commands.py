"""What a client may send over the WebSocket: one Struct per command, told apart by `type`; unknown fields are refused.

`id` is the client's name for the command; the answer (`alma.ack` or `alma.error`) carries it. `key` makes a command
idempotent: the same key again gives the first one's result.
"""

from __future__ import annotations

from typing import Annotated, get_args

import msgspec
from msgspec import Meta, Struct

from alma.events import Kind
from alma.plan import MAIN, PlanTask
from alma.security.structs import EXACT, LINE, Id

PROTOCOL = 1
_MOST = 2**53  # what every reader of JSON can count to
CommandId = Annotated[str, Meta(max_length=200), EXACT]
Key = Annotated[str, Meta(min_length=1, max_length=200), EXACT]
Name = Annotated[str, Meta(max_length=300), EXACT]
Count = Annotated[int, Meta(ge=0, le=_MOST)]
Tokens = Annotated[int, Meta(ge=0, le=1_000_000_000_000)]
Seconds = Annotated[float, Meta(ge=0, le=1e9)]
Money = Annotated[float, Meta(ge=0, le=1e6)]
Priority = Annotated[int, Meta(ge=-1000, le=1000)]  # beyond 9 it is 9
Words = Annotated[str, Meta(max_length=20_000)]
OneLine = Annotated[str, Meta(max_length=200), LINE]


class Command(Struct, frozen=True, rename="camel", tag_field="type", kw_only=True, forbid_unknown_fields=True):
    id: CommandId


class Hello(Command, frozen=True, tag="hello"):
    """Optional: state the protocol the client speaks; refused with `protocol_mismatch` if the server's is another."""

    protocol: Annotated[int, Meta(ge=0, le=1_000_000)]


class Ping(Command, frozen=True, tag="ping"):
    """Answered by `alma.heartbeat` with the same id."""


class StartRun(Command, frozen=True, tag="run.start"):
    """Send a task. Without `thread_id` a thread is made. `parent_run_id`: the turn it follows; without it, the thread's
    newest turn (or none, when `root` is true: another first turn). `approve`: show a plan before it runs. `tokens`,
    `seconds`, `money` (US dollars): the run's budget, within the server's own; 0 is none. `fresh`: no answer from the
    cache."""

    key: Key
    text: str
    thread_id: Id | None = None
    parent_run_id: Id | None = None
    root: bool = False
    model: Name | None = None
    kind: Kind | None = None
    approve: bool = False
    priority: Priority = 0
    tokens: Tokens = 0
    seconds: Seconds = 0.0
    money: Money = 0.0
    fresh: bool = False


class RetryRun(Command, frozen=True, tag="run.retry"):
    """Answer the same turn again, as a sibling branch; `text` edits the question (edit-and-resend)."""

    key: Key
    run_id: Id
    text: str | None = None
    model: Name | None = None
    kind: Kind | None = None


class StopRun(Command, frozen=True, tag="run.stop"):
    """Stop a run; with `task_id` only that task and all below it, and the run goes on without them."""

    run_id: Id
    task_id: Id | None = None


class PauseRun(Command, frozen=True, tag="run.pause"):
    """Begin nothing new in this run; what is being written is finished."""

    run_id: Id


class ResumeRun(Command, frozen=True, tag="run.resume"):
    run_id: Id


class ForkRun(Command, frozen=True, tag="run.fork"):
    """Run again from one task on, as a sibling branch: with another goal, role or model for it. What does not follow
    from it is taken over and not done again."""

    key: Key
    run_id: Id
    task_id: Id
    goal: str | None = None
    role: Name | None = None
    model: Name | None = None


class TaskDraft(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A task of a plan as a user wants it. As `PlanTask`, whose fields it has."""

    id: Name  # what is wrong with it is told with the plan's other problems
    role: Name
    goal: Words
    title: OneLine = ""
    depends_on: Annotated[list[Name], Meta(max_length=1000)] = []
    inputs: Annotated[list[Words], Meta(max_length=100)] = []
    expected: Words = ""
    done_when: Words = ""
    model: Name | None = None
    tokens: Tokens = 0
    seconds: Seconds = 0.0
    priority: Priority = 0
    review_of: Id | None = None
    round: Annotated[int, Meta(ge=0, le=1000)] = 0

    @classmethod
    def of(cls, task: PlanTask) -> TaskDraft:
        return cls(**msgspec.structs.asdict(task))

    def task(self) -> PlanTask:
        return PlanTask(**msgspec.structs.asdict(self))


class DecidePlan(Command, frozen=True, tag="plan.decide"):
    """Approve a plan that waits for it, as it is or with `tasks` in its place; or turn it down (the agent then answers
    without one). `task_id`: whose plan it is."""

    run_id: Id
    approved: bool
    task_id: Id = MAIN
    tasks: Annotated[list[TaskDraft], Meta(max_length=1000)] | None = None


class DecideTool(Command, frozen=True, tag="tool.decide"):
    """Allow or refuse a tool call that waits for it."""

    run_id: Id
    tool_call_id: Id
    approved: bool


class AnswerQuestion(Command, frozen=True, tag="question.answer"):
    """Answer what an agent asked."""

    run_id: Id
    question_id: Id
    text: str


class CorrectRoute(Command, frozen=True, tag="route.correct"):
    """Say what kind the task of a run really was; it is kept as an example for the next ones."""

    run_id: Id
    kind: Kind


class PreviewRoute(Command, frozen=True, tag="route.preview"):
    """Ask how a task would be treated, while it is being typed. The prompt that it would follow (of the thread, the
    turn and the model, as for `run.start`) is read in advance where the model gains by it."""

    text: str
    thread_id: Id | None = None
    parent_run_id: Id | None = None
    root: bool = False
    model: Name | None = None
    kind: Kind | None = None


class MessageCursor(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """How much of an open message the client has: code points of text and of reasoning in this attempt."""

    attempt: Count
    n: Count
    reasoning_n: Count = 0


class RunCursor(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The last `seq` the client has of a run, and its open messages."""

    seq: Count
    messages: Annotated[dict[Id, MessageCursor], Meta(max_length=1000)] = {}


class Subscribe(Command, frozen=True, tag="thread.subscribe"):
    """Send what is missing of a thread, then follow it live. `last`: at most this many newest turns; `cursors`: what
    the client already has, by run. Subscribing again to the same thread starts over from the new cursors."""

    thread_id: Id
    cursors: Annotated[dict[Id, RunCursor], Meta(max_length=10_000)] = {}
    last: Count = 200


class Unsubscribe(Command, frozen=True, tag="thread.unsubscribe"):
    thread_id: Id


class WatchMetrics(Command, frozen=True, tag="metrics.watch"):
    """Send `alma.metrics` every second from now on, for administrators."""


class UnwatchMetrics(Command, frozen=True, tag="metrics.unwatch"):
    """No more of them."""


Steer = StopRun | PauseRun | ResumeRun | DecidePlan | DecideTool | AnswerQuestion
AnyCommand = (
    Hello
    | Ping
    | StartRun
    | RetryRun
    | ForkRun
    | Steer
    | CorrectRoute
    | PreviewRoute
    | Subscribe
    | Unsubscribe
    | WatchMetrics
    | UnwatchMetrics
)
ALL: tuple[type[Command], ...] = get_args(AnyCommand)
