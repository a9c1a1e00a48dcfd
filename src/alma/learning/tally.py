"""The evidence on one item in one context, discounted, and each piece of it to be replaced or taken back. Pure.

Time is counted in ticks: one for each run that says anything in that context, whichever item it speaks of. So what is
known of an item that nobody uses any more fades as well. The sums are a function of the evidence alone, not of the
order in which it came: a replay of the journal gives the same numbers.
"""

from __future__ import annotations

from msgspec import Struct

KEEP = 0.99  # of its weight that evidence keeps with each tick: half of it after 69
LEAST = 1e-4  # what weighs less than that part of itself is forgotten


class Evidence(Struct, frozen=True):
    """One piece: what a run's reward was, how much it weighs, and when it was first counted."""

    tick: int
    reward: float
    weight: float


class Sums(Struct, frozen=True):
    """Discounted weights. `count`: how many pieces there are; `newest`: the last tick that had one."""

    good: float = 0.0
    bad: float = 0.0
    count: int = 0
    newest: int = 0


class Tally:
    def __init__(self, keep: float = KEEP) -> None:
        self._keep = keep
        self._pieces: dict[str, Evidence] = {}

    def put(self, key: str, piece: Evidence) -> None:
        """Count `piece` as what `key` (a run and task) says; in place of what it said before."""
        self._pieces[key] = piece

    def drop(self, key: str) -> None:
        """It says nothing any more."""
        self._pieces.pop(key, None)

    def pieces(self) -> list[tuple[str, Evidence]]:
        """By tick, the oldest first."""
        return sorted(self._pieces.items(), key=lambda one: (one[1].tick, one[0]))

    def sums(self, now: int) -> Sums:
        """As of tick `now`."""
        good = bad = 0.0
        count = newest = 0
        for _, piece in self.pieces():
            share = self._keep ** max(now - piece.tick, 0)
            if share < LEAST:
                continue
            good += share * piece.weight * piece.reward
            bad += share * piece.weight * (1.0 - piece.reward)
            count += 1
            newest = piece.tick
        return Sums(good, bad, count, newest)
