"""What a server's log tells of its life and of its runs, over a crash and a stop: in its file from the start on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from alma import __version__
from serving import Serving, free_port, start

pytestmark = pytest.mark.slow
LIFE = ("alma.serve", "alma.stopping", "alma.engine.run_log")


def told(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "data" / "logs" / "alma.log").read_text().splitlines()
    return [record for record in map(json.loads, lines) if record["logger"] in LIFE]


async def until(server: Serving, ws: aiohttp.ClientWebSocketResponse, name: str) -> dict[str, Any]:
    while True:
        event = json.loads((await ws.receive(timeout=120)).data)
        if name in (event.get("name"), event["type"]):
            return event.get("value", event)


async def test_starts_runs_a_crash_and_a_stop_are_in_the_log_without_anybodys_words(tmp_path: Path) -> None:
    port = free_port()
    server = start(tmp_path, port=port, log_level=None)
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(f"{server.url}/ws?protocol=1") as ws:
            command = {"type": "run.start", "id": "c1", "key": "k", "kind": "chat", "text": "!tokens 60 30 whisper"}
            await ws.send_str(json.dumps(command))
            ack = await until(server, ws, "alma.ack")
            await until(server, ws, "TEXT_MESSAGE_CONTENT")
            server.kill()
        assert [one["event"].partition(":")[0] for one in told(tmp_path)][-1] == "a run begins"
        server = start(tmp_path, port=port, log_level=None)
        async with session.ws_connect(f"{server.url}/ws?protocol=1") as ws:
            await ws.send_str(json.dumps({"type": "thread.subscribe", "id": "c2", "threadId": ack["threadId"]}))
            await until(server, ws, "RUN_FINISHED")
    server.stop()
    records = told(tmp_path)
    first, ready, begins, cut_off, _, again, goes_on, ended, stops, stopped = records
    assert (first["event"], first["pid"] > 0) == (f"Alma {__version__} starts", True)
    assert first["database"].endswith("data/alma.db")
    assert ready["event"] == f"Alma listens at {server.url}; unfinished runs that are taken up again: 0"
    assert (begins["kind"], begins["owner"]) == ("chat", "local")
    assert (cut_off["level"], "was cut off" in cut_off["event"]) == ("warning", True)
    assert again["event"].endswith("taken up again: 1")
    assert goes_on["event"].startswith("a run goes on")
    assert ended["event"] == "a run ended: completed"
    assert (ended["model"], ended["output_tokens"] > 0, ended["seconds"] > 0) == ("scripted/scripted", True, True)
    assert {(one["run_id"], one["thread_id"]) for one in (begins, goes_on, ended)} == {(ack["runId"], ack["threadId"])}
    assert stops["event"].startswith("Alma stops on SIGTERM")
    assert stopped["event"].endswith("runs that go on at the next start: 0")
    assert "whisper" not in json.dumps(records)
