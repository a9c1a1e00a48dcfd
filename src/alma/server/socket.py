"""The WebSocket door as a bare ASGI app: accepts, wraps the ASGI pair as a socket, and lets `Connection` serve it."""

from __future__ import annotations

from urllib.parse import parse_qs

from starlette.types import Receive, Scope, Send

from alma.errors import InvalidRequest
from alma.security.caller import caller_of
from alma.server.connection import Connection, check_protocol
from alma.session import encode
from alma.session.sessions import Sessions
from alma.session.wire import CommandError, Welcome


class Socket:
    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send

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


class SocketDoor:
    """`/ws?protocol=1&watch=none`: `protocol` is checked; `watch=none` spares the client the news about lists."""

    def __init__(self, sessions: Sessions, welcome: Welcome, outbox_bytes: int) -> None:
        self._sessions = sessions
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
                refusal = CommandError(code=error.code, message=error.message, expected=error.expected, hint=error.hint)
                await send({"type": "websocket.send", "text": encode.custom(refusal)})
                await send({"type": "websocket.close", "code": 1002, "reason": error.code})
                return
        connection = Connection(
            self._sessions,
            Socket(receive, send),
            caller_of(scope).owner,
            self._welcome,
            self._outbox_bytes,
            watch=query.get("watch") != ["none"],
        )
        await connection.run()
