"""The knowledge base: files in, chunks of them as memories, and what became of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct

from alma.db.database import Database
from alma.events import ErrorFacts
from alma.memory.memories import Memories
from alma.memory.records import Memory


class Document(Struct, frozen=True):
    """See `DocumentReply`."""

    id: str
    owner: str
    name: str
    origin: str
    format: str
    bytes: int
    state: str
    chunks: int
    done: int
    error: ErrorFacts | None
    created_at: float
    updated_at: float


class Library:
    """`folder`: watched, as the files of `owner`. `originals`: where files that are put in are kept. `told` hears of
    every change of a document (`deleted`: True when it went)."""

    def __init__(
        self,
        database: Database,
        memories: Memories,
        originals: Path,
        *,
        folder: Path | None,
        owner: str,
        max_bytes: int,
        told: Callable[[Document, bool], None],
        clock: Callable[[], float],
    ) -> None:
        raise NotImplementedError

    async def run(self) -> None:
        """Read what waits and watch the folder, until cancelled."""
        raise NotImplementedError

    async def put(self, owner: str, name: str, content: bytes) -> Document:
        raise NotImplementedError

    async def list(self, owner: str) -> list[Document]:
        raise NotImplementedError

    async def read(self, owner: str, document_id: str) -> tuple[Document, str, Sequence[Memory]]:
        """The document, its text, its chunks in order. Raises `NotFound` (unknown_document)."""
        raise NotImplementedError

    async def delete(self, owner: str, document_id: str) -> None:
        raise NotImplementedError

    @property
    def formats(self) -> list[str]:
        raise NotImplementedError

    @property
    def folder(self) -> Path | None:
        raise NotImplementedError

    @property
    def max_bytes(self) -> int:
        raise NotImplementedError
