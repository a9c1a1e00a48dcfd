"""A WebSocket client that costs next to nothing: the raw protocol on an asyncio transport, frames cut by hand.

It exists so that a bench measures the server and not its client.
"""

from __future__ import annotations

import asyncio
import base64
import os
import socket as sockets
import struct
from collections.abc import Callable
from typing import cast

OnFrame = Callable[[bytes], None]


class RawSocket(asyncio.Protocol):
    """Calls `on_frame` with the payload of every text frame, as bytes."""

    def __init__(self, on_frame: OnFrame) -> None:
        self.on_frame = on_frame
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._buffer = b""
        self._upgraded = False
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's does not inherit from it

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(ConnectionError("closed before it was open"))
        if not self.closed.done():
            self.closed.set_result(None)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data if self._buffer else data
        if not self._upgraded:
            head, found, buffer = buffer.partition(b"\r\n\r\n")
            if not found:
                self._buffer = head
                return
            assert b" 101 " in head.split(b"\r\n", 1)[0], head
            self._upgraded = True
            self.opened.set_result(None)
        at, end = 0, len(buffer)
        while end - at >= 2:
            opcode, length, start = buffer[at] & 15, buffer[at + 1], at + 2
            if length == 126:
                if end - at < 4:
                    break
                length, start = struct.unpack_from(">H", buffer, at + 2)[0], at + 4
            elif length == 127:
                if end - at < 10:
                    break
                length, start = struct.unpack_from(">Q", buffer, at + 2)[0], at + 10
            if end - start < length:
                break
            payload = buffer[start : start + length]
            at = start + length
            if opcode == 1:
                self.on_frame(payload)
            elif opcode == 9:
                self._write(10, payload)
        self._buffer = buffer[at:]

    def send(self, text: bytes) -> None:
        self._write(1, text)

    def send_binary(self, data: bytes) -> None:
        self._write(2, data)

    def _write(self, opcode: int, payload: bytes) -> None:
        assert self.transport is not None
        if self.transport.is_closing():
            return
        size = len(payload)
        if size < 126:
            head = bytes([0x80 | opcode, 0x80 | size])
        elif size < 65536:
            head = bytes([0x80 | opcode, 0x80 | 126]) + struct.pack(">H", size)
        else:
            head = bytes([0x80 | opcode, 0x80 | 127]) + struct.pack(">Q", size)
        self.transport.write(head + b"\0\0\0\0" + payload)  # a mask of zeros leaves the payload as it is

    def read(self, on: bool) -> None:
        """Stop reading, or go on."""
        if self.transport is not None and not self.transport.is_closing():
            (self.transport.resume_reading if on else self.transport.pause_reading)()

    def close(self) -> None:
        """Cut the line without a word."""
        if self.transport is not None:
            self.transport.abort()


async def connect(
    port: int, path: str, on_frame: OnFrame, *, receive_buffer: int | None = None, token: str = ""
) -> RawSocket:
    """`receive_buffer`: bytes the kernel keeps for a client that does not read; `token`: an access token."""
    plain = sockets.socket()
    if receive_buffer is not None:
        plain.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, receive_buffer)
    plain.setblocking(False)
    loop = asyncio.get_running_loop()
    try:
        await loop.sock_connect(plain, ("127.0.0.1", port))
        plain.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_NODELAY, 1)
        _, socket = await loop.create_connection(lambda: RawSocket(on_frame), sock=plain)
    except BaseException:
        plain.close()
        raise
    key = base64.b64encode(os.urandom(16)).decode()
    assert socket.transport is not None
    bearer = f"Authorization: Bearer {token}\r\n" if token else ""
    socket.transport.write(
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{bearer}"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    await socket.opened
    return socket
