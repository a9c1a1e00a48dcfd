"""The journal's entries: frozen data, one Struct per kind of fact. Knows nothing of storage or of the wire.

A run is the list of its entries in `seq` order; everything else (state, screen, history, prompt) is derived from it.
Entries are stored as JSON tagged by `type`; a field added later must have a default, a kind is never renamed.
`outside` says of what an agent wrote which content from outside (web pages, files) it knew: see `engine/outside.py`.
Times are Unix seconds (float), durations milliseconds, token counts integers.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from alma.learned import Choice, LearnedExample, LearnedNote, SignalName, Trial
from alma.model_call import CacheHit, CallFacts, Paid, Sampling, Section, SentMessage, Timing, Tried, Usage
from alma.plan import MAIN, Plan, PlanTask
from alma.recollection import PassedOver, RecalledMemory

Kind = Literal["chat", "creative", "analytical"]
KINDS: tuple[Kind, ...] = ("chat", "creative", "analytical")
# A2A 1.0's task states.
TaskStatus = Literal["submitted", "working", "input_required", "completed", "failed", "canceled", "rejected"]
RunStatus = Literal["submitted", "working", "input_required", "completed", "failed", "canceled"]
MEMORY = "memory"  # as the sender of a message: what an agent was told has changed
MessageKind = Literal["inform", "request", "reply", "critique"]
BudgetWhat = Literal["tokens", "seconds", "money", "tool_calls"]
BudgetScope = Literal["task", "run", "thread", "owner", "day"]
Rung = Literal["duplicates", "memories", "summary", "results", "refused"]


class Neighbour(Struct, frozen=True):
    """An example sentence that voted on the kind of a task; `score` is its cosine similarity to the task."""

    text: str
    kind: Kind
    score: float
    source: Literal["role", "correction"] = "role"


class ErrorFacts(Struct, frozen=True, omit_defaults=True):
    """An `AlmaError` at rest. `fingerprint`: of a bug, the group of errors that it is in."""

    code: str
    message: str
    expected: str | None = None
    actual: str | None = None
    hint: str | None = None
    fingerprint: str | None = None


class Fork(Struct, frozen=True, omit_defaults=True):
    """The run repeats `run_id` from `task_id` on, with what is given here in place of what it had."""

    run_id: str
    task_id: str
    goal: str | None = None
    role: str | None = None
    model: str | None = None


class Entry(Struct, frozen=True, tag_field="type", kw_only=True, omit_defaults=True):
    """Base of all entries. `at`: Unix seconds when it was decided. `task_id`: whose step it is (`main` = the root)."""

    at: float
    task_id: str = MAIN


# ── the run ───────────────────────────────────────────────────────────────────────────────────────────────────────


class RunStarted(Entry, frozen=True, tag="run_started"):
    """A user asked. `parent_run_id`: the turn before it in the thread's tree (None: a thread's first turn).
    `of_run_id`: the run that this one retries, edits or forks (a sibling branch)."""

    thread_id: str
    owner: str
    text: str
    parent_run_id: str | None = None
    of_run_id: str | None = None
    model: str | None = None  # the model asked for; None = the default at the time it runs
    kind: Kind | None = None  # the kind asked for; None = the Manager decides
    key: str | None = None  # the idempotency key of the command
    approve: bool = False  # the user wants to see and approve a plan before it runs
    priority: int = 0  # of its tasks; higher comes first
    tokens: int = 0  # what all its model calls together may read and write; 0 is no limit
    seconds: float = 0.0  # how long it may take between two words of the user; 0: as the settings say
    money: float = 0.0  # US dollars that its model calls may cost; 0 is no limit
    fresh: bool = False  # no answer from the cache
    remember: bool = True  # what is said in it may become memories
    fork: Fork | None = None
    trial: Trial | None = None  # nobody asked: see there


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


class StopRequested(Entry, frozen=True, tag="stop_requested"):
    """The user asked to stop the task and everything below it; that of `main` is the whole run."""


class PauseRequested(Entry, frozen=True, tag="pause_requested"):
    """Nothing new begins in this run until it is resumed; what is being written is finished."""


class ResumeRequested(Entry, frozen=True, tag="resume_requested"):
    """The run goes on."""


class RunFinished(Entry, frozen=True, tag="run_finished"):
    """The end of the log. `lost`: what an attempt that was cut off before it said anything has used."""

    status: Literal["completed", "failed", "canceled"]
    error: ErrorFacts | None = None
    lost: Paid | None = None


# ── plans and tasks ───────────────────────────────────────────────────────────────────────────────────────────────


class PlanMade(Entry, frozen=True, tag="plan_made"):
    """The agent of `task_id` delegates: these are its child tasks. `needs_approval`: none begins before the user has
    decided."""

    plan: Plan
    needs_approval: bool = False
    outside: list[str] = []


class PlanDecided(Entry, frozen=True, tag="plan_decided"):
    """The user approved the plan of `task_id` (as it was, or with these tasks instead), or turned it down: then the
    agent answers without one."""

    approved: bool
    tasks: list[PlanTask] | None = None


class PlanAmended(Entry, frozen=True, tag="plan_amended"):
    """The plan of `task_id` changed while it ran. `replace`: who waited for the key now waits for the value."""

    add: list[PlanTask] = []
    replace: dict[str, str] = {}
    cancel: list[str] = []
    reason: str = ""
    outside: list[str] = []


class TaskStarted(Entry, frozen=True, tag="task_started"):
    """A worker took up the task. `assignment` counts role and model: 1 as planned, one more after each reassignment;
    its steps are this assignment's own."""

    role: str
    prompt_version: str
    model: str = ""
    assignment: int = 1
    tokens: int = 0  # its budget
    seconds: float = 0.0


class TaskFinished(Entry, frozen=True, tag="task_finished"):
    """The task has ended. Its result is the text of `message_id`, or `text` where no message holds it. `lost`: as for
    `RunFinished`."""

    status: Literal["completed", "failed", "canceled", "rejected"]
    message_id: str = ""
    text: str = ""
    error: ErrorFacts | None = None
    lost: Paid | None = None
    outside: list[str] = []


class TaskReused(Entry, frozen=True, tag="task_reused"):
    """In a fork: the task is not done again, its result is that of the run it was forked from."""

    from_run_id: str
    role: str
    text: str
    status: Literal["completed", "failed", "canceled", "rejected"] = "completed"
    outside: list[str] = []


class BudgetReached(Entry, frozen=True, tag="budget_reached"):
    """A budget is used up, or (`warning`) most of it is. `scope`: whose: the task's, its run's, its thread's, its
    owner's in all, or its owner's for the day. `money` is in US dollars."""

    what: BudgetWhat
    limit: float
    used: float
    warning: bool = False
    scope: BudgetScope = "task"


# ── one agent's steps ─────────────────────────────────────────────────────────────────────────────────────────────


class MessageStarted(Entry, frozen=True, tag="message_started"):
    """An attempt to write a message begins: which model gets which prompt. `step` names it within its task: `answer`
    (the result), `decide` (whether to plan), `answer.2` (after tools). `turns`: the runs of the earlier turns in the
    prompt, oldest first; `answered`: those of them whose answer was in it too. `sent`: the prompt itself, where it
    cannot be put together again from the log. `cost`: US dollars for reading the prompt alone; `lost`: what the attempt
    before, which a crash cut off, has used."""

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
    reserve: int = 0  # tokens kept free for the answer
    step: str = "answer"
    sent: list[SentMessage] = []
    cost: float = 0.0
    lost: Paid | None = None


class ContextTrimmed(Entry, frozen=True, tag="context_trimmed"):
    """Not all that could be said fitted into the prompt of `message_id`; written just before its start. `rung`: what
    was done: duplicates or the least useful memories left out, old turns replaced by a summary or left out, results
    shortened, or the prompt refused. `refs`: what it was done to; `tokens`: how many that freed."""

    message_id: str
    rung: Rung
    tokens: int = 0
    refs: list[str] = []
    detail: str = ""


class MemoriesRecalled(Entry, frozen=True, tag="memories_recalled"):
    """What an agent was reminded of before it wrote `message_id`, or by its own tool call `call_id`. `query`: what was
    looked for; `considered`: how many memories were compared; `dense`: whether by meaning too, or by words alone."""

    message_id: str
    query: str
    hits: list[RecalledMemory]
    missed: list[PassedOver] = []
    call_id: str = ""
    considered: int = 0
    dense: bool = True
    ms: float = 0.0


class ChoicesMade(Entry, frozen=True, tag="choices_made"):
    """Learning chose for this task, before its first step; `role`: whose task it was to be."""

    role: str
    choices: list[Choice]


class LessonsTold(Entry, frozen=True, tag="lessons_told"):
    """What was learned and stands in the prompt of `message_id`, also of later messages of the task. `considered`: how
    many approved answers were compared."""

    message_id: str
    examples: list[LearnedExample] = []
    notes: list[LearnedNote] = []
    considered: int = 0
    ms: float = 0.0


class AttemptFailed(Entry, frozen=True, tag="attempt_failed"):
    """The attempt ended badly. `text` had streamed by then. `retry_in_ms` None: no further attempt with this role and
    model; `to_role`, `to_model`: who gets the task instead. `endpoint`: who failed; `others`: how many endpoints can
    take the next attempt. `paid`: what it has used. `sent`: False: nobody was asked, for earlier calls had failed."""

    message_id: str
    attempt: int
    error: ErrorFacts
    text: str = ""
    retry_in_ms: float | None = None
    to_role: str | None = None
    to_model: str | None = None
    step: str = "answer"
    endpoint: str = ""
    others: int = 0
    paid: Paid | None = None
    sent: bool = True


class MessageFinished(Entry, frozen=True, tag="message_finished"):
    """The whole message. `finish_reason`: stop, length, tool_calls, `stopped` by the user, or `budget`: all that could
    be said within it. `endpoint`: who answered, where it is not the one named at the start; `tried`: who was asked
    before. `cost`: US dollars. `cache`: it was not made anew. `model_id`: as it was asked for; empty: Alma itself wrote
    it."""

    message_id: str
    attempt: int
    text: str
    finish_reason: str
    usage: Usage
    timing: Timing
    reasoning: str = ""
    model: str = ""  # as the endpoint named it
    step: str = "answer"
    tool_calls: list[CallFacts] = []
    endpoint: str = ""
    tried: list[Tried] = []
    cost: float = 0.0
    cache: CacheHit | None = None
    model_id: str = ""
    outside: list[str] = []


class ToolCalled(Entry, frozen=True, tag="tool_called"):
    """A tool is about to be called; written before it is. `step`: the message that asked for it. `attempt` > 1: it was
    cut off by a crash and is called again, which its tool says is harmless. `outside`: where from outside what it gives
    back is from; empty: it is Alma's own. `because`: what from outside is in the context of a call that acts, so that
    the user has to allow it."""

    call_id: str
    name: str
    arguments: str
    step: str = "answer"
    attempt: int = 1
    needs_approval: bool = False
    idempotent: bool = False
    outside: str = ""
    because: list[str] = []


class ToolDecided(Entry, frozen=True, tag="tool_decided"):
    """The user allowed or refused a tool call that needed it."""

    call_id: str
    approved: bool


class ToolReturned(Entry, frozen=True, tag="tool_returned"):
    """What the model is told of the call. `left_out`: characters that were cut off the end."""

    call_id: str
    ok: bool
    text: str
    ms: float = 0.0
    left_out: int = 0


class QuestionAsked(Entry, frozen=True, tag="question_asked"):
    """The task waits for an answer of the user's (`input_required`), also for days and across restarts."""

    question_id: str
    text: str
    options: list[str] = []


class QuestionAnswered(Entry, frozen=True, tag="question_answered"):
    question_id: str
    text: str


# ── what is thought of it ─────────────────────────────────────────────────────────────────────────────────────────


class Signaled(Entry, frozen=True, tag="signaled"):
    """What its owner thinks of the result of `task_id`, said or shown; may come long after the run's end. The newest of
    a `signal` counts. `value`: −1 to 1; 0 takes it back. `text`: the answer as it should have been, of `edited`.
    `other`: the run that it was preferred to, passed over for, or asked again in. `key`: of the command, where it had
    one."""

    signal: SignalName
    value: float
    reason: str = ""
    text: str = ""
    other: str = ""
    key: str = ""


# ── between agents ────────────────────────────────────────────────────────────────────────────────────────────────


class AgentMessage(Entry, frozen=True, tag="agent_message"):
    """A message from the agent of `task_id` to `recipient`: a task, a role, or `team` for everybody in the run. It
    reaches them at their next step. `refs`: tasks, board keys or entries that it speaks of."""

    sender: str  # the role that speaks
    recipient: str
    kind: MessageKind
    text: str
    refs: list[str] = []
    outside: list[str] = []


class BoardWritten(Entry, frozen=True, tag="board_written"):
    """The run's blackboard: `key` now holds `text`. `version` counts up from 1; a writer names the one it saw."""

    key: str
    version: int
    text: str
    outside: list[str] = []


JournalEntry = (
    RunStarted
    | RouteChosen
    | RouteCorrected
    | PlanMade
    | PlanDecided
    | PlanAmended
    | TaskStarted
    | TaskFinished
    | TaskReused
    | BudgetReached
    | ContextTrimmed
    | MemoriesRecalled
    | ChoicesMade
    | LessonsTold
    | Signaled
    | MessageStarted
    | AttemptFailed
    | MessageFinished
    | ToolCalled
    | ToolDecided
    | ToolReturned
    | QuestionAsked
    | QuestionAnswered
    | AgentMessage
    | BoardWritten
    | StopRequested
    | PauseRequested
    | ResumeRequested
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
    task_id: str = MAIN
