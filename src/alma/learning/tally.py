"""The evidence on one item in one context, discounted, and each piece of it to be replaced or taken back. Pure.

Time is counted in ticks: one for each run that says anything in that context, whichever item it speaks of. So what is
known of an item that nobody uses any more fades as well. Where rewards changed, what came before that counts less still
(`change.py`). The sums are a function of the evidence alone, not of the order in which it came: a replay of the journal
gives the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from alma.learning import change

KEEP = 0.997  # of its weight that evidence keeps with each tick: half of it after 231
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
        self._counted: list[tuple[Evidence, float]] | None = None  # each with what of it a change left; None: anew
        self._changed = False
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
            return self._summed(counted, now, self._curve)
        sums = self._sums
        share = self._keep ** max(now - sums.newest, 0)
        if share < LEAST:
            return Sums()
        return Sums(share * sums.good, share * sums.bad, sums.count, sums.newest, sums.changed)

    def _count(self) -> list[tuple[Evidence, float]]:
        pieces = [piece for _, piece in self.pieces()]
        seen = change.look([piece.reward for piece in pieces], [piece.weight for piece in pieces])
        self._counted = counted = list(zip(pieces, seen.kept, strict=True))
        self._changed = seen.recent
        if pieces and self._curve is None:
            self._sums = self._summed(counted, pieces[-1].tick, lambda age: self._keep**age)
        elif not pieces:
            self._sums = Sums()
        return counted

    def _summed(self, counted: list[tuple[Evidence, float]], now: int, curve: Callable[[int], float]) -> Sums:
        good = bad = 0.0
        count = newest = 0
        for piece, kept in counted:
            faded = curve(max(now - piece.tick, 0))
            if faded < LEAST:
                continue
            good += faded * kept * piece.weight * piece.reward
            bad += faded * kept * piece.weight * (1.0 - piece.reward)
            count += 1
            newest = piece.tick
        return Sums(good, bad, count, newest, self._changed)
