"""How many calls an endpoint gets at once. First come, first served; who waits is counted and can be cancelled."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque


class Gate:
    """A FIFO semaphore of `limit` places whose queue can be seen. The queue is as long as there are callers: what
    bounds it is the server's limit of unfinished runs. `limit` may change while calls are running."""

    def __init__(self, limit: int) -> None:
        if limit < 1:
            raise ValueError(f"a gate needs at least one place, not {limit}")
        self._limit = limit
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.active = 0

    @property
    def queued(self) -> int:
        """Calls that wait for a place."""
        return len(self._waiting)

    @property
    def limit(self) -> int:
        return self._limit

    @limit.setter
    def limit(self, places: int) -> None:
        self._limit = places
        self._admit()

    async def enter(self) -> None:
        """Take a place, waiting for one if need be."""
        if self.active < self._limit and not self._waiting:
            self.active += 1
            return
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():  # admitted and cancelled at the same moment
                self.leave()
            else:
                with contextlib.suppress(ValueError):  # `_admit` may have passed over it already
                    self._waiting.remove(place)
            raise

    def leave(self) -> None:
        """Give the place back."""
        self.active -= 1
        self._admit()

    def _admit(self) -> None:
        while self._waiting and self.active < self._limit:
            place = self._waiting.popleft()
            if not place.done():
                self.active += 1
                place.set_result(None)
