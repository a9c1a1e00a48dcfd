"""Who may talk to a server on loopback: pages that it served itself, and programs; not any page in any browser.

A browser sends `Origin` with WebSockets and with writes, so another site's page is refused (cross-site WebSocket), and
a name that was rebound to 127.0.0.1 shows in `Host`. Pure ASGI; no body is read before both are checked.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from alma.security.caller import LOCAL, Caller, note_caller

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})


def host_name(host: str) -> str:
    """`name:port` or `[v6]:port` without the port."""
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


class LoopbackOnly:
    """Refuses requests whose Host is not loopback or whose Origin is neither the same host nor in `allowed`."""

    def __init__(self, app: ASGIApp, allowed: Iterable[str] = ()) -> None:
        self._app = app
        self._allowed = frozenset(allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"] if name in (b"host", b"origin")}
        host, origin = headers.get(b"host", ""), headers.get(b"origin")
        if host_name(host).lower() not in _LOOPBACK:
            await _refuse(scope, send, "host_denied", f"Host {host!r} is not this machine's loopback address.")
        elif origin is not None and not self._may(origin, host):
            await _refuse(scope, send, "origin_denied", f"Pages from {origin!r} may not talk to this server.")
        else:
            address = scope["client"][0] if scope.get("client") else ""
            note_caller(scope, Caller(LOCAL, admin=True, address=address))
            await self._app(scope, receive, send)

    def _may(self, origin: str, host: str) -> bool:
        try:
            return urlsplit(origin).netloc.lower() == host.lower() or origin in self._allowed
        except ValueError:
            return False


async def _refuse(scope: Scope, send: Send, code: str, message: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": code})
        return
    body = msgspec.json.encode({"title": "Refused", "status": 403, "code": code, "detail": message})
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})
