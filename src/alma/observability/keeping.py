"""Keeping what was measured: samples in the database, at several resolutions, each for as long as it is of use.

A sample of ten seconds is merged at once into the row of its ten seconds, of its minute and so on. Nothing is rolled up
later: so a crash leaves nothing undone, and a clock that jumps back only lets two times share a row.
"""

from __future__ import annotations

import functools
import logging
import math
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from alma.db.database import insert_for
from alma.db.watch_tables import calls, metric_samples, run_ends
from alma.observability.sample import Sample, from_json, to_json

log = logging.getLogger(__name__)
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
STEPS = (10, 60, 300, 1800, 10_800)  # seconds
FINEST = STEPS[0]
_FUTURE = DAY  # a row further ahead was written by a clock that was wrong
_AT_ONCE = 5_000  # rows deleted in one transaction


def kept_for(step: int, days: float) -> float:
    """Seconds for which samples of `step` are kept, where all are kept `days` days."""
    most = days * DAY
    return {10: min(6 * HOUR, most), 60: min(48 * HOUR, most), 300: min(14 * DAY, most)}.get(step, most)


def end_of(at: float, step: int) -> int:
    """The end of the interval of `step` seconds that a sample which ended at `at` belongs to."""
    return math.ceil(round(at, 3) / step) * step


@functools.cache
def _put(insert: Callable[[sa.Table], Any]) -> Any:
    statement = insert(metric_samples)
    return statement.on_conflict_do_update(index_elements=["step", "at"], set_={"data": statement.excluded.data})


_get = sa.select(metric_samples.c.data).where(
    metric_samples.c.step == sa.bindparam("step"), metric_samples.c.at == sa.bindparam("at")
)


def keep(connection: sa.Connection, at: float, sample: Sample) -> None:
    """Add a sample of at most ten seconds that ended at `at` to the rows it belongs to."""
    put = _put(insert_for(connection))
    for step in STEPS:
        end = end_of(at, step)
        whole = Sample()
        if (before := connection.execute(_get, {"step": step, "at": end}).scalar()) is not None:
            whole = _sample(before)
        whole.merge(sample)
        connection.execute(put, {"step": step, "at": end, "data": to_json(whole)})


def forget(connection: sa.Connection, now: float, days: float) -> int:
    """Delete some of what is too old; how many rows went. Nothing is left to delete when none did."""
    gone = 0
    for step in STEPS:
        at = metric_samples.c.at
        old = sa.or_(at < now - kept_for(step, days), at > now + _FUTURE)
        gone += connection.execute(sa.delete(metric_samples).where(metric_samples.c.step == step, old)).rowcount
    before = now - days * DAY
    for table in (calls, run_ends):
        oldest = sa.select(table.c.at).where(table.c.at < before).order_by(table.c.at).offset(_AT_ONCE).limit(1)
        until = connection.execute(oldest).scalar()
        some = table.c.at < (before if until is None else until)
        gone += connection.execute(sa.delete(table).where(some)).rowcount
    return gone


class Kept(Struct, frozen=True):
    """A stored sample of `step` seconds that ends `at`."""

    at: int
    step: int
    sample: Sample


_between = (
    sa.select(metric_samples.c.at, metric_samples.c.data)
    .where(
        metric_samples.c.step == sa.bindparam("step"),
        metric_samples.c.at > sa.bindparam("after"),
        metric_samples.c.at <= sa.bindparam("until"),
    )
    .order_by(metric_samples.c.at)
)


def read(connection: sa.Connection, step: int, after: float, until: float) -> list[Kept]:
    """Samples of `step` seconds that end after `after` and not after `until`, in order."""
    rows = connection.execute(_between, {"step": step, "after": math.floor(after), "until": math.floor(until)})
    return [Kept(at, step, _sample(data)) for at, data in rows]


def _sample(data: str) -> Sample:
    """What cannot be read, whoever wrote it, is no sample: figures are not worth a server that stops."""
    try:
        return from_json(data)
    except msgspec.DecodeError as error:
        log.debug("a sample cannot be read: %s", error)
        return Sample()


def spans(after: float, until: float, steps: Sequence[int] = STEPS) -> list[tuple[int, int, int]]:
    """How to cover a time with as few rows as can be: (step, after, until), the longest steps in the middle. It
    begins and ends where intervals of the shortest do."""
    finest = steps[0]
    start, end = math.floor(after / finest) * finest, end_of(until, finest)
    return covering(start, end, steps)


def covering(start: int, end: int, steps: Sequence[int]) -> list[tuple[int, int, int]]:
    """The same for bounds that are multiples of the shortest step."""
    if start >= end:
        return []
    step, longer = steps[0], steps[1:]
    if not longer:
        return [(step, start, end)]
    left = min(end_of(start, longer[0]), end)
    right = max(math.floor(end / longer[0]) * longer[0], left)
    middle = covering(left, right, longer)
    return [one for one in ((step, start, left), *middle, (step, right, end)) if one[1] < one[2]]


def merged(connection: sa.Connection, after: float, until: float, now: float, days: float) -> Sample:
    """All that was measured from `after` to `until`, as one sample."""
    whole = Sample()
    for step, start, end in spans(after, until):
        for kept in read(connection, _still(step, start, now, days), start, end):
            whole.merge(kept.sample)
    return whole


def _still(step: int, start: float, now: float, days: float) -> int:
    """`step`, or the shortest longer one of which there still is something at that time."""
    return next((one for one in STEPS if one >= step and start >= now - kept_for(one, days)), STEPS[-1])
