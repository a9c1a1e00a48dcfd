"""A watched folder into which nobody looks but the test."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from shelf import Shelf

from alma.memory.knowledge.watching import Watching

OLD = time.time() - 100


def by_hand(tmp_path: Path, watched: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    async def run(self: Watching) -> None:
        self._disks = self._remembered()

    monkeypatch.setattr(Watching, "run", run)
    return Shelf(f"sqlite:///{tmp_path / 'a.db'}", tmp_path, watched)


def write(path: Path, text: str, at: float = OLD) -> None:
    """As a file that was written a while ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (at, at))


async def look(shelf: Shelf, times: int = 1) -> None:
    assert shelf.library._watching is not None
    for _ in range(times):
        await shelf.library._watching.look()


def deleted(shelf: Shelf) -> list[str]:
    return [document.origin for document, is_deleted in shelf.told if is_deleted]


@asynccontextmanager
async def shelved(shelf: Shelf, watched: Path, *origins: str) -> AsyncGenerator[None]:
    """With these files in the folder, each of which says its origin, read."""
    for origin in origins:
        write(watched / origin, f"I am {origin}.")
    async with shelf.running():
        await look(shelf)
        for origin in origins:
            assert (await shelf.settled(Path(origin).name)).state == "ready"
        yield
