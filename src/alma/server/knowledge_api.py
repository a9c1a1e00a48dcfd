"""The knowledge base over HTTP: its files, one by one, and what was read from them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request

from alma.memory.knowledge.library import Library
from alma.server.memory_bodies import DocumentDetailReply, DocumentReply, KnowledgeReply

_Name = Annotated[str, Path(max_length=400)]
_RAW = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


def routes(library: Library, owner: str) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["knowledge"])

    @router.get("/knowledge")
    async def list_documents() -> KnowledgeReply:
        raise NotImplementedError

    @router.put("/knowledge/files/{name:path}", status_code=202, openapi_extra=_RAW)
    async def put_document(name: _Name, request: Request) -> DocumentReply:
        """Takes a file in, in place of one of that name; it is read in the background: see `alma.document`."""
        raise NotImplementedError

    @router.get("/knowledge/{document_id}")
    async def read_document(document_id: str) -> DocumentDetailReply:
        raise NotImplementedError

    @router.delete("/knowledge/{document_id}", status_code=204)
    async def delete_document(document_id: str) -> None:
        """The file and all that was read from it are forgotten."""
        raise NotImplementedError

    return router
