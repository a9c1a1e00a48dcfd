"""What makes vectors of texts: the model that Alma brings (`embedder.py`), or an endpoint (`remote_embedder.py`)."""

from __future__ import annotations

import asyncio
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from alma.errors import EmbedderUnavailable

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


class Impatient:
    """An embedding for which nobody waits longer than `seconds`: what is to be kept is kept without its vector then."""

    def __init__(self, embedding: Embedding, seconds: float) -> None:
        self._embedding = embedding
        self._seconds = seconds

    @property
    def model(self) -> str:
        return self._embedding.model

    @property
    def dimensions(self) -> int:
        return self._embedding.dimensions

    async def embed(self, texts: list[str], *, urgent: bool = True) -> Vector:
        if not urgent:
            return await self._embedding.embed(texts, urgent=False)
        try:
            async with asyncio.timeout(self._seconds):
                return await self._embedding.embed(texts)
        except TimeoutError:
            raise EmbedderUnavailable(f"The embedder did not answer within {self._seconds:g} s.") from None
