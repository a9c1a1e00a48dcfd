"""The protocol of a vector index: what memory asks of it, and no more.

An index holds one model's vectors of memories, by number, with the few facts by which a search may be limited. It is
derived: whatever it loses is put in again from the database.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from alma.memory.embedding import Vector
from alma.memory.records import Filter, Memory, Reader


class Point(Struct, frozen=True):
    """A vector (float32, of length 1) and whose it is."""

    memory: Memory
    vector: Vector


class Near(Struct, frozen=True):
    num: int
    cosine: float


class VectorIndex(Protocol):
    """Of one model. All methods may be called at once from several tasks; none holds up the event loop."""

    async def open(self) -> None:
        """Ready to be searched; with what a snapshot or the server has. A snapshot that is damaged, or of another
        version or model, is dropped and the index is empty."""
        ...

    async def close(self) -> None: ...

    async def add(self, points: Sequence[Point]) -> None:
        """Put in, in place of what has the same number."""
        ...

    async def remove(self, nums: Sequence[int]) -> None: ...

    async def search(self, vector: Vector, k: int, reader: Reader, wanted: Filter) -> list[Near]:
        """The `k` nearest of those that the reader may read and the filter lets through, nearest first."""
        ...

    async def nums(self) -> Vector:
        """The numbers that are in it (int64), in no order."""
        ...

    async def save(self) -> None:
        """Keep a snapshot, where that is not the backend's own business."""
        ...

    async def clear(self) -> None: ...
