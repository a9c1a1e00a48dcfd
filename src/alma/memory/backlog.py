"""Embedding what waits for a vector, some at a time, and finding out which text is to blame where that fails."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable

from msgspec import Struct

from alma.db.database import Database
from alma.errors import EmbedderUnavailable
from alma.memory.embedding import Embedding
from alma.memory.vectors import stored
from alma.memory.vectors.problems import Problems
from alma.memory.vectors.waiting import Waiting

log = logging.getLogger(__name__)
_BATCH = 64  # texts embedded at once


class Embedded(Struct, frozen=True):
    """`nums`: these have their vectors in the database now, or are gone; `dimensions` is 0 where none has one."""

    nums: list[int]
    dimensions: int


class Backlog:
    """`accepts`: whether vectors of that length can be compared with those that there are."""

    def __init__(
        self,
        database: Database,
        embedding: Embedding,
        waiting: Waiting,
        problems: Problems,
        accepts: Callable[[int], bool],
    ) -> None:
        self._database = database
        self._embedding = embedding
        self._waiting = waiting
        self._problems = problems
        self._accepts = accepts

    async def embed_some(self) -> Embedded | None:
        """None: it is to be tried again after a pause."""
        nums = self._waiting.some(_BATCH)
        texts = await self._database.read(lambda connection: stored.texts_of(connection, nums))
        if not texts:
            return Embedded(nums, 0)
        try:
            vectors = await self._embedding.embed([text for _, text, _ in texts], urgent=False)
        except EmbedderUnavailable as error:
            if len(nums) == 1 and await self._answers():
                self._waiting.blame(nums[0], asyncio.get_running_loop().time())
                log.warning("memory %d cannot be embedded: %s", nums[0], error.message)
                return Embedded([], 0)
            self._waiting.fail(nums)
            self._problems.note("embedding", error)
            return None
        self._problems.solved("embedding")
        if not self._accepts(vectors.shape[1]):
            return None
        model = self._embedding.model
        await self._database.write(lambda connection: stored.keep_vectors(connection, model, texts, vectors))
        return Embedded(nums, vectors.shape[1])

    async def _answers(self) -> bool:
        """Whether the embedder can embed another text."""
        try:
            await self._embedding.embed([secrets.token_hex(4)], urgent=False)
        except EmbedderUnavailable:
            return False
        return True
