"""Bets against a claim, whose winnings are evidence that may be looked at after every task. Pure.

Each task t gives a number Z whose mean is the difference of candidate and base, whatever came before. Who claims that
the difference is at most δ can be bet against: the wealth ∏(1 + λ(Z − δ)) is, if the claim is true, no larger than 1 on
average at any time one likes to stop, so that it ever reaches 1/α has a chance of at most α (Ville). The stakes are a
mixture of fixed fractions of the largest that cannot go bankrupt. Source: Waudby-Smith and Ramdas, "Estimating means of
bounded random variables by betting" (JRSS B, 2024).

Where each task is done by one of both, Z is the reward weighted by how likely its side was, less what was to be
expected: its mean is the difference by the draw alone, also when tasks and times change. Source: Waudby-Smith, Wu,
Ramdas, Karampatziakis and Mineiro, "Anytime-valid off-policy inference for contextual bandits" (2022).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_FRACTIONS = np.array([0.02, 0.05, 0.1, 0.2, 0.35, 0.55, 0.8])  # of the largest stake: small for noise, large for none
_PRIOR = 2.0  # tasks that the first expectation weighs
_EDGE = 0.02  # no expectation is nearer to 0 or 1
_GRID = np.linspace(-1.0, 1.0, 101)  # of differences that are tried for an interval's course
_HALVINGS = 9  # of what an interval's edges are looked for in: to 0.004
_MOST_ODDS = 1e100  # of a detector: a number all the same, and more than anybody asks
_AT_ONCE = 64  # points in time of an interval's course


class Seen(Struct, frozen=True):
    """One task and its reward (0 to 1). `share`: how likely the candidate was to do it; `context`: its kind."""

    candidate: bool
    reward: float
    share: float
    context: str = ""


class Drawn(Struct, frozen=True):
    """The numbers that bets are made on, in order, and between which two each could lie by what was known before."""

    values: Floats
    lowest: Floats
    highest: Floats

    def until(self, count: int) -> Drawn:
        return Drawn(self.values[:count], self.lowest[:count], self.highest[:count])


def of_pairs(differences: Sequence[float]) -> Drawn:
    """Of tasks that both did: candidate's reward less the base's."""
    values = np.clip(np.asarray(differences, dtype=np.float64), -1.0, 1.0)
    return Drawn(values, np.full(len(values), -1.0), np.full(len(values), 1.0))


def of_tasks(seen: Sequence[Seen]) -> Drawn:
    """Of tasks that one of both did."""
    reward = np.clip(np.array([one.reward for one in seen], dtype=np.float64), 0.0, 1.0)
    share = np.array([one.share for one in seen], dtype=np.float64)
    candidate = np.array([one.candidate for one in seen], dtype=bool)
    usual = _expected(reward, candidate, share, [one.context for one in seen])
    values = np.where(candidate, (reward - usual) / share, (usual - reward) / (1.0 - share))
    lowest = -np.maximum(usual / share, (1.0 - usual) / (1.0 - share))
    highest = np.maximum((1.0 - usual) / share, usual / (1.0 - share))
    return Drawn(values, lowest, highest)


def evidence(drawn: Drawn, claim: float, *, above: bool) -> Floats:
    """After each task, the winnings against who says that the difference is at most `claim` (`above`), or at least
    that; as logarithms."""
    if above:
        gain, room = drawn.values - claim, claim - drawn.lowest
    else:
        gain, room = claim - drawn.values, drawn.highest - claim
    stakes = _FRACTIONS[None, :] / np.maximum(room, 1e-9)[:, None]
    wealth = np.cumsum(np.log1p(stakes * np.maximum(gain, -room)[:, None]), axis=0)
    return _mean_of(wealth)


def interval(drawn: Drawn, alpha: float) -> tuple[float, float]:
    """Between which the difference lies; each end is wrong with a chance of at most `alpha`, however often one looks.
    So what has been promoted at `alpha` has an interval above 0."""
    needed = -math.log(alpha)

    def refuted(claim: float, *, above: bool) -> bool:
        return bool(len(drawn.values)) and bool(evidence(drawn, claim, above=above).max() >= needed)

    edges: list[float] = []
    for above in (True, False):
        outer, inner = (-1.0, 1.0) if above else (1.0, -1.0)
        for _ in range(_HALVINGS):
            middle = (outer + inner) / 2.0
            outer, inner = (middle, inner) if refuted(middle, above=above) else (outer, middle)
        edges.append(outer)
    return min(edges), max(edges)


def course(drawn: Drawn, alpha: float) -> list[tuple[int, float, float]]:
    """The interval after some of the tasks, evenly spread, the last among them: (tasks, low, high)."""
    count = len(drawn.values)
    if not count:
        return []
    places = sorted({round(count * (at + 1) / _AT_ONCE) or 1 for at in range(_AT_ONCE)} | {count})
    return [(place, *bounds) for place, bounds in zip(places, _bounds(drawn, alpha, places), strict=True)]


def _bounds(drawn: Drawn, alpha: float, places: list[int]) -> list[tuple[float, float]]:
    """A claim that was once refuted stays so, thus intervals only shrink."""
    needed = -math.log(alpha)
    at = np.array(places) - 1
    lows, highs = np.full(len(places), -1.0), np.full(len(places), 1.0)
    for claim in _GRID:
        if claim < 1.0:
            refuted = np.maximum.accumulate(evidence(drawn, float(claim), above=True))[at] >= needed
            lows = np.where(refuted, np.maximum(lows, claim), lows)
        if claim > -1.0:
            refuted = np.maximum.accumulate(evidence(drawn, float(claim), above=False))[at] >= needed
            highs = np.where(refuted, np.minimum(highs, claim), highs)
    return [(float(low), float(high)) for low, high in zip(lows, highs, strict=True)]


def _mean_of(logs: Floats) -> Floats:
    """The logarithm of the mean of each row's exponentials."""
    most = logs.max(axis=1, keepdims=True, initial=-np.inf)
    return (most[:, 0] + np.log(np.exp(logs - most).mean(axis=1))) if len(logs) else np.zeros(0)


def detector(rewards: Sequence[float], levels: Sequence[float]) -> Floats:
    """After each task, the evidence that rewards have fallen below their `levels` since any time before: the sum of the
    winnings of bets that begin at each task, which reaches c by mistake not more often than once in c tasks (a
    Shiryaev-Roberts e-detector). Source: Shin, Ramdas and Rinaldo, "E-detectors" (2024)."""
    stands = np.zeros(len(_FRACTIONS))
    found = np.zeros(len(rewards))
    for at, (reward, level) in enumerate(zip(rewards, levels, strict=True)):
        stakes = _FRACTIONS / max(1.0 - level, 0.01)
        stands = np.minimum((stands + 1.0) * np.maximum(1.0 + stakes * (level - reward), 0.0), _MOST_ODDS)
        found[at] = stands.mean()
    return found


# ── what was to be expected ───────────────────────────────────────────────────────────────────────────────────────


def _expected(reward: Floats, candidate: NDArray[np.bool_], share: Floats, contexts: list[str]) -> Floats:
    """Of each task's reward, by the ones before it: between those of both sides in its context, so that the noise of Z
    is least. A context that was seen little is taken for the average one."""
    overall = _running(reward, np.ones(len(reward)), np.full(len(reward), 0.5))
    named = np.array(contexts, dtype=object)
    usual = np.empty(len(reward))
    for context in set(contexts):
        here = named == context
        of_all = _running(reward[here], np.ones(int(here.sum())), overall[here])
        of_candidate = _running(reward[here], candidate[here].astype(np.float64), of_all)
        of_base = _running(reward[here], (~candidate[here]).astype(np.float64), of_all)
        usual[here] = (1.0 - share[here]) * of_candidate + share[here] * of_base
    return np.clip(usual, _EDGE, 1.0 - _EDGE)


def _running(values: Floats, counted: Floats, prior: Floats) -> Floats:
    """Before each value, the mean of those before it that are counted."""
    sums = np.concatenate([[0.0], np.cumsum(values * counted)[:-1]]) if len(values) else np.zeros(0)
    counts = np.concatenate([[0.0], np.cumsum(counted)[:-1]]) if len(values) else np.zeros(0)
    return (sums + _PRIOR * prior) / (counts + _PRIOR)
