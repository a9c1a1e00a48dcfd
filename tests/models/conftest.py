"""Fixtures of the model tests: a shared session, the scripted server, a client of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from alma.models.client import OpenAIClient, Timeouts, open_session
from alma.models.scripted_server import ScriptedServer, port_of


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session() as session:
        yield session


@pytest.fixture
async def scripted_server() -> AsyncIterator[ScriptedServer]:
    """A running ScriptedServer; `server.url` is its base_url."""
    server = ScriptedServer()
    runner = await server.start()
    server.url = f"http://127.0.0.1:{port_of(runner)}/v1"
    yield server
    await runner.cleanup()


@pytest.fixture
def client(session: aiohttp.ClientSession, scripted_server: ScriptedServer) -> OpenAIClient:
    return OpenAIClient(
        session, endpoint="test", base_url=scripted_server.url, timeouts=Timeouts(connect=2, first_token=5, stall=5)
    )
