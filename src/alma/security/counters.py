"""Counts of sliding windows in memory, behind the interface of the `limits` library.

The library's own storage in memory looks through all of its keys at each hit (0.8 ms at 10,000 keys, see
docs/decisions/0018-limits.md). Here a hit costs the same however many keys there are, and there are never more than
`max_keys` of them in a length of window: the one that was longest not used goes first.

The rule is the library's sliding window counter: what the window before has counted weighs as much as of it still lies
within the last `expiry` seconds. So at the edge of a window nothing is given twice.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from limits.aio.storage import SlidingWindowCounterSupport, Storage
from msgspec import Struct

_SWEPT = 2  # keys looked at for each new one: more than come, so expired ones cannot pile up


class Window(Struct, frozen=True):
    """Counts of the window before and of this one, with seconds until each stops to weigh at all; `current_s` therefore
    is the rest of this window and a whole one."""

    previous: int
    previous_s: float
    current: int
    current_s: float


class _Count(Struct):
    window: int
    current: int = 0
    previous: int = 0


class Counters(Storage, SlidingWindowCounterSupport):
    """`clock`: seconds that never go back."""

    STORAGE_SCHEME = ["async+alma"]  # noqa: RUF012  # the library's registry wants a list

    def __init__(self, max_keys: int = 20_000, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._max_keys = max_keys
        self._clock = clock
        self._counts: dict[int, OrderedDict[str, _Count]] = {}  # by length of window, longest unused first

    def __len__(self) -> int:
        return sum(map(len, self._counts.values()))

    # ── what the rates use: nothing here waits ────────────────────────────────────────────────────────────────────

    def fits(self, key: str, limit: int, expiry: int, amount: int) -> bool:
        seen = self.window(key, expiry)
        return int(seen.previous * seen.previous_s / expiry) + seen.current + amount <= limit

    def add(self, key: str, expiry: int, amount: int) -> None:
        counts = self._counts.get(expiry)
        if counts is None:
            counts = self._counts[expiry] = OrderedDict()
        now = int(self._clock() / expiry)
        count = counts.get(key)
        if count is None:
            self._make_room(counts, now)
            counts[key] = _Count(now, amount)
            return
        if count.window != now:
            count.previous = count.current if count.window == now - 1 else 0
            count.current, count.window = 0, now
        count.current += amount
        counts.move_to_end(key)

    def window(self, key: str, expiry: int) -> Window:
        at = self._clock() / expiry
        now = int(at)
        rest = (1 - (at - now)) * expiry
        count = self._counts[expiry].get(key) if expiry in self._counts else None
        if count is None or count.window < now - 1:
            return Window(0, 0.0, 0, 0.0)
        if count.window == now:
            return Window(count.previous, rest if count.previous else 0.0, count.current, rest + expiry)
        return Window(count.current, rest, 0, 0.0)

    def _make_room(self, counts: OrderedDict[str, _Count], now: int) -> None:
        for _ in range(_SWEPT):
            if not counts:
                return
            key = next(iter(counts))
            if counts[key].window >= now - 1:
                break
            del counts[key]
        if len(counts) >= self._max_keys:
            counts.popitem(last=False)

    # ── the library's interface ───────────────────────────────────────────────────────────────────────────────────

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    async def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        if not self.fits(key, limit, expiry, amount):
            return False
        self.add(key, expiry, amount)
        return True

    async def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        seen = self.window(key, expiry)
        return seen.previous, seen.previous_s, seen.current, seen.current_s

    async def clear_sliding_window(self, key: str, expiry: int) -> None:
        self._counts.get(expiry, OrderedDict[str, _Count]()).pop(key, None)

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        self.add(key, expiry, amount)
        return self.window(key, expiry).current

    async def get(self, key: str) -> int:
        return max((counts[key].current for counts in self._counts.values() if key in counts), default=0)

    async def get_expiry(self, key: str) -> float:
        ends = [(counts[key].window + 2) * expiry for expiry, counts in self._counts.items() if key in counts]
        return time.time() + max(max(ends, default=0.0) - self._clock(), 0.0)

    async def check(self) -> bool:
        return True

    async def clear(self, key: str) -> None:
        for counts in self._counts.values():
            counts.pop(key, None)

    async def reset(self) -> int:
        had = len(self)
        self._counts.clear()
        return had
