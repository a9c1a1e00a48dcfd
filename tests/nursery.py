"""Processes of Alma that need not import it: children of one that has. To import it takes longer than most tests do."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

_nursery = multiprocessing.get_context("forkserver")
_nursery.set_forkserver_preload(["alma.serve", "alembic.command"])


class Child:
    """`alma WORDS…` in `folder`, with this environment and no other, what it prints going to the end of `log`. Has what
    is used of `subprocess.Popen`."""

    def __init__(self, words: list[str], folder: Path, environment: dict[str, str], log: Path) -> None:
        self._process = _nursery.Process(target=_run, args=(words, folder, environment, log))
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


def _run(words: list[str], folder: Path, environment: dict[str, str], log: Path) -> None:
    from alma.__main__ import main

    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    with log.open("ab") as out:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
    sys.argv = ["alma", *words]
    sys.exit(main(words))
