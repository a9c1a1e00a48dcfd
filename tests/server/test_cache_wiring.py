"""In a whole Alma, what changes takes the answers along that go back to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from alma.app import Alma, create_app
from alma.cli.process_transport import ProcessTransport
from alma.models.cached import CachedModel
from alma.models.chat import Caller, ChatMessage, ChatRequest
from alma.models.scripted import ScriptedModel
from alma.settings import Settings


class House:
    """A whole Alma without a network, and an agent's way to a model in it."""

    def __init__(self, alma: Alma, http: ProcessTransport) -> None:
        self.alma = alma
        self.http = http
        self.model = ScriptedModel()

    async def answer(self, *depends: str) -> None:
        """Have an answer kept that goes back to these."""
        caller = Caller(owner="local", run_id="r1", cacheable=True, depends=depends)
        request = ChatRequest("model", [ChatMessage("user", "Why?")], caller=caller)
        async for _ in CachedModel(self.model, "scripted/model", self.alma.cache).stream(request):
            pass

    async def kept(self) -> int:
        return (await self.alma.cache.state("local")).entries


@pytest.fixture
async def house(tmp_path: Path) -> AsyncGenerator[House]:
    settings = Settings(data_dir=tmp_path, embedded=False, scripted=True, model="scripted/scripted")
    alma = Alma(settings)
    app = create_app(alma, sweep=False)
    async with alma.running(sweep=False), asyncio.TaskGroup() as group:
        yield House(alma, ProcessTransport(app, group, alma.access.local_key))


async def test_an_edited_role_takes_its_answers_along(house: House) -> None:
    await house.answer("role:writer@before")
    await house.alma._roles_changed([house.alma.roles.get("analyst")])
    assert await house.kept() == 1
    await house.alma._roles_changed([house.alma.roles.get("writer")])
    assert await house.kept() == 0


@pytest.mark.parametrize("change", ["PUT", "DELETE"])
async def test_a_changed_file_takes_the_answers_of_its_thread_along(house: House, change: str) -> None:
    thread = await house.alma.sessions.create_thread("local", "Bread")
    path = f"/api/threads/{thread.id}/files/notes.md"
    assert (await house.http.request("PUT", path, b"Flour.", "text/plain"))[0] == 200
    await house.answer(f"file:{thread.id}")
    await house.http.request("GET", path, b"")
    assert await house.kept() == 1
    status, _ = await house.http.request(change, path, b"Water." if change == "PUT" else b"", "text/plain")
    assert status in (200, 204)
    assert await house.kept() == 0
