"""The journal's entries: frozen data, one Struct per kind of fact. Knows nothing of storage or of the wire.

A run is the list of its entries in `seq` order; everything else (state, screen, history, prompt) is derived from it.
Entries are stored as JSON tagged by `type`; a field added later must have a default, a kind is never renamed.
Times are Unix seconds (float), durations milliseconds, token counts integers.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Kind = Literal["chat", "creative", "analytical"]
KINDS: tuple[Kind, ...] = ("chat", "creative", "analytical")
# A2A 1.0's task states, as far as a run of one agent reaches them.
RunStatus = Literal["submitted", "working", "completed", "failed", "canceled"]


class Sampling(Struct, frozen=True):
    """How tokens are drawn. `max_tokens` bounds the answer."""

    temperature: float = 0.7
    top_p: float = 0.95
    max_tokens: int = 1024


class Neighbour(Struct, frozen=True):
    """An example sentence that voted on the kind of a task; `score` is its cosine similarity to the task."""

    text: str
    kind: Kind
    score: float
    source: Literal["role", "correction"] = "role"


class Section(Struct, frozen=True):
    """One part of a prompt: `name` (role, history, task), its tokens, and the messages it holds."""

    name: str
    tokens: int


class Usage(Struct, frozen=True):
    """Tokens of one model call. `estimated`: the endpoint sent no usage, so Alma counted."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    estimated: bool = False


class Timing(Struct, frozen=True):
    """Of one attempt, in ms: from the call to its first token, and to its end."""

    first_token_ms: float = 0.0
    total_ms: float = 0.0


class ErrorFacts(Struct, frozen=True):
    """An `AlmaError` at rest."""

    code: str
    message: str
    expected: str | None = None
    actual: str | None = None
    hint: str | None = None


class Entry(Struct, frozen=True, tag_field="type", kw_only=True):
    """Base of all entries. `at`: Unix seconds when it was decided. `task_id`: whose step it is (`main` = the root)."""

    at: float
    task_id: str = "main"


class RunStarted(Entry, frozen=True, tag="run_started"):
    """A user asked. `parent_run_id`: the turn before it in the thread's tree (None: a thread's first turn).
    `of_run_id`: the run that this one retries or edits (a sibling branch)."""

    thread_id: str
    owner: str
    text: str
    parent_run_id: str | None = None
    of_run_id: str | None = None
    model: str | None = None  # the model asked for; None = the default at the time it runs
    kind: Kind | None = None  # the kind asked for; None = the Manager decides
    key: str | None = None  # the idempotency key of the command


class RouteChosen(Entry, frozen=True, tag="route_chosen"):
    """The Manager decided how to treat the task, and why."""

    kind: Kind
    source: Literal["examples", "user", "default"]
    scores: dict[str, float]
    neighbours: list[Neighbour]
    role: str
    prompt_version: str
    sampling: Sampling


class RouteCorrected(Entry, frozen=True, tag="route_corrected"):
    """The user said what kind the task really was; the task is kept as an example."""

    kind: Kind


class MessageStarted(Entry, frozen=True, tag="message_started"):
    """An attempt to write a message begins: which model gets which prompt. `turns`: the runs of the earlier turns in
    it, oldest first; `answered`: those of them whose answer was in it too."""

    message_id: str
    attempt: int
    role: str
    model: str
    endpoint: str
    prompt_version: str
    sections: list[Section]
    turns: list[str] = []
    answered: list[str] = []
    left_out_turns: int = 0
    context_window: int = 0


class AttemptFailed(Entry, frozen=True, tag="attempt_failed"):
    """The attempt ended badly. `text` is what had streamed by then. `retry_in_ms` None: there is no further attempt."""

    message_id: str
    attempt: int
    error: ErrorFacts
    text: str = ""
    retry_in_ms: float | None = None


class MessageFinished(Entry, frozen=True, tag="message_finished"):
    """The whole message. `finish_reason`: stop, length, or `stopped` by the user."""

    message_id: str
    attempt: int
    text: str
    finish_reason: str
    usage: Usage
    timing: Timing
    reasoning: str = ""
    model: str = ""  # as the endpoint named it


class StopRequested(Entry, frozen=True, tag="stop_requested"):
    """The user asked the run to stop."""


class RunFinished(Entry, frozen=True, tag="run_finished"):
    """The end of the log."""

    status: Literal["completed", "failed", "canceled"]
    error: ErrorFacts | None = None


JournalEntry = (
    RunStarted
    | RouteChosen
    | RouteCorrected
    | MessageStarted
    | AttemptFailed
    | MessageFinished
    | StopRequested
    | RunFinished
)


class Recorded(Struct, frozen=True):
    """An entry with its place in its run's log; `seq` starts at 1 and has no gaps."""

    run_id: str
    seq: int
    entry: JournalEntry


class Delta(Struct, frozen=True, gc=False):
    """Text of an open message as it streams; lives on the bus only. `n`: code points of the channel's text up to and
    including this delta, so the delta starts at `n - len(text)`. `tokens`: pieces that the model sent it in."""

    thread_id: str
    run_id: str
    message_id: str
    attempt: int
    n: int
    text: str
    tokens: int
    channel: Literal["text", "reasoning"] = "text"
