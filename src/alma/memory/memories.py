"""Memories: the one door to them. Adding, finding, changing, forgetting; everything else asks here."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TypeVar

import msgspec
import sqlalchemy as sa

from alma.db.database import Database
from alma.errors import AlmaError, InvalidRequest
from alma.memory import boards, changing, deleting, mapping, overheard, preparing, store, traces, transfer
from alma.memory.adding import Added, admit, keep_all
from alma.memory.dense import Dense, IndexState
from alma.memory.embedding import Embedding, Impatient, Vector
from alma.memory.mapping import Map, MemoryPoint
from alma.memory.merging import tidy
from alma.memory.recall import Asked, Recall
from alma.memory.records import USER, Change, Filter, Kind, Memory, NewMemory, Reader, Recalled, Scope, Source, State
from alma.memory.traces import Counts, Use, Version
from alma.memory.transfer import Imported
from alma.memory.words import rebuild_words

__all__ = ["Added", "Counts", "Imported", "Map", "Memories", "MemoryPoint", "Told", "Use", "Version"]

Told = Callable[[Sequence[Change]], None]
T = TypeVar("T")
MOST_LISTED = 1000  # in one page
_UNNAMED = Source()
PATIENCE_S = 1.0  # with the embedder, of who adds or edits and waits for the answer


class Memories:
    """`clock` gives Unix seconds. Methods that take a `Reader` see and change only what it may read."""

    def __init__(
        self, database: Database, embedding: Embedding, dense: Dense, recall: Recall, clock: Callable[[], float]
    ) -> None:
        self._database = database
        self._embedding = embedding
        self._soon = Impatient(embedding, PATIENCE_S)
        self._dense = dense
        self._recall = recall
        self.timed: Callable[[float], None] | None = None  # hears how many ms each recall took
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

    async def add(self, new: Sequence[NewMemory], *, by: str = USER, urgent: bool = False) -> list[Added]:
        """Durable when it returns, in one transaction, searchable at once. Where the embedder cannot answer (or not
        soon, and it is `urgent`) they are found by words until it can."""
        now = self._clock()
        arrivals = await preparing.prepare(
            self._database, self._soon, self._dense, [admit(one, now) for one in new], urgent
        )
        return await self._write(by, lambda pen: keep_all(pen, arrivals))

    async def vectors_of(self, texts: list[str]) -> list[Vector | None]:
        """For `overhear`: when the embedder has time. None: it cannot answer."""
        return await overheard.vectors_of(self._embedding, texts)

    async def overhear(self, heard: Sequence[tuple[NewMemory, Vector | None]], *, by: str) -> None:
        """Keep what is being said, until its run is taken in: see `overheard.py`."""
        now = self._clock()
        clean = [(admit(new, now), preparing.fitting(self._dense, vector)) for new, vector in heard]
        await self._write(by, lambda pen: overheard.keep(pen, clean), overheard.QuietPen)

    async def unhear(self, *, messages: Sequence[str], by: str) -> None:
        """What was overheard of these messages goes: they are begun anew, or nobody will take them in."""
        await self._write(by, lambda pen: overheard.drop(pen, messages=messages))

    async def take_in(
        self, new: Sequence[NewMemory], *, runs: Sequence[str], uses: Sequence[Use] = (), by: str
    ) -> list[Added]:
        """All words of these ended runs, in one transaction, in place of what was overheard of them
        (`remembered_runs`); and which memories their prompts had."""
        now = self._clock()
        clean = await asyncio.to_thread(lambda: [admit(one, now) for one in new])
        arrivals = await preparing.prepare(self._database, self._embedding, self._dense, clean, urgent=False)

        def work(pen: store.Pen) -> list[Added]:
            overheard.drop(pen, run_ids=runs)
            added = keep_all(pen, arrivals)
            traces.keep_uses(pen, uses)
            overheard.mark_remembered(pen, runs)
            return added

        return await self._write(by, work)

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
        vector = await preparing.vector_of_text(self._soon, self._dense, wanted.text)
        return await self._write(by, lambda pen: changing.edit(pen, reader, memory_id, version, wanted, vector))

    async def put(
        self,
        owner: str,
        key: str,
        text: str,
        seen: int,
        *,
        agent: str,
        scope: Scope = "team",
        kind: Kind = "working",
        source: Source = _UNNAMED,
    ) -> Memory | None:
        """A board that outlives runs: `key` holds `text` now if `seen` is still its version (0: nothing there);
        None: it is not. Two writers never overwrite each other unseen. `source`: the thread and run that write it; it
        goes when that thread is deleted, and stays where none is named."""
        new = admit(NewMemory(owner, text, kind, scope, agent, key, source), self._clock())
        if not new.key:
            raise InvalidRequest("empty_key", "A board needs a key.", expected="what the text is about")
        vector = await preparing.vector_of_text(self._soon, self._dense, new.text)
        return await self._write(agent, lambda pen: boards.put(pen, new, seen, vector))

    async def at_key(self, reader: Reader, prefix: str) -> list[Memory]:
        """Those alive whose key begins so, by key."""
        return await self._database.read(lambda connection: boards.at_key(connection, reader, prefix))

    async def forget(self, reader: Reader, memory_id: str, *, by: str = USER) -> Memory:
        """A tombstone; what it had superseded stays so."""
        return await self._write(by, lambda pen: changing.forget(pen, reader, memory_id))

    async def forget_many(self, reader: Reader, ids: Sequence[str], *, by: str = USER) -> tuple[list[str], list[str]]:
        """In one transaction: those that changed, and those that are not known, which hinder no other."""
        return await self._write(by, lambda pen: changing.many(pen, reader, ids, changing.forget))

    async def restore_many(self, reader: Reader, ids: Sequence[str], *, by: str = USER) -> tuple[list[str], list[str]]:
        """Its undoing, as `forget_many`."""
        return await self._write(by, lambda pen: changing.many(pen, reader, ids, changing.restore))

    async def forget_where(self, owner: str, wanted: Filter, *, by: str, purge: bool = False) -> int:
        """All that the filter lets through (a thread's, a document's, a message's). `purge`: for good; of runs or
        threads: what was said elsewhere too stays, as what was said there (see `deleting.py`)."""
        total = 0
        while some := await self._write(
            by, lambda pen: changing.forget_where(pen, owner, wanted, purge, store.AT_ONCE)
        ):
            total += some
        if purge and (goes := deleting.of_threads(wanted)) is not None:
            found = await self._database.read(lambda connection: deleting.traces(connection, owner, goes), slow=True)
            for at in range(0, len(found), store.AT_ONCE):
                await self._write(by, partial(deleting.drop_traces, found=found[at : at + store.AT_ONCE]))
        return total

    async def restore(self, reader: Reader, memory_id: str, *, by: str = USER) -> Memory:
        """Undo: what was forgotten is not any more; what was superseded holds again."""
        return await self._write(by, lambda pen: changing.restore(pen, reader, memory_id))

    async def purge(self, reader: Reader, memory_id: str) -> None:
        """Gone for good, with its history and vectors."""
        await self._write(USER, lambda pen: changing.purge(pen, reader, memory_id))

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
        clean = msgspec.structs.replace(asked, query=tidy(asked.query))
        recalled = await self._recall.recall(clean, self._clock())
        if self.timed is not None:
            self.timed(recalled.ms)
        return recalled

    async def around(self, reader: Reader, memory: Memory, span: int = 2) -> list[Memory]:
        """Its neighbours in its line, in order, without itself."""
        return await self._database.read(lambda connection: store.neighbours(connection, reader, memory, span))

    async def superseded_by(self, reader: Reader, memory_id: str) -> list[Memory]:
        """Those whose place it took, the latest first. Raises `NotFound`."""
        return await self._database.read(lambda connection: traces.superseded_by(connection, reader, memory_id))

    async def history(self, reader: Reader, memory_id: str) -> list[Version]:
        """Oldest first. Raises `NotFound`."""
        return await self._database.read(lambda connection: traces.history(connection, reader, memory_id))

    async def used(self, uses: Sequence[Use]) -> None:
        """These came into prompts."""
        if uses:
            await self._write(USER, lambda pen: traces.keep_uses(pen, uses))

    async def weigh(self, owner: str, weights: Mapping[str, tuple[float, float]]) -> None:
        """What is believed of these memories, by id: utility, from -1 to 1, and on how much evidence that rests. Ids
        that the owner has no memory of are passed over."""
        fair = {one: (min(max(utility, -1.0), 1.0), max(strength, 0.0)) for one, (utility, strength) in weights.items()}
        ids = sorted(fair)
        for at in range(0, len(ids), store.AT_ONCE):
            batch = {one: fair[one] for one in ids[at : at + store.AT_ONCE]}
            await self._database.write(partial(traces.weigh, owner=owner, weights=batch))

    async def weighed(self, owner: str) -> dict[str, tuple[float, float]]:
        """Utility and strength of the memories that have been weighed, by id."""
        return await self._database.read(lambda connection: traces.weighed(connection, owner), slow=True)

    async def weighed_owners(self) -> list[str]:
        return await self._database.read(traces.weighed_owners, slow=True)

    async def uses(self, reader: Reader, memory_id: str) -> list[Use]:
        """The latest first. Raises `NotFound`."""
        return await self._database.read(lambda connection: traces.uses_of(connection, reader, memory_id))

    async def counts(self, owner: str) -> Counts:
        return await self._database.read(lambda connection: traces.counts(connection, owner), slow=True)

    async def map(self, reader: Reader, wanted: Filter, limit: int, run_id: str = "") -> Map:
        """Memories on a plane: the two directions in which their vectors differ most."""
        model = self._embedding.model
        return await self._database.read(
            lambda connection: mapping.draw(connection, reader, wanted, limit, run_id, model), slow=True
        )

    # ── in and out ────────────────────────────────────────────────────────────────────────────────────────────────

    async def export(self, owner: str, state: State = "any", files: bool = False) -> AsyncIterator[bytes]:
        """JSONL: one memory a line, oldest first; some lines at a time. `files`: with the pieces of files."""
        wanted = Filter(files=None if files else False, state=state)
        after: tuple[float, int] | None = None
        while True:
            lines, after = await self._database.read(
                partial(transfer.export_page, owner=owner, wanted=wanted, after=after)
            )
            if lines:
                yield lines
            if after is None:
                return

    async def import_lines(self, owner: str, lines: Iterable[bytes]) -> Imported:
        """Each line that is right goes in, whatever the others are; what is known adds nothing. Vectors come later."""
        added = merged = replaced = passed_over = 0
        problems: list[tuple[int, str]] = []
        for some in transfer.slices(lines):
            entries, wrong = await asyncio.to_thread(transfer.read_lines, owner, some, self._clock())
            kept = await self._write(USER, partial(transfer.keep_entries, entries=entries))
            added, merged, replaced = added + kept.added, merged + kept.merged, replaced + kept.replaced
            passed_over += len(wrong) + kept.passed_over
            problems += sorted(wrong + kept.problems)[: transfer.MOST_PROBLEMS - len(problems)]
        return Imported(added, merged, replaced, passed_over, problems)

    async def change(self, by: str, work: Callable[[store.Pen], T]) -> T:
        """Whatever `work` changes, in one transaction: for who refines. What it changed is told as of any change."""
        return await self._write(by, work)

    # ── the indexes ───────────────────────────────────────────────────────────────────────────────────────────────

    async def reindex(self) -> None:
        """Words at once, vectors in the background."""
        after: int | None = 0
        while after is not None:
            after = await self._database.write(partial(rebuild_words, after=after))
        await self._dense.rebuild()

    async def indexes(self) -> list[IndexState]:
        return await self._dense.state()

    # ── writing ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def _write(self, by: str, work: Callable[[store.Pen], T], make_pen: type[store.Pen] = store.Pen) -> T:
        """Run `work` in a transaction; then tell the index of vectors, and whoever listens."""
        now, model = self._clock(), self._embedding.model

        def run(connection: sa.Connection) -> tuple[store.Pen, T]:
            pen = make_pen(connection, now, by, model)
            result = work(pen)
            pen.look_up_vectors()
            pen.flush()
            return pen, result

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
        if not pen.changes and not pen.gone:
            return
        async with self._telling:  # in the order of the commits
            newest = {change.memory.num: change.memory for change in pen.changes if change.memory is not None}
            if newest:
                await self._dense.changed([*newest.values()], [pen.vectors.get(num) for num in newest])
            if pen.gone:
                await self._dense.gone(pen.gone)
            changes = pen.changes
            if isinstance(pen, overheard.QuietPen):
                changes = [*{change.owner: change for change in changes}.values()]
            for told in [*self._listeners] if changes else ():
                told(changes)
