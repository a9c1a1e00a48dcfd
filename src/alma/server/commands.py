"""What a client may send over the WebSocket: one Struct per command, told apart by `type`; unknown fields are refused.

`id` is the client's name for the command; the answer (`alma.ack` or `alma.error`) carries it. `key` makes a command
idempotent: the same key again gives the first one's result.
"""

from __future__ import annotations

from typing import get_args

from msgspec import Struct

from alma.events import Kind
from alma.plan import MAIN, PlanTask

PROTOCOL = 1


class Command(Struct, frozen=True, rename="camel", tag_field="type", kw_only=True, forbid_unknown_fields=True):
    id: str


class Hello(Command, frozen=True, tag="hello"):
    """Optional: state the protocol the client speaks; refused with `protocol_mismatch` if the server's is another."""

    protocol: int


class Ping(Command, frozen=True, tag="ping"):
    """Answered by `alma.heartbeat` with the same id."""


class StartRun(Command, frozen=True, tag="run.start"):
    """Send a task. Without `thread_id` a thread is made. `parent_run_id`: the turn it follows; without it, the thread's
    newest turn (or none, when `root` is true: another first turn). `approve`: show a plan before it runs. `tokens`,
    `seconds`, `money` (US dollars): the run's budget, within the server's own; 0 is none. `fresh`: no answer from the
    cache."""

    key: str
    text: str
    thread_id: str | None = None
    parent_run_id: str | None = None
    root: bool = False
    model: str | None = None
    kind: Kind | None = None
    approve: bool = False
    priority: int = 0
    tokens: int = 0
    seconds: float = 0.0
    money: float = 0.0
    fresh: bool = False


class RetryRun(Command, frozen=True, tag="run.retry"):
    """Answer the same turn again, as a sibling branch; `text` edits the question (edit-and-resend)."""

    key: str
    run_id: str
    text: str | None = None
    model: str | None = None
    kind: Kind | None = None


class StopRun(Command, frozen=True, tag="run.stop"):
    """Stop a run; with `task_id` only that task and all below it, and the run goes on without them."""

    run_id: str
    task_id: str | None = None


class PauseRun(Command, frozen=True, tag="run.pause"):
    """Begin nothing new in this run; what is being written is finished."""

    run_id: str


class ResumeRun(Command, frozen=True, tag="run.resume"):
    run_id: str


class ForkRun(Command, frozen=True, tag="run.fork"):
    """Run again from one task on, as a sibling branch: with another goal, role or model for it. What does not follow
    from it is taken over and not done again."""

    key: str
    run_id: str
    task_id: str
    goal: str | None = None
    role: str | None = None
    model: str | None = None


class DecidePlan(Command, frozen=True, tag="plan.decide"):
    """Approve a plan that waits for it, as it is or with `tasks` in its place; or turn it down (the agent then answers
    without one). `task_id`: whose plan it is."""

    run_id: str
    approved: bool
    task_id: str = MAIN
    tasks: list[PlanTask] | None = None


class DecideTool(Command, frozen=True, tag="tool.decide"):
    """Allow or refuse a tool call that waits for it."""

    run_id: str
    tool_call_id: str
    approved: bool


class AnswerQuestion(Command, frozen=True, tag="question.answer"):
    """Answer what an agent asked."""

    run_id: str
    question_id: str
    text: str


class CorrectRoute(Command, frozen=True, tag="route.correct"):
    """Say what kind the task of a run really was; it is kept as an example for the next ones."""

    run_id: str
    kind: Kind


class PreviewRoute(Command, frozen=True, tag="route.preview"):
    """Ask how a task would be treated, while it is being typed. The prompt that it would follow (of the thread, the
    turn and the model, as for `run.start`) is read in advance where the model gains by it."""

    text: str
    thread_id: str | None = None
    parent_run_id: str | None = None
    root: bool = False
    model: str | None = None
    kind: Kind | None = None


class MessageCursor(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """How much of an open message the client has: code points of text and of reasoning in this attempt."""

    attempt: int
    n: int
    reasoning_n: int = 0


class RunCursor(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The last `seq` the client has of a run, and its open messages."""

    seq: int
    messages: dict[str, MessageCursor] = {}


class Subscribe(Command, frozen=True, tag="thread.subscribe"):
    """Send what is missing of a thread, then follow it live. `last`: at most this many newest turns; `cursors`: what
    the client already has, by run. Subscribing again to the same thread starts over from the new cursors."""

    thread_id: str
    cursors: dict[str, RunCursor] = {}
    last: int = 200


class Unsubscribe(Command, frozen=True, tag="thread.unsubscribe"):
    thread_id: str


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
