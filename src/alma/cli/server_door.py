"""The door of a running server: its JSON API and its WebSocket, which is opened anew and resumed whenever it breaks."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator
from pathlib import Path

import aiohttp
import msgspec

from alma.cli.door import running_server
from alma.cli.following import Event, Following, parse_event
from alma.errors import AlmaError, Misuse
from alma.server.commands import PROTOCOL, AnyCommand, StartRun, StopRun, Subscribe
from alma.session.wire import Ack, CommandError, Custom, Welcome

GIVE_UP_AFTER_S = 60.0
_FIRST_FRAME_S = 10.0


class ServerGone(AlmaError):
    code = "server_gone"


@contextlib.asynccontextmanager
async def server_door(data_dir: Path, give_up_after_s: float = GIVE_UP_AFTER_S) -> AsyncGenerator[ServerDoor]:
    timeout = aiohttp.ClientTimeout(total=None, connect=5)
    async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as http:
        yield ServerDoor(http, data_dir, give_up_after_s)


class ServerDoor:
    """`give_up_after_s`: how long the server may be away before the command ends with `ServerGone`."""

    def __init__(self, http: aiohttp.ClientSession, data_dir: Path, give_up_after_s: float) -> None:
        self._http = http
        self._data_dir = data_dir
        self._give_up_after_s = give_up_after_s

    async def run(self, command: StartRun) -> AsyncGenerator[str]:
        following = Following()
        last_heard = time.monotonic()
        pause = 0.05
        while True:
            try:
                async with self._connect() as connection:
                    if following.run_id:
                        await connection.subscribe(following)
                    else:  # not acknowledged yet: its key makes sending it once more harmless
                        await connection.send(command)
                        await connection.acknowledged(command.id, following)
                    async for frame, event in connection.frames():
                        last_heard, pause = time.monotonic(), 0.05
                        if following.take(event):
                            yield frame
                        if following.ended:
                            return
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                if time.monotonic() - last_heard > self._give_up_after_s:
                    raise self._gone(following) from error
            await asyncio.sleep(pause)
            pause = min(pause * 2, 2.0)

    async def stop(self, run_id: str) -> None:
        async with self._connect() as connection:
            await connection.send(StopRun(id="stop", run_id=run_id))
            await connection.acknowledged("stop", Following())

    async def history(self, thread_id: str) -> AsyncGenerator[str]:
        async with self._connect() as connection:
            await connection.send(Subscribe(id="history", thread_id=thread_id, last=10_000))
            await connection.acknowledged("history", Following())
            async for frame, event in connection.frames():
                if isinstance(event, Custom) and event.name == "alma.live" and event.thread_id == thread_id:
                    return
                if event.thread_id == thread_id and event.run_id:
                    yield frame

    async def call(self, method: str, path: str, body: object = None) -> object:
        try:
            async with self._http.request(
                method, self._url() + path, json=body, timeout=aiohttp.ClientTimeout(total=120)
            ) as response:
                answer: object = await response.json(content_type=None) if response.status != 204 else None
                if response.status >= 400:
                    raise _refused(answer, response.status)
                return answer
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise self._gone(Following()) from error

    def _url(self) -> str:
        server = running_server(self._data_dir)
        if server is None:
            raise aiohttp.ClientConnectionError("no server runs on this data folder")
        return server.url.rstrip("/")

    @contextlib.asynccontextmanager
    async def _connect(self) -> AsyncGenerator[Connection]:
        # The address is looked up each time: a server that was started again may listen on another port.
        address = f"{self._url()}/ws?protocol={PROTOCOL}"
        async with self._http.ws_connect(address, max_msg_size=0, autoping=True) as socket:
            connection = Connection(socket)
            await connection.welcomed()
            yield connection

    def _gone(self, following: Following) -> ServerGone:
        again = f"; then `alma threads show {following.thread_id}` shows the answer" if following.thread_id else ""
        return ServerGone(
            "The server does not answer any more. Unfinished work goes on when it runs again.",
            hint=f"Start it with `alma serve`{again}.",
        )


class Connection:
    """One WebSocket to the server; raises `aiohttp.ClientError` or `TimeoutError` once it is of no use any more."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._silence_s = _FIRST_FRAME_S
        self._waiting: list[tuple[str, Event]] = []

    async def send(self, command: AnyCommand) -> None:
        await self._socket.send_str(msgspec.json.encode(command).decode())

    async def subscribe(self, following: Following) -> None:
        command = Subscribe(id="resume", thread_id=following.thread_id, cursors=following.cursors())
        await self.send(command)
        await self.acknowledged("resume", following)

    async def welcomed(self) -> None:
        _, event = await self._next()
        if isinstance(event, Custom) and event.name == "alma.welcome":
            # Two and a half heartbeats without a word: the connection is dead.
            self._silence_s = 2.5 * msgspec.convert(event.value, Welcome).heartbeat_seconds

    async def acknowledged(self, command_id: str, following: Following) -> None:
        """Wait for the answer to a command, keeping the events that come before it; learn the run's name from it."""
        early: list[tuple[str, Event]] = []
        while True:
            frame, event = await self._next()
            if isinstance(event, Custom) and event.name == "alma.error":
                refusal = msgspec.convert(event.value, CommandError)
                if refusal.id in ("", command_id):
                    raise Misuse(
                        refusal.code,
                        refusal.message,
                        expected=refusal.expected,
                        actual=refusal.actual,
                        hint=refusal.hint,
                    )
            if isinstance(event, Custom) and event.name == "alma.ack":
                ack = msgspec.convert(event.value, Ack)
                if ack.id == command_id:
                    following.run_id = ack.run_id or following.run_id
                    following.thread_id = ack.thread_id or following.thread_id
                    break
            early.append((frame, event))
        self._waiting = early

    async def frames(self) -> AsyncGenerator[tuple[str, Event]]:
        while True:
            yield await self._next()

    async def _next(self) -> tuple[str, Event]:
        while True:
            if self._waiting:
                return self._waiting.pop(0)
            message = await self._socket.receive(timeout=self._silence_s)
            if message.type is not aiohttp.WSMsgType.TEXT:
                raise aiohttp.ClientConnectionError("the server closed the connection")
            event = parse_event(message.data)
            if event is not None:
                return message.data, event


def _refused(answer: object, status: int) -> Misuse:
    """The error that problem details (RFC 9457) describe."""
    facts = msgspec.convert(answer, dict[str, object]) if isinstance(answer, dict) else {}
    said = {
        name: str(facts[name]) for name in ("code", "detail", "title", "expected", "actual", "hint") if name in facts
    }
    return Misuse(
        said.get("code", f"http_{status}"),
        said.get("detail") or said.get("title") or f"The server answered with status {status}.",
        expected=said.get("expected"),
        actual=said.get("actual"),
        hint=said.get("hint"),
    )
