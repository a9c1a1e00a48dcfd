"""Counts in a Redis or Valkey that several servers share. `None` as an answer: it is away just now; count in memory."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from limits.errors import ConfigurationError, StorageError

from alma.errors import SettingsInvalid
from alma.security.counters import Window

if TYPE_CHECKING:
    from limits.aio.storage import RedisStorage

log = logging.getLogger(__name__)
_AWAY_S = 5.0  # until a storage that was away is asked again
_SLOW_S = 0.5  # one that takes longer is away
_ALL = 2**52  # more than any quota, and still exact in its scripts
T = TypeVar("T")
Asked = tuple[str, int, int]  # key, quota, length of the window in seconds


def _client(url: str) -> RedisStorage:
    from limits.aio.storage import RedisStorage  # its client takes time to import, and is optional

    options: dict[str, Any] = {"socket_connect_timeout": _SLOW_S, "socket_timeout": _SLOW_S}
    name = url.partition(":")[0]
    try:
        return RedisStorage(
            "async+" + url,
            wrap_exceptions=True,
            implementation="valkey" if name.startswith("valkey") else "redispy",
            key_prefix="alma",
            **options,
        )
    except ConfigurationError as error:
        raise SettingsInvalid(
            [f"ALMA_LIMIT_STORAGE: expected a storage whose client is installed (pip install 'alma[redis]'), {error}"]
        ) from error


class SharedCounts:
    """`clock`: seconds that never go back."""

    def __init__(self, url: str, clock: Callable[[], float]) -> None:
        self._storage = _client(url)
        self._clock = clock
        self._again_at = 0.0  # while it is away: when it is asked again
        self._away = False

    @property
    def away(self) -> bool:
        """Whether it did not answer the last time."""
        return self._away

    async def take(self, asked: Sequence[Asked], cost: int) -> list[int] | None:
        """Count `cost` with all of them; gives those (by place) that refuse it. The first to refuse ends it: put those
        with the shortest windows first, so that who sends too fast does not use up the longer ones."""

        async def work() -> list[int]:
            for place, (key, quota, window_s) in enumerate(asked):
                if not await self._storage.acquire_sliding_window_entry(key, quota, window_s, cost):
                    return [place]
            return []

        return await self._ask(work)

    async def add(self, asked: Sequence[Asked], cost: int) -> bool | None:
        async def work() -> bool:
            for key, _quota, window_s in asked:
                await self._storage.acquire_sliding_window_entry(key, _ALL, window_s, cost)
            return True

        return await self._ask(work)

    async def windows(self, asked: Sequence[Asked]) -> list[Window] | None:
        async def work() -> list[Window]:
            return [Window(*await self._storage.get_sliding_window(key, window_s)) for key, _quota, window_s in asked]

        return await self._ask(work)

    async def close(self) -> None:
        bridge: Any = self._storage.bridge  # the library has no door for this
        await bridge.get_connection().aclose()

    async def _ask(self, work: Callable[[], Awaitable[T]]) -> T | None:
        if self._away:
            if self._clock() < self._again_at:
                return None
            self._again_at = self._clock() + _AWAY_S  # one asks; the others count in memory meanwhile
        try:
            async with asyncio.timeout(_SLOW_S):
                answer = await work()
        except (StorageError, OSError) as error:  # TimeoutError is one of the latter
            self._again_at = self._clock() + _AWAY_S
            if not self._away:
                self._away = True
                log.warning("rates are counted in memory: their storage is away (%s)", _said(error))
            return None
        if self._away:
            self._away = False
            log.warning("rates are counted in their storage again")
        return answer


def _said(error: Exception) -> str:
    cause = error.storage_error if isinstance(error, StorageError) else error
    return str(cause) or type(cause).__name__
