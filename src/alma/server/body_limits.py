"""What comes as the body of a request, before any route sees it: how long, of what type, how deeply nested, and how
much of it one caller sends.

A body is read whole here and then handed on, as every route would read it; but for files of the knowledge base, which
have a limit of their own and go to the disk as they come.
"""

from __future__ import annotations

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alma.errors import InvalidRequest, TooMany
from alma.security.caller import caller_of
from alma.security.nesting import check_depth
from alma.server import problems
from alma.server.guard import Guard

_KNOWLEDGE_FILES = "/api/knowledge/files/"
_LINES = ("application/x-ndjson", "application/ndjson")  # they are short, and looked at one by one where read
_FORMS = ("multipart/", "application/x-www-form-urlencoded")


class Bodies:
    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        self._app = app
        self._sizes = guard.sizes
        self._guard = guard
        self._traffic = guard.traffic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or (announced := _announced(scope)) == 0:
            await self._app(scope, receive, send)
            return
        streamed = scope["method"] == "PUT" and scope["path"].startswith(_KNOWLEDGE_FILES)
        refusal = await self._refusal(scope, announced, streamed=streamed)
        if refusal is None and streamed:
            await self._app(scope, self._counted(scope, receive, announced), send)
            return
        if refusal is None:
            got = await self._read(scope, receive, announced)
            if got is None:
                return  # the client is gone
            if isinstance(got, bytes):
                await self._app(scope, _replayed(got, receive), send)
                return
            refusal = got
        await refusal(scope, receive, send)

    async def _refusal(self, scope: Scope, announced: int | None, *, streamed: bool) -> Response | None:
        """Of what the head says of it."""
        kind = _header(scope, b"content-type").lower()
        if kind.startswith(_FORMS):
            return problems.plain(415, "Forms are not taken; send JSON, or a file as the body itself.")
        if announced is not None and announced > self._sizes.body and not streamed:
            return self._too_large()
        if announced is not None:
            return await self._count(scope, announced)
        return None

    async def _count(self, scope: Scope, size: int) -> Response | None:
        try:
            await self._guard.take("bytes", caller_of(scope), size)
        except TooMany as error:
            return problems.problem(error)
        return None

    def _counted(self, scope: Scope, receive: Receive, announced: int | None) -> Receive:
        """`receive`, with what was not announced counted as it comes; over the limit, the rest does not come."""

        async def counted() -> Message:
            message = await receive()
            if announced is None and (size := len(message.get("body", b""))):
                await self._guard.take("bytes", caller_of(scope), size)
            return message

        return counted

    async def _whole(self, receive: Receive) -> bytes | Response | None:
        """All of the body; or what to answer to one that is too large, or that comes while too many do."""
        parts: list[bytes] = []
        size = 0
        try:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return None
                if part := message.get("body", b""):
                    parts.append(part)
                    size += len(part)
                    self._traffic.unfinished += len(part)
                    if size > self._sizes.body:
                        return self._too_large()
                    if self._traffic.crowded(size):
                        self._traffic.refuse("too_many_bytes")
                        return problems.plain(503, "Too much is being sent to this server at once; try again.")
                if not message.get("more_body", False):
                    return b"".join(parts)
        finally:
            self._traffic.unfinished -= size

    async def _read(self, scope: Scope, receive: Receive, announced: int | None) -> bytes | Response | None:
        whole = await self._whole(receive)
        if not isinstance(whole, bytes):
            return whole
        size = len(whole)
        if announced is None and size and (refusal := await self._count(scope, size)) is not None:
            return refusal
        kind = _header(scope, b"content-type").lower()
        if not kind or ("json" in kind and kind.partition(";")[0].strip() not in _LINES):
            try:
                check_depth(whole, self._sizes.depth)
            except InvalidRequest as error:
                return problems.problem(error)
        return whole

    def _too_large(self) -> Response:
        return problems.plain(
            413, f"The body is too large: at most {self._sizes.body:,} bytes are taken (ALMA_MAX_BODY_BYTES)."
        )


def _replayed(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replayed() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed


def _header(scope: Scope, wanted: bytes) -> str:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == wanted), "")


def _announced(scope: Scope) -> int | None:
    """Bytes of the body; None: it comes in pieces that nobody has counted."""
    if _header(scope, b"transfer-encoding"):
        return None
    length = _header(scope, b"content-length")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 16 else 0 if not length else 2**52
