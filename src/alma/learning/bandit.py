"""Which arm does a task: Thompson sampling over what is believed of each, within a budget of exploration. Pure.

An arm is worth its reward less its cost. Thompson sampling draws a worth of each arm from what is believed of it and
takes the best draw, so an arm is chosen as often as it is likely to be the best (Thompson 1933; Russo et al., "A
tutorial on Thompson sampling", 2018). Here those likelihoods are computed first, by integration, and one die is cast
over them: the odds that are told are the odds that were used, which off-policy estimates rest on.

Draws are from beliefs that are taken for `SHARP` times as sure as they are: over some hundred tasks the textbook's
sampling explores more than pays (Chapelle and Li, "An empirical evaluation of Thompson sampling", 2011, call it
posterior reshaping). Means and intervals that are told are of the beliefs themselves.

The first arm is the usual one, and the others bear the burden of proof: each has to be better by `MARGIN`. Where
feedback is noisy or false, much is lost on arms that are nearly as good, and little won on those that are hardly
better.

While an arm's rewards have changed lately, neither holds, and of what was seen of the others no more than `DOUBT`
counts: the best has to be found again.

`exploration` bounds how much of that is done otherwise than is believed best:

- 0: the arm of the best believed mean, less its cost and that margin, always; of equal ones the first. Only what was
  seen `enough` can take the place of the first arm: one of which little is known would be taken to find out.
- 1: Thompson sampling.
- between: with q the probability that Thompson sampling takes another arm than the one believed best, the
  probabilities of all others are multiplied by min(1, exploration / q). So of the tasks, in expectation and whatever is
  believed, at most that share is done otherwise, and nothing changes where Thompson sampling explores less anyway.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from alma.errors import InvalidRequest
from alma.learned import Option
from alma.learning.posterior import Posterior

Floats = NDArray[np.float64]
LEAST = 0.5  # of good and of bad: below, a belief is that all is perfect or useless, which a few runs never show
SHARP = 5.0  # times as much evidence as there is, for draws
MARGIN = 0.1  # of reward, by which another arm than the first has to be better
DOUBT = 8.0  # weight of evidence that the other arms keep while one has changed: so may they have
_CELLS = np.linspace(0.0, 1.0, 129)  # edges of the cells in which a belief lies
_POINTS = np.linspace(0.0, 1.0, 384)  # at which worths are compared
_WIDE = 5.5  # of its standard deviations to each side
_TAILS = np.array([0.05, 0.95])


class Seen(Struct, frozen=True):
    """An arm as it is seen now. `good`, `bad`: discounted weights of what was seen, on top of `prior`; `count`: of
    runs behind that; `cost`: in rewards; `changed`: its rewards are not what they were (`learning/change.py`)."""

    id: str
    prior: Posterior
    good: float
    bad: float
    count: int
    cost: float = 0.0
    changed: bool = False


class Picked(Struct, frozen=True):
    """`propensity`: how likely this arm was; `explored`: it is another than the one believed best; `options`: all arms,
    in the order in which they came, each with the `share` of tasks that it would get."""

    id: str
    propensity: float
    explored: bool
    options: list[Option]


def choose(arms: Sequence[Seen], rng: random.Random, *, exploration: float, enough: float = 0.0) -> Picked:
    """`enough`: weight of evidence, see above. Raises `InvalidRequest` where there is no arm, or a number that is
    none."""
    odds = weigh(arms, exploration=exploration, enough=enough)
    grid = _Grid(odds.beliefs)
    options = [
        Option(arm.id, belief.mean, *grid.middle(at), arm.good + arm.bad, arm.cost, odds.shares[at])
        for at, (arm, belief) in enumerate(zip(arms, odds.beliefs, strict=True))
    ]
    at = odds.cast(rng)
    return Picked(arms[at].id, odds.shares[at], at != odds.best, options)


class Odds(Struct, frozen=True):
    """How likely each arm is to be chosen, and which is believed best."""

    beliefs: list[Posterior]
    shares: list[float]
    best: int

    def cast(self, rng: random.Random) -> int:
        """Which it is this time."""
        die = rng.random()
        for at, share in enumerate(self.shares):
            if die < share:
                return at
            die -= share
        return self.best  # the sum of the shares is a rounding below 1


def weigh(arms: Sequence[Seen], *, exploration: float, enough: float = 0.0) -> Odds:
    """As `choose`, before the die is cast."""
    _check(arms, exploration)
    beliefs = [_belief(arm, arms) for arm in arms]
    changed = any(arm.changed for arm in arms)
    margin, sharp = (0.0, 1.0) if changed else (MARGIN, SHARP)
    costs = [arm.cost + (margin if at else 0.0) for at, arm in enumerate(arms)]
    worths = [belief.mean - cost for belief, cost in zip(beliefs, costs, strict=True)]
    able = [at for at, arm in enumerate(arms) if exploration > 0.0 or at == 0 or arm.good + arm.bad >= enough]
    best = max(able, key=worths.__getitem__)
    drawn = _Grid(beliefs, sharp).best(costs) if exploration > 0.0 else []
    return Odds(beliefs, _bounded(drawn, len(arms), best, exploration), best)


def _check(arms: Sequence[Seen], exploration: float) -> None:
    if not arms:
        raise InvalidRequest("no_arms", "There is nothing to choose from.", expected="at least one arm", actual="none")
    if not 0.0 <= exploration <= 1.0:
        raise InvalidRequest(
            "bad_exploration", "This is no share of tasks.", expected="a number from 0 to 1", actual=str(exploration)
        )
    for arm in arms:
        numbers = (arm.prior.good, arm.prior.bad, arm.good, arm.bad, arm.cost)
        if not all(map(math.isfinite, numbers)) or min(numbers[:4]) < 0.0:
            raise InvalidRequest(
                "bad_arm",
                f"What is known of the arm {arm.id} cannot be.",
                expected="finite weights, none below 0, and a finite cost",
                actual=", ".join(f"{number:g}" for number in numbers),
            )


def _belief(arm: Seen, arms: Sequence[Seen]) -> Posterior:
    """Where another arm has changed, no more than `DOUBT` is kept of what was seen of this one: its mean stays."""
    weight = arm.good + arm.bad
    doubted = any(other.changed for other in arms) and not arm.changed
    kept = min(1.0, DOUBT / weight) if doubted and weight > 0.0 else 1.0
    good, bad = arm.prior.good + kept * arm.good, arm.prior.bad + kept * arm.bad
    return Posterior(max(good, LEAST), max(bad, LEAST))


def _bounded(shares: Sequence[float], count: int, best: int, exploration: float) -> list[float]:
    if exploration == 0.0:
        return [float(at == best) for at in range(count)]
    others = 1.0 - shares[best]
    scale = min(1.0, exploration / others) if others > 0.0 and exploration < 1.0 else 1.0
    bounded = [scale * share for share in shares]
    bounded[best] = max(1.0 - sum(share for at, share in enumerate(bounded) if at != best), 0.0)
    return bounded


def _between(points: Floats, at: Floats, values: Floats) -> Floats:
    return np.asarray(np.interp(points, at, values), dtype=np.float64)


class _Grid:
    """Beliefs as masses in cells. They are equal in the angle asin √reward, in which a Beta distribution has nearly the
    same width wherever it lies, and no pole where `good` and `bad` are at least a half."""

    def __init__(self, beliefs: Sequence[Posterior], sharp: float = 1.0) -> None:
        """Each as if there were `sharp` times the evidence."""
        good = sharp * np.array([[belief.good] for belief in beliefs])
        bad = sharp * np.array([[belief.bad] for belief in beliefs])
        middle, wide = np.arcsin(np.sqrt(good / (good + bad))), _WIDE / (2.0 * np.sqrt(good + bad + 1.0))
        low, high = np.maximum(middle - wide, 0.0), np.minimum(middle + wide, math.pi / 2.0)
        edges = low + (high - low) * _CELLS
        centres = (edges[:, 1:] + edges[:, :-1]) / 2.0
        logs = (2.0 * good - 1.0) * np.log(np.sin(centres)) + (2.0 * bad - 1.0) * np.log(np.cos(centres))
        masses = np.exp(logs - logs.max(axis=1, keepdims=True))
        upto = np.zeros_like(edges)
        np.cumsum(masses, axis=1, out=upto[:, 1:])
        self._upto: Floats = upto / upto[:, -1:]
        self._edges: Floats = np.sin(edges) ** 2

    def middle(self, at: int) -> tuple[float, float]:
        """In which one of them lies with 90 %."""
        low, high = _between(_TAILS, self._upto[at], self._edges[at]).tolist()
        return low, high

    def best(self, costs: Sequence[float]) -> list[float]:
        """How likely each draw is the best, less its cost: ∫ density(x) ∏ others' P(at most x) dx."""
        worths = self._edges - np.asarray(costs)[:, None]
        low, high = worths[:, 0].max(), worths[:, -1].max()  # whatever is below is surely beaten
        points = low + (high - low) * _POINTS
        upto: Floats = np.stack([_between(points, *one) for one in zip(worths, self._upto, strict=True)])
        masses: Floats = upto[:, 1:] - upto[:, :-1]
        below = (upto[:, 1:] + upto[:, :-1]) / 2.0
        before, after = np.ones_like(below), np.ones_like(below)
        np.cumprod(below[:-1], axis=0, out=before[1:])
        np.cumprod(below[:0:-1], axis=0, out=after[-2::-1])
        shares = (masses * before * after).sum(axis=1)
        total = float(shares.sum())
        if total <= 0.0:  # one is above all others wherever they lie
            return [float(at == int(worths[:, -1].argmax())) for at in range(len(costs))]
        return [float(share) for share in shares / total]
