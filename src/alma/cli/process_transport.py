"""The way to an Alma inside this process: the same app as the server's, called without a network.

Runs that an earlier server left unfinished are not taken up; they wait for the next server.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, MutableMapping
from typing import Any
from urllib.parse import unquote

from starlette.types import ASGIApp

from alma.app import Alma, create_app
from alma.choices import logs_of
from alma.cli.connection import Connection, ConnectionLost
from alma.cli.options import token_of
from alma.observability.logs import Logs
from alma.serve import data_dir_lock
from alma.server.commands import PROTOCOL
from alma.settings import Settings

_QUEUE = 256  # frames; when it is full the app waits, as it would for a slow socket


@contextlib.asynccontextmanager
async def in_this_process(settings: Settings) -> AsyncGenerator[ProcessTransport]:
    with data_dir_lock(settings.data_dir), Logs(logs_of(settings, "plain")):
        alma = Alma(settings)
        app = create_app(alma, sweep=False)
        async with alma.running(sweep=False), asyncio.TaskGroup() as group:
            yield ProcessTransport(app, group, token_of(settings) or alma.access.local_key)
            await alma.mind.settle()  # no other process is there to do it later


class ProcessTransport:
    patience_s = 0.0

    def __init__(self, app: ASGIApp, group: asyncio.TaskGroup, token: str = "") -> None:
        self._app = app
        self._group = group
        self._headers = [(b"host", b"127.0.0.1")]
        if token:
            self._headers.append((b"authorization", f"Bearer {token}".encode()))

    @contextlib.asynccontextmanager
    async def connect(self, *, watch: bool = False) -> AsyncGenerator[Connection]:
        socket = _Socket()
        query = f"protocol={PROTOCOL}{'' if watch else '&watch=none'}"
        scope = _scope("websocket", "/ws", query, self._headers)
        socket.to_app.put_nowait({"type": "websocket.connect"})
        serving = self._group.create_task(self._serve(scope, socket))
        try:
            connection = Connection(socket)
            await connection.welcomed()
            yield connection
        finally:
            serving.cancel()

    async def _serve(self, scope: dict[str, Any], socket: _Socket) -> None:
        await self._app(scope, socket.to_app.get, socket.from_app.put)

    async def request(
        self, method: str, path: str, body: bytes, kind: str = "application/json", *, long: bool = False
    ) -> tuple[int, bytes]:
        del long  # it works in this process, and can be interrupted
        path, _, query = path.partition("?")
        scope = _scope("http", path, query, self._headers) | {"method": method, "http_version": "1.1"}
        if body:
            scope["headers"] = [*self._headers, (b"content-type", kind.encode())]
        status, parts, sent = 0, list[bytes](), False

        async def receive() -> MutableMapping[str, Any]:
            nonlocal sent
            if sent:  # an answer that streams listens whether the client leaves; this one never does
                await asyncio.Event().wait()
            sent = True
            return {"type": "http.request", "body": body}

        async def send(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            status = message.get("status", status)
            parts.append(message.get("body", b""))

        await self._app(scope, receive, send)
        return status, b"".join(parts)


class _Socket:
    def __init__(self) -> None:
        self.to_app: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue(_QUEUE)
        self.from_app: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue(_QUEUE)

    async def send(self, frame: str) -> None:
        await self.to_app.put({"type": "websocket.receive", "text": frame})

    async def receive(self, patience_s: float) -> str:
        try:
            async with asyncio.timeout(patience_s):
                message = await self.from_app.get()
                while message["type"] == "websocket.accept":
                    message = await self.from_app.get()
        except TimeoutError as error:
            raise ConnectionLost from error
        if message["type"] != "websocket.send":
            raise ConnectionLost
        return message["text"]


def _scope(kind: str, path: str, query: str, headers: list[tuple[bytes, bytes]]) -> dict[str, Any]:
    return {
        "type": kind,
        "asgi": {"version": "3.0"},
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "scheme": "http" if kind == "http" else "ws",
        "headers": headers,
        "subprotocols": [],
        "client": ("127.0.0.1", 0),
        "server": ("127.0.0.1", 0),
    }
