"""Python in a process of its own: it computes, and whatever else it tries, nothing comes of it and nothing is left."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import uvloop

import alma
from alma.child import Child
from alma.tools.python_runner import PythonLimits, PythonRunner
from alma.tools.signature import ToolContext
from alma.tools.toolbox import SHIPPED, Toolbox

QUICK = PythonLimits(wall_s=8, cpu_s=2)
_there: set[psutil.Process] = set()  # processes of other tests, as the one that servers of tests come from


def processes() -> list[psutil.Process]:
    """That a test has started."""
    return [one for one in psutil.Process().children(recursive=True) if one not in _there]


@pytest.fixture(autouse=True)
def nothing_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """After each test: no process, no zombie, no folder."""
    monkeypatch.setenv("ALMA_SECRET", "key")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    _there.clear()
    _there.update(processes())
    yield
    assert processes() == []
    assert list(tmp_path.glob("alma-python-*")) == []


async def output(code: str, limits: PythonLimits = QUICK) -> str:
    run = await PythonRunner(limits).run(code)
    assert run.ok, run
    return run.output


async def refusal(code: str, limits: PythonLimits = QUICK) -> str:
    run = await PythonRunner(limits).run(code)
    assert not run.ok, run
    return run.output + run.ended


@pytest.mark.parametrize(
    ("code", "printed"),
    [
        ("1 + 1", "2\n"),
        ("print('a')\nx = 3\nx * 2", "a\n6\n"),
        ("None", ""),
        ("", ""),
        ("def f(n): return n if n < 2 else f(n - 1) + f(n - 2)\nf(15)", "610\n"),
        ("import statistics, random, json, re, csv, decimal, collections\nstatistics.mean([1, 2, 6])", "3\n"),
        ("import datetime, zoneinfo\nzoneinfo.ZoneInfo('Europe/Berlin').key", "'Europe/Berlin'\n"),
        ("from dataclasses import dataclass\n@dataclass\nclass A:\n    x: int\nA(1)", "A(x=1)\n"),
        ("from typing import NamedTuple\nclass P(NamedTuple):\n    x: int\nP(1)", "P(x=1)\n"),
        ("open('a.txt', 'w').write('x')\nimport os\nos.listdir('.')", "['a.txt']\n"),
        (
            "import pathlib\npathlib.Path('d').mkdir()\npathlib.Path('d/a').write_text('hi')\nopen('d/a').read()",
            "'hi'\n",
        ),
        ("import tempfile\nwith tempfile.TemporaryDirectory(dir='.') as d: print(1)", "1\n"),
        ("print('é\\ud800')", "é\\ud800\n"),
        ("import sys\nprint('a', file=sys.stderr)\nprint('b')", "a\nb\n"),
        ("raise SystemExit", ""),
        ("import os\nsorted(set(os.environ) - {'LC_CTYPE'})", "[]\n"),
    ],
)
async def test_it_computes(code: str, printed: str) -> None:
    assert await output(code) == printed


async def test_an_error_is_told_with_its_lines_and_nothing_of_ours() -> None:
    assert await refusal("def f():\n    return 1 / 0\nprint(1)\nf()") == (
        "1\nLine 4, 2: ZeroDivisionError: division by zero\n"
    )
    assert await refusal("x = (") == "Line 1: SyntaxError: '(' was never closed\n"
    assert "cannot contain null bytes" in await refusal("a\x00b")


@pytest.mark.parametrize(
    "code",
    [
        "open('/etc/passwd').read()",
        "open('../x', 'w')",
        "open('/tmp/x', 'a')",
        "import os; os.open('/tmp/x', os.O_CREAT | os.O_WRONLY)",
        "import os; os.listdir('/')",
        "import os; os.remove('/etc/hostname')",
        "import os; os.mkdir('../d')",
        "import os; open('a', 'w'); os.rename('a', '../a')",
        "import os; os.symlink('/etc/passwd', 'a')",
        "import pathlib; list(pathlib.Path('/proc').iterdir())",
        "open('/proc/self/environ').read()",
        f"open({str(Path(alma.__file__))!r}).read()",
        "import alma",
        "import os; os.system('true')",
        "import os; os.fork()",
        "import os; os.execv('/bin/true', ['true'])",
        "import os; os.posix_spawn('/bin/true', ['true'], {})",
        "import subprocess",
        "import _posixsubprocess",
        "import multiprocessing; multiprocessing.Process(target=print).start()",
        "import os; os.kill(os.getppid(), 9)",
        "import threading; threading.Thread(target=print).start()",
        "import socket",
        "import _socket",
        "import urllib.request; urllib.request.urlopen('http://127.0.0.1/')",
        "import asyncio; asyncio.run(asyncio.sleep(0))",
        "import ctypes",
        "import resource",
        "import gc; gc.get_objects()",
        "import sqlite3",
    ],
)
async def test_what_is_not_computing_is_refused_with_a_sentence(code: str) -> None:
    said = await refusal(code)
    assert "not allowed here" in said or "can't start new thread" in said
    assert "PermissionError" in said or "ImportError" in said or "RuntimeError" in said


ESCAPES = {
    "fork": "os.fork()",
    "exec": "os.execv('/bin/true', ['true'])",
    "connect": "__import__('socket').socket()",
    "pair": "__import__('socket').socketpair()",
    "kill": "os.kill(os.getppid(), 0)",
    "thread": "__import__('threading').Thread(target=print).start()",
    "read": "open('/etc/passwd')",
    "environment": "open('/proc/%d/environ' % os.getppid())",
    "write": "open('/tmp/alma-escape', 'w')",
    "delete": "os.remove('/tmp/alma-kept')",
    "list": "os.listdir('/')",
    "chmod": "os.chmod('/tmp/alma-kept', 0)",
    "link": "os.link('/tmp/alma-kept', 'a')",
}


@pytest.mark.skipif(sys.platform != "linux", reason="the layers are Linux's")
@pytest.mark.parametrize("what", ESCAPES)
def test_the_kernel_holds_without_pythons_hook(what: str, tmp_path: Path) -> None:
    kept = Path("/tmp/alma-kept")
    kept.touch()
    code = f"""
import os, socket, sys, threading, runpy
sys.path.insert(0, {str(Path(alma.__file__).parents[1])!r})
from alma.tools.python_kernel import put_kernel
from alma.tools.python_fence import READABLE, DEVICES, python_folders
layers = put_kernel({str(tmp_path)!r}, [*READABLE, *DEVICES, *python_folders()])
assert layers == ["network", "files", "calls"], layers
open("inside", "w").write("x")
try:
    {ESCAPES[what]}
except (OSError, RuntimeError) as error:
    sys.exit("refused: " + type(error).__name__)
"""
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.stderr.startswith("refused: "), done.stderr
    assert kept.exists()
    kept.unlink()


async def test_a_program_that_hangs_is_ended() -> None:
    started = time.monotonic()
    said = await refusal("print('before')\nimport time\ntime.sleep(60)", PythonLimits(wall_s=0.8))
    assert said == "before\nit did not end within 0.8 s"
    assert time.monotonic() - started < 5


async def test_a_program_that_computes_for_ever_is_ended() -> None:
    assert "1 s of processor time" in await refusal("while True: pass", PythonLimits(cpu_s=1))


async def test_a_program_that_ignores_signals_is_ended() -> None:
    code = (
        "import signal, time\nfor s in (1, 2, 15, 14, 24): signal.signal(s, signal.SIG_IGN)\nwhile True: time.sleep(1)"
    )
    assert "did not end" in await refusal(code, PythonLimits(wall_s=0.8))


async def test_a_caller_that_gives_up_leaves_no_process() -> None:
    task = asyncio.create_task(PythonRunner(QUICK).run("import time\ntime.sleep(60)"))
    while not processes():
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


class Struck(PythonRunner):
    """Its processes end before they are told what to run."""

    async def _start(self, folder: str) -> Child:
        process = await super()._start(folder)
        assert process.stdin is not None
        os.kill(process.pid, signal.SIGTERM)
        await process.wait()
        with contextlib.suppress(ConnectionError):
            await process.stdin.wait_closed()
        return process


@pytest.mark.parametrize("loop_factory", [None, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_one_that_ends_before_it_is_told_what_to_run_is_said_to_have_ended(
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None,
) -> None:
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        run = runner.run(Struck(QUICK).run("1"))
    assert (run.ok, run.output, run.ended) == (False, "", "it was ended by SIGTERM")


async def test_a_fork_bomb_starts_nothing() -> None:
    bomb = """
import os
for _ in range(100_000):
    try:
        os.fork()
    except OSError:
        pass
print("done")
"""
    task = asyncio.create_task(output(bomb))
    most = 0
    while not task.done():
        most = max(most, len(processes()))
        await asyncio.sleep(0.02)
    assert task.result() == "done\n"
    assert most == 1


async def test_memory_is_bounded() -> None:
    assert "MemoryError" in await refusal("x = bytearray(10 ** 10)")
    assert "MemoryError" in await refusal("x = []\nwhile True: x.append(' ' * 10 ** 7)")


async def test_files_are_bounded_in_size_and_number() -> None:
    limits = PythonLimits(file_size=1000)
    assert "File too large" in await refusal(
        "with open('a', 'wb', 0) as f:\n    while True: f.write(b'x' * 500)", limits
    )
    assert "more than 64 files" in await refusal("for n in range(100): open(str(n), 'w').close()")


async def test_ten_megabytes_of_output_keep_their_head_and_tail() -> None:
    before = psutil.Process().memory_info().rss
    printed = await output("print('start')\nfor _ in range(10): print('x' * 10 ** 6)\n'end'")
    assert printed.startswith("start\nxxx")
    assert printed.endswith("xxx\n'end'\n")
    assert "bytes left out" in printed
    assert len(printed) < 40_000
    assert psutil.Process().memory_info().rss - before < 8 * 1024 * 1024


async def test_endless_output_is_ended() -> None:
    said = await refusal("while True: print('x' * 100000)", PythonLimits(cpu_s=20))
    assert "it printed more than 16,777,216 bytes" in said
    assert len(said) < 40_000


async def test_binary_output_becomes_text() -> None:
    assert "�" in await output("import os\nos.write(1, bytes(range(256)))\nNone")


async def test_no_more_run_at_once_than_allowed() -> None:
    runner = PythonRunner(QUICK, at_once=2)
    async with asyncio.TaskGroup() as group:
        runs = [group.create_task(runner.run("import time\ntime.sleep(0.1)\n'x'")) for _ in range(5)]
        most = 0
        while not all(run.done() for run in runs):
            most = max(most, len(processes()))
            await asyncio.sleep(0.01)
    assert most <= 2
    assert {run.result().output for run in runs} == {"'x'\n"}


async def test_the_tool_is_off_needs_approval_and_may_be_repeated(context: ToolContext) -> None:
    box = Toolbox()
    box.load_folder(SHIPPED)
    assert "python" not in box.names()
    assert "switched off" in (await box.call("python", '{"code": "1"}', context)).text
    box = Toolbox(provided=[PythonRunner(QUICK)])
    box.load_folder(SHIPPED)
    tool = box.get("python")
    assert tool is not None
    assert tool.needs_approval
    assert tool.idempotent
    assert (await box.call("python", '{"code": "6 * 7"}', context)).text == "42\n"
    failed = await box.call("python", '{"code": "1 / 0"}', context)
    assert (failed.ok, failed.text) == (False, "Line 1: ZeroDivisionError: division by zero\n")
    assert not (await box.call("python", f'{{"code": "{"1+" * 60_000}1"}}', context)).ok
    assert os.environ["ALMA_SECRET"] == "key"
