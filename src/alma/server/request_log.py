"""Gives every request and connection an id, and says in the log what came of each request.

A line is for what somebody may have to look at: a failure of ours or a slow answer at warning, anything else at debug.
It names the route and never the query, in which there may be words of the user's or a token.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import MutableMapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alma.observability.context import bound
from alma.observability.logs import fields
from alma.security.caller import caller_of

log = logging.getLogger(__name__)
HEADER = b"x-request-id"
SLOW_S = 5.0
_SANE = re.compile(rb"[A-Za-z0-9._:-]{1,64}")


class RequestLog:
    """Outside of the entry: what that refuses has an id too. `X-Request-ID` is taken over from whoever is in front,
    where it is sane, and given back."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "websocket":
            with bound(connection=secrets.token_hex(6)):
                await self._app(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = next((value for name, value in scope["headers"] if name == HEADER), b"")
        request_id = given if _SANE.fullmatch(given) else secrets.token_hex(8).encode()
        status = 0
        began = time.perf_counter()

        async def named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message.get("headers", ()), (HEADER, request_id)]}
            await send(message)

        with bound(request_id=request_id.decode()):
            failed = True
            try:
                await self._app(scope, receive, named)
                failed = False
            finally:
                _tell(scope, status, time.perf_counter() - began, failed=failed)


def _tell(scope: Scope, status: int, seconds: float, *, failed: bool) -> None:
    """Who has left before the end is not answered: that is no failure."""
    ours = failed or (status >= 500 and status != 503)  # 503 is what a probe is told of one that begins or ends
    level = logging.WARNING if ours or seconds >= SLOW_S else logging.DEBUG
    if log.isEnabledFor(level):
        route, method, ms = route_of(scope), scope["method"], round(seconds * 1000, 1)
        said = fields(method=method, route=route, status=status, ms=ms, owner=owner_of(scope))
        log.log(level, "%s %s: %s in %.1f ms", method, route, status or "no answer", ms, extra=said)


def route_of(scope: MutableMapping[str, Any]) -> str:
    """The pattern that the address fitted: `/api/threads/{thread_id}`; one for all that fitted none."""
    route = scope.get("route")
    return str(getattr(route, "path", "") or "") or "(other)"


def owner_of(scope: MutableMapping[str, Any]) -> str:
    try:
        return caller_of(scope).owner
    except KeyError:  # refused at the entry
        return ""
