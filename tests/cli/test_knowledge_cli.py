"""`alma knowledge` over the real routes and a real library; only vectors are made by a fake."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import cast

import pytest
from fastapi import FastAPI

from alma.__main__ import build_parser
from alma.cli.door import Door
from alma.cli.process_transport import ProcessTransport
from alma.errors import Misuse
from alma.memory.knowledge.library import Library
from alma.server import knowledge_api, problems
from asked_by import ask_as
from memory.fakes import MemoryBench

OWNER = "local"
Alma = Callable[..., Awaitable[int]]
NOTES = "# Tides\n\nThe moon pulls the water.\n\n# Winds\n\nWarm air rises, and cold air takes its place.\n"


@pytest.fixture
async def alma(tmp_path: Path) -> AsyncGenerator[Alma]:
    """Do `alma knowledge …`; the exit code. The library reads meanwhile."""
    watched = tmp_path / "watched"
    watched.mkdir()
    with MemoryBench(f"sqlite:///{tmp_path / 'alma.db'}") as bench:
        library = Library(
            bench.database,
            bench.memories,
            tmp_path / "originals",
            folder=watched,
            owner=OWNER,
            max_bytes=100_000,
            told=lambda _document, _deleted: None,
            clock=bench.clock,
            poll_s=0.05,
        )
        app = FastAPI()
        problems.install(app)
        app.include_router(knowledge_api.routes(library))
        ask_as(app, OWNER)
        door = Door(ProcessTransport(app, cast("asyncio.TaskGroup", None)))  # no sockets here: nothing to run in it

        async def act(*words: str) -> int:
            arguments = build_parser().parse_args(["knowledge", *words])
            return await arguments.act(door, arguments) or 0

        async with asyncio.TaskGroup() as group:
            running = group.create_task(library.run())
            yield act
            running.cancel()


async def test_files_are_added_listed_shown_and_removed(
    alma: Alma, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await alma("list")
    assert "No file yet" in capsys.readouterr().err
    (tmp_path / "my notes – räume.md").write_text(NOTES)
    assert await alma("add", str(tmp_path / "my notes – räume.md")) == 0
    shown = capsys.readouterr()
    assert shown.err == "", "progress is for who looks on at a terminal"
    document_id, name, *pieces = shown.out.strip().split("  ")
    assert (name, pieces) == ("my notes – räume.md", ["2 pieces"])
    await alma("list")
    row = capsys.readouterr().out.splitlines()[1]
    assert row.startswith(document_id)
    assert row.endswith("ready  my notes – räume.md")
    await alma("show", name)
    shown = capsys.readouterr().out
    assert "Tides" in shown
    assert "Warm air rises" in shown
    await alma("show", document_id, "--text")
    assert capsys.readouterr().out.strip() == NOTES.strip()
    await alma("show", name, "--json")
    assert len(json.loads(capsys.readouterr().out)["chunks"]) == 2
    await alma("remove", name)
    await alma("list", "--json")
    assert json.loads(capsys.readouterr().out)["documents"] == []


async def test_what_cannot_be_read_is_named_and_the_others_go_in(
    alma: Alma, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty.md").touch()
    (tmp_path / "fake.pdf").write_text("no PDF")
    (tmp_path / "large.md").write_text("word " * 30_000)
    (tmp_path / "good.md").write_text(NOTES)
    names = ("missing.md", "empty.md", "fake.pdf", "large.md", "good.md")
    assert await alma("add", *(str(tmp_path / name) for name in names)) == 1
    shown = capsys.readouterr()
    assert "good.md  2 pieces" in shown.out
    for name in names[:-1]:
        assert sum(name in line for line in shown.err.splitlines() if line.startswith("alma: ")) == 1, shown.err
    await alma("list")
    assert "fake.pdf: " in capsys.readouterr().err


async def test_two_files_of_one_name_are_not_taken_for_one(
    alma: Alma, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "notes.md").write_text(NOTES)
    assert await alma("add", str(tmp_path / "a/notes.md"), str(tmp_path / "b/notes.md")) == 1
    assert "Two of the files are named 'notes.md'" in capsys.readouterr().err


async def test_watched_files_are_listed_and_removed_by_their_path(
    alma: Alma, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("sub", "other"):
        (tmp_path / "watched" / folder).mkdir()
        (tmp_path / "watched" / folder / "plants.md").write_text(NOTES + folder)
    shown = ""
    while shown.count("ready") < 2:
        await alma("list")
        shown = capsys.readouterr().out
    assert "sub/plants.md (watched)" in shown
    with pytest.raises(Misuse, match=r"2 files are named 'plants.md': one lies in the watched folder as"):
        await alma("show", "plants.md")
    with pytest.raises(Misuse) as refused:
        await alma("remove", "sub/plants.md")
    assert refused.value.code != "unknown_document", "it is found; its folder would bring it back"
    await alma("show", "sub/plants.md")
    assert "sub/plants.md (watched)" in capsys.readouterr().out


async def test_what_takes_a_place_and_what_is_empty_is_said(
    alma: Alma, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notes, empty = tmp_path / "notes.md", tmp_path / "empty.md"
    empty.touch()
    notes.write_text(NOTES)
    assert await alma("add", str(notes), str(empty)) == 1
    shown = capsys.readouterr().err
    assert ("It is empty" in shown, "replaced" in shown) == (True, False)
    await alma("add", str(notes))
    assert "replaced" not in capsys.readouterr().err, "it is the same"
    notes.write_text(NOTES + "More of it.\n")
    await alma("add", str(notes))
    assert "notes.md replaced the one of 19" in capsys.readouterr().err


async def test_without_waiting_the_ids_are_printed(
    alma: Alma, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.md").write_text(NOTES)
    (tmp_path / "one.md").write_text("One line.")
    assert await alma("add", str(tmp_path / "one.md")) == 0
    assert "one.md  1 piece\n" in capsys.readouterr().out
    assert await alma("add", "--no-wait", str(tmp_path / "notes.md")) == 0
    shown = capsys.readouterr()
    assert shown.out.strip().endswith("  notes.md")
    assert "alma knowledge list" in shown.err


async def test_what_is_not_there_is_said(alma: Alma) -> None:
    for action in ("show", "remove"):
        with pytest.raises(Misuse, match=r"There is no file 'none\.md'") as refused:
            await alma(action, "none.md")
        assert refused.value.code == "unknown_document"


async def test_status_names_formats_bounds_and_the_folder(
    alma: Alma, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.md").write_text(NOTES)
    await alma("add", str(tmp_path / "notes.md"))
    capsys.readouterr()
    await alma("status")
    shown = capsys.readouterr().out
    assert "files    1 (1 ready), 2 pieces" in shown
    assert "pdf" in shown
    assert re.search(r"at most [\d,]+ MiB each", shown)
    assert str(tmp_path / "watched") in shown
