"""The files that were put in, kept as they came: under an id and their hash, never under a name that somebody gave."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import secrets
from collections.abc import Callable, Collection
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, TypeVar

from alma.errors import InvalidRequest, StorageFailure

T = TypeVar("T")
_PIECE = 1 << 20  # bytes that are written at once


class FileTooLarge(InvalidRequest):
    status = 413

    def __init__(self, name: str, size: int, most: int) -> None:
        super().__init__(
            "file_too_large",
            f"{name} is too large.",
            expected=f"at most {most:,} bytes (ALMA_MAX_DOCUMENT_MIB)",
            actual=f"{size:,} bytes" if size else "more than that",
            hint="Split it into several files.",
        )


class Originals:
    """`folder`: theirs alone. Methods block, but those of `Arriving`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.coming: set[str] = set()  # names of files that are arriving now
        self.arriving = folder / ".arriving"
        self.reading = folder / ".reading"

    def prepare(self, known: Collection[str]) -> None:
        """Leave only those that are known (by `key`), and nothing half done that nobody is at. To be called before any
        of them is read."""
        for folder in (self.arriving, self.reading):
            folder.mkdir(parents=True, exist_ok=True)
            for path in folder.iterdir():
                if path.name not in self.coming:
                    path.unlink(missing_ok=True)
        for path in self.folder.iterdir():
            if not path.name.startswith(".") and path.name not in known:
                path.unlink(missing_ok=True)

    def path(self, document_id: str, digest: bytes) -> Path:
        return self.folder / self.key(document_id, digest)

    @staticmethod
    def key(document_id: str, digest: bytes) -> str:
        return f"{document_id}.{digest.hex()[:16]}"

    def keep(self, arrived: Path, document_id: str, digest: bytes) -> None:
        arrived.replace(self.path(document_id, digest))
        if os.name == "posix":  # the name is on the disk too
            descriptor = os.open(self.folder, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)

    def drop(self, document_id: str, digest: bytes) -> None:
        with contextlib.suppress(OSError):  # the next start looks again
            self.path(document_id, digest).unlink(missing_ok=True)


class Arriving:
    """A file that comes in piece by piece: on the disk, hashed, never whole in memory. An async context manager; at its
    end the file is gone if nobody has kept it. Raises `FileTooLarge`, `StorageFailure`."""

    def __init__(self, originals: Originals, name: str, most: int) -> None:
        self.path = originals.arriving / secrets.token_hex(8)
        self._coming = originals.coming
        self.size = 0
        self._name = name
        self._most = most
        self._digest = hashlib.sha256()
        self._held = bytearray()
        self._file: BinaryIO | None = None

    async def __aenter__(self) -> Arriving:
        self._coming.add(self.path.name)
        self._file = await on_disk(self._open)
        return self

    async def write(self, piece: bytes) -> None:
        self.size += len(piece)
        if self.size > self._most:
            raise FileTooLarge(self._name, 0, self._most)
        self._held += piece
        if len(self._held) >= _PIECE:
            await on_disk(self._write)

    async def finish(self) -> bytes:
        """All of it is on the disk; its SHA-256."""
        await on_disk(self._close)
        return self._digest.digest()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await asyncio.shield(asyncio.to_thread(self._end))

    def _open(self) -> BinaryIO:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return self.path.open("xb")

    def _write(self) -> None:
        assert self._file is not None
        self._digest.update(self._held)
        self._file.write(self._held)
        self._held.clear()

    def _close(self) -> None:
        assert self._file is not None
        self._write()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def _end(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
        self.path.unlink(missing_ok=True)
        self._coming.discard(self.path.name)


async def on_disk(work: Callable[[], T]) -> T:
    """Off the event loop. Raises `StorageFailure` for what the disk refuses."""
    try:
        return await asyncio.to_thread(work)
    except OSError as error:
        raise StorageFailure(
            "The file cannot be kept.",
            actual=error.strerror or str(error),
            hint="Look whether the disk is full, and whether Alma may write in its data folder.",
        ) from error
