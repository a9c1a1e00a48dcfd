"""A snapshot on disk: a head that says what it is, and beside it the graph.

The head is written last and renamed into place, and names its graph: what is cut off in between leaves the snapshot
before it whole. What does not match its checksums is never given to the library that reads graphs, since that trusts
its input.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import zlib
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from alma.memory.vectors.index import name_of

log = logging.getLogger(__name__)
FORMAT = 1
_MAGIC = b"alma vectors\n"
_BLOCK = 1 << 20
_ROWS = 4096  # looked at together
_NOTHING = np.zeros(0, np.uint64)


class Head(Struct, frozen=True):
    """`stamp`: of the newest change that is in it; `graph`: the file's name, beside the head's."""

    format: int
    model: str
    dimensions: int
    count: int
    stamp: int
    graph: str
    graph_bytes: int
    graph_checksum: int
    columns_checksum: int


class Snapshot(Struct, frozen=True):
    head: Head
    columns: bytes
    graph: Path


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

    def write(self, columns: bytes, count: int, stamp: int, save_graph: Callable[[Path], None]) -> None:
        """Raises `OSError`."""
        self._folder.mkdir(parents=True, exist_ok=True)
        graph = self._folder / f"{self._name}-{secrets.token_hex(4)}.graph"
        try:
            save_graph(graph)
            head = Head(
                FORMAT,
                self._model,
                self._dimensions,
                count,
                stamp,
                graph.name,
                graph.stat().st_size,
                _checksum(graph),
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
            graph.unlink(missing_ok=True)
            raise
        self._drop_graphs(keep=graph.name)

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
        self._drop_graphs()

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
        graph = self._folder / Path(head.graph).name
        if graph.stat().st_size != head.graph_bytes or _checksum(graph) != head.graph_checksum:
            raise Damaged("its graph does not match its checksum")
        return Snapshot(head, columns, graph)

    def _drop_graphs(self, keep: str = "") -> None:
        with contextlib.suppress(OSError):
            for file in self._folder.glob(f"{self._name}-*.graph"):
                if file.name != keep:
                    file.unlink(missing_ok=True)


class _Version(Struct):
    format: int


def _checksum(file: Path) -> int:
    checksum = 0
    with file.open("rb") as opened:
        while block := opened.read(_BLOCK):
            checksum = zlib.crc32(block, checksum)
    return checksum


# ── what was removed ──────────────────────────────────────────────────────────────────────────────────────────────


def blank_removed(graph: Path, vectors: NDArray[np.float16], living: NDArray[np.int64]) -> bool:
    """usearch only marks what is removed: its vector stays in the file, until another takes its place. Here all rows
    of the file that are none of `vectors[living]` are set to zeros; they remain waypoints of the graph, and cost
    a walk less than one in a hundred of what it finds when a third of all are removed. False: the file is not laid out
    as usearch 2 does it. Raises `OSError`."""
    width = 2 * vectors.shape[1]
    with graph.open("rb") as file:
        rows, columns = np.frombuffer(file.read(8), "<u4").tolist()
        file.seek(8 + rows * columns)
        if columns != width or file.read(7) != b"usearch":
            return False
    if rows == len(living):
        return True
    held = np.memmap(graph, np.uint16, "r+", offset=8, shape=(rows, vectors.shape[1]))
    secret = np.random.default_rng().integers(1, 2**63, vectors.shape[1], np.uint64)
    blocks = [living[start : start + _ROWS] for start in range(0, len(living), _ROWS)]
    known = np.concatenate([_marks(vectors[block].view(np.uint16), secret) for block in blocks] or [_NOTHING])
    for start in range(0, rows, _ROWS):
        block = held[start : start + _ROWS]
        block[~np.isin(_marks(block, secret), known)] = 0
    held.flush()
    return True


def _marks(vectors: NDArray[np.uint16], secret: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A number for each row, that is the same for the same rows and for hardly any others."""
    return (vectors.astype(np.uint64) * secret).sum(axis=1, dtype=np.uint64)
