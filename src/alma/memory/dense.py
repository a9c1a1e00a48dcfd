"""Search by meaning: the indexes of vectors, kept equal to the database.

While a new embedding model takes over, the old model's index and the new one's both serve.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from alma.db.database import Database
from alma.memory.embedding import Embedding, Vector
from alma.memory.records import Filter, Memory, Reader
from alma.memory.vectors.index import Near, VectorIndex

MakeIndex = Callable[[str, int], VectorIndex]  # of a model's name and its vectors' dimensions


class IndexState(Struct, frozen=True):
    """See `IndexReply`."""

    backend: str
    model: str
    dimensions: int
    entries: int
    missing: int
    role: str


class Dense:
    def __init__(self, database: Database, embedding: Embedding, make_index: MakeIndex, backend: str) -> None:
        raise NotImplementedError

    async def open(self) -> None:
        """Load what there is, put in what is missing, take out what is gone: the index equals the database."""
        raise NotImplementedError

    async def run(self) -> None:
        """In the background until cancelled: embed what has no vector (of the present model), save snapshots."""
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError

    async def search(self, query: str, k: int, reader: Reader, wanted: Filter) -> list[Near]:
        """Raises `EmbedderUnavailable`."""
        raise NotImplementedError

    async def vectors(self, nums: Sequence[int]) -> dict[int, Vector]:
        """Of these memories, those that have one of the present model."""
        raise NotImplementedError

    async def changed(self, memories: Sequence[Memory], vectors: Sequence[Vector | None] = ()) -> None:
        """After a commit: these were added or changed (what is not alive any more leaves the index). What has no vector
        here is embedded in the background."""
        raise NotImplementedError

    async def gone(self, nums: Sequence[int]) -> None:
        raise NotImplementedError

    async def rebuild(self) -> None:
        """Drop the index and fill it from the database, in the background; search goes on with words meanwhile."""
        raise NotImplementedError

    @property
    def waiting(self) -> int:
        raise NotImplementedError

    @property
    def problem(self) -> str:
        """Why it cannot be searched just now; empty when it can."""
        raise NotImplementedError

    async def state(self) -> list[IndexState]:
        raise NotImplementedError
