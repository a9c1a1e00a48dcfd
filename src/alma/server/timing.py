"""How long HTTP requests take, by route. As bare ASGI, around everything else: what is refused counts too."""

from __future__ import annotations

import time
from typing import Protocol

from starlette.types import ASGIApp, Message, Receive, Scope, Send

LEFT = 499  # as others call it: the client has gone before it was answered
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


class Clerk(Protocol):
    """`route`: as it is written in the code, so that there are only so many of them."""

    def answered(self, method: str, route: str, status: int, ms: float) -> None: ...


class Timing:
    def __init__(self, app: ASGIApp, clerk: Clerk) -> None:
        self._app = app
        self._clerk = clerk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = LEFT

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        began = time.perf_counter()
        try:
            await self._app(scope, receive, note)
        except BaseException:
            status = 500 if status == LEFT else status
            raise
        finally:
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._clerk.answered(method, _route(scope), status, (time.perf_counter() - began) * 1000)


def _route(scope: Scope) -> str:
    """A path of the API that does not exist is `unknown`, any other is the page's."""
    path = getattr(scope.get("route"), "path", None)
    if path:
        return str(path)
    return "unknown" if str(scope["path"]).startswith("/api/") else "page"
