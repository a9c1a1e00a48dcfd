"""Numbers of a real server are those of what is behind them, and what is no failure is not counted as one."""

from __future__ import annotations

import json
import resource
import uuid
from pathlib import Path

import aiohttp
import pytest

from alma.server.traffic import CODES
from serving import Serving, running

pytestmark = pytest.mark.slow
_FULL, _ROOM = (1, resource.RLIM_INFINITY), (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


class Watching:
    """A page that is told of figures."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self._ws = ws

    async def ask(self, text: str) -> None:
        key = uuid.uuid4().hex
        await self._ws.send_json({"type": "run.start", "id": key, "key": key, "text": text, "kind": "chat"})
        while json.loads((await self._ws.receive(timeout=120)).data)["type"] not in ("RUN_FINISHED", "RUN_ERROR"):
            pass

    async def seconds(self, frames: int) -> None:
        """Until so many have been measured."""
        await self._ws.send_json({"type": "metrics.watch", "id": "w"})
        while frames > 0:
            event = json.loads((await self._ws.receive(timeout=120)).data)
            frames -= event.get("name") == "alma.metrics"


def number_and_list(server: Serving, metric: str) -> tuple[float, int]:
    status, reply = server.call("GET", "/api/metrics/dashboard?range=1h")
    assert status == 200
    status, found = server.call("GET", f"/api/metrics/behind?metric={metric}&range=1h")
    assert status == 200
    return reply["values"][metric], len(found["runs"]) + found["others"]


@pytest.mark.parametrize("cache", ["true", "false"])
async def test_what_models_answered_is_what_is_listed(tmp_path: Path, cache: str) -> None:
    """With the cache on or off; a call that fails is no answer."""
    with running(tmp_path, cache=cache) as server:
        async with aiohttp.ClientSession(server.url) as http, http.ws_connect("/ws?protocol=1") as ws:
            page = Watching(ws)
            for text in ("!say one", "!status 401", "!say two"):
                await page.ask(text)
            await page.seconds(2)
        assert number_and_list(server, "cache_misses") == (2, 2)
        status, text = server.call("GET", "/metrics", Accept="text/plain")
        assert status == 200
        for code in CODES:
            assert f'alma_refused_total{{policy="{code}"}} 0.0' in text.decode(), "there before the first"


async def test_a_probe_that_is_told_of_a_full_disk_is_no_server_error(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        async with aiohttp.ClientSession(server.url) as http, http.ws_connect("/ws?protocol=1") as ws:
            page = Watching(ws)
            await page.ask("!say one")
            resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, _FULL)
            server.call("GET", "/health?fresh=1")
            for _ in range(7):
                assert server.call("GET", "/readyz")[0] == 503
            (thread,) = server.call("GET", "/api/threads")[1]["threads"]
            path = f"/api/threads/{thread['id']}/files/a.txt"
            assert server.call("PUT", path, b"word", Content_Type="text/plain")[0] == 507
            await page.seconds(2)
            resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, _ROOM)
        status, reply = server.call("GET", "/api/metrics/dashboard?range=1h")
        assert status == 200
        assert reply["values"]["request_errors"] == 1, "the file, and no probe"
        routes = {one["route"]: one for one in reply["routes"]}
        assert routes["GET /readyz"]["errors"] >= 7, "by its route it is still seen"
