"""Runs a model's Python in a process of its own, behind a fence: bounded in time, memory and output, and gone after it.

What stands between the code and the machine is in `alma.tools.python_fence`; here is what is done from outside: a
folder that is thrown away, an empty environment, a deadline that ends the whole process group, output that is bounded
while it is read.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import signal
import sys
import tempfile
from pathlib import Path

from msgspec import Struct

import alma
from alma import child as child_process
from alma.child import PIPE, STDOUT, Child
from alma.tools.fault import ToolFault
from alma.tools.signature import Provided

_SOURCES = str(Path(alma.__file__).parents[1])
# The child finds Alma's two files, and the code that it runs finds no more than Python.
_START = (
    f"import sys; sys.path.insert(0, {_SOURCES!r}); from alma.tools.python_child import main; del sys.path[0]; main()"
)
_MIB = 1024 * 1024
_READ = 65536


class PythonLimits(Struct, frozen=True):
    """Of one run. `output`: bytes that are kept of what it prints; `most_output`: then it is ended."""

    wall_s: float = 10.0
    cpu_s: int = 5
    memory: int = 512 * _MIB
    file_size: int = 4 * _MIB
    output: int = 32_768
    most_output: int = 16 * _MIB
    code: int = 100_000  # characters


class PythonRun(Struct, frozen=True):
    """`output`: what was printed, errors too, head and tail if it was long. `ended`: why it was stopped, if it was."""

    ok: bool
    output: str
    ended: str = ""


class PythonRunner(Provided):
    """Providing it is what switches the tool `python` on. At most `at_once` processes run; a further one waits."""

    def __init__(self, limits: PythonLimits | None = None, at_once: int = 2) -> None:
        self.limits = limits or PythonLimits()
        self._places = asyncio.Semaphore(at_once)

    async def run(self, code: str) -> PythonRun:
        """Raises `ToolFault` where it cannot be run at all. Cancelled, it ends the process before it comes back."""
        if os.name != "posix":
            raise ToolFault("Python code is run on Linux and macOS only: elsewhere there is no fence around it.")
        if len(code) > self.limits.code:
            raise ToolFault(f"The code has {len(code):,} characters; at most {self.limits.code:,} are run.")
        async with self._places:
            folder = tempfile.TemporaryDirectory(prefix="alma-python-", ignore_cleanup_errors=True)
            try:
                process = await self._start(folder.name)
                try:
                    return await self._watch(process, code)
                finally:
                    await asyncio.shield(_end(process))
            finally:
                await asyncio.shield(asyncio.to_thread(folder.cleanup))

    async def _start(self, folder: str) -> Child:
        of = self.limits
        return await child_process.start(
            *(sys.executable, "-I", "-S", "-B", "-X", "utf8", "-c", _START),
            *(folder, str(of.cpu_s), str(math.ceil(of.wall_s) + 1), str(of.memory), str(of.file_size)),
            stdin=PIPE,
            stdout=PIPE,
            stderr=STDOUT,
            cwd=folder,
            env={},
            start_new_session=True,
        )

    async def _watch(self, process: Child, code: str) -> PythonRun:
        output = _Bounded(self.limits.output)
        try:
            async with asyncio.timeout(self.limits.wall_s):
                await _feed(process, code)
                assert process.stdout is not None
                while chunk := await process.stdout.read(_READ):
                    output.add(chunk)
                    if output.total > self.limits.most_output:
                        return PythonRun(
                            False, output.text(), f"it printed more than {self.limits.most_output:,} bytes"
                        )
                await process.wait()
        except TimeoutError:
            return PythonRun(False, output.text(), f"it did not end within {self.limits.wall_s:g} s")
        return PythonRun(process.returncode == 0, output.text(), _why(process.returncode or 0, self.limits))


async def _feed(process: Child, code: str) -> None:
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):  # how it ended is told by who waits for it
        await process.feed(code.encode("utf-8", "surrogatepass"))
    process.stdin.close()


async def _end(process: Child) -> None:
    """End the process, and whatever it may have started, and take it off the system's list."""
    process.kill()
    await process.wait()


def _why(returncode: int, limits: PythonLimits) -> str:
    match -returncode:
        case signal.SIGXCPU | signal.SIGKILL:
            return f"it used more than {limits.cpu_s} s of processor time"
        case number if number > 0:
            return f"it was ended by {signal.Signals(number).name}"
        case _:
            return ""


class _Bounded:
    """Keeps the first and the last of the bytes that pass, at most `most`; counts all."""

    def __init__(self, most: int) -> None:
        self._head = bytearray()
        self._tail = bytearray()
        self._half = most // 2
        self.total = 0

    def add(self, chunk: bytes) -> None:
        self.total += len(chunk)
        room = self._half - len(self._head)
        self._head += chunk[:room]
        self._tail += chunk[max(room, 0) :]
        if len(self._tail) > self._half + _READ:
            del self._tail[: -self._half]

    def text(self) -> str:
        del self._tail[: max(0, len(self._tail) - self._half)]
        missing = self.total - len(self._head) - len(self._tail)
        between = f"\n[… {missing:,} bytes left out …]\n".encode() if missing else b""
        return bytes(self._head + between + self._tail).decode("utf-8", "replace")
