"""Errors at rest: the same ones together in one row, counted, the newest as an example. Functions on a connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from alma.db.database import insert_for
from alma.db.watch_tables import error_groups

State = Literal["open", "resolved", "muted"]
News = Literal["new", "reopened", "again", "muted"]
MOST_GROUPS = 1_000
KEEP_S = 90 * 86_400.0
_table = error_groups.c


class Seen(Struct):
    """How often an error happened since it was last written down, and the newest of it."""

    fingerprint: str
    title: str
    place: str
    count: int
    first_at: float
    last_at: float
    example: dict[str, Any]


class Group(Struct, frozen=True):
    """All of them. `example`: message, type, traceback, frames, ids, versions, settings."""

    fingerprint: str
    title: str
    place: str
    count: int
    first_at: float
    last_at: float
    state: State
    example: dict[str, Any]


def add_to_groups(connection: sa.Connection, seen: Sequence[Seen]) -> list[News]:
    """Add to what is there; one that was resolved is open again. For each, what became of it."""
    prints = [one.fingerprint for one in seen]
    query = sa.select(_table.fingerprint, _table.state).where(_table.fingerprint.in_(prints))
    states: dict[str, str] = {row.fingerprint: row.state for row in connection.execute(query)}
    insert = insert_for(connection)(error_groups)
    changed = insert.excluded
    statement = insert.on_conflict_do_update(
        index_elements=["fingerprint"],
        set_={
            "title": changed.title,
            "place": changed.place,
            "count": _table.count + changed["count"],
            "first_at": sa.case((_table.first_at < changed.first_at, _table.first_at), else_=changed.first_at),
            "last_at": sa.case((_table.last_at > changed.last_at, _table.last_at), else_=changed.last_at),
            "state": sa.case((_table.state == "resolved", "open"), else_=_table.state),
            "example": changed.example,
        },
    )
    rows = [{**_row(one), "state": "open", "example": msgspec.json.encode(one.example).decode()} for one in seen]
    # In the order of their keys, so that two servers on one database cannot wait for each other.
    connection.execute(statement, sorted(rows, key=lambda row: cast("str", row["fingerprint"])))
    became: Mapping[str | None, News] = {None: "new", "resolved": "reopened", "muted": "muted"}
    return [became.get(states.get(one), "again") for one in prints]


def _row(seen: Seen) -> dict[str, Any]:
    return {name: getattr(seen, name) for name in ("fingerprint", "title", "place", "count", "first_at", "last_at")}


def prune(connection: sa.Connection, now: float) -> None:
    """Forget what has not been seen for long, and the oldest of too many."""
    connection.execute(sa.delete(error_groups).where(_table.last_at < now - KEEP_S))
    kept = sa.select(_table.fingerprint).order_by(_table.last_at.desc(), _table.fingerprint).limit(MOST_GROUPS)
    connection.execute(sa.delete(error_groups).where(_table.fingerprint.not_in(kept.scalar_subquery())))


def read_groups(connection: sa.Connection, state: State | None, limit: int) -> list[Group]:
    """Newest first."""
    query = sa.select(error_groups).order_by(_table.last_at.desc(), _table.fingerprint).limit(limit)
    if state is not None:
        query = query.where(_table.state == state)
    return [_group(row) for row in connection.execute(query)]


def change_state(connection: sa.Connection, fingerprint: str, state: State) -> Group | None:
    """None: there is no such group."""
    change = sa.update(error_groups).where(_table.fingerprint == fingerprint).values(state=state)
    connection.execute(change)
    row = connection.execute(sa.select(error_groups).where(_table.fingerprint == fingerprint)).first()
    return _group(row) if row is not None else None


def _group(row: sa.Row[Any]) -> Group:
    found: dict[str, Any] = dict(row._mapping)  # pyright: ignore[reportPrivateUsage]  # public, whatever its name
    found["example"] = msgspec.json.decode(found["example"], type=dict[str, Any])
    return Group(**found)
