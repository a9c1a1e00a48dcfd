"""What the watched folder's files are taken for when the page, the database or a restart come in between."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from shelf import OWNER, Shelf
from watched_folder import OLD, deleted, look, shelved, write

from alma.errors import Conflict, StorageFailure
from alma.memory.knowledge import documents, watching
from alma.memory.knowledge.reading_process import ReadingProcess

pytestmark = pytest.mark.slow


# ── what is between going and coming ──────────────────────────────────────────────────────────────────────────────────


async def test_what_one_look_misses_is_not_gone(shelf: Shelf, watched: Path) -> None:
    async with shelved(shelf, watched, "a.md", "b.md"):
        before = await shelf.memories()
        for _ in range(2):  # an editor that removes a file before it writes it anew
            (watched / "a.md").rename(watched / ".hidden")
            await look(shelf)
            (watched / ".hidden").rename(watched / "a.md")
            await look(shelf)
        assert deleted(shelf) == []
        assert await shelf.memories("any") == before


async def test_a_file_that_moves_during_a_look_keeps_its_memories(shelf: Shelf, watched: Path) -> None:
    async with shelved(shelf, watched, "z/a.md", "b.md"):
        before = {one.id for one in await shelf.memories()}
        (watched / "z" / "a.md").rename(watched / ".seen-nowhere")
        await look(shelf)
        (watched / ".seen-nowhere").rename(watched / "c.md")
        await look(shelf, 2)
        assert (await shelf.settled("c.md")).state == "ready"
        assert {one.id for one in await shelf.memories("any")} == before


async def test_a_file_that_is_renamed_right_after_it_was_written_keeps_its_memories(
    shelf: Shelf, watched: Path
) -> None:
    async with shelved(shelf, watched, "a.md"):
        before = {one.id for one in await shelf.memories()}
        soon = time.time() + 1000  # a clock that is ahead: as young as can be
        os.utime(watched / "a.md", (soon, soon))
        (watched / "a.md").rename(watched / "c.md")
        await look(shelf, 3)
        assert (await shelf.settled("c.md")).state == "ready"
        assert {one.id for one in await shelf.memories("any")} == before


def refuse_to_open(path: Path) -> bytes:
    raise PermissionError(errno.EACCES, f"{path} is closed")


async def test_a_file_that_is_moved_while_it_cannot_be_opened_keeps_its_memories(
    shelf: Shelf, watched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shelved(shelf, watched, "a.md"):
        before = {one.id for one in await shelf.memories()}
        with monkeypatch.context() as patch:
            patch.setattr(watching, "hash_of_file", refuse_to_open)
            os.utime(watched / "a.md", (OLD + 1, OLD + 1))
            await look(shelf, 2)
            assert (await shelf.settled("a.md")).state == "failed"
        (watched / "a.md").rename(watched / "b.md")
        await look(shelf, 3)
        assert (await shelf.settled("b.md")).state == "ready"
        assert {one.id for one in await shelf.memories("any")} == before


async def test_a_file_that_could_not_be_opened_and_is_as_before_is_read(
    shelf: Shelf, watched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shelved(shelf, watched, "a.md"):
        with monkeypatch.context() as patch:
            patch.setattr(watching, "hash_of_file", refuse_to_open)
            os.utime(watched / "a.md", (OLD + 1, OLD + 1))
            await look(shelf, 2)
        os.utime(watched / "a.md", (OLD, OLD))
        await look(shelf)
        await shelf.until(lambda: shelf.told[-1][0].state == "ready")


async def test_a_file_that_was_away_when_it_was_to_be_read_is_read_when_it_is_back(
    shelf: Shelf, watched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = asyncio.Event()
    read = ReadingProcess.read

    async def late(self: ReadingProcess, path: Path, name: str) -> Any:
        await gate.wait()
        return await read(self, path, name)

    monkeypatch.setattr(ReadingProcess, "read", late)
    write(watched / "a.md", "It is red.")
    async with shelf.running():
        await look(shelf)
        (watched / "a.md").rename(watched / ".away")
        gate.set()
        failed = await shelf.settled("a.md")
        assert failed.error is not None
        assert failed.error.code == "file_unreadable"
        (watched / ".away").rename(watched / "a.md")  # as it was, and no look has missed it
        await look(shelf)
        await shelf.until(lambda: shelf.told[-1][0].state == "ready")
        assert [one.text for one in await shelf.memories()] == ["It is red."]


async def test_files_of_a_folder_that_is_watched_again_are_read(
    shelf: Shelf, watched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(watched / "a.md", "It is red.")
    with shelf.bench:
        await look(shelf)
        with monkeypatch.context() as patch:
            patch.setattr(shelf, "_watched", None)
            async with shelf.started():
                assert (await shelf.settled("a.md")).state == "failed"
        async with shelf.started():
            await look(shelf)
            await shelf.until(lambda: shelf.told[-1][0].state == "ready")


# ── what others do meanwhile ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("text", ["I am a.md.", "I am another."])
async def test_a_file_that_comes_back_while_it_is_deleted_is_read(
    shelf: Shelf, watched: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    async with shelved(shelf, watched, "a.md", "b.md"):
        purging, gate, shelving = asyncio.Event(), asyncio.Event(), asyncio.Event()
        purge, shelve = shelf.library._filing.purge, shelf.library.shelve

        async def held(document: documents.Document) -> None:
            purging.set()
            await gate.wait()
            await purge(document)

        async def seen(document: documents.Document, digest: bytes, *, quiet: bool) -> None:
            shelving.set()
            await shelve(document, digest, quiet=quiet)

        monkeypatch.setattr(shelf.library, "shelve", seen)
        monkeypatch.setattr(shelf.library._filing, "purge", held)
        (watched / "a.md").unlink()
        a, _ = await shelf.library.list(OWNER)
        async with asyncio.TaskGroup() as group:
            group.create_task(shelf.library.delete(OWNER, a.id))
            await purging.wait()
            write(watched / "a.md", text, OLD + 1)
            looking, seeing = group.create_task(look(shelf)), group.create_task(shelving.wait())
            await asyncio.wait([looking, seeing], return_when=asyncio.FIRST_COMPLETED)
            seeing.cancel()
            gate.set()
        await look(shelf)
        assert (await shelf.settled("a.md")).state == "ready"
        assert {one.text for one in await shelf.memories("any")} == {text, "I am b.md."}


async def test_a_file_that_moves_while_it_is_chosen_is_read_where_it_is(
    shelf: Shelf, watched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen, gate, shelving = threading.Event(), threading.Event(), asyncio.Event()
    next_waiting = documents.next_waiting

    def held(*asked: Any) -> documents.Shelved | None:
        found = next_waiting(*asked)
        if found is not None and not chosen.is_set():
            chosen.set()
            gate.wait(60)
        return found

    write(watched / "a.md", "It is red.")
    async with shelf.running():
        change = shelf.library._database.write

        async def seen(work: Callable[[Any], Any]) -> Any:
            written = await change(work)
            if chosen.is_set():
                shelving.set()
            return written

        monkeypatch.setattr(documents, "next_waiting", held)
        await look(shelf)
        await asyncio.to_thread(chosen.wait)
        (watched / "a.md").rename(watched / "b.md")
        monkeypatch.setattr(shelf.library._database, "write", seen)
        monkeypatch.setattr(shelf.library, "_choosing", Awaited(shelf.library._choosing, shelving))
        async with asyncio.TaskGroup() as group:
            group.create_task(look(shelf))
            await shelving.wait()
            gate.set()
        assert (await shelf.settled("b.md")).state == "ready"


class Awaited:
    """A lock that says that somebody waits for it."""

    def __init__(self, lock: asyncio.Lock, waiting: asyncio.Event) -> None:
        self._lock = lock
        self._waiting = waiting

    async def __aenter__(self) -> None:
        if self._lock.locked():
            self._waiting.set()
        await self._lock.acquire()

    async def __aexit__(self, *_: object) -> None:
        self._lock.release()


async def test_the_file_that_was_there_before_is_kept_when_it_is_put_in_again_at_once(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    dropping, gate, kept = threading.Event(), threading.Event(), asyncio.Event()
    async with shelf.running():
        await shelf.put("a.md", "The first.")
        originals, loop = shelf.library._originals, asyncio.get_running_loop()
        keep, drop = originals.keep, originals.drop

        def held(document_id: str, digest: bytes) -> None:
            dropping.set()
            gate.wait(60)
            drop(document_id, digest)

        def seen(arrived: Path, document_id: str, digest: bytes) -> None:
            keep(arrived, document_id, digest)
            if dropping.is_set():
                loop.call_soon_threadsafe(kept.set)

        monkeypatch.setattr(originals, "drop", held)
        monkeypatch.setattr(originals, "keep", seen)
        async with asyncio.TaskGroup() as group:
            group.create_task(shelf.library.put(OWNER, "a.md", b"The second."))
            await asyncio.to_thread(dropping.wait)
            monkeypatch.setattr(shelf.library, "_shelving", Awaited(shelf.library._shelving, kept))
            group.create_task(shelf.library.put(OWNER, "a.md", b"The first."))
            await kept.wait()
            gate.set()
        _, original = [*(await shelf.library.list(OWNER)), *originals.folder.glob("d_*")]
        assert original.read_text() == "The first."


async def test_what_the_database_refused_is_taken_up_by_the_next_look(
    shelf: Shelf, watched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise StorageFailure("The disk is full.")

    write(watched / "a.md", "It is red.")
    async with shelf.running():
        with monkeypatch.context() as patch:
            patch.setattr(shelf.library, "shelve", refuse)
            with pytest.raises(StorageFailure):
                await look(shelf)
        await look(shelf)
        assert (await shelf.settled("a.md")).state == "ready"


async def test_a_watched_file_is_deleted_where_it_is_also_before_the_first_look(shelf: Shelf, watched: Path) -> None:
    write(watched / "a.md", "It is red.")
    with shelf.bench:
        async with shelf.started():
            await look(shelf)
            document = await shelf.settled("a.md")
        async with shelf.started():
            with pytest.raises(Conflict):
                await shelf.library.delete(OWNER, document.id)
