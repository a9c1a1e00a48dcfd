"""The log as a file: put away by size and by day, compressed, kept for so long and no larger than so much.

One process writes: whoever holds the data folder's lock. Used by one thread, but for the compressing, which has one of
its own. Nothing here raises: a full disk, or a folder that cannot be written, costs lines (counted) and is a `problem`.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

NAME = "alma.log"
_TRY_AGAIN_S = 5.0
_TOTAL = 16  # times the size of one file, all that was put away together, compressed
_PART = ".part"


class LogFile:
    """`max_bytes`: at which a file is put away; `days`: how long it is then kept. `clock`: Unix seconds."""

    def __init__(self, folder: Path, max_bytes: int, days: float, clock: Callable[[], float] = time.time) -> None:
        self.folder = folder
        self.problem = ""  # why it cannot be written, for people; empty: it can
        self.lost = 0  # lines that could not be written
        self._path = folder / NAME
        self._max_bytes = max_bytes
        self._keep_s = days * 86_400
        self._clock = clock
        self._file: int | None = None
        self._size = 0
        self._day = ""
        self._whole = True  # whether the file ends with the end of a line
        self._not_before = 0.0
        self._archiver: threading.Thread | None = None
        self._more = threading.Event()  # something was put away while the archiver was at work

    def write(self, lines: Sequence[bytes]) -> None:
        """Append lines, each with its end; at most a file's size too many."""
        now = self._clock()
        if self._file is None and not self._opened(now):
            self.lost += len(lines)
            return
        try:
            if self._size and (self._size >= self._max_bytes or self._day != _day(now)):
                self._put_away(now)
            data = b"".join(lines)
            self._append(data if self._whole else b"\n" + data)
        except OSError as error:
            self.lost += len(lines)
            self._fail(error, now)
        else:
            self.problem = ""

    def close(self) -> None:
        """What was written is safe; what is being compressed is waited for, for a moment."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.fsync(self._file)
            self._drop()
        if self._archiver is not None:
            self._archiver.join(2.0)  # a half archive is no harm: the next start makes it anew

    def _opened(self, now: float) -> bool:
        if now < self._not_before:
            return False
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            found = os.fstat(self._file)
        except OSError as error:
            self._fail(error, now)
            return False
        self._size = found.st_size
        self._day = _day(found.st_mtime if found.st_size else now)
        self._whole = not found.st_size or _ends_a_line(self._path)
        self._archive()  # what an earlier process has left
        return True

    def _append(self, data: bytes) -> None:
        assert self._file is not None
        view = memoryview(data)
        while view:
            written = os.write(self._file, view)
            self._size += written
            self._whole = written == len(view) and data.endswith(b"\n")
            view = view[written:]

    def _put_away(self, now: float) -> None:
        stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%S")
        number = 0
        while (aside := self.folder / f"alma-{stamp}-{number:03}.log").exists() or _zipped(aside).exists():
            number += 1
        self._drop()
        self._path.rename(aside)
        if self._opened(now):
            return
        raise OSError(self.problem)

    def _drop(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _fail(self, error: OSError, now: float) -> None:
        with contextlib.suppress(OSError):
            self._drop()
        self._not_before = now + _TRY_AGAIN_S
        said = error.strerror or str(error)
        self.problem = self.problem or f"The log file {self._path} cannot be written: {said}."

    # ── what was put away ─────────────────────────────────────────────────────────────────────────────────────────

    def _archive(self) -> None:
        """Compress and forget, in a thread of its own."""
        self._more.set()
        if self._archiver is None or not self._archiver.is_alive():
            self._archiver = threading.Thread(target=self._archive_all, name="alma-log-archive", daemon=True)
            self._archiver.start()

    def _archive_all(self) -> None:
        while self._more.is_set():
            self._more.clear()
            with contextlib.suppress(OSError):  # it stays as it is, and is tried again with the next one
                for part in self.folder.glob(f"alma-*.log.gz{_PART}"):
                    part.unlink(missing_ok=True)
                for aside in sorted(self.folder.glob("alma-*.log")):
                    _compress(aside)
            with contextlib.suppress(OSError):
                self._forget()

    def _forget(self) -> None:
        """What is too old, and the oldest of what is too much."""
        kept = sorted(self.folder.glob("alma-*.log*"), key=lambda path: path.name, reverse=True)
        room = _TOTAL * self._max_bytes
        for path in kept:
            found = path.stat()
            room -= found.st_size
            if room < 0 or found.st_mtime < self._clock() - self._keep_s:
                path.unlink(missing_ok=True)


def _compress(path: Path) -> None:
    """Either the file or its whole archive is there, whenever the process dies."""
    archive = _zipped(path)
    part = archive.with_name(archive.name + _PART)
    try:
        with path.open("rb") as source, part.open("wb") as target:
            os.fchmod(target.fileno(), 0o600)
            with gzip.GzipFile(path.name, "wb", 6, target, mtime=0) as packed:
                shutil.copyfileobj(source, packed, 256 * 1024)
            target.flush()
            os.fsync(target.fileno())
        found = path.stat()
        os.utime(part, (found.st_atime, found.st_mtime))  # its age is that of its lines
        part.replace(archive)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    path.unlink(missing_ok=True)


def _zipped(path: Path) -> Path:
    return path.with_name(path.name + ".gz")


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
