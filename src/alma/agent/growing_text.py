"""A text that comes in small pieces and takes hardly more memory than the text itself."""

from __future__ import annotations

_TAIL = 128  # pieces that are kept as they came; a string of six letters takes 55 bytes


class GrowingText:
    """`add` costs the same however long the text is; `whole` joins it once for each time that it has grown."""

    __slots__ = ("_blocks", "_tail")

    def __init__(self) -> None:
        self._blocks: list[str] = []
        self._tail: list[str] = []

    def add(self, piece: str) -> None:
        tail = self._tail
        tail.append(piece)
        if len(tail) >= _TAIL:
            self._blocks.append("".join(tail))
            tail.clear()

    @property
    def whole(self) -> str:
        if self._tail or len(self._blocks) > 1:
            self._blocks = ["".join((*self._blocks, *self._tail))]
            self._tail.clear()
        return self._blocks[0] if self._blocks else ""
