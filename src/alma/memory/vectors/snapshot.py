"""A snapshot on disk: a head that says what it is, with the facts, and beside it the vectors.

The head is written last and renamed into place, and names its vectors: what is cut off in between leaves the snapshot
before it whole. What does not match its checksums is not used.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import zlib
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from alma.memory.vectors.index import name_of

log = logging.getLogger(__name__)
FORMAT = 2
_MAGIC = b"alma vectors\n"


class Head(Struct, frozen=True):
    """`stamp`: of the newest change that is in it; `vectors`: the file's name, beside the head's."""

    format: int
    model: str
    dimensions: int
    count: int
    stamp: int
    vectors: str
    vectors_checksum: int
    columns_checksum: int


class Snapshot(Struct, frozen=True):
    """`vectors`: (count, dimensions), in the order of the columns."""

    head: Head
    columns: bytes
    vectors: NDArray[np.float16]


class Damaged(Exception):
    """Why a snapshot cannot be used."""


class SnapshotFiles:
    """Of one model in one folder."""

    def __init__(self, folder: Path, model: str, dimensions: int) -> None:
        self._folder = folder
        self._model = model
        self._dimensions = dimensions
        self._name = name_of(model, dimensions)
        self.head = folder / f"{self._name}.head"

    def write(self, columns: bytes, vectors: NDArray[np.float16], stamp: int) -> None:
        """Raises `OSError`."""
        self._folder.mkdir(parents=True, exist_ok=True)
        beside = self._folder / f"{self._name}-{secrets.token_hex(4)}.vectors"
        raw = np.ascontiguousarray(vectors).data
        try:
            with beside.open("wb") as file:
                file.write(raw)
                file.flush()
                os.fsync(file.fileno())
            head = Head(
                FORMAT,
                self._model,
                self._dimensions,
                len(vectors),
                stamp,
                beside.name,
                zlib.crc32(raw),
                zlib.crc32(columns),
            )
            encoded = msgspec.msgpack.encode(head)
            written = self.head.with_suffix(".new")
            with written.open("wb") as file:
                for part in (_MAGIC, len(encoded).to_bytes(4), zlib.crc32(encoded).to_bytes(4), encoded, columns):
                    file.write(part)
                file.flush()
                os.fsync(file.fileno())
            written.replace(self.head)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        self._drop_beside(keep=beside.name)

    def read(self) -> Snapshot | None:
        """None: there is none, or none that can be used; such a one is dropped, with a line in the log."""
        if not self.head.exists():
            self.drop()
            return None
        try:
            return self._read()
        except (Damaged, OSError, msgspec.MsgspecError) as error:
            log.warning("the snapshot of the index of %s is dropped, and made anew: %s", self._model, error)
            self.drop()
            return None

    def drop(self) -> None:
        with contextlib.suppress(OSError):
            self.head.unlink(missing_ok=True)
        self._drop_beside()

    def _read(self) -> Snapshot:
        data = self.head.read_bytes()
        start = len(_MAGIC) + 8
        if not data.startswith(_MAGIC) or len(data) < start:
            raise Damaged("it is not a snapshot")
        length = int.from_bytes(data[len(_MAGIC) : len(_MAGIC) + 4])
        encoded, columns = data[start : start + length], data[start + length :]
        if zlib.crc32(encoded) != int.from_bytes(data[len(_MAGIC) + 4 : start]):
            raise Damaged("its head does not match its checksum")
        version = msgspec.msgpack.decode(encoded, type=_Version).format
        if version != FORMAT:
            raise Damaged(f"it has format {version}, not {FORMAT}")
        head = msgspec.msgpack.decode(encoded, type=Head)
        if (head.model, head.dimensions) != (self._model, self._dimensions):
            raise Damaged(f"it is of {head.model} with {head.dimensions} dimensions")
        if zlib.crc32(columns) != head.columns_checksum:
            raise Damaged("its columns do not match their checksum")
        vectors = np.fromfile(self._folder / Path(head.vectors).name, np.float16)
        if vectors.size != head.count * head.dimensions or zlib.crc32(vectors.data) != head.vectors_checksum:
            raise Damaged("its vectors do not match their checksum")
        return Snapshot(head, columns, vectors.reshape(head.count, head.dimensions))

    def _drop_beside(self, keep: str = "") -> None:
        """Also what earlier formats left."""
        with contextlib.suppress(OSError):
            for file in self._folder.glob(f"{self._name}-*"):
                if file.name != keep:
                    file.unlink(missing_ok=True)


class _Version(Struct):
    format: int
