"""The index in PostgreSQL, with the extension pgvector: one table for each model, float16 vectors, an HNSW graph.

Where few rows are allowed, all of them are compared; else the graph is walked, and further where the filter takes much
away (`hnsw.iterative_scan`, pgvector 0.8).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import make_url
from sqlalchemy.types import UserDefinedType

from alma.errors import IndexUnavailable
from alma.memory.embedding import Vector
from alma.memory.records import Filter, Reader
from alma.memory.vectors.index import FACTS, WORDS, Limits, Near, Nums, Rows, VectorIndex, limits_of, name_of
from alma.memory.vectors.server import Calls, StampFile, parts

T = TypeVar("T")
_COMPARED = 5000  # rows, up to which all that are allowed are compared: about 5 ms
_EXPANSION = (100, 1000)  # of a walk: least, most
_SCANNED = 200_000  # rows that a walk may see in all
_THREADS = 3
_CONNECT_S = 2  # the least that PostgreSQL's library takes
_TIMEOUT_MS = 10_000  # without a sign of life from a server that was sent something


class _HalfVec(UserDefinedType[str]):
    cache_ok = True

    def __init__(self, dimensions: int) -> None:
        self.dimensions = dimensions

    def get_col_spec(self, **_: object) -> str:
        return f"halfvec({self.dimensions})"


class PgvectorIndex(VectorIndex):
    """`folder`: where its stamp is."""

    def __init__(self, database_url: str, folder: Path, model: str, dimensions: int) -> None:
        url = make_url(database_url)
        if url.get_backend_name() != "postgresql":
            raise IndexUnavailable(
                "pgvector searches vectors in PostgreSQL, and Alma's database is another.",
                expected="ALMA_DATABASE_URL=postgresql://…",
                actual=url.get_backend_name(),
                hint="Choose ALMA_MEMORY_BACKEND=usearch, or a PostgreSQL database.",
            )
        self._engine = sa.create_engine(
            url.set(drivername="postgresql+psycopg"),
            pool_size=_THREADS,
            max_overflow=0,
            pool_pre_ping=True,
            connect_args={"connect_timeout": _CONNECT_S, "tcp_user_timeout": _TIMEOUT_MS},
        )
        where = url.render_as_string(hide_password=True)
        self._calls = Calls("pgvector", where, _THREADS)
        self._stamps = StampFile(folder, "pgvector", where, model, dimensions)
        self._dimensions = dimensions
        self._table = _table(f"memory_index_{name_of(model, dimensions)}", dimensions)

    async def open(self) -> int:
        def create(connection: sa.Connection) -> int:
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(0x616C6D62)"))  # two cannot create at once
            connection.execute(sa.text("CREATE EXTENSION IF NOT EXISTS vector"))
            existed = sa.inspect(connection).has_table(self._table.name)
            self._table.create(connection, checkfirst=True)
            return self._stamps.read() if existed else 0

        return await self._run(create)

    async def close(self, stamp: int) -> None:
        self._stamps.write(stamp)
        await self._calls.run(self._engine.dispose)
        self._calls.stop()

    async def add(self, rows: Rows) -> None:
        insert = postgresql.insert(self._table)
        changed = {column.name: insert.excluded[column.name] for column in self._table.c if column.name != "num"}
        replacing = insert.on_conflict_do_update(index_elements=["num"], set_=changed)
        for part in parts(rows):
            given = {
                num: {"num": num, "vector": _written(vector), **dict(zip(FACTS, facts, strict=True))}
                for num, vector, *facts in zip(part.nums.tolist(), part.vectors, *part.facts, strict=True)
            }
            await self._run(lambda connection, given=given: connection.execute(replacing, [*given.values()]))

    async def remove(self, nums: Sequence[int]) -> None:
        gone = self._table.delete().where(self._table.c.num == sa.any_(sa.literal([*nums], sa.ARRAY(sa.BigInteger))))
        await self._run(lambda connection: connection.execute(gone))

    async def search(self, vector: Vector, k: int, reader: Reader, wanted: Filter) -> list[Near]:
        limits = limits_of(reader, wanted)
        if limits is None or k <= 0:
            return []
        allowed = _allowed(self._table, limits)
        return await self._run(lambda connection: self._nearest(connection, vector, k, allowed))

    def _nearest(
        self, connection: sa.Connection, vector: Vector, k: int, allowed: sa.ColumnElement[bool]
    ) -> list[Near]:
        some = sa.select(sa.literal(1)).select_from(self._table).where(allowed).limit(_COMPARED + 1).subquery()
        few = connection.execute(sa.select(sa.func.count()).select_from(some)).scalar_one() <= _COMPARED
        asked = sa.cast(sa.literal(_written(vector)), _HalfVec(self._dimensions))
        row = self._table.c
        if few:
            rows = sa.select(row.num, row.vector).where(allowed).cte().prefix_with("MATERIALIZED", dialect="postgresql")
            distance = _distance(rows.c.vector, asked)
            found = connection.execute(sa.select(rows.c.num, distance).order_by(distance).limit(k)).all()
        else:
            expansion = min(max(_EXPANSION[0], 2 * k), _EXPANSION[1])
            for name, value in (
                ("ef_search", expansion),
                ("iterative_scan", "relaxed_order"),
                ("max_scan_tuples", _SCANNED),
            ):
                connection.execute(sa.select(sa.func.set_config(f"hnsw.{name}", str(value), True)))
            distance = _distance(row.vector, asked)
            found = connection.execute(sa.select(row.num, distance).where(allowed).order_by(distance).limit(k)).all()
        nearest = [Near(num, min(-negative, 1.0)) for num, negative in found]
        return sorted(nearest, key=lambda near: -near.cosine)

    async def nums(self) -> Nums:
        found = await self._run(lambda connection: connection.execute(sa.select(self._table.c.num)).scalars().all())
        return np.asarray(found, np.int64)

    async def save(self, stamp: int) -> None:
        self._stamps.write(stamp)

    async def clear(self) -> None:
        self._stamps.drop()

        def anew(connection: sa.Connection) -> None:
            self._table.drop(connection, checkfirst=True)
            self._table.create(connection)

        await self._run(anew)

    async def _run(self, work: Callable[[sa.Connection], T]) -> T:
        def call() -> T:
            with self._engine.begin() as connection:
                return work(connection)

        return await self._calls.run(call)


def _table(name: str, dimensions: int) -> sa.Table:
    kinds: dict[str, Any] = {"created_at": sa.Double(), "pinned": sa.Boolean()}
    return sa.Table(
        name,
        sa.MetaData(),
        sa.Column("num", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("vector", _HalfVec(dimensions), nullable=False),
        *(sa.Column(fact, sa.Text() if fact in WORDS else kinds[fact], nullable=False) for fact in FACTS),
        sa.Index(f"{name}_owner", "owner", "agent"),
        sa.Index(f"{name}_thread", "thread_id"),
        sa.Index(f"{name}_run", "run_id"),
        sa.Index(f"{name}_document", "document_id"),
        sa.Index(f"{name}_near", "vector", postgresql_using="hnsw", postgresql_ops={"vector": "halfvec_ip_ops"}),
    )


def _allowed(table: sa.Table, limits: Limits) -> sa.ColumnElement[bool]:
    row = table.c
    clauses = [row.owner == limits.owner]
    if limits.shared is not None:
        seen = row.scope.in_(limits.shared)
        if limits.own is not None:
            seen |= (row.scope == "private") & (row.agent == limits.own)
        clauses.append(seen)
    clauses += [row[name].in_(values) for name, values in limits.among.items()]
    if limits.not_runs:
        clauses.append(row.run_id.not_in(limits.not_runs))
    if limits.since is not None:
        clauses.append(row.created_at >= limits.since)
    if limits.until is not None:
        clauses.append(row.created_at <= limits.until)
    if limits.pinned is not None:
        clauses.append(row.pinned.is_(limits.pinned))
    if limits.files is not None:
        clauses.append(row.document_id != "" if limits.files else row.document_id == "")
    return sa.and_(*clauses)


def _distance(vector: sa.ColumnElement[Any], asked: sa.ColumnElement[Any]) -> sa.Label[float]:
    """Minus the inner product."""
    inner: Any = vector.op("<#>")(asked)
    return sa.type_coerce(inner, sa.Float[float]()).label("distance")


def _written(vector: Vector) -> str:
    return "[" + ",".join(f"{value:.6g}" for value in vector.tolist()) + "]"
