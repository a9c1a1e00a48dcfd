"""One connection that speaks docs/protocol.md: send a command, wait for its answer, read events. Knows no network."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator
from typing import Protocol

import msgspec

from alma.cli.following import Event, Following, parse_event
from alma.errors import Misuse
from alma.server.commands import AnyCommand, Subscribe
from alma.session.wire import Ack, CommandError, Custom, Welcome

_FIRST_FRAME_S = 10.0


class ConnectionLost(Exception):
    """The connection is of no use any more; what was missed can be had over another one. `silent`: the address of a
    server that is there and did not answer in time; empty: it is gone."""

    def __init__(self, silent: str = "") -> None:
        super().__init__(silent)
        self.silent = silent


class Socket(Protocol):
    """A WebSocket's client end. Both raise `ConnectionLost`, `receive` also when nothing came for `patience_s`."""

    async def send(self, frame: str) -> None: ...

    async def receive(self, patience_s: float) -> str: ...


class Connection:
    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self._patience_s = _FIRST_FRAME_S
        self._early: deque[tuple[str, Event]] = deque()  # came while an acknowledgement was waited for

    async def welcomed(self) -> None:
        _, event = await self._receive()
        if isinstance(event, Custom) and event.name == "alma.welcome":
            # Two and a half heartbeats without a word: the connection is dead.
            self._patience_s = 2.5 * msgspec.convert(event.value, Welcome).heartbeat_seconds
        else:
            raise_if_refused(event, "")

    async def send(self, command: AnyCommand, following: Following) -> None:
        """Send a command and wait for its answer, which names the run. Raises `Misuse` when it is refused."""
        await self._socket.send(msgspec.json.encode(command).decode())
        while True:
            frame, event = await self._receive()
            raise_if_refused(event, command.id)
            if isinstance(event, Custom) and event.name == "alma.ack":
                ack = msgspec.convert(event.value, Ack)
                if ack.id == command.id:
                    following.run_id = ack.run_id or following.run_id
                    following.thread_id = ack.thread_id or following.thread_id
                    return
            self._early.append((frame, event))

    async def resume(self, following: Following) -> None:
        """Ask for what of the run has not been seen."""
        command = Subscribe(id="resume", thread_id=following.thread_id, cursors=following.cursors(), last=0)
        await self.send(command, following)

    async def events(self) -> AsyncGenerator[tuple[str, Event]]:
        """What comes, each as its frame and as what it says; without end."""
        while True:
            yield self._early.popleft() if self._early else await self._receive()

    async def _receive(self) -> tuple[str, Event]:
        while True:
            frame = await self._socket.receive(self._patience_s)
            event = parse_event(frame)
            if event is not None:
                return frame, event


def raise_if_refused(event: Event, command_id: str = "") -> None:
    """Raise what the server refused: this command, or (without an id) the thread that is followed, say because it was
    deleted."""
    if not isinstance(event, Custom) or event.name != "alma.error":
        return
    said = msgspec.convert(event.value, CommandError)
    if said.id in ("", command_id):
        raise Misuse(said.code, said.message, expected=said.expected, actual=said.actual, hint=said.hint)
