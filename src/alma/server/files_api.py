"""The files of a thread over HTTP: put, list, read, delete. A file's body is the file itself, text in UTF-8."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, ParamSpec, TypeVar

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse

from alma.errors import NotFound, StorageFailure
from alma.models.cache import ResponseCache
from alma.security.fields import Exact, Id
from alma.server.asking import Owner
from alma.server.bodies import Reply
from alma.session.sessions import Sessions
from alma.tools.files import ThreadFiles

P = ParamSpec("P")
T = TypeVar("T")
_Name = Annotated[str, Exact(400)]
_RAW = {"requestBody": {"required": True, "content": {"text/plain": {"schema": {"type": "string"}}}}}
# Whatever a file says it is, a browser is to show it as text and as nothing else.
_INERT = {"x-content-type-options": "nosniff", "content-security-policy": "default-src 'none'; sandbox"}


class FileReply(Reply):
    """`modified`: Unix seconds."""

    name: str
    bytes: int
    modified: float


class FileList(Reply):
    """By name. `maxBytes`: of one file; `maxFiles`: of one thread."""

    files: list[FileReply]
    max_bytes: int
    max_files: int


def routes(sessions: Sessions, files: ThreadFiles, cache: ResponseCache) -> APIRouter:  # a table of routes
    router = APIRouter(prefix="/api", tags=["files"])

    @router.get("/threads/{thread_id}/files")
    async def list_files(owner: Owner, thread_id: Id) -> FileList:
        await sessions.get_thread(owner, thread_id)
        found = await on_disk(files.list, thread_id)
        return FileList(
            files=[FileReply.model_validate(one) for one in found],
            max_bytes=files.max_bytes,
            max_files=files.max_files,
        )

    @router.put("/threads/{thread_id}/files/{name:path}", openapi_extra=_RAW)
    async def put_file(owner: Owner, thread_id: Id, name: _Name, request: Request) -> FileReply:
        """Writes a file, in place of one of that name. The agents of the thread's runs can search it."""
        await sessions.get_thread(owner, thread_id)
        written = await on_disk(files.put, thread_id, name, await request.body())
        try:
            await sessions.get_thread(owner, thread_id)
        except NotFound:  # deleted meanwhile
            await on_disk(files.delete_all, thread_id)
            raise
        await cache.invalidate(f"file:{thread_id}")
        return FileReply.model_validate(written)

    @router.get("/threads/{thread_id}/files/{name:path}", response_class=PlainTextResponse)
    async def read_file(owner: Owner, thread_id: Id, name: _Name) -> PlainTextResponse:
        await sessions.get_thread(owner, thread_id)
        return PlainTextResponse(await on_disk(files.read, thread_id, name), headers=_INERT)

    @router.delete("/threads/{thread_id}/files/{name:path}", status_code=204)
    async def delete_file(owner: Owner, thread_id: Id, name: _Name) -> None:
        await sessions.get_thread(owner, thread_id)
        await on_disk(files.delete, thread_id, name)
        await cache.invalidate(f"file:{thread_id}")

    return router


async def on_disk(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Off the event loop. Raises `StorageFailure` for what the disk refuses."""
    try:
        return await asyncio.to_thread(work, *args, **kwargs)
    except OSError as error:
        raise StorageFailure(
            "The files of the conversation cannot be used.",
            actual=error.strerror or str(error),
            hint="Look whether the disk is full, and whether Alma may write in its data folder.",
        ) from error
