"""Chunks as memories: those of a document that is read anew take the place of the old ones; what is unchanged stays."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from alma.db import tables
from alma.db.database import Database
from alma.errors import NotFound
from alma.memory.knowledge.chunks import Chunk
from alma.memory.knowledge.documents import PAGE, Document
from alma.memory.knowledge.outcome import Outcome
from alma.memory.memories import Memories
from alma.memory.merging import tidy
from alma.memory.records import USER, Filter, Memory, NewMemory, Reader, Source

_BATCH = 32  # most chunks in one transaction, and in one call of the embedder
_FEW = 4
_LONG_S, _SHORT_S = 1.0, 0.4
_PAGE = 500
_MOVED = 200  # rows in one statement
Progress = Callable[[int, int], Awaitable[None]]


class _Plan(Struct, frozen=True):
    """`moved`: known memories with the place that they have now; `stale`: those of which nothing is left."""

    moved: list[tuple[Memory, NewMemory]]
    stale: list[Memory]
    new: list[NewMemory]
    kept: int


class Pace:
    """How many chunks are stored at once: with most machines' embedder about a second's, so that progress is seen and
    what else waits for the embedder, such as a small document beside a large one, gets its turn."""

    def __init__(self) -> None:
        self.chunks = 8

    def took(self, seconds: float) -> None:
        if seconds > _LONG_S:
            self.chunks = max(_FEW, self.chunks // 2)
        elif seconds < _SHORT_S:
            self.chunks = min(_BATCH, self.chunks * 2)


class Filing:
    def __init__(self, database: Database, memories: Memories) -> None:
        self._database = database
        self._memories = memories

    async def file(self, document: Document, outcome: Outcome, progress: Progress, wanted: Callable[[], bool]) -> bool:
        """Make the document's memories those of `outcome`. What has the same text keeps its id, its uses and its pin,
        and stays forgotten if it was. False: it is not `wanted` any more, and left where it was; that can be done
        again at any time. `progress` is called with how many of how many are stored."""
        known = await self.chunks(document, forgotten=True)
        plan = await asyncio.to_thread(_plan, document, outcome, known)
        total = len(outcome.chunks)
        await progress(plan.kept, total)
        if plan.stale and not plan.kept:
            await self.purge(document)
        else:
            await self._purge(document.owner, plan.stale)
        await self._move(plan.moved)
        clock, pace, stored = asyncio.get_running_loop().time, Pace(), 0
        while stored < len(plan.new):
            if not wanted():
                return False
            some = plan.new[stored : stored + pace.chunks]
            begun = clock()
            await self._memories.add(some, by=USER)
            pace.took(clock() - begun)
            stored += len(some)
            await progress(plan.kept + stored, total)
        return wanted()

    async def chunks(self, document: Document, *, forgotten: bool = False) -> list[Memory]:
        """In order."""
        found: list[Memory] = []
        wanted = Filter(documents=(document.id,), state="any" if forgotten else "alive")
        before: str | None = ""
        while before is not None:
            some, _, before = await self._memories.list(Reader(document.owner), wanted, _PAGE, before)
            found += some
        return sorted(found, key=lambda memory: (memory.position, memory.num))

    async def purge(self, document: Document) -> None:
        await self._memories.forget_where(
            document.owner, Filter(documents=(document.id,), state="any"), by=USER, purge=True
        )

    async def _purge(self, owner: str, stale: Sequence[Memory]) -> None:
        async def one(memory: Memory) -> None:
            with contextlib.suppress(NotFound):
                await self._memories.purge(Reader(owner), memory.id)

        for start in range(0, len(stale), _BATCH):
            try:
                async with asyncio.TaskGroup() as group:  # so that they are committed together
                    for memory in stale[start : start + _BATCH]:
                        group.create_task(one(memory))
            except ExceptionGroup as failed:
                raise failed.exceptions[0] from failed

    async def _move(self, moved: Sequence[tuple[Memory, NewMemory]]) -> None:
        """Where a chunk stands is no part of what it says: neither its version nor its vectors change."""
        for start in range(0, len(moved), _MOVED):
            rows = [
                {
                    "of_num": memory.num,
                    "new_source": msgspec.json.encode(new.source).decode(),
                    "new_position": new.position,
                    "new_parent": new.parent,
                }
                for memory, new in moved[start : start + _MOVED]
            ]
            await self._database.write(lambda connection, rows=rows: _write_moves(connection, rows))


def _write_moves(connection: sa.Connection, rows: Sequence[dict[str, str | int]]) -> None:
    row = tables.memories
    statement = (
        sa.update(row)
        .where(row.c.num == sa.bindparam("of_num"))
        .values(
            source=sa.bindparam("new_source"),
            position=sa.bindparam("new_position"),
            parent=sa.bindparam("new_parent"),
        )
    )
    connection.execute(statement, rows)


def _plan(document: Document, outcome: Outcome, known: Sequence[Memory]) -> _Plan:
    by_text: defaultdict[str, list[Memory]] = defaultdict(list)
    for memory in reversed(known):
        by_text[memory.text].append(memory)
    moved: list[tuple[Memory, NewMemory]] = []
    new: list[NewMemory] = []
    for position, chunk in enumerate(outcome.chunks):
        one = _memory_of(document, outcome.text, chunk, position)
        same = by_text.get(one.text)
        if not same:
            new.append(one)
            continue
        memory = same.pop()
        if (memory.source, memory.position, memory.parent) != (one.source, one.position, one.parent):
            moved.append((memory, one))
    stale = [memory for memories in by_text.values() for memory in memories]
    return _Plan(moved, stale, new, len(outcome.chunks) - len(new))


def _memory_of(document: Document, text: str, chunk: Chunk, position: int) -> NewMemory:
    file = document.name if document.origin == PAGE else document.origin
    source = Source(document_id=document.id, file=file, place=chunk.place, start=chunk.start, end=chunk.end)
    return NewMemory(
        document.owner,
        tidy(chunk.of(text)).strip(),
        kind="semantic",
        scope="team",
        agent=USER,
        source=source,
        line=document.id,
        position=position,
        parent=f"{document.id}#{chunk.section}",
    )
