"""Whether a candidate is better or worse than its base: a test that may be looked at after every task. Pure.

The two sides are not alike. To be promoted a candidate must win bets at α = 5 % that hold at any time (`betting.py`).
To be rolled back is cheap, nobody loses what they had, so three things do it: bets that it is worse, at 20 %; a
checkpoint once it has done 60 tasks, where it must be clear (Welch's statistic, at 2.5 %, what its context explains
taken out) that it is not 10 points worse; and an end of waiting. With rewards that are mostly noise the checkpoint
sends back more than half of the candidates that are just as good as the base, and few that are 10 points better: the
figures are in docs/learning.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from alma.learning.betting import Drawn, Seen, evidence, interval, of_pairs, of_tasks

Verdict = Literal["better", "worse", "undecided", "futile"]
_LEAST_SIDE = 2  # tasks of a side that an estimate needs
_Estimate = Callable[[int], tuple[float, float]]  # the difference after so many tasks, and its standard error


class Rules(Struct, frozen=True):
    """`promote`, `back`: chances of a wrong word that are taken. `tolerated`: by how much a candidate must not be
    worse, `checkpoint`: after how many of its tasks that must be clear, by `clear` standard errors. `most`: of its
    tasks, then there is no more waiting. `matters`: a gain that would be worth having; None: any."""

    promote: float = 0.05
    back: float = 0.2
    tolerated: float = 0.1
    checkpoint: int = 60
    clear: float = 1.96
    most: int = 300
    matters: float | None = 0.02


class Judged(Struct, frozen=True):
    """`at`: after how many tasks the verdict fell, else all of them. `difference`: candidate less base as estimated
    from those, give or take `error` (standard); `low`, `high`: between which it lies, each with 95 %, however often one
    looks. `better`, `worse`: what bets on that have won."""

    verdict: Verdict
    why: str
    at: int
    candidate: int
    base: int
    difference: float
    error: float
    low: float
    high: float
    better: float
    worse: float


class Decision(Struct, frozen=True):
    """The verdict alone; the rest as in `Judged`."""

    verdict: Verdict
    why: str
    at: int
    candidate: int


def judge(seen: Sequence[Seen], rules: Rules) -> Judged:
    """Of tasks that one of both did, in the order in which their rewards were known."""
    return _judged(of_tasks(seen), decide(seen, rules), lambda at: _between(seen[:at]), rules, paired=False)


def decide(seen: Sequence[Seen], rules: Rules) -> Decision:
    """As `judge`, without the figures."""
    mine = np.cumsum(np.array([one.candidate for one in seen], dtype=np.int64))
    return _first(of_tasks(seen), mine, lambda at: _between(seen[:at]), rules)


def judge_pairs(differences: Sequence[float], rules: Rules) -> Judged:
    """Of tasks that both did: the candidate's reward less the base's."""
    drawn = of_pairs(differences)

    def estimate(at: int) -> tuple[float, float]:
        return _of_all(drawn.values[:at])

    return _judged(
        drawn, _first(drawn, np.arange(1, len(differences) + 1), estimate, rules), estimate, rules, paired=True
    )


def _judged(drawn: Drawn, found: Decision, estimate: _Estimate, rules: Rules, *, paired: bool) -> Judged:
    drawn = drawn.until(found.at)
    difference, error = estimate(found.at)
    low, high = interval(drawn, rules.promote)
    return Judged(
        found.verdict,
        found.why,
        found.at,
        found.candidate,
        found.candidate if paired else found.at - found.candidate,
        difference,
        error,
        low,
        high,
        _won(drawn, above=True),
        _won(drawn, above=False),
    )


def _won(drawn: Drawn, *, above: bool) -> float:
    return math.exp(min(float(evidence(drawn, 0.0, above=above)[-1]), 700.0)) if len(drawn.values) else 1.0


def _first(drawn: Drawn, mine: NDArray[np.int64], estimate: _Estimate, rules: Rules) -> Decision:
    """The verdict that fell first; what came after it changes nothing."""
    verdict, why, at = _fallen(drawn, mine, estimate, rules)
    return Decision(verdict, why, at, int(mine[at - 1]) if at else 0)


def _fallen(drawn: Drawn, mine: NDArray[np.int64], estimate: _Estimate, rules: Rules) -> tuple[Verdict, str, int]:
    count = len(drawn.values)
    promoted = _when(evidence(drawn, 0.0, above=True) >= -math.log(rules.promote))
    back = _when(evidence(drawn, 0.0, above=False) >= -math.log(rules.back))
    checked = _when(mine >= rules.checkpoint)
    nothing = count
    if rules.matters is not None:
        nothing = _when(evidence(drawn, rules.matters, above=False) >= -math.log(rules.promote))
    ended = _when(mine >= rules.most)
    if checked < count:
        difference, error = estimate(checked + 1)
        if difference - rules.clear * error > -rules.tolerated:
            checked = count
    at = min(promoted, back, checked, nothing, ended)
    if at >= count:
        return "undecided", "", count
    if at == promoted:
        return "better", f"bets on it won {1 / rules.promote:.0f} to 1", at + 1
    if at == back:
        return "worse", f"bets against it won {1 / rules.back:.0f} to 1", at + 1
    if at == checked:
        why = f"after {rules.checkpoint} tasks it is not clear that it is less than {_points(rules.tolerated)} worse"
        return "futile", why, at + 1
    if at == nothing and rules.matters is not None:
        return "futile", f"a gain of {_points(rules.matters)} or more is ruled out", at + 1
    return "futile", f"{rules.most} tasks show no difference that could be told from chance", at + 1


def _between(seen: Sequence[Seen]) -> tuple[float, float]:
    """The difference of the means of both sides, each context compared within itself, and its standard error."""
    sides: dict[str, tuple[list[float], list[float]]] = {}
    for one in seen:
        sides.setdefault(one.context, ([], []))[0 if one.candidate else 1].append(one.reward)
    both = {context: side for context, side in sides.items() if min(map(len, side)) >= _LEAST_SIDE}
    total = sum(len(mine) + len(theirs) for mine, theirs in both.values())
    difference = variance = 0.0
    for mine, theirs in both.values():
        weight = (len(mine) + len(theirs)) / total
        difference += weight * (float(np.mean(mine)) - float(np.mean(theirs)))
        variance += weight**2 * (_of_mean(mine) + _of_mean(theirs))
    return (difference, math.sqrt(variance)) if both else (0.0, 1.0)


def _of_all(differences: NDArray[np.float64]) -> tuple[float, float]:
    if len(differences) < _LEAST_SIDE:
        return (float(differences.mean()) if len(differences) else 0.0), 1.0
    return float(differences.mean()), math.sqrt(_of_mean(list(differences)))


def _of_mean(values: list[float]) -> float:
    """The variance of their mean. A few values that are alike are no proof that all are: one more is thought of, half
    of the scale away."""
    count = len(values)
    return (float(np.var(values)) * count + 0.25 / count) / (count - 1) / count


def _when(true: NDArray[np.bool_]) -> int:
    """Where it is first so; the length where it never is."""
    return int(np.argmax(true)) if true.any() else len(true)


def _points(share: float) -> str:
    return f"{100 * share:g} points"
