"""What a run's log means, and what is to be done next. Pure: no I/O, no clock, no randomness.

`fold` turns entries into a `RunState`; `decide` reads the state and says the one next step. Every transition of a run
is here and only here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, assert_never

from msgspec import Struct

from alma.events import (
    AttemptFailed,
    ErrorFacts,
    JournalEntry,
    MessageFinished,
    MessageStarted,
    Recorded,
    RouteChosen,
    RouteCorrected,
    RunFinished,
    RunStarted,
    StopRequested,
)


class RunState(Struct):
    """Folded from a run's entries. `attempts`: how often a message was begun; `failures`: how often that went wrong
    (a crash is an attempt and no failure)."""

    run_id: str
    head: int = 0
    started: RunStarted | None = None
    route: RouteChosen | None = None
    attempts: int = 0
    failures: int = 0
    last_failure: AttemptFailed | None = None
    answer: MessageFinished | None = None
    stop_requested: bool = False
    finished: RunFinished | None = None


# ── what to do next ───────────────────────────────────────────────────────────────────────────────────────────────


class Attempt(Struct, frozen=True):
    """Let the agent try (again): `attempt` counts from 1; not before `not_before` (Unix seconds)."""

    attempt: int
    not_before: float


class Finish(Struct, frozen=True):
    """Append this end."""

    status: Literal["completed", "failed", "canceled"]
    error: ErrorFacts | None = None


class Rest(Struct, frozen=True):
    """The log has its end."""


Decision = Attempt | Finish | Rest


def fold(run_id: str, entries: Iterable[Recorded]) -> RunState:
    state = RunState(run_id)
    for recorded in entries:
        apply(state, recorded)
    return state


def apply(state: RunState, recorded: Recorded) -> None:
    """Take one more entry into `state`, in place; entries must come in order, one already seen is ignored."""
    if recorded.seq <= state.head:
        return
    state.head = recorded.seq
    _apply(state, recorded.entry)


def _apply(state: RunState, entry: JournalEntry) -> None:
    match entry:
        case RunStarted():
            state.started = entry
        case RouteChosen():
            state.route = entry
        case RouteCorrected():
            pass  # a note for the next runs; this one goes on as it was routed
        case MessageStarted():
            state.attempts = entry.attempt
        case AttemptFailed():
            state.failures += 1
            state.attempts = max(state.attempts, entry.attempt)  # it may have failed before a message was begun
            state.last_failure = entry
        case MessageFinished():
            state.answer = entry
        case StopRequested():
            state.stop_requested = True
        case RunFinished():
            state.finished = entry
        case _:
            assert_never(entry)


def decide(state: RunState) -> Decision:
    """The next step. `stop_requested` wins over everything but an answer that is already whole."""
    if state.finished is not None or state.started is None:
        return Rest()
    if state.answer is not None:
        stopped = state.answer.finish_reason == "stopped"
        return Finish("canceled" if stopped else "completed")
    if state.stop_requested:
        return Finish("canceled")
    failure = state.last_failure
    if failure is not None and failure.attempt == state.attempts:
        if failure.retry_in_ms is None:
            return Finish("failed", failure.error)
        return Attempt(state.attempts + 1, failure.at + failure.retry_in_ms / 1000)
    return Attempt(state.attempts + 1, 0.0)


def retry_delay_ms(failures: int, asked_ms: float | None, jitter: float) -> float:
    """How long to wait after the `failures`-th failure: what the endpoint asked for, else 0.5 s doubled each time up to
    15 s, times `jitter` (0.5 to 1.5, drawn by the caller). An endpoint may ask for a minute at most."""
    if asked_ms is not None:
        return min(asked_ms, 60_000.0)
    return min(500.0 * 2 ** max(failures - 1, 0), 15_000.0) * jitter
