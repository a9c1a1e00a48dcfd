"""The way to a running server: its WebSocket and its JSON API, over loopback."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path

import aiohttp

from alma.cli.connection import Connection, ConnectionLost
from alma.cli.server_file import running_server
from alma.server.commands import PROTOCOL

PATIENCE_S = 60.0
_REQUEST_S = 900.0  # testing a model takes minutes


@contextlib.asynccontextmanager
async def to_server(data_dir: Path, patience_s: float = PATIENCE_S) -> AsyncGenerator[ServerTransport]:
    timeout = aiohttp.ClientTimeout(total=None, connect=5)
    async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as http:
        yield ServerTransport(http, data_dir, patience_s)


class ServerTransport:
    def __init__(self, http: aiohttp.ClientSession, data_dir: Path, patience_s: float) -> None:
        self.patience_s = patience_s
        self._http = http
        self._data_dir = data_dir

    @contextlib.asynccontextmanager
    async def connect(self, *, watch: bool = False) -> AsyncGenerator[Connection]:
        url = f"{self._url()}/ws?protocol={PROTOCOL}{'' if watch else '&watch=none'}"
        try:
            socket = await self._http.ws_connect(url, max_msg_size=0)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise ConnectionLost from error
        async with socket:
            connection = Connection(_Socket(socket))
            await connection.welcomed()
            yield connection

    async def request(self, method: str, path: str, body: bytes, kind: str = "application/json") -> tuple[int, bytes]:
        headers = {"content-type": kind} if body else {}
        limit = aiohttp.ClientTimeout(total=_REQUEST_S)
        try:
            async with self._http.request(
                method, self._url() + path, data=body or None, headers=headers, timeout=limit
            ) as answer:
                return answer.status, await answer.read()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise ConnectionLost from error

    def _url(self) -> str:
        # Looked up each time: a server that was started again may listen on another port.
        server = running_server(self._data_dir)
        if server is None:
            raise ConnectionLost
        return server.url.rstrip("/")


class _Socket:
    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def send(self, frame: str) -> None:
        try:
            await self._socket.send_str(frame)
        except (aiohttp.ClientError, OSError) as error:
            raise ConnectionLost from error

    async def receive(self, patience_s: float) -> str:
        try:
            message = await self._socket.receive(timeout=patience_s)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise ConnectionLost from error
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise ConnectionLost
        return message.data
