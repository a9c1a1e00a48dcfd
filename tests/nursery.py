"""Processes of Alma that need not import it: children of one that has. To import it takes longer than most tests do."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
from pathlib import Path

_nursery = multiprocessing.get_context("forkserver")
_nursery.set_forkserver_preload(
    ["alma.serve", "alma.__main__", "alma.cli.process_transport", "alma.cli.server_transport", "alembic.command"]
)


def done(
    words: list[str], folder: Path, environment: dict[str, str], text: str | bytes = "", *, timeout: float = 300
) -> subprocess.CompletedProcess[str]:
    """`alma WORDS…` in `folder`, with this environment and no other and `text` as its standard input: from its start to
    its end. Raises `subprocess.TimeoutExpired`."""
    with tempfile.TemporaryDirectory(prefix="alma-command-") as kept:
        given, out, said = (Path(kept, name) for name in ("in", "out", "said"))
        given.write_bytes(text.encode() if isinstance(text, str) else text)
        process = _nursery.Process(target=_run, args=(words, folder, environment, given, out, said))
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(["alma", *words], timeout, out.read_bytes(), said.read_bytes())
        return subprocess.CompletedProcess(["alma", *words], process.exitcode, out.read_text(), said.read_text())


class Child:
    """`alma WORDS…` in `folder`, with this environment and no other, what it prints going to the end of `log`. Has what
    is used of `subprocess.Popen`."""

    def __init__(self, words: list[str], folder: Path, environment: dict[str, str], log: Path) -> None:
        self._process = _nursery.Process(target=_run, args=(words, folder, environment, Path(os.devnull), log, log))
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Raises `subprocess.TimeoutExpired`."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("alma", timeout or 0.0)
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()


def _run(words: list[str], folder: Path, environment: dict[str, str], given: Path, out: Path, said: Path) -> None:
    from alma.__main__ import main

    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for path, mode, number in ((given, "rb", 0), (out, "ab", 1), (said, "ab", 2)):
        with path.open(mode) as file:
            os.dup2(file.fileno(), number)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  # multiprocessing has put another in its place
    sys.argv = ["alma", *words]
    sys.exit(main(words))
