"""What the tasks that a version was tried on say of it: the test, the guardrails, and the watch after its promotion.
Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from alma.learner.version_records import Phase, Tried
from alma.learning.betting import Floats, Seen, course, detector, of_pairs, of_tasks
from alma.learning.guardrails import Cost, Guard, guards
from alma.learning.sequential import Judged, Rules, judge, judge_pairs

PAIRED: tuple[Phase, ...] = ("replay", "shadow")
_NEVER = 1_000_000
CANARY = Rules()
REHEARSAL = Rules(checkpoint=_NEVER, most=_NEVER, matters=None)  # it can only show that a version is better or worse
LEAST_LEVEL = 10  # tasks of the base with a known reward, so that its level is known
ALARM = 1000.0  # as many tasks at least, on average, until the watch is wrong
_TO_ALL = 5.0  # tasks of a context that its average weighs as much as that of all
_ERRORS = 1.5  # measured: of steady versions one in a hundred is taken back within 1000 tasks


class Judgement(Struct, frozen=True):
    """`waiting`: tasks of which the reward is not known; `errors`: that failed. Both of candidate and base."""

    phase: Phase
    judged: Judged
    guards: list[Guard]
    waiting: tuple[int, int]
    errors: tuple[int, int]

    @property
    def broken(self) -> Guard | None:
        return next((guard for guard in self.guards if guard.broken), None)


class Watched(Struct, frozen=True):
    """`level`: of the base's rewards, None: not known; `mean`: of the version's since it was promoted; `odds`: that it
    has fallen below; `drifted`: they are enough."""

    tasks: int
    mean: float
    level: float | None
    odds: float
    drifted: bool


def judgement(phase: Phase, tried: Sequence[Tried]) -> Judgement:
    """Of the replay, the shadow or the canary; `tried` in the order in which rewards were known."""
    paired = phase in PAIRED
    judged = judge_pairs(differences(tried), REHEARSAL) if paired else judge(_seen(tried), CANARY)
    costs = [
        Cost(one.arm == "candidate", one.share, bool(one.error), one.ms, one.cost, one.pair, one.context)
        for one in tried
        if paired or 0.0 < one.share < 1.0
    ]
    return Judgement(phase, judged, guards(costs, paired=paired), _both(tried, waiting=True), _both(tried))


def interval_course(phase: Phase, tried: Sequence[Tried]) -> list[tuple[int, float, float]]:
    """(tasks, low, high), for a plot."""
    drawn = of_pairs(differences(tried)) if phase in PAIRED else of_tasks(_seen(tried))
    return course(drawn, CANARY.promote)


def differences(tried: Sequence[Tried]) -> list[float]:
    """Candidate's reward less the base's, of what both did."""
    base = {one.pair: one.reward for one in tried if one.arm == "base" and one.reward is not None}
    mine = [one for one in tried if one.arm == "candidate" and one.reward is not None and one.pair in base]
    return [(one.reward or 0.0) - base[one.pair] for one in mine]


def compared(tried: Sequence[Tried]) -> int:
    """How many tasks of a replay or shadow tell the sides apart: not those that failed on both."""
    return len({one.pair for one in tried if not one.error})


def watched(canary: Sequence[Tried], since: Sequence[Tried]) -> Watched:
    """Whether a promoted version has fallen below what its base was in the canary."""
    rewards = [one.reward for one in since if one.reward is not None]
    mean = sum(rewards) / len(rewards) if rewards else 0.0
    level = base_level(canary)
    if level is None:
        return Watched(len(rewards), mean, None, 0.0, drifted=False)
    found = fallen(level, since)
    most = float(found.max()) if len(found) else 0.0
    return Watched(len(rewards), mean, level.average, most, drifted=most >= ALARM)


class Level(Struct, frozen=True):
    """Of the base's rewards: the `average` of all, and by kind of task below what they surely were not (`contexts`)."""

    average: float
    contexts: dict[str, float]

    def of(self, context: str) -> float:
        """Of a kind that the canary had none of nothing is known: the lowest."""
        return self.contexts.get(context, min(self.contexts.values()))


def base_level(canary: Sequence[Tried]) -> Level | None:
    """None: it is not known. A kind's mean, or nearer to that of all where that is lower, less `_ERRORS` of its errors;
    a few rewards that are alike are no proof that all are, so one more is thought of, as far off as usual."""
    known = [(one.context, one.reward) for one in canary if one.arm == "base" and one.reward is not None]
    if len(known) < LEAST_LEVEL:
        return None
    average = sum(reward for _, reward in known) / len(known)
    usual = sum((reward - average) ** 2 for _, reward in known) / (len(known) - 1)
    by: dict[str, list[float]] = {}
    for context, reward in known:
        by.setdefault(context, []).append(reward)
    contexts: dict[str, float] = {}
    for context, here in by.items():
        mean, count = sum(here) / len(here), len(here)
        nearer = (sum(here) + _TO_ALL * average) / (count + _TO_ALL)
        variance = (sum((reward - mean) ** 2 for reward in here) + usual) / count
        contexts[context] = max(min(mean, nearer) - _ERRORS * math.sqrt(variance / count), 0.0)
    return Level(average, contexts)


def fallen(level: Level, since: Sequence[Tried]) -> Floats:
    """After each task with a known reward: the odds that rewards have fallen below the level."""
    known = [(one.context, one.reward) for one in since if one.reward is not None]
    return detector([reward for _, reward in known], [level.of(context) for context, _ in known])


def _seen(tried: Sequence[Tried]) -> list[Seen]:
    return [
        Seen(one.arm == "candidate", one.reward, one.share, one.context)
        for one in tried
        if one.reward is not None and 0.0 < one.share < 1.0
    ]


def _both(tried: Sequence[Tried], *, waiting: bool = False) -> tuple[int, int]:
    counted = [one.arm for one in tried if (one.reward is None if waiting else bool(one.error))]
    return counted.count("candidate"), counted.count("base")
