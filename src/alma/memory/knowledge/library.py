"""The knowledge base: files in, chunks of them as memories, and what became of each.

    put ──────► original kept ──► waiting ──► reading ──► ready
    the folder ──► seen ──────────┘  ▲            └─────► failed
                                     └── changed, or Alma was ended

Two files are read at a time, and a small one beside them, so that it does not wait until large ones are done; each in a
process of its own (`reading_process.py`). A document that is `waiting` or was
being read is read at the next start; what of it was stored is not stored twice (`filing.py`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from alma.db.database import Database
from alma.errors import AlmaError, Conflict, NotFound, RunFailure
from alma.events import ErrorFacts
from alma.memory.knowledge import documents, formats
from alma.memory.knowledge.documents import PAGE, Document, Shelved, new_document_id
from alma.memory.knowledge.filing import Filing
from alma.memory.knowledge.folder import is_inside, path_of
from alma.memory.knowledge.originals import Arriving, FileTooLarge, Originals, on_disk
from alma.memory.knowledge.outcome import Outcome
from alma.memory.knowledge.reading_process import Limits, ReadingProcess
from alma.memory.knowledge.watching import Watching
from alma.memory.memories import Memories
from alma.memory.records import Memory

log = logging.getLogger(__name__)
_SMALL = 256 * 1024  # bytes
_WORKERS = (0, 0, _SMALL)  # the most bytes that each takes; 0: any
_TOLD_S = 0.25  # between two words about the progress of a document
_PAUSE_S = 5.0  # after the database could not be used


class _Job:
    """A document that is being read. `wanted`: no longer when it was changed or deleted meanwhile."""

    def __init__(self, reading: ReadingProcess) -> None:
        self.reading = reading
        self.wanted = True
        self.ended = asyncio.Event()

    def stop(self) -> None:
        self.wanted = False
        self.reading.stop()


class Library:
    """`folder`: watched, as the files of `owner`. `originals`: where files that are put in are kept. `told` hears of
    every change of a document (`deleted`: True when it went). `poll_s`: between two looks into the folder; `grace_s`:
    see `Watching`."""

    def __init__(
        self,
        database: Database,
        memories: Memories,
        originals: Path,
        *,
        folder: Path | None,
        owner: str,
        max_bytes: int,
        told: Callable[[Document, bool], None],
        clock: Callable[[], float],
        poll_s: float = 2.0,
        grace_s: float = 600.0,
        limits: Limits | None = None,
    ) -> None:
        self._database = database
        self._filing = Filing(database, memories)
        self._originals = Originals(originals)
        self.owner = owner
        self._folder = folder
        self._max_bytes = max_bytes
        self._told = told
        self._clock = clock
        self._limits = limits or Limits()
        self._watching = (
            None if folder is None else Watching(self, folder, originals / ".watched", owner, poll_s, grace_s)
        )
        self._jobs: dict[str, _Job] = {}
        self._leaving: set[str] = set()
        self._choosing = asyncio.Lock()
        self._shelving = asyncio.Lock()
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Read what waits and watch the folder, until cancelled."""
        await self._begin()
        async with asyncio.TaskGroup() as group:
            if self._watching is not None:
                group.create_task(self._watching.run())
            for most_bytes in _WORKERS:
                group.create_task(self._work(most_bytes))

    # ── in and out ────────────────────────────────────────────────────────────────────────────────────────────────

    async def put(self, owner: str, name: str, content: bytes) -> Document:
        """Take a file in, in place of one of that name. Raises `FileTooLarge`, `StorageFailure`. Where it is known
        already, with this content, nothing is done."""
        if len(content) > self._max_bytes:
            raise FileTooLarge(name, len(content), self._max_bytes)
        async with self.arriving(name) as file:
            await file.write(content)
            return await self.take_in(owner, name, file)

    def arriving(self, name: str) -> Arriving:
        """A file that comes in pieces; then see `take_in`."""
        return Arriving(self._originals, name, self._max_bytes)

    async def take_in(self, owner: str, name: str, file: Arriving) -> Document:
        digest = await file.finish()
        async with self._shelving:
            known = await self._database.read(lambda connection: documents.by_name(connection, owner, PAGE, name))
            if known is not None and known.hash == digest and known.document.state != "failed":
                return known.document
            document = self._waiting(known, owner, name, PAGE, file.size)
            await on_disk(lambda: self._originals.keep(file.path, document.id, digest))
            await self._shelve(document, digest)
            if known is not None and known.hash != digest:
                await asyncio.to_thread(self._originals.drop, known.document.id, known.hash)
        return document

    async def list(self, owner: str) -> list[Document]:
        return await self._database.read(lambda connection: documents.listed(connection, owner))

    async def read(self, owner: str, document_id: str) -> tuple[Document, str, Sequence[Memory]]:
        """The document, its text, its chunks in order. Raises `NotFound` (unknown_document)."""
        known = await self._known(owner, document_id)
        text = await self._database.read(lambda connection: documents.text_of(connection, document_id))
        return known.document, text, await self._filing.chunks(known.document)

    async def delete(self, owner: str, document_id: str) -> None:
        """Raises `NotFound`, and `Conflict` (file_is_watched): it would come back at once."""
        known = await self._known(owner, document_id)
        if self._watching is not None and await self._watching.has(known.document.origin):
            raise Conflict(
                "file_is_watched",
                f"{known.document.name} is in the watched folder.",
                expected="a file that was put in, or one that is gone from the folder",
                actual=f"{known.document.origin} in {self._folder}",
                hint="Delete it there; it then goes from here by itself.",
            )
        await self.remove(known.document)

    @property
    def formats(self) -> list[str]:
        return [*formats.READ]

    @property
    def folder(self) -> Path | None:
        return self._folder

    @property
    def folder_problem(self) -> str:
        """Why the folder cannot be watched just now, as a sentence; empty: it is."""
        return "" if self._watching is None else self._watching.problem

    @property
    def max_bytes(self) -> int:
        return self._max_bytes

    # ── for the watched folder ────────────────────────────────────────────────────────────────────────────────────

    def seen(self, known: Shelved | None, owner: str, name: str, origin: str, size: int) -> Document:
        """A file of the folder as a document that waits to be read."""
        return self._waiting(known, owner, name, origin, size)

    async def in_folder(self, owner: str) -> dict[str, Shelved]:
        """What is known of the folder's files, by origin."""
        found = await self._database.read(lambda connection: documents.in_folder(connection, owner))
        return {one.document.origin: one for one in found}

    async def shelve(self, document: Document, digest: bytes, *, quiet: bool = False) -> None:
        """A file of the folder that is new, has changed, or cannot be read."""
        async with self._shelving:
            await self._shelve(document, digest, quiet=quiet)

    async def remove(self, document: Document) -> None:
        """The document, its chunks and its original. A crash in the middle leaves it as one that is to be read."""
        async with self._shelving:
            self._leaving.add(document.id)
            try:
                if (job := self._jobs.get(document.id)) is not None:
                    job.stop()
                    await job.ended.wait()
                known = await self._known(document.owner, document.id)
                await self._change(known, {"state": "waiting"})
                await self._filing.purge(document)
                await self._database.write(lambda connection: documents.drop(connection, document.id))
                await asyncio.to_thread(self._originals.drop, document.id, known.hash)
            finally:
                self._leaving.discard(document.id)
                self._look_again(document)
                self._wake.set()
        self._told(document, True)

    async def _shelve(self, document: Document, digest: bytes, *, quiet: bool = False) -> None:
        async with self._choosing:  # or one could begin to read it as it was before
            if (job := self._jobs.get(document.id)) is not None:
                job.stop()
            await self._database.write(lambda connection: documents.shelve(connection, document, digest))
        self._wake.set()
        if not quiet:
            self._told(document, False)

    def _look_again(self, document: Document) -> None:
        """What the watcher has seen of a file was of a document that is another one now."""
        if self._watching is not None and document.origin != PAGE:
            self._watching.forget(document.origin)

    # ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def _begin(self) -> None:
        while True:
            try:
                await self._take_stock()
            except AlmaError as error:  # the database, or the disk
                log.warning("the knowledge base cannot begin: %s", error)
                await asyncio.sleep(_PAUSE_S)
            else:
                return

    async def _take_stock(self) -> None:
        """What was being read waits again; files that no document knows go."""
        await self._database.write(documents.wait_again)
        async with self._shelving:
            every = await self._database.read(documents.every)
            keys = {Originals.key(one.document.id, one.hash) for one in every if one.document.origin == PAGE}
            await on_disk(lambda: self._originals.prepare(keys))

    async def _work(self, most_bytes: int) -> None:
        while True:
            try:
                known = await self._choose(most_bytes)
                if known is None:
                    await self._wake.wait()
                else:
                    await self._read(known)
            except (AlmaError, OSError) as error:  # what waits, waits on
                log.warning("the knowledge base has to wait: %s", error)
                await asyncio.sleep(_PAUSE_S)
                self._wake.set()

    async def _choose(self, most_bytes: int) -> Shelved | None:
        async with self._choosing:
            self._wake.clear()
            but = {*self._jobs, *self._leaving}
            known = await self._database.read(lambda connection: documents.next_waiting(connection, but, most_bytes))
            if known is not None and known.document.id in self._leaving:
                return None
            if known is not None:
                self._jobs[known.document.id] = _Job(ReadingProcess(self._originals.reading, self._limits))
            return known

    async def _read(self, known: Shelved) -> None:
        job = self._jobs[known.document.id]
        try:
            document = await self._change(known, {"state": "reading", "error": None, "done": 0})
            if document is not None:
                self._told(document, False)
                await self._read_out(known, job)
            if not job.wanted:  # it is to be read anew, or goes
                await self._change(known, {"state": "waiting"})
        except (RunFailure, OSError):  # the database, the index, no room for a process: the file is not to blame
            await self._change(known, {"state": "waiting"})
            raise
        except AlmaError as error:
            await self._end(known, msgspec.convert(error.facts(), ErrorFacts))
        except Exception as error:  # a document's boundary: the others are to be read all the same
            log.error("reading %s failed on a bug", known.document.name, exc_info=error)
            await self._end(known, _bug(known.document.name, error))
        finally:
            self._jobs.pop(known.document.id, None)
            job.ended.set()
            self._wake.set()

    async def _read_out(self, known: Shelved, job: _Job) -> None:
        outcome = await self._outcome(known.document, known.hash, job)
        if not job.wanted:
            return
        if outcome.error is not None:
            await self._end(known, outcome.error)
            return
        document = msgspec.structs.replace(known.document, format=outcome.format)
        if not await self._filing.file(document, outcome, self._progress(known), lambda: job.wanted):
            return
        total = len(outcome.chunks)
        fields: dict[str, Any] = {"state": "ready", "format": outcome.format, "chunks": total, "done": total}
        ready = await self._change(known, fields | {"text": outcome.text, "updated_at": self._clock()})
        if ready is not None:
            self._told(ready, False)

    async def _outcome(self, document: Document, digest: bytes, job: _Job) -> Outcome:
        if document.origin == PAGE:
            outcome = await job.reading.read(self._originals.path(document.id, digest), document.name)
            is_lost = outcome.error is not None and outcome.error.code == "file_unreadable"
            return Outcome("", "", [], _lost(document)) if is_lost else outcome
        if self._folder is None:
            return Outcome("", "", [], _not_watched(document))
        path = path_of(self._folder, document.origin)
        if not await asyncio.to_thread(is_inside, path, self._folder):
            return Outcome("", "", [], _gone(document))
        return await job.reading.read(path, document.name)

    def _progress(self, known: Shelved) -> Callable[[int, int], Any]:
        loop = asyncio.get_running_loop()
        last = loop.time() - _TOLD_S

        async def progress(done: int, total: int) -> None:
            nonlocal last
            if loop.time() - last < _TOLD_S:
                return
            last = loop.time()
            document = await self._change(known, {"done": done, "chunks": total})
            if document is not None:
                self._told(document, False)

        return progress

    async def _end(self, known: Shelved, error: ErrorFacts) -> None:
        """It failed. What was read of it before stays: the file may be whole again in a moment."""
        failed = await self._change(
            known, {"state": "failed", "error": error, "done": known.document.done, "updated_at": self._clock()}
        )
        if error.code == "file_unreadable":
            self._look_again(known.document)
        if failed is not None:
            self._told(failed, False)

    async def _change(self, known: Shelved, fields: dict[str, Any]) -> Document | None:
        document_id, seen = known.document.id, known.hash
        return await self._database.write(lambda connection: documents.change(connection, document_id, seen, fields))

    async def _known(self, owner: str, document_id: str) -> Shelved:
        known = await self._database.read(lambda connection: documents.by_id(connection, owner, document_id))
        if known is None:
            raise NotFound("unknown_document", "The knowledge base has no such file.", actual=ascii(document_id[:80]))
        return known

    def _waiting(self, known: Shelved | None, owner: str, name: str, origin: str, size: int) -> Document:
        now = self._clock()
        fresh = Document(
            new_document_id(), owner, name, origin, formats.ending(name), size, "waiting", 0, 0, None, now, now
        )
        if known is None:
            return fresh
        old = known.document
        return msgspec.structs.replace(fresh, id=old.id, chunks=old.chunks, created_at=old.created_at)


def _lost(document: Document) -> ErrorFacts:
    return ErrorFacts(
        "file_unreadable",
        f"{document.name} cannot be opened where Alma keeps it.",
        expected="the file as it was put in",
        hint="Put it in again.",
    )


def _gone(document: Document) -> ErrorFacts:
    return ErrorFacts(
        "file_unreadable",
        f"{document.name} is gone from the watched folder, or has become a link.",
        expected="a file in the folder",
        hint="When it is there again, it is read by itself.",
    )


def _not_watched(document: Document) -> ErrorFacts:
    return ErrorFacts(
        "file_unreadable",
        f"{document.name} is in a folder that is not watched any more.",
        expected="a watched folder (ALMA_KNOWLEDGE_DIR)",
        hint="Set the folder again, or put the file in.",
    )


def _bug(name: str, error: Exception) -> ErrorFacts:
    return ErrorFacts(
        "internal",
        f"{name} could not be taken in for a bug of Alma's.",
        actual=f"{type(error).__name__}: {error}"[:200],
    )
