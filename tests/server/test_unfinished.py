"""Many who send much and finish nothing: what is held of it is bounded, and who sends little is not hindered."""

from __future__ import annotations

import contextlib
from pathlib import Path

import psutil
import pytest

from alma.server.traffic import MOST_UNFINISHED
from raw_socket import Raw, frame
from serving import running

pytestmark = pytest.mark.slow
_PART = 3 * 1024 * 1024
_MANY = MOST_UNFINISHED // _PART + 40


@pytest.mark.parametrize("way", ["frames", "bodies"])
def test_what_is_unfinished_has_a_bound_over_all_connections(tmp_path: Path, way: str) -> None:
    with running(tmp_path, limit_bytes="off") as server, contextlib.ExitStack() as opened:
        process = psutil.Process(server.process.pid)
        before = process.memory_info().rss
        clients: list[Raw] = []
        for _ in range(_MANY):
            client = opened.enter_context(Raw(server))
            if way == "frames":
                client.open()
                begun = frame(b"x" * (_PART + 1024))[:_PART]
            else:
                fields = {"Content_Type": "application/json", "Content_Length": str(_PART + 1024)}
                begun = client.head("POST /api/threads HTTP/1.1", **fields) + b'"' + b"x" * _PART
            with contextlib.suppress(OSError):
                client.send(begun)
            clients.append(client)
        small = opened.enter_context(Raw(server))
        small.open()
        small.say("ping")
        small.until("alma.heartbeat")
        assert server.call("POST", "/api/threads", {"title": "small"})[0] == 201
        held = process.memory_info().rss - before
        assert held < 2 * MOST_UNFINISHED, held
        assert any(client.over(0) for client in clients), "none had to give way"
