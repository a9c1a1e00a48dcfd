"""A text that comes in small pieces, takes hardly more memory than the text itself, and is read from any place."""

from __future__ import annotations

import bisect

_BLOCK = 64  # pieces that are joined: a string of six letters takes 55 bytes


class Rope:
    """Text that grows at its end and is read from any place. Positions are in code points."""

    __slots__ = ("_blocks", "_last", "_starts", "_tail", "_tail_at", "length")

    def __init__(self) -> None:
        self._blocks: list[str] = []
        self._starts: list[int] = []
        self._tail: list[str] = []
        self._tail_at = 0
        self._last = ""
        self.length = 0

    def add(self, piece: str) -> None:
        self._tail.append(piece)
        self._last = piece
        self.length += len(piece)
        if len(self._tail) == _BLOCK:
            self._blocks.append("".join(self._tail))
            self._starts.append(self._tail_at)
            self._tail.clear()
            self._tail_at = self.length

    def since(self, at: int) -> str:
        """All after the first `at` code points; they must not have been let go."""
        if at == self.length:
            return ""
        if at == self.length - len(self._last):
            return self._last
        if at >= self._tail_at:
            return "".join(self._tail)[at - self._tail_at :]
        first = bisect.bisect_right(self._starts, at) - 1
        return "".join((*self._blocks[first:], *self._tail))[at - self._starts[first] :]

    def let_go(self, before: int) -> None:
        """Forget what lies before, as far as whole blocks do."""
        gone = bisect.bisect_right(self._starts, before) - 1
        if gone > 0:
            del self._blocks[:gone], self._starts[:gone]

    @property
    def whole(self) -> str:
        """All of it, of which nothing may have been let go; joined once for each time that it has grown."""
        if self._tail or len(self._blocks) > 1:
            self._blocks, self._starts = ["".join((*self._blocks, *self._tail))], [0]
            self._tail.clear()
            self._tail_at = self.length
        return self._blocks[0] if self._blocks else ""
