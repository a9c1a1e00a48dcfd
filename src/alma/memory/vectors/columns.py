"""The facts of memories as columns of numbers, so that a whole index is looked through in a fraction of a millisecond.

Texts are replaced by codes. A row's place is its slot; slots are dense: the last row moves into the place of one that
goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from alma.memory.vectors.index import FACTS, WORDS, Limits, Nums

Slots = NDArray[np.int64]
Mask = NDArray[np.bool_]
_FIRST = 1024  # rows that there is room for at first


class Columns:
    """`nums[slot]` is a row's number, `vectors[slot]` its vector in float16; `_signs[:, slot]` has a bit for each of
    the numbers in that, set where it is positive. Only the first `count` rows mean anything."""

    def __init__(self, dimensions: int) -> None:
        self.count = 0
        self.nums: Nums = np.zeros(0, np.int64)
        self.vectors: NDArray[np.float16] = np.zeros((0, dimensions), np.float16)
        self._signs: NDArray[np.uint64] = np.zeros((-(-dimensions // 64), 0), np.uint64)
        self._codes = {name: np.zeros(0, np.int32) for name in WORDS}
        self._tables: dict[str, dict[str, int]] = {name: {} for name in WORDS}
        self._created: NDArray[np.float64] = np.zeros(0, np.float64)
        self._pinned: Mask = np.zeros(0, np.bool_)
        self._slots: NDArray[np.int32] = np.zeros(0, np.int32)  # by number; -1: there is none

    def slots_of(self, nums: Nums) -> Slots:
        """-1 for those that are not here."""
        slots = np.full(len(nums), -1, np.int64)
        known = (nums >= 0) & (nums < len(self._slots))
        slots[known] = self._slots[nums[known]]
        return slots

    def append(self, nums: Nums) -> Slots:
        """New rows, empty."""
        self._make_room(self.count + len(nums), int(nums.max(initial=0)))
        slots = np.arange(self.count, self.count + len(nums))
        self.nums[slots] = nums
        self._slots[nums] = slots
        self.count += len(nums)
        return slots

    def set_vectors(self, slots: Slots, vectors: NDArray[Any]) -> None:
        """(n, dimensions), of any float type."""
        self.vectors[slots] = vectors
        self._signs[:, slots] = self._signs_of(vectors).T

    def _signs_of(self, vectors: NDArray[Any]) -> NDArray[np.uint64]:
        """(n, words)."""
        packed = np.packbits(vectors > 0, axis=1)
        padded = np.zeros((len(packed), 8 * len(self._signs)), np.uint8)
        padded[:, : packed.shape[1]] = packed
        return padded.view(np.uint64)

    def likely(self, vector: NDArray[Any], slots: Slots, least: int) -> Slots:
        """Of these rows, at least `least` whose vectors have the most signs in common with this one."""
        differ = np.zeros(self.count, np.uint16)
        for row, word in zip(self._signs, self._signs_of(vector[None])[0], strict=True):
            differ += np.bitwise_count(row[: self.count] ^ word)
        if len(slots) < self.count:
            differ = differ[slots]
        so_many = np.cumsum(np.bincount(differ))
        return slots[differ <= np.searchsorted(so_many, min(least, len(slots)))]

    def set_facts(self, slots: Slots, facts: Sequence[Sequence[Any]]) -> None:
        for name, values in zip(FACTS, facts, strict=True):
            if name in self._codes:
                table = self._tables[name]
                self._codes[name][slots] = [table.setdefault(value, len(table)) for value in values]
                if len(table) > 2 * self.count + _FIRST:
                    self._forget_unused(name)
        self._created[slots] = facts[FACTS.index("created_at")]
        self._pinned[slots] = facts[FACTS.index("pinned")]

    def _forget_unused(self, name: str) -> None:
        """What no row says any more leaves the table: of each run there is a word, whatever remains of it."""
        table, codes = self._tables[name], self._codes[name][: self.count]
        used = np.zeros(len(table), np.bool_)
        used[codes] = True
        if used.all():
            return
        codes[:] = (np.cumsum(used) - 1)[codes]
        kept = [value for value, in_use in zip(table, used.tolist(), strict=True) if in_use]
        self._tables[name] = {value: code for code, value in enumerate(kept)}

    def remove(self, slot: int) -> None:
        last = self.count - 1
        self._slots[self.nums[slot]] = -1
        if slot != last:
            for column in (self.vectors, self._signs.T, *self._arrays().values()):
                column[slot] = column[last]
            self._slots[self.nums[slot]] = slot
        self.count = last

    def allowed(self, limits: Limits) -> Mask:
        """(count,): which rows a search may find."""
        mask = self._is("owner", (limits.owner,))
        if limits.shared is not None:
            seen = self._is("scope", limits.shared)
            if limits.own is not None:
                seen |= self._is("scope", ("private",)) & self._is("agent", (limits.own,))
            mask &= seen
        for name, values in limits.among.items():
            mask &= self._is(name, values)
        if limits.not_runs:
            mask &= ~self._is("run_id", limits.not_runs)
        created = self._created[: self.count]
        if limits.since is not None:
            mask &= created >= limits.since
        if limits.until is not None:
            mask &= created <= limits.until
        if limits.pinned is not None:
            mask &= self._pinned[: self.count] == limits.pinned
        if limits.files is not None:
            mask &= self._is("document_id", ("",)) != limits.files
        return mask

    def _is(self, name: str, values: Sequence[str]) -> Mask:
        table, codes = self._tables[name], self._codes[name][: self.count]
        wanted = [table[value] for value in values if value in table]
        if not wanted:
            return np.zeros(self.count, np.bool_)
        if len(wanted) == 1:
            return codes == wanted[0]
        chosen = np.zeros(len(table), np.bool_)
        chosen[wanted] = True
        return chosen[codes]

    def _make_room(self, rows: int, largest: int) -> None:
        """Grow by a quarter: each growth copies the vectors, and holds them twice while it does."""
        if rows > len(self.nums):
            size = max(_FIRST, rows, len(self.nums) * 5 // 4)
            self.nums, self.vectors = _grown(self.nums, size), _grown(self.vectors, size)
            self._signs = np.ascontiguousarray(_grown(self._signs.T, size).T)
            self._created, self._pinned = _grown(self._created, size), _grown(self._pinned, size)
            self._codes = {name: _grown(codes, size) for name, codes in self._codes.items()}
        if largest >= len(self._slots):
            slots = np.full(max(_FIRST, largest + 1, len(self._slots) * 3 // 2), -1, np.int32)
            slots[: len(self._slots)] = self._slots
            self._slots = slots

    # ── in a snapshot ─────────────────────────────────────────────────────────────────────────────────────────────

    def packed(self) -> bytes:
        """All but the vectors, and what no row says any more."""
        for name in WORDS:
            self._forget_unused(name)
        kept = {name: array[: self.count].tobytes() for name, array in self._arrays().items()}
        return msgspec.msgpack.encode((kept, {name: list(table) for name, table in self._tables.items()}))

    def unpack(self, packed: bytes) -> Slots:
        """Into empty columns, without the vectors. Raises `ValueError`, `KeyError`, `msgspec.MsgspecError` for what is
        not of `packed`."""
        kept, tables = msgspec.msgpack.decode(packed, type=tuple[dict[str, bytes], dict[str, list[str]]])
        nums = np.frombuffer(kept["nums"], np.int64)
        # Else the first that is added would copy them all. Room that nobody wrote to takes no memory.
        self._make_room(len(nums) * 5 // 4, int(nums.max(initial=0)) * 3 // 2)
        slots = self.append(nums)
        for name, array in self._arrays().items():
            array[slots] = np.frombuffer(kept[name], array.dtype)
        self._tables = {name: {value: code for code, value in enumerate(tables[name])} for name in WORDS}
        return slots

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {
            "nums": self.nums,
            "created_at": self._created,
            "pinned": self._pinned,
            **self._codes,
        }


def _grown(array: NDArray[Any], size: int) -> NDArray[Any]:
    grown = np.zeros((size, *array.shape[1:]), array.dtype)
    grown[: len(array)] = array
    return grown
