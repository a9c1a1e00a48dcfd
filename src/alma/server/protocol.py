"""uvicorn's WebSocket protocol: frames of one turn of the event loop written together, and bounds on what it holds.

A planned run tells its client many small things at once. Each would be a system call of its own, and a wake-up of the
client; gathered they are one. Nothing waits: what was gathered goes out before the loop looks at the network again.

What comes in is taken apart a little at a time: while a frame waits to be carried out the rest stays as it came, for a
packet of tiny frames would take forty times its size as messages. A message must make progress, be it in one frame or
in a million, and who leaves unread what is sent to them is let go.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Response
from websockets.server import ServerProtocol

from alma.security.headers import ON_ITS_OWN
from alma.server.http_protocol import Doorway
from alma.server.transport import Closing, Gathering, bare, reset

_SLICE = 4096  # bytes taken apart at a time
_LEAST_SPEED = 256  # bytes a second that a message must come with, on average


class _Handshake(ServerProtocol):
    """The library's, whose refusals tell a browser what every answer does."""

    def reject(self, status: Any, text: str) -> Response:
        response = super().reject(status, text)
        response.headers.update(ON_ITS_OWN)
        return response


class SocketProtocol(WebSocketsSansIOProtocol):
    def __init__(self, *, doorway: Doorway, **rest: Any) -> None:
        super().__init__(**rest)
        self.conn.__class__ = _Handshake  # uvicorn makes it, and asks for no class
        self._doorway = doorway
        self._source = ""  # the address that it was let in with
        self._rest = b""  # what came and is not taken apart yet
        self._message: bytearray | None = None  # the fragments of one that is not whole yet
        self._ended = False  # whether a frame has, with what came last
        self._since = self._moved = 0.0  # when the message under way began, and last went on
        self._came = 0
        self._held = 0  # bytes of it, as they are counted in all
        self._timer: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None

    # ── the connection ────────────────────────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: Any) -> None:
        raw = bare(transport)
        self._source = transport.source if isinstance(transport, Closing) else ""
        self._doorway.admission.traffic.sockets += 1
        super().connection_made(Gathering(raw))  # pyright: ignore[reportArgumentType]  # all that is used of one

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._timer, self._unread):
            if timer is not None:
                timer.cancel()
        self._timer = self._unread = None
        self._rest = b""
        self._holds(0)
        admission = self._doorway.admission
        admission.traffic.sockets -= 1
        admission.leave(self._source)
        super().connection_lost(exc)

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        if self.response.status_code == 101:
            scope: Any = self.scope
            scope["extensions"]["alma.wire"] = self

    def start_keepalive(self) -> None:
        """The handshake is over: what it took is not needed any more."""
        del self.request, self.response
        super().start_keepalive()

    def drop(self) -> None:
        """End it at once, with all that was not sent yet."""
        reset(self.transport)

    # ── what comes ────────────────────────────────────────────────────────────────────────────────────────────────

    def data_received(self, data: bytes) -> None:
        if self._rest:
            self._rest += data
        elif self.read_paused:
            self._rest = data
        elif len(data) <= _SLICE:
            self._take(data)
        else:
            self._rest = data
            self._take_more()

    def _take_more(self) -> None:
        rest, at = self._rest, 0
        while at < len(rest) and not self.read_paused and not self.transport.is_closing():
            self._take(rest[at : at + _SLICE])
            at += _SLICE
        self._rest = rest[at:]

    def _take(self, data: bytes) -> None:
        self._ended = False
        super().data_received(data)
        if not self.handshake_initiated and self.conn.handshake_exc is not None:
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()
            return
        if self._message is None and self._ended and not self.conn.reader.buffer:
            self._came = 0
            self._holds(0)
            return
        self._holds(len(self.conn.reader.buffer) + len(self._message or b""))
        traffic = self._doorway.admission.traffic
        if traffic.crowded(self._held):
            traffic.refuse("too_many_bytes")
            self._fail(1013, "too much is being sent at once")
            return
        now = self.loop.time()
        self._moved = now
        if not self._came:
            self._since = now
        self._came += len(data)
        if self._timer is None:
            self._timer = self.loop.call_later(self._doorway.patience.body_s, self._look)

    def _holds(self, size: int) -> None:
        """So many bytes of a message are there that is not whole."""
        self._doorway.admission.traffic.unfinished += size - self._held
        self._held = size

    def _fail(self, code: int, reason: str) -> None:
        self.conn.fail(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.transport.close()

    def handle_events(self) -> None:
        self._ended = bool(self.conn.events)
        super().handle_events()

    async def receive(self) -> Any:
        message = await self.queue.get()
        if self.read_paused and self.queue.empty():
            self.read_paused = False
            if self._rest:
                self._take_more()
            if not self.read_paused:
                self.transport.resume_reading()
        return message

    def handle_text(self, event: Frame) -> None:
        self.curr_msg_data_type = "text"
        self._whole_or_first(event)

    def handle_bytes(self, event: Frame) -> None:
        self.curr_msg_data_type = "bytes"
        self._whole_or_first(event)

    def _whole_or_first(self, event: Frame) -> None:
        if event.fin:
            self._hand_on(event.data)
        else:
            self._message = bytearray(event.data)

    def handle_cont(self, event: Frame) -> None:
        """Fragments are joined as they come: a list of a million empty ones would have no bound."""
        assert self._message is not None  # the library refuses fragments of nothing
        self._message += event.data
        if event.fin:
            whole, self._message = self._message, None
            self._hand_on(whole)

    def _hand_on(self, data: Any) -> None:
        self.frames = [data if self.curr_msg_data_type == "text" else bytes(data)]
        self.send_receive_event_to_app()

    # ── what does not come, and what is not taken ─────────────────────────────────────────────────────────────────

    def _look(self) -> None:
        """Does the message under way go on?"""
        self._timer = None
        if not self._came or self.transport.is_closing():
            return
        now, wait = self.loop.time(), self._doorway.patience.body_s
        if self.read_paused:  # it is us who does not read
            self._since, self._moved, self._came = now, now, 1
        elapsed = now - self._since
        if now - self._moved >= wait or (elapsed >= wait and self._came < elapsed * _LEAST_SPEED):
            self._doorway.admission.traffic.timed_out += 1
            self._fail(1008, "a message came too slowly")
        else:
            self._timer = self.loop.call_later(wait - (now - self._moved), self._look)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(self._doorway.patience.unread_s, self._cut)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _cut(self) -> None:
        self._doorway.admission.traffic.timed_out += 1
        self.drop()
