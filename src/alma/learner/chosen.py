"""What was chosen for an owner's last tasks, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from alma.learned import ChoiceBy
from alma.learning.outcome import Outcome


class Chosen(Struct, frozen=True):
    """The arm of one task. `at`: Unix seconds of its run's end; `reward` None: nobody has said anything."""

    run_id: str
    task_id: str
    thread_id: str
    at: float
    chosen: str
    propensity: float
    by: ChoiceBy
    reward: float | None


def arms_chosen(outcomes: Iterable[Outcome], context: str) -> list[Chosen]:
    """Of tasks of one kind, the newest run first."""
    found = [
        Chosen(
            outcome.run_id,
            task.task_id,
            outcome.thread_id,
            outcome.at,
            choice.chosen,
            choice.propensity,
            choice.by,
            task.reward,
        )
        for outcome in outcomes
        for task in outcome.tasks
        for choice in task.choices
        if choice.what == "arm" and choice.context == context
    ]
    return sorted(found, key=lambda one: one.at, reverse=True)


def explored(found: Iterable[Chosen]) -> int:
    return sum(1 for one in found if one.by == "explored")
