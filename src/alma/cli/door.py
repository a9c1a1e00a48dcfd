"""What the commands need of Alma, be it a server that runs already or an Alma inside this process."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec

from alma.cli.connection import Connection, ConnectionLost, raise_if_refused
from alma.cli.following import Event, Following
from alma.cli.options import token_of
from alma.cli.server_file import answers, running_server
from alma.errors import AlmaError, Misuse
from alma.server.commands import StartRun, Steer, Subscribe
from alma.session.wire import Custom
from alma.settings import Settings


class Transport(Protocol):
    """One way to Alma's two doors. Both raise `ConnectionLost`. `patience_s`: how long a lost one is tried again."""

    patience_s: float

    def connect(self, *, watch: bool = False) -> AbstractAsyncContextManager[Connection]:
        """`watch`: news that belong to no thread come too."""
        ...

    async def request(
        self, method: str, path: str, body: bytes, kind: str = "application/json", *, long: bool = False
    ) -> tuple[int, bytes]:
        """An HTTP request with a body (empty: none) of this content type; the status and the body of the answer.
        `long`: the server may work for minutes before it says a word."""
        ...


class ServerGone(AlmaError):
    code = "server_gone"


class ServerSilent(ServerGone):
    """It is there, and does not answer."""

    code = "server_silent"


class Door:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def follow(self, following: Following, command: StartRun | None = None) -> AsyncGenerator[tuple[str, Event]]:
        """Yield a run's events, each once, with the text of its frame, until it has ended; also the event which says
        that all which had happened before was sent. `command` starts the run. A connection that is lost is made anew
        and resumed. Raises `Misuse` when the task is refused, `ServerGone`."""
        last_heard, pause, welcomed = time.monotonic(), 0.05, False
        while True:
            try:
                async with self._transport.connect() as connection:
                    welcomed = True
                    if following.run_id or command is None:
                        following.live = False
                        await connection.resume(following)
                    else:  # not acknowledged: its key makes it harmless to send it once more
                        await connection.send(command, following)
                        following.live = True
                    async for frame, event in connection.events():
                        last_heard, pause = time.monotonic(), 0.05
                        raise_if_refused(event)
                        if isinstance(event, Custom) and event.name == "alma.live":
                            following.live = True
                            yield frame, event
                        elif following.take(event):
                            yield frame, event
                        if following.ended:
                            return
            except ConnectionLost as lost:
                in_vain = bool(lost.silent) and not welcomed
                if in_vain or time.monotonic() - last_heard > self._transport.patience_s:
                    raise _gone(lost, following.thread_id) from lost
            await asyncio.sleep(pause)
            pause = min(pause * 2, 2.0)

    async def tell(self, command: Steer) -> None:
        """A word to a run under way; returns once it is durable. Raises `Misuse` when it comes too late."""
        try:
            async with self._transport.connect() as connection:
                await connection.send(command, Following())
        except ConnectionLost as lost:
            raise _gone(lost) from lost

    async def history(self, thread_id: str) -> AsyncGenerator[str]:
        """The events of all turns of a thread up to now."""
        command = Subscribe(id="history", thread_id=thread_id, last=10_000)
        try:
            async with self._transport.connect() as connection:
                await connection.send(command, Following())
                async for frame, event in connection.events():
                    raise_if_refused(event)
                    if isinstance(event, Custom) and event.name == "alma.live":
                        return
                    if event.run_id:
                        yield frame
        except ConnectionLost as lost:
            raise _gone(lost) from lost

    async def news(self, ready: Callable[[], Awaitable[None]]) -> AsyncGenerator[Custom]:
        """What the server tells all its clients, such as the progress of downloads. `ready` is awaited once it is
        listened to, so that no news of what it begins is missed."""
        try:
            async with self._transport.connect(watch=True) as connection:
                await ready()
                async for _, event in connection.events():
                    if isinstance(event, Custom) and not event.thread_id:
                        yield event
        except ConnectionLost as lost:
            raise _gone(lost) from lost

    async def call(
        self, method: str, path: str, body: object = None, kind: str = "text/plain", *, long: bool = False
    ) -> object:
        """One request of the JSON API: the decoded answer, None where there is none. A `body` of bytes is sent as it
        is, with `kind` as its content type; it takes `long`, see `Transport.request`. Raises `Misuse`, `ServerGone`,
        `ServerSilent`."""
        if isinstance(body, bytes):
            answer = await self._request(method, path, body, kind, long=True)
        else:
            answer = await self._request(method, path, msgspec.json.encode(body) if body else b"", long=long)
        return msgspec.json.decode(answer) if answer else None

    async def read(self, path: str) -> bytes:
        """What `GET` gives there, as it is, however long that takes. Raises `Misuse`, `ServerGone`, `ServerSilent`."""
        return await self._request("GET", path, b"", long=True)

    async def _request(
        self, method: str, path: str, body: bytes, kind: str = "application/json", *, long: bool = False
    ) -> bytes:
        try:
            status, answer = await self._transport.request(method, path, body, kind, long=long)
        except ConnectionLost as lost:
            raise _gone(lost) from lost
        if status >= 400:
            raise _refused(status, answer)
        return answer


@contextlib.asynccontextmanager
async def open_door(settings: Settings) -> AsyncGenerator[Door]:
    """The running server's door where there is one, else that of an Alma started here for the time of the command."""
    server = running_server(settings.data_dir)
    if server is not None and await answers(server.url):
        from alma.cli.server_transport import to_server

        transport = to_server(settings.data_dir, token=token_of(settings))
    else:
        from alma.cli.process_transport import in_this_process

        transport = in_this_process(settings)
    async with transport as way:
        yield Door(way)


def _gone(lost: ConnectionLost, thread_id: str = "") -> ServerGone:
    if lost.silent:
        return ServerSilent(
            f"The server at {lost.silent} does not answer.",
            hint="It may be busy or stuck; its log is what it prints where it was started; stop it and start it again.",
        )
    again = f"; then `alma threads show {thread_id}` shows the answer" if thread_id else ""
    return ServerGone(
        "Alma does not answer any more. Unfinished work goes on when it runs again.",
        hint=f"Start it with `alma serve`{again}.",
    )


class _Problem(msgspec.Struct):
    """Problem details (RFC 9457), as far as they are shown."""

    code: str = "refused"
    detail: str = ""
    title: str = ""
    expected: str | None = None
    actual: str | None = None
    hint: str | None = None


def _refused(status: int, answer: bytes) -> Misuse:
    try:
        said = msgspec.json.decode(answer, type=_Problem)
    except msgspec.DecodeError:
        said = _Problem(code=f"http_{status}")
    message = said.detail or said.title or f"Alma answered with status {status}."
    return Misuse(said.code, message, expected=said.expected, actual=said.actual, hint=said.hint)
