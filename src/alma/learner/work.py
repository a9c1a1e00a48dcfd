"""What a role did in a run, as the run's journal has it: to compare two runs of one task by what it did. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from alma.engine.fold import fold
from alma.engine.state import RunState
from alma.events import Recorded
from alma.learner.outcomes import counted
from alma.learner.trail import follow
from alma.learning.outcome import Heard, Outcome
from alma.learning.reward import Weights
from alma.plan import MAIN

# What a run sees of its own work; of these the mean, by their usual weights.
_CHECKS = ("critic", "done_when", "schema", "tools")


class Work(Struct, frozen=True):
    """`answers`: what was answered; `error`: a code, empty when all went well; `checks`: 0 to 1, what the run itself
    saw of it (a critic, done or not, form, tools), None: nothing. `own`: it is of tasks of a plan; else of the whole
    run."""

    answers: list[str]
    error: str = ""
    ms: float = 0.0
    cost: float = 0.0
    checks: float | None = None
    own: bool = False


def work_of(log: Sequence[Recorded], role: str) -> tuple[Work, Work | None] | None:
    """Of the whole run, and of the tasks of its plan that the role did, None: it did none. None: the run has not ended,
    or is gone."""
    if not log:
        return None
    state = fold(log[0].run_id, log)
    outcome = counted(log, lambda _owner: Weights(), state)
    if outcome is None:
        return None
    main = state.main
    whole = Work(
        [main.answer.text if main.answer is not None else main.text],
        outcome.tasks[0].error,
        _at_work_ms(state, follow(log).waited_ms),
        outcome.tasks[0].cost,
        _checks([task.signals for task in outcome.tasks[:1] if task.role == role]),
    )
    return whole, _own(outcome, state, role)


def _own(outcome: Outcome, state: RunState, role: str) -> Work | None:
    mine = [one for one in outcome.tasks if one.role == role and one.task_id in state.tasks and one.task_id != MAIN]
    if not mine:
        return None
    return Work(
        [state.tasks[one.task_id].text for one in mine],
        next((one.error for one in mine if one.error), ""),
        sum(one.ms for one in mine),
        sum(one.cost for one in mine),
        _checks([one.signals for one in mine]),
        own=True,
    )


def _at_work_ms(state: RunState, waited_ms: float) -> float:
    """Without its wait for a turn, and for its user."""
    first = state.route or state.started
    assert first is not None
    assert state.finished is not None
    return max((state.finished.at - first.at) * 1000.0 - waited_ms, 0.0)


def _checks(heard: Sequence[Sequence[Heard]]) -> float | None:
    seen = [one for signals in heard for one in signals if one.name in _CHECKS]
    weight = sum(one.weight for one in seen)
    return sum(one.value * one.weight for one in seen) / weight if weight else None
