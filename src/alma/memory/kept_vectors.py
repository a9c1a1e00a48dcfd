"""Vectors of texts that are the same at each start, in files beside their model: to embed all that roles say takes
seconds. What cannot be read is embedded anew, and what cannot be written is not kept."""

from __future__ import annotations

import hashlib
import logging
import tempfile
from pathlib import Path

import numpy as np

from alma.memory.embedder import DIMENSIONS, MODEL, Vector

log = logging.getLogger(__name__)
_FILES = 8  # that are kept: as many versions of the examples
_NEAR = 1e-3  # of a vector's length, which is 1


def read(folder: Path, texts: list[str]) -> Vector | None:
    """(len(texts), 384) float32 of these texts; None: they are not kept."""
    path = _path(folder, texts)
    try:
        raw = path.read_bytes()
    except OSError:
        return None
    if len(raw) != 4 * DIMENSIONS * len(texts):
        return None
    vectors = np.frombuffer(raw, np.float32).reshape(len(texts), DIMENSIONS)
    with np.errstate(all="ignore"):  # of a damaged file
        whole = np.abs(np.linalg.norm(vectors, axis=1) - 1.0) < _NEAR
    return vectors if bool(whole.all()) else None


def write(folder: Path, texts: list[str], vectors: Vector) -> None:
    path = _path(folder, texts)
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as part:
            part.write(vectors.astype(np.float32).tobytes())
        Path(part.name).replace(path)
        known = sorted(folder.iterdir(), key=lambda file: file.stat().st_mtime, reverse=True)
        for old in known[_FILES:]:  # also what a write that was killed has left
            old.unlink()
    except OSError as error:
        log.info("the vectors of examples are not kept for the next start: %s", error)


def _path(folder: Path, texts: list[str]) -> Path:
    said = hashlib.sha256(f"{MODEL} {_size(folder.parent / 'model.onnx')}".encode())
    for text in texts:
        said.update(hashlib.sha256(text.encode()).digest())
    return folder / f"{said.hexdigest()[:32]}.f32"


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
