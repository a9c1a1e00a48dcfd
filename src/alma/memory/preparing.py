"""What is done for new memories before their transaction: their vectors."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from alma.db.database import Database
from alma.errors import EmbedderUnavailable
from alma.memory.adding import Arrival
from alma.memory.dense import Dense
from alma.memory.embedding import Embedding, Vector
from alma.memory.merging import hash_of
from alma.memory.records import NewMemory
from alma.memory.statements import ask, one_of
from alma.memory.store import SLICE, vector_of

_VECTORS = """
    SELECT memories.hash, memory_vectors.vector FROM memories
    JOIN memory_vectors ON memory_vectors.num = memories.num AND memory_vectors.model = :model WHERE {rule}"""


async def prepare(
    database: Database, embedding: Embedding, dense: Dense, new: Sequence[NewMemory], urgent: bool
) -> list[Arrival]:
    """With a vector where there is one already of the same text, or the embedder can make one that can be compared with
    the others."""
    hashes = [hash_of(one.text) for one in new]
    model = embedding.model
    owners = {one.owner for one in new}
    known = await database.read(lambda connection: _known_vectors(connection, owners, hashes, model))
    known = {digest: vector for digest, vector in known.items() if len(vector) == (dense.dimensions or len(vector))}
    missing = {digest: one.text for digest, one in zip(hashes, new, strict=True) if digest not in known}
    known |= await _embedded(embedding, dense, missing, urgent)
    return [Arrival(one, digest, known.get(digest)) for one, digest in zip(new, hashes, strict=True)]


async def vector_of_text(embedding: Embedding, dense: Dense, text: str | None) -> Vector | None:
    """None: there is no text, or it gets its vector later."""
    if text is None:
        return None
    return (await _embedded(embedding, dense, {b"": text}, urgent=True)).get(b"")


def fitting(dense: Dense, vector: Vector | None) -> Vector | None:
    """If it can be compared with those that are stored."""
    return vector if vector is not None and dense.accepts(len(vector)) else None


async def _embedded(embedding: Embedding, dense: Dense, texts: dict[bytes, str], urgent: bool) -> dict[bytes, Vector]:
    if not texts:
        return {}
    try:
        vectors = await embedding.embed([*texts.values()], urgent=urgent)
    except EmbedderUnavailable:  # found by words until the embedder answers again
        return {}
    return dict(zip(texts, vectors, strict=True)) if dense.accepts(vectors.shape[1]) else {}


def _known_vectors(
    connection: sa.Connection, owners: set[str], hashes: Sequence[bytes], model: str
) -> dict[bytes, Vector]:
    found: dict[bytes, Vector] = {}
    for at in range(0, len(hashes), SLICE):
        owned = one_of("memories.owner", [*owners]) & one_of("memories.hash", hashes[at : at + SLICE])
        for digest, stored in ask(connection, _VECTORS, {"model": model}, owned):
            found.setdefault(digest, vector_of(stored))
    return found
