"""A server that is there and does not answer: a command says so, and ends."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Generator
from pathlib import Path

import pytest
from aiohttp import web

from alma.__main__ import main
from alma.cli.door import Door, ServerSilent
from alma.cli.following import Following
from alma.cli.server_transport import to_server
from alma.server.commands import StartRun


@pytest.fixture
def silent(tmp_path: Path) -> Generator[str]:
    """Takes connections, in the system's queue, and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        (tmp_path / "server.json").write_text(json.dumps({"pid": os.getpid(), "url": url}))
        yield url


@pytest.mark.parametrize(
    "words", [["memory", "list"], ["knowledge", "list"], ["threads", "list"], ["run", "Hello"], ["models", "list"]]
)
def test_a_command_says_that_the_server_does_not_answer(tmp_path, silent, monkeypatch, capsys, words):
    monkeypatch.setattr("alma.cli.server_transport.ANSWER_S", 0.2)
    assert main([*words, "--data-dir", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert f"The server at {silent} does not answer." in said
    assert "stop it and start it again" in said


async def test_whatever_is_asked_of_it_ends(tmp_path, silent):
    async with to_server(tmp_path, answer_s=0.2) as transport:
        door = Door(transport)
        with pytest.raises(ServerSilent, match="does not answer"):
            await door.call("GET", "/api/threads")
        with pytest.raises(ServerSilent):
            [frame async for frame in door.history("t_1")]
        with pytest.raises(ServerSilent):
            [event async for event in door.follow(Following(), StartRun(id="1", key="k", text="Hello"))]


async def test_what_takes_long_is_waited_for(tmp_path):
    """A test of a model takes longer than other answers."""
    came, over = asyncio.Event(), asyncio.Event()

    async def answer(request: web.Request) -> web.Response:
        if request.path == "/api/long":
            came.set()
        await over.wait()
        return web.json_response({"ok": True})

    app = web.Application()
    app.router.add_get("/api/{path}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    (tmp_path / "server.json").write_text(json.dumps({"pid": os.getpid(), "url": url}))
    async with to_server(tmp_path, answer_s=0.1) as transport, asyncio.TaskGroup() as group:
        long = group.create_task(Door(transport).call("GET", "/api/long", long=True))
        await came.wait()
        with pytest.raises(ServerSilent):
            await Door(transport).call("GET", "/api/short")
        over.set()
        assert await long == {"ok": True}
    await runner.cleanup()
