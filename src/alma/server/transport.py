"""Transports as the protocols use them: never left half closed, and on a WebSocket with what is sent gathered."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import Any

_LAST_S = 5.0  # that a closed connection has to take what was still to be sent
_GATHERED = 32 * 1024  # bytes after which nothing more is gathered: the transport then says when to stop
_KERNEL = 128 * 1024  # bytes that the system may hold for a client (Linux doubles it, for its own needs)


class Closing:
    """A transport that is gone some seconds after it was closed, also when the client does not read what is left.
    `source`: the address that it came from, for the system forgets it when the client is gone."""

    __slots__ = ("_loop", "_transport", "source")

    def __init__(self, transport: Any, source: str = "") -> None:
        self.source = source
        self._transport = transport
        self._loop = asyncio.get_running_loop()

    @property
    def bare(self) -> Any:
        return self._transport

    def write(self, data: bytes) -> None:
        if not self._transport.is_closing():  # uvloop's raises then; asyncio's does not
            self._transport.write(data)

    def close(self) -> None:
        transport = self._transport
        if not transport.is_closing():
            transport.close()
            if transport.get_write_buffer_size():
                self._loop.call_later(_LAST_S, reset, transport)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class Gathering(Closing):
    """Whose writes go out together, those of one turn of the event loop. All else is the transport's own."""

    __slots__ = ("_held", "_parts")

    def __init__(self, transport: Any) -> None:
        super().__init__(transport)
        self._parts: list[bytes] = []
        self._held = 0

    def write(self, data: bytes) -> None:
        if not self._parts:
            self._loop.call_soon(self.flush)
        self._parts.append(data)
        self._held += len(data)
        if self._held > _GATHERED:
            self.flush()

    def flush(self) -> None:
        if self._parts:
            parts, self._parts = self._parts, []
            self._held = 0
            super().write(parts[0] if len(parts) == 1 else b"".join(parts))

    def close(self) -> None:
        self.flush()
        super().close()


def bare(transport: Any) -> Any:
    return transport.bare if isinstance(transport, Closing) else transport


def reset(transport: Any) -> None:
    """End it at once, also for the system, which would else go on offering what is unread for minutes."""
    raw = bare(transport)
    with contextlib.suppress(OSError, AttributeError):
        raw.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raw.abort()


def hold_little(transport: Any) -> None:
    """Let the system buffer less for this connection: what a client leaves unread is to be known, and to stay small."""
    with contextlib.suppress(OSError, AttributeError):
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KERNEL)
