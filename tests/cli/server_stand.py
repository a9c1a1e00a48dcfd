"""A stand-in for a running server that speaks the protocol and can be told to cut connections anywhere."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import WSMsgType, web

Script = Callable[["Peer"], Awaitable[None]]


class Peer:
    """One accepted connection, as a script sees it."""

    def __init__(self, socket: web.WebSocketResponse, number: int) -> None:
        self.number = number
        self.socket = socket

    async def command(self) -> dict[str, Any]:
        message = await self.socket.receive()
        assert message.type is WSMsgType.TEXT, message
        return json.loads(message.data)

    async def send(self, **event: Any) -> None:
        await self.socket.send_str(json.dumps(event))

    async def custom(self, name: str, **value: Any) -> None:
        await self.send(type="CUSTOM", name=name, value=value)

    async def welcome(self, heartbeat_seconds: float = 15) -> None:
        await self.custom(
            "alma.welcome",
            protocol=1,
            version="0",
            bootId="b",
            heartbeatSeconds=heartbeat_seconds,
            maxFrameBytes=1_000_000,
            maxPromptChars=1000,
        )

    async def event(self, type: str, seq: int = 0, **fields: Any) -> None:
        """An event of the run r_1 in the thread t_1."""
        await self.send(type=type, threadId="t_1", runId="r_1", **({"seq": seq} if seq else {}), **fields)

    async def text(self, n: int, delta: str, attempt: int = 1) -> None:
        await self.event("TEXT_MESSAGE_CONTENT", messageId="r_1.main", attempt=attempt, n=n, delta=delta)

    async def begin(self, seq: int = 2, attempt: int = 1) -> None:
        if seq == 2:
            await self.event("RUN_STARTED", 1, text="the task", timestamp=1_700_000_000_000)
        await self.event(
            "TEXT_MESSAGE_START",
            seq,
            messageId="r_1.main",
            attempt=attempt,
            name="manager",
            model="m",
            endpoint="e",
            sections=[],
        )

    async def finish(self, n: int, seq: int = 3, status: str = "completed", attempt: int = 1) -> None:
        usage = {"input_tokens": 7, "output_tokens": 21}
        timing = {"first_token_ms": 100.0, "total_ms": 1100.0}
        await self.event(
            "TEXT_MESSAGE_END",
            seq,
            messageId="r_1.main",
            attempt=attempt,
            n=n,
            finishReason="stop",
            usage=usage,
            timing=timing,
        )
        await self.event("RUN_FINISHED", seq + 1, outcome={"type": "success"}, status=status)


class Stand:
    """`script` is played on every WebSocket connection; `answers` are the JSON API's, by method and path."""

    def __init__(self) -> None:
        self.script: Script | None = None
        self.answers: dict[str, tuple[int, Any]] = {}
        self.asked: list[tuple[str, Any]] = []
        self.connections = 0

    async def socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.connections += 1
        assert self.script is not None
        await self.script(Peer(socket, self.connections))
        await socket.close()
        return socket

    async def api(self, request: web.Request) -> web.Response:
        body = await request.json() if request.can_read_body else None
        self.asked.append((f"{request.method} {request.path_qs}", body))
        status, answer = self.answers.get(f"{request.method} {request.path}", (404, {"code": "unknown_thread"}))
        return web.Response(status=status) if answer is None else web.json_response(answer, status=status)
