"""Embeddings, indexes and recalls that tests can see through."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import sqlalchemy as sa

from alma.db.database import Database
from alma.db.tables import memory_vectors
from alma.errors import EmbedderUnavailable
from alma.memory.access import may_read, passes
from alma.memory.dense import Dense, IndexState
from alma.memory.embedding import Vector
from alma.memory.memories import Memories
from alma.memory.recall import Asked, Recall
from alma.memory.records import Filter, Hit, Memory, Reader, Recalled
from alma.memory.vectors.index import Near


class FakeEmbedding:
    """Words hashed to dimensions: texts that share words are near. `down`: it cannot answer. `asked`: what it was
    asked to embed, `urgent`ly or not."""

    def __init__(self, model: str = "fake", dimensions: int = 64) -> None:
        self.model = model
        self.dimensions = dimensions
        self.down = False
        self.asked: list[str] = []
        self.urgent: list[bool] = []

    async def embed(self, texts: list[str], *, urgent: bool = True) -> Vector:
        if self.down:
            raise EmbedderUnavailable("The embedding process is down.")
        self.asked += texts
        self.urgent.append(urgent)
        return np.stack([self.of(text) for text in texts]) if texts else np.zeros((0, self.dimensions), np.float32)

    def of(self, text: str) -> Vector:
        vector = np.zeros(self.dimensions, np.float32)
        for word in re.findall(r"\w+", text.casefold()) or [text]:
            digest = hashlib.blake2b(f"{self.model} {word}".encode(), digest_size=8).digest()
            seeded = np.random.default_rng(int.from_bytes(digest))
            vector += seeded.standard_normal(self.dimensions).astype(np.float32)
        return vector / np.linalg.norm(vector)


class FakeDense:
    """Every vector is compared. `malicious`: the nearest of all, whoever asks for whatever."""

    def __init__(self, database: Database, embedding: FakeEmbedding, malicious: bool = False) -> None:
        self.database = database
        self.embedding = embedding
        self.malicious = malicious
        self.held: dict[int, tuple[Memory, Vector]] = {}
        self.told: list[Memory] = []
        self.rebuilt = 0
        self.dimensions = embedding.dimensions

    def accepts(self, size: int) -> bool:
        return size == self.dimensions

    async def search(self, query: str, k: int, reader: Reader, wanted: Filter) -> list[Near]:
        asked = (await self.embedding.embed([query]))[0]
        near = [
            Near(num, float(vector @ asked))
            for num, (memory, vector) in self.held.items()
            if self.malicious or (may_read(reader, memory) and passes(wanted, memory))
        ]
        return sorted(near, key=lambda one: (-one.cosine, one.num))[:k]

    def vectors(self, connection: sa.Connection, nums: Sequence[int]) -> dict[int, Vector]:
        asked = sa.select(memory_vectors.c.num, memory_vectors.c.vector).where(
            memory_vectors.c.model == self.embedding.model, memory_vectors.c.num.in_(nums)
        )
        return {num: np.frombuffer(raw, "<f2").astype(np.float32) for num, raw in connection.execute(asked)}

    async def changed(self, memories: Sequence[Memory], vectors: Sequence[Vector | None] = ()) -> None:
        self.told += memories
        for memory, vector in zip(memories, vectors or [None] * len(memories), strict=True):
            old = self.held.pop(memory.num, None) if not self.malicious else self.held.get(memory.num)
            kept = vector if vector is not None else old[1] if old is not None else None
            if kept is not None and (memory.alive or self.malicious):
                self.held[memory.num] = (memory, kept)

    async def gone(self, nums: Sequence[int]) -> None:
        for num in nums:
            self.held.pop(num, None)

    async def rebuild(self) -> None:
        self.rebuilt += 1

    async def state(self) -> list[IndexState]:
        return [IndexState("fake", self.embedding.model, self.embedding.dimensions, len(self.held), 0, "serving")]


class FakeRecall:
    """The nearest of the fake index, fetched as a recall has to."""

    def __init__(self, database: Database, dense: FakeDense) -> None:
        self.database = database
        self.dense = dense

    async def recall(self, asked: Asked, now: float) -> Recalled:
        del now
        near = await self.dense.search(asked.query, asked.k, asked.reader, asked.wanted)
        from alma.memory.store import by_nums

        nums = [one.num for one in near]
        found = await self.database.read(lambda connection: by_nums(connection, nums, asked.reader, asked.wanted))
        hits = [Hit(found[one.num], one.cosine) for one in near if one.num in found]
        return Recalled(hits, considered=len(self.dense.held))


class Clock:
    """Stands still until it is moved."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        self.now += 0.001  # no two events at once
        return self.now


class MemoryBench:
    """Memories on a database that is open, with the fakes above. Use as a context manager."""

    def __init__(
        self,
        url: str,
        malicious: bool = False,
        database: Database | None = None,
        embedding: FakeEmbedding | None = None,
    ) -> None:
        self.database = database or Database(url)
        self.embedding = embedding or FakeEmbedding()
        self.dense = FakeDense(self.database, self.embedding, malicious)
        self.clock = Clock()
        self.memories = Memories(
            self.database,
            self.embedding,
            cast("Dense", cast("Any", self.dense)),
            cast("Recall", cast("Any", FakeRecall(self.database, self.dense))),
            self.clock,
        )

    def __enter__(self) -> MemoryBench:
        self.database.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.database.close()
