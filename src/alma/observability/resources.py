"""What Alma's processes use: CPU, memory, files and threads, how late the event loop is, how long garbage takes.

Looking costs some 0.2 ms a second: what is dear (counting open files, free disk space) is looked at less often.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from msgspec import Struct

log = logging.getLogger(__name__)
MIB = 1 << 20
_TICK_S = 0.25  # between two timers of the event loop that are watched
_FILES_EVERY_S = 5.0
_DISK_EVERY_S = 10.0


class Use(Struct, frozen=True):
    """Of one process. `cpu_s`: seconds of CPU since it began; `cpu`: percent of a core since it was looked at last."""

    pid: int
    cpu_s: float
    cpu: float
    rss: float  # bytes
    threads: int


class Watched:
    """One process, that of `pid()` now; None: there is none."""

    def __init__(self, pid: Callable[[], int | None], clock: Callable[[], float] = time.monotonic) -> None:
        self._pid = pid
        self._clock = clock
        self._process: psutil.Process | None = None
        self._before: tuple[float, float] | None = None  # when it was looked at, CPU seconds by then

    def look(self) -> Use | None:
        """None where it cannot be seen. From the second look on with what it used meanwhile."""
        pid = self._pid()
        if pid is None:
            self._process = self._before = None
            return None
        try:
            if self._process is None or self._process.pid != pid:
                self._process, self._before = psutil.Process(pid), None
            with self._process.oneshot():
                times, memory, threads = (
                    self._process.cpu_times(),
                    self._process.memory_info(),
                    self._process.num_threads(),
                )
        except (psutil.Error, OSError):
            self._process = self._before = None
            return None
        now, used = self._clock(), times.user + times.system
        before, self._before = self._before, (now, used)
        cpu = 100 * (used - before[1]) / (now - before[0]) if before is not None and now > before[0] else 0.0
        return Use(pid, used, max(cpu, 0.0), float(memory.rss), threads)

    def open_files(self) -> int | None:
        """Files and sockets."""
        try:
            return self._process.num_fds() if self._process is not None else None
        except (psutil.Error, OSError, AttributeError):  # not every system counts them
            return None


class Resources:
    """`pids`: of the processes by role: server, model, embedder; `folder`: whose disk is looked at. `run` keeps disk
    space up to date."""

    def __init__(
        self, pids: dict[str, Callable[[], int | None]], folder: Path, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._watched = {role: Watched(pid, clock) for role, pid in pids.items()}
        self._folder = folder
        self._clock = clock
        self._counted_at = float("-inf")
        self.uses: dict[str, Use] = {}  # as they were looked at last
        self.files: dict[str, int] = {}  # by role, as they were counted last
        self.disk_free: float | None = None  # bytes

    def look(self) -> dict[str, float]:
        """Levels, by the catalog's names."""
        uses: dict[str, Use] = {}
        for role, watched in self._watched.items():
            if (use := watched.look()) is not None:
                uses[role] = use
        self.uses = uses
        now = self._clock()
        if now - self._counted_at >= _FILES_EVERY_S:
            self._counted_at = now
            counted = {role: self._watched[role].open_files() for role in uses}
            self.files = {role: count for role, count in counted.items() if count is not None}
        levels: dict[str, float] = {}
        for role, use in self.uses.items():
            prefix = "" if role == "server" else f"{role}_"
            levels[f"{prefix}cpu"] = use.cpu
            levels[f"{prefix}rss"] = use.rss / MIB
            if role == "server":
                levels["threads"] = use.threads
            if role in self.files:
                levels[f"{prefix}files"] = self.files[role]
        if self.disk_free is not None:
            levels["disk_free"] = self.disk_free / MIB
        return levels

    async def run(self) -> None:
        """Until cancelled. In a thread: a disk of a network may not answer."""
        while True:
            try:
                self.disk_free = float((await asyncio.to_thread(shutil.disk_usage, self._folder)).free)
            except OSError as error:
                self.disk_free = None
                log.warning("the free space of %s is not known: %s", self._folder, error)
            await asyncio.sleep(_DISK_EVERY_S)


async def watch_loop(tell: Callable[[float], None]) -> None:
    """Tell, four times a second, by how many milliseconds the event loop was late for a timer, until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + _TICK_S
        await asyncio.sleep(_TICK_S)
        tell(max(loop.time() - due, 0.0) * 1000)


def watch_garbage(tell: Callable[[float], None]) -> Callable[[], None]:
    """Tell how long, in milliseconds, each collection of garbage held everything up; returns how to end that."""
    began = 0.0

    def hear(phase: str, _info: dict[str, int]) -> None:
        nonlocal began
        if phase == "start":
            began = time.perf_counter()
        elif began:
            tell((time.perf_counter() - began) * 1000)

    gc.callbacks.append(hear)
    return lambda: gc.callbacks.remove(hear)
