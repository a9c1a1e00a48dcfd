"""`server.json` in the data folder: where the server that uses it listens, while it runs."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from alma.errors import Forbidden
from alma.server.found import ServerFile


def running_server(data_dir: Path) -> ServerFile | None:
    """The server that uses this data folder, if its process lives. Whether it answers is not looked at. Raises
    `Forbidden` where somebody else may have written what the folder says: tasks would go to them."""
    path = data_dir / "server.json"
    try:
        with path.open("rb") as file:
            _check_ours(path, os.fstat(file.fileno()))
            found = msgspec.json.decode(file.read(), type=ServerFile)
    except (OSError, msgspec.DecodeError):
        return None
    try:
        os.kill(found.pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass  # it lives, and belongs to somebody else
    return found


def _check_ours(path: Path, found: os.stat_result) -> None:
    others_write = stat.S_IMODE(found.st_mode) & (stat.S_IWGRP | stat.S_IWOTH)
    if others_write or found.st_uid not in (os.geteuid(), 0):
        raise Forbidden(
            "server_file_unsafe",
            f"{path} says where the server is, and others could have written it.",
            expected="a file that only you can write",
            actual=f"mode {stat.S_IMODE(found.st_mode):04o}, user {found.st_uid}",
            hint="If no server runs, remove it; if one does, start it again.",
        )


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
