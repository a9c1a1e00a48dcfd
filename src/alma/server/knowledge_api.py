"""The knowledge base over HTTP: its files, one by one, and what was read from them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated

import msgspec
from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect

from alma.errors import InvalidRequest
from alma.memory.knowledge.documents import Document
from alma.memory.knowledge.library import Library
from alma.memory.knowledge.originals import Arriving, FileTooLarge
from alma.memory.records import Memory
from alma.security.fields import Exact, Id
from alma.server.asking import Owner
from alma.server.memory_bodies import DocumentDetailReply, DocumentReply, KnowledgeReply
from alma.tools.files import checked_name

_Name = Annotated[str, Exact(400)]
_RAW = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
_MOST_DROPPED = 1 << 30  # bytes of a body that is refused


def routes(library: Library) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["knowledge"])

    @router.get("/knowledge")
    async def list_documents(owner: Owner) -> KnowledgeReply:
        watched = library.folder is not None and owner == library.owner
        return KnowledgeReply(
            documents=[_document(one) for one in await library.list(owner)],
            folder=str(library.folder) if watched else None,
            formats=library.formats,
            max_bytes=library.max_bytes,
            problem=library.folder_problem if watched else "",
        )

    @router.put("/knowledge/files/{name:path}", status_code=202, openapi_extra=_RAW)
    async def put_document(owner: Owner, name: _Name, request: Request) -> DocumentReply:
        """Takes a file in, in place of one of that name; it is read in the background: see `alma.document`. One that
        cannot be read is taken in as well, and says then what is wrong with it."""
        name = checked_name(name)
        async with library.arriving(name) as file:
            await _receive(request, file, _refused(request, name, library.max_bytes))
            return _document(await library.take_in(owner, name, file))

    @router.get("/knowledge/{document_id}", response_model=DocumentDetailReply)
    async def read_document(owner: Owner, document_id: Id) -> Response:
        document, text, chunks = await library.read(owner, document_id)
        return Response(await asyncio.to_thread(_detail_json, document, text, chunks), media_type="application/json")

    @router.delete("/knowledge/{document_id}", status_code=204)
    async def delete_document(owner: Owner, document_id: Id) -> None:
        """The file and all that was read from it are forgotten."""
        await library.delete(owner, document_id)

    return router


def _detail_json(document: Document, text: str, chunks: Sequence[Memory]) -> bytes:
    """Megabytes and thousands of pieces: in a thread, and not by pydantic, which would keep the event loop waiting."""
    pieces = [
        {
            "id": one.id,
            "text": one.text,
            "place": one.source.place,
            "start": one.source.start,
            "end": one.source.end,
            "uses": one.uses,
        }
        for one in chunks
    ]
    shown = _document(document).model_dump(by_alias=True)
    return msgspec.json.encode({"document": shown, "text": text, "chunks": pieces})


def _refused(request: Request, name: str, most: int) -> FileTooLarge | None:
    """By the length that it announces."""
    announced = request.headers.get("content-length", "")
    size = int(announced) if announced.isdecimal() and len(announced) < 20 else 0
    return FileTooLarge(name, size, most) if size > most else None


async def _receive(request: Request, file: Arriving, refused: FileTooLarge | None) -> None:
    """What is refused is read all the same, up to a bound, and dropped: whoever is still sending would else see the
    connection break, and not why. A sender that waits to be asked (`Expect: 100-continue`) is not asked."""
    if refused is not None and "expect" in request.headers:
        raise refused
    dropped = 0
    try:
        async for piece in request.stream():
            if refused is None:
                try:
                    await file.write(piece)
                except FileTooLarge as error:
                    refused = error
            elif (dropped := dropped + len(piece)) > _MOST_DROPPED:
                break
    except ClientDisconnect:
        raise InvalidRequest("upload_cut", "The connection broke before the file was there.") from None
    if refused is not None:
        raise refused


def _document(document: Document) -> DocumentReply:
    return DocumentReply.model_validate(
        msgspec.structs.asdict(document)
        | {"error": None if document.error is None else msgspec.structs.asdict(document.error)}
    )
