"""A map of memories: their vectors on the plane in which they differ most (principal components)."""

from __future__ import annotations

import numpy as np
import sqlalchemy as sa
from msgspec import Struct
from numpy.typing import NDArray

from alma.db.tables import memories, memory_uses, memory_vectors
from alma.memory.access import readable, visible
from alma.memory.embedding import Vector
from alma.memory.records import Filter, Memory, Reader
from alma.memory.store import memory_of, select_memories, vector_of


class MemoryPoint(Struct, frozen=True):
    """`x`, `y`: from -1 to 1, in the same unit."""

    memory: Memory
    x: float
    y: float


class Map(Struct, frozen=True):
    """`total`: that the filter lets through; `explained`: the share of all differences that the plane shows."""

    points: list[MemoryPoint]
    total: int
    explained: float
    of_run: list[str]


def draw(connection: sa.Connection, reader: Reader, wanted: Filter, limit: int, run_id: str, model: str) -> Map:
    """See `Memories.map`. To be called in a thread: the arithmetic lets go of the interpreter."""
    clause = visible(reader, wanted)
    row = memories.c
    total = connection.execute(sa.select(sa.func.count()).select_from(memories).where(clause)).scalar_one()
    asked = (
        select_memories(clause)
        .add_columns(memory_vectors.c.vector)
        .join(memory_vectors, (memory_vectors.c.num == row.num) & (memory_vectors.c.model == model))
        .order_by(row.created_at.desc(), row.num.desc())
        .limit(limit)
    )
    rows = connection.execute(asked).all()
    rows = [found for found in rows if len(found.vector) == len(rows[0].vector)]
    places, explained = project(np.stack([vector_of(found.vector) for found in rows])) if rows else (_NOWHERE, 0.0)
    points = [MemoryPoint(memory_of(found), x, y) for found, (x, y) in zip(rows, places.tolist(), strict=True)]
    return Map(points, total, explained, _of_run(connection, reader, run_id) if run_id else [])


_ROWS = 512  # vectors that are centred at once
_NOWHERE: NDArray[np.float64] = np.zeros((0, 2))


def project(vectors: Vector) -> tuple[NDArray[np.float64], float]:
    """(n, d) to (n, 2), scaled so that the farthest is at 1, and the share of the variance that is seen. The same
    vectors in another order come to the same places: the axes' signs are set by their largest part."""
    mean = vectors.mean(axis=0, dtype=np.float64)
    slices = [slice(start, start + _ROWS) for start in range(0, len(vectors), _ROWS)]
    products = np.zeros((vectors.shape[1], vectors.shape[1]))
    for rows in slices:  # in slices: all of them as float64, twice, would be 30 MB
        centred = vectors[rows] - mean
        products += centred.T @ centred
    variances, axes = np.linalg.eigh(products)  # ascending
    total = float(variances.sum())
    if total <= 1e-12:
        return np.zeros((len(vectors), 2)), 0.0
    two = axes[:, [-1, -2]] if axes.shape[1] > 1 else np.hstack([axes, np.zeros_like(axes)])
    largest = np.abs(two).argmax(axis=0)
    signs = np.sign(two[largest, np.arange(2)])
    two *= np.where(signs == 0, 1, signs)
    places = np.concatenate([(vectors[rows] - mean) @ two for rows in slices])
    return places / max(float(np.abs(places).max()), 1e-12), float(variances[-2:].sum()) / total


def _of_run(connection: sa.Connection, reader: Reader, run_id: str) -> list[str]:
    """Ids of the memories that came into the run's prompts."""
    if "\0" in run_id or not run_id.isascii():
        return []
    asked = (
        sa.select(memories.c.id)
        .join(memory_uses, memory_uses.c.num == memories.c.num)
        .where(memory_uses.c.run_id == run_id, readable(reader))
        .distinct()
    )
    return [*connection.execute(asked.order_by(memories.c.id)).scalars()]
