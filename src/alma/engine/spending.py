"""The table of spend: what a group of entries adds to it, and its sums. Plain functions on a connection."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from alma.db.database import insert_for
from alma.db.tables import runs, spend
from alma.engine.state import NOTHING, Spent

COUNTED = Spent.__struct_fields__  # columns of the same names


class Spending:
    """Collects what entries that are being written have used; one row for a run, day and model."""

    __slots__ = ("_owners", "_sums")

    def __init__(self) -> None:
        self._sums: dict[tuple[str, int, str], Spent] = {}
        self._owners: dict[str, str] = {}

    def add(self, run_id: str, owner: str, day: int, model: str, spent: Spent) -> None:
        key = (run_id, day, model)
        before = self._sums.get(key)
        self._sums[key] = spent if before is None else before + spent
        self._owners[run_id] = owner

    def write(self, connection: sa.Connection) -> None:
        """Add it to what the table has, in the transaction of the entries."""
        if not self._sums:
            return
        rows = [
            {"run_id": run_id, "day": day, "model": model, "owner": self._owners[run_id], **_columns(spent)}
            for (run_id, day, model), spent in self._sums.items()
        ]
        connection.execute(_add(insert_for(connection)), rows)


def _columns(spent: Spent) -> dict[str, Any]:
    return {name: getattr(spent, name) for name in COUNTED}


@functools.cache
def _add(insert: Callable[[sa.Table], Any]) -> Any:
    """In the dialect of `insert`. Made once: to put it together costs more than to execute it."""
    statement = insert(spend)
    more = {name: spend.c[name] + statement.excluded[name] for name in COUNTED}
    return statement.on_conflict_do_update(index_elements=["run_id", "day", "model"], set_=more)


def of_owner(owner: str) -> sa.ColumnElement[bool]:
    return spend.c.owner == owner


def of_day(owner: str, day: int) -> sa.ColumnElement[bool]:
    return sa.and_(spend.c.owner == owner, spend.c.day == day)


def of_thread(owner: str, thread_id: str) -> sa.ColumnElement[bool]:
    """Of a thread that is there: what is kept of a deleted one is its owner's only."""
    return spend.c.run_id.in_(sa.select(runs.c.id).where(runs.c.thread_id == thread_id, runs.c.owner == owner))


def summed(connection: sa.Connection, where: sa.ColumnElement[bool]) -> Spent:
    """The sum of the rows `where`."""
    row = connection.execute(sa.select(*total_columns()).where(where)).one()
    return as_spent(tuple(row))


def total_columns() -> list[sa.ColumnElement[Any]]:
    return [sa.func.sum(spend.c[name]).label(name) for name in COUNTED]


def as_spent(row: tuple[Any, ...]) -> Spent:
    """Of a row that begins with `total_columns`; PostgreSQL sums whole numbers as decimals."""
    if row[0] is None:
        return NOTHING
    inputs, outputs, cached, saved, ms, cost, calls = row[: len(COUNTED)]
    return Spent(int(inputs), int(outputs), int(cached), int(saved), float(ms), float(cost), int(calls))
