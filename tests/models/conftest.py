"""Fixtures of the model tests: a shared session, the scripted server, a client of it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import pytest

from alma.models.client import OpenAIClient, Timeouts, open_session
from alma.models.fetch import CHAT, chat_model_path, fetch
from alma.models.registry import Registry
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


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """A data directory with the shipped models: TEST_ALMA_DATA_DIR, or `.alma` of the repository."""
    data_dir = Path(os.environ.get("TEST_ALMA_DATA_DIR") or Path(__file__).parents[2] / ".alma")
    data_dir.mkdir(parents=True, exist_ok=True)
    fetch(CHAT, data_dir)
    return data_dir


@pytest.fixture
def gguf(data_dir: Path) -> Path:
    return chat_model_path(data_dir)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "models.toml"


@pytest.fixture
async def open_registry(tmp_path: Path, file: Path) -> AsyncIterator[Callable[..., Registry]]:
    """Make registries whose sessions are closed at the end. No environment, no embedded model unless asked for."""
    opened: list[Registry] = []

    def make(**fields) -> Registry:
        given = {"models_file_path": file, "data_dir": tmp_path, "embedded": False, "environ": {}, **fields}
        opened.append(Registry(**given))
        return opened[-1]

    yield make
    for registry in opened:
        await registry.close()
