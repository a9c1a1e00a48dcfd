"""What makes vectors of texts: the model that Alma brings (`embedder.py`), or an endpoint (`remote_embedder.py`)."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]


class Embedding(Protocol):
    """`model` names what made the vectors: those of another one cannot be compared with them. `dimensions` is 0 while
    it is not known."""

    @property
    def model(self) -> str: ...

    @property
    def dimensions(self) -> int: ...

    async def embed(self, texts: list[str], *, urgent: bool = True) -> Vector:
        """(len(texts), dimensions) float32, rows of length 1. What is not `urgent` lets what is go first. Raises
        `EmbedderUnavailable`."""
        ...
