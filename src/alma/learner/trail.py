"""What the journal of a run says of each of its tasks, assignment by assignment: gathered in one pass. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from alma.events import (
    AttemptFailed,
    ChoicesMade,
    JournalEntry,
    LessonsTold,
    MemoriesRecalled,
    MessageFinished,
    MessageStarted,
    PauseRequested,
    PlanDecided,
    PlanMade,
    QuestionAnswered,
    QuestionAsked,
    Recorded,
    ResumeRequested,
    RouteCorrected,
    Signaled,
    StopRequested,
    ToolCalled,
    ToolDecided,
    ToolReturned,
)
from alma.learned import Choice, LearnedExample, LearnedNote
from alma.recollection import RecalledMemory

INVALID = "output_invalid"  # the code of an answer that is not of the form asked for


class Assignment(Struct):
    """A role and a model at a task. `started`: the last of its messages that a model was asked for, or the one that
    Alma wrote itself where none was; `tools`: by call, how it went, None: it never came back; `told`: by id, what it
    was reminded of; `invalid`: answers of the wrong form. `error`: the code of what it was given up for."""

    started: MessageStarted | None = None
    said: list[MessageFinished] = []
    invalid: int = 0
    tools: dict[str, bool | None] = {}
    told: dict[str, RecalledMemory] = {}
    queries: list[str] = []
    examples: dict[str, LearnedExample] = {}
    notes: dict[str, LearnedNote] = {}
    choices: list[Choice] = []
    ms: float = 0.0
    tokens: int = 0
    cost: float = 0.0
    error: str = ""
    at: float = 0.0


class Trail(Struct):
    """A task: its assignments, the last of which stands, and what was said of it."""

    assignments: list[Assignment]
    signals: dict[str, Signaled] = {}
    plan_decided: PlanDecided | None = None
    stopped: StopRequested | None = None

    @property
    def last(self) -> Assignment:
        return self.assignments[-1]


class Trails(Struct):
    """`waited_ms`: how long the run stood still for its user, alone or with others at work."""

    tasks: dict[str, Trail] = {}
    route: RouteCorrected | None = None
    waited_ms: float = 0.0

    def of(self, task_id: str) -> Trail:
        trail = self.tasks.get(task_id)
        if trail is None:
            trail = self.tasks[task_id] = Trail([Assignment()])
        return trail


def follow(log: Sequence[Recorded]) -> Trails:
    trails = Trails()
    waits: dict[str, float] = {}  # what is waited for, since when the run waits at all
    for recorded in log:
        entry = recorded.entry
        if type(entry) in _WAITS:
            _wait(trails, waits, entry)
        trail = trails.of(entry.task_id)
        match entry:
            case Signaled():
                trail.signals.pop(entry.signal, None)  # in the order of the journal, whatever clocks say
                trail.signals[entry.signal] = entry
            case RouteCorrected():
                trails.route = entry
            case PlanDecided():
                trail.plan_decided = trail.plan_decided or entry
            case StopRequested():
                trail.stopped = trail.stopped or entry
            case _:
                _follow(trail, entry)
    return trails


def _follow(trail: Trail, entry: JournalEntry) -> None:
    now = trail.last
    match entry:
        case ChoicesMade():
            now.choices = entry.choices
        case MessageStarted():
            if entry.model or now.started is None:
                now.started = entry
            _used(now, entry.lost.tokens if entry.lost else 0, entry.lost.cost if entry.lost else 0.0)
        case MessageFinished():
            now.said.append(entry)
            now.ms += entry.timing.total_ms
            used = entry.usage.input_tokens + entry.usage.output_tokens if entry.cache is None else 0
            _used(now, used, entry.cost if entry.cache is None else 0.0)
        case MemoriesRecalled():
            now.told.update((hit.id, hit) for hit in entry.hits)
            now.queries.append(entry.query)
        case LessonsTold():
            now.examples.update((one.id, one) for one in entry.examples)
            now.notes.update((one.id, one) for one in entry.notes)
        case ToolReturned():
            if entry.call_id in now.tools:
                now.tools[entry.call_id] = entry.ok
            now.ms += entry.ms
        case ToolCalled():
            now.tools.setdefault(entry.call_id, None)
        case ToolDecided():
            if not entry.approved:  # refused by the user: it says nothing of who asked
                now.tools.pop(entry.call_id, None)
        case AttemptFailed():
            now.invalid += entry.error.code == INVALID
            if entry.paid is not None:
                now.ms += entry.paid.ms
                _used(now, entry.paid.tokens, entry.paid.cost)
            if entry.to_role is not None or entry.to_model is not None:
                now.error, now.at = entry.error.code, entry.at
                trail.assignments.append(Assignment())
        case _:
            pass


def _used(now: Assignment, tokens: int, cost: float) -> None:
    now.tokens += tokens
    now.cost += cost


_WAITS = frozenset(
    (QuestionAsked, QuestionAnswered, PlanMade, PlanDecided, ToolCalled, ToolDecided, PauseRequested, ResumeRequested)
)


def _wait(trails: Trails, waits: dict[str, float], entry: JournalEntry) -> None:
    """The run waits from the first question that is open to the last answer."""
    match entry:
        case QuestionAsked():
            opened, closed = f"?{entry.question_id}", ""
        case QuestionAnswered():
            opened, closed = "", f"?{entry.question_id}"
        case PlanMade(needs_approval=True):
            opened, closed = f"plan {entry.task_id}", ""
        case PlanDecided():
            opened, closed = "", f"plan {entry.task_id}"
        case ToolCalled(needs_approval=True):
            opened, closed = f"tool {entry.call_id}", ""
        case ToolDecided():
            opened, closed = "", f"tool {entry.call_id}"
        case PauseRequested():
            opened, closed = "pause", ""
        case ResumeRequested():
            opened, closed = "", "pause"
        case _:
            return
    if opened:
        since = min(waits.values(), default=entry.at)
        waits.setdefault(opened, since)
    elif (since := waits.pop(closed, None)) is not None and not waits:
        trails.waited_ms += max(entry.at - since, 0.0) * 1000.0
