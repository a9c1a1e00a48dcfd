"""Reads a file in a process of its own, with bounds on memory, processor time and patience."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import signal
import sys
from pathlib import Path

import psutil
from msgspec import Struct

from alma import child as child_process
from alma.child import Child
from alma.events import ErrorFacts
from alma.memory.knowledge.outcome import Outcome, find
from alma.memory.knowledge.read_child import too_much_memory

log = logging.getLogger(__name__)
_LOOK_S = 0.5  # between two looks at how much memory it has


class Limits(Struct, frozen=True):
    """`memory`: bytes of address space; `cpu_s`: of processor time; `wall_s`: in all."""

    memory: int = 1536 * 2**20
    cpu_s: int = 300
    wall_s: int = 900


class ReadingProcess:
    """One file. `folder`: where the process leaves what it read, until that is taken."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._outcome = folder / secrets.token_hex(8)
        self._limits = limits
        self._child: Child | None = None
        self._stopped = False
        self._too_large = False

    async def read(self, path: Path, name: str) -> Outcome:
        """`error` is set where it could not be read, for whatever reason. `name`: what messages call it."""
        limits = self._limits
        child = self._child = await child_process.start(
            sys.executable,
            "-m",
            "alma.memory.knowledge.read_child",
            *(path, name, self._outcome, str(limits.memory), str(limits.cpu_s)),
            stdin=child_process.PIPE,
            stdout=child_process.DEVNULL,
            said=lambda line: log.debug("reading says: %s", line),
        )
        try:
            if self._stopped:
                child.kill()
            late = await self._watch(child)
            found = await asyncio.to_thread(find, self._outcome)
        finally:
            if child.returncode is None:
                child.kill()
                await asyncio.shield(child.wait())
            self._outcome.unlink(missing_ok=True)
        if found is not None:
            return found
        return Outcome("", "", [], self._why(name, child.returncode or 0, late))

    def stop(self) -> None:
        """What it would say is not wanted any more."""
        self._stopped = True
        if self._child is not None:
            with contextlib.suppress(ProcessLookupError):
                self._child.kill()

    async def _watch(self, child: Child) -> bool:
        """Wait until it has ended; True: it was too late."""
        over = asyncio.get_running_loop().time() + self._limits.wall_s
        while True:
            try:
                async with asyncio.timeout(_LOOK_S):
                    await child.wait()
                return False
            except TimeoutError:
                late = asyncio.get_running_loop().time() > over
                self._too_large = self._too_large or _memory_of(child.pid) > self._limits.memory
                if late or self._too_large:
                    child.kill()
                    await child.wait()
                    return late

    def _why(self, name: str, returned: int, late: bool) -> ErrorFacts:
        """Of a process that left nothing."""
        if self._too_large:
            return too_much_memory(name, self._limits.memory)
        if late or returned in (-getattr(signal, "SIGXCPU", 24), -getattr(signal, "SIGKILL", 9)):
            return ErrorFacts(
                "reading_too_long",
                f"{name} takes too long to read.",
                expected=f"a file that is read within {self._limits.cpu_s} s of processor time",
                actual="it was not done by then",
                hint="Split it into several files, or save it in a simpler format.",
            )
        return ErrorFacts(
            "damaged_file",
            f"{name} cannot be read: reading it broke the process that does it.",
            expected="a file that other programs open",
            actual=f"the process ended with {returned}",
            hint="Open it in another program and save it anew.",
        )


def _memory_of(pid: int) -> int:
    try:
        return psutil.Process(pid).memory_info().rss
    except psutil.Error:
        return 0
