"""One WebSocket connection: commands in, frames out.

One task reads commands and carries them out in order; another empties the outbox into the socket and lets
subscriptions that are behind catch up. The outbox is bounded in bytes: when it is full, subscriptions fall behind
(and read the journal later), and news about the thread list is dropped (the page reads the list again).
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol, assert_never

import msgspec

from alma.errors import AlmaError, InvalidRequest, StorageFailure
from alma.events import Fork
from alma.server import commands
from alma.session import encode, wire
from alma.session.sessions import Sessions
from alma.session.starting import Ask
from alma.session.subscription import Have, RunHave, Subscription
from alma.session.warming import Typed

log = logging.getLogger(__name__)
_decode = msgspec.json.Decoder(commands.AnyCommand).decode
_TYPES = sorted(str(tag) for tag in (c.__struct_config__.tag for c in commands.ALL))
_NOT_JSON = (msgspec.DecodeError, UnicodeEncodeError, RecursionError)


class Socket(Protocol):
    """The server's end of a WebSocket. `receive` gives text, bytes for a binary frame, None when it is closed."""

    async def receive(self) -> str | bytes | None: ...

    async def send(self, frame: str) -> None: ...


class Outbox:
    """Frames waiting for the socket, at most about `limit` characters of them."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._frames: deque[str] = deque()
        self._size = 0
        self._waiter: asyncio.Future[None] | None = None
        self._room = asyncio.Event()
        self._room.set()

    def push(self, frame: str, *, force: bool = False) -> bool:
        if self._size >= self._limit and not force:
            return False
        self._frames.append(frame)
        self._size += len(frame)
        if self._size >= self._limit:
            self._room.clear()
        self.wake()
        return True

    def wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def pop(self) -> str | None:
        if not self._frames:
            return None
        frame = self._frames.popleft()
        self._size -= len(frame)
        if self._size < self._limit:
            self._room.set()
        return frame

    async def room(self) -> None:
        """Until there is room: a client that sends commands must read the answers."""
        await self._room.wait()

    def close(self) -> None:
        """Nobody empties it any more; nobody need wait for room."""
        self._limit = 0
        self._frames.clear()
        self._room.set()

    async def wait(self) -> None:
        """Until `push` or `wake` is called; for the one task that empties the outbox."""
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter


class Connection:
    """`owner` is whom the connection speaks for. `watch`: also send news about the thread list and the models."""

    def __init__(
        self, sessions: Sessions, socket: Socket, owner: str, welcome: wire.Welcome, outbox_bytes: int, *, watch: bool
    ) -> None:
        self._sessions = sessions
        self._socket = socket
        self._owner = owner
        self._welcome = welcome
        self._watch = watch
        self._outbox = Outbox(outbox_bytes)
        self._subscriptions: dict[str, Subscription] = {}
        self._group: asyncio.TaskGroup | None = None
        self._preview: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Serve the connection until the client is gone."""
        self._tell(self._welcome)
        unwatch = self._sessions.notices.subscribe(self._owner, self._notice) if self._watch else None
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                sender = group.create_task(self._send_forever())
                heart = group.create_task(self._beat())
                while (frame := await self._socket.receive()) is not None:
                    await self._take(frame)
                    await self._outbox.room()
                for task in (sender, heart, self._preview):
                    if task is not None:
                        task.cancel()
        finally:
            if unwatch is not None:
                unwatch()
            for thread_id in list(self._subscriptions):
                self._unsubscribe(thread_id)

    # ── out ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _tell(self, payload: wire.Payload, thread_id: str = "") -> None:
        self._outbox.push(encode.custom(payload, thread_id=thread_id), force=True)

    def _notice(self, frame: str) -> None:
        self._outbox.push(frame)

    async def _send_forever(self) -> None:
        send, outbox = self._socket.send, self._outbox
        try:
            while True:
                while (frame := outbox.pop()) is not None:
                    await send(frame)
                behind = [one for one in self._subscriptions.values() if one.behind]
                if not behind:
                    await outbox.wait()
                for subscription in behind:
                    await self._catch_up(subscription)
        except ConnectionError:
            log.debug("the client is gone; the reader will notice")
        finally:
            outbox.close()

    async def _catch_up(self, subscription: Subscription) -> None:
        try:
            await subscription.catch_up(self._socket.send)
        except StorageFailure:
            await asyncio.sleep(1)  # it stays behind, and tries again
        except ConnectionError:
            raise
        except AlmaError as error:
            self._unsubscribe(subscription.thread_id)
            self._outbox.push(_refusal("", error, subscription.thread_id), force=True)
        except Exception as error:  # noqa: BLE001  # the connection's boundary: one thread's bug, not all threads'
            self._unsubscribe(subscription.thread_id)
            self._outbox.push(_refusal("", _bug(error), subscription.thread_id), force=True)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._welcome.heartbeat_seconds)
            self._notice(encode.custom(wire.Heartbeat()))

    # ── in ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _take(self, frame: str | bytes) -> None:
        command_id = ""
        try:
            command = self._parse(frame)
            command_id = command.id
            await self._carry_out(command)
        except AlmaError as error:
            self._outbox.push(_refusal(command_id or _id_in(frame), error), force=True)
        except Exception as error:  # noqa: BLE001  # the connection's boundary
            self._outbox.push(_refusal(command_id, _bug(error)), force=True)

    def _parse(self, frame: str | bytes) -> commands.AnyCommand:
        if isinstance(frame, bytes):
            raise InvalidRequest("binary_frame", "Commands are text frames.", expected="text", actual="a binary frame")
        limit = self._welcome.max_frame_bytes
        if len(frame) > limit or (len(frame) > limit // 4 and len(frame.encode()) > limit):
            raise InvalidRequest(
                "frame_too_large", "The frame is too large.", expected=f"at most {limit:,} bytes", actual="more"
            )
        try:
            return _decode(frame)
        except msgspec.ValidationError as error:
            raise _invalid(frame, str(error)) from None
        except _NOT_JSON as error:
            raise _malformed(error) from None

    async def _carry_out(self, command: commands.AnyCommand) -> None:
        match command:
            case commands.StartRun():
                ask = Ask(
                    key=command.key,
                    text=command.text,
                    thread_id=command.thread_id,
                    parent_run_id=command.parent_run_id,
                    root=command.root,
                    model=command.model,
                    kind=command.kind,
                    approve=command.approve,
                    priority=command.priority,
                    tokens=command.tokens,
                    seconds=command.seconds,
                    money=command.money,
                    fresh=command.fresh,
                )
                await self._begin(lambda begun: self._sessions.start(self._owner, ask, command.id, begun))
            case commands.RetryRun():
                ask = Ask(key=command.key, text=command.text or "", model=command.model, kind=command.kind)
                run_id = command.run_id
                await self._begin(lambda begun: self._sessions.retry(self._owner, run_id, ask, command.id, begun))
            case commands.ForkRun():
                fork = Fork(command.run_id, command.task_id, command.goal, command.role, command.model)
                key = command.key
                await self._begin(lambda begun: self._sessions.fork(self._owner, key, fork, command.id, begun))
            case (
                commands.StopRun()
                | commands.PauseRun()
                | commands.ResumeRun()
                | commands.DecidePlan()
                | commands.DecideTool()
                | commands.AnswerQuestion()
            ):
                thread_id = await self._steer(command)
                self._tell(wire.Ack(id=command.id, run_id=command.run_id, thread_id=thread_id))
            case commands.CorrectRoute():
                await self._sessions.correct(self._owner, command.run_id, command.kind)
                self._tell(wire.Ack(id=command.id, run_id=command.run_id))
            case commands.PreviewRoute():
                assert self._group is not None
                if self._preview is not None:
                    self._preview.cancel()  # the client has typed on: only the newest answer is wanted
                self._preview = self._group.create_task(self._answer_preview(command))
            case commands.Subscribe():
                await self._subscribe(command)
            case commands.Unsubscribe():
                self._unsubscribe(command.thread_id)
                self._tell(wire.Ack(id=command.id, thread_id=command.thread_id))
            case commands.Hello():
                check_protocol(command.protocol)
                self._tell(wire.Ack(id=command.id))
            case commands.Ping():
                self._tell(wire.Heartbeat(id=command.id))
            case commands.WatchMetrics() | commands.UnwatchMetrics():
                self._tell(wire.Ack(id=command.id))
            case _:
                assert_never(command)

    async def _steer(self, command: commands.Steer) -> str:
        """A word to a run under way; gives the run's thread."""
        steering, owner, run_id = self._sessions.steering, self._owner, command.run_id
        match command:
            case commands.StopRun():
                return await steering.stop(owner, run_id, command.task_id)
            case commands.PauseRun():
                return await steering.pause(owner, run_id)
            case commands.ResumeRun():
                return await steering.resume(owner, run_id)
            case commands.DecidePlan():
                return await steering.decide_plan(
                    owner, run_id, command.task_id, approved=command.approved, tasks=command.tasks
                )
            case commands.DecideTool():
                return await steering.decide_tool(owner, run_id, command.tool_call_id, approved=command.approved)
            case commands.AnswerQuestion():
                return await steering.answer(owner, run_id, command.question_id, command.text)
            case _:
                assert_never(command)

    async def _begin(self, start: Callable[[Callable[[wire.Ack, bool], None]], Awaitable[wire.Ack]]) -> None:
        """Start a run; acknowledge it and follow its thread before its first event comes."""

        def begun(ack: wire.Ack, new_thread: bool) -> None:
            assert ack.thread_id is not None
            self._tell(ack)
            if new_thread:
                self._subscriptions[ack.thread_id] = self._sessions.follow_new(ack.thread_id, self._outbox)

        ack = await start(begun)
        if ack.thread_id is not None and ack.thread_id not in self._subscriptions:
            cursors = {ack.run_id: RunHave(messages={})} if ack.run_id is not None else {}
            self._subscriptions[ack.thread_id] = await self._sessions.subscribe(
                self._owner, ack.thread_id, self._outbox, cursors, last=0
            )

    async def _subscribe(self, command: commands.Subscribe) -> None:
        cursors = {
            run_id: RunHave(
                cursor.seq, {mid: Have(m.attempt, m.n, m.reasoning_n) for mid, m in cursor.messages.items()}
            )
            for run_id, cursor in command.cursors.items()
        }
        self._unsubscribe(command.thread_id)
        subscription = await self._sessions.subscribe(
            self._owner, command.thread_id, self._outbox, cursors, max(command.last, 0)
        )
        self._tell(wire.Ack(id=command.id, thread_id=command.thread_id))
        self._subscriptions[command.thread_id] = subscription

    def _unsubscribe(self, thread_id: str) -> None:
        subscription = self._subscriptions.pop(thread_id, None)
        if subscription is not None:
            subscription.close()
            self._sessions.unsubscribe(subscription)

    async def _answer_preview(self, command: commands.PreviewRoute) -> None:
        try:
            verdict = await self._sessions.preview(self._owner, command.text)
        except AlmaError as error:
            self._outbox.push(_refusal(command.id, error))
            return
        except Exception as error:  # noqa: BLE001  # the connection's boundary
            self._outbox.push(_refusal(command.id, _bug(error)))
            return
        self._tell(wire.Preview(id=command.id, kind=verdict.kind, scores=verdict.scores))
        place = (command.thread_id, command.parent_run_id, command.root, command.model)
        await self._sessions.warm(self._owner, Typed(command.text, command.kind or verdict.kind, *place))


def check_protocol(spoken: int) -> None:
    if spoken != commands.PROTOCOL:
        raise InvalidRequest(
            "protocol_mismatch",
            "The client speaks another protocol than this server.",
            expected=f"protocol {commands.PROTOCOL}",
            actual=f"protocol {spoken}",
            hint="Reload the page, or update whichever is older.",
        )


def _bug(error: Exception) -> AlmaError:
    """What a user is told of a bug; the log has the rest under the same token."""
    token = secrets.token_hex(4)
    log.error("a bug (%s)", token, exc_info=error)
    return AlmaError("Alma failed on a bug of its own.", hint=f"The log has it under {token}.")


def _refusal(command_id: str, error: AlmaError, thread_id: str = "") -> str:
    facts = wire.CommandError(
        id=command_id,
        code=error.code,
        message=error.message,
        expected=error.expected,
        actual=error.actual,
        hint=error.hint,
    )
    return encode.custom(facts, thread_id=thread_id)


def _malformed(error: Exception) -> InvalidRequest:
    return InvalidRequest("malformed_json", "The frame is not JSON.", expected="one JSON object", actual=str(error))


def _invalid(frame: str, said: str) -> InvalidRequest:
    """Tell an unknown command from a wrong field, by reading the frame once more without a type."""
    try:
        kind = msgspec.json.decode(frame, type=_WithType).type
    except msgspec.ValidationError:
        kind = None
    except _NOT_JSON as error:
        return _malformed(error)
    if kind not in _TYPES:
        return InvalidRequest(
            "unknown_command",
            "The frame names no command.",
            expected=f"an object whose type is one of {', '.join(_TYPES)}",
            actual=repr(kind)[:80] if kind is not None else "no type",
        )
    return InvalidRequest("invalid_field", f"A field of {kind} is wrong.", actual=said, hint="See docs/protocol.md.")


class _WithType(msgspec.Struct):
    type: object = None


class _WithId(msgspec.Struct):
    id: str = ""


def _id_in(frame: str | bytes) -> str:
    """The id of a frame that could not be carried out, where one can be read."""
    if isinstance(frame, bytes):
        return ""
    try:
        return msgspec.json.decode(frame, type=_WithId).id[:200]
    except _NOT_JSON:
        return ""
