"""What the watched folder's files are taken for when the disk, the database, the page or a restart come in between."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from shelf import OWNER, Shelf

from alma.errors import Conflict, StorageFailure
from alma.memory.knowledge import documents, folder, watching
from alma.memory.knowledge.reading_process import ReadingProcess
from alma.memory.knowledge.watching import Watching

pytestmark = pytest.mark.slow
OLD = time.time() - 100


@pytest.fixture
def watched(tmp_path: Path) -> Path:
    path = tmp_path / "watched"
    path.mkdir()
    return path


@pytest.fixture
def shelf(tmp_path: Path, watched: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """Nobody looks into the folder but the test."""

    async def run(self: Watching) -> None:
        self._identity = self._remembered()

    monkeypatch.setattr(Watching, "run", run)
    return Shelf(f"sqlite:///{tmp_path / 'a.db'}", tmp_path, watched)


def write(path: Path, text: str, at: float = OLD) -> None:
    """As a file that was written a while ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (at, at))


async def look(shelf: Shelf, times: int = 1) -> None:
    assert shelf.library._watching is not None
    for _ in range(times):
        await shelf.library._watching.look()


def deleted(shelf: Shelf) -> list[str]:
    return [document.origin for document, is_deleted in shelf.told if is_deleted]


@asynccontextmanager
async def shelved(shelf: Shelf, watched: Path, *origins: str) -> AsyncGenerator[None]:
    """With these files in the folder, each of which says its origin, read."""
    for origin in origins:
        write(watched / origin, f"I am {origin}.")
    async with shelf.running():
        await look(shelf)
        for origin in origins:
            assert (await shelf.settled(Path(origin).name)).state == "ready"
        yield


# ── what cannot be seen ───────────────────────────────────────────────────────────────────────────────────────────────


class Unseen:
    """A file of which the system does not tell."""

    def __init__(self, one: os.DirEntry[str], number: int) -> None:
        self.name, self.path = one.name, one.path
        self._number = number

    def is_symlink(self) -> bool:
        return False

    def is_dir(self, *, follow_symlinks: bool) -> bool:
        return False

    def is_file(self, *, follow_symlinks: bool) -> bool:
        return True

    def stat(self, *, follow_symlinks: bool) -> os.stat_result:
        raise OSError(self._number, os.strerror(self._number))


def unseen_in(name: str, number: int) -> Callable[[str], Any]:
    listed = os.scandir

    @contextmanager
    def scandir(path: str) -> Iterator[Iterator[os.DirEntry[str] | Unseen]]:
        with listed(path) as listing:
            yield (Unseen(one, number) if Path(path).name == name else one for one in listing)

    return scandir


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ESTALE])
async def test_what_cannot_be_looked_at_is_kept_and_said(
    shelf: Shelf, watched: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    async with shelved(shelf, watched, "a.md", "sub/1.md", "sub/2.md", "page"):
        before = await shelf.memories()
        for name in ("sub", "watched"):
            with monkeypatch.context() as patch:
                patch.setattr(os, "scandir", unseen_in(name, number))
                await look(shelf, 3)
                assert "cannot be read" in shelf.library.folder_problem
        await look(shelf, 3)
        assert shelf.library.folder_problem == ""
        assert deleted(shelf) == []
        assert await shelf.memories("any") == before


async def test_what_goes_while_the_rest_is_looked_at_is_no_problem(
    shelf: Shelf, watched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shelved(shelf, watched, "a.md", "sub/1.md"):
        (watched / "sub" / "1.md").unlink()
        write(watched / "sub" / "2.md", "It is seen in the list, and not any more after that.")
        monkeypatch.setattr(os, "scandir", unseen_in("sub", errno.ENOENT))
        await look(shelf, 2)
        assert shelf.library.folder_problem == ""
        assert deleted(shelf) == ["sub/1.md"]


def test_only_what_is_not_there_is_gone(watched: Path) -> None:
    write(watched / "a.md", "x")
    assert not folder.is_gone(watched / "a.md")
    assert folder.is_gone(watched / "b.md")
    assert folder.is_gone(watched / "a.md" / "b.md")
    assert not folder.is_gone(watched / ("a" * 1000))  # what cannot be asked for


async def test_beyond_the_limit_what_is_known_is_kept_until_it_is_deleted(
    shelf: Shelf, watched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "scan", partial(folder.scan, most=4))
    async with shelved(shelf, watched, "b.md", "c.md", "sub/n1.md", "sub/n2.md"):
        write(watched / "a.md", "It comes before the others.")
        await look(shelf, 3)
        assert "more than" in shelf.library.folder_problem
        assert deleted(shelf) == []
        known = {one.origin: one for one in await shelf.library.list(OWNER)}
        assert set(known) == {"a.md", "b.md", "c.md", "sub/n1.md", "sub/n2.md"}
        with pytest.raises(Conflict):
            await shelf.library.delete(OWNER, known["sub/n2.md"].id)
        (watched / "sub" / "n2.md").unlink()
        await look(shelf, 2)
        assert deleted(shelf) == ["sub/n2.md"]


async def test_what_a_crowded_folder_does_not_list_is_kept(
    shelf: Shelf, watched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shelved(shelf, watched, "a.md", "sub/1.md", "sub/2.md"):
        monkeypatch.setattr(folder, "_MOST_LISTED", 2)
        for name in ("sub", "."):
            for number in range(5):
                write(watched / name / f"{number}.png", "x")
            await look(shelf, 3)
            assert "not all of it" in shelf.library.folder_problem
            assert deleted(shelf) == []
        (watched / "sub" / "2.md").unlink()
        await look(shelf, 2)
        assert deleted(shelf) == ["sub/2.md"]


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


async def test_another_folder_in_its_place_with_files_of_its_own_loses_nothing(shelf: Shelf, watched: Path) -> None:
    async with shelved(shelf, watched, "a.md", "b.md"):
        before = {one.id for one in await shelf.memories()}
        away = watched.rename(watched.with_name("away"))
        write(watched / "stray.md", "Somebody writes into the place where a disk was mounted.")
        write(watched / "b.md", "I am b.md.")
        await look(shelf, 3)
        assert "unmounted" in shelf.library.folder_problem
        assert (await shelf.settled("stray.md")).state == "ready"
        watched.rename(watched.with_name("stray"))
        away.rename(watched)
        await look(shelf, 3)
        assert deleted(shelf) == ["stray.md"]
        assert {one.id for one in await shelf.memories("any")} == before


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
