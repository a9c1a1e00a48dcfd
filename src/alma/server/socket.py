"""The WebSocket door as a bare ASGI app: accepts, wraps the ASGI pair as a socket, and lets `Connection` serve it."""

from __future__ import annotations

from typing import Protocol
from urllib.parse import parse_qs

from msgspec import structs
from starlette.types import Receive, Scope, Send

from alma.errors import InvalidRequest, TooMany
from alma.security.caller import caller_of
from alma.server.connection import Connection
from alma.server.frames import check_protocol, refusal
from alma.server.guard import Guard
from alma.session.sessions import Sessions
from alma.session.wire import Welcome


class Wire(Protocol):
    def drop(self) -> None: ...


class Socket:
    """`wire`: what is below, where it can be dropped at once."""

    __slots__ = ("_receive", "_send", "_wire")

    def __init__(self, receive: Receive, send: Send, wire: Wire | None = None) -> None:
        self._receive = receive
        self._send = send
        self._wire = wire

    async def receive(self) -> str | bytes | None:
        message = await self._receive()
        if message["type"] != "websocket.receive":
            return None
        text = message.get("text")
        return text if text is not None else message["bytes"]

    async def send(self, frame: str) -> None:
        """Waits while the client's receive window is full. Raises `ConnectionError` when it is gone."""
        try:
            await self._send({"type": "websocket.send", "text": frame})
        except OSError as error:
            raise ConnectionError from error

    async def close(self, code: int, reason: str) -> None:
        try:
            await self._send({"type": "websocket.close", "code": code, "reason": reason})
        except OSError as error:
            raise ConnectionError from error

    def drop(self) -> None:
        if self._wire is not None:
            self._wire.drop()


class SocketDoor:
    """`/ws?protocol=1&watch=none`: `protocol` is checked; `watch=none` spares the client the news about lists."""

    def __init__(self, sessions: Sessions, guard: Guard, welcome: Welcome, outbox_bytes: int) -> None:
        self._sessions = sessions
        self._guard = guard
        self._welcome = welcome
        self._outbox_bytes = outbox_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        query = parse_qs(scope["query_string"].decode("latin-1"))
        await receive()  # websocket.connect
        await send({"type": "websocket.accept"})
        if (spoken := query.get("protocol")) is not None:
            try:
                check_protocol(int(spoken[0]) if spoken[0].isdecimal() and len(spoken[0]) < 10 else 0)
            except InvalidRequest as error:
                await send({"type": "websocket.send", "text": refusal("", error)})
                await send({"type": "websocket.close", "code": 1002, "reason": error.code})
                return
        caller = caller_of(scope)
        scope["headers"] = []  # read by now, and held for as long as the connection is
        try:
            await self._guard.let_connect(caller)
        except TooMany as error:
            await send({"type": "websocket.send", "text": refusal("", error)})
            await send({"type": "websocket.close", "code": 1013, "reason": error.code})
            return
        connection = Connection(
            self._sessions,
            Socket(receive, send, scope.get("extensions", {}).get("alma.wire")),
            caller,
            structs.replace(self._welcome, owner=caller.owner, admin=caller.admin, token=caller.name),
            self._outbox_bytes,
            self._guard,
            watch=query.get("watch") != ["none"],
        )
        await connection.run()
