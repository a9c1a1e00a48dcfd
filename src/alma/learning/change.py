"""Whether rewards are not any more what they were, and since when: a likelihood ratio over every place to cut. Pure.

For each cut the rewards are compared as one Bernoulli source and as two: Σ n·kl(mean of the part, mean of all), which
holds for any rewards between 0 and 1 (Besson, Kaufmann, Maillard and Seznec, "Efficient change-point detection for
tackling piecewise-stationary bandits", 2022). Where the ratio of the best cut exceeds what the number of cuts explains,
what came before it counts less, the more the surer; so a doubt costs little, and a clear change nearly all.
"""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LONGEST = 400  # rewards that are looked at, the newest
SHORTEST = 6  # rewards on each side of a cut
DOUBT = 4.0  # of log likelihood, beside the logarithm of how many there are, until a change is as likely as not
STEEP = 2.0  # how fast sureness grows with the ratio beyond that
_CUTS = 4
_EDGE = 1e-3


class Change(Struct, frozen=True):
    """`kept`: for each reward, the share of its weight that still counts; `since`: the first reward after the last
    change, None: there was none."""

    kept: Floats
    since: int | None


def look(rewards: Floats, weights: Floats) -> Change:
    """`rewards`: the oldest first."""
    kept = np.ones(len(rewards))
    first, since = max(len(rewards) - LONGEST, 0), None
    for _ in range(_CUTS):
        at, beyond = _best_cut(rewards[first:], weights[first:])
        if beyond <= -3.0:
            break
        kept[: first + at] *= 1.0 / (1.0 + np.exp(min(STEEP * beyond, 50.0)))
        if beyond <= 0.0:
            break
        first += at
        since = first
    return Change(kept, since)


def _best_cut(rewards: Floats, weights: Floats) -> tuple[int, float]:
    """Where a new part begins, and by how much its ratio exceeds what must be."""
    count = len(rewards)
    if count < 2 * SHORTEST:
        return 0, -np.inf
    sizes, sums = np.cumsum(weights), np.cumsum(weights * rewards)
    if sizes[-1] <= 0.0:
        return 0, -np.inf
    cuts = slice(SHORTEST - 1, count - SHORTEST)
    before, after = np.maximum(sizes[cuts], 1e-9), np.maximum(sizes[-1] - sizes[cuts], 1e-9)
    mean = _inside(sums[-1] / sizes[-1])
    ratio = before * _kl(_inside(sums[cuts] / before), mean)
    ratio += after * _kl(_inside((sums[-1] - sums[cuts]) / after), mean)
    at = int(ratio.argmax())
    return at + SHORTEST, float(ratio[at]) - DOUBT - float(np.log(count))


def _inside(values: Floats) -> Floats:
    return np.clip(values, _EDGE, 1.0 - _EDGE)


def _kl(one: Floats, other: Floats) -> Floats:
    """Between Bernoulli distributions of these means."""
    return one * np.log(one / other) + (1.0 - one) * np.log((1.0 - one) / (1.0 - other))
