"""What can be told from two columns of scores: by how much one is better, how surely, how many more are needed. Pure.

Rows are paired: the same task done in two ways. Intervals are bias-corrected and accelerated bootstraps (BCa; Efron
1987); p-values come from flipping the signs of differences, which assumes nothing of their distribution; families of
comparisons are corrected after Holm (1979). Scores that are no numbers are left out with their pair. What cannot be
told is None, and `why` says so in words.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Floats = NDArray[np.float64]
RESAMPLES = 4000
_EXACT = 14  # differences, up to which all signs are tried
_FLIPS = 10_000
_NORMAL = NormalDist()


class Paired(Struct, frozen=True):
    """`difference`: other minus base, with its interval `low` to `high`. `d_z`: the difference in standard deviations
    of the differences (Cohen); `delta`: how often the other's score is the larger, less how often the base's is (Cliff,
    −1 to 1). `p`: how often chance alone gives as much; `sd`: of the differences; `why`: what is missing and why."""

    n: int
    base: float | None = None
    other: float | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    d_z: float | None = None
    delta: float | None = None
    p: float | None = None
    sd: float | None = None
    left_out: int = 0
    why: str = ""


def compare(
    base: Sequence[float], other: Sequence[float], *, seed: int = 0, level: float = 0.95, resamples: int = RESAMPLES
) -> Paired:
    """Compare two columns of the same length, row by row. The same `seed` gives the same interval."""
    if len(base) != len(other):
        raise ValueError(f"{len(base)} and {len(other)} scores cannot be paired")
    a, b = np.asarray(base, np.float64), np.asarray(other, np.float64)
    fine = np.isfinite(a) & np.isfinite(b)
    left_out = int(len(a) - fine.sum())
    a, b = a[fine], b[fine]
    n = len(a)
    if n == 0:
        return Paired(0, left_out=left_out, why="There is no row with both scores, so nothing can be told.")
    differences = b - a
    mean = float(differences.mean())
    means = (float(a.mean()), float(b.mean()))
    delta = cliffs_delta(a, b)
    if n == 1:
        why = "One row alone says nothing of others: there is neither an interval nor a p-value."
        return Paired(1, *means, mean, delta=delta, left_out=left_out, why=why)
    sd = float(differences.std(ddof=1))
    rng = np.random.default_rng(seed)
    if sd <= 1e-12 * max(1.0, abs(mean)):
        why = "All rows differ by the same amount, so the spread, and with it an interval, is unknown."
        p = 1.0 if abs(mean) <= 1e-12 else sign_flip(differences, rng)
        return Paired(n, *means, mean, mean, mean, None, delta, p, 0.0, left_out, why)
    low, high = bca(differences, rng, level=level, resamples=resamples)
    return Paired(n, *means, mean, low, high, mean / sd, delta, sign_flip(differences, rng), sd, left_out)


def bca(
    values: Floats, rng: np.random.Generator, *, level: float = 0.95, resamples: int = RESAMPLES
) -> tuple[float, float]:
    """The interval of a mean. Two values at least."""
    n, mean = len(values), float(values.mean())
    means = np.concatenate([_resampled(values, rng, some) for some in _portions(resamples, n)])
    below = float((means < mean).mean() + 0.5 * (means == mean).mean())
    bias = _NORMAL.inv_cdf(min(max(below, 1 / (2 * resamples)), 1 - 1 / (2 * resamples)))
    jackknife = (values.sum() - values) / (n - 1)
    off = jackknife.mean() - jackknife
    scale = float((off**2).sum()) ** 1.5
    acceleration = float((off**3).sum()) / (6 * scale) if scale > 0 else 0.0

    def quantile(at: float) -> float:
        z = bias + _NORMAL.inv_cdf(at)
        moved = _NORMAL.cdf(bias + z / (1 - acceleration * z))
        return float(np.quantile(means, min(max(moved, 0.0), 1.0)))

    tail = (1 - level) / 2
    return quantile(tail), quantile(1 - tail)


def _portions(resamples: int, n: int) -> list[int]:
    """So many at a time that they take a few megabytes."""
    most = max(1, 1_000_000 // n)
    return [min(most, resamples - start) for start in range(0, resamples, most)]


def _resampled(values: Floats, rng: np.random.Generator, count: int) -> Floats:
    return values[rng.integers(0, len(values), (count, len(values)))].mean(axis=1)


def sign_flip(differences: Floats, rng: np.random.Generator) -> float:
    """How often differences whose signs are drawn are as far from 0; of few differences all signs are tried."""
    n, seen = len(differences), abs(float(differences.mean()))
    enough = seen - 1e-12 * max(1.0, seen)
    if n <= _EXACT:
        bits = (np.arange(2**n, dtype=np.int64)[:, None] >> np.arange(n, dtype=np.int64)) & np.int64(1)
        signs = 1.0 - 2.0 * bits.astype(np.float64)
        return float((np.abs(signs @ differences) / n >= enough).mean())
    hits = 0
    for some in _portions(_FLIPS, n):
        signs = rng.integers(0, 2, (some, n)) * 2 - 1
        hits += int((np.abs(signs @ differences) / n >= enough).sum())
    return (hits + 1) / (_FLIPS + 1)


def cliffs_delta(base: Floats, other: Floats) -> float:
    order = np.sort(base)
    smaller = np.searchsorted(order, other, "left").sum()
    larger = (len(base) - np.searchsorted(order, other, "right")).sum()
    return float(smaller - larger) / (len(base) * len(other))


def holm(ps: Sequence[float | None]) -> list[float | None]:
    """Corrected for how many there are; what is None stays so and does not count."""
    known = sorted((p, at) for at, p in enumerate(ps) if p is not None and math.isfinite(p))
    corrected: list[float | None] = [None] * len(ps)
    worst = 0.0
    for rank, (p, at) in enumerate(known):
        worst = max(worst, min(1.0, p * (len(known) - rank)))
        corrected[at] = worst
    return corrected


def needed(sd: float, difference: float, *, power: float = 0.8, level: float = 0.95) -> int:
    """How many rows tell a `difference` from 0 with this power, where differences spread by `sd`."""
    if not (math.isfinite(sd) and math.isfinite(difference)) or sd < 0 or difference == 0:
        raise ValueError("a spread of at least 0 and a difference other than 0 are needed")
    quantiles = _NORMAL.inv_cdf(1 - (1 - level) / 2) + _NORMAL.inv_cdf(power)
    return max(2, math.ceil((quantiles * sd / difference) ** 2))


def detectable(sd: float, n: int, *, power: float = 0.8, level: float = 0.95) -> float:
    """The smallest difference that `n` rows tell from 0 with this power."""
    quantiles = _NORMAL.inv_cdf(1 - (1 - level) / 2) + _NORMAL.inv_cdf(power)
    return quantiles * sd / math.sqrt(max(n, 1))


def sliced(
    base: Sequence[float], other: Sequence[float], slices: Sequence[str], *, seed: int = 0
) -> Mapping[str, Paired]:
    """For each slice by itself, those with a name only."""
    found: dict[str, list[int]] = {}
    for at, name in enumerate(slices):
        if name:
            found.setdefault(name, []).append(at)
    return {
        name: compare([base[at] for at in rows], [other[at] for at in rows], seed=seed)
        for name, rows in sorted(found.items())
    }


class Agreement(Struct, frozen=True):
    """Of two who judged the same: the share in which they agree, and that beyond chance (Cohen's kappa, 1 at most).
    `kappa` None: one of them always said the same, so that chance alone explains it."""

    n: int
    share: float | None = None
    kappa: float | None = None


def agreement(one: Sequence[str], other: Sequence[str]) -> Agreement:
    if len(one) != len(other):
        raise ValueError(f"{len(one)} and {len(other)} judgements cannot be paired")
    n = len(one)
    if n == 0:
        return Agreement(0)
    share = sum(a == b for a, b in zip(one, other, strict=True)) / n
    chance = sum(one.count(word) * other.count(word) for word in {*one, *other}) / n**2
    return Agreement(n, share, (share - chance) / (1 - chance) if chance < 1 else None)
