"""The protocol of a vector index: what memory asks of it, and no more.

An index holds one model's vectors of living memories, by number, with the few facts by which a search may be limited.
It is derived: whatever it loses is put in again from the database. Every backend reads the same `Limits`, so that what
a reader may read is decided in one place; the database checks each memory again before anybody sees it.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from alma.memory.embedding import Vector
from alma.memory.records import USER, Filter, Memory, Reader

Nums = NDArray[np.int64]
WORDS = ("owner", "agent", "scope", "kind", "thread_id", "run_id", "document_id", "key")  # facts that are text
FACTS = (*WORDS, "created_at", "pinned")


class Rows(Struct, frozen=True):
    """Vectors and whose they are. `nums`: (n,) int64; `vectors`: (n, dimensions), rows of length 1; `facts`: one
    sequence of n values for each of `FACTS`."""

    nums: Nums
    vectors: Vector
    facts: tuple[Sequence[object], ...]

    def part(self, start: int, end: int) -> Rows:
        facts = tuple(values[start:end] for values in self.facts)
        return Rows(self.nums[start:end], self.vectors[start:end], facts)


class Near(Struct, frozen=True):
    num: int
    cosine: float


class IndexState(Struct, frozen=True):
    """How an index is. `missing`: living memories without a vector in it; `role`: serving, leaving or building."""

    backend: str
    model: str
    dimensions: int
    entries: int
    missing: int
    role: str


class Limits(Struct, frozen=True):
    """What a search is limited to: of `owner`; in one of the scopes `shared`, or private to the role `own`
    (`shared` None: any); each of the facts `among` one of its values; from none of `not_runs`; `created_at` from
    `since` to `until`, both included; with a `document_id` or (`files` False) without one."""

    owner: str
    shared: tuple[str, ...] | None = None
    own: str | None = None
    among: dict[str, tuple[str, ...]] = {}
    not_runs: tuple[str, ...] = ()
    since: float | None = None
    until: float | None = None
    pinned: bool | None = None
    files: bool | None = None


class VectorIndex(Protocol):
    """Of one model. All methods may be called at once from several tasks; none holds up the event loop. All raise
    `IndexUnavailable` where the backend does not answer, or the index is closed.

    A stamp is the newest change of a memory that an index has seen. `trouble`: why it could not be saved the last time;
    empty where it could, or need not be."""

    trouble: str = ""

    async def open(self) -> int:
        """Ready to be searched, with what a snapshot or the server has; returns the stamp it was saved with, or 0. A
        snapshot that is damaged, or of another version or model, is dropped and the index is empty."""
        ...

    async def close(self, stamp: int) -> None:
        """Save, and let go of everything. What was asked before it is answered, or raises."""
        ...

    async def add(self, rows: Rows) -> None:
        """Put in, in place of what has the same number."""
        ...

    async def remove(self, nums: Sequence[int]) -> None:
        """Numbers that are not in it are passed over."""
        ...

    async def search(self, vector: Vector, k: int, reader: Reader, wanted: Filter) -> list[Near]:
        """The `k` nearest of those that the reader may read and the filter lets through, nearest first."""
        ...

    async def nums(self) -> Nums:
        """The numbers that are in it, in no order."""
        ...

    async def save(self, stamp: int) -> None:
        """Keep what is needed to go on after a restart; may be put off until `close` where it would hold up others."""
        ...

    async def clear(self) -> None:
        """Empty, with nothing kept."""
        ...


MakeIndex = Callable[[str, int], VectorIndex]  # of a model's name and its vectors' dimensions


def name_of(model: str, dimensions: int) -> str:
    """A short name for what is kept of a model: letters and digits."""
    return hashlib.blake2b(f"{model}\n{dimensions}".encode("utf-8", "replace"), digest_size=6).hexdigest()


def rows_of(memories: Sequence[Memory], vectors: Vector) -> Rows:
    """Of memories, and their vectors in the same order."""
    facts = [
        (
            one.owner,
            one.agent,
            one.scope,
            one.kind,
            one.source.thread_id,
            one.source.run_id,
            one.source.document_id,
            one.key,
            one.created_at,
            one.pinned,
        )
        for one in memories
    ]
    nums = np.fromiter((one.num for one in memories), np.int64, len(memories))
    return Rows(nums, vectors, tuple(zip(*facts, strict=True)) if facts else tuple(() for _ in FACTS))


def limits_of(reader: Reader, wanted: Filter) -> Limits | None:
    """The access rule and the filter as every backend reads them; None: nothing can match. An index holds only what is
    alive."""
    if wanted.state in ("superseded", "archived", "forgotten") or not _is_text(reader.owner):
        return None
    if any(bound is not None and math.isnan(bound) for bound in (wanted.since, wanted.until)):
        return None
    among: dict[str, tuple[str, ...]] = {}
    for name, values in (
        ("kind", wanted.kinds),
        ("scope", wanted.scopes),
        ("agent", wanted.agents),
        # no backend knows who said a thing: what the user said may be any agent's
        ("agent", () if wanted.agents or USER in wanted.authors else wanted.authors),
        ("thread_id", wanted.threads),
        ("run_id", wanted.runs),
        ("document_id", wanted.documents),
        ("key", (wanted.key,) if wanted.key else ()),
    ):
        if values:
            among[name] = tuple(value for value in values if _is_text(value))
            if not among[name]:
                return None
    shared, own = _scopes(reader)
    if shared == () and own is None:
        return None
    not_runs = tuple(run for run in wanted.not_runs if _is_text(run))
    bounds = (wanted.since, wanted.until, wanted.pinned, wanted.files)
    return Limits(reader.owner, shared, own, among, not_runs, *bounds)


def _scopes(reader: Reader) -> tuple[tuple[str, ...] | None, str | None]:
    if reader.role is None:
        return None, None
    shared = tuple(scope for scope in reader.scopes if scope != "private")
    has_own = "private" in reader.scopes and reader.role != USER and _is_text(reader.role)
    return shared, reader.role if has_own else None


def _is_text(value: str) -> bool:
    """Whether a row can hold it."""
    try:
        value.encode()
    except UnicodeEncodeError:  # a lone surrogate
        return False
    return "\0" not in value
