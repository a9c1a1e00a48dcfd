"""The two ways to reach Alma from the command line: a server that runs already, or Alma inside this process."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from alma.config import Settings
from alma.server.commands import StartRun


class Door(Protocol):
    """What the commands need of Alma. Every method raises an `AlmaError` when it is refused."""

    def run(self, command: StartRun) -> AsyncGenerator[str]:
        """Start a run and yield its events, each as the JSON text of its frame, until it has ended."""
        ...

    async def stop(self, run_id: str) -> None: ...

    def history(self, thread_id: str) -> AsyncGenerator[str]:
        """The events of all turns of a thread up to now."""
        ...

    async def call(self, method: str, path: str, body: object = None) -> object:
        """One request of the JSON API: the decoded answer, None where there is none."""
        ...


class ServerFile(Struct, frozen=True):
    """`server.json` in the data folder, while a server runs."""

    pid: int
    url: str


def running_server(data_dir: Path) -> ServerFile | None:
    """The server that uses this data folder, if its process lives. Whether it answers is not looked at."""
    try:
        found = msgspec.json.decode(data_dir.joinpath("server.json").read_bytes(), type=ServerFile)
    except (OSError, msgspec.DecodeError):
        return None
    try:
        os.kill(found.pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass  # it lives, and belongs to somebody else
    return found


async def answers(url: str) -> bool:
    """Whether something listens there: a killed server leaves its file, and its number may go to another process."""
    address = urlsplit(url)
    try:
        async with asyncio.timeout(2):
            _, writer = await asyncio.open_connection(address.hostname, address.port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


@contextlib.asynccontextmanager
async def open_door(settings: Settings) -> AsyncGenerator[Door]:
    """The running server's door where there is one, else that of an Alma started here for the time of the command."""
    server = running_server(settings.data_dir)
    if server is not None and await answers(server.url):
        from alma.cli.server_door import server_door

        async with server_door(settings.data_dir) as door:
            yield door
    else:
        from alma.app import embedded_session

        async with embedded_session(settings) as session:
            yield session
