"""A response cache in front of the scripted model, for tests: ask, restart, ask again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alma.db.database import Database
from alma.models.cache import ResponseCache
from alma.models.cached import CachedModel
from alma.models.chat import Caller, ChatMessage, ChatRequest, Chunk
from alma.models.scripted import ScriptedModel


@dataclass
class Stand:
    """A cache on a database of its own, in front of a scripted model. `now`: what its clock says."""

    path: Path
    options: dict[str, Any] = field(default_factory=dict)
    now: float = 1000.0

    def __post_init__(self) -> None:
        self.model = ScriptedModel()
        self.open()

    def open(self) -> None:
        self.database = Database(f"sqlite:///{self.path / 'alma.db'}")
        self.cache = ResponseCache(self.database, clock=lambda: self.now, **self.options)
        self.cached = CachedModel(self.model, "test/model", self.cache)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncGenerator[Stand]:
        self.database.open()
        try:
            await self.cache.open()
            async with asyncio.TaskGroup() as group:
                running = group.create_task(self.cache.run())
                await asyncio.sleep(0)  # it has begun
                yield self
                running.cancel()
        finally:
            self.database.close()

    async def ask(self, text: str = "Tides?", **changes: Any) -> list[Chunk]:
        return [chunk async for chunk in self.cached.stream(request(text, **changes))]


def request(text: str = "Tides?", **changes: Any) -> ChatRequest:
    caller = Caller(
        **{"owner": "ada", "run_id": "r1", "role": "analyst", "cacheable": True, **changes.pop("caller", {})}
    )
    return ChatRequest(**{"model": "m", "messages": [ChatMessage("user", text)], "caller": caller, **changes})


def text_of(chunks: list[Chunk]) -> str:
    return "".join(chunk.text for chunk in chunks)


def source_of(chunks: list[Chunk]) -> str:
    return chunks[-1].cache.source if chunks[-1].cache else ""
