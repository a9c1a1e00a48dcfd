"""A router alone, without the entry: every request comes from one caller."""

from __future__ import annotations

from dataclasses import replace

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from alma.security.caller import Caller, note_caller
from alma.server.body_limits import Bodies
from alma.server.guard import Sizes, unguarded


class AskedBy:
    def __init__(self, app: ASGIApp, owner: str, *, admin: bool = True) -> None:
        self._app = app
        self._caller = Caller(owner, admin=admin, address="127.0.0.1")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        note_caller(scope, self._caller)
        await self._app(scope, receive, send)


def ask_as(app: FastAPI, owner: str, *, body: int | None = None) -> None:
    """`body`: bytes that a request's may have."""
    if body is not None:
        app.add_middleware(Bodies, guard=replace(unguarded(), sizes=Sizes(body, 64)))
    app.add_middleware(AskedBy, owner=owner)
