"""The index in the process: vectors beside columns of facts, with a snapshot on disk.

Whether a vector is near to another is nearly told by the signs of its numbers: of 384 numbers 48 bytes, and 100,000 of
these are looked through in half a millisecond. Those with the most signs in common, some thousands, are then compared
whole, by usearch. Where so few rows are allowed that all can be compared, all are. There is no graph: to add costs next
to nothing, what is removed is gone, and no memory is out of reach, however many others lie elsewhere.

Everything runs in one thread of its own, in the order it was asked for, so that the columns are never read while they
change. A large index is saved only when it is closed: a crash costs reading the rows since the last snapshot from the
database.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
from usearch.compiled import MetricKind
from usearch.index import search

from alma.memory.embedding import Vector
from alma.memory.records import Filter, Reader
from alma.memory.vectors.columns import Columns, Slots
from alma.memory.vectors.index import Limits, Near, Nums, Rows, limits_of
from alma.memory.vectors.problems import closed
from alma.memory.vectors.snapshot import Damaged, SnapshotFiles

log = logging.getLogger(__name__)
T = TypeVar("T")
_SMALL = 10_000  # vectors that are saved while others wait: 15 ms
_COMPARED = 4000  # rows, up to which all that are allowed are compared: 0.2 µs each
_LIKELY = 2000  # of more, at least so many are,
_SPARE = 20  # so many for each that is wanted,
_SHARE = 25  # and one in so many: signs are coarse, and of real sentences those of 4 % have 0.98 of the ten nearest


class UsearchIndex:
    """`folder`: where its snapshot is."""

    def __init__(self, folder: Path, model: str, dimensions: int) -> None:
        self._model = model
        self._dimensions = dimensions
        self._files = SnapshotFiles(folder, model, dimensions)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="alma-vectors")
        self._columns = Columns(dimensions)
        self._dirty = False
        self.trouble = ""

    async def open(self) -> int:
        return await self._call(self._load)

    async def close(self, stamp: int) -> None:
        await self._call(partial(self._save, stamp, closing=True))
        self._thread.shutdown(wait=False)

    async def add(self, rows: Rows) -> None:
        if len(rows.nums):
            await self._call(partial(self._add, rows))

    async def remove(self, nums: Sequence[int]) -> None:
        if len(nums):
            await self._call(partial(self._remove, nums))

    async def search(self, vector: Vector, k: int, reader: Reader, wanted: Filter) -> list[Near]:
        limits = limits_of(reader, wanted)
        if limits is None or k <= 0:
            return []
        return await self._call(partial(self._search, vector, k, limits))

    async def nums(self) -> Nums:
        return await self._call(lambda: self._columns.nums[: self._columns.count].copy())

    async def save(self, stamp: int) -> None:
        await self._call(partial(self._save, stamp, closing=False))

    async def clear(self) -> None:
        await self._call(self._clear)

    async def _call(self, work: Callable[[], T]) -> T:
        try:
            asked = asyncio.get_running_loop().run_in_executor(self._thread, work)
        except RuntimeError:
            raise closed() from None
        return await asked

    # ── in the thread: what is in it ──────────────────────────────────────────────────────────────────────────────

    def _add(self, rows: Rows) -> None:
        rows = _last_of_each(rows)
        columns = self._columns
        slots = columns.slots_of(rows.nums)
        new = slots < 0
        slots[new] = columns.append(rows.nums[new])
        columns.set_vectors(slots, rows.vectors)
        columns.set_facts(slots, rows.facts)
        self._dirty = True

    def _remove(self, nums: Sequence[int]) -> None:
        slots = self._columns.slots_of(np.unique(np.asarray(nums, np.int64)))
        for slot in np.sort(slots[slots >= 0])[::-1]:  # from the end, so that none moves that is still to go
            self._columns.remove(int(slot))
            self._dirty = True

    def _clear(self) -> None:
        self._files.drop()
        self._columns = Columns(self._dimensions)
        self._dirty = False

    # ── in the thread: searching ──────────────────────────────────────────────────────────────────────────────────

    def _search(self, vector: Vector, k: int, limits: Limits) -> list[Near]:
        slots = np.flatnonzero(self._columns.allowed(limits))
        if len(slots) > _COMPARED:
            slots = self._columns.likely(vector, slots, max(_LIKELY, _SPARE * k, len(slots) // _SHARE))
        return self._compare(vector, k, slots)

    def _compare(self, vector: Vector, k: int, slots: Slots) -> list[Near]:
        if not len(slots):
            return []
        columns = self._columns
        vectors = np.take(columns.vectors, slots, axis=0)
        asked = vector.astype(np.float16)
        matches: Any = search(vectors, asked, min(k, len(slots)), MetricKind.IP, exact=True, threads=1)
        nums = columns.nums[slots[matches.keys.astype(np.int64)]].tolist()
        cosines = np.minimum(1 - matches.distances, 1.0).tolist()
        return [Near(num, cosine) for num, cosine in zip(nums, cosines, strict=True)]

    # ── in the thread: the snapshot ───────────────────────────────────────────────────────────────────────────────

    def _save(self, stamp: int, *, closing: bool) -> None:
        columns = self._columns
        if not self._dirty or (columns.count > _SMALL and not closing):
            return
        try:
            self._files.write(columns.packed(), columns.vectors[: columns.count], stamp)
        except OSError as error:
            log.warning("the index of %s could not be saved: %s", self._model, error)
            self.trouble = str(error)
            return
        self._dirty = False
        self.trouble = ""

    def _load(self) -> int:
        columns = Columns(self._dimensions)
        try:
            snapshot = self._files.read()
            if snapshot is None:
                return 0
            slots = columns.unpack(snapshot.columns)
            if columns.count != snapshot.head.count:
                raise Damaged(f"it has {columns.count} memories, not {snapshot.head.count}")
            columns.set_vectors(slots, snapshot.vectors)
        except (Damaged, ValueError, TypeError, KeyError, msgspec.MsgspecError) as error:
            log.warning("the snapshot of the index of %s is dropped, and made anew: %s", self._model, error)
            self._files.drop()
            return 0
        self._columns = columns
        return snapshot.head.stamp


def _last_of_each(rows: Rows) -> Rows:
    """Without those whose number comes again."""
    _, from_end = np.unique(rows.nums[::-1], return_index=True)
    if len(from_end) == len(rows.nums):
        return rows
    kept = np.sort(len(rows.nums) - 1 - from_end)
    facts = tuple([values[place] for place in kept] for values in rows.facts)
    return Rows(rows.nums[kept], rows.vectors[kept], facts)
