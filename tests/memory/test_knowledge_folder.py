"""A watched folder: what is new, changed, renamed or gone in it, and what must not be read."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from shelf import OWNER, Shelf

from alma.memory.knowledge import folder
from alma.memory.knowledge.documents import Document

pytestmark = pytest.mark.slow


def shelf_of(tmp_path: Path, watched: Path, **options: Any) -> Shelf:
    return Shelf(f"sqlite:///{tmp_path / 'a.db'}", tmp_path, watched, **options)


def write(path: Path, text: str) -> None:
    """As a file that was written a while ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    old = time.time() - 100 + len(text) / 1000
    os.utime(path, (old, old))


async def test_files_are_read_wherever_they_are_in_it(tmp_path: Path, watched: Path) -> None:
    write(watched / "a.md", "The first.")
    write(watched / "deep" / "er" / "b.txt", "The second.")
    write(watched / "page", "The third.")
    async with shelf_of(tmp_path, watched).running() as shelf:
        found = [await shelf.settled(name) for name in ("a.md", "b.txt", "page")]
        assert [(one.origin, one.state) for one in found] == [
            ("a.md", "ready"),
            ("deep/er/b.txt", "ready"),
            ("./page", "ready"),
        ]
        assert {one.source.file for one in await shelf.memories()} == {"a.md", "deep/er/b.txt", "./page"}


async def test_changes_are_followed(tmp_path: Path, watched: Path) -> None:
    write(watched / "a.md", "It is red.")
    write(watched / "b.md", "It stays.")
    async with shelf_of(tmp_path, watched).running() as shelf:
        first = await shelf.settled("a.md")
        write(watched / "a.md", "It is blue now.")
        await shelf.until(lambda: [d.state for d, _ in shelf.told if d.name == "a.md"].count("ready") == 2)
        assert [one.text for one in await shelf.memories() if one.source.file == "a.md"] == ["It is blue now."]
        assert (await shelf.settled("a.md")).id == first.id
        (watched / "a.md").unlink()
        await shelf.gone("a.md")
        assert [one.text for one in await shelf.memories("any")] == ["It stays."]


async def test_the_last_file_may_go_too(tmp_path: Path, watched: Path) -> None:
    write(watched / "a.md", "It is red.")
    async with shelf_of(tmp_path, watched).running() as shelf:
        await shelf.settled("a.md")
        (watched / "a.md").unlink()
        await shelf.gone("a.md")
        assert await shelf.library.list(OWNER) == []


async def test_what_changed_while_alma_was_off_is_seen_at_the_start(tmp_path: Path, watched: Path) -> None:
    write(watched / "a.md", "It is red.")
    write(watched / "b.md", "It goes.")
    shelf = shelf_of(tmp_path, watched)
    with shelf.bench:
        async with shelf.started():
            await shelf.settled("a.md")
            await shelf.settled("b.md")
        (watched / "b.md").unlink()
        write(watched / "a.md", "It is blue now.")
        shelf.told.clear()
        async with shelf.started():
            await shelf.gone("b.md")
            await shelf.until(lambda: ("a.md", "ready") in [(d.name, d.state) for d, _ in shelf.told])
            assert [one.text for one in await shelf.memories("any")] == ["It is blue now."]
        (watched / "a.md").unlink()
        async with shelf.started():
            await shelf.gone("a.md")  # the folder is the one that it was


async def test_a_renamed_file_keeps_its_memories(tmp_path: Path, watched: Path) -> None:
    write(watched / "a.md", "It is red.")
    async with shelf_of(tmp_path, watched).running() as shelf:
        first = await shelf.settled("a.md")
        (memory,) = await shelf.memories()
        (watched / "new").mkdir()
        (watched / "a.md").rename(watched / "new" / "b.md")
        await shelf.until(lambda: ("b.md", "ready") in [(d.name, d.state) for d, _ in shelf.told])
        (moved,) = await shelf.memories("any")
        assert (moved.id, moved.source.file) == (memory.id, "new/b.md")
        assert [(one.id, one.origin) for one in await shelf.library.list(OWNER)] == [(first.id, "new/b.md")]


async def test_links_that_lead_out_are_refused_and_those_in_circles_survived(tmp_path: Path, watched: Path) -> None:
    secret = tmp_path / "secret"
    write(secret / "key.txt", "The key.")
    write(watched / "a.md", "It is red.")
    (watched / "link.txt").symlink_to(secret / "key.txt")
    (watched / "folder").symlink_to(secret)
    (watched / "broken").symlink_to(tmp_path / "nowhere")
    (watched / "loop").symlink_to(watched)
    (watched / "deep").mkdir()
    (watched / "deep" / "up").symlink_to("..")
    (watched / "one").symlink_to(watched / "two")
    (watched / "two").symlink_to(watched / "one")
    (watched / "again.md").symlink_to(watched / "a.md")
    async with shelf_of(tmp_path, watched).running() as shelf:
        await shelf.settled("a.md")
        states = {name: await shelf.settled(name) for name in ("link.txt", "folder", "broken")}
        assert {one.error.code for one in states.values() if one.error is not None} == {"link_leads_out"}
        assert {one.state for one in states.values()} == {"failed"}
        assert len(await shelf.library.list(OWNER)) == 4
        assert [one.text for one in await shelf.memories()] == ["It is red."]


async def test_a_file_that_becomes_a_link_out_is_not_read(tmp_path: Path, watched: Path) -> None:
    write(tmp_path / "key.txt", "The key.")
    write(watched / "a.md", "It is red.")
    async with shelf_of(tmp_path, watched).running() as shelf:
        await shelf.settled("a.md")
        (watched / "a.md").unlink()
        (watched / "a.md").symlink_to(tmp_path / "key.txt")
        await shelf.until(lambda: shelf.told[-1][0].state == "failed")
        assert "The key." not in [one.text for one in await shelf.memories("any")]


def test_what_is_junk_is_left_out(watched: Path) -> None:
    for name in (".hidden.md", ".git/config", "node_modules/x.js", "__pycache__/x.py", "~$open.docx", "a.md.part"):
        write(watched / name, "x")
    write(watched / "photo.PNG", "x")
    write(watched / "kept.md", "x")
    os.mkfifo(watched / "pipe")
    assert list(folder.scan(watched).entries) == ["kept.md"]


def test_so_many_files_and_no_more(watched: Path) -> None:
    for number in range(7):
        write(watched / f"{number}.md", "x")
    found = folder.scan(watched, most=5)
    assert (len(found.entries), found.left) == (5, 2)


def write_as(watched: Path, name: bytes, text: str) -> None:
    with open(os.fsencode(watched) + b"/" + name, "w") as file:  # noqa: PTH123  # bytes are no Path
        file.write(text)


def test_names_in_no_encoding_can_be_written_down_and_told_apart(watched: Path) -> None:
    names = [b"caf\xe9.md", b"caf\xe8.md", b"caf\\xe9.md", b"a\x01.md", b"a\x02.md", "é\ufffd.md".encode()]
    for name in names:
        write_as(watched, name, "x")
    entries = folder.scan(watched).entries
    assert set(entries) == {
        "caf\\xe9.md",
        "caf\\xe8.md",
        "caf\\x5cxe9.md",
        "a\\x01.md",
        "a\\x02.md",
        "é\ufffd.md",
    }
    for origin, entry in entries.items():
        assert origin.encode().decode() == origin
        assert folder.path_of(watched, origin) == entry.path


async def test_files_with_such_names_are_all_read(tmp_path: Path, watched: Path) -> None:
    write_as(watched, b"x\xff.md", "The first.")
    write_as(watched, b"x\xfe.md", "The second.")
    async with shelf_of(tmp_path, watched).running() as shelf:
        assert (await shelf.settled("x\\xff.md")).state == "ready"
        assert (await shelf.settled("x\\xfe.md")).state == "ready"
        assert {one.text for one in await shelf.memories()} == {"The first.", "The second."}


async def test_a_file_that_is_too_large_or_closed_is_said(tmp_path: Path, watched: Path) -> None:
    write(watched / "large.txt", "x" * 2000)
    async with shelf_of(tmp_path, watched, max_bytes=1000).running() as shelf:
        large = await shelf.settled("large.txt")
        assert large.error is not None
        assert (large.error.code, large.error.actual) == ("file_too_large", "2,000 bytes")
        write(watched / "large.txt", "It is small now.")
        await shelf.until(lambda: shelf.told[-1][0].state == "ready")


async def test_a_folder_that_is_away_or_another_one_for_a_moment_loses_nothing(tmp_path: Path, watched: Path) -> None:
    write(watched / "a.md", "It is red.")
    async with shelf_of(tmp_path, watched, poll_s=3600).running() as shelf:
        await shelf.settled("a.md")
        watching = shelf.library._watching
        assert watching is not None
        await watching.look()
        away = watched.rename(tmp_path / "away")
        await watching.look()
        assert "cannot be read" in shelf.library.folder_problem
        watched.mkdir()  # as the place where a disk was mounted
        await watching.look()
        assert "unmounted" in shelf.library.folder_problem
        assert len(await shelf.memories()) == 1
        watched.rmdir()
        away.rename(watched)
        await watching.look()
        assert shelf.library.folder_problem == ""
        assert not any(deleted for _, deleted in shelf.told)


async def test_when_the_grace_is_over_they_are_gone(tmp_path: Path, watched: Path) -> None:
    write(watched / "a.md", "It is red.")
    async with shelf_of(tmp_path, watched, grace_s=0).running() as shelf:
        await shelf.settled("a.md")
        watched.rename(tmp_path / "away")
        watched.mkdir()
        await shelf.gone("a.md")


async def test_a_file_that_is_being_written_waits(tmp_path: Path, watched: Path) -> None:
    shelf = shelf_of(tmp_path, watched)
    with shelf.bench:  # nobody looks but the test
        watching = shelf.library._watching
        assert watching is not None
        path = watched / "a.md"
        path.write_text("It is")
        soon = time.time() + 1000  # a clock that is ahead: as young as can be
        os.utime(path, (soon, soon))
        await watching.look()
        path.write_text("It is half")
        os.utime(path, (soon + 1, soon + 1))
        await watching.look()
        assert await shelf.library.list(OWNER) == []
        await watching.look()  # the same as before: nobody writes it
        found: list[Document] = await shelf.library.list(OWNER)
        assert [one.name for one in found] == ["a.md"]
