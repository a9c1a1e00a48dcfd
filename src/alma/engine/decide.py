"""What is to be done next in a run. Pure: reads a `RunState` and a clock's reading, and changes nothing.

Every transition that nobody has to think about is decided here: who may begin, who has to end and as what, whether a
failed step is tried again, by whom, and when the run itself has its end.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Literal

from msgspec import Struct

from alma.engine.fold import has_nothing
from alma.engine.state import RunState, TaskState
from alma.events import ErrorFacts
from alma.plan import MAIN

LONGEST_ASKED_MS = 60_000.0  # that an endpoint may ask for between two attempts


class Begin(Struct, frozen=True):
    """Let a worker go on with this task, not before `not_before` (Unix seconds)."""

    task_id: str
    not_before: float = 0.0


class End(Struct, frozen=True):
    """End this task so (that of `main` is the end of the run); if somebody works on it, that is cut off."""

    task_id: str
    status: Literal["failed", "canceled", "rejected"]
    error: ErrorFacts | None = None


class Complete(Struct, frozen=True):
    """The run's own answer is whole: end the run as completed."""


class Wake(Struct, frozen=True):
    """Decide again at this time (Unix seconds)."""

    at: float


Decision = Begin | End | Complete | Wake


class RunLimits(Struct, frozen=True):
    """`seconds`: how long a run may take between two words of the user; 0 is as long as it likes."""

    seconds: float = 0.0


def decide(
    state: RunState,
    now: float,
    limits: RunLimits = RunLimits(),  # noqa: B008  # frozen
    under_way: tuple[Container[str], Container[str]] = ((), ()),
) -> list[Decision]:
    """What to do now, in this order; nothing when the run has its end or waits for somebody. Tasks in `under_way`
    (being worked on, handed out) need no beginning."""
    if state.finished is not None or state.started is None:
        return []
    main = state.main
    if (answer := main.answer) is not None:
        return [End(MAIN, "canceled") if answer.finish_reason == "stopped" else Complete()]
    # The run's own task comes last, also when it was stopped before its plan was written: nothing follows its end.
    ending = sorted(state.ending, key=lambda task_id: task_id == MAIN)
    found: list[Decision] = [_end(state, state.tasks[task_id]) for task_id in ending]
    if main.stop_requested:
        return found
    if state.paused:
        return found
    seconds = state.started.seconds or limits.seconds
    due = state.clock_from + seconds if seconds and main.open_children else 0.0
    if due and now >= due and not main.plan_open:
        return found + _too_late(state, seconds)
    worked_on, handed_out = under_way
    found += [
        Begin(task_id, state.tasks[task_id].not_before)
        for task_id in state.ready
        if task_id not in worked_on and task_id not in handed_out
    ]
    if due and not main.plan_open:
        found.append(Wake(due))
    return found


def _end(state: RunState, task: TaskState) -> End:
    """How a task in `ending` ends."""
    if task.stop_requested:
        return End(task.id, "canceled")
    if task.doomed:
        assert task.last_failure is not None
        return End(task.id, "failed", task.last_failure.error)
    assert has_nothing(state, task)
    missing = ", ".join(task.depends_on)
    facts = ErrorFacts("upstream_failed", f"There was nothing to work on: task {missing} gave no result.")
    return End(task.id, "rejected", facts)


def _too_late(state: RunState, seconds: float) -> list[Decision]:
    """The run has taken too long: what is unfinished ends, and the answer is made of what there is."""
    facts = ErrorFacts(
        "deadline",
        f"It was not ready after {seconds:g} s.",
        expected=f"a run of at most {seconds:g} s",
        hint="Give the run more seconds (`alma run --seconds`, ALMA_RUN_SECONDS), or ask for less at once.",
    )
    # Those of the deepest level first, so that each parent finds its children ended.
    late = sorted(state.unfinished(), key=lambda task: -task.id.count("."))
    return [End(task.id, "failed", facts) for task in late if task.id not in state.ending]


# ── after a failure ───────────────────────────────────────────────────────────────────────────────────────────────


class Next(Struct, frozen=True):
    """What follows a failed attempt: another one after `retry_in_ms`, another role or model, or (all None) the end."""

    retry_in_ms: float | None = None
    to_role: str | None = None
    to_model: str | None = None


def after_failure(
    task: TaskState,
    *,
    retryable: bool,
    max_attempts: int,
    asked_ms: float | None,
    jitter: float,
    stand_ins: list[tuple[str | None, str | None]],
    others: int = 0,
) -> Next:
    """The ladder: the same again with growing pauses, then each of `stand_ins` (role, model; None keeps it) in turn,
    then nothing more. `jitter` (0.5 to 1.5) is drawn by the caller. While `others` can take it, the next attempt begins
    at once, and each of them has as many. An endpoint that asks for more time than all further attempts would give it
    is not waited for."""
    failures = task.failures + 1
    if retryable and others and failures < max_attempts * (others + 1):
        return Next(retry_in_ms=0.0)
    in_vain = asked_ms is not None and asked_ms > LONGEST_ASKED_MS * (max_attempts - failures)
    if retryable and failures < max_attempts and not in_vain:
        return Next(retry_in_ms=retry_delay_ms(failures, asked_ms, jitter))
    if task.assignment <= len(stand_ins):
        role, model = stand_ins[task.assignment - 1]
        return Next(to_role=role, to_model=model)
    return Next()


def retry_delay_ms(failures: int, asked_ms: float | None, jitter: float) -> float:
    """How long to wait after the `failures`-th failure: what the endpoint asked for, else 0.5 s doubled each time up to
    15 s, times `jitter`. An endpoint may ask for a minute at most."""
    if asked_ms is not None:
        return min(asked_ms, LONGEST_ASKED_MS)
    return min(500.0 * 2 ** max(failures - 1, 0), 15_000.0) * jitter
