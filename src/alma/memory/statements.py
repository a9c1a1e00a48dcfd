"""SQL that is asked often, as text that is made once: to build a clause of SQLAlchemy and to render it anew takes
longer than many an answer.

A statement has `{rule}` where the access rule and the filter stand, and `num {among}` for numbers, of which there may
be hundreds: they are one parameter.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import psycopg2

from alma.memory.access import matches, visible
from alma.memory.records import Filter, Reader

_KEPT = 512  # an agent's reader and filter stay the same for a whole run
# Only renders; of PostgreSQL's dialects the one that leaves parameters without casts, which `sa.text` cannot read.
_DIALECTS = {"sqlite": sqlite.dialect(paramstyle="named"), "postgresql": psycopg2.dialect(paramstyle="named")}
_AMONG = {"sqlite": "IN (SELECT value FROM json_each(:nums))", "postgresql": "= ANY(CAST(:nums AS bigint[]))"}


class Rule(Struct, frozen=True):
    """A condition on the rows of `memories`, and the values of the parameters in it."""

    sql: str
    values: dict[str, Any]

    def __and__(self, other: Rule) -> Rule:
        """Both; they must not have parameters of the same names."""
        return Rule(f"{self.sql} AND {other.sql}", self.values | other.values)


def one_of(column: str, values: Sequence[Any]) -> Rule:
    """`column` has one of these values, of which there must be some."""
    named = {f"{column.replace('.', '_')}_{at}": value for at, value in enumerate(values)}
    return Rule(f"{column} IN ({', '.join(f':{name}' for name in named)})", named)


@lru_cache(_KEPT)
def rule_of(dialect: str, reader: Reader | None, wanted: Filter) -> Rule:
    """What the reader may read (None: this is not asked here) and the filter lets through."""
    clause = matches(wanted) if reader is None else visible(reader, wanted)
    rendered = clause.compile(dialect=_DIALECTS[dialect], compile_kwargs={"render_postcompile": True})
    return Rule(f"({rendered})", dict(rendered.params))


def ask(
    connection: sa.Connection,
    statement: str,
    values: Mapping[str, Any],
    rule: Rule | None = None,
    nums: Sequence[int] | None = None,
) -> list[tuple[Any, ...]]:
    """Its rows, as the driver gives them: SQLite's truth values are 0 and 1."""
    name = connection.dialect.name
    values = {**values}
    if rule is not None:
        statement = statement.replace("{rule}", rule.sql)
        values |= rule.values
    if nums is not None:
        statement = statement.replace("{among}", _AMONG[name])
        values["nums"] = msgspec.json.encode(nums).decode() if name == "sqlite" else list(nums)
    if name == "sqlite":
        return _ask_sqlite(connection, statement, values)
    return [tuple(row) for row in connection.execute(_text(statement), values)]


def _ask_sqlite(connection: sa.Connection, statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Past SQLAlchemy, which takes as long over a statement (0.1 ms) as SQLite does over many. What fails is asked
    again through it: it raises what everybody expects."""
    if not connection.in_transaction():
        connection.begin()  # several statements read the same state
    driver: Any = connection.connection.driver_connection
    try:
        return driver.execute(statement, values).fetchall()
    except sqlite3.Error:
        return [tuple(row) for row in connection.execute(_text(statement), values)]


@lru_cache(_KEPT)
def _text(statement: str) -> sa.TextClause:
    return sa.text(statement)
