"""HTTP and WebSocket byte by byte, for clients that behave as no library would."""

from __future__ import annotations

import base64
import json
import os
import select
import socket
import struct
from typing import Any

from serving import Serving


class Raw:
    """A connection on which nothing is read or answered but by call. `window`: bytes that the system takes in unread;
    `source`: the address that it comes from, each with rates of its own."""

    def __init__(self, server: Serving, window: int | None = None, source: str = "127.0.0.1") -> None:
        self.server = server
        self.socket = socket.socket()
        if window is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        self.socket.settimeout(120)
        self.socket.bind((source, 0))
        self.socket.connect(("127.0.0.1", server.port))
        self._came = b""

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def head(self, line: str, **headers: str) -> bytes:
        named = {"Host": f"127.0.0.1:{self.server.port}", **headers}
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in named.items()]
        return "\r\n".join((line, *lines, "", "")).encode()

    def rest(self) -> bytes:
        """All until the server closes."""
        whole = self._came
        try:
            while data := self.socket.recv(65536):
                whole += data
        except ConnectionError:
            pass
        return whole

    def answer(self) -> tuple[int, dict[str, str], Any]:
        """Status, headers and JSON of the answer, after which the server closes."""
        head, _, body = self.rest().partition(b"\r\n\r\n")
        line, *fields = head.decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (field.partition(": ") for field in fields)}
        return int(line.split()[1]), headers, json.loads(body)

    def heard_by_now(self) -> bytes:
        """What has come and was not read yet."""
        self.socket.setblocking(False)
        data, self._came = self._came, b""
        try:
            while more := self.socket.recv(65536):
                data += more
        except BlockingIOError:
            pass
        self.socket.settimeout(120)
        return data

    def over(self, seconds: float = 30) -> bool:
        """Whether the server ends the connection within so long; nothing is read."""
        poll = select.poll()
        poll.register(self.socket, select.POLLRDHUP)
        return bool(poll.poll(seconds * 1000))

    # ── WebSocket ─────────────────────────────────────────────────────────────────────────────────────────────────

    def upgrade(self, query: str = "protocol=1&watch=none", **headers: str) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        self.send(
            self.head(
                f"GET /ws?{query} HTTP/1.1",
                Upgrade="websocket",
                Connection="Upgrade",
                Sec_WebSocket_Key=key,
                Sec_WebSocket_Version="13",
                **headers,
            )
        )

    def open(self, query: str = "protocol=1&watch=none") -> None:
        """Up to the end of the handshake."""
        self.upgrade(query)
        while b"\r\n\r\n" not in self._came:
            data = self.socket.recv(1)
            assert data, f"no handshake: {self._came!r}"
            self._came += data
        assert b" 101 " in self._came, self._came
        self._came = b""

    def say(self, type: str, **fields: object) -> None:
        self.send(frame(json.dumps({"type": type, "id": "c", **fields}).encode()))

    def hear(self) -> tuple[int, bytes] | None:
        """Opcode and payload of the next frame; None: the server has closed."""
        head = self._exactly(2)
        if head is None:
            return None
        length = head[1] & 127
        if length > 125:
            size = self._exactly(2 if length == 126 else 8)
            assert size is not None
            length = int.from_bytes(size, "big")
        payload = self._exactly(length)
        return None if payload is None else (head[0] & 15, payload)

    def until(self, name: str) -> Any:
        """The value of the next event of this name."""
        while (heard := self.hear()) is not None:
            if heard[0] == 1 and (event := json.loads(heard[1])).get("name") == name:
                return event["value"]
        raise AssertionError(f"closed before {name}")

    def _exactly(self, n: int) -> bytes | None:
        while len(self._came) < n:
            try:
                data = self.socket.recv(65536)
            except ConnectionError:
                return None
            if not data:
                return None
            self._came += data
        data, self._came = self._came[:n], self._came[n:]
        return data


def frame(payload: bytes, opcode: int = 1, *, fin: bool = True) -> bytes:
    """As a client sends it: masked, here with zeros."""
    size = len(payload)
    if size < 126:
        length = bytes([128 | size])
    elif size < 65536:
        length = b"\xfe" + struct.pack(">H", size)
    else:
        length = b"\xff" + struct.pack(">Q", size)
    return bytes([(128 if fin else 0) | opcode]) + length + bytes(4) + payload
