"""Samples in the database: at every resolution the same sums, through restarts, clocks that are set, and old age."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from alma.db.database import Database
from alma.db.watch_tables import metric_samples
from alma.errors import StorageFailure
from alma.observability.history import History
from alma.observability.keeping import DAY, HOUR, STEPS, forget, kept_for, read, spans
from alma.observability.meter import Meter
from alma.observability.recent import SECONDS
from alma.observability.sample import Sample, from_json, level, to_json, values_of
from alma.observability.sampling import Sampler, to_next_second
from alma.observability.sketch import Sketch

NOON = 1_800_000_000.0  # a multiple of the longest step


class Clocks:
    """Two clocks that go together until somebody sets the first one."""

    def __init__(self) -> None:
        self.wall = NOON
        self.steady = 0.0

    def go(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


class Stand:
    """A sampler on a database, second by second."""

    def __init__(self, folder: Path, clocks: Clocks, days: float = 7) -> None:
        self.database = Database(f"sqlite:///{folder / 'alma.db'}")
        self.database.open()
        self.clocks = clocks
        self.level = 0.0
        self.meter = Meter()
        self.sampler = Sampler(
            self.database,
            self.meter,
            levels=[lambda: {"rss": self.level}],
            counted={},
            days=days,
            clock=lambda: clocks.wall,
            monotonic=lambda: clocks.steady,
        )
        self.history = History(self.database, self.sampler, days, clock=lambda: clocks.wall)

    def seconds(self, count: int, *, calls: int = 1, ms: float = 100.0) -> None:
        for _ in range(count):
            self.clocks.go(1.0)
            self.meter.count("calls", calls)
            self.meter.peak("loop_lag_ms", ms)
            self.meter.observe("call", ms)
            self.sampler.look()

    async def stored(self, step: int) -> dict[int, Sample]:
        found = await self.database.read(lambda connection: read(connection, step, 0, 1e11))
        return {kept.at: kept.sample for kept in found}


@pytest.fixture
def stand(tmp_path: Path) -> Generator[Stand]:
    stand = Stand(tmp_path, Clocks())
    yield stand
    stand.database.close()


async def write(stand: Stand) -> None:
    await stand.sampler._write(all_of_it=True)  # what `write` does at the end


@given(st.floats(0, 1e9), st.floats(0.01, 2e5))
def test_a_time_is_covered_once_and_whole(after: float, length: float) -> None:
    pieces = spans(after, after + length)
    assert pieces[0][1] <= after
    for (_, _, end), (_, start, _) in itertools.pairwise(pieces):
        assert end == start
    for step, start, end in pieces:
        assert start < end
        assert start % step == 0
        assert end % step == 0
    assert pieces[-1][2] >= after + length - 0.001
    assert pieces[-1][2] - pieces[0][1] < length + 21


@given(st.lists(st.floats(0.01, 1e5), max_size=30), st.floats(0.1, 1e3))
def test_a_sample_is_stored_as_it_is(values: list[float], stood: float) -> None:
    sample = Sample(1.0, {"calls": 2.0}, {"rss": level(stood, 1.0)}, {"loop_lag_ms": 3.0}, {"call": Sketch()})
    for value in values:
        sample.sketches["call"].add(value)
    again = from_json(to_json(sample))
    assert again.sketches["call"].counts == sample.sketches["call"].counts
    assert values_of(again) == values_of(sample)
    assert again.levels == sample.levels


async def test_every_resolution_has_the_same_sums_the_highest_peak_and_the_mean_level(stand: Stand) -> None:
    for minute in range(3):
        stand.level = float(minute)
        stand.seconds(60, calls=2, ms=100.0 * (minute + 1))
    await write(stand)
    minutes = await stand.stored(60)
    assert [sample.sums["calls"] for sample in minutes.values()] == [120, 120, 120]
    assert [sample.seconds for sample in minutes.values()] == [60, 60, 60]
    for step in STEPS:
        samples = (await stand.stored(step)).values()
        assert sum(sample.sums["calls"] for sample in samples) == 360
        assert sum(sample.sketches["call"].count for sample in samples) == 180
        assert max(sample.peaks["loop_lag_ms"] for sample in samples) == 300
    (whole,) = (await stand.stored(10_800)).values()
    values = values_of(whole)
    assert values["rss"] == pytest.approx(1.0)
    assert values["calls"] == 360
    assert values["call_p50_ms"] == pytest.approx(200, rel=0.02)
    assert values["call_p99_ms"] == pytest.approx(300, rel=0.02)


@pytest.mark.parametrize("range", ["1h", "6h", "24h", "7d"])
async def test_a_level_that_was_high_for_a_second_is_seen_in_every_range(stand: Stand, range: str) -> None:
    stand.seconds(3)
    stand.level = 500.0
    stand.seconds(1)
    stand.level = 1.0
    stand.seconds(20)
    await write(stand)
    series = await stand.history.series(stand.history.window(range), ["calls", "rss"])
    assert max(value for value in series.highs["rss"] if value is not None) == 500
    assert max(value for value in series.values["rss"] if value is not None) < 500, "the mean"
    assert set(series.highs) == {"rss"}, "of levels only"
    assert len(series.highs["rss"]) == len(series.at)


async def test_what_is_not_stored_yet_is_shown_too(stand: Stand) -> None:
    stand.seconds(25)
    assert await stand.stored(10) == {}
    window = stand.history.window("1h")
    assert (await stand.history.figures(window))["calls"] == 25
    series = await stand.history.series(window, ["calls"])
    assert [value for value in series.values["calls"] if value is not None] == [10, 10, 5]


@pytest.mark.parametrize(("range", "step"), [("5m", 1), ("1h", 10), ("6h", 60), ("24h", 300), ("7d", 1800)])
async def test_a_series_has_a_point_for_each_step_and_none_where_nothing_was_measured(
    stand: Stand, range: str, step: int
) -> None:
    stand.seconds(30)
    await write(stand)
    series = await stand.history.series(stand.history.window(range), ["calls", "rss"])
    assert len(series.at) <= 400
    assert series.at == sorted(series.at)
    assert sum(value or 0 for value in series.values["calls"]) == 30
    known = [value is not None for value in series.values["rss"]]
    assert sum(known) == -(-30 // step)
    assert len(known) == len(series.at)


async def test_a_restart_keeps_the_history(tmp_path: Path) -> None:
    clocks = Clocks()
    first = Stand(tmp_path, clocks)
    first.seconds(15)
    await write(first)
    first.database.close()
    clocks.go(5)
    second = Stand(tmp_path, clocks)
    second.seconds(15)
    await write(second)
    assert (await second.history.figures(second.history.window("1h")))["calls"] == 30
    (whole,) = (await second.stored(1800)).values()
    assert (whole.seconds, whole.sums["calls"]) == (30, 30)
    second.database.close()


async def test_a_clock_that_jumps_back_lets_two_times_share_their_rows(stand: Stand) -> None:
    stand.seconds(60)
    await write(stand)
    stand.clocks.wall -= 40
    stand.seconds(20)
    await write(stand)
    (minute,) = (await stand.stored(60)).values()
    assert (minute.seconds, minute.sums["calls"]) == (80, 80)
    series = await stand.history.series(stand.history.window("5m"), ["calls"])
    assert series.at == sorted(series.at)
    assert sum(value or 0 for value in series.values["calls"]) == 40  # what lies ahead of the clock is not shown
    ahead = stand.sampler.recent.series(range(int(NOON) + 41, int(NOON) + 70), "calls")
    assert set(ahead) == {None}, "nor is it taken for the present when the clock comes there"


async def test_a_clock_that_jumps_ahead_leaves_a_gap_and_nothing_is_deleted_for_it(stand: Stand) -> None:
    stand.seconds(20)
    await write(stand)
    stand.clocks.wall += 30 * DAY
    stand.seconds(20)
    await write(stand)
    await stand.sampler._forget()  # what `write` does after it
    assert sum(sample.sums["calls"] for sample in (await stand.stored(1800)).values()) == 40
    stand.clocks.steady += 2 * HOUR  # by then it is taken to be right
    await stand.sampler._forget()
    assert sum(sample.sums["calls"] for sample in (await stand.stored(1800)).values()) == 20


async def test_each_resolution_is_kept_as_long_as_it_is_of_use(stand: Stand) -> None:
    now = NOON
    rows = [
        {"step": step, "at": int(now - age), "data": to_json(Sample(1.0))}
        for step in STEPS
        for age in (kept_for(step, 7) - 60, kept_for(step, 7) + 60, -2 * DAY)
    ]
    await stand.database.write(lambda connection: connection.execute(sa.insert(metric_samples), rows))
    await stand.database.write(lambda connection: forget(connection, now, 7))
    for step in STEPS:
        assert list(await stand.stored(step)) == [int(now - kept_for(step, 7) + 60)]
    assert await stand.database.write(lambda connection: forget(connection, now, 7)) == 0


async def test_a_database_that_cannot_be_written_costs_a_bounded_part_of_the_memory(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_work: object) -> None:
        raise StorageFailure("The disk is full.", actual="no space")

    monkeypatch.setattr(stand.database, "write", full)
    stand.seconds(30)
    await write(stand)
    async with stand.sampler.pending() as pending:
        assert sum(sample.sums["calls"] for _, sample in pending) == 30
    stand.seconds(1200)
    async with stand.sampler.pending() as pending:
        assert len(pending) <= 60
    assert len(stand.sampler.recent.series(range(int(NOON), int(NOON) + 2000), "calls")) == 2000
    monkeypatch.undo()
    await write(stand)
    async with stand.sampler.pending() as pending:
        assert pending == []


async def test_what_is_written_while_somebody_reads_counts_once(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sums of a time are those of the database and of what is not in it yet: at one and the same moment."""
    stand.seconds(15)
    reads, writing = stand.database.read, list[asyncio.Task[None]]()

    async def read_late(*asked: Any, **how: Any) -> Any:
        writing.append(asyncio.create_task(write(stand)))
        for _ in range(3):
            await asyncio.wait(writing, timeout=0.02)
            stand.seconds(1)
        return await reads(*asked, **how)

    monkeypatch.setattr(stand.database, "read", read_late)
    window = stand.history.window("1h")
    assert (await stand.history.figures(window))["calls"] == 15
    (calls,) = (await stand.history.series(window, ["calls"])).values.values()
    assert sum(filter(None, calls)) == 18
    await asyncio.gather(*writing)


async def test_a_row_that_cannot_be_read_ends_nothing_and_is_written_anew(stand: Stand) -> None:
    stand.meter.count("cost", float("inf"))  # JSON has no such number
    stand.seconds(4)
    await write(stand)
    stand.seconds(4)
    await write(stand)
    stand.seconds(4)
    assert (await stand.history.figures(stand.history.window("1h")))["calls"] == 8


@pytest.mark.parametrize("now", [10.0, 10.001, 10.2, 10.499, 10.501, 10.6, 10.99, 10.9999])
def test_every_sample_has_a_second_of_its_own_however_late_or_early_it_is(now: float) -> None:
    then = now + to_next_second(now)
    assert then % 1 == pytest.approx(0)
    assert round(then) == round(now) + 1


def test_garbage_that_is_collected_in_the_middle_of_a_copy_is_counted_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    meter = Meter()
    meter.observe("call", 5.0)
    meter.take(1.0, {})
    copy = Sketch.copy

    def interrupted(sketch: Sketch) -> Sketch:
        meter.peak("gc_pause_ms", 7.0)
        return copy(sketch)

    with monkeypatch.context() as patched:
        patched.setattr(Sketch, "copy", interrupted)
        assert set(meter.whole().sketches) == {"call"}
    assert meter.whole().sketches["gc_pause"].count == 1
    assert meter.take(1.0, {}).peaks == {"gc_pause_ms": 7.0}


async def test_the_last_minutes_are_in_memory_and_no_more_of_them(stand: Stand) -> None:
    stand.seconds(SECONDS + 50)
    known = stand.sampler.recent.series(range(int(NOON), int(NOON) + SECONDS + 60), "calls")
    assert sum(value is not None for value in known) == SECONDS
    assert stand.sampler.recent.last["calls"] == 1


async def test_one_source_that_fails_does_not_end_the_measuring_of_the_rest(
    stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> dict[str, float]:
        raise ValueError("a bug")

    stand.sampler._sources.insert(0, broken)
    stand.seconds(3)
    assert stand.sampler.recent.last["rss"] == 0
    assert len([record for record in caplog.records if "cannot be measured" in record.message]) == 1
