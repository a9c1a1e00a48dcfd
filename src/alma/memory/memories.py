"""Memories: the one door to them. Adding, finding, changing, forgetting; everything else asks here."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa
from msgspec import Struct

from alma.db.database import Database
from alma.errors import AlmaError
from alma.memory import changing, preparing, store
from alma.memory.adding import Added, admit, keep_all
from alma.memory.dense import Dense, IndexState
from alma.memory.embedding import Embedding
from alma.memory.recall import Asked, Recall
from alma.memory.records import USER, Change, Filter, Kind, Memory, NewMemory, Reader, Recalled, Scope, State

Told = Callable[[Sequence[Change]], None]
T = TypeVar("T")
MOST_LISTED = 1000  # in one page


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
        self._database = database
        self._embedding = embedding
        self._dense = dense
        self._recall = recall
        self._clock = clock
        self._listeners: list[Told] = []
        self._telling = asyncio.Lock()

    def listen(self, told: Told) -> Callable[[], None]:
        """Call `told` after each commit with what changed; returns what ends it."""
        self._listeners.append(told)

        def end() -> None:
            with contextlib.suppress(ValueError):
                self._listeners.remove(told)

        return end

    # ── keeping ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def add(
        self, new: Sequence[NewMemory], *, by: str = USER, urgent: bool = False, finished_run: str = ""
    ) -> list[Added]:
        """Durable when it returns, in one transaction, searchable at once. Where the embedder cannot answer they are
        found by words until it can. `finished_run`: all words of this run are kept with these (`remembered_runs`)."""
        now = self._clock()
        arrivals = await preparing.prepare(
            self._database, self._embedding, self._dense, [admit(one, now) for one in new], urgent
        )
        return await self._write(by, lambda pen: keep_all(pen, arrivals, finished_run))

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
        wanted = changing.Edit(text, kind, scope, pinned, key).checked()
        vector = await preparing.vector_of_text(self._embedding, wanted.text)
        return await self._write(by, lambda pen: changing.edit(pen, reader, memory_id, version, wanted, vector))

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
        return await self._write(by, lambda pen: changing.forget(pen, reader, memory_id))

    async def forget_where(self, owner: str, wanted: Filter, *, by: str, purge: bool = False) -> int:
        """All that the filter lets through (a thread's, a document's, a message's). `purge`: for good."""
        raise NotImplementedError

    async def restore(self, reader: Reader, memory_id: str, *, by: str = USER) -> Memory:
        """Undo: what was forgotten is not any more; what was superseded holds again."""
        return await self._write(by, lambda pen: changing.restore(pen, reader, memory_id))

    async def purge(self, reader: Reader, memory_id: str) -> None:
        """Gone for good, with its history and vectors."""
        raise NotImplementedError

    # ── finding ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def get(self, reader: Reader, memory_id: str) -> Memory:
        """In whatever state it is. Raises `NotFound` (unknown_memory)."""
        return await self._database.read(lambda connection: store.by_id(connection, reader, memory_id))

    async def list(
        self, reader: Reader, wanted: Filter, limit: int = 50, before: str = ""
    ) -> tuple[list[Memory], int, str | None]:
        """Newest first; how many there are in all, and what to give as `before` for the next page."""
        limit = max(1, min(limit, MOST_LISTED))
        return await self._database.read(lambda connection: store.page(connection, reader, wanted, limit, before))

    async def recall(self, asked: Asked) -> Recalled:
        return await self._recall.recall(asked, self._clock())

    async def around(self, reader: Reader, memory: Memory, span: int = 2) -> list[Memory]:
        """Its neighbours in its line, in order, without itself."""
        return await self._database.read(lambda connection: store.neighbours(connection, reader, memory, span))

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
        return await self._dense.state()

    # ── writing ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def _write(self, by: str, work: Callable[[store.Pen], T]) -> T:
        """Run `work` in a transaction; then tell the index of vectors, and whoever listens."""
        now, model = self._clock(), self._embedding.model

        def run(connection: sa.Connection) -> tuple[store.Pen, T]:
            pen = store.Pen(connection, now, by, model)
            return pen, work(pen)

        writing = self._database.begin_write(run)
        try:
            pen, result = await asyncio.shield(writing)
        except asyncio.CancelledError:  # it is written all the same
            with contextlib.suppress(AlmaError):
                pen, _ = await writing
                await self._tell(pen)
            raise
        await self._tell(pen)
        return result

    async def _tell(self, pen: store.Pen) -> None:
        if not pen.changes:
            return
        async with self._telling:  # in the order of the commits
            newest = {change.memory.num: change.memory for change in pen.changes if change.memory is not None}
            if newest:
                await self._dense.changed([*newest.values()], [pen.vectors.get(num) for num in newest])
            if pen.gone:
                await self._dense.gone(pen.gone)
            for told in [*self._listeners]:
                told(pen.changes)
