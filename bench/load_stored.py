"""What the people of `bench.load` leave behind: counted, and the oldest of it removed, so that the work which is
measured is a steady state and what grows is none of the data."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import aiohttp

_PAGE = 200  # the most that the server lists at once
_EVERY_S = 0.25
_FOR_ONE = 2  # threads that are removed for each that is begun


async def stored(http: aiohttp.ClientSession) -> dict[str, int]:
    """How many threads and memories there are; of these also what was superseded or forgotten."""
    counts = (await _read(http, "/api/memory"))["counts"]
    memories = counts["alive"] + counts["superseded"] + counts["forgotten"]
    return {"threads": len(await _newest(http)), "memories": memories}


class Old:
    """Threads that have to go: those on which nothing is under way, but for the newest `most`. Who is about to begin
    another one removes some first, so that however slow the server is no more are begun than go."""

    def __init__(self, http: aiohttp.ClientSession, most: int) -> None:
        self._http = http
        self._most = most
        self._ids: list[str] = []  # the newest first
        self._going: set[str] = set()

    async def look(self) -> None:
        """Until cancelled."""
        while True:
            with contextlib.suppress(OSError, aiohttp.ClientError, TimeoutError, RuntimeError):
                idle = [one["id"] for one in await _newest(self._http) if not one["working"]]
                self._ids = [thread_id for thread_id in idle[self._most :] if thread_id not in self._going]
            await asyncio.sleep(_EVERY_S)

    async def remove_some(self) -> None:
        for _ in range(min(_FOR_ONE, len(self._ids))):
            if self._ids:
                self._going.add(thread_id := self._ids.pop())
                await remove(self._http, thread_id)


async def remove(http: aiohttp.ClientSession, thread_id: str) -> None:
    """A thread and all that is remembered of it, for good. Somebody else may have been faster."""
    found = await _read(http, f"/api/memories?thread={thread_id}&state=any&limit={_PAGE}")
    for one in found["memories"]:
        await _delete(http, f"/api/memories/{one['memory']['id']}?purge=true")
    await _delete(http, f"/api/threads/{thread_id}")


async def _newest(http: aiohttp.ClientSession) -> list[dict[str, Any]]:
    """All threads, the newest first."""
    threads: list[dict[str, Any]] = []
    page = await _read(http, f"/api/threads?limit={_PAGE}")
    while True:
        threads += page["threads"]
        if not page["more"]:
            return threads
        page = await _read(http, f"/api/threads?limit={_PAGE}&before={threads[-1]['updatedAt']!r}")


async def _read(http: aiohttp.ClientSession, path: str) -> dict[str, Any]:
    async with http.get(path) as answer:
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status}")
        return await answer.json()


async def _delete(http: aiohttp.ClientSession, path: str) -> None:
    async with http.delete(path) as answer:
        if answer.status >= 400 and answer.status != 404:
            raise RuntimeError(f"{path}: {answer.status}")
