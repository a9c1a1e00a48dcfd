"""Errors over HTTP: the groups of them, and what became of each."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query

from alma.errors import NotFound
from alma.observability.error_book import ErrorBook
from alma.observability.error_groups import Group
from alma.security.fields import Exact
from alma.server.asking import ADMIN
from alma.server.watch_bodies import ErrorGroupChange, ErrorGroupList, ErrorGroupReply


def routes(book: ErrorBook) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["errors"], dependencies=[ADMIN])

    @router.get("/errors")
    async def list_errors(
        state: Annotated[str, Query(pattern="^(open|resolved|muted|any)$")] = "any",
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> ErrorGroupList:
        """Newest first."""
        known = state if state in ("open", "resolved", "muted") else None
        return ErrorGroupList(groups=[_reply(group) for group in await book.groups(known, limit)])

    @router.patch("/errors/{fingerprint}")
    async def change_error(fingerprint: Annotated[str, Exact(64)], body: ErrorGroupChange) -> ErrorGroupReply:
        group = await book.change(fingerprint, body.state)
        if group is None:
            raise NotFound("unknown_error", f"There is no error {fingerprint}.", hint="It may have been forgotten.")
        return _reply(group)

    return router


def _reply(group: Group) -> ErrorGroupReply:
    return ErrorGroupReply(**msgspec.structs.asdict(group))
