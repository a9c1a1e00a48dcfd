"""A disk that is full for a while, and then is not. The system refuses every write of the server's process beyond the
first bytes of a file (RLIMIT_FSIZE), as a full disk would: database, log, figures and files alike."""

from __future__ import annotations

import json
import resource
from collections.abc import Generator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

import serving

pytestmark = pytest.mark.slow
_FULL, _ROOM = (1, resource.RLIM_INFINITY), (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


@pytest.fixture
def server(tmp_path: Path) -> Generator[serving.Serving]:
    with serving.running(tmp_path, memory="true", log_level="info") as running:
        yield running


def fill(server: serving.Serving, limit: tuple[int, int]) -> None:
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, limit)


async def event(socket: aiohttp.ClientWebSocketResponse, **wanted: str) -> dict[str, Any]:
    while True:
        said = json.loads((await socket.receive(timeout=120)).data)
        if all(said.get(name) == value for name, value in wanted.items()):
            return said


async def test_a_full_disk_loses_nothing_and_is_over_when_there_is_room(server: serving.Serving) -> None:
    async with aiohttp.ClientSession(server.url) as http, http.ws_connect("/ws?protocol=1") as socket:
        await socket.send_json({"type": "run.start", "id": "1", "key": "1", "text": "!say before"})
        before = await event(socket, type="RUN_FINISHED")
        await socket.send_json({"type": "run.start", "id": "2", "key": "2", "text": "!tokens 400 200"})
        running = (await event(socket, name="alma.ack"))["value"]
        await event(socket, type="TEXT_MESSAGE_CONTENT")
        fill(server, _FULL)
        thread = f"/api/threads/{before['threadId']}"
        status, said = server.call("PUT", f"{thread}/files/a.txt", b"word " * 1000, Content_Type="text/plain")
        assert (status, said["code"]) == (507, "storage_full")
        assert said["hint"]
        await event(socket, name="alma.notice")
        assert server.call("GET", "/livez")[0] == 200
        status, health = server.call("GET", "/health?fresh=1")
        assert {one["name"]: one["status"] for one in health["components"]}["database"] == "down"
        assert server.call("GET", thread)[0] == 200
        fill(server, _ROOM)
        await event(socket, type="RUN_FINISHED", runId=running["runId"])
        status, entries = server.call("GET", f"/api/runs/{running['runId']}/entries")
        answers = [one["entry"] for one in entries["entries"] if one["entry"]["type"] == "message_finished"]
        assert len(answers) == 1
        await socket.send_json({"type": "run.start", "id": "3", "key": "3", "text": "!say after"})
        await event(socket, type="RUN_FINISHED")
    assert server.call("PUT", f"{thread}/files/a.txt", b"word", Content_Type="text/plain")[0] == 200
    assert server.process.poll() is None
