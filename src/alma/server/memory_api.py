"""Memories over HTTP: list, search, read, change, forget, map, export and import. The asker is the owner in person."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from alma.errors import Conflict
from alma.memory.fact_by_hand import with_key
from alma.memory.memories import Map, Memories
from alma.memory.merging import check_worded, tidy
from alma.memory.recall import Asked
from alma.memory.records import Filter, Kind, Memory, NewMemory, Reader, Scope, State
from alma.security.fields import Exact, Id, Line, Moment, Text
from alma.server import problems
from alma.server.asking import ADMIN, Owner, Person
from alma.server.memory_bodies import (
    AddedReply,
    CountsReply,
    FoundReply,
    ImportReply,
    IndexReply,
    LineProblem,
    ManyReply,
    MapReply,
    MemoryChange,
    MemoryDetailReply,
    MemoryEntryReply,
    MemoryIds,
    MemoryListReply,
    MemoryStateReply,
    NewMemoryBody,
    PointReply,
    ReasonsReply,
    UseReply,
    VersionReply,
)

NDJSON = "application/x-ndjson"
_TYPES = (NDJSON, "application/ndjson", "application/jsonl", "application/x-jsonlines")
_JSONL = {"requestBody": {"required": True, "content": {NDJSON: {"schema": {"type": "string"}}}}}
_LABEL_CHARS = 80  # of a point on the map
_PLACES = 4  # of its figures
_VERSIONS = 200  # of a memory's history, the newest: a line of the team's board may change all day
_MOST_PROBLEMS = 100  # lines of an import that are named
_Id = Id | Literal[""]
_Key = Annotated[str, Line(200)]
_Many = Annotated[list[Annotated[str, Exact(200)]] | None, Query(max_length=64)]
_Files = Annotated[list[Id] | None, Query(max_length=500)]
_Before = Annotated[str, Query(pattern=r"^([-+.e\d]{1,32}~\d{1,18})?$")]  # as `next` is


def routes(memories: Memories, *, on: bool = True, problem: Callable[[], str] = str) -> APIRouter:  # a table of routes
    """`on`: whether agents remember at all; `problem`: why vectors do not take part just now, empty when they do."""
    router = APIRouter(prefix="/api", tags=["memory"])

    async def state_now(owner: str) -> MemoryStateReply:
        indexes = await memories.indexes()
        counts = CountsReply.model_validate(await memories.counts(owner))
        missing = [one.missing for one in indexes if one.role != "leaving"]
        return MemoryStateReply(
            on=on,
            counts=counts,
            indexes=[IndexReply.model_validate(one) for one in indexes],
            waiting=max(missing, default=counts.alive),
            problem=problem(),
        )

    @router.get("/memory")
    async def read_state(owner: Owner) -> MemoryStateReply:
        """How many memories there are, and how the indexes stand."""
        return await state_now(owner)

    @router.post("/memory/reindex", dependencies=[ADMIN])
    async def reindex(owner: Owner) -> MemoryStateReply:
        """Build the indexes anew from what is stored; it goes on in the background, and search goes on meanwhile."""
        await memories.reindex()
        return await state_now(owner)

    @router.get("/memories")
    async def list_memories(
        person: Person,
        query: Annotated[str, Text(4000)] = "",
        kind: Annotated[list[Kind] | None, Query(max_length=8)] = None,
        scope: Annotated[list[Scope] | None, Query(max_length=8)] = None,
        agent: _Many = None,
        thread: _Id = "",
        run: _Id = "",
        document: _Files = None,
        key: _Key = "",
        since: Moment | None = None,
        until: Moment | None = None,
        pinned: bool | None = None,
        files: bool | None = None,
        state: State = "alive",
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        before: _Before = "",
    ) -> MemoryListReply:
        """Search (with scores and reasons) where `query` is given, else the newest first. `agent`: by these
        authors; `user` is all that the user said or added, whichever agent keeps it. `document`: pieces of these files
        only. `files`: only pieces of files, or (false) none of them."""
        wanted = Filter(
            kinds=tuple(kind or ()),
            scopes=tuple(scope or ()),
            authors=tuple(agent or ()),
            threads=(thread,) if thread else (),
            runs=(run,) if run else (),
            documents=tuple(dict.fromkeys(document or ())),
            key=key,
            since=since,
            until=until,
            pinned=pinned,
            files=files,
            state=state,
        )
        words = tidy(query).strip()
        return await (
            _search(memories, words, person, wanted, limit)
            if words
            else _newest(memories, person, wanted, limit, before)
        )

    @router.post("/memories", status_code=201)
    async def add_memory(owner: Owner, body: NewMemoryBody) -> AddedReply:
        """Kept as the owner's own. `merged` where the same was known; one with the same `key` takes its place. What is
        one fact about the owner ("I live in Porto.") has a key of its own."""
        check_worded(body.text)
        new = NewMemory(owner, body.text, body.kind, body.scope, key=body.key, pinned=body.pinned)
        new = await asyncio.to_thread(with_key, new)
        (added,) = await memories.add([new], urgent=True)
        return AddedReply(memory=entry(added.memory), merged=added.merged, superseded=list(added.superseded))

    @router.get("/memories/export", response_class=StreamingResponse)
    async def export_memories(owner: Owner, state: State = "any", files: bool = False) -> StreamingResponse:
        """All of them as JSONL, one memory a line, also what was replaced or forgotten. `files`: with the pieces of
        files, which else come back with their files."""
        name = f"alma-memories-{datetime.now(UTC):%Y-%m-%d}.jsonl"
        headers = {"content-disposition": f'attachment; filename="{name}"', "x-content-type-options": "nosniff"}
        return StreamingResponse(memories.export(owner, state, files), media_type=NDJSON, headers=headers)

    @router.post("/memories/import", openapi_extra=_JSONL)
    async def import_memories(owner: Owner, request: Request) -> ImportReply:
        """What is known already changes nothing, whether it holds or not; wrong lines are passed over and named."""
        given = request.headers.get("content-type", "")
        if given.partition(";")[0].strip().lower() not in _TYPES:
            raise HTTPException(415, f"Memories are taken as {NDJSON}, one in each line; came {given or 'no type'}.")
        done = await memories.import_lines(owner, io.BytesIO(await request.body()))
        named = [LineProblem(line=line, message=message) for line, message in done.problems[:_MOST_PROBLEMS]]
        return ImportReply(
            added=done.added,
            merged=done.merged,
            replaced=done.replaced,
            passed_over=done.passed_over,
            problems=named,
        )

    @router.get("/memories/map", response_model=MapReply)
    async def map_memories(
        person: Person,
        kind: Annotated[list[Kind] | None, Query(max_length=8)] = None,
        agent: _Many = None,
        run: _Id = "",
        files: bool | None = None,
        limit: Annotated[int, Query(ge=1, le=5000)] = 2000,
    ) -> Response:
        """Memories on a plane, those alike near each other. `run`: `ofRun` names those that its agents were told."""
        wanted = Filter(kinds=tuple(kind or ()), authors=tuple(agent or ()), files=files)
        found = await memories.map(person, wanted, limit, run)
        return Response(await asyncio.to_thread(_map_json, found), media_type="application/json")

    @router.post("/memories/forget")
    async def forget_memories(person: Person, body: MemoryIds) -> ManyReply:
        """Several, in one transaction; each can be restored."""
        changed, unknown = await memories.forget_many(person, body.ids)
        return ManyReply(changed=changed, unknown=unknown)

    @router.post("/memories/restore")
    async def restore_memories(person: Person, body: MemoryIds) -> ManyReply:
        """Several, in one transaction."""
        changed, unknown = await memories.restore_many(person, body.ids)
        return ManyReply(changed=changed, unknown=unknown)

    @router.get("/memories/{memory_id}")
    async def read_memory(person: Person, memory_id: Id) -> MemoryDetailReply:
        memory = await memories.get(person, memory_id)
        return MemoryDetailReply(
            memory=entry(memory),
            history=[
                VersionReply.model_validate(one) for one in (await memories.history(person, memory_id))[-_VERSIONS:]
            ],
            uses=[UseReply.model_validate(one) for one in await memories.uses(person, memory_id)],
            around=[entry(one) for one in await memories.around(person, memory)],
            superseded=[entry(one) for one in await memories.superseded_by(person, memory_id)],
        )

    @router.patch("/memories/{memory_id}", response_model=MemoryEntryReply)
    async def change_memory(person: Person, memory_id: Id, body: MemoryChange) -> MemoryEntryReply | Response:
        """Where it was changed since, the problem has it as it is now, as `memory`. The text of a piece of a file
        cannot be changed (409, `piece_of_file`)."""
        changes = body.model_dump(exclude={"version"})
        try:
            return entry(await memories.edit(person, memory_id, body.version, **changes))
        except Conflict as conflict:
            now = entry(await memories.get(person, memory_id))
            return problems.problem(conflict, memory=now.model_dump(by_alias=True))

    @router.delete("/memories/{memory_id}")
    async def forget_memory(person: Person, memory_id: Id, purge: bool = False) -> MemoryEntryReply:
        """It is never recalled again, and can be restored. `purge`: it is gone for good, with its history."""
        if not purge:
            return entry(await memories.forget(person, memory_id))
        memory = await memories.get(person, memory_id)
        await memories.purge(person, memory_id)
        return entry(memory)

    @router.post("/memories/{memory_id}/restore")
    async def restore_memory(person: Person, memory_id: Id) -> MemoryEntryReply:
        return entry(await memories.restore(person, memory_id))

    return router


async def _search(memories: Memories, query: str, reader: Reader, wanted: Filter, limit: int) -> MemoryListReply:
    found = await memories.recall(Asked(query, reader, wanted, k=limit))
    hits = [
        FoundReply(memory=entry(hit.memory), score=hit.score, reasons=ReasonsReply.model_validate(hit.reasons))
        for hit in found.hits
    ]
    return MemoryListReply(memories=hits, total=found.considered, ms=found.ms, dense=found.dense)


async def _newest(memories: Memories, reader: Reader, wanted: Filter, limit: int, before: str) -> MemoryListReply:
    found, total, following = await memories.list(reader, wanted, limit, before)
    return MemoryListReply(memories=[FoundReply(memory=entry(one)) for one in found], total=total, next=following)


def entry(memory: Memory) -> MemoryEntryReply:
    return MemoryEntryReply.model_validate(memory)


def label_of(text: str) -> str:
    """Its beginning, in whole words, with an ellipsis where more follows."""
    words = " ".join(text[: 4 * _LABEL_CHARS].split())
    if len(words) <= _LABEL_CHARS:
        return words
    cut = words[: _LABEL_CHARS - 1]
    at = -1 if words[len(cut)] == " " else cut.rfind(" ", _LABEL_CHARS // 2)
    return (cut if at < 0 else cut[:at]).rstrip() + "…"


def _map_json(found: Map) -> bytes:
    """Thousands of points: in a thread, since making JSON of them takes longer than the event loop should wait."""
    points = [
        PointReply(
            id=one.memory.id,
            x=round(one.x, _PLACES),
            y=round(one.y, _PLACES),
            kind=one.memory.kind,
            agent=one.memory.agent,
            speaker=one.memory.speaker,
            scope=one.memory.scope,
            created_at=one.memory.created_at,
            utility=one.memory.utility,
            uses=one.memory.uses,
            pinned=one.memory.pinned,
            label=label_of(one.memory.text),
        )
        for one in found.points
    ]
    reply = MapReply(points=points, total=found.total, explained=round(found.explained, _PLACES), of_run=found.of_run)
    return reply.model_dump_json(by_alias=True).encode()
