"""The way to a running server: its WebSocket and its JSON API, over loopback."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path

import aiohttp

from alma.cli.connection import Connection, ConnectionLost
from alma.cli.server_file import running_server
from alma.server.commands import PROTOCOL

PATIENCE_S = 60.0
ANSWER_S = 30.0  # to the first byte of an answer, and between two
_LONG_S = 900.0  # of what works for long without a word: testing a model takes minutes; and most for any request


@contextlib.asynccontextmanager
async def to_server(
    data_dir: Path, patience_s: float = PATIENCE_S, *, answer_s: float | None = None, token: str = ""
) -> AsyncGenerator[ServerTransport]:
    """`token`: what is shown to the server in place of the key of this machine."""
    timeout = aiohttp.ClientTimeout(total=None, connect=5)
    async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as http:
        yield ServerTransport(http, data_dir, patience_s, ANSWER_S if answer_s is None else answer_s, token)


class ServerTransport:
    def __init__(
        self, http: aiohttp.ClientSession, data_dir: Path, patience_s: float, answer_s: float, token: str
    ) -> None:
        self.patience_s = patience_s
        self._answer_s = answer_s
        self._http = http
        self._data_dir = data_dir
        self._token = token

    @contextlib.asynccontextmanager
    async def connect(self, *, watch: bool = False) -> AsyncGenerator[Connection]:
        server, shown = self._server()
        url = f"{server}/ws?protocol={PROTOCOL}{'' if watch else '&watch=none'}"
        try:
            async with asyncio.timeout(self._answer_s):
                socket = await self._http.ws_connect(url, max_msg_size=0, headers=shown)
        except TimeoutError as error:
            raise ConnectionLost(silent=server) from error
        except (aiohttp.ClientError, OSError) as error:
            raise ConnectionLost from error
        async with socket:
            connection = Connection(_Socket(socket, server))
            await connection.welcomed()
            yield connection

    async def request(
        self, method: str, path: str, body: bytes, kind: str = "application/json", *, long: bool = False
    ) -> tuple[int, bytes]:
        limit = aiohttp.ClientTimeout(total=_LONG_S, connect=5, sock_read=_LONG_S if long else self._answer_s)
        server, shown = self._server()
        headers = shown | ({"content-type": kind} if body else {})
        try:
            async with self._http.request(
                method, server + path, data=body or None, headers=headers, timeout=limit
            ) as answer:
                return answer.status, await answer.read()
        except TimeoutError as error:
            raise ConnectionLost(silent=server) from error
        except (aiohttp.ClientError, OSError) as error:
            raise ConnectionLost from error

    def _server(self) -> tuple[str, dict[str, str]]:
        """Where it is, and what it is shown. Looked up each time: one that was started again may listen on another
        port, and has another key."""
        server = running_server(self._data_dir)
        if server is None:
            raise ConnectionLost
        shown = self._token or server.key
        return server.url.rstrip("/"), {"authorization": f"Bearer {shown}"} if shown else {}


class _Socket:
    def __init__(self, socket: aiohttp.ClientWebSocketResponse, server: str) -> None:
        self._socket = socket
        self._server = server

    async def send(self, frame: str) -> None:
        try:
            await self._socket.send_str(frame)
        except (aiohttp.ClientError, OSError) as error:
            raise ConnectionLost from error

    async def receive(self, patience_s: float) -> str:
        try:
            message = await self._socket.receive(timeout=patience_s)
        except TimeoutError as error:
            raise ConnectionLost(silent=self._server) from error
        except (aiohttp.ClientError, OSError) as error:
            raise ConnectionLost from error
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise ConnectionLost
        return message.data
