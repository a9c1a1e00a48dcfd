"""What a day (UTC) came to, read from the tables of what was measured. Plain functions on a connection.

Nothing that an owner wrote is read: counts, durations, names of agents and models, kinds of errors.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from msgspec import Struct

from alma.db.watch_tables import alerts, calls, error_groups, run_ends
from alma.observability import keeping
from alma.observability.sample import Sample, highs_of, lows_of, values_of

DAY_S = 86_400.0
STEP = 300  # seconds of a sample
MOST = 10  # names in a list
_GROWTH_S = 3600.0  # at the day's two ends, whose memory is compared
_KIND = re.compile(r"[A-Za-z_][\w.]{0,80}")


class Use(Struct, frozen=True):
    name: str
    calls: int
    errors: int
    output_tokens: int
    cost: float


class ErrorSeen(Struct, frozen=True):
    """A group of errors that were seen on that day. `count`: since it is known; `new`: it was seen for the first
    time."""

    kind: str
    place: str
    count: int
    new: bool


class AlertSeen(Struct, frozen=True):
    """`seconds`: of the day in which it fired; `still`: it had not ended when the report was made."""

    rule: str
    severity: str
    summary: str
    times: int
    seconds: float
    still: bool


class DayFigures(Struct, frozen=True):
    """Durations in ms; None: there were none. `measured_s`: seconds of which there are samples. `peaks` and `lows`: of
    levels the highest and the lowest of any second. `rss`: MiB in the first and the last hour of them."""

    day: str
    runs: int = 0
    failed: int = 0
    canceled: int = 0
    response: tuple[float, float] | None = None  # p50, p95
    first_token: tuple[float, float] | None = None
    calls: int = 0
    call_errors: int = 0
    cache_hits: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0
    agents: Sequence[Use] = ()
    models: Sequence[Use] = ()
    errors: Sequence[ErrorSeen] = ()
    alerts: Sequence[AlertSeen] = ()
    measured_s: float = 0.0
    peaks: dict[str, float] = {}
    lows: dict[str, float] = {}
    rss: tuple[float, float] | None = None


def day_of(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d}"


def start_of(day: str) -> float:
    """Raises `ValueError` for what is no day of Unix time."""
    start = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC).timestamp()
    if start < DAY_S:
        raise ValueError(day)
    return start


def day_before(day: str) -> str:
    return f"{datetime.strptime(day, '%Y-%m-%d').replace(tzinfo=UTC) - timedelta(days=1):%Y-%m-%d}"


def figures(connection: sa.Connection, day: str, now: float, pending: Sequence[tuple[int, Sample]] = ()) -> DayFigures:
    """Of a day, or of as much of it as there has been. `pending`: samples that are not stored yet, by their ends."""
    start = start_of(day)
    end = min(start + DAY_S, max(now, start))
    in_day = sa.and_(calls.c.at >= start, calls.c.at < end)
    ended = sa.and_(run_ends.c.at >= start, run_ends.c.at < end)
    by_status = sa.select(run_ends.c.status, sa.func.count()).where(ended).group_by(run_ends.c.status)
    counts: dict[str, int] = {row[0]: row[1] for row in connection.execute(by_status)}
    whole = _uses(connection, None, in_day)[0]
    more = connection.execute(
        sa.select(
            sa.func.coalesce(sa.func.sum(calls.c.input_tokens), 0), sa.func.count(sa.case((calls.c.cache != "", 1)))
        ).where(in_day)
    ).one()
    spoke = sa.and_(in_day, calls.c.first_token_ms.is_not(None))
    samples = keeping.read(connection, STEP, start, keeping.end_of(end, STEP))  # with the row that is being filled
    samples += [keeping.Kept(at, keeping.FINEST, one) for at, one in pending if start < at <= start + DAY_S]
    values = [(kept.at, values_of(kept.sample, ("rss",))) for kept in samples]
    whole_day = Sample()
    for kept in samples:
        whole_day.merge(kept.sample)
    return DayFigures(
        day=day,
        runs=sum(counts.values()),
        failed=counts.get("failed", 0),
        canceled=counts.get("canceled", 0),
        response=_percentiles(connection, run_ends.c.ms, sa.and_(ended, run_ends.c.status == "completed")),
        first_token=_percentiles(connection, calls.c.first_token_ms, spoke),
        calls=whole.calls,
        call_errors=whole.errors,
        cache_hits=int(more[1]),
        input_tokens=int(more[0]),
        output_tokens=whole.output_tokens,
        cost=whole.cost,
        agents=_uses(connection, calls.c.agent, in_day)[:MOST],
        models=_uses(connection, calls.c.model, in_day)[:MOST],
        errors=_errors(connection, start, end),
        alerts=_alerts(connection, start, end),
        measured_s=whole_day.seconds,
        peaks=highs_of(whole_day),
        lows=lows_of(whole_day),
        rss=_growth([(at, of["rss"]) for at, of in values if "rss" in of]),
    )


def _percentiles(
    connection: sa.Connection, column: sa.ColumnElement[float | None], where: sa.ColumnElement[bool]
) -> tuple[float, float] | None:
    """The median and the 95th percentile (nearest rank)."""
    count = int(connection.execute(sa.select(sa.func.count()).where(where)).scalar_one())
    if not count:
        return None
    found: list[float] = []
    for share in (0.5, 0.95):
        rank = max(math.ceil(share * count) - 1, 0)
        query = sa.select(column).where(where).order_by(column).offset(rank).limit(1)
        found.append(float(connection.execute(query).scalar_one() or 0.0))
    return found[0], found[1]


def _uses(connection: sa.Connection, by: sa.ColumnElement[str] | None, where: sa.ColumnElement[bool]) -> list[Use]:
    """Those with most calls first. `by` None: all together."""
    number = sa.func.count()
    query = sa.select(
        sa.null() if by is None else by,
        number,
        sa.func.count(sa.case((calls.c.error != "", 1))),
        sa.func.coalesce(sa.func.sum(calls.c.output_tokens), 0),
        sa.func.coalesce(sa.func.sum(calls.c.cost), 0.0),
    ).where(where)
    if by is not None:
        query = query.group_by(by).order_by(number.desc(), by)
    return [
        Use(name or "unknown", count, errors, int(tokens), float(cost))
        for name, count, errors, tokens, cost in connection.execute(query)
    ]


def _errors(connection: sa.Connection, start: float, end: float) -> list[ErrorSeen]:
    query = (
        sa.select(error_groups.c.title, error_groups.c.place, error_groups.c.count, error_groups.c.first_at)
        .where(error_groups.c.last_at >= start, error_groups.c.first_at < end, error_groups.c.state != "muted")
        .order_by(error_groups.c.first_at.desc())
        .limit(MOST)
    )
    return [
        ErrorSeen(_kind(title), place, count, start <= first_at < end)
        for title, place, count, first_at in connection.execute(query)
    ]


def _kind(title: str) -> str:
    """The type of an error, without its message, which may have somebody's words in it."""
    kind = title.partition(":")[0].strip()
    return kind if _KIND.fullmatch(kind) else "logged"


def _alerts(connection: sa.Connection, start: float, end: float) -> list[AlertSeen]:
    over = sa.or_(alerts.c.ended_at.is_(None), alerts.c.ended_at >= start)
    query = (
        sa.select(alerts.c.rule, alerts.c.severity, alerts.c.summary, alerts.c.fired_at, alerts.c.ended_at)
        .where(alerts.c.fired_at < end, over)
        .order_by(alerts.c.fired_at)
    )
    found: dict[str, AlertSeen] = {}
    for rule, severity, summary, fired_at, ended_at in connection.execute(query):
        known = found.get(rule) or AlertSeen(rule, severity, summary, 0, 0.0, False)
        seconds = min(end, ended_at if ended_at is not None else end) - max(start, fired_at)
        found[rule] = AlertSeen(
            rule, severity, summary, known.times + 1, known.seconds + max(seconds, 0.0), ended_at is None
        )
    return list(found.values())


def _growth(rss: Sequence[tuple[int, float]]) -> tuple[float, float] | None:
    """The mean of the first hour and of the last; None where there are not two."""
    if not rss or rss[-1][0] - rss[0][0] < 2 * _GROWTH_S:
        return None
    first = [value for at, value in rss if at < rss[0][0] + _GROWTH_S]
    last = [value for at, value in rss if at > rss[-1][0] - _GROWTH_S]
    return sum(first) / len(first), sum(last) / len(last)
