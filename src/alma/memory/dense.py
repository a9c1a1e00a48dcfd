"""Search by meaning: the indexes of vectors, kept equal to the database.

While a new embedding model takes over, the old model's index and the new one's both serve: each memory is searched in
the new one from the moment that it has a vector there, and in the old one until then.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Sequence

import numpy as np
import sqlalchemy as sa

from alma.db.database import Database
from alma.errors import AlmaError, EmbedderUnavailable, IndexUnavailable, StorageFailure
from alma.memory.backlog import Backlog
from alma.memory.embedding import Embedding, Vector
from alma.memory.records import Filter, Memory, Reader
from alma.memory.store import stored_vectors
from alma.memory.vectors import stored
from alma.memory.vectors.index import IndexState, MakeIndex, Near
from alma.memory.vectors.mirror import Mirror
from alma.memory.vectors.problems import Problems, silent
from alma.memory.vectors.waiting import Waiting, merged

log = logging.getLogger(__name__)
_TICK_S = 5.0  # between two looks for what other processes changed
_SAVED_S = 30.0  # between two snapshots: a crash costs no more than reading again what has come since
_FIRST_PAUSE_S = 1.0  # after a failure; doubled, up to
_LONGEST_PAUSE_S = 30.0
_SERVER_S = 2.0  # that a server gets while Alma starts or stops
_TROUBLE = (IndexUnavailable, StorageFailure)  # may pass
__all__ = ["Dense", "IndexState"]


class Dense:
    """`previous`: the model that served before, where it is still at hand: its vectors are searched until the new
    model's are complete. `run` must be running for what has no vector to get one."""

    def __init__(
        self,
        database: Database,
        embedding: Embedding,
        make_index: MakeIndex,
        backend: str,
        previous: Embedding | None = None,
    ) -> None:
        self._database = database
        self._embedding = embedding
        self._make_index = make_index
        self._backend = backend
        self._previous = previous if previous is not None and previous.model != embedding.model else None
        self._present: Mirror | None = None
        self._leaving: Mirror | None = None
        self._others: list[str] = []  # models of which there are vectors that are to go
        self._waiting = Waiting()
        self._patience = None if backend == "usearch" else _SERVER_S  # what is in the process has work to do, and ends
        self._opened = False
        self._rebuilding = False
        self._unsaved = False
        self._saved_at = -_SAVED_S  # by the loop's clock
        self._changing = asyncio.Lock()
        self._wake = asyncio.Event()
        self._dimensions = 0  # of the stored vectors of the present model, where it is known
        self._problems = Problems()
        self._backlog = Backlog(database, embedding, self._waiting, self._problems, self.accepts)

    # ── opening and closing ───────────────────────────────────────────────────────────────────────────────────────

    async def open(self) -> None:
        """Load what there is, put in what is missing, take out what is gone: the index equals the database. A backend
        that does not answer (one on a server: within 2 s) is a `problem`; `run` tries again."""
        try:
            async with asyncio.timeout(self._patience), self._changing:
                await self._open()
        except TimeoutError:
            self._problems.note("index", silent(self._backend, _SERVER_S))

    async def _open(self) -> None:
        try:
            known = await self._database.read(stored.models)
            model = self._embedding.model
            self._others = [other for other in known if other != model]
            dimensions = known.get(model) or self._embedding.dimensions
            self._dimensions = known.get(model, 0)
            if dimensions:
                self.accepts(self._embedding.dimensions or dimensions)
                await self._begin(dimensions)
            else:
                self._wait_for((await self._database.read(stored.alive_nums)).tolist())
            if self._previous is not None and self._previous.model in known and self._leaving is None:
                leaving = self._mirror(self._previous.model, known[self._previous.model])
                await leaving.open()
                self._leaving = leaving
            self._opened = True
            self._problems.solved("index")
        except _TROUBLE as error:
            self._problems.note("index", error)
        self._wake.set()

    async def _begin(self, dimensions: int) -> None:
        """The index of the present model."""
        if self._present is None:
            present = self._mirror(self._embedding.model, dimensions)
            without = await present.open()
            self._present = present
            self._waiting.clear()
            self._wait_for(without)

    def _mirror(self, model: str, dimensions: int) -> Mirror:
        return Mirror(self._database, self._make_index(model, dimensions), model, dimensions)

    async def close(self) -> None:
        """Never raises: what cannot be saved is read from the database at the next start."""
        try:
            async with asyncio.timeout(self._patience), self._changing:
                for mirror in self._mirrors():
                    with contextlib.suppress(*_TROUBLE):
                        await mirror.catch_up()
                    with contextlib.suppress(*_TROUBLE):
                        await mirror.close()
        except TimeoutError:
            log.warning("%s", silent(self._backend, _SERVER_S).message)
        self._present = self._leaving = None
        self._opened = False

    def _mirrors(self) -> list[Mirror]:
        return [mirror for mirror in (self._present, self._leaving) if mirror is not None]

    # ── searching ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def search(self, query: str, k: int, reader: Reader, wanted: Filter) -> list[Near]:
        """Raises `EmbedderUnavailable`, also where the index cannot be asked (`IndexUnavailable`)."""
        present, leaving = self._present, self._leaving
        if why := self._out_of_order():
            raise IndexUnavailable(why)
        if present is None and leaving is None:
            if self._waiting:
                raise EmbedderUnavailable("No memory has a vector yet.", hint="They are being embedded.")
            return []
        if leaving is None or self._previous is None:
            return await self._nearest(present, self._embedding, query, k, reader, wanted) if present else []
        async with asyncio.TaskGroup() as group:
            new = group.create_task(self._try_nearest(present, self._embedding, query, k, reader, wanted))
            old = group.create_task(self._try_nearest(leaving, self._previous, query, k, reader, wanted))
        if leaving is not self._leaving:  # it went meanwhile, and what it had is in the present one only now
            return await self.search(query, k, reader, wanted)
        found, older = new.result(), old.result()
        if isinstance(found, EmbedderUnavailable) and isinstance(older, EmbedderUnavailable):
            raise found
        found, older = ([] if isinstance(one, EmbedderUnavailable) else one for one in (found, older))
        return merged(found, older, self._waiting, k)

    def _out_of_order(self) -> str:
        if self._rebuilding:
            return "The index of vectors is being made anew."
        return "" if self._opened else self._problems["index"]

    async def _nearest(
        self, mirror: Mirror, embedding: Embedding, query: str, k: int, reader: Reader, wanted: Filter
    ) -> list[Near]:
        try:
            vector = (await embedding.embed([query]))[0]
        except EmbedderUnavailable as error:
            if embedding is self._embedding:
                self._problems.note("embedding", error)
            raise
        if embedding is self._embedding and not self.accepts(len(vector)):
            raise EmbedderUnavailable(self._problems["dimensions"])
        if embedding is self._embedding:
            self._problems.solved("embedding")
        try:
            return await mirror.index.search(vector, k, reader, wanted)
        except IndexUnavailable as error:
            if mirror in self._mirrors():  # else it was closed meanwhile
                self._problems.note("index", error)
            raise

    async def _try_nearest(
        self, mirror: Mirror | None, embedding: Embedding, query: str, k: int, reader: Reader, wanted: Filter
    ) -> list[Near] | EmbedderUnavailable:
        try:
            return await self._nearest(mirror, embedding, query, k, reader, wanted) if mirror is not None else []
        except EmbedderUnavailable as error:
            return error

    def vectors(self, connection: sa.Connection, nums: Sequence[int]) -> dict[int, Vector]:
        """Of these memories, those that have one of the present model; in the thread of who reads."""
        present = self._present
        if not nums or present is None:
            return {}
        found = stored_vectors(connection, nums, present.model)
        return {num: vector for num, vector in found.items() if len(vector) == present.dimensions}

    # ── following the database ────────────────────────────────────────────────────────────────────────────────────

    async def changed(self, memories: Sequence[Memory], vectors: Sequence[Vector | None] = ()) -> None:
        """After a commit: these were added or changed (what is not alive any more leaves the index). What has no vector
        here nor in the database is embedded in the background. Never raises for want of the backend: what it missed it
        sees later."""
        pairs = zip(memories, vectors or [None] * len(memories), strict=True)
        given = {memory.num: (memory, vector) for memory, vector in pairs}
        with contextlib.suppress(*_TROUBLE):
            async with self._changing:
                await self._take(given)
        self._unsaved = True

    async def _take(self, given: dict[int, tuple[Memory, Vector | None]]) -> None:
        living = {num: one for num, one in given.items() if one[0].alive}
        if self._present is None:
            size = next((len(vector) for _, vector in living.values() if vector is not None), 0)
            if not size or not self._opened:
                self._wait_for(living)
                return
            await self._begin(size)
        assert self._present is not None
        size = self._present.dimensions
        ready = [(memory, vector) for memory, vector in living.values() if vector is not None and len(vector) == size]
        unready = sorted(given.keys() - {memory.num for memory, _ in ready})
        self._waiting.drop(given)
        try:
            if ready:
                await self._present.put([memory for memory, _ in ready], [vector for _, vector in ready])
            if unready:
                self._wait_for(await self._present.refresh(np.asarray(unready, np.int64)))
            if self._leaving is not None:
                await self._leaving.refresh(np.asarray([*given], np.int64))
        except IndexUnavailable as error:
            self._problems.note("index", error)

    async def gone(self, nums: Sequence[int]) -> None:
        async with self._changing:
            self._waiting.drop(nums)
            for mirror in self._mirrors():
                try:
                    await mirror.remove(nums)
                except IndexUnavailable as error:
                    self._problems.note("index", error)
        self._unsaved = True

    async def rebuild(self) -> None:
        """Drop the index and fill it from the database, in the background; words are searched meanwhile."""
        self._rebuilding = True
        self._wake.set()

    # ── in the background ─────────────────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """In the background until cancelled: embed what has no vector (of the present model), save snapshots."""
        pause = _FIRST_PAUSE_S
        while True:
            self._wake.clear()
            if await self._step():
                pause = _FIRST_PAUSE_S
                if self._waiting.ready or self._rebuilding:
                    continue
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_TICK_S):
                        await self._wake.wait()
            else:
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_S)

    async def _step(self) -> bool:
        """One piece of work; False: it failed, and is to be tried again later."""
        try:
            async with self._changing:
                if not self._opened:
                    await self._open()
                    return self._opened
                if self._rebuilding:
                    await self._rebuild()
                await self._catch_up()
            if self._waiting.ready:
                return await self._embed_some()
            await self._drop_old()
            await self._save()
            if self._waiting.due(asyncio.get_running_loop().time()):
                await self._embed_some()
        except AlmaError as error:  # the database, or the index
            self._problems.note("index", error)
            return False
        except Exception:  # whatever it is: words are searched, and Alma goes on
            log.exception("the index of vectors failed on a bug")
            return False
        return True

    async def _save(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._unsaved and now - self._saved_at >= _SAVED_S:
            async with self._changing:
                for mirror in self._mirrors():
                    await mirror.save()
                self._unsaved, self._saved_at = False, now

    async def _catch_up(self) -> None:
        for mirror in self._mirrors():
            before = mirror.stamp
            without = await mirror.catch_up()
            self._unsaved |= mirror.stamp != before
            if mirror is self._present:
                self._wait_for(without)
        self._problems.solved("index")

    async def _embed_some(self) -> bool:
        """False: it is to be tried again after a pause."""
        done = await self._backlog.embed_some()
        if done is not None and done.nums:
            await self._enter(done.nums, done.dimensions)
        return done is not None

    async def _enter(self, nums: list[int], dimensions: int) -> None:
        """These have their vectors in the database now, or are gone."""
        async with self._changing:
            if self._present is None and dimensions:
                await self._begin(dimensions)
            else:
                without = [] if self._present is None else await self._present.refresh(np.asarray(nums, np.int64))
                self._waiting.drop(nums)
                self._wait_for(without)
        self._unsaved = True

    async def _drop_old(self) -> None:
        """The present model has everything: others' vectors are of no more use."""
        if not self._others or self._present is None or self._problems["dimensions"]:
            return
        async with self._changing:
            if self._waiting.ready:
                return
            if self._leaving is not None:
                await self._leaving.index.clear()
                leaving, self._leaving = self._leaving, None  # before it is closed: nobody is to ask it any more
                await leaving.close()
            others = self._others
        while await self._database.write(lambda connection: stored.drop_vectors(connection, others)):
            pass
        self._others = []

    async def _rebuild(self) -> None:
        if self._problems["dimensions"]:
            model = self._embedding.model
            while await self._database.write(lambda connection: stored.drop_vectors(connection, [model])):
                pass
            if self._present is not None:
                await self._present.index.clear()
                present, self._present = self._present, None
                await present.close()
            self._dimensions = 0
            self._problems.solved("dimensions")
            self._wait_for((await self._database.read(stored.alive_nums)).tolist())
        elif self._present is not None:
            await self._present.index.clear()
            self._present.stamp = 0
            self._waiting.clear()
            self._wait_for(await self._present.reconcile())
        self._rebuilding = False
        self._unsaved = True

    def _wait_for(self, nums: Iterable[int]) -> None:
        self._waiting.add(nums)
        if self._waiting.ready:
            self._wake.set()

    # ── how it is ─────────────────────────────────────────────────────────────────────────────────────────────────

    def accepts(self, size: int) -> bool:
        """Whether vectors of this length are like those that there are; else it is a `problem`."""
        return not self.dimensions or self._problems.check(self._embedding.model, size, self.dimensions)

    @property
    def dimensions(self) -> int:
        """Of the vectors that there are of the present model; 0: it is not known."""
        return self._present.dimensions if self._present is not None else self._dimensions

    @property
    def waiting(self) -> int:
        """How many memories have no vector of the present model yet."""
        return len(self._waiting)

    @property
    def busy(self) -> bool:
        """Whether it is about to give vectors to some of them."""
        return self._opened and self._waiting.ready and not self._problems["embedding"]

    @property
    def problem(self) -> str:
        """Why it cannot be searched just now; empty when it can."""
        return self._out_of_order() or self._problems.first

    @property
    def unsaved(self) -> str:
        """Why an index could not be saved; empty when all could."""
        return next(filter(None, (mirror.index.trouble for mirror in self._mirrors())), "")

    async def state(self) -> list[IndexState]:
        """The present model's index first."""
        alive = await self._database.read(stored.count_alive)
        states: list[IndexState] = []
        for mirror in self._mirrors():
            try:
                entries = len(await mirror.index.nums())
            except IndexUnavailable as error:
                if mirror not in self._mirrors():  # it was closed meanwhile
                    continue
                self._problems.note("index", error)
                entries = 0
            role = "leaving" if mirror is self._leaving else "building" if self._others else "serving"
            of = (self._backend, mirror.model, mirror.dimensions)
            states.append(IndexState(*of, entries, missing=max(alive - entries, 0), role=role))
        return states
