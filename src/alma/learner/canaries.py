"""Which trials a run was part of, out of its outcome. Pure."""

from __future__ import annotations

from collections.abc import Callable

from alma.learned import Choice
from alma.learner.version_records import Phase, Side, Tried, Version
from alma.learning.outcome import Outcome, TaskOutcome

_GIVEN_UP = "@"  # in the id of a task: an assignment that another took over


def tried_in(outcome: Outcome, find: Callable[[str], Version | None]) -> list[Tried]:
    """One for each version that is in its canary, or was promoted and is watched: all tasks of a run are on one side,
    so the run is what counts, with the mean of their rewards. What failed and nobody judged has a reward of 0."""
    tasks: dict[tuple[str, Phase, Side, float], list[tuple[TaskOutcome, Choice]]] = {}
    for task in outcome.tasks:
        for choice in task.choices if _GIVEN_UP not in task.task_id else ():
            version = find(choice.version) if choice.version else None
            if version is None or version.owner != outcome.owner or (place := _place(version, choice)) is None:
                continue
            tasks.setdefault((version.id, *place), []).append((task, choice))
    return [
        _tried(outcome, key[0], key[1], key[2], key[3], [task for task, _ in of], of[0][1].context)
        for key, of in tasks.items()
    ]


def _place(version: Version, choice: Choice) -> tuple[Phase, Side, float] | None:
    if choice.chosen not in (version.hash, version.base):
        return None  # of an earlier trial: it was edited since, or compared with something else
    mine = choice.chosen == version.hash
    if choice.by == "canary" and version.stage == "canary":
        return "canary", ("candidate" if mine else "base"), choice.propensity if mine else 1.0 - choice.propensity
    if choice.by == "learned" and version.stage == "promoted" and mine:
        return "watch", "candidate", 1.0
    return None


def _tried(
    outcome: Outcome, version_id: str, phase: Phase, arm: Side, share: float, tasks: list[TaskOutcome], context: str
) -> Tried:
    rewards = [0.0 if one.reward is None else one.reward for one in tasks if one.reward is not None or one.error]
    return Tried(
        version_id=version_id,
        phase=phase,
        arm=arm,
        run_id=outcome.run_id,
        at=outcome.at,
        reward=sum(rewards) / len(rewards) if rewards else None,
        error=next((one.error for one in tasks if one.error), ""),
        ms=sum(one.ms for one in tasks),
        cost=sum(one.cost for one in tasks),
        share=share,
        context=context,
    )
