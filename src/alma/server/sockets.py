"""The WebSockets that are open, and whose they are: to close those of a token, to count them, and to keep them alive.

One timer beats for all of them, a few at a time, so that neither a task each nor a burst at once is the price of a
sign of life.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Protocol

from alma.errors import AlmaError
from alma.security.caller import Caller

_SLICES = 16  # of one heartbeat


class Open(Protocol):
    """A connection as the others see it. `close` ends it with a last word, and does not wait."""

    @property
    def caller(self) -> Caller: ...

    def close(self, error: AlmaError, code: int = 1008) -> None: ...

    def beat(self) -> None: ...


class Sockets:
    def __init__(self, heartbeat_s: float = 15.0) -> None:
        self._pause = heartbeat_s / _SLICES
        self._slices: tuple[dict[Open, None], ...] = tuple({} for _ in range(_SLICES))  # as sets, but in order
        self._place: dict[Open, int] = {}
        self._of: dict[str, int] = {}
        self._turn = 0
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._place)

    def __iter__(self) -> Iterator[Open]:
        """A snapshot: connections may come and go while it is looked through."""
        return iter(list(self._place))

    def of(self, key: str) -> int:
        """How many the caller with this key has open."""
        return self._of.get(key, 0)

    def join(self, connection: Open) -> None:
        """Its first heartbeat comes a whole pause after this."""
        place = self._turn - 1 if self._turn else _SLICES - 1
        self._place[connection] = place
        self._slices[place][connection] = None
        key = connection.caller.key
        self._of[key] = self._of.get(key, 0) + 1
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._pause, self._beat)

    def leave(self, connection: Open) -> None:
        place = self._place.pop(connection, None)
        if place is None:
            return
        self._slices[place].pop(connection, None)
        key = connection.caller.key
        if (left := self._of[key] - 1) > 0:
            self._of[key] = left
        else:
            del self._of[key]
        if not self._place and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _beat(self) -> None:
        for connection in list(self._slices[self._turn]):
            connection.beat()
        self._turn = (self._turn + 1) % _SLICES
        self._timer = asyncio.get_running_loop().call_later(self._pause, self._beat)
