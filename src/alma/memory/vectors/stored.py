"""The stored vectors of memories, as the indexes read them: in bulk, and by number. Every function takes a connection.

Vectors that have another length than the model's are as good as not there: they are made anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa
from msgspec import Struct

from alma.db.database import insert_for
from alma.db.tables import memories, memory_vectors
from alma.memory.embedding import Vector
from alma.memory.vectors.index import FACTS, Nums, Rows

_SLICE = 500  # numbers in one statement
_CHUNK = 5000  # rows read at once
_ROW = memories.c
_HELD = memory_vectors.c
_ALIVE = _ROW.forgotten_at.is_(None) & _ROW.valid_to.is_(None) & _ROW.archived_at.is_(None)
_FACTS = [_ROW[name] for name in FACTS]


class Comparison(Struct, frozen=True):
    """Of an index with the database. `gone`: numbers that are to leave the index; `lacking`: that are to be put in, of
    `total` that belong there; `without`: of living memories without a vector. `newest`: the highest stamp; `count`: of
    all memories, in any state."""

    newest: int
    gone: Nums
    lacking: Nums
    total: int
    without: Nums
    count: Count


class Count(Struct, frozen=True):
    """`new`: how many of all have a higher number than the one that was asked about; `last`: the highest."""

    all: int
    new: int
    last: int


def compare(connection: sa.Connection, model: str, dimensions: int, stamp: int, held: Nums) -> Comparison:
    """`held`: what is in the index, which has seen all changes up to `stamp`."""
    newest = newest_stamp(connection)
    seen = stamp if stamp <= newest else 0  # the database is an older one than the index: all is read again
    alive = alive_nums(connection)
    embedded = _nums(connection, sa.select(_HELD.num).where(_of_model(model, dimensions)))
    wanted = np.intersect1d(alive, embedded, assume_unique=True)
    changed = np.intersect1d(wanted, changed_after(connection, seen), assume_unique=True)
    return Comparison(
        newest,
        np.setdiff1d(held, wanted),
        np.union1d(np.setdiff1d(wanted, held), changed),
        len(wanted),
        np.setdiff1d(alive, embedded, assume_unique=True),
        count(connection, 0),
    )


def count(connection: sa.Connection, after: int) -> Count:
    """All memories, and those with a number higher than `after`."""
    new = sa.func.sum(sa.case((_ROW.num > after, 1), else_=0))
    found = connection.execute(sa.select(sa.func.count(), new, sa.func.max(_ROW.num)).select_from(memories)).one()
    return Count(found[0], int(found[1] or 0), found[2] or 0)


def newest_stamp(connection: sa.Connection) -> int:
    return connection.execute(sa.select(sa.func.max(_ROW.stamp))).scalar() or 0


def changed_after(connection: sa.Connection, stamp: int) -> Nums:
    return _nums(connection, sa.select(_ROW.num).where(_ROW.stamp > stamp))


def alive_nums(connection: sa.Connection) -> Nums:
    return _nums(connection, sa.select(_ROW.num).where(_ALIVE))


def count_alive(connection: sa.Connection) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(memories).where(_ALIVE)).scalar_one()


def models(connection: sa.Connection) -> dict[str, int]:
    """The models that there are vectors of, and their dimensions: of the oldest vector."""
    found: dict[str, int] = {}
    last: str | None = None
    while True:  # one look into the index for each model, where DISTINCT would read every row
        asked = sa.select(_HELD.model, sa.func.length(_HELD.vector)).order_by(_HELD.model, _HELD.num).limit(1)
        row = connection.execute(asked if last is None else asked.where(_HELD.model > last)).first()
        if row is None:
            return found
        model, length = row
        found[model] = length // 2
        last = model


def read_rows(connection: sa.Connection, model: str, dimensions: int, nums: Nums) -> tuple[Rows, list[int]]:
    """Of those of these memories that live: the ones with a vector, and the numbers of the ones without."""
    having = memory_vectors.c.num == _ROW.num
    found: list[Any] = []
    for at in range(0, len(nums), _SLICE):
        asked = (
            sa.select(_ROW.num, _HELD.vector, *_FACTS)
            .select_from(memories.outerjoin(memory_vectors, having & _of_model(model, dimensions)))
            .where(_ALIVE, _ROW.num.in_(nums[at : at + _SLICE].tolist()))
        )
        found += connection.execute(asked).all()
    rows = _rows([row for row in found if row[1] is not None], dimensions)
    return rows, [row[0] for row in found if row[1] is None]


def read_after(
    connection: sa.Connection, model: str, dimensions: int, after: int, upto: int
) -> tuple[Rows, int | None]:
    """The next living memories with a vector, by number; and after which to go on, None: there are no more."""
    having = memory_vectors.c.num == _ROW.num
    asked = (
        sa.select(_ROW.num, _HELD.vector, *_FACTS)
        .select_from(memories.join(memory_vectors, having & _of_model(model, dimensions)))
        .where(_ALIVE, _ROW.num > after, _ROW.num <= upto)
        .order_by(_ROW.num)
        .limit(_CHUNK)
    )
    found = connection.execute(asked).all()
    return _rows(found, dimensions), found[-1][0] if len(found) == _CHUNK else None


def texts_of(connection: sa.Connection, nums: Sequence[int]) -> list[tuple[int, str, bytes]]:
    """Number, text and hash of those that live."""
    asked = sa.select(_ROW.num, _ROW.text, _ROW.hash).where(_ALIVE, _ROW.num.in_(nums))
    return [(row[0], row[1], row[2]) for row in connection.execute(asked)]


def keep_vectors(
    connection: sa.Connection, model: str, texts: Sequence[tuple[int, str, bytes]], vectors: Vector
) -> None:
    """Those whose text is still the one that was embedded."""
    nums = [num for num, _, _ in texts]
    hashes = sa.select(_ROW.num, _ROW.hash).where(_ROW.num.in_(nums))
    now: dict[int, bytes] = {row[0]: row[1] for row in connection.execute(hashes)}
    kept = [
        {"model": model, "num": num, "vector": vector.astype("<f2").tobytes()}
        for (num, _, known), vector in zip(texts, vectors, strict=True)
        if now.get(num) == known
    ]
    if kept:
        insert = insert_for(connection)(memory_vectors)
        same = ["model", "num"]
        replacing = insert.on_conflict_do_update(index_elements=same, set_={"vector": insert.excluded.vector})
        connection.execute(replacing, kept)


def drop_vectors(connection: sa.Connection, models: Sequence[str], most: int = 1000) -> int:
    """Some of the vectors of these models; returns how many went."""
    some = sa.select(_HELD.model, _HELD.num).where(_HELD.model.in_(models)).limit(most)
    gone = connection.execute(some).all()
    for model in models:
        nums = [row[1] for row in gone if row[0] == model]
        for at in range(0, len(nums), _SLICE):
            part = nums[at : at + _SLICE]
            connection.execute(memory_vectors.delete().where(_HELD.model == model, _HELD.num.in_(part)))
    return len(gone)


def _of_model(model: str, dimensions: int) -> sa.ColumnElement[bool]:
    return (_HELD.model == model) & (sa.func.length(_HELD.vector) == 2 * dimensions)


def _rows(found: Sequence[sa.Row[Any]], dimensions: int) -> Rows:
    if not found:
        return Rows(np.zeros(0, np.int64), np.zeros((0, dimensions), np.float32), tuple(() for _ in FACTS))
    nums, vectors, *facts = zip(*found, strict=True)
    together = np.frombuffer(b"".join(vectors), "<f2").reshape(len(found), dimensions)
    return Rows(np.asarray(nums, np.int64), together.astype(np.float32), tuple(facts))


def _nums(connection: sa.Connection, asked: sa.Select[tuple[int]]) -> Nums:
    return np.asarray(connection.execute(asked).scalars().all(), np.int64)
