"""Shares through the server's door: what weighs how much while tasks wait, and nothing where learning is off."""

from __future__ import annotations

import asyncio
import json
import uuid
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from serving import Serving, running

pytestmark = pytest.mark.slow


async def shares(server: Serving, until: int = 0) -> dict[str, Any]:
    """As they are, once so many tasks wait."""
    async with asyncio.timeout(60):
        while True:
            status, said = await asyncio.to_thread(server.call, "GET", "/api/learning/shares")
            assert status == 200, said
            if sum(role["queued"] for role in said["roles"]) >= until:
                return said
            await asyncio.sleep(0.02)


async def test_it_is_shown_what_is_wanted_and_what_has_how_much_room(tmp_path: Path) -> None:
    with running(tmp_path, max_parallel_per_owner=1, kept_mib=64) as server:
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{server.url}/ws?protocol=1") as socket:
            for number in range(3):
                command = {"type": "run.start", "id": f"c{number}", "key": uuid.uuid4().hex, "kind": "chat"}
                await socket.send_str(json.dumps({**command, "text": f"!wait 60 !say {number}"}))
            said = await shares(server, until=2)
        assert said["on"] is True
        (role,) = said["roles"]
        assert (role["role"], role["queued"], role["active"], role["weight"]) == ("manager", 2, 1, 1.0)
        assert role["why"]
        stores = {store["name"]: store for store in said["stores"]}
        assert set(stores) == {"vectors", "token counts", "answers"}
        assert sum(store["most"] for store in stores.values()) == 64 * 1024 * 1024
        assert all(store["floor"] <= store["most"] for store in stores.values())


async def test_where_learning_is_off_nothing_moves(tmp_path: Path) -> None:
    with running(tmp_path, learning="false") as server:
        assert await shares(server) == {"on": False, "roles": [], "history": [], "stores": []}
