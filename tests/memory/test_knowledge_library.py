"""Files become memories, change, go, fail, and are taken up again after a crash: on real databases, read for real."""

from __future__ import annotations

import asyncio
import errno
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeEmbedding
from shelf import OWNER, Shelf, pdf_of

from alma import child
from alma.errors import Conflict, NotFound, StorageFailure
from alma.memory.embedding import Vector
from alma.memory.knowledge import documents, library
from alma.memory.knowledge.filing import Pace
from alma.memory.knowledge.originals import FileTooLarge
from alma.memory.records import Filter, Reader

pytestmark = pytest.mark.slow
MANUAL = "# Setup\n\n{setup}\n\n## Linux\n\nInstall the package.\n\n# Use\n\nOpen the page and ask.\n"


async def test_a_file_becomes_memories_that_name_file_and_place(database_url: str, tmp_path: Path) -> None:
    async with Shelf(database_url, tmp_path).running() as shelf:
        ready = await shelf.put("manual.md", MANUAL.format(setup="It is short."))
        assert (ready.state, ready.format, ready.chunks, ready.done, ready.error) == ("ready", "md", 3, 3, None)
        found = await shelf.memories()
        assert [(one.source.file, one.source.place) for one in found] == [
            ("manual.md", "Setup"),
            ("manual.md", "Setup › Linux"),
            ("manual.md", "Use"),
        ]
        assert {(one.kind, one.scope, one.agent, one.line, one.source.document_id) for one in found} == {
            ("semantic", "team", "user", ready.id, ready.id)
        }
        assert [one.position for one in found] == [0, 1, 2]
        assert len({one.parent for one in found}) == 3
        document, text, chunks = await shelf.library.read(OWNER, ready.id)
        assert document == ready
        assert [text[one.source.start : one.source.end] for one in chunks] == [one.text for one in chunks]
        assert chunks == found


async def test_what_it_tells_is_each_step(tmp_path: Path) -> None:
    async with Shelf(f"sqlite:///{tmp_path / 'a.db'}", tmp_path).running() as shelf:
        await shelf.put("notes.txt", "One thing.\n")
        states = [document.state for document, _ in shelf.told]
        assert states[:2] == ["waiting", "reading"]
        assert states[-1] == "ready"
        assert not any(deleted for _, deleted in shelf.told)


async def test_the_same_again_changes_nothing(database_url: str, tmp_path: Path) -> None:
    async with Shelf(database_url, tmp_path).running() as shelf:
        ready = await shelf.put("manual.md", MANUAL)
        before, told = await shelf.memories(), len(shelf.told)
        assert await shelf.library.put(OWNER, "manual.md", MANUAL.encode()) == ready
        assert (await shelf.memories(), len(shelf.told)) == (before, told)


async def test_what_is_unchanged_in_a_changed_file_keeps_its_memories(database_url: str, tmp_path: Path) -> None:
    async with Shelf(database_url, tmp_path).running() as shelf:
        await shelf.put("manual.md", MANUAL.format(setup="It is short."))
        setup, linux, use = await shelf.memories()
        reader = Reader(OWNER)
        await shelf.bench.memories.edit(reader, use.id, use.version, pinned=True)
        await shelf.bench.memories.forget(reader, linux.id)
        changed = await shelf.put("manual.md", "# New\n\nFirst this.\n\n" + MANUAL.format(setup="It is long."))
        assert changed.chunks == 4
        found = await shelf.memories("any")
        assert [one.source.place for one in found] == ["New", "Setup", "Setup › Linux", "Use"]
        assert [one.id for one in found[2:]] == [linux.id, use.id]
        assert setup.id not in {one.id for one in found}
        assert found[3].pinned
        assert found[2].forgotten_at is not None  # what was forgotten stays so
        _, text, _ = await shelf.library.read(OWNER, changed.id)
        assert all(text[one.source.start : one.source.end] == one.text for one in found)


async def test_a_deleted_file_leaves_nothing(database_url: str, tmp_path: Path) -> None:
    async with Shelf(database_url, tmp_path).running() as shelf:
        first = await shelf.put("a.md", MANUAL)
        other = await shelf.put("b.md", MANUAL)
        await shelf.library.delete(OWNER, first.id)
        assert {one.source.file for one in await shelf.memories("any")} == {"b.md"}  # the same words, kept for each
        assert [one.id for one in await shelf.library.list(OWNER)] == [other.id]
        assert [path.name.partition(".")[0] for path in (tmp_path / "originals").glob("d_*")] == [other.id]
        assert shelf.told[-1] == (first, True)
        with pytest.raises(NotFound):
            await shelf.library.read(OWNER, first.id)
        with pytest.raises(NotFound):
            await shelf.library.delete(OWNER, "\ud800\0")


async def test_one_that_cannot_be_read_says_so_and_the_rest_goes_on(database_url: str, tmp_path: Path) -> None:
    async with Shelf(database_url, tmp_path).running() as shelf:
        await shelf.library.put(OWNER, "bad.pdf", b"%PDF-1.4 nothing")
        good = await shelf.put("good.pdf", pdf_of("It is good."))
        bad = await shelf.settled("bad.pdf")
        assert (good.state, bad.state) == ("ready", "failed")
        assert bad.error is not None
        assert bad.error.code == "damaged_file"
        assert all((bad.error.message, bad.error.expected, bad.error.actual, bad.error.hint))
        mended = await shelf.put("bad.pdf", pdf_of("Now it is good."))
        assert (mended.id, mended.state, mended.error) == (bad.id, "ready", None)


async def test_a_version_that_cannot_be_read_leaves_the_one_before(tmp_path: Path) -> None:
    async with Shelf(f"sqlite:///{tmp_path / 'a.db'}", tmp_path).running() as shelf:
        await shelf.put("manual.md", MANUAL)
        before = await shelf.memories()
        failed = await shelf.put("manual.md", b"\x00\x01\x02\x03" * 100)
        assert (failed.state, failed.chunks) == ("failed", 3)
        assert await shelf.memories() == before


async def test_what_the_database_left_half_read_is_read_when_it_can_be_used_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "_PAUSE_S", 0.0)
    async with Shelf(f"sqlite:///{tmp_path / 'a.db'}", tmp_path).running() as shelf:
        change, refusals = shelf.library._change, 2

        async def refuse(known: documents.Shelved, fields: dict[str, Any]) -> documents.Document | None:
            nonlocal refusals
            if fields.get("state") != "reading" and refusals:  # not even that it waits can be written down
                refusals -= 1
                raise StorageFailure("The disk is full.")
            return await change(known, fields)

        monkeypatch.setattr(shelf.library, "_change", refuse)
        assert (await shelf.put("a.md", MANUAL)).state == "ready"
        assert len(await shelf.memories()) == 3


async def test_where_there_is_no_room_for_a_process_files_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "_PAUSE_S", 0.0)
    start, refusals = child.start, 2

    async def refuse(*arguments: Any, **options: Any) -> child.Child:
        nonlocal refusals
        if refusals:
            refusals -= 1
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        return await start(*arguments, **options)

    async with Shelf(f"sqlite:///{tmp_path / 'a.db'}", tmp_path).running() as shelf:
        monkeypatch.setattr(child, "start", refuse)
        assert (await shelf.put("a.md", MANUAL)).state == "ready"


async def test_what_alma_itself_has_lost_is_to_be_put_in_again(tmp_path: Path) -> None:
    shelf = Shelf(f"sqlite:///{tmp_path / 'a.db'}", tmp_path)
    with shelf.bench:
        await shelf.library.put(OWNER, "a.md", MANUAL.encode())
        for original in (tmp_path / "originals").glob("d_*"):
            original.unlink()
        async with shelf.started():
            failed = await shelf.settled("a.md")
            assert failed.error is not None
            assert (failed.error.code, failed.error.hint) == ("file_unreadable", "Put it in again.")
            assert (await shelf.put("a.md", MANUAL)).state == "ready"


async def test_a_file_that_is_too_large_is_refused_at_once(tmp_path: Path) -> None:
    async with Shelf(f"sqlite:///{tmp_path / 'a.db'}", tmp_path, max_bytes=1000).running() as shelf:
        with pytest.raises(FileTooLarge) as refused:
            await shelf.library.put(OWNER, "a.txt", b"x" * 1001)
        assert (refused.value.code, refused.value.status) == ("file_too_large", 413)
        async with shelf.library.arriving("b.txt") as file:
            await file.write(b"x" * 1000)
            with pytest.raises(FileTooLarge):
                await file.write(b"x")
        assert await shelf.library.list(OWNER) == []
        assert list((tmp_path / "originals" / ".arriving").iterdir()) == []


async def test_what_was_being_read_is_taken_up_and_nothing_is_there_twice(database_url: str, tmp_path: Path) -> None:
    """The library ends while it stores, again and again, at whatever point that is."""
    text = "".join(f"# Part {number}\n\nIt says {number}.\n\n" for number in range(400))
    shelf = Shelf(database_url, tmp_path)
    with shelf.bench:
        for stop_at in (0, 1, 90, 200):
            async with shelf.started():
                if stop_at == 0:
                    await shelf.library.put(OWNER, "long.md", text.encode())
                while len(await shelf.memories()) < stop_at:
                    await asyncio.sleep(0.005)
        async with shelf.started():
            ready = await shelf.settled("long.md")
            assert (ready.state, ready.chunks) == ("ready", 400)
        found = await shelf.memories("any")
        assert [one.position for one in found] == list(range(400))
        assert len({one.text for one in found}) == 400


async def test_a_new_version_while_the_old_one_is_read_takes_its_place(database_url: str, tmp_path: Path) -> None:
    async with Shelf(database_url, tmp_path).running() as shelf:
        for number in range(5):
            text = "".join(f"# Part {part}\n\nVersion {number} of {part}.\n\n" for part in range(100))
            await shelf.library.put(OWNER, "long.md", text.encode())
            await shelf.until(lambda: shelf.told[-1][0].state != "waiting")
        while (await shelf.settled("long.md")).state != "ready":
            pass
        found = await shelf.memories("any")
        assert len(found) == 100
        assert all("Version 4" in one.text for one in found)
        assert len(list((tmp_path / "originals").glob("d_*"))) == 1


async def test_one_that_is_deleted_while_it_is_read_is_gone(database_url: str, tmp_path: Path) -> None:
    text = "".join(f"# Part {part}\n\nIt is {part}.\n\n" for part in range(500))
    async with Shelf(database_url, tmp_path).running() as shelf:
        document = await shelf.library.put(OWNER, "long.md", text.encode())
        while not await shelf.memories():
            await asyncio.sleep(0.005)
        await shelf.library.delete(OWNER, document.id)
        assert await shelf.memories("any") == []
        assert await shelf.library.list(OWNER) == []


async def test_what_no_document_knows_is_swept_at_the_start(tmp_path: Path) -> None:
    shelf = Shelf(f"sqlite:///{tmp_path / 'a.db'}", tmp_path)
    (tmp_path / "originals").mkdir()
    (tmp_path / "originals" / "d_of_nobody.0123").write_bytes(b"x")
    async with shelf.running():
        await shelf.put("a.md", MANUAL)
        assert len(list((tmp_path / "originals").glob("d_*"))) == 1


async def test_memories_of_others_are_not_touched(tmp_path: Path) -> None:
    async with Shelf(f"sqlite:///{tmp_path / 'a.db'}", tmp_path).running() as shelf:
        ready = await shelf.put("a.md", MANUAL)
        assert await shelf.library.list("bob") == []
        with pytest.raises(NotFound):
            await shelf.library.read("bob", ready.id)
        with pytest.raises(NotFound):
            await shelf.library.delete("bob", ready.id)
        assert (await shelf.bench.memories.list(Reader("bob"), Filter(), 10))[1] == 0


async def test_a_document_is_found_by_its_words_and_cites_its_place(tmp_path: Path) -> None:
    from alma.memory.recall import Asked

    async with Shelf(f"sqlite:///{tmp_path / 'a.db'}", tmp_path).running() as shelf:
        await shelf.put("offer.pdf", pdf_of("Greetings to all.", "The roof costs 900 euros."))
        found = await shelf.bench.memories.recall(Asked("what does the roof cost", Reader(OWNER, "researcher"), k=1))
        source = found.hits[0].memory.source
        assert (source.file, source.place) == ("offer.pdf", "page 2")


async def test_a_watched_file_is_deleted_where_it_is(tmp_path: Path) -> None:
    watched = tmp_path / "watched"
    watched.mkdir()
    (watched / "a.md").write_text(MANUAL)
    async with Shelf(f"sqlite:///{tmp_path / 'a.db'}", tmp_path, watched).running() as shelf:
        document = await shelf.settled("a.md")
        with pytest.raises(Conflict) as refused:
            await shelf.library.delete(OWNER, document.id)
        assert refused.value.code == "file_is_watched"


async def test_the_row_is_changed_only_for_the_content_that_was_seen(tmp_path: Path) -> None:
    async with Shelf(f"sqlite:///{tmp_path / 'a.db'}", tmp_path).running() as shelf:
        ready = await shelf.put("a.md", MANUAL)
        changed = await shelf.bench.database.write(
            lambda connection: documents.change(connection, ready.id, b"another", {"state": "failed"})
        )
        assert changed is None
        assert await shelf.library.list(OWNER) == [ready]


class SlowEmbedding(FakeEmbedding):
    """One call after the other, as the embedder's process does it; those about whales wait for `gate`. `calls`: the
    texts of each."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.calls: list[list[str]] = []

    async def embed(self, texts: list[str], *, urgent: bool = True) -> Vector:
        if any("whale" in text for text in texts):
            await self.gate.wait()
        self.calls.append(texts)
        return await super().embed(texts, urgent=urgent)


def _large(number: int) -> str:
    return "".join(f"{line}: The whale number {number} swims on and on and on.\n\n" for line in range(6000))


async def test_a_small_file_does_not_wait_for_large_ones(database_url: str, tmp_path: Path) -> None:
    async with Shelf(database_url, tmp_path, embedding=SlowEmbedding()).running() as shelf:
        for number in range(2):
            await shelf.library.put(OWNER, f"large-{number}.txt", _large(number).encode())
        await shelf.until(lambda: len({one.id for one, _ in shelf.told if one.state == "reading"}) == 2)
        small = await shelf.put("small.txt", "A word about mice.")
        assert small.state == "ready"
        assert {one.state for one in await shelf.library.list(OWNER) if one.id != small.id} == {"reading"}


async def test_progress_is_told_in_small_steps(tmp_path: Path) -> None:
    slow = SlowEmbedding()
    slow.gate.set()
    async with Shelf(f"sqlite:///{tmp_path / 'a.db'}", tmp_path, embedding=slow).running() as shelf:
        await shelf.put("large.txt", _large(1))
        assert len(slow.calls[0]) == 8
        assert max(map(len, slow.calls)) <= 32
        reading = [one for one, _ in shelf.told if one.state == "reading" and one.chunks]
        done = [one.done for one in reading]
        assert done == sorted(done)
        assert {one.chunks for one in reading} == {shelf.told[-1][0].chunks}


def test_what_is_stored_at_once_takes_about_a_second_whatever_the_embedder_is_like() -> None:
    for chunks_in_a_second, most_s in ((15, 1.1), (4, 2.0), (1000, 0.1)):
        pace, took = Pace(), []
        for _ in range(20):
            took.append(pace.chunks / chunks_in_a_second)
            pace.took(took[-1])
        assert max(took[1:]) <= most_s
