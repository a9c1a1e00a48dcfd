"""Who goes on after refusal upon refusal waits for each further one: to answer a flood at its own speed would cost the
others the server. Who meets a limit a few times is answered at once.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from alma.errors import TooMany

_PATIENT = 20  # refusals that are answered at once, until a window has passed without one
_LEAST_S = 1.0  # before each further one
_PAUSE_S = 2.0  # the same, at most
_REMEMBERED_S = 60.0  # a window is remembered for, at most
_MOST = 10_000  # callers who are remembered, those of late
_WAITING = 4_000  # answers that wait at once; more go out at once, for each holds its request


class Slowing:
    def __init__(
        self, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._sleep = sleep
        self._clock = clock
        self._waiting = 0
        self._refused: OrderedDict[str, tuple[int, float]] = OrderedDict()  # how often, and until when that counts

    async def pause(self, key: str, error: TooMany) -> None:
        """Before the caller with this key is told so."""
        now = self._clock()
        times, until = self._refused.pop(key, (0, 0.0))
        times = times + 1 if now < until else 1
        self._refused[key] = times, now + min(max(error.window_s, _PAUSE_S), _REMEMBERED_S)
        if len(self._refused) > _MOST:
            self._refused.popitem(last=False)
        if times <= _PATIENT or self._waiting >= _WAITING:
            return
        self._waiting += 1
        try:
            await self._sleep(min(max(error.retry_after_s, _LEAST_S), _PAUSE_S))
        finally:
            self._waiting -= 1
