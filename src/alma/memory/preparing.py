"""What is done for new memories before their transaction: their vectors, and what is near to them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
import sqlalchemy as sa

from alma.db.database import Database
from alma.errors import EmbedderUnavailable
from alma.memory.adding import Arrival
from alma.memory.dense import Dense
from alma.memory.embedding import Embedding, Vector
from alma.memory.merging import NEAR, hash_of
from alma.memory.records import Filter, NewMemory, Reader
from alma.memory.statements import ask, one_of
from alma.memory.store import SLICE, vector_of
from alma.memory.vectors.index import Near

_CANDIDATES = 12  # near ones that are looked at
_VECTORS = """
    SELECT memories.hash, memory_vectors.vector FROM memories
    JOIN memory_vectors ON memory_vectors.num = memories.num AND memory_vectors.model = :model WHERE {rule}"""
_ABOUT = NEAR - 0.02  # an index may round; in the transaction the rows decide


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
    vectors = [known.get(digest) for digest in hashes]
    like = await _alike(new, vectors)
    return [
        Arrival(one, digest, vector, await _near(dense, one) if vector is not None else (), like.get(place, ()))
        for place, (one, digest, vector) in enumerate(zip(new, hashes, vectors, strict=True))
    ]


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


def _has_place(new: NewMemory) -> bool:
    """A piece of a conversation or document keeps its place, as what holds for a key does: neither is merged with what
    is nearly the same."""
    return bool(new.line or new.source.document_id or new.key)


async def _alike(new: Sequence[NewMemory], vectors: Sequence[Vector | None]) -> dict[int, tuple[int, ...]]:
    """By place in the batch, the earlier ones that are near to it."""
    places = [place for place, one in enumerate(new) if vectors[place] is not None and not _has_place(one)]
    if len(places) < 2:
        return {}
    matrix = np.stack([vector for place in places if (vector := vectors[place]) is not None])

    def compare() -> dict[int, tuple[int, ...]]:
        return {
            place: tuple(places[other] for other in np.flatnonzero(matrix[:at] @ matrix[at] >= _ABOUT))
            for at, place in enumerate(places)
        }

    return await asyncio.to_thread(compare)


async def _near(dense: Dense, new: NewMemory) -> tuple[int, ...]:
    """Of those that are stored. The transaction sees to it that kind, scope and agent are the same: a search for these
    alone takes longer, and is made only where so many others are near that they may hide one."""
    if _has_place(new):
        return ()
    of_this = Filter(kinds=(new.kind,), scopes=(new.scope,), agents=(new.agent,))
    near: list[Near] = []
    try:
        for wanted in (Filter(), of_this):
            found = await dense.search(new.text, _CANDIDATES, Reader(new.owner), wanted)
            near += [one for one in found if one.cosine >= _ABOUT]
            if len(near) < _CANDIDATES:
                break
    except EmbedderUnavailable:
        return ()
    return tuple(dict.fromkeys(one.num for one in near))


def _known_vectors(
    connection: sa.Connection, owners: set[str], hashes: Sequence[bytes], model: str
) -> dict[bytes, Vector]:
    found: dict[bytes, Vector] = {}
    for at in range(0, len(hashes), SLICE):
        owned = one_of("memories.owner", [*owners]) & one_of("memories.hash", hashes[at : at + SLICE])
        for digest, stored in ask(connection, _VECTORS, {"model": model}, owned):
            found.setdefault(digest, vector_of(stored))
    return found
