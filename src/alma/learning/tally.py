"""The evidence on one item in one context, discounted, and each piece of it to be replaced or taken back. Pure.

Time is counted in ticks: one for each run that says anything in that context, whichever item it speaks of. So what is
known of an item that nobody uses any more fades as well. Where rewards changed, what came before that counts less still
(`change.py`). The sums are a function of the evidence alone, not of the order in which it came: a replay of the journal
gives the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from alma.learning import change

KEEP = 0.9985  # of its weight that evidence keeps with each tick: half of it after 462
RECENT = 80  # ticks for which it is news that rewards changed
LEAST = 1e-4  # what weighs less than that part of itself is forgotten


class Evidence(Struct, frozen=True):
    """One piece: what a run's reward was, how much it weighs, and when it was first counted."""

    tick: int
    reward: float
    weight: float


class Sums(Struct, frozen=True):
    """Discounted weights. `count`: how many pieces there are; `newest`: the last tick that had one; `changed`: rewards
    are not what they were a while ago."""

    good: float = 0.0
    bad: float = 0.0
    count: int = 0
    newest: int = 0
    changed: bool = False


class Tally:
    """`curve`: the share of its weight that evidence keeps at an age in ticks, in place of `keep`."""

    def __init__(self, keep: float = KEEP, curve: Callable[[int], float] | None = None) -> None:
        self._keep = keep
        self._curve = curve
        self._pieces: dict[str, Evidence] = {}
        self._counted: _Counted | None = None  # None: anew
        self._sums = Sums()  # as of the newest tick

    def put(self, key: str, piece: Evidence) -> None:
        """Count `piece` as what `key` (a run and task) says; in place of what it said before."""
        self._pieces[key] = piece
        self._counted = None

    def drop(self, key: str) -> None:
        """It says nothing any more."""
        self._pieces.pop(key, None)
        self._counted = None

    def pieces(self) -> list[tuple[str, Evidence]]:
        """By tick, the oldest first."""
        return sorted(self._pieces.items(), key=lambda one: (one[1].tick, one[0]))

    def sums(self, now: int) -> Sums:
        """As of tick `now`."""
        counted = self._counted if self._counted is not None else self._count()
        if self._curve is not None:
            faded = [self._curve(max(now - tick, 0)) for tick in counted.ticks.tolist()]
            return counted.sums(np.array(faded, dtype=np.float64), now)
        sums = self._sums
        share = self._keep ** max(now - sums.newest, 0)
        if share < LEAST:
            return Sums()
        return Sums(share * sums.good, share * sums.bad, sums.count, sums.newest, counted.changed(now))

    def shares(self, now: int) -> list[float]:
        """What each of `pieces` keeps of its weight as of tick `now`: faded, and less where rewards changed since."""
        counted = self._counted if self._counted is not None else self._count()
        ages: list[int] = [max(now - piece.tick, 0) for _, piece in self.pieces()]
        faded = [self._curve(age) if self._curve is not None else self._keep**age for age in ages]
        kept: list[float] = counted.kept.tolist()
        return [one * share for one, share in zip(kept, faded, strict=True)]

    def _count(self) -> _Counted:
        pieces = [piece for _, piece in self.pieces()]
        self._counted = counted = _Counted(pieces)
        self._sums = Sums()
        if pieces:
            newest = pieces[-1].tick
            self._sums = counted.sums(self._keep ** (newest - counted.ticks), newest)
        return counted


class _Counted:
    """Evidence by tick, each piece with what a change of rewards left of it."""

    def __init__(self, pieces: Sequence[Evidence]) -> None:
        self.ticks: NDArray[np.float64] = np.array([piece.tick for piece in pieces], dtype=np.float64)
        rewards = np.array([piece.reward for piece in pieces], dtype=np.float64)
        weights = np.array([piece.weight for piece in pieces], dtype=np.float64)
        seen = change.look(rewards, weights)
        self.kept = seen.kept
        self._good, self._bad = seen.kept * weights * rewards, seen.kept * weights * (1.0 - rewards)
        self._since = pieces[seen.since].tick if seen.since is not None else None

    def changed(self, now: int) -> bool:
        return self._since is not None and now - self._since <= RECENT

    def sums(self, faded: NDArray[np.float64], now: int) -> Sums:
        there = faded >= LEAST
        if not there.any():
            return Sums()
        faded = faded * there
        newest = int(self.ticks[there][-1])
        good, bad = float((faded * self._good).sum()), float((faded * self._bad).sum())
        return Sums(good, bad, int(there.sum()), newest, self.changed(now))
