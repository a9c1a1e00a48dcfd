"""Child processes start whatever this process computes, and give what they print."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from pathlib import Path

import pytest
import uvloop

from alma.child import DEVNULL, PIPE, start

# 8 children of the server's kinds, while two threads have BLAS compute: as in the server when somebody looks at the
# map and a document is read. In a process of its own, as a loop that hangs cannot be timed out.
_BUSY = """
import asyncio, pathlib, sys, threading, uvloop
import numpy as np
from alma.memory.knowledge.reading_process import Limits, ReadingProcess
from alma.tools.python_runner import PythonRunner

over = threading.Event()

def compute(vectors=np.random.default_rng(1).standard_normal((400, 400))):
    while not over.is_set():
        np.linalg.eigh(vectors @ vectors.T)

async def read(folder, path, number):
    for _ in range(number):
        found = await ReadingProcess(folder, Limits()).read(path, path.name)
        assert found.error is None and "harbour" in found.text, found

async def run(number):
    runner = PythonRunner()
    for _ in range(number):
        ran = await runner.run("print(6 * 7)")
        assert ran.ok and ran.output == "42\\n", ran

async def main():
    folder = pathlib.Path(sys.argv[1])
    path = folder / "notes.txt"
    path.write_text("The harbour freezes.")
    threads = [threading.Thread(target=compute) for _ in range(2)]
    for thread in threads:
        thread.start()
    async with asyncio.TaskGroup() as group:
        group.create_task(read(folder, path, 4))
        group.create_task(run(4))
    over.set()

uvloop.run(main())
print("all started")
"""


@pytest.mark.timeout(900)
def test_children_start_while_blas_computes_in_threads(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _BUSY, str(tmp_path)],
        env={"OPENBLAS_NUM_THREADS": "2", "PATH": ""},
        capture_output=True,
        text=True,
        timeout=800,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "all started\n"), done.stderr


@pytest.fixture(params=["asyncio", "uvloop"])
def runner(request: pytest.FixtureRequest) -> asyncio.Runner:
    return asyncio.Runner(loop_factory=uvloop.new_event_loop if request.param == "uvloop" else None)


def test_it_is_spoken_to_heard_and_awaited(runner: asyncio.Runner) -> None:
    async def speak() -> tuple[bytes, int]:
        child = await start(sys.executable, "-c", "print(input()[::-1])\nraise SystemExit(3)", stdin=PIPE, stdout=PIPE)
        assert child.stdout is not None
        assert child.returncode is None
        await child.feed(b"x" * 300_000 + b"y\n")
        said = await child.stdout.read(-1)
        return said, await child.wait()

    with runner:
        said, code = runner.run(speak())
    assert said == b"y" + b"x" * 300_000 + b"\n"
    assert code == 3


@pytest.mark.parametrize(
    "code", ["pass", "import os, signal\nos.close(0)\nsignal.pause()"], ids=["ended", "reads no more"]
)
def test_to_feed_one_that_does_not_read_raises_one_error(runner: asyncio.Runner, code: str) -> None:
    async def feed() -> None:
        child = await start(sys.executable, "-c", code, stdin=PIPE)
        assert child.stdin is not None
        try:
            with pytest.raises(BrokenPipeError):  # while it is written to
                await child.feed(b"x" * 10_000_000)
            with contextlib.suppress(ConnectionError):
                await child.stdin.wait_closed()
            with pytest.raises(BrokenPipeError):  # after it is known
                await child.feed(b"x")
        finally:
            child.kill()
            await child.wait()

    with runner:
        runner.run(feed())


def test_its_end_is_heard_by_all_who_wait(runner: asyncio.Runner) -> None:
    async def end() -> list[int]:
        child = await start(sys.executable, "-c", "input()", stdin=PIPE, stdout=DEVNULL)
        async with asyncio.TaskGroup() as group:
            waiting = [group.create_task(child.wait()) for _ in range(2)]
            child.kill()
        child.kill()  # once more: it may have ended a moment ago
        return [task.result() for task in waiting]

    with runner:
        assert runner.run(end()) == [-9, -9]


def test_it_leaves_no_pipe_open(runner: asyncio.Runner) -> None:
    async def open_files(folder: Path) -> int:
        for _ in range(3):
            child = await start(sys.executable, "-c", "print(1)", stdin=PIPE, stdout=PIPE)
            assert child.stdout is not None
            await child.stdout.read(-1)
            await child.wait()
        await asyncio.sleep(0)
        return len([*folder.iterdir()])

    folder = Path("/dev/fd")
    if not folder.exists():
        pytest.fail("this test reads /dev/fd")
    with runner:
        before = runner.run(open_files(folder))
        assert runner.run(open_files(folder)) == before


def test_a_program_that_is_not_there_raises(runner: asyncio.Runner) -> None:
    with runner, pytest.raises(FileNotFoundError):
        runner.run(start("no-such-program", stdin=PIPE))


_SAYS = """
import sys
sys.stderr.buffer.write(b"first\\nsec")
sys.stderr.buffer.flush()
sys.stderr.buffer.write(b"ond\\n\\n" + b"x" * 5_000 + b"\\n\\xff and no end")
sys.stderr.buffer.flush()
"""


async def test_what_a_child_says_is_told_line_by_line_to_its_last_word() -> None:
    said: list[str] = []
    over = asyncio.Event()

    def tell(line: str) -> None:
        said.append(line)
        if line.endswith("no end"):
            over.set()

    child = await start(sys.executable, "-c", _SAYS, stdin=DEVNULL, stdout=DEVNULL, said=tell)
    async with asyncio.timeout(120):
        assert await child.wait() == 0
        await over.wait()
    assert said[:2] == ["first", "second"]
    assert "".join(said[2:-1]) == "x" * 5_000
    assert max(map(len, said)) <= 2_000
