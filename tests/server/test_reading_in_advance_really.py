"""A real server on the real embedded model: what is typed for is read before it is sent."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import aiohttp
import pytest

from serving import Serving, running

pytestmark = pytest.mark.slow
PROMPT = "Answer in one short sentence. " + "You know the harbour, the lighthouse, the market and the mill well. " * 20


@pytest.fixture
def server(tmp_path: Path, data_dir: Path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "models").symlink_to(data_dir.absolute() / "models")
    agents = tmp_path / "agents"
    agents.mkdir()
    manager = (Path(__file__).parents[2] / "agents" / "manager.md").read_text()
    (agents / "manager.md").write_text(manager.replace("\n---\n", f"\n---\n{PROMPT}\n", 1))
    with running(tmp_path, embedded="true", scripted="false", model=None, agents_dir=agents) as serving:
        yield serving


async def test_what_is_typed_for_is_read_before_it_is_sent(server: Serving):
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{server.url}/ws?watch=none") as ws:

        async def until(wanted: str) -> dict:
            while True:
                event = json.loads((await ws.receive(timeout=120)).data)
                if wanted in (event["type"], event.get("name")):
                    return event

        while server.call("GET", "/api/models")[1]["endpoints"][0]["state"] != "ready":
            await asyncio.sleep(0.05)
        await ws.send_json({"id": "1", "type": "route.preview", "text": "Hello, who are you?", "kind": "chat"})
        await until("alma.route_preview")
        while not list((server.folder / "data" / "prefixes").glob("*.bin")):
            await asyncio.sleep(0.05)
        run = {"id": "2", "type": "run.start", "key": "k", "text": "Hello, who are you?", "kind": "chat"}
        await ws.send_json(run)
        usage = (await until("TEXT_MESSAGE_END"))["usage"]
    assert usage["input_tokens"] > 250
    assert usage["input_tokens"] - usage["cached_tokens"] < 30
