"""What Alma weighs: CPU of its imports, memory of an idle server, time to ready, and entries a second into the journal.

Imports: user and system time of a fresh interpreter that imports, minus one that imports nothing, taken in turns.
Memory: resident set of the server's process, embedded model on, just after the model is ready and after five idle
seconds; its children (the embedder, the model) stand beside it. Journal: 64 runs at once on the real `Journal` and one
SQLite file with `synchronous=FULL`, each waiting for its append before it makes the next; an append holds two entries,
as the engine's do (route and start; message and end). Beside it the same with 256 runs that append one entry each, one
run alone, which pays a commit for each append, and what the disk takes for a bare write and fsync of one page.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import sqlalchemy as sa

from alma.db.database import Database
from alma.engine.bus import LocalBus
from alma.engine.journal import Journal, insert_run
from alma.events import JournalEntry, MessageFinished, RunStarted, TaskFinished
from alma.model_call import Timing, Usage
from bench import rig

SHAPES = {"pairs": (64, 2), "singles": (256, 1)}  # runs at once, entries of an append
ROUNDS = 4  # of each shape, in turns; medians count


def cpu_of(code: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True, cwd=rig.REPO)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def imports(rounds: int) -> dict[str, float]:
    """Seconds of CPU, medians over rounds of all three in turns; the first round only warms the disk's cache."""
    seen: dict[str, list[float]] = {"pass": [], "import alma": [], "import alma.app": []}
    for index in range(rounds + 1):
        for code, values in seen.items():
            spent = cpu_of(code)
            if index:
                values.append(spent)
    bare = rig.median(seen["pass"])
    return {
        "bare_interpreter_s": round(bare, 3),
        "import_alma_s": round(rig.median(seen["import alma"]) - bare, 3),
        "import_alma_app_s": round(rig.median(seen["import alma.app"]) - bare, 3),
    }


def child_rss(server: rig.Served, module: str) -> float:
    for child in server.ps.children(recursive=True):
        if any(module in word for word in child.cmdline()):
            return child.memory_info().rss / 1e6
    return 0.0


def idle(folder: Path) -> dict[str, float]:
    """MB, of a server with the embedded model on and nothing to do."""
    began = time.monotonic()
    server = rig.start_alma(folder)
    try:
        while True:
            components = {one["name"]: one["detail"] for one in rig.get(server.url + "/health")["components"]}
            if components["embedder"] == "ready" and components["embedded model"] == "ready":
                break
            if time.monotonic() - began > 60:
                raise RuntimeError(f"the models are not ready: {components}")
            time.sleep(0.1)
        model_ready = time.monotonic() - began
        at_once = server.rss()
        time.sleep(5)
        return {
            "ready_s": round(server.ready_s, 3),
            "ready_alone_s": round(server.ready_alone_s, 3),
            "model_ready_s": round(model_ready, 3),
            "rss_at_once_mb": round(at_once, 1),
            "rss_idle_mb": round(server.rss(), 1),
            "rss_embedder_mb": round(child_rss(server, "embed_child"), 1),
            "rss_model_mb": round(child_rss(server, "local_child"), 1),
        }
    finally:
        server.stop()


def entry(index: int) -> JournalEntry:
    """In turns an answer of 60 words, and a task's end."""
    if index % 2:
        return TaskFinished(at=1_700_000_000.0 + index, task_id="1", status="completed", message_id="m.1")
    return MessageFinished(
        at=1_700_000_000.0 + index,
        message_id="m.main",
        attempt=1,
        text=f"{index} " + "a few words of an answer " * 10,
        finish_reason="stop",
        usage=Usage(200, 60),
        timing=Timing(100.0, 900.0),
    )


async def journal(folder: Path, entries: int, alone: int) -> dict[str, Any]:
    database = Database(f"sqlite:///{folder / 'journal.db'}")
    database.open()
    try:
        assert await database.write(pragmas) == (2, "wal"), (
            "the writer's connection is not synchronous=FULL in WAL mode"
        )
        log = Journal(database, LocalBus())
        rates: dict[str, list[float]] = {shape: [] for shape in SHAPES}
        cpu: dict[str, list[float]] = {shape: [] for shape in SHAPES}
        singles: list[float] = []
        expected = 0
        for turn, (shape, (writers, size)) in itertools.product(range(ROUNDS), SHAPES.items()):
            names = [f"{turn}-{shape}-{index}" for index in range(writers)]
            for name in names:
                await database.write(lambda c, name=name: insert_run(c, name, started(name)))
            each = entries // writers // size
            began, spent = time.perf_counter(), time.process_time()
            async with asyncio.TaskGroup() as group:
                for name in names:
                    group.create_task(write(log, name, each, size))
            written = writers * each * size
            rates[shape].append(written / (time.perf_counter() - began))
            cpu[shape].append(1e6 * (time.process_time() - spent) / written)
            expected += writers + written
            for index in range(alone // ROUNDS // len(SHAPES)):
                began = time.perf_counter()
                await log.append(names[0], names[0], [entry(2 * index)])
                singles.append(1000 * (time.perf_counter() - began))
        rows = await database.read(lambda c: c.execute(sa.text("SELECT count(*) FROM entries")).scalar_one())
        assert rows == expected + len(singles), f"{rows} entries are there, {expected + len(singles)} were written"
    finally:
        database.close()
    return {
        "entries_per_s": round(rig.median(rates["pairs"])),
        "cpu_us_per_entry": round(rig.median(cpu["pairs"]), 1),
        "singles_per_s": round(rig.median(rates["singles"])),
        "singles_cpu_us": round(rig.median(cpu["singles"]), 1),
        "alone_p50_ms": round(rig.median(singles), 3),
        "alone_p95_ms": round(rig.quantile(singles, 0.95), 3),
        "bare_fsync_p50_ms": round(bare_fsync(folder / "page"), 3),
    }


def pragmas(connection: sa.Connection) -> tuple[int, str]:
    synchronous = connection.execute(sa.text("PRAGMA synchronous")).scalar_one()  # 2 is FULL
    return synchronous, connection.execute(sa.text("PRAGMA journal_mode")).scalar_one()


def started(name: str) -> RunStarted:
    return RunStarted(at=1.0, thread_id=name, owner="local", text="Tell me about lighthouses.")


async def write(log: Journal, name: str, count: int, size: int) -> None:
    for index in range(count):
        await log.append(name, name, [entry(index * size + one) for one in range(size)])


def bare_fsync(path: Path) -> float:
    """ms for one page of 4 KiB, written and flushed."""
    spent = []
    with path.open("wb", buffering=0) as file:
        for _ in range(200):
            began = time.perf_counter()
            file.write(b"\0" * 4096)
            os.fsync(file.fileno())
            spent.append(1000 * (time.perf_counter() - began))
    return rig.median(spent)


def main() -> int:
    quick = rig.options(__doc__).quick
    with rig.scratch() as folder:
        figures: dict[str, dict[str, Any]] = {"imports": imports(3 if quick else 9)}
        figures["journal"] = asyncio.run(journal(folder, 20_480 if quick else 51_200, 200 if quick else 1600))
        figures["server"] = idle(folder / "data")
    figures["machine"] = {"cores": psutil.cpu_count(), "python": sys.version.split()[0]}
    for name, value in figures.items():
        print(name, ", ".join(f"{what} {seen}" for what, seen in value.items()))
    server = figures["server"]
    targets = {
        "import_alma_cpu_s": (figures["imports"]["import_alma_s"], "<=", 0.4),
        "idle_rss_mb": (max(server["rss_at_once_mb"], server["rss_idle_mb"]), "<=", 120.0),
        "journal_entries_per_s": (figures["journal"]["entries_per_s"], ">=", 20_000.0),
    }
    return rig.report("footprint", figures, targets)


if __name__ == "__main__":
    sys.exit(main())
