"""What the tasks that a version was tried on say of it: the test, the guardrails, and the watch after its promotion.
Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from alma.learner.version_records import Phase, Tried
from alma.learning.betting import Seen, course, detector, of_pairs, of_tasks
from alma.learning.guardrails import Cost, Guard, guards
from alma.learning.sequential import Judged, Rules, judge, judge_pairs

PAIRED: tuple[Phase, ...] = ("replay", "shadow")
_NEVER = 1_000_000
CANARY = Rules()
REHEARSAL = Rules(checkpoint=_NEVER, most=_NEVER, matters=None)  # it can only show that a version is better or worse
LEAST_LEVEL = 10  # tasks of the base with a known reward, so that its level is known
ALARM = 1000.0  # as many tasks at least, on average, until the watch is wrong
_TO_ALL = 5.0  # tasks of a context that its average weighs as much as that of all


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
    """Whether a promoted version has fallen below what its base was in the canary, less a standard error of that."""
    known = [(one.context, one.reward) for one in canary if one.arm == "base" and one.reward is not None]
    rewards = [(one.context, one.reward) for one in since if one.reward is not None]
    mean = sum(reward for _, reward in rewards) / len(rewards) if rewards else 0.0
    if len(known) < LEAST_LEVEL:
        return Watched(len(rewards), mean, None, 0.0, drifted=False)
    average = sum(reward for _, reward in known) / len(known)
    spread = math.sqrt(sum((reward - average) ** 2 for _, reward in known) / (len(known) - 1) / len(known))
    levels: dict[str, float] = {}
    for context in {context for context, _ in rewards}:
        here = [reward for one, reward in known if one == context]
        levels[context] = max((sum(here) + _TO_ALL * average) / (len(here) + _TO_ALL) - spread, 0.0)
    found = detector([reward for _, reward in rewards], [levels[context] for context, _ in rewards])
    most = float(found.max()) if len(found) else 0.0
    return Watched(len(rewards), mean, average, most, drifted=most >= ALARM)


def _seen(tried: Sequence[Tried]) -> list[Seen]:
    return [
        Seen(one.arm == "candidate", one.reward, one.share, one.context)
        for one in tried
        if one.reward is not None and 0.0 < one.share < 1.0
    ]


def _both(tried: Sequence[Tried], *, waiting: bool = False) -> tuple[int, int]:
    counted = [one.arm for one in tried if (one.reward is None if waiting else bool(one.error))]
    return counted.count("candidate"), counted.count("base")
