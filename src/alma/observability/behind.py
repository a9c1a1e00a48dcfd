"""The way from a number back to the runs that it is made of. Queries only; of other owners' runs only how many."""

from __future__ import annotations

from typing import Any, Literal, assert_never

import sqlalchemy as sa
from msgspec import Struct

from alma.db.tables import runs, threads
from alma.db.watch_tables import calls, run_ends
from alma.observability.catalog import BY_NAME

Kind = Literal["calls", "ends", "starts", "running", "around"]
RUNS = "runs"  # beside the metrics: those that a table by agent, model or endpoint counts


class Asked(Struct, frozen=True):
    """Of which number, of when and for whom. Empty strings: any."""

    metric: str
    owner: str
    since: float
    until: float
    agent: str = ""
    model: str = ""
    endpoint: str = ""
    limit: int = 50


class One(Struct, frozen=True):
    """A run, or a call of it (`seq` of its last entry; 0: the run as a whole). `text`: the beginning of what was asked,
    in one line; `title`: of its thread."""

    run_id: str
    thread_id: str
    title: str
    text: str
    at: float
    value: float
    seq: int = 0
    agent: str = ""
    model: str = ""
    endpoint: str = ""
    status: str = ""
    error: str = ""


class Behind(Struct, frozen=True):
    unit: str
    runs: list[One]
    others: int
    more: bool


class _Way(Struct, frozen=True):
    """How the rows of a number are found. `value`: what a row adds to it; None: it counts as one, the newest first."""

    kind: Kind
    value: sa.ColumnElement[Any] | None = None
    where: sa.ColumnElement[bool] | None = None
    unit: str = "count"


_TEXT_CHARS = 200  # as much of a task as is read in a list; the whole may be a book
_asked = sa.func.substr(runs.c.text, 1, _TEXT_CHARS).label("asked")

_answered = sa.and_(calls.c.error == "", calls.c.cache == "")
_failed_calls = _Way("calls", where=calls.c.error != "")
_WAYS: dict[str, _Way] = {
    "response": _Way("ends", run_ends.c.ms, unit="ms"),
    "first_token": _Way("calls", calls.c.first_token_ms, calls.c.first_token_ms.is_not(None), unit="ms"),
    "call": _Way("calls", calls.c.ms, _answered, unit="ms"),
    "tokens_out": _Way("calls", calls.c.output_tokens, calls.c.output_tokens > 0, unit="tokens"),
    "tokens_in": _Way("calls", calls.c.input_tokens, calls.c.input_tokens > 0, unit="tokens"),
    "cost": _Way("calls", calls.c.cost, calls.c.cost > 0, unit="USD"),
    "calls": _Way("calls"),
    "call_errors": _failed_calls,
    "endpoints_down": _failed_calls,
    "cache_hits": _Way("calls", where=calls.c.cache != ""),
    "cache_misses": _Way("calls", where=_answered),
    "runs_started": _Way("starts"),
    "runs_finished": _Way("ends", where=run_ends.c.status != "failed"),
    "runs_failed": _Way("ends", where=run_ends.c.status == "failed"),
    "runs_running": _Way("running"),
    "tasks_running": _Way("running"),
    "tasks_queued": _Way("running"),
}
_AROUND = _Way("around")  # of what no single run can be blamed for: those that were under way at the time


def behind(connection: sa.Connection, asked: Asked) -> Behind:
    """Raises `KeyError` for a metric that is neither in the catalog nor `RUNS`."""
    if asked.metric == RUNS:
        used = sa.select(calls.c.run_id).where(calls.c.at >= asked.since, calls.c.at <= asked.until, *_of_use(asked))
        return _runs(connection, asked, [runs.c.id.in_(used)])
    metric = BY_NAME[asked.metric]
    name = metric.name.rpartition("_p")[0] if metric.what == "percentile" else metric.name
    way = _WAYS.get(name, _AROUND)
    match way.kind:
        case "calls":
            return _calls(connection, asked, way)
        case "ends":
            return _ends(connection, asked, way, [run_ends.c.at >= asked.since, run_ends.c.at <= asked.until])
        case "starts":
            return _runs(connection, asked, [runs.c.created_at >= asked.since, *_having(asked, runs.c.id)])
        case "running":
            return _runs(connection, asked, [runs.c.finished.is_(False), *_having(asked, runs.c.id)])
        case "around":
            return _around(connection, asked)
        case _:
            assert_never(way.kind)


def _of_use(asked: Asked) -> list[sa.ColumnElement[bool]]:
    given = (
        (calls.c.agent, asked.agent),
        (calls.c.model, asked.model),
        (calls.c.endpoint, asked.endpoint),
    )
    return [column == value for column, value in given if value]


def _having(asked: Asked, run_id: sa.ColumnElement[str]) -> list[sa.ColumnElement[bool]]:
    """Of runs: those in which that agent, model or endpoint was called."""
    of_use = _of_use(asked)
    return [run_id.in_(sa.select(calls.c.run_id).where(*of_use))] if of_use else []


def _calls(connection: sa.Connection, asked: Asked, way: _Way) -> Behind:
    where = [calls.c.at >= asked.since, calls.c.at <= asked.until, *_of_use(asked)]
    if way.where is not None:
        where.append(way.where)
    most = asked.limit + 1
    found = _best_calls(connection, asked, way, where, 2 * most)
    if found is None:  # many of the first have gone with their threads: look past them
        found = _best_calls(connection, asked, way, [*where, _is_there(calls.c.run_id)], most) or []
    found.sort(key=lambda one: (one.value, one.at), reverse=True)
    others = connection.execute(sa.select(sa.func.count()).where(*where, calls.c.owner != asked.owner)).scalar_one()
    return _reply(way.unit, found, asked, others)


def _ends(connection: sa.Connection, asked: Asked, way: _Way, when: list[sa.ColumnElement[bool]]) -> Behind:
    where = [*when, *_having(asked, run_ends.c.run_id)]
    if way.where is not None:
        where.append(way.where)
    order = run_ends.c.at if way.value is None else way.value
    value = sa.literal(1.0) if way.value is None else way.value
    query = (
        sa.select(run_ends, value.label("value"), runs.c.thread_id, _asked, threads.c.title)
        .join(runs, runs.c.id == run_ends.c.run_id)
        .join(threads, threads.c.id == runs.c.thread_id)
        .where(*where, run_ends.c.owner == asked.owner)
        .order_by(order.desc(), run_ends.c.at.desc())
        .limit(asked.limit + 1)
    )
    found = [
        One(
            row.run_id,
            row.thread_id,
            row.title,
            _line(row.asked),
            row.at,
            float(row.value),
            status=row.status,
            error=row.error,
        )
        for row in connection.execute(query)
    ]
    others = connection.execute(sa.select(sa.func.count()).where(*where, run_ends.c.owner != asked.owner)).scalar_one()
    return _reply(way.unit, found, asked, others)


def _around(connection: sa.Connection, asked: Asked) -> Behind:
    """Those that were under way at some time of it: that are so still, then those that have ended since."""
    now = _runs(connection, asked, [runs.c.finished.is_(False), *_having(asked, runs.c.id)])
    began = run_ends.c.at - run_ends.c.ms / 1000
    ended = _ends(connection, asked, _Way("ends"), [run_ends.c.at >= asked.since, began <= asked.until])
    found = [*now.runs, *ended.runs]
    return Behind("count", found[: asked.limit], now.others + ended.others, len(found) > asked.limit or ended.more)


def _runs(connection: sa.Connection, asked: Asked, where: list[sa.ColumnElement[bool]]) -> Behind:
    """Runs as a whole, the newest first."""
    where = [*where, runs.c.created_at <= asked.until]
    query = (
        sa.select(
            runs.c.id, runs.c.thread_id, _asked, runs.c.created_at, run_ends.c.status, run_ends.c.error, threads.c.title
        )
        .select_from(runs.join(threads, threads.c.id == runs.c.thread_id))
        .outerjoin(run_ends, run_ends.c.run_id == runs.c.id)
        .where(*where, runs.c.owner == asked.owner)
        .order_by(runs.c.created_at.desc())
        .limit(asked.limit + 1)
    )
    found = [
        One(
            row.id,
            row.thread_id,
            row.title,
            _line(row.asked),
            row.created_at,
            1.0,
            status=row.status or "working",
            error=row.error or "",
        )
        for row in connection.execute(query)
    ]
    of_others = sa.select(sa.func.count()).select_from(runs).where(*where, runs.c.owner != asked.owner)
    return _reply("count", found, asked, connection.execute(of_others).scalar_one())


def _best_calls(
    connection: sa.Connection, asked: Asked, way: _Way, where: list[sa.ColumnElement[bool]], most: int
) -> list[One] | None:
    """Of the first `most` those that still can be shown; None: too few, though there may be more further down."""
    order = calls.c.at if way.value is None else way.value
    first = (
        sa.select(calls)
        .where(*where, calls.c.owner == asked.owner)
        .order_by(order.desc(), calls.c.at.desc())
        .limit(most)
        .subquery()
    )
    value = sa.literal(1.0) if way.value is None else first.c[str(way.value.key)]
    query = (
        sa.select(
            first, value.label("value"), runs.c.thread_id, _asked, runs.c.head, run_ends.c.status, threads.c.title
        )
        .select_from(first.outerjoin(runs, runs.c.id == first.c.run_id))
        .outerjoin(threads, threads.c.id == runs.c.thread_id)
        .outerjoin(run_ends, run_ends.c.run_id == first.c.run_id)
    )
    rows = connection.execute(query).all()
    found = [
        One(
            row.run_id,
            row.thread_id,
            row.title or "",
            _line(row.asked),
            row.at,
            float(row.value),
            row.seq if row.seq <= row.head else 0,  # the steps of an old run may have been given up
            row.agent,
            row.model,
            row.endpoint,
            row.status or "working",
            row.error,
        )
        for row in rows
        if row.thread_id is not None
    ]
    return None if len(rows) == most and len(found) <= asked.limit < most - 1 else found


def _line(text: str) -> str:
    return " ".join(text.split())


def _is_there(run_id: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Its thread may have been deleted: what it used stays in the sums, but there is nothing left to show."""
    return sa.exists().where(runs.c.id == run_id)


def _reply(unit: str, found: list[One], asked: Asked, others: int) -> Behind:
    return Behind(unit, found[: asked.limit], others, len(found) > asked.limit)
