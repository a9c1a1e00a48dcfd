"""What is believed of a reward between 0 and 1: a Beta distribution, and how sure that is. Pure.

A reward of 0.7 counts as 0.7 good and 0.3 bad (the usual fractional update of a Beta); its weight says how much of one
clear word of a user it is.
"""

from __future__ import annotations

import math
import random

from msgspec import Struct

PRIOR_WEIGHT = 2.0  # of what is believed before anything is known: as of two runs
_STEPS = 200  # towards a quantile; six do as a rule
_CLOSE = 1e-9  # of a quantile's probability
_TERMS = 200  # of the continued fraction; it ends long before
_SMALL = 1e-300


class Posterior(Struct, frozen=True):
    """`good`, `bad`: the weights of evidence, prior included; both above 0."""

    good: float = PRIOR_WEIGHT / 2
    bad: float = PRIOR_WEIGHT / 2

    @property
    def weight(self) -> float:
        return self.good + self.bad

    @property
    def mean(self) -> float:
        return self.good / self.weight

    @property
    def sd(self) -> float:
        mean = self.mean
        return math.sqrt(mean * (1.0 - mean) / (self.weight + 1.0))

    def with_(self, good: float, bad: float) -> Posterior:
        """After more evidence."""
        return Posterior(self.good + good, self.bad + bad)

    def below(self, value: float) -> float:
        """How likely the true reward is at most `value`."""
        return _incomplete_beta(self.good, self.bad, min(max(value, 0.0), 1.0))

    def interval(self, mass: float = 0.9) -> tuple[float, float]:
        """The middle `mass` of it."""
        edge = (1.0 - mass) / 2.0
        return self._quantile(edge), self._quantile(1.0 - edge)

    def draw(self, rng: random.Random) -> float:
        return rng.betavariate(self.good, self.bad)

    def _quantile(self, wanted: float) -> float:
        """By Newton's steps, within what is known to hold it; halved where a step would lead out of that."""
        low, high = 0.0, 1.0
        a, b = self.good, self.bad
        front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
        at = self.mean
        for _ in range(_STEPS):
            over = self.below(at) - wanted
            if abs(over) < _CLOSE:
                break
            low, high = (at, high) if over < 0.0 else (low, at)
            log_density = front + (a - 1.0) * math.log(at) + (b - 1.0) * math.log1p(-at)
            step = over * math.exp(-log_density) if log_density > -600.0 else math.inf
            at = at - step if low < at - step < high else (low + high) / 2.0
            if not low < at < high:
                break
        return min(max(at, 0.0), 1.0)


def prior(mean: float, weight: float = PRIOR_WEIGHT) -> Posterior:
    """A belief of this mean that rests on `weight` runs' worth of evidence."""
    mean = min(max(mean, 0.01), 0.99)
    return Posterior(mean * weight, (1.0 - mean) * weight)


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function, by its continued fraction (Lentz's method)."""
    if x <= 0.0 or x >= 1.0:
        return min(max(x, 0.0), 1.0)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1.0) / (a + b + 2.0):
        return front * _fraction(a, b, x) / a
    return 1.0 - front * _fraction(b, a, 1.0 - x) / b


def _fraction(a: float, b: float, x: float) -> float:
    c, d = 1.0, 1.0 / _apart(1.0 - (a + b) * x / (a + 1.0))
    result = d
    for m in range(1, _TERMS):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1.0 / _apart(1.0 + term * d)
            c = _apart(1.0 + term / c)
            result *= c * d
        if abs(c * d - 1.0) < 1e-14:
            break
    return result


def _apart(value: float) -> float:
    return value if abs(value) > _SMALL else _SMALL
