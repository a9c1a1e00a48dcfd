"""What processes use, how late the event loop is, how long garbage takes: seen where it is made to happen."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from alma.observability.resources import Resources, watch_garbage, watch_loop


async def test_each_process_is_seen_with_what_it_uses(tmp_path: Path) -> None:
    busy = subprocess.Popen([sys.executable, "-c", "print(flush=True)\nwhile True: pass"], stdout=subprocess.PIPE)
    assert busy.stdout is not None
    await asyncio.to_thread(busy.stdout.readline)
    pids = {"server": os.getpid, "model": lambda: busy.pid, "embedder": lambda: None}
    resources = Resources(pids, tmp_path)
    first = resources.look()
    before = resources.uses["model"].cpu_s
    while resources.look() and resources.uses["model"].cpu_s - before < 0.1:
        await asyncio.sleep(0.01)
    levels = resources.look()
    assert resources.uses["model"].cpu_s > before
    assert levels["model_rss"] > 1
    assert levels["rss"] > 10
    assert levels["threads"] >= 1
    assert levels["files"] >= 3
    assert levels["model_files"] >= 3, "of each process"
    assert not {name for name in levels if name.startswith("embedder")}
    assert set(first) <= set(levels)
    busy.kill()
    busy.wait()
    busy.stdout.close()
    assert "model_rss" not in resources.look()


async def test_cpu_is_what_was_used_since_the_last_look(tmp_path: Path) -> None:
    now = [0.0]
    resources = Resources({"server": os.getpid}, tmp_path, clock=lambda: now[0])
    resources.look()
    used = resources.uses["server"].cpu_s
    while resources.look() and resources.uses["server"].cpu_s - used < 0.05:
        sum(range(10_000))
    before = resources.uses["server"].cpu_s
    deadline = time.process_time() + 0.2
    while time.process_time() < deadline:
        sum(range(10_000))
    now[0] += 1.0
    levels = resources.look()
    assert levels["cpu"] == 100 * (resources.uses["server"].cpu_s - before)
    assert levels["cpu"] >= 10


async def test_the_disk_is_looked_at_in_the_background(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    resources = Resources({"server": os.getpid}, tmp_path)
    looking = asyncio.create_task(resources.run())  # ended below
    while "disk_free" not in resources.look():
        await asyncio.sleep(0.01)
    assert resources.look()["disk_free"] > 0
    looking.cancel()
    gone = Resources({"server": os.getpid}, tmp_path / "nowhere")
    looking = asyncio.create_task(gone.run())
    while "is not known" not in caplog.text:
        await asyncio.sleep(0.01)
    assert "disk_free" not in gone.look()
    looking.cancel()


async def test_a_loop_that_is_held_up_is_late() -> None:
    late: list[float] = []
    watching = asyncio.create_task(watch_loop(late.append))  # ended below
    await asyncio.sleep(0)
    time.sleep(0.45)  # what must not be done, done
    while not late:
        await asyncio.sleep(0.01)
    watching.cancel()
    assert late[0] >= 100


def test_a_collection_of_garbage_is_a_pause() -> None:
    pauses: list[float] = []
    end = watch_garbage(pauses.append)
    gc.collect()
    end()
    gc.collect()
    assert len(pauses) == 1
    assert pauses[0] > 0
