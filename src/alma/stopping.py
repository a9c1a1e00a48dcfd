"""uvicorn's server, started and stopped as Alma needs it.

A stop: nothing new is begun and clients are told; work under way gets most of the grace; sockets are closed so that
clients come again; then open requests get the rest. What does not end in time goes on at the next start. A second
signal ends the process at once, as a crash would: nothing that was acknowledged is lost by that either.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Protocol

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

log = logging.getLogger(__name__)
CLOSING_S = 2.0  # of the grace that closing gets, or two fifths of a short one
LOOK_S = 0.05
OVERDUE_S = 10.0  # after the grace: who has not ended by then hangs


class Work(Protocol):
    """What is served, as far as stopping it goes."""

    def stop_taking(self) -> None:
        """Begin nothing new, and tell clients."""
        ...

    @property
    def busy(self) -> bool: ...

    @property
    def unfinished(self) -> int:
        """Runs that have no end yet."""
        ...


class Server(uvicorn.Server):
    """`started` is called once it listens; `killed` when it must end at once. `grace_s`: seconds for a stop."""

    def __init__(
        self,
        config: uvicorn.Config,
        work: Work,
        grace_s: float,
        *,
        started: Callable[[], None],
        killed: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._work = work
        self._grace_s = grace_s
        self._on_started = started
        self._on_killed = killed
        self._why = "by itself"

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            gc.collect()
            gc.freeze()  # what is loaded by now stays: later collections need not look at it
            gc.set_threshold(20_000, 20, 50)  # a run makes thousands of objects and hardly a cycle
            self._on_started()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit:
            self._kill(128 + sig)
        self._why = f"on {signal.Signals(sig).name}"
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        watchdog = threading.Timer(self._grace_s + OVERDUE_S, self._overdue)
        watchdog.daemon = True
        watchdog.start()
        began = time.monotonic()
        reserve = min(CLOSING_S, self._grace_s * 0.4)
        self._work.stop_taking()
        log.info("Alma stops %s: agents at work get up to %g s", self._why, self._grace_s - reserve)
        await asyncio.sleep(min(LOOK_S, reserve))  # for what clients are told to go out
        while self._work.busy and time.monotonic() - began < self._grace_s - reserve:  # noqa: ASYNC110  # happens once
            await asyncio.sleep(LOOK_S)
        drained, left_over = time.monotonic() - began, self._work.unfinished
        await self._close_sockets(reserve / 2)
        left = self._grace_s - (time.monotonic() - began)
        self.config.timeout_graceful_shutdown = max(left, 0.1)  # pyright: ignore[reportAttributeAccessIssue]  # any seconds do
        await super().shutdown(sockets)
        log.info(
            "Alma has stopped in %.1f s, %.1f of them for agents at work; runs that go on at the next start: %d",
            time.monotonic() - began,
            drained,
            left_over,
        )

    async def _close_sockets(self, patience_s: float) -> None:
        """With 1012 (service restart). Who does not read what is left, nor that, is cut off."""
        deadline = time.monotonic() + patience_s
        for connection in self._websockets():
            connection.shutdown()
        while self._websockets() and time.monotonic() < deadline:  # noqa: ASYNC110  # happens once
            await asyncio.sleep(LOOK_S)
        for connection in self._websockets():
            connection.transport.abort()
        await asyncio.sleep(0)

    def _websockets(self) -> list[WebSocketsSansIOProtocol]:
        return [one for one in self.server_state.connections if isinstance(one, WebSocketsSansIOProtocol)]

    def _overdue(self) -> None:
        log.critical("stopping has taken %g s longer than it may; the process ends now", OVERDUE_S)
        self._kill(1)

    def _kill(self, code: int) -> None:
        self._on_killed()
        os._exit(code)
