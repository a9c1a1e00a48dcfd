"""The daily report: its figures, what is said of them, when it is made, and that it has nobody's words in it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Any

import pytest
import sqlalchemy as sa

from alma.db.database import Database
from alma.db.watch_tables import alerts, calls, error_groups, run_ends
from alma.observability import keeping, report_text
from alma.observability.day_figures import DayFigures, Use, day_before, figures, start_of
from alma.observability.reports import Reports, due
from alma.observability.sample import Sample, level

DAY = "2026-11-25"
START = start_of(DAY)
HOUR = 3600.0


@pytest.fixture
async def database(database_url: str) -> AsyncGenerator[Database]:
    database = Database(database_url)
    await asyncio.to_thread(database.open)
    yield database
    await asyncio.to_thread(database.close)


def ended(number: int, at: float, ms: float, status: str = "completed") -> dict[str, Any]:
    return {"run_id": f"r{number}", "owner": "ann", "at": at, "ms": ms, "bucket": 0, "status": status, "error": ""}


def called(number: int, at: float, **more: Any) -> dict[str, Any]:
    usual = {"owner": "ann", "agent": "writer", "model": "m", "endpoint": "e", "first_token_ms": 10.0, "ms": 20.0}
    sums = {"input_tokens": 100, "output_tokens": 10, "cost": 0.5, "cache": "", "error": "", "bucket": 0}
    return {"run_id": f"r{number}", "seq": 1, "at": at, "first_bucket": 0, **usual, **sums, **more}


def measured(connection: sa.Connection, at: float, **levels: float) -> None:
    seconds = 300.0
    kept = {name: level(value, seconds) for name, value in levels.items()}
    keeping.keep(connection, at, Sample(seconds, levels=kept))


def fill(connection: sa.Connection) -> None:
    noon = START + 12 * HOUR
    connection.execute(
        sa.insert(run_ends),
        [
            *(ended(number, noon, 100.0 * number) for number in range(1, 21)),
            ended(21, noon, 1.0, "failed"),
            ended(22, noon, 1.0, "canceled"),
            ended(23, START - 1, 5000.0),  # the day before
            ended(24, START + 86_400, 1.0),  # the day after
        ],
    )
    connection.execute(
        sa.insert(calls),
        [
            called(1, noon),
            called(2, noon, first_token_ms=None, cache="exact", cost=0.0),
            called(3, noon, agent="critic", model="other|one", error="endpoint_failed", first_token_ms=None),
            called(4, START - 1),
        ],
    )
    groups = [
        ("a", "ValueError: my secret diary", "alma.tools.clock", 3, START + 5, START + 9),
        ("b", "KeyError: 'x'", "alma.x", 9, START - 900_000, START + 9),
        ("c", "KeyError: 'y'", "alma.y", 9, START - 900_000, START - 9),
    ]
    names = ("fingerprint", "title", "place", "count", "first_at", "last_at")
    connection.execute(
        sa.insert(error_groups),
        [{**dict(zip(names, group, strict=True)), "state": "open", "example": "{}"} for group in groups],
    )
    one = {"rule": "disk_low", "severity": "critical", "summary": "Disk space runs out", "value": 1.0}
    connection.execute(
        sa.insert(alerts),
        [
            {"id": "1", "fired_at": START - 100, "ended_at": START + 60, **one},
            {"id": "2", "fired_at": noon, "ended_at": None, **one},
        ],
    )
    for hour in range(24):
        measured(connection, START + hour * HOUR + 300, rss=100.0 + 10 * hour, cpu=hour, disk_free=9000.0 - hour)


async def test_the_figures_of_a_day_are_those_of_its_rows(database: Database) -> None:
    await database.write(fill)
    day = await database.read(lambda connection: figures(connection, DAY, START + 2 * 86_400))
    assert (day.runs, day.failed, day.canceled) == (22, 1, 1)
    assert day.response == (1000, 1900), "nearest rank of 100, 200 … 2000"
    assert day.first_token == (10, 10)
    assert (day.calls, day.call_errors, day.cache_hits) == (3, 1, 1)
    assert (day.input_tokens, day.output_tokens, day.cost) == (300, 30, 1.0)
    assert [(one.name, one.calls, one.errors) for one in day.agents] == [("writer", 2, 0), ("critic", 1, 1)]
    assert [(one.kind, one.count, one.new) for one in day.errors] == [("ValueError", 3, True), ("KeyError", 9, False)]
    ((alert),) = day.alerts
    assert (alert.times, alert.seconds, alert.still) == (2, 60 + 12 * HOUR, True)
    assert (day.peaks["rss"], day.peaks["cpu"], day.lows["disk_free"]) == (330, 23, 8977)
    assert day.rss == (100, 330), "of its first hour and its last"


async def test_a_peak_of_seconds_is_a_peak_of_the_day(database: Database) -> None:
    def rise_and_fall(connection: sa.Connection) -> None:
        for second, connections, free in ((1, 2, 900), (2, 150, 100), (3, 2, 900)):
            stood = {"connections": level(connections, 1.0), "disk_free": level(free, 1.0)}
            keeping.keep(connection, START + second, Sample(1.0, levels=stood))

    await database.write(rise_and_fall)
    day = await database.read(lambda connection: figures(connection, DAY, START + 86_400))
    assert (day.peaks["connections"], day.lows["disk_free"]) == (150, 100)


async def test_the_report_of_today_goes_up_to_now(database: Database) -> None:
    now = START + 3 * HOUR + 225  # within a row of five minutes

    def measure(connection: sa.Connection) -> None:
        for ago, connections in ((215, 1), (205, 9), (15, 2)):
            keeping.keep(connection, now - ago, Sample(10.0, levels={"connections": level(connections, 10.0)}))

    await database.write(measure)
    reports = Reports(database, -1, lambda: now)
    assert "Measured: 30 s of the day." in (await reports.make(DAY)).text

    @contextlib.asynccontextmanager
    async def pending() -> AsyncGenerator[list[tuple[int, Sample]]]:
        yield [(int(now) + 5, Sample(5.0, levels={"connections": level(150, 5.0)}))]

    reports.pending = pending
    text = (await reports.make(DAY)).text
    assert "Measured: 35 s of the day." in text
    assert "| Connections | 150 |" in text


async def test_a_day_without_anything_is_a_report_too(database: Database) -> None:
    day = await database.read(lambda connection: figures(connection, DAY, START + 86_400))
    assert not any((day.runs, day.calls, day.agents, day.errors, day.alerts, day.peaks, day.measured_s))
    assert (day.response, day.first_token, day.rss) == (None, None, None)
    assert "Nothing was asked. No alert fired." in report_text.text(day, DayFigures(day_before(DAY)))


async def test_it_is_said_in_words_and_has_nobodys_words(database: Database) -> None:
    await database.write(fill)
    reports = Reports(database, 6, lambda: START + 2 * 86_400)
    report = await reports.make(DAY)
    said = report.text
    assert said.startswith(f"# Alma on {DAY}\n\n22 runs ended (1 the day before); 1 of them failed.")
    assert "Half of the answers took no more than 1.0 s, 95 % no more than 1.9 s, 2.6 times as fast" in said
    assert "1 kind of error had not been seen before. 1 alert fired, 1 critical." in said
    assert "**The server's memory grew from 100 MiB to 330 MiB.**" in said
    assert "| Response, p95 | 1.9 s | 5.0 s |" in said
    assert "the dashboard's are of all that ended, within 2 % of the true ones" in said
    assert "| other\\|one | 1 | 1 | 10 | $0.5000 |" in said
    assert "| disk\\_low | Disk space runs out | critical | 2 | 12.0 h, still does |" in said
    assert "secret diary" not in said
    assert "ann" not in said.replace("cannot", "")
    assert await reports.get(DAY) == report
    assert [one.day for one in await reports.listed()] == [DAY]


def test_sections_without_anything_are_left_out() -> None:
    day = DayFigures(DAY, runs=1, calls=1, agents=[Use("writer", 1, 0, 5, 0.0)], measured_s=86_400)
    said = report_text.text(day, DayFigures(day_before(DAY)))
    assert [line for line in said.splitlines() if line.startswith("#")] == [
        f"# Alma on {DAY}",
        "## Figures",
        "## Agents",
    ]
    assert "Measured:" not in said
    assert "within 2 %" not in said


@pytest.mark.parametrize(("seconds", "words"), [(50, "50 s"), (1500, "25 min"), (7300, "2.0 h")])
def test_what_was_measured_of_a_day_is_told_in_a_unit_that_fits(seconds: float, words: str) -> None:
    said = report_text.text(DayFigures(DAY, runs=1, measured_s=seconds), DayFigures(day_before(DAY)))
    assert f"Measured: {words} of the day." in said


def test_a_report_is_due_when_its_hour_has_come() -> None:
    assert due(START + 86_400 + 6 * HOUR, 6) == DAY
    assert due(START + 86_400 + 6 * HOUR - 1, 6) is None
    assert due(START + 86_400, 0) == DAY


async def test_what_was_missed_is_made_at_the_start_and_no_day_twice(database: Database) -> None:
    await database.write(fill)
    now = START + 86_400 + 9 * HOUR
    first = Reports(database, 6, lambda: now)
    await _until_made(first)
    made_at = (await first.get(DAY)).made_at
    now += 60
    again = Reports(database, 6, lambda: now)
    task = asyncio.get_running_loop().create_task(again.run())
    while again._looked_at is None:
        await asyncio.sleep(0.005)
    task.cancel()
    assert (await again.get(DAY)).made_at == made_at
    now += 60
    assert (await again.make(DAY)).made_at > made_at, "by hand it is made anew"


async def test_no_report_is_made_of_a_day_on_which_nothing_ran(database: Database) -> None:
    reports = Reports(database, 6, lambda: START + 86_400 + 9 * HOUR)
    await _until_made(reports)
    assert await reports.find(DAY) is None


async def test_it_is_never_made_where_the_setting_says_so(database: Database) -> None:
    async with asyncio.timeout(120):
        await Reports(database, -1).run()


async def _until_made(reports: Reports) -> None:
    task = asyncio.get_running_loop().create_task(reports.run())
    while reports._looked_at is None:
        await asyncio.sleep(0.005)
    task.cancel()
