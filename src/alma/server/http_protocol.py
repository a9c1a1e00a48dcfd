"""uvicorn's HTTP protocol, with a bound on everything that a client could make it hold or wait for.

The head of a request: bytes, time, headers, length of the address. Its body: pauses, and a least speed, so that a byte
now and then does not hold a connection. Requests sent on without waiting for answers. Answers that are not read. What
is too much gets a problem as its answer and the connection is closed. Sizes of bodies are not known here.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Any, Literal

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from alma.server.admission import Admission, Patience, answer
from alma.server.transport import Closing, hold_little, reset

MAX_ADDRESS = 8 * 1024  # bytes of a request's path and query
MAX_HEAD = 32 * 1024  # bytes of all its headers
MAX_HEADERS = 100
_PIPELINED = 16  # requests that may wait for their turn on one connection
_LEAST_SPEED = 256  # bytes a second that a body must come with, on average
_AFTER_ANSWER = 1024 * 1024  # bytes of a body that are still taken, and forgotten, once its request is answered
_LINGERING = 64  # refused connections that are given a moment to take in why; beyond them none is
_MOMENT_S = 0.5
_quiet = logging.getLogger(__name__)
_quiet.setLevel(logging.ERROR)  # of each malformed request uvicorn has something to say


@dataclass(slots=True)
class Doorway:
    """What the connections of a server share."""

    admission: Admission
    patience: Patience
    lingering: int = 0


_Fault = tuple[str, str, str]  # status line, code, detail
_MALFORMED = ("400 Bad Request", "malformed_request", "This is not HTTP as this server speaks it.")
_ADDRESS = ("414 URI Too Long", "address_too_long", f"An address may have {MAX_ADDRESS:,} bytes.")
_HEAD = (
    "431 Request Header Fields Too Large",
    "head_too_large",
    f"A request may have {MAX_HEADERS} headers, {MAX_HEAD:,} bytes of them in all.",
)
_PIPELINE = ("429 Too Many Requests", "too_many_requests", f"At most {_PIPELINED} requests may wait for an answer.")
_SLOW_HEAD = ("408 Request Timeout", "head_timeout", "The head of the request took too long.")
_SLOW_BODY = ("408 Request Timeout", "body_timeout", "The body of the request came too slowly.")


class HttpProtocol(HttpToolsProtocol):
    def __init__(self, *, doorway: Doorway, **rest: Any) -> None:
        super().__init__(**rest)
        self.logger = _quiet
        self._doorway = doorway
        self._patience = doorway.patience
        self._entered: str | None = None  # the address it was counted under
        self._refused = False
        self._phase: Literal["idle", "head", "body"] = "head"  # a new connection has a request to send
        self._since = self._moved = self.loop.time()
        self._came = 0  # bytes of this phase
        self._beside = 0  # bytes that came since there were any of a body
        self._headers = 0
        self._fault: _Fault | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None

    # ── the connection ────────────────────────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: Any) -> None:
        hold_little(transport)
        closing = Closing(transport)
        super().connection_made(closing)  # pyright: ignore[reportArgumentType]  # all that is used of one
        closing.source = address = self.client[0] if self.client else ""
        refusal = self._doorway.admission.enter(address)
        if refusal is not None:
            self._turn_away(refusal)
            return
        self._entered = address
        self._timer = self.loop.call_later(self._patience.head_s, self._look)

    def _turn_away(self, refusal: bytes) -> None:
        self._refused = True
        self.transport.write(refusal)
        if self._doorway.lingering >= _LINGERING:
            self.transport.close()
            return
        # Closed at once, with its request unread, the system would take the answer back.
        self._doorway.lingering += 1
        self._timer = self.loop.call_later(_MOMENT_S, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timers()
        if self._entered is not None:
            self._doorway.admission.leave(self._entered)
            self._entered = None
        super().connection_lost(exc)

    def _stop_timers(self) -> None:
        if self._refused and self._timer is not None:
            self._doorway.lingering -= 1
        for timer in (self._timer, self._unread):
            if timer is not None:
                timer.cancel()
        self._timer = self._unread = None

    def handle_websocket_upgrade(self) -> None:
        if not self.url.isascii():
            self.send_400_response("")
            return
        self._stop_timers()
        self._unset_keepalive_if_required()
        self._entered = None  # whoever takes the connection over will leave
        super().handle_websocket_upgrade()
        self.parser = None  # pyright: ignore[reportAttributeAccessIssue]  # or the two keep each other alive

    # ── what comes ────────────────────────────────────────────────────────────────────────────────────────────────

    def data_received(self, data: bytes) -> None:
        if self._refused:
            self.transport.close()
            return
        if self._phase == "idle":  # the first bytes of another request
            self._begin("head")
        if self._phase == "head":
            self._came += len(data)
        self._beside += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        head = self._came if self._phase == "head" else self._beside if self._phase == "body" else 0
        if head > MAX_HEAD + MAX_ADDRESS:
            self._fault = _HEAD
            self.send_400_response("")
        elif self._phase != "idle" and self._timer is None:
            self._timer = self.loop.call_later(self._wait(), self._look)

    def _begin(self, phase: Literal["idle", "head", "body"]) -> None:
        self._phase = phase
        self._since = self._moved = self.loop.time()
        self._came = self._beside = 0

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= _PIPELINED:
            self._give_up(_PIPELINE)
        self._headers = 0
        if self._phase == "idle":  # it came together with the one before
            self._begin("head")
            self._came = 1
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > MAX_ADDRESS:
            self._give_up(_ADDRESS)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._phase != "body":  # what comes after a body in pieces says nothing: it would pass for its head
            super().on_header(name, value)
        self._headers += len(name) + len(value)
        if self._headers > MAX_HEAD or len(self.headers) > MAX_HEADERS:
            self._give_up(_HEAD)

    def on_headers_complete(self) -> None:
        self._begin("body")
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._moved = self.loop.time()
        self._came += len(body)
        self._beside = 0
        super().on_body(body)
        if self._came > _AFTER_ANSWER and self.cycle.response_complete:
            self.transport.close()

    def on_message_complete(self) -> None:
        self._phase = "idle"
        super().on_message_complete()

    @property
    def _request(self) -> RequestResponseCycle | None:
        """The newest, if there was one yet."""
        return self.cycle

    @property
    def _answering(self) -> bool:
        """Whether an answer has begun and is not over."""
        cycle = self._request
        return cycle is not None and cycle.response_started and not cycle.response_complete

    def _give_up(self, fault: _Fault) -> None:
        self._fault = fault
        raise ValueError(fault[1])  # the parser hands it on as an error of its own, and `data_received` answers

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # ours says more
        if not self._answering:
            self.transport.write(answer(*(self._fault or _MALFORMED)))
        self._drop()

    # ── what does not come, and what is not taken ─────────────────────────────────────────────────────────────────

    def _wait(self) -> float:
        return self._patience.head_s if self._phase == "head" else self._patience.body_s

    def _look(self) -> None:
        """Is there progress? Looks again when it could be over."""
        self._timer = None
        if self._phase == "idle" or self.transport.is_closing():
            return
        now, wait = self.loop.time(), self._wait()
        if self._phase == "body" and self.flow.read_paused:  # it is us who does not read
            self._begin("body")
        elapsed = now - self._since
        quiet = elapsed if self._phase == "head" else now - self._moved
        slow = self._phase == "body" and elapsed >= wait and self._came < elapsed * _LEAST_SPEED
        if quiet >= wait or slow:
            self._time_out()
        else:
            self._timer = self.loop.call_later(wait - quiet, self._look)

    def _time_out(self) -> None:
        self._doorway.admission.traffic.timed_out += 1
        has_answer = self._answering or (self._phase == "body" and self.cycle.response_complete)
        if not has_answer and (self._phase == "body" or self._came):
            self.transport.write(answer(*(_SLOW_HEAD if self._phase == "head" else _SLOW_BODY)))
        self._drop()

    def _drop(self) -> None:
        """Close, and let whoever still reads the request know."""
        cycle = self._request
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()
        self._phase = "idle"
        self.transport.close()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(self._patience.unread_s, self._cut)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _cut(self) -> None:
        self._doorway.admission.traffic.timed_out += 1
        reset(self.transport)
