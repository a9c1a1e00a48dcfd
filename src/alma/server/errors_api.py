"""Errors over HTTP: the groups of them, and what became of each."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from alma.server.asking import Admin
from alma.server.watch_bodies import ErrorGroupChange, ErrorGroupList, ErrorGroupReply


def routes() -> APIRouter:
    router = APIRouter(prefix="/api", tags=["errors"])

    @router.get("/errors")
    async def list_errors(
        caller: Admin,
        state: Annotated[str, Query(pattern="^(open|resolved|muted|any)$")] = "any",
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> ErrorGroupList:
        """Newest first."""
        raise NotImplementedError

    @router.patch("/errors/{fingerprint}")
    async def change_error(caller: Admin, fingerprint: str, body: ErrorGroupChange) -> ErrorGroupReply:
        raise NotImplementedError

    return router
