"""Which backend searches vectors. Each is imported when it is chosen."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, assert_never

from alma.errors import IndexUnavailable
from alma.memory.vectors.index import MakeIndex, VectorIndex

Backend = Literal["usearch", "pgvector", "qdrant", "chroma"]


def index_maker(backend: Backend, *, folder: Path, database_url: str, backend_url: str | None = None) -> MakeIndex:
    """What makes the index of a model. `folder`: for snapshots (`memory` in the data folder); `database_url`: Alma's
    own. What it returns raises `IndexUnavailable` where the backend cannot be used."""

    def make(model: str, dimensions: int) -> VectorIndex:
        match backend:
            case "usearch":
                from alma.memory.vectors.usearch_index import UsearchIndex

                return UsearchIndex(folder, model, dimensions)
            case "pgvector":
                from alma.memory.vectors.pgvector_index import PgvectorIndex

                return PgvectorIndex(database_url, folder, model, dimensions)
            case "qdrant":
                from alma.memory.vectors.qdrant_index import QdrantIndex

                return QdrantIndex(_given(backend_url, "Qdrant"), folder, model, dimensions)
            case "chroma":
                from alma.memory.vectors.chroma_index import ChromaIndex

                return ChromaIndex(_given(backend_url, "Chroma"), folder, model, dimensions)
            case _:
                assert_never(backend)

    return make


def _given(url: str | None, backend: str) -> str:
    if not url:
        raise IndexUnavailable(
            f"Memories are to be searched in {backend}, and where it is has not been said.",
            hint="Set ALMA_MEMORY_BACKEND_URL.",
        )
    return url
