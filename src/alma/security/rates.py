"""Rates: how much of what a caller may do in how much time, and what is left of it.

A policy (`requests`, `runs`, …) has one or more limits that hold together, such as 200 in a second (a burst) and 6,000
in a minute (sustained). What is refused is not counted. Counts are in memory, or in a Redis or Valkey that several
servers share; while that is away they are in memory, and nobody is refused for it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from limits import parse_many
from msgspec import Struct

from alma.errors import TooMany
from alma.security.counters import Counters, Window
from alma.security.shared_counts import Asked, SharedCounts

_GRACE_S = 0.001  # the moment when there is room again is not yet it
_WHAT = {
    "requests": "Too many requests.",
    "connects": "Too many connections were opened.",
    "messages": "Too many commands.",
    "runs": "Too many runs were started.",
    "tokens": "The tokens that may be used in this time are used up.",
    "bytes": "Too much was sent.",
    "sign_ins": "Too many wrong access tokens were shown.",
}


class Limit(Struct, frozen=True):
    """At most `quota` in `window_s` seconds. `name`: among those of its policy (`burst`, `sustained`)."""

    policy: str
    name: str
    quota: int
    window_s: int


class Left(Struct, frozen=True):
    """`left` of the limit now; all of it is back in `reset_s` seconds."""

    limit: Limit
    left: int
    reset_s: float


def limits_of(policy: str, rates: str) -> tuple[Limit, ...]:
    """`200/second; 6000/minute` as limits, the shortest window first; none for an empty text."""
    items = sorted(parse_many(rates), key=lambda item: item.get_expiry()) if rates.strip() else []
    names = ["burst", *(f"within-{item.get_expiry()}s" for item in items[1:-1]), "sustained"]
    if len(items) == 1:
        names = ["sustained"]
    return tuple(Limit(policy, name, item.amount, item.get_expiry()) for name, item in zip(names, items, strict=False))


def left_of(limit: Limit, seen: Window) -> Left:
    used = int(seen.previous * seen.previous_s / limit.window_s) + seen.current
    return Left(limit, max(limit.quota - used, 0), max(seen.previous_s, seen.current_s))


def wait_for(limit: Limit, seen: Window, cost: int) -> float:
    """Seconds until `cost` fits; a whole window for what never does."""
    if cost > limit.quota:
        return float(limit.window_s)
    room = limit.quota - cost + 1  # what is counted must come below this
    if seen.current < room:
        # The window before fades; this one alone leaves room.
        least = (room - seen.current) * limit.window_s / seen.previous if seen.previous else math.inf
        return max(seen.previous_s - least, 0.0) + _GRACE_S
    edge = seen.current_s - limit.window_s
    return edge + max(limit.window_s - room * limit.window_s / seen.current, 0.0) + _GRACE_S


class Refusals(Protocol):
    def refuse(self, code: str) -> None: ...


class Rates:
    """`policies`: name → rates, as in the settings. `storage`: `redis://…` or `valkey://…`; None: memory. `refusals`
    counts what is refused. Raises `SettingsInvalid` when the storage's client is not installed."""

    def __init__(
        self,
        policies: Mapping[str, str],
        storage: str | None = None,
        *,
        refusals: Refusals | None = None,
        clock: Callable[[], float] = time.monotonic,
        max_keys: int = 20_000,
    ) -> None:
        self._limits = {policy: limits_of(policy, rates) for policy, rates in policies.items()}
        self._counters = Counters(max_keys, clock)
        self._shared = SharedCounts(storage, clock) if storage is not None else None
        self._refusals = refusals

    @property
    def policies(self) -> list[str]:
        """Those that limit anything."""
        return [policy for policy, limits in self._limits.items() if limits]

    @property
    def problem(self) -> str:
        """What is wrong with the storage, for people; empty: nothing."""
        away = self._shared is not None and self._shared.away
        return "The storage of rates is away: each server counts in its own memory." if away else ""

    def limits(self, policy: str) -> tuple[Limit, ...]:
        return self._limits.get(policy, ())

    async def take(self, policy: str, key: str, cost: int = 1) -> None:
        """Count `cost`. Raises `TooMany` when that is too much."""
        limits = self._limits.get(policy)
        if not limits:
            return
        if self._shared is not None:
            met = await self._shared.take(_asked(limits, key), cost)
            if met is not None:
                for place in met:
                    await self._refuse_shared(limits[place], key, cost)
                return
        asked = _asked(limits, key)
        for limit, (name, quota, window_s) in zip(limits, asked, strict=True):
            if not self._counters.fits(name, quota, window_s, cost):
                raise self._refused(limit, self._counters.window(name, window_s), cost)
        for name, _quota, window_s in asked:
            self._counters.add(name, window_s, cost)

    async def check(self, policy: str, key: str) -> None:
        """Raises `TooMany` when nothing is left; counts nothing."""
        for limit, seen in await self._seen(policy, key):
            if left_of(limit, seen).left < 1:
                raise self._refused(limit, seen, 1)

    async def add(self, policy: str, key: str, cost: int) -> None:
        """Count what has happened already, also over the quota."""
        limits = self._limits.get(policy)
        if not limits or cost < 1:
            return
        asked = _asked(limits, key)
        if self._shared is not None and await self._shared.add(asked, cost) is not None:
            return
        for name, _quota, window_s in asked:
            self._counters.add(name, window_s, cost)

    async def left(self, policy: str, key: str) -> list[Left]:
        return [left_of(limit, seen) for limit, seen in await self._seen(policy, key)]

    async def close(self) -> None:
        if self._shared is not None:
            await self._shared.close()

    async def _seen(self, policy: str, key: str) -> list[tuple[Limit, Window]]:
        limits = self._limits.get(policy)
        if not limits:
            return []
        asked = _asked(limits, key)
        if self._shared is not None and (windows := await self._shared.windows(asked)) is not None:
            return list(zip(limits, windows, strict=True))
        return [
            (limit, self._counters.window(name, window_s))
            for limit, (name, _, window_s) in zip(limits, asked, strict=True)
        ]

    async def _refuse_shared(self, limit: Limit, key: str, cost: int) -> None:
        assert self._shared is not None
        windows = await self._shared.windows(_asked((limit,), key))
        # Gone between the two questions: say the worst, which is a whole window.
        raise self._refused(limit, windows[0] if windows else Window(0, 0.0, limit.quota, 2.0 * limit.window_s), cost)

    def _refused(self, limit: Limit, seen: Window, cost: int) -> TooMany:
        error = too_many(limit, wait_for(limit, seen, cost))
        if self._refusals is not None:
            self._refusals.refuse(error.code)
        return error


def too_many(limit: Limit, retry_after_s: float) -> TooMany:
    return TooMany(
        f"too_many_{limit.policy}",
        _WHAT.get(limit.policy, f"Too many {limit.policy}."),
        policy=limit.policy,
        quota=limit.quota,
        window_s=limit.window_s,
        retry_after_s=math.ceil(retry_after_s * 1000) / 1000,
        hint=f"At most {limit.quota:,} in {limit.window_s:,} s. Try again in {max(math.ceil(retry_after_s), 1):,} s.",
    )


def _asked(limits: tuple[Limit, ...], key: str) -> list[Asked]:
    return [(f"{limit.policy}/{limit.window_s}/{key}", limit.quota, limit.window_s) for limit in limits]
