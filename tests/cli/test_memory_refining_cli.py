"""`alma memory refine`, `passes` and `undo`, over the real routes and real memories."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Generator
from pathlib import Path
from typing import cast

import pytest
from fastapi import FastAPI

from alma.__main__ import build_parser
from alma.cli.door import Door
from alma.cli.process_transport import ProcessTransport
from alma.errors import AlmaError
from alma.memory.records import Memory, NewMemory, Reader
from alma.memory.refining import Refining
from alma.server import problems, refinement_api
from asked_by import ask_as
from memory.fakes import MemoryBench

OWNER = "local"
OLD = "The ferry left at four."
Alma = Callable[..., Awaitable[int]]


@pytest.fixture
def memory(tmp_path: Path) -> Generator[MemoryBench]:
    with MemoryBench(f"sqlite:///{tmp_path / 'alma.db'}") as bench:
        yield bench


def kept(one: Memory, now: float) -> float:
    del now
    return 0.0 if one.text == OLD else 1.0


@pytest.fixture
def alma(memory: MemoryBench) -> Alma:
    """Do `alma memory …`; the exit code."""
    app = FastAPI()
    problems.install(app)
    refining = Refining(memory.database, memory.memories, kept, 0.0, memory.clock)
    app.include_router(refinement_api.routes(refining, memory.memories))
    ask_as(app, OWNER, body=4 * 1024 * 1024)
    door = Door(ProcessTransport(app, cast("asyncio.TaskGroup", None)))  # no sockets here, so nothing to run in it

    async def act(*words: str) -> int:
        arguments = build_parser().parse_args(["memory", *words])
        return await arguments.act(door, arguments) or 0

    return act


async def test_refine_passes_and_undo(alma: Alma, memory: MemoryBench, capsys: pytest.CaptureFixture[str]) -> None:
    (added,) = await memory.memories.add([NewMemory(OWNER, OLD, agent="writer", scope="team")])
    reader, old = Reader(OWNER), added.memory.id
    await alma("refine", "--dry-run")
    shown = capsys.readouterr()
    assert "archive" in shown.out
    assert OLD in shown.out
    assert "Nothing was done" in shown.err
    assert (await memory.memories.get(reader, old)).alive
    await alma("refine")
    pass_id = capsys.readouterr().err.split("`alma memory undo ")[1].split("`")[0]
    assert not (await memory.memories.get(reader, old)).alive
    await alma("passes")
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["pass", pass_id]
    await alma("passes", pass_id)
    assert old in capsys.readouterr().out
    await alma("undo", pass_id, "1")
    assert "1 act taken back." in capsys.readouterr().out
    assert (await memory.memories.get(reader, old)).alive
    with pytest.raises(AlmaError) as refused:
        await alma("undo", pass_id)
    assert refused.value.code == "already_undone"


async def test_with_nothing_to_do(alma: Alma, capsys: pytest.CaptureFixture[str]) -> None:
    await alma("refine")
    assert "nothing to refine" in capsys.readouterr().err
    await alma("passes")
    assert "Nothing was refined yet." in capsys.readouterr().err
    await alma("refine", "--json")
    assert json.loads(capsys.readouterr().out)["acts"] == []
    with pytest.raises(AlmaError) as unknown:
        await alma("undo", "p_none")
    assert unknown.value.code == "unknown_pass"
