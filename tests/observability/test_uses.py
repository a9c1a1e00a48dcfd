"""What calls came to, by agent, model and endpoint: the same whether it is counted now or was counted before."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncGenerator

import msgspec
import pytest
import sqlalchemy as sa

from alma.db.database import Database
from alma.db.watch_tables import calls, run_ends
from alma.observability import uses as module
from alma.observability.ended import Call, RunEnd
from alma.observability.keeping import HOUR
from alma.observability.sketch import Sketch, bucket_of
from alma.observability.totals import MOST_NAMES, Totals
from alma.observability.uses import OTHER, Use, Uses, by

NOW = 1_800_000_000.0 + 1234.5


def call(number: int, at: float, rng: random.Random, agent: str = "") -> Call:
    ms = rng.lognormvariate(6, 1)
    kind = rng.choice(["", "", "", "failed", "cached"])
    spoke = kind == ""
    return Call(
        run_id=f"r{number // 3}",
        seq=number,
        owner="ada",
        agent=agent or rng.choice(["chat", "coder"]),
        model=rng.choice(["a/x", "b/x"]),
        endpoint=rng.choice(["a", "b"]),
        at=at,
        first_token_ms=ms / 4 if spoke else None,
        first_bucket=bucket_of(ms / 4) if spoke else None,
        ms=ms,
        bucket=bucket_of(ms),
        input_tokens=rng.randrange(100),
        output_tokens=rng.randrange(100),
        cost=0.25,
        cache="exact" if kind == "cached" else "",
        error="endpoint_failed" if kind == "failed" else "",
    )


def counted(rows: list[Call], since: float, until: float) -> dict[str, Use]:
    """By hand, by agent; without runs."""
    found: dict[str, Use] = {}
    for row in rows:
        if not since <= row.at < until:
            continue
        use = found.setdefault(row.agent, Use())
        use.calls += 1
        use.errors += row.error != ""
        use.input_tokens += row.input_tokens
        use.output_tokens += row.output_tokens
        use.cost += row.cost
        use.cache_hits += row.cache != ""
        if not row.error and not row.cache:
            use.asked.add_bucket(row.bucket)
        if row.first_token_ms is not None and row.first_bucket is not None:
            use.first.add_bucket(row.first_bucket)
            use.written += row.output_tokens
            use.writing_ms += row.ms - row.first_token_ms
    return found


def same(seen: dict[str, Use], wanted: dict[str, Use]) -> bool:
    assert set(seen) == set(wanted)
    for agent, use in wanted.items():
        for name in ("calls", "errors", "input_tokens", "output_tokens", "cost", "cache_hits", "written"):
            assert getattr(seen[agent], name) == getattr(use, name), name
        assert seen[agent].writing_ms == pytest.approx(use.writing_ms)
        assert seen[agent].asked.counts == use.asked.counts
        assert seen[agent].first.counts == use.first.counts
    return True


@pytest.fixture
async def database(database_url: str) -> AsyncGenerator[Database]:
    database = Database(database_url)
    database.open()
    yield database
    database.close()


async def insert(database: Database, rows: list[Call]) -> None:
    columns = Call.__struct_fields__
    values = [{name: getattr(row, name) for name in columns} for row in rows]
    await database.write(lambda connection: connection.execute(sa.insert(calls), values))


async def test_a_time_is_counted_whole_whatever_of_it_was_counted_before(database: Database) -> None:
    rng = random.Random(5)
    hours = [NOW - rng.uniform(0, 30 * HOUR) for _ in range(300)]
    edges = [(NOW // HOUR - back) * HOUR for back in range(20)]  # exactly at hours
    rows = [call(number, at, rng) for number, at in enumerate([*hours, *edges])]
    await insert(database, rows)
    uses = Uses(database, clock=lambda: NOW)
    windows = [(NOW - length, NOW) for length in (60.0, HOUR, 6 * HOUR, 29 * HOUR)]
    windows += [tuple(sorted(NOW - rng.uniform(0, 31 * HOUR) for _ in range(2))) for _ in range(15)]  # type: ignore[misc]
    for since, until in [*windows, *windows]:
        assert same(by(await uses.of(since, until), "agent"), counted(rows, since, until))
    warm = Uses(database, clock=lambda: NOW)
    await warm.warm(NOW - 30 * HOUR)
    for since, until in windows:
        assert same(by(await warm.of(since, until), "agent"), counted(rows, since, until))


async def test_hours_that_are_over_are_counted_once_and_the_present_one_each_time(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    spans: list[float] = []
    count = module._count

    def watched(connection: sa.Connection, since: float, until: float) -> module.Counted:
        spans.append(until - since)
        return count(connection, since, until)

    monkeypatch.setattr(module, "_count", watched)
    uses = Uses(database, clock=lambda: NOW)
    await uses.of(NOW - 48 * HOUR, NOW)
    assert sum(spans) == pytest.approx(48 * HOUR)
    spans.clear()
    await insert(database, [call(1, NOW - 1, random.Random(1))])
    assert sum(use.calls for use in (await uses.of(NOW - 48 * HOUR, NOW)).uses.values()) == 1
    assert sum(spans) < 3 * HOUR


async def test_a_call_that_is_written_a_little_late_is_counted(database: Database) -> None:
    turn = (NOW // HOUR) * HOUR
    uses = Uses(database, clock=lambda: turn + 30)
    assert (await uses.of(turn - 3 * HOUR, turn + 30)).uses == {}
    await insert(database, [call(1, turn - 5, random.Random(1))])
    assert sum(use.calls for use in (await uses.of(turn - 3 * HOUR, turn + 30)).uses.values()) == 1


async def test_a_run_counts_once_in_each_row_over_whatever_borders_it_goes(database: Database) -> None:
    rng = random.Random(7)
    rows: list[Call] = []
    ends: list[RunEnd] = []
    for number in range(80):
        began = NOW - rng.uniform(0, 20 * HOUR)
        length = rng.choice([60.0, 600.0, 3 * HOUR, 9 * HOUR])
        ended = min(began + length, NOW)
        for _ in range(rng.randrange(1, 6)):
            one = call(0, rng.uniform(began, ended), rng)
            rows.append(msgspec.structs.replace(one, run_id=f"r{number}", seq=len(rows)))
        if began + length < NOW and rng.random() < 0.9:  # of some the end is not known
            ends.append(RunEnd(f"r{number}", "ada", ended, 1000 * (ended - began), 0, "completed"))
    await insert(database, rows)
    values = [msgspec.structs.asdict(end) for end in ends]
    await database.write(lambda connection: connection.execute(sa.insert(run_ends), values))
    uses = Uses(database, clock=lambda: NOW)
    for since in (NOW - 600, NOW - HOUR, NOW - 5 * HOUR, NOW - 21 * HOUR):
        counted = await uses.of(since, NOW)
        for what in ("agent", "model", "endpoint"):
            runs = {(getattr(row, what), row.run_id) for row in rows if since <= row.at < NOW}
            wanted = Counter(name for name, _ in runs)
            assert {name: use.runs for name, use in by(counted, what).items()} == wanted


def test_names_beyond_a_bound_stand_together() -> None:
    uses = {(f"agent {number}", "m", "e"): Use(calls=number + 1) for number in range(MOST_NAMES * 4)}
    counted = module.Counted(uses)
    rows = by(counted, "agent")
    assert len(rows) == 101
    assert sum(use.calls for use in rows.values()) == sum(use.calls for use in uses.values())
    assert rows[OTHER].calls > 0
    assert by(counted, "model")["m"].calls == sum(use.calls for use in uses.values())


def test_labels_of_prometheus_are_bounded_whatever_comes() -> None:
    totals = Totals()
    rng = random.Random(2)
    for number in range(500):
        row = call(number, NOW, rng, agent=f"agent {number}")
        totals.ended(row)
        totals.answered("GET", f"/api/{number}", 200, 1.0)
    agents = {agent for agent, _, _ in totals.calls}
    assert len(agents) == MOST_NAMES + 1
    assert len(totals.routes) <= 201
    known = sum(
        total.duration.count + sum(failed.count for failed in total.errors.values()) for total in totals.calls.values()
    )
    assert known + sum(totals.cache.values()) == 500
    assert sum(total.ms.count for total in totals.routes.values()) == 500
    assert isinstance(next(iter(totals.calls.values())).duration, Sketch)
