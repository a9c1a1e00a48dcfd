"""Frames that wait for a socket: bounded by the memory they hold."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

_EACH = 64  # bytes of a string and its place in the queue, beside its characters


class Outbox:
    """At most about `limit` bytes of frames, as they lie in memory. When it is full `push` refuses, unless forced.
    `wanted` is called when there is something to do and nobody waits to do it."""

    __slots__ = ("_frames", "_limit", "_room", "_sealed", "_size", "_waiter", "_wanted")

    def __init__(self, limit: int, wanted: Callable[[], None]) -> None:
        self._limit = limit
        self._wanted = wanted
        self._sealed = False
        self._frames: deque[str] = deque()
        self._size = 0
        self._waiter: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None

    @property
    def full(self) -> bool:
        return self._size >= self._limit

    def push(self, frame: str, *, force: bool = False) -> bool:
        if (self._size >= self._limit and not force) or self._sealed:
            return False
        self._frames.append(frame)
        self._size += _weight(frame)
        self.wake()
        return True

    def wake(self) -> None:
        waiter = self._waiter
        if waiter is None:
            self._wanted()
        elif not waiter.done():
            waiter.set_result(None)

    def pop(self) -> str | None:
        if not self._frames:
            return None
        frame = self._frames.popleft()
        self._size -= _weight(frame)
        if self._room is not None and self._size < self._limit:
            self._let_in()
        return frame

    def holds(self, frame: str) -> bool:
        """Whether this very frame still waits."""
        return any(one is frame for one in self._frames)

    async def room(self) -> None:
        """Until there is room: a client that sends commands must read the answers. For one waiter."""
        if self._size >= self._limit and not self._sealed:
            self._room = asyncio.get_running_loop().create_future()
            await self._room

    def seal(self, *last: str) -> None:
        """Forget what waits, take nothing more, and nobody need wait for room; only `last` still goes out."""
        self._sealed = True
        self._frames = deque(last)
        self._size = sum(map(_weight, last))
        self._let_in()
        self.wake()

    def _let_in(self) -> None:
        room, self._room = self._room, None
        if room is not None and not room.done():
            room.set_result(None)

    async def wait(self) -> None:
        """Until `push` or `wake` is called; for the one task that empties the outbox."""
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter

    def rest(self) -> None:
        """Nobody empties it for now: the next who pushes calls for somebody."""
        self._waiter = None


def _weight(frame: str) -> int:
    return _EACH + (len(frame) if frame.isascii() else 4 * len(frame))
