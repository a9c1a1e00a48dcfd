"""Memories that wait for a vector, and the merging of two models' answers while they do. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from alma.memory.vectors.index import Near

_FIRST_PAUSE_S = 60.0  # before a text is tried again that alone cannot be embedded; doubled, up to
_LONGEST_PAUSE_S = 6 * 3600.0


class Waiting:
    """Numbers of memories without a vector. The newest come first; what failed comes last and one by one, so that one
    text that cannot be embedded holds up no other. One that is to blame itself is tried at growing pauses."""

    def __init__(self) -> None:
        self._fresh: dict[int, None] = {}
        self._failed: dict[int, None] = {}
        self._blamed: dict[int, tuple[float, float]] = {}  # when it is due, and the pause before that

    def __len__(self) -> int:
        return len(self._fresh) + len(self._failed.keys() | self._blamed.keys())

    def __contains__(self, num: int) -> bool:
        return num in self._fresh or num in self._failed or num in self._blamed

    @property
    def ready(self) -> bool:
        """Whether there are others than those that are to blame."""
        return bool(self._fresh or self._failed)

    def due(self, now: float) -> bool:
        """Whether one of those that are to blame may be tried; it is then the next of `some`. `now`: seconds."""
        num = min(self._blamed, key=lambda one: self._blamed[one], default=None)
        if num is None or self._blamed[num][0] > now:
            return False
        self._failed[num] = None
        return True

    def add(self, nums: Iterable[int]) -> None:
        """In the order in which they came to be."""
        self._fresh.update(dict.fromkeys(num for num in nums if num not in self._failed and num not in self._blamed))

    def drop(self, nums: Iterable[int]) -> None:
        for num in nums:
            self._fresh.pop(num, None)
            self._failed.pop(num, None)
            self._blamed.pop(num, None)

    def clear(self) -> None:
        self._fresh.clear()
        self._failed.clear()
        self._blamed.clear()

    def some(self, most: int) -> list[int]:
        return [*islice(reversed(self._fresh), most)] or [*islice(self._failed, 1)]

    def fail(self, nums: Iterable[int]) -> None:
        """These could not be embedded; to be tried again after all others."""
        for num in nums:
            if num in self:
                self._fresh.pop(num, None)
                self._failed.pop(num, None)
                self._failed[num] = None

    def blame(self, num: int, now: float) -> None:
        """It cannot be embedded, while others can."""
        if num in self:
            pause = min(2 * self._blamed.get(num, (0.0, _FIRST_PAUSE_S / 2))[1], _LONGEST_PAUSE_S)
            self._fresh.pop(num, None)
            self._failed.pop(num, None)
            self._blamed[num] = (now + pause, pause)


def merged(new: Sequence[Near], old: Sequence[Near], waiting: Waiting, k: int) -> list[Near]:
    """Each memory from the index that has it: those that wait from the old one. Cosines of two models say nothing about
    each other, so the two take turns, the new one first: a few that do not belong cost less than one that is lost."""
    known = {near.num for near in new}
    left = [near for near in old if near.num in waiting and near.num not in known]
    placed = [*((rank, 0, near) for rank, near in enumerate(new)), *((rank, 1, near) for rank, near in enumerate(left))]
    return [near for _, _, near in sorted(placed, key=lambda one: one[:2])[:k]]
