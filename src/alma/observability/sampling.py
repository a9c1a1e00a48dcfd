"""Sampling: once a second what the meter has and how all levels are becomes a sample; ten of them are stored as one."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import TypeVar

from alma.db.database import Database
from alma.errors import StorageFailure
from alma.observability.keeping import FINEST, HOUR, end_of, forget, keep
from alma.observability.meter import Meter
from alma.observability.recent import Recent
from alma.observability.sample import Sample, values_of

log = logging.getLogger(__name__)
T = TypeVar("T")
_JUMP_S = 30.0  # by which two clocks may differ before one is taken to have been set
_FORGET_EVERY_S = 600.0
_MOST_UNWRITTEN = 60  # samples of ten seconds that wait for a database that cannot be written
_LAST_WRITE_S = 2.0
Levels = Callable[[], Mapping[str, float]]
Listener = Callable[[int, dict[str, float]], None]  # Unix second, values by name


def to_next_second(now: float) -> float:
    """How long it is to the next full second that is not nearer to `now` than any other: that one has its sample."""
    left = 1.0 - now % 1.0
    return left if left > 0.5 else left + 1.0


class Sampler:
    """`levels`: each gives some levels as they are now; `counted`: totals that only grow, of which the difference is
    taken. `run` and `write` must be running. Of each second's values hear those who `listen`."""

    def __init__(
        self,
        database: Database,
        meter: Meter,
        *,
        levels: list[Levels],
        counted: dict[str, Callable[[], float]],
        days: float,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.meter = meter
        self.recent = Recent()
        self.levels: dict[str, float] = {}  # as they were last
        self.newest = Sample()
        self._database = database
        self._sources = levels
        self._counted = counted
        self._before = dict.fromkeys(counted, 0.0)
        self._days = days
        self._clock = clock
        self._monotonic = monotonic
        self._listeners: tuple[Listener, ...] = ()
        self._looked = (clock(), monotonic())
        self._jumped_at = float("-inf")
        self._forgot_at = float("-inf")
        self._unwritten: dict[int, Sample] = {}  # by the end of their ten seconds
        self._broken: set[str] = set()
        self._news = asyncio.Event()
        self._writing = asyncio.Lock()

    def listen(self, listener: Listener) -> None:
        """Call `listener` (which must not wait) every second."""
        self._listeners = (*self._listeners, listener)

    async def run(self) -> None:
        """Until cancelled."""
        self._looked = (self._clock(), self._monotonic())
        while True:
            await asyncio.sleep(to_next_second(self._clock()))
            self.look()

    def look(self) -> None:
        """Take the sample of the time since the last look."""
        now, steady = self._clock(), self._monotonic()
        elapsed = steady - self._looked[1]
        if abs(now - self._looked[0] - elapsed) > _JUMP_S:
            self._jumped_at = steady
            log.warning("the clock was set by %+.0f s", now - self._looked[0] - elapsed)
        self._looked = (now, steady)
        if elapsed <= 0:
            return
        for name, total in self._counted.items():
            value = self._ask(name, total, self._before[name])
            self.meter.count(name, max(value - self._before[name], 0.0))
            self._before[name] = max(value, self._before[name])
        self.levels = {}
        for source in self._sources:
            self.levels |= self._ask(repr(source), source, {})
        sample = self.newest = self.meter.take(elapsed, self.levels)
        second = round(now)
        values = values_of(sample)
        self.recent.put(second, values)
        self._store(second, sample)
        for listener in self._listeners:
            self._ask(repr(listener), lambda tell=listener: tell(second, values), None)

    def _ask(self, name: str, source: Callable[[], T], otherwise: T) -> T:
        try:
            return source()
        except Exception:  # the boundary to all that is measured: its bug must not end the measuring of the rest
            if name not in self._broken:
                self._broken.add(name)
                log.exception("%s cannot be measured", name)
            return otherwise

    # ── keeping ───────────────────────────────────────────────────────────────────────────────────────────────────

    @contextlib.asynccontextmanager
    async def pending(self) -> AsyncGenerator[list[tuple[int, Sample]]]:
        """What is not in the database yet, by the end of its ten seconds: copies, for a thread to read. Within the
        block none of it is written, so that it can be added to what is there."""
        async with self._writing:
            yield [(end, sample.copy()) for end, sample in self._unwritten.items()]

    def _store(self, second: int, sample: Sample) -> None:
        end = end_of(second, FINEST)
        if any(end != other for other in self._unwritten):
            self._news.set()
        self._unwritten.setdefault(end, Sample()).merge(sample)
        if len(self._unwritten) > _MOST_UNWRITTEN:
            self._unwritten.pop(next(iter(self._unwritten)))

    async def write(self) -> None:
        """Write what is whole, and forget what is old, until cancelled; then what there is."""
        try:
            while True:
                await self._news.wait()
                self._news.clear()
                await self._write(all_of_it=False)
                await self._forget()
        finally:
            with contextlib.suppress(StorageFailure, TimeoutError):
                async with asyncio.timeout(_LAST_WRITE_S):
                    await asyncio.shield(self._write(all_of_it=True))

    async def _write(self, *, all_of_it: bool) -> None:
        async with self._writing:
            await self._write_some(all_of_it=all_of_it)

    async def _write_some(self, *, all_of_it: bool) -> None:
        newest = next(reversed(self._unwritten), None)
        for end in list(self._unwritten):
            if end == newest and not all_of_it:
                continue
            sample = self._unwritten.pop(end)
            try:
                await self._database.write(lambda connection, at=end, one=sample: keep(connection, at, one))
            except StorageFailure as error:
                log.warning("figures wait for the database: %s", error.actual)
                sample.merge(self._unwritten.pop(end, Sample()))
                self._unwritten = {end: sample, **self._unwritten}
                return

    async def _forget(self) -> None:
        """Not soon after the clock was set: if it is wrong now, everything would seem to be old."""
        steady = self._monotonic()
        if steady - self._forgot_at < _FORGET_EVERY_S or steady - self._jumped_at < HOUR:
            return
        self._forgot_at = steady
        now = self._clock()
        with contextlib.suppress(StorageFailure):
            while await self._database.write(lambda connection: forget(connection, now, self._days)):
                pass
