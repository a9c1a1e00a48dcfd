"""What goes over the wire to a client: AG-UI 1.0 events, as Structs, and how entries and deltas become them.

Knows no socket and no subscription. AG-UI allows extra fields; Alma adds `seq` (place in the run's journal), `attempt`
and `n` (place in the open message's text). What AG-UI has no name for is `CUSTOM` with an `alma.` name; the payload of
each such name is a Struct here, so that the frontend's types are generated from this file.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from alma.events import ErrorFacts, Fork, Kind, RunStatus, TaskStatus
from alma.learned import Trial
from alma.model_call import CacheHit, CallFacts, Section, Timing, Tried, Usage
from alma.session.payloads import (
    AttemptFailure,
    Board,
    Budget,
    Choices,
    ContextNote,
    Lessons,
    Message,
    Pausing,
    Payload,
    PlanAmendment,
    PlanDecision,
    PlanEvent,
    Question,
    QuestionReply,
    Recall,
    Resuming,
    Reused,
    Route,
    RouteCorrection,
    Signal,
    Stopping,
    ToolDecision,
)


class Wire(Struct, frozen=True, rename="camel", omit_defaults=True, tag_field="type", kw_only=True):
    """Base of all events. `timestamp`: Unix milliseconds. `seq` is absent on events that the journal does not hold.
    `subagent_run_id`: the task whose agent it is of; absent for the run's own (`main`)."""

    timestamp: int = 0
    thread_id: str = ""
    run_id: str = ""
    seq: int = 0
    subagent_run_id: str = ""


class RunStartedEvent(Wire, frozen=True, tag="RUN_STARTED"):
    text: str
    parent_run_id: str | None = None
    of_run_id: str | None = None
    model: str | None = None
    kind: Kind | None = None
    key: str | None = None
    approve: bool = False
    tokens: int = 0  # its budgets; 0 is none
    seconds: float = 0.0
    money: float = 0.0
    fresh: bool = False
    fork: Fork | None = None
    trial: Trial | None = None


class TextMessageStart(Wire, frozen=True, tag="TEXT_MESSAGE_START"):
    """Attempt `attempt` > 1 replaces what earlier attempts of the same message had streamed."""

    message_id: str
    attempt: int
    name: str  # the agent's role
    model: str
    endpoint: str
    sections: list[Section]
    role: Literal["assistant"] = "assistant"
    left_out_turns: int = 0
    context_window: int = 0
    prompt_version: str = ""
    reserve: int = 0  # tokens kept free for the answer
    step: str = "answer"  # `answer` is a task's result; `decide` whether to plan; `answer.2` goes on after tools


class TextMessageContent(Wire, frozen=True, tag="TEXT_MESSAGE_CONTENT"):
    """`delta` covers code points `n - len(delta)` to `n` of the text of this attempt. `tokens`: pieces it came in."""

    message_id: str
    attempt: int
    n: int
    delta: str
    tokens: int = 1


class ReasoningMessageContent(Wire, frozen=True, tag="REASONING_MESSAGE_CONTENT"):
    """As TEXT_MESSAGE_CONTENT, for the model's thinking; `n` counts the reasoning's own code points."""

    message_id: str
    attempt: int
    n: int
    delta: str
    tokens: int = 1


class TextMessageEnd(Wire, frozen=True, tag="TEXT_MESSAGE_END"):
    """`n`, `reasoning_n`: code points of the whole text and reasoning; a client that has fewer asks again."""

    message_id: str
    attempt: int
    n: int
    finish_reason: str
    usage: Usage
    timing: Timing
    reasoning_n: int = 0
    model: str = ""
    step: str = "answer"
    tool_calls: list[CallFacts] = []
    endpoint: str = ""  # who answered, where it is not the one named at the start
    tried: list[Tried] = []  # who was asked before
    cost: float = 0.0  # US dollars
    cache: CacheHit | None = None


class SubagentStarted(Wire, frozen=True, tag="SUBAGENT_STARTED"):
    """An agent takes up the task `subagent_run_id`. `assignment` > 1: another role or model than before."""

    name: str  # its role
    parent_subagent_run_id: str | None = None
    assignment: int = 1
    prompt_version: str = ""
    model: str = ""
    tokens: int = 0  # its budget
    seconds: float = 0.0


class SubagentFinished(Wire, frozen=True, tag="SUBAGENT_FINISHED"):
    """The task is completed, or was canceled. Its result is the text of `message_id`, or `result`."""

    outcome: dict[str, str]
    status: TaskStatus
    message_id: str = ""
    result: str = ""


class SubagentError(Wire, frozen=True, tag="SUBAGENT_ERROR"):
    """The task failed, or was rejected because there was nothing to work on. The run may go on without it. What it had
    written is the text of `message_id`."""

    code: str
    message: str
    status: TaskStatus
    message_id: str = ""
    expected: str | None = None
    actual: str | None = None
    hint: str | None = None


class ToolCallStart(Wire, frozen=True, tag="TOOL_CALL_START"):
    """A tool is called with `arguments` (JSON text, whole: no TOOL_CALL_ARGS follow). `needs_approval`: it waits for
    `tool.decide`; `because`: of what from outside is in its agent's context ("a web page"). `attempt` > 1: a crash had
    cut it off, and it is called again."""

    tool_call_id: str
    tool_call_name: str
    arguments: str
    parent_message_id: str = ""
    attempt: int = 1
    needs_approval: bool = False
    idempotent: bool = False
    because: list[str] = []
    step: str = "answer"


class ToolCallResult(Wire, frozen=True, tag="TOOL_CALL_RESULT"):
    """What the model is told of the call. `left_out`: characters that were cut off."""

    tool_call_id: str
    message_id: str
    content: str
    ok: bool
    ms: float = 0.0
    left_out: int = 0
    role: Literal["tool"] = "tool"


class RunFinishedEvent(Wire, frozen=True, tag="RUN_FINISHED"):
    outcome: dict[str, str]
    status: RunStatus


class RunErrorEvent(Wire, frozen=True, tag="RUN_ERROR"):
    code: str
    message: str
    expected: str | None = None
    actual: str | None = None
    hint: str | None = None


# ── CUSTOM events of connections: name → payload (those of runs are in payloads.py) ───────────────────────────────


class Welcome(Payload, frozen=True):
    """`alma.welcome`: first frame of every connection. `owner`: whose things are seen here; `admin`: whether what
    everybody shares may be changed; `token`: the name of the access token, empty where none was asked for."""

    protocol: int
    version: str
    boot_id: str  # changes when the server restarts
    heartbeat_seconds: float
    max_frame_bytes: int
    max_prompt_chars: int
    owner: str = "local"
    admin: bool = True
    token: str = ""


class Ack(Payload, frozen=True):
    """`alma.ack`: the command with this id was carried out, durably. `duplicate`: its key had been seen before."""

    id: str
    thread_id: str | None = None
    run_id: str | None = None
    duplicate: bool = False


class LimitFacts(Payload, frozen=True):
    """The limit that was met: at most `quota` in `window_s` seconds; worth while again after `retry_after_s`."""

    policy: str
    quota: int
    window_s: float
    retry_after_s: float


class CommandError(Payload, frozen=True):
    """`alma.error`: a command was refused (`id` empty when it could not be read). The connection goes on. `limit`: for
    the codes `too_many_…`, which may be sent again later."""

    code: str
    message: str
    id: str = ""
    expected: str | None = None
    actual: str | None = None
    hint: str | None = None
    limit: LimitFacts | None = None


class Live(Payload, frozen=True):
    """`alma.live`: all that was missing has been sent; what follows is live. `older`: turns not sent (see `last`)."""

    older: int = 0


class Preview(Payload, frozen=True):
    """`alma.route_preview`: answer to `route.preview`."""

    id: str
    kind: Kind
    scores: dict[str, float]


class ThreadSummary(Payload, frozen=True):
    """`alma.thread`: a thread was made or changed, for the list; `deleted`: it is gone."""

    id: str
    title: str
    created_at: float
    updated_at: float
    runs: int = 0
    working: bool = False
    deleted: bool = False


class ModelsChanged(Payload, frozen=True):
    """`alma.models`: the list of models, the default or the embedded model's state changed: fetch /api/models."""

    reason: str


class EndpointHealth(Payload, frozen=True):
    """How an endpoint is now. `limit`: calls that it gets at once, as it has shown to bear; `breaker`: open lets none
    through until `retry_at` (Unix seconds), half_open one to try. The rest is of the last five minutes: calls, errors,
    medians and 95th percentiles in ms (0: none yet)."""

    name: str
    state: str
    detail: str = ""
    active: int = 0
    queued: int = 0
    limit: int = 0
    breaker: Literal["closed", "open", "half_open"] = "closed"
    retry_at: float = 0.0
    calls: int = 0
    errors: int = 0
    last_error: str = ""
    first_token_p50_ms: float = 0.0
    first_token_p95_ms: float = 0.0
    tokens_per_s: float = 0.0


class EndpointsNow(Payload, frozen=True):
    """`alma.endpoints`: how the endpoints are, at most once a second while that changes."""

    endpoints: list[EndpointHealth]


class MemoriesChanged(Payload, frozen=True):
    """`alma.memories`: memories of this owner were added, changed or forgotten (`ids`: at most 100 of them); told at
    most twice a second. `total`: how many are alive now."""

    ids: list[str]
    total: int


class DocumentProgress(Payload, frozen=True):
    """`alma.document`: a file of the knowledge base is being read, was read, changed or (`deleted`) went. `chunks`: how
    many pieces it has; `done`: of them are stored."""

    id: str
    name: str
    state: Literal["waiting", "reading", "ready", "failed"]
    chunks: int = 0
    done: int = 0
    error: ErrorFacts | None = None
    deleted: bool = False


class PullProgress(Payload, frozen=True):
    """`alma.pull`: a download of a model. `state` ends as done, failed or canceled; `error` says why it failed."""

    id: str
    file: str
    state: Literal["running", "done", "failed", "canceled"]
    done_bytes: int
    total_bytes: int = 0
    model: str | None = None
    error: ErrorFacts | None = None


class MetricsNow(Payload, frozen=True):
    """`alma.metrics`: what was measured in the second that ended `at` (Unix seconds), to those who sent
    `metrics.watch`. By name; the names, and what has no value just now is left out: docs/operations.md."""

    at: float
    values: dict[str, float]


class FiringAlert(Payload, frozen=True):
    """`value`: of the rule's metric when it fired. `silenced_until`: Unix seconds, 0: it is not. `link`: where the page
    has more on it."""

    id: str
    rule: str
    severity: Literal["info", "warning", "critical"]
    summary: str
    value: float
    fired_at: float
    hint: str = ""
    silenced_until: float = 0.0
    link: str = ""


class AlertsNow(Payload, frozen=True):
    """`alma.alerts`: the alerts that are firing, whenever that changes, to administrators."""

    firing: list[FiringAlert]


class Notice(Payload, frozen=True):
    """`alma.notice`: something the user should know now (storage full, model restarting); not in the journal."""

    code: str
    message: str
    hint: str | None = None


class Heartbeat(Payload, frozen=True):
    """`alma.heartbeat`: the server is alive; also the answer to `ping`."""

    id: str = ""


class Custom(Wire, frozen=True, tag="CUSTOM"):
    name: str
    value: Any


CUSTOM_PAYLOADS: dict[str, type[Payload]] = {
    "alma.route": Route,
    "alma.route_corrected": RouteCorrection,
    "alma.attempt_failed": AttemptFailure,
    "alma.context": ContextNote,
    "alma.recalled": Recall,
    "alma.choices": Choices,
    "alma.lessons": Lessons,
    "alma.signal": Signal,
    "alma.stop_requested": Stopping,
    "alma.paused": Pausing,
    "alma.resumed": Resuming,
    "alma.plan": PlanEvent,
    "alma.plan_decided": PlanDecision,
    "alma.plan_amended": PlanAmendment,
    "alma.task_reused": Reused,
    "alma.budget": Budget,
    "alma.tool_decided": ToolDecision,
    "alma.question": Question,
    "alma.question_answered": QuestionReply,
    "alma.message": Message,
    "alma.board": Board,
    "alma.welcome": Welcome,
    "alma.ack": Ack,
    "alma.error": CommandError,
    "alma.live": Live,
    "alma.route_preview": Preview,
    "alma.thread": ThreadSummary,
    "alma.models": ModelsChanged,
    "alma.endpoints": EndpointsNow,
    "alma.memories": MemoriesChanged,
    "alma.document": DocumentProgress,
    "alma.pull": PullProgress,
    "alma.metrics": MetricsNow,
    "alma.alerts": AlertsNow,
    "alma.notice": Notice,
    "alma.heartbeat": Heartbeat,
}
