"""`server.json` in the data folder: where the server that uses it listens, while it runs."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct


class ServerFile(Struct, frozen=True):
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
