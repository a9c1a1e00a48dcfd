"""A server that is told to stop: what its clients hear, what goes on later, and that it ends in time."""

from __future__ import annotations

import json
import signal
import socket
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from serving import Serving, free_port, running, start
from session_bench import texts

pytestmark = pytest.mark.slow


class Client:
    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.ws = ws
        self.frames: list[dict[str, Any]] = []

    async def say(self, **command: object) -> None:
        await self.ws.send_str(json.dumps({"id": f"c{len(self.frames)}", **command}))

    async def next(self) -> dict[str, Any] | None:
        """None: it was closed."""
        message = await self.ws.receive(timeout=120)
        if message.type is not aiohttp.WSMsgType.TEXT:
            return None
        self.frames.append(json.loads(message.data))
        return self.frames[-1]

    async def until(self, **wanted: object) -> dict[str, Any]:
        while (event := await self.next()) is not None:
            flat = {**event, **event["value"]} if event["type"] == "CUSTOM" else event
            if all(flat.get(name) == value for name, value in wanted.items()):
                return event
        raise AssertionError(f"closed with {self.ws.close_code} before {wanted}")


@asynccontextmanager
async def connected(server: Serving) -> AsyncGenerator[Client]:
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{server.url}/ws?protocol=1") as ws:
        yield Client(ws)


async def begin(client: Client, text: str, **fields: object) -> dict[str, Any]:
    await client.say(type="run.start", key="k", text=text, kind="chat", **fields)
    ack: dict[str, Any] = (await client.until(name="alma.ack"))["value"]
    await client.until(type="TEXT_MESSAGE_CONTENT")
    return ack


async def test_a_client_in_mid_stream_is_told_comes_back_and_has_every_token_once(tmp_path: Path) -> None:
    port = free_port()
    server = start(tmp_path, port=port, shutdown_grace_s=1)
    async with connected(server) as client:
        ack = await begin(client, "!tokens 160 100")
        server.process.send_signal(signal.SIGTERM)
        notice = (await client.until(name="alma.notice"))["value"]
        assert notice["code"] == "server_stopping"
        assert server.call("GET", "/readyz")[0] == 503
        assert server.call("GET", "/livez")[0] == 200
        await client.say(type="run.start", key="too late", text="!say x", kind="chat")
        refused = (await client.until(name="alma.error"))["value"]
        assert refused["code"] == "server_stopping"
        while await client.next() is not None:
            pass
        assert client.ws.close_code == 1012
    assert server.process.wait(15) == 0

    again = start(tmp_path, port=port)
    try:
        seen = client.frames
        run_id = ack["runId"]
        async with connected(again) as later:
            seq = max(frame["seq"] for frame in seen if frame.get("runId") == run_id and "seq" in frame)
            written = texts(seen)[f"{run_id}.main"]
            at = {"attempt": 1, "n": len(written)}
            cursors = {run_id: {"seq": seq, "messages": {f"{run_id}.main": at}}}
            await later.say(type="thread.subscribe", threadId=ack["threadId"], cursors=cursors)
            await later.until(type="RUN_FINISHED")
        whole = texts([*seen, *later.frames])[f"{run_id}.main"]
        assert whole.count("word") == 160
        _, kept = again.call("GET", f"/api/runs/{run_id}/entries")
        finished = [one["entry"] for one in kept["entries"] if one["entry"]["type"] == "message_finished"]
        assert [one["text"] for one in finished] == [whole]
    finally:
        again.stop()


async def test_short_work_is_waited_for(tmp_path: Path) -> None:
    server = start(tmp_path, shutdown_grace_s=20)
    async with connected(server) as client:
        await begin(client, "!tokens 60 100")
        server.process.send_signal(signal.SIGTERM)
        await client.until(name="alma.notice")
        assert (await client.until(type="RUN_FINISHED"))["status"] == "completed"
        while await client.next() is not None:
            pass
        assert client.ws.close_code == 1012
    assert server.process.wait(15) == 0


async def test_a_second_signal_ends_it_at_once_and_nothing_is_lost(tmp_path: Path) -> None:
    server = start(tmp_path, shutdown_grace_s=300)
    async with connected(server) as client:
        ack = await begin(client, "!tokens 120 100")
        server.process.send_signal(signal.SIGINT)
        await client.until(name="alma.notice")
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(15) == 128 + signal.SIGINT
    assert not (tmp_path / "data" / "server.json").exists()
    with running(tmp_path) as again:
        async with connected(again) as later:
            await later.say(type="thread.subscribe", threadId=ack["threadId"])
            await later.until(type="RUN_FINISHED")
        assert texts(later.frames)[f"{ack['runId']}.main"].count("word") == 120


def test_a_client_that_never_reads_holds_up_nothing(tmp_path: Path) -> None:
    server = start(tmp_path, shutdown_grace_s=2)
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", server.port))
        deaf.sendall(
            f"GET /ws?protocol=1 HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
        )
        assert deaf.recv(12) == b"HTTP/1.1 101"
        text = "!batch 200 !tokens 100000"
        body = json.dumps({"id": "1", "type": "run.start", "key": "k", "kind": "chat", "text": text})
        deaf.sendall(_frame(body))
        until = time.monotonic() + 60
        while not (thread_id := _written(server)) and time.monotonic() < until:
            time.sleep(0.05)
        again = json.dumps({"id": "2", "type": "thread.subscribe", "threadId": thread_id})
        deaf.sendall(_frame(again) * 10)  # the whole text each time: more than fits into any buffer of the system
        assert server.call("GET", "/livez")[0] == 200
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(15) == 0
    log = (tmp_path / "server.log").read_text()
    assert "Traceback" not in log
    assert "Cancel" not in log, "uvicorn's own deadline is not what ends it"


def _written(server: Serving) -> str:
    """The thread whose run has ended."""
    threads = server.call("GET", "/api/threads")[1]["threads"]
    return threads[0]["id"] if threads and not threads[0]["working"] else ""


def _frame(text: str) -> bytes:
    """A masked WebSocket frame, as a client must send it."""
    return bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text.encode()
