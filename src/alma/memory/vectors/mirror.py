"""One model's index, kept equal to the database: what was missed is found by the stamps of changes and by comparing
which numbers are in either. What another process purges leaves no stamp: then there are fewer memories than there were
and were added. Knows no embedding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from alma.db.database import Database
from alma.memory.embedding import Vector
from alma.memory.records import Memory
from alma.memory.vectors import stored
from alma.memory.vectors.index import Nums, Rows, VectorIndex, rows_of

_MANY = 4  # a part of all that is larger than one of so many is read in order, not by number


class Mirror:
    """`stamp`: of the newest change of which it is sure. Its callers see to it that only one changes it at a time."""

    def __init__(self, database: Database, index: VectorIndex, model: str, dimensions: int) -> None:
        self.index = index
        self.model = model
        self.dimensions = dimensions
        self.stamp = 0
        self._count: int = 0  # of memories that it knows of, in any state,
        self._last = 0  # and the highest number of them
        self._database = database

    async def open(self) -> list[int]:
        """Returns the numbers of living memories that have no vector of this model."""
        self.stamp = await self.index.open()
        return await self.reconcile()

    async def reconcile(self) -> list[int]:
        held = await self.index.nums()
        seen = await self._database.read(
            lambda connection: stored.compare(connection, self.model, self.dimensions, self.stamp, held)
        )
        if len(seen.gone):
            await self.index.remove(seen.gone.tolist())
        await self._put(seen.lacking, seen.total)
        self.stamp = seen.newest
        self._count, self._last = seen.count.all, seen.count.last
        return seen.without.tolist()

    async def catch_up(self) -> list[int]:
        """See what changed since; returns the numbers of those that live and have no vector."""
        newest, changed, count = await self._database.read(
            lambda connection: (
                stored.newest_stamp(connection),
                stored.changed_after(connection, self.stamp),
                stored.count(connection, self._last),
            )
        )
        if count.all != self._count + count.new:
            return await self.reconcile()
        without = await self.refresh(changed) if len(changed) else []
        self.stamp = max(self.stamp, newest)
        self._count, self._last = count.all, max(self._last, count.last)
        return without

    async def remove(self, nums: Sequence[int]) -> None:
        """These were purged."""
        await self.index.remove(nums)
        self._count -= sum(num <= self._last for num in nums)

    async def refresh(self, nums: Nums) -> list[int]:
        """Read these anew; returns the numbers of those that live and have no vector."""
        rows, without = await self._database.read(
            lambda connection: stored.read_rows(connection, self.model, self.dimensions, nums)
        )
        gone = np.setdiff1d(nums, rows.nums)
        if len(gone):
            await self.index.remove(gone.tolist())
        await self.index.add(rows)
        return without

    async def put(self, memories: Sequence[Memory], vectors: Sequence[Vector]) -> None:
        await self.index.add(rows_of(memories, np.stack(vectors)))

    async def save(self) -> None:
        await self.index.save(self.stamp)

    async def close(self) -> None:
        await self.index.close(self.stamp)

    async def _put(self, nums: Nums, total: int) -> None:
        """Those of these that live and have a vector."""
        if len(nums) * _MANY < total:
            await self.refresh(nums)
            return
        after: int | None = 0
        upto = int(nums.max(initial=0))
        while after is not None and len(nums):
            start = after
            rows, after = await self._database.read(
                lambda connection, start=start: stored.read_after(connection, self.model, self.dimensions, start, upto)
            )
            chosen = np.isin(rows.nums, nums)
            await self.index.add(rows if chosen.all() else _only(rows, chosen))


def _only(rows: Rows, chosen: NDArray[np.bool_]) -> Rows:
    facts = tuple([value for value, fine in zip(values, chosen, strict=True) if fine] for values in rows.facts)
    return Rows(rows.nums[chosen], rows.vectors[chosen], facts)
