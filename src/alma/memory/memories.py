"""Memories: the one door to them. Adding, finding, changing, forgetting; everything else asks here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any

from msgspec import Struct

from alma.db.database import Database
from alma.memory.dense import Dense, IndexState
from alma.memory.embedding import Embedding
from alma.memory.recall import Asked, Recall
from alma.memory.records import USER, Change, Filter, Kind, Memory, NewMemory, Reader, Recalled, Scope, State

Told = Callable[[Sequence[Change]], None]


class Added(Struct, frozen=True):
    """`merged`: the same, or nearly, was known and counts once more. `superseded`: ids of those whose place it took."""

    memory: Memory
    merged: bool = False
    superseded: tuple[str, ...] = ()


class Version(Struct, frozen=True):
    """A change of a memory; `before`: the fields that changed, as they were."""

    version: int
    at: float
    what: str
    by: str
    before: dict[str, Any]


class Use(Struct, frozen=True):
    """A memory in a prompt. `thread_id` and `title` are filled in when it is read."""

    memory_id: str
    run_id: str
    message_id: str
    role: str
    score: float
    at: float
    thread_id: str = ""
    title: str = ""


class Counts(Struct, frozen=True):
    alive: int
    superseded: int
    forgotten: int
    by_kind: dict[str, int]
    by_scope: dict[str, int]
    by_agent: dict[str, int]


class MemoryPoint(Struct, frozen=True):
    memory: Memory
    x: float
    y: float


class Map(Struct, frozen=True):
    points: list[MemoryPoint]
    total: int
    explained: float
    of_run: list[str]


class Imported(Struct, frozen=True):
    """`problems`: (line, what is wrong with it)."""

    added: int
    merged: int
    passed_over: int
    problems: list[tuple[int, str]]


class Memories:
    """`clock` gives Unix seconds. Methods that take a `Reader` see and change only what it may read."""

    def __init__(
        self, database: Database, embedding: Embedding, dense: Dense, recall: Recall, clock: Callable[[], float]
    ) -> None:
        raise NotImplementedError

    def listen(self, told: Told) -> Callable[[], None]:
        """Call `told` after each commit with what changed; returns what ends it."""
        raise NotImplementedError

    # ── keeping ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def add(
        self, new: Sequence[NewMemory], *, by: str = USER, urgent: bool = False, finished_run: str = ""
    ) -> list[Added]:
        """Durable when it returns, in one transaction, searchable at once. Where the embedder cannot answer they are
        found by words until it can. `finished_run`: all words of this run are kept with these (`remembered_runs`)."""
        raise NotImplementedError

    async def edit(
        self,
        reader: Reader,
        memory_id: str,
        version: int,
        *,
        text: str | None = None,
        kind: Kind | None = None,
        scope: Scope | None = None,
        pinned: bool | None = None,
        key: str | None = None,
        by: str = USER,
    ) -> Memory:
        """Raises `NotFound` (unknown_memory), `Conflict` (changed_meanwhile), `InvalidRequest`."""
        raise NotImplementedError

    async def put(
        self, owner: str, key: str, text: str, seen: int, *, agent: str, scope: Scope = "team", kind: Kind = "working"
    ) -> Memory | None:
        """A board that outlives runs: `key` holds `text` now if `seen` is still its version (0: nothing there);
        None: it is not. Two writers never overwrite each other unseen."""
        raise NotImplementedError

    async def at_key(self, reader: Reader, prefix: str) -> list[Memory]:
        """Those alive whose key begins so, by key."""
        raise NotImplementedError

    async def forget(self, reader: Reader, memory_id: str, *, by: str = USER) -> Memory:
        """A tombstone; what it had superseded stays so."""
        raise NotImplementedError

    async def forget_where(self, owner: str, wanted: Filter, *, by: str, purge: bool = False) -> int:
        """All that the filter lets through (a thread's, a document's, a message's). `purge`: for good."""
        raise NotImplementedError

    async def restore(self, reader: Reader, memory_id: str, *, by: str = USER) -> Memory:
        raise NotImplementedError

    async def purge(self, reader: Reader, memory_id: str) -> None:
        """Gone for good, with its history and vectors."""
        raise NotImplementedError

    # ── finding ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def get(self, reader: Reader, memory_id: str) -> Memory:
        raise NotImplementedError

    async def list(
        self, reader: Reader, wanted: Filter, limit: int = 50, before: str = ""
    ) -> tuple[list[Memory], int, str | None]:
        """Newest first; how many there are in all, and what to give as `before` for the next page."""
        raise NotImplementedError

    async def recall(self, asked: Asked) -> Recalled:
        raise NotImplementedError

    async def around(self, reader: Reader, memory: Memory, span: int = 2) -> list[Memory]:
        """Its neighbours in its line, in order, without itself."""
        raise NotImplementedError

    async def superseded_by(self, reader: Reader, memory_id: str) -> list[Memory]:
        raise NotImplementedError

    async def history(self, reader: Reader, memory_id: str) -> list[Version]:
        raise NotImplementedError

    async def used(self, uses: Sequence[Use]) -> None:
        """These came into prompts."""
        raise NotImplementedError

    async def uses(self, reader: Reader, memory_id: str) -> list[Use]:
        raise NotImplementedError

    async def counts(self, owner: str) -> Counts:
        raise NotImplementedError

    async def map(self, reader: Reader, wanted: Filter, limit: int, run_id: str = "") -> Map:
        """Memories on a plane: the two directions in which their vectors differ most."""
        raise NotImplementedError

    # ── in and out ────────────────────────────────────────────────────────────────────────────────────────────────

    def export(self, owner: str, state: State = "alive") -> AsyncIterator[bytes]:
        """JSONL: one memory a line, oldest first."""
        raise NotImplementedError

    async def import_lines(self, owner: str, lines: Iterable[bytes]) -> Imported:
        raise NotImplementedError

    # ── the indexes ───────────────────────────────────────────────────────────────────────────────────────────────

    async def reindex(self) -> None:
        """Words at once, vectors in the background."""
        raise NotImplementedError

    async def indexes(self) -> list[IndexState]:
        raise NotImplementedError
