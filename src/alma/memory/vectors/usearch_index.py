"""The index in the process: a graph of usearch beside columns of facts, with a snapshot on disk.

What is added is at once found by comparing it with the query (it is loose); once there is enough of it, and of all, it
goes into the graph, a few at a time. A search that only few rows are allowed in compares all of these; else it walks
the graph and asks for more until enough are allowed. Everything runs in one thread of its own, in the order it was
asked for, so that neither the columns nor the graph are ever read while they change: usearch itself is not made for
that.

usearch lets go of the interpreter while it adds and searches, but not while it saves (1 ms for 700 vectors of 384
dimensions): a large index is saved only when it is closed. What a crash costs then is reading the rows since the last
snapshot from the database, not the graph's work: they are loose.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray
from usearch.compiled import MetricKind
from usearch.index import Index, search

from alma.memory.embedding import Vector
from alma.memory.records import Filter, Reader
from alma.memory.vectors.columns import Columns, Mask, Slots
from alma.memory.vectors.index import Limits, Near, Nums, Rows, limits_of
from alma.memory.vectors.problems import closed
from alma.memory.vectors.snapshot import Damaged, SnapshotFiles, blank_removed

log = logging.getLogger(__name__)
T = TypeVar("T")
_LOOSE = 1024  # that are compared one by one: 0.2 ms; beyond, they go into the graph
_AT_ONCE = 16  # added to the graph before a search gets its turn: 5 ms
_SMALL = 10_000  # vectors that are saved while others wait: 15 ms
_BLOCK = 4096  # vectors read from a graph at once
# Microseconds, measured on 100,000 vectors of 384 dimensions: a row that is compared, and a place that a walk through
# the graph fills.
_COMPARE_US = 0.2
_WALK_US = 4.0
# Rows, up to which all that are allowed are compared whatever a walk would cost: it is exact. An index with no more is
# never walked, and so it needs no graph.
_COMPARED = 4000
_EXPANSION = 64  # the least that a walk considers
_SPARE = 1.3  # over-fetch beyond the share that is allowed


class UsearchIndex:
    """`folder`: where its snapshot is."""

    def __init__(self, folder: Path, model: str, dimensions: int) -> None:
        self._model = model
        self._dimensions = dimensions
        self._files = SnapshotFiles(folder, model, dimensions)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="alma-vectors")
        self._graph = _empty_graph(dimensions)
        self._columns = Columns(dimensions)
        self._loose = 0
        self._settling = False
        self._dirty = False

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

    async def settle(self) -> None:
        """Put everything into the graph now, on all cores."""
        await self._call(self._settle_all)

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
        vectors = rows.vectors.astype(np.float16)
        slots = columns.slots_of(rows.nums)
        new = slots < 0
        known = np.flatnonzero(~new)
        if len(known):
            differ = (columns.vectors[slots[known]] != vectors[known]).any(axis=1)
            self._loosen(slots[known[differ]])
        slots[new] = columns.append(rows.nums[new])
        self._loose += int(new.sum())
        columns.vectors[slots] = vectors
        columns.set_facts(slots, rows.facts)
        self._dirty = True
        if self._loose > _LOOSE and columns.count > _COMPARED and not self._settling:
            self._settling = True
            self._thread.submit(self._settle_some)

    def _loosen(self, slots: Slots) -> None:
        """These are about to have other vectors."""
        settled = slots[~self._columns.loose[slots]]
        if len(settled):
            self._graph.remove(self._columns.nums[settled].astype(np.uint64))
            self._columns.loose[settled] = True
            self._loose += len(settled)

    def _remove(self, nums: Sequence[int]) -> None:
        columns = self._columns
        slots = columns.slots_of(np.unique(np.asarray(nums, np.int64)))
        self._loosen(slots[slots >= 0])
        for slot in np.sort(slots[slots >= 0])[::-1]:  # from the end, so that none moves that is still to go
            columns.remove(int(slot))
            self._loose -= 1
            self._dirty = True

    def _settle_some(self) -> None:
        loose = np.flatnonzero(self._columns.loose[: self._columns.count])[:_AT_ONCE]
        if not len(loose):
            self._settling = False
            return
        self._settle(loose, threads=1)
        with contextlib.suppress(RuntimeError):  # it is being closed
            self._thread.submit(self._settle_some)

    def _settle_all(self) -> None:
        self._settle(np.flatnonzero(self._columns.loose[: self._columns.count]), threads=0)

    def _settle(self, slots: Slots, threads: int) -> None:
        if not len(slots):
            return
        columns = self._columns
        keys = columns.nums[slots].astype(np.uint64)
        self._graph.add(keys, np.take(columns.vectors, slots, axis=0), threads=threads)
        columns.loose[slots] = False
        self._loose -= len(slots)
        self._dirty = True

    def _clear(self) -> None:
        self._files.drop()
        self._graph = _empty_graph(self._dimensions)
        self._columns = Columns(self._dimensions)
        self._loose = 0
        self._dirty = False

    # ── in the thread: searching ──────────────────────────────────────────────────────────────────────────────────

    def _search(self, vector: Vector, k: int, limits: Limits) -> list[Near]:
        mask = self._columns.allowed(limits)
        allowed = int(np.count_nonzero(mask))
        k = min(k, allowed)
        if not k:
            return []
        asked = vector.astype(np.float16)
        compared = allowed * _COMPARE_US
        fetch = k if allowed == self._columns.count else int(_SPARE * k * self._columns.count / allowed) + 1
        while allowed > _COMPARED and max(fetch, _EXPANSION) * _WALK_US < compared:
            found, horizon = self._walk(asked, fetch, mask)
            loose = self._compare(asked, k, np.flatnonzero(mask & self._columns.loose[: self._columns.count]))
            nearest = sorted(found + loose, key=lambda near: -near.cosine)[:k]
            if len(nearest) == k and nearest[-1].cosine >= horizon:
                return nearest
            fetch *= 2
        return self._compare(asked, k, np.flatnonzero(mask))

    def _walk(self, asked: NDArray[np.float16], fetch: int, mask: Mask) -> tuple[list[Near], float]:
        """Those of the `fetch` nearest in the graph that are allowed, and how near the last of the `fetch` is."""
        matches: Any = self._graph.search(asked, fetch, threads=1)
        slots = self._columns.slots_of(matches.keys.astype(np.int64))
        fine = (slots >= 0) & mask[slots]
        horizon = 1 - float(matches.distances[-1]) if len(slots) >= fetch else -1.0
        return _nearest(matches.keys[fine], matches.distances[fine]), horizon

    def _compare(self, asked: NDArray[np.float16], k: int, slots: Slots) -> list[Near]:
        if not len(slots):
            return []
        columns = self._columns
        vectors = np.take(columns.vectors, slots, axis=0)
        matches: Any = search(vectors, asked, min(k, len(slots)), MetricKind.IP, exact=True, threads=1)
        return _nearest(columns.nums[slots[matches.keys.astype(np.int64)]], matches.distances)

    # ── in the thread: the snapshot ───────────────────────────────────────────────────────────────────────────────

    def _save(self, stamp: int, *, closing: bool) -> None:
        if not self._dirty or (len(self._graph) > _SMALL and not closing):
            return
        columns = self._columns
        try:
            self._files.write(columns.packed(), columns.count, stamp, self._save_graph)
        except (OSError, RuntimeError) as error:  # usearch's own of a full disk is the latter
            log.warning("the index of %s could not be saved: %s", self._model, error)
            return
        self._dirty = False

    def _save_graph(self, file: Path) -> None:
        """Without the vectors of what was removed."""
        self._graph.save(file)
        columns = self._columns
        settled = np.flatnonzero(~columns.loose[: columns.count])
        if not blank_removed(file, columns.vectors, settled):
            graph = _empty_graph(self._dimensions)
            if len(settled):
                graph.add(columns.nums[settled].astype(np.uint64), columns.vectors[settled], threads=0)
            graph.save(file)
            self._graph = graph

    def _load(self) -> int:
        snapshot = self._files.read()
        if snapshot is None:
            return 0
        try:
            graph, columns = _empty_graph(self._dimensions), Columns(self._dimensions)
            columns.unpack(snapshot.columns)
            graph.load(snapshot.graph)
            settled = np.flatnonzero(~columns.loose[: columns.count])
            if columns.count != snapshot.head.count or len(graph) != len(settled) or graph.ndim != self._dimensions:
                raise Damaged(f"its graph has {len(graph)} vectors for {len(settled)} memories")
            for start in range(0, len(settled), _BLOCK):
                some = settled[start : start + _BLOCK]
                vectors: Any = graph.get(columns.nums[some].astype(np.uint64))
                columns.vectors[some] = np.stack(vectors)
        except (Damaged, RuntimeError, ValueError, TypeError, KeyError, msgspec.MsgspecError) as error:
            log.warning("the snapshot of the index of %s is dropped, and made anew: %s", self._model, error)
            self._files.drop()
            return 0
        self._graph, self._columns = graph, columns
        self._loose = columns.count - len(settled)
        return snapshot.head.stamp


def _empty_graph(dimensions: int) -> Any:
    """A usearch `Index`, whose own types say little."""
    return Index(
        ndim=dimensions,
        metric=MetricKind.IP,
        dtype="f16",
        connectivity=16,
        expansion_add=_EXPANSION,
        expansion_search=_EXPANSION,
    )


def _last_of_each(rows: Rows) -> Rows:
    """Without those whose number comes again."""
    _, from_end = np.unique(rows.nums[::-1], return_index=True)
    if len(from_end) == len(rows.nums):
        return rows
    kept = np.sort(len(rows.nums) - 1 - from_end)
    facts = tuple([values[place] for place in kept] for values in rows.facts)
    return Rows(rows.nums[kept], rows.vectors[kept], facts)


def _nearest(nums: NDArray[Any], distances: NDArray[Any]) -> list[Near]:
    return [
        Near(num, cosine) for num, cosine in zip(nums.tolist(), np.minimum(1 - distances, 1.0).tolist(), strict=True)
    ]
