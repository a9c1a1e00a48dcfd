"""Memories over HTTP: list, search, read, change, forget, map, export and import."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import StreamingResponse

from alma.memory.memories import Memories
from alma.memory.records import Kind, Scope, State
from alma.server.memory_bodies import (
    AddedReply,
    ImportReply,
    MapReply,
    MemoryChange,
    MemoryDetailReply,
    MemoryEntryReply,
    MemoryListReply,
    MemoryStateReply,
    NewMemoryBody,
)

_JSONL = {"requestBody": {"required": True, "content": {"application/x-ndjson": {"schema": {"type": "string"}}}}}
_Many = Annotated[list[str] | None, Query(max_length=64)]


def routes(memories: Memories, owner: str) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["memory"])

    @router.get("/memory")
    async def read_state() -> MemoryStateReply:
        """How many memories there are, and how the indexes stand."""
        raise NotImplementedError

    @router.post("/memory/reindex")
    async def reindex() -> MemoryStateReply:
        """Build the indexes anew from what is stored; it goes on in the background, and search goes on meanwhile."""
        raise NotImplementedError

    @router.get("/memories")
    async def list_memories(
        query: Annotated[str, Query(max_length=4000)] = "",
        kind: Annotated[list[Kind] | None, Query()] = None,
        scope: Annotated[list[Scope] | None, Query()] = None,
        agent: _Many = None,
        thread: str = "",
        run: str = "",
        document: str = "",
        key: str = "",
        since: float | None = None,
        until: float | None = None,
        pinned: bool | None = None,
        state: State = "alive",
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        before: str = "",
    ) -> MemoryListReply:
        """Search (with scores and reasons) where `query` is given, else the newest first."""
        raise NotImplementedError

    @router.post("/memories", status_code=201)
    async def add_memory(body: NewMemoryBody) -> AddedReply:
        raise NotImplementedError

    @router.get("/memories/export", response_class=StreamingResponse)
    async def export_memories(state: State = "alive") -> StreamingResponse:
        """All of them as JSONL, one memory a line."""
        raise NotImplementedError

    @router.post("/memories/import", openapi_extra=_JSONL)
    async def import_memories(request: Request) -> ImportReply:
        """What is known already is merged; lines that are wrong are passed over and named."""
        raise NotImplementedError

    @router.get("/memories/map")
    async def map_memories(
        kind: Annotated[list[Kind] | None, Query()] = None,
        agent: _Many = None,
        run: str = "",
        limit: Annotated[int, Query(ge=1, le=5000)] = 2000,
    ) -> MapReply:
        raise NotImplementedError

    @router.get("/memories/{memory_id}")
    async def read_memory(memory_id: str) -> MemoryDetailReply:
        raise NotImplementedError

    @router.patch("/memories/{memory_id}")
    async def change_memory(memory_id: str, body: MemoryChange) -> MemoryEntryReply:
        raise NotImplementedError

    @router.delete("/memories/{memory_id}")
    async def forget_memory(memory_id: str, purge: bool = False) -> MemoryEntryReply:
        """It is never recalled again, and can be restored. `purge`: it is gone for good, with its history."""
        raise NotImplementedError

    @router.post("/memories/{memory_id}/restore")
    async def restore_memory(memory_id: str) -> MemoryEntryReply:
        raise NotImplementedError

    return router
