"""What was measured, read back: series over a time, and the figures of the whole of it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

import sqlalchemy as sa
from msgspec import Struct

from alma.db.database import Database
from alma.observability.catalog import BY_NAME, METRICS
from alma.observability.keeping import DAY, FINEST, HOUR, MINUTE, STEPS, end_of, kept_for, merged, read
from alma.observability.recent import SECONDS, Recent
from alma.observability.sample import Sample, highs_of, values_of
from alma.observability.sampling import Sampler

RANGES: dict[str, tuple[float, int]] = {  # seconds, step
    "5m": (5 * MINUTE, 1),
    "1h": (HOUR, 10),
    "6h": (6 * HOUR, 60),
    "24h": (DAY, 300),
    "7d": (7 * DAY, 1800),
}
MOST_POINTS = 400
_NOTHING = Sample()
NAMES = tuple(metric.name for metric in METRICS)


class Window(Struct, frozen=True):
    """A time to be looked at; `step`: seconds from one point of a series to the next."""

    since: float
    until: float
    step: int

    @property
    def before(self) -> Window:
        """As long a time before it."""
        return Window(2 * self.since - self.until, self.since, self.step)


class Series(Struct, frozen=True):
    """`highs`: of levels the highest second within each step; none where a step is a second."""

    at: list[float]
    values: dict[str, list[float | None]]
    highs: dict[str, list[float | None]]


class History:
    def __init__(
        self, database: Database, sampler: Sampler, days: float, clock: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._sampler = sampler
        self._days = days
        self._clock = clock

    def window(self, range: str, since: float | None = None, until: float | None = None) -> Window:
        """The time meant: `since` and `until` where both are given and in order, else the last `range`; of it what is
        not too long ago, and not still to come."""
        now = self._clock()
        if since is not None and until is not None and since < until:
            until = min(until, now)
            since = min(max(since, now - self._days * DAY), until)
            return Window(since, until, self._step(since, until, now))
        length, step = RANGES[range]
        return Window(now - length, now, step)

    def _step(self, since: float, until: float, now: float) -> int:
        """The shortest that is still kept of that time, in at most `MOST_POINTS`."""
        length = until - since
        if since >= now - SECONDS and length <= SECONDS:
            return 1
        for step in STEPS:
            if length / step <= MOST_POINTS and since >= now - kept_for(step, self._days):
                return step
        return math.ceil(max(length / MOST_POINTS, STEPS[-1]) / STEPS[-1]) * STEPS[-1]

    async def series(self, window: Window, names: Sequence[str]) -> Series:
        if window.step == 1:
            return _of_seconds(self._sampler.recent, window, names)
        step, now = window.step, self._clock()
        ends = range(math.floor(window.since / step) * step + step, end_of(window.until, step) + 1, step)
        wanted = frozenset(names)
        async with self._sampler.pending() as pending:

            def look(connection: sa.Connection) -> list[tuple[dict[str, float], dict[str, float]]]:
                samples = _samples(connection, window, pending)
                found = (samples.get(end, _NOTHING) for end in ends)
                return [(values_of(sample, wanted), highs_of(sample)) for sample in found]

            points = await self._database.read(look, slow=True)
        return Series(
            [min(float(end), now) for end in ends],
            {name: [values.get(name) for values, _ in points] for name in names},
            {name: [highs.get(name) for _, highs in points] for name in names if BY_NAME[name].what == "level"},
        )

    async def figures(self, window: Window) -> dict[str, float]:
        """Of the whole time, by name."""
        now, days = self._clock(), self._days
        async with self._sampler.pending() as pending:

            def look(connection: sa.Connection) -> dict[str, float]:
                whole = merged(connection, window.since, window.until, now, days)
                for end, sample in pending:
                    if window.since < end and end - FINEST < window.until:
                        whole.merge(sample)
                return values_of(whole)

            return await self._database.read(look, slow=True)


def _of_seconds(recent: Recent, window: Window, names: Sequence[str]) -> Series:
    seconds = range(math.floor(window.since) + 1, math.floor(window.until) + 1)
    return Series([float(at) for at in seconds], {name: recent.series(seconds, name) for name in names}, {})


def _samples(connection: sa.Connection, window: Window, pending: Sequence[tuple[int, Sample]]) -> dict[int, Sample]:
    """By the end of each step. `pending`: what is not stored yet."""
    base = max(step for step in STEPS if window.step % step == 0)
    start = math.floor(window.since / window.step) * window.step
    found: dict[int, Sample] = {}
    for kept in read(connection, base, start, end_of(window.until, window.step)):
        end = end_of(kept.at, window.step)
        if end in found:
            found[end].merge(kept.sample)
        else:
            found[end] = kept.sample
    for end, sample in pending:
        if start < end and end - FINEST < window.until:
            found.setdefault(end_of(end, window.step), Sample()).merge(sample)
    return found
