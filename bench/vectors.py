"""Search in 100,000 memories: a whole recall, the dense part against exact, adding, starting, memory; all backends.

The vectors are synthetic: 384 dimensions in 2,000 clusters. The rows are in a real SQLite database. A whole recall is
`Memories.recall`: the vectors and the words, fused, ranked, fetched; only embedding the query is not in it: a fake
embedding looks its vector up. Memory and start are those of a process that has only this open.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from alma.db.database import Database
from alma.memory.dense import Dense
from alma.memory.embedding import Vector
from alma.memory.memories import Memories
from alma.memory.recall import Asked, Recall
from alma.memory.records import Filter, NewMemory
from alma.memory.vectors.factory import index_maker
from alma.memory.vectors.usearch_index import UsearchIndex
from bench import rig
from bench.vector_backends import FILTERED, READER, bake, timed
from bench.vector_rows import DIMENSIONS, MODEL, OWNER, Corpus, corpus, fill

MEMORIES = 100_000
_TICK_S = 0.004


class LookedUp:
    """An embedding that knows the vectors of the bench's texts."""

    model = MODEL
    dimensions = DIMENSIONS

    def __init__(self) -> None:
        self.known: dict[str, NDArray[np.float32]] = {}

    async def embed(self, texts: list[str], *, urgent: bool = True) -> Vector:
        del urgent
        return np.stack([self.known[text] for text in texts])


class Stall:
    """How late the event loop comes round at most. `alone`: without what threads of this process spent waiting for a
    core meanwhile; that is another's doing where there are as many cores as it has work for."""

    def __init__(self) -> None:
        self.longest_ms = 0.0
        self.alone_ms = 0.0

    async def watch(self) -> None:
        waited = _waited_ms()
        while True:
            began = time.perf_counter()
            await asyncio.sleep(_TICK_S)
            late = 1000 * (time.perf_counter() - began - _TICK_S)
            before, waited = waited, _waited_ms()
            self.longest_ms = max(self.longest_ms, late)
            self.alone_ms = max(self.alone_ms, late - (waited - before))


def _waited_ms() -> float:
    """How long the threads of this process were ready to run so far, and had no core (Linux)."""
    total = 0
    for thread in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):  # it has ended
            opened = os.open(thread / "schedstat", os.O_RDONLY)
            total += int(os.read(opened, 80).split()[1])
            os.close(opened)
    return total / 1e6


def opened(folder: Path, embedding: LookedUp) -> tuple[Database, Dense]:
    database = Database(f"sqlite:///{folder / 'alma.db'}")
    database.open()
    maker = index_maker("usearch", folder=folder / "memory", database_url="sqlite://")
    return database, Dense(database, embedding, maker, "usearch")


async def build(folder: Path, given: Corpus) -> dict[str, float]:
    """The database and a snapshot of the index; seconds that each took."""
    began = time.perf_counter()
    await asyncio.to_thread(fill, folder / "alma.db", given)
    filled = time.perf_counter()
    index = UsearchIndex(folder / "memory", MODEL, DIMENSIONS)
    await index.open()
    await index.add(given.rows())
    await index.close(len(given.texts))
    return {"rows_s": round(filled - began, 1), "index_s": round(time.perf_counter() - filled, 1)}


async def whole(folder: Path, asked: Corpus) -> dict[str, float]:
    """A recall, one with a filter, and adding one, in turn; then recalls while others are added."""
    embedding = LookedUp()
    database, dense = opened(folder, embedding)
    await dense.open()
    memories = Memories(database, embedding, dense, Recall(database, dense), lambda: 2e9)
    idle, busy = Stall(), Stall()
    fresh = corpus(4000, seed=3)
    texts = iter(fresh.texts)
    embedding.known |= zip(fresh.texts, fresh.vectors, strict=True)
    took: dict[str, list[float]] = {}

    async def clocked(name: str, work: Awaitable[object]) -> None:
        began = time.perf_counter()
        await work
        took.setdefault(name, []).append(1000 * (time.perf_counter() - began))

    async def add(name: str) -> None:
        await clocked(name, memories.add([NewMemory(OWNER, next(texts), scope="team", agent="agent1")]))

    async def recall(name: str, place: int, wanted: Filter) -> None:
        query = " ".join(asked.texts[place].split()[-6:])
        embedding.known[query] = asked.vectors[place]
        await clocked(name, memories.recall(Asked(query, READER, wanted)))

    async def keep_adding() -> None:
        while True:
            await add("kept_meanwhile")
            await asyncio.sleep(0.02)

    async with asyncio.TaskGroup() as group:
        watching = group.create_task(idle.watch())
        await asyncio.sleep(1.0)
        watching.cancel()
    os.sync()  # what building has written is not for the first that is added to wait for
    gc.collect()
    gc.freeze()  # as a server does that has started: a collection of all there is would be the bench's, not the index's
    async with asyncio.TaskGroup() as group:
        background = [group.create_task(work) for work in (dense.run(), busy.watch())]
        for place in range(len(asked.texts)):
            await recall("recall", place, Filter())
            await recall("filtered", place, FILTERED)
            await add("kept")
        background.append(group.create_task(keep_adding()))
        for place in range(len(asked.texts)):
            await recall("recall_meanwhile", place, Filter())
        for task in background:
            task.cancel()
    await dense.close()
    await asyncio.to_thread(database.close)
    figures: dict[str, float] = {}
    for name, ms in took.items():
        figures[f"{name}_p50_ms"] = round(rig.median(ms), 2)
        figures[f"{name}_p99_ms"] = round(rig.quantile(ms, 0.99), 2)
    figures["stall_ms"] = round(busy.longest_ms, 1)
    figures["stall_alone_ms"] = round(busy.alone_ms, 1)
    figures["idle_stall_ms"] = round(idle.longest_ms, 1)
    return figures


async def dense_part(folder: Path, given: Corpus, asked: Corpus, new: int) -> dict[str, float]:
    """The index alone: its times, and what it finds of the exact ten nearest; what adding `new` ones takes."""
    index = UsearchIndex(folder / "memory", MODEL, DIMENSIONS)
    await index.open()
    plain, found = await timed(index, given, asked.vectors, Filter())
    limited, limited_found = await timed(index, given, asked.vectors, FILTERED)
    ones: list[float] = []
    fresh = corpus(new, seed=4)
    for place in range(len(fresh.texts)):
        rows = fresh.rows(place, place + 1)
        started = time.perf_counter()
        await index.add(type(rows)(rows.nums + 10 * MEMORIES, rows.vectors, rows.facts))
        ones.append(1000 * (time.perf_counter() - started))
    return {
        "dense_p50_ms": round(rig.median(plain), 2),
        "dense_filtered_p50_ms": round(rig.median(limited), 2),
        "recall_at_10": round(found, 4),
        "filtered_recall_at_10": round(limited_found, 4),
        "add_ms": round(rig.median(ones), 3),
    }


def child(folder: Path) -> dict[str, float]:
    """Start in a process that has only this open."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.vectors", "--only-open", str(folder)],
        cwd=rig.REPO,
        capture_output=True,
        check=True,
        text=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


async def only_open(folder: Path) -> int:
    embedding = LookedUp()
    before = psutil.Process().memory_info().rss / 1e6
    database, dense = opened(folder, embedding)
    began, waited, used = time.perf_counter(), rig.stalled(), time.process_time()
    await dense.open()
    took = time.perf_counter() - began
    alone = min(took, max(took - (rig.stalled() - waited), time.process_time() - used))
    embedding.known["query"] = corpus(1, seed=5).vectors[0]
    found = await dense.search("query", 200, READER, Filter())
    rss = psutil.Process().memory_info().rss / 1e6
    [state] = await dense.state()
    figures = {"start_s": took, "start_alone_s": alone, "rss_mb": rss, "before_mb": before}
    print(json.dumps({name: round(value, 2) for name, value in figures.items()}))
    await asyncio.to_thread(database.close)
    return 0 if len(found) == 200 and state.missing == 0 else 1


async def main() -> int:
    quick = rig.options(__doc__).quick
    with rig.scratch() as folder:
        given = corpus(MEMORIES)
        asked = corpus(150 if quick else 600, seed=2)
        figures: dict[str, Any] = {"memories": MEMORIES, **await build(folder, given)}
        starts = [child(folder) for _ in range(1 if quick else 3)]
        figures |= {name: rig.median([one[name] for one in starts]) for name in starts[0]}
        figures |= await dense_part(folder, given, asked, 600 if quick else 1500)
        few = 500 if quick else 10_000
        small = Corpus(given.vectors[:few], given.agents[:few], given.texts[:few])
        figures |= await whole(folder, asked)
        (folder / "backends").mkdir()
        figures["backends"] = await bake(folder / "backends", small, asked.vectors[: 30 if quick else 200])
    for row in figures["backends"]:
        print("  ".join(f"{name} {value}" for name, value in row.items()))
    targets = {
        "recall p50 ms": (figures["recall_p50_ms"], "<=", 8.0),
        "recall p99 ms": (figures["recall_p99_ms"], "<=", 30.0),
        "filtered recall p50 ms": (figures["filtered_p50_ms"], "<=", 8.0),
        "filtered recall p99 ms": (figures["filtered_p99_ms"], "<=", 30.0),
        "recall@10 of the dense part": (figures["recall_at_10"], ">=", 0.98),
        "recall@10 of the dense part, filtered": (figures["filtered_recall_at_10"], ">=", 0.98),
        "adding one ms": (figures["kept_p50_ms"], "<=", 5.0),
        "start s": (figures["start_alone_s"], "<=", 2.0),
        "memory MB": (figures["rss_mb"], "<=", 400.0),
        "longest stall ms": (figures["stall_ms"], "<=", 20.0),
    }
    return rig.report("vectors", figures, targets)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--only-open"]:
        rig.run(lambda: only_open(Path(sys.argv[2])))
    rig.run(main)
