"""What a set-up step is, when it need not be done again, and how its progress is shown. Standard library only.

A step has a key: a hash of all that its result depends on. The key is written to `.venv/stamps/NAME` when the step has
succeeded, and a step whose stamp equals its key is skipped. So a second start does nothing, a change redoes exactly
what it touches, and a set-up that was interrupted, or killed, goes on with the step it was in. What a tool prints goes
to `.venv/setup.log`; when it fails, the end of it is shown with what to do.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOG = VENV / "setup.log"


class SetupFailed(Exception):
    """A step cannot be done; the text says what is missing and how to mend it."""


class Interrupted(SetupFailed):
    """A signal ended the tool, so that it may not have tidied up after itself."""


@dataclass(frozen=True)
class Step:
    """`key`: what the result depends on; `done`: a cheap look whether the result is still there; `act`: make it;
    `undo`: remove what an attempt that was killed may have left half made, where the tool would take it for whole."""

    name: str
    title: str
    key: Callable[[], str]
    done: Callable[[], bool]
    act: Callable[[Progress], None]
    undo: Callable[[], None] = lambda: None


class Progress:
    """One line per step; `live`: while it runs, with the seconds and the newest line of the tool's output."""

    def __init__(self, title: str, *, live: bool = False) -> None:
        self.title = title
        self.started = time.monotonic()
        self.live = live
        self.show("")

    def show(self, note: str) -> None:
        if self.live:
            width = shutil.get_terminal_size().columns - 1
            line = f"  …  {self.title} {time.monotonic() - self.started:.0f} s  {note}"
            print(f"\r\x1b[K{line[:width]}", end="", flush=True)

    def end(self, mark: str) -> None:
        clear = "\r\x1b[K" if sys.stdout.isatty() else ""  # perhaps of a step beside
        print(f"{clear}  {mark:<2} {self.title}  {time.monotonic() - self.started:.1f} s", flush=True)

    def run(self, command: list[str | Path], *, cwd: Path = ROOT, env: Mapping[str, str], hint: str) -> None:
        """Run a tool to its end, its output into the log; if it fails, say so with the end of the output."""
        words = [str(word) for word in command]
        tail: list[str] = []
        LOG.parent.mkdir(exist_ok=True)
        with LOG.open("a", encoding="utf-8") as log:
            log.write(f"\n$ {' '.join(words)}\n")
            with subprocess.Popen(
                words, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
            ) as process:
                assert process.stdout is not None
                for line in process.stdout:
                    log.write(line)
                    tail = [*tail[-11:], line.rstrip()]
                    self.show(line.strip())
        if process.returncode:
            what = "\n".join([*tail, "", f"{words[0]} ended with code {process.returncode}. {hint}"])
            raise Interrupted(what) if process.returncode < 0 or process.returncode == 130 else SetupFailed(what)

    def hand_over(self, command: list[str | Path], *, env: Mapping[str, str], hint: str) -> None:
        """Run a tool that shows its own progress."""
        if self.live:
            print("\r\x1b[K", end="", flush=True)
        if subprocess.run([str(word) for word in command], cwd=ROOT, env=env, check=False).returncode:
            raise SetupFailed(hint)


def stamp(name: str) -> Path:
    return VENV / "stamps" / name


def is_fresh(step: Step) -> bool:
    try:
        return stamp(step.name).read_text(encoding="utf-8") == step.key() and step.done()
    except OSError:
        return False


def carry_out(first: Sequence[Step], steps: Sequence[Step] = (), beside: Sequence[Step] = ()) -> int:
    """Do every step that is not fresh, in order: the `first`, then `steps` and at the same time those `beside`; the
    number of steps done. When one fails, none is begun any more."""
    for step in (*first, *steps, *beside):  # before any, for what one has left may be in another's way
        if _begun(step).exists():
            step.undo()
            _begun(step).unlink()
    over, live = threading.Event(), sys.stdout.isatty()
    count = _in_order(first, over, live=live)
    with ThreadPoolExecutor(1) as pool:
        others = pool.submit(_in_order, beside, over, live=False)
        try:
            count += _in_order(steps, over, live=live)
            if live and not others.done():
                print("  …  The page takes a little longer.", end="", flush=True)
            return count + others.result()
        except BaseException:
            over.set()
            raise


def _in_order(steps: Sequence[Step], over: threading.Event, *, live: bool) -> int:
    count = 0
    try:
        for step in steps:
            if over.is_set():
                break
            if not is_fresh(step):
                _do(step, Progress(step.title, live=live))
                count += 1
    except BaseException:
        over.set()
        raise
    return count


def _do(step: Step, progress: Progress) -> None:
    _write(_begun(step), "")
    try:
        step.act(progress)
        if not step.done():
            raise SetupFailed(f"The step ended well, but its result is not there. The log is {LOG}.")
    except SetupFailed as failed:
        if not isinstance(failed, Interrupted):  # the tool itself gave up, and it tidies up after itself when it does
            _begun(step).unlink(missing_ok=True)
        progress.end("✗")
        raise
    _write(stamp(step.name), step.key())
    _begun(step).unlink(missing_ok=True)
    progress.end("ok")


def _begun(step: Step) -> Path:
    return stamp(f"{step.name}.begun")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def digest(*parts: str | bytes | Path) -> str:
    """A hash of texts and of files' contents; a missing file counts as empty."""
    total = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            part = part.read_bytes() if part.is_file() else b""
        elif isinstance(part, str):
            part = part.encode()
        total.update(len(part).to_bytes(8, "big") + part)
    return total.hexdigest()
