"""One WebSocket connection: commands in, frames out.

One task reads commands and carries them out in order; another empties the outbox into the socket and lets
subscriptions that are behind catch up; it is there while there is something to send or to follow. The outbox is
bounded in bytes: when it is full, subscriptions fall behind (and read the journal later), and news about the thread
list is dropped (the page reads the list again).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol, assert_never

from alma.errors import AlmaError, StorageFailure, TooMany
from alma.events import Fork
from alma.observability.context import bind
from alma.security.caller import Caller
from alma.server import commands
from alma.server.asking import require_admin
from alma.server.frames import bug, check_protocol, command_in, id_in, refusal
from alma.server.guard import Guard
from alma.server.outbox import Outbox
from alma.session import encode, wire
from alma.session.metric_news import metrics_off
from alma.session.sessions import Sessions
from alma.session.starting import Ask
from alma.session.subscription import Have, RunHave, Subscription
from alma.session.warming import Typed

log = logging.getLogger(__name__)
_LAST_WORD_S = 2.0  # that a client has to read why it is let go
_PATIENT = 10  # refusals in a window that are answered at once
_PAUSE_S = 2.0  # between further ones
_HEARTBEAT = encode.custom(wire.Heartbeat())


class Socket(Protocol):
    """The server's end of a WebSocket. `receive` gives text, bytes for a binary frame, None when it is closed."""

    async def receive(self) -> str | bytes | None: ...

    async def send(self, frame: str) -> None: ...

    async def close(self, code: int, reason: str) -> None: ...

    def drop(self) -> None:
        """Drop the connection, and what was not yet sent with it."""
        ...


class Connection:
    """`caller` is whom the connection speaks for. `watch`: also send news about the thread list and the models."""

    __slots__ = (
        "_cutting",
        "_ending",
        "_forgiven_at",
        "_group",
        "_guard",
        "_last_metrics",
        "_metrics_end",
        "_outbox",
        "_preview",
        "_refused",
        "_sender",
        "_sessions",
        "_socket",
        "_subscriptions",
        "_watch",
        "_welcome",
        "caller",
    )

    def __init__(
        self,
        sessions: Sessions,
        socket: Socket,
        caller: Caller,
        welcome: wire.Welcome,
        outbox_bytes: int,
        guard: Guard,
        *,
        watch: bool,
    ) -> None:
        self.caller = caller
        self._sessions = sessions
        self._socket = socket
        self._welcome = welcome
        self._guard = guard
        self._refused = 0  # commands that were too many, until a window has passed without one
        self._forgiven_at = 0.0
        self._watch = watch
        self._outbox = Outbox(outbox_bytes, self._send_soon)
        self._subscriptions: dict[str, Subscription] = {}
        self._group: asyncio.TaskGroup | None = None
        self._sender: asyncio.Task[None] | None = None
        self._preview: asyncio.Task[None] | None = None
        self._ending: tuple[int, str] | None = None  # code and reason to close with
        self._cutting: asyncio.TimerHandle | None = None
        self._metrics_end: Callable[[], None] | None = None
        self._last_metrics = ""

    @property
    def _owner(self) -> str:
        return self.caller.owner

    async def run(self) -> None:
        """Serve the connection until the client is gone."""
        unwatch = None
        self._guard.sockets.join(self)
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                self._tell(self._welcome)
                if self._watch:
                    notices, admin = self._sessions.notices, self.caller.admin
                    unwatch = notices.subscribe(self._owner, self.notice, admin=admin)
                while (frame := await self._socket.receive()) is not None:
                    if self._ending is None:
                        await self._take(frame)
                        await self._outbox.room()
                for task in (self._sender, self._preview):
                    if task is not None:
                        task.cancel()
        finally:
            self._guard.sockets.leave(self)
            self._unwatch_metrics()
            if unwatch is not None:
                unwatch()
            if self._cutting is not None:
                self._cutting.cancel()
            self._follow_nothing()

    def close(self, error: AlmaError, code: int = 1008) -> None:
        """End it with a last word, at once: nothing else is sent, and no further command carried out. A client that
        does not read even that is cut off."""
        if self._ending is None:
            self._ending = (code, error.code)
            self._follow_nothing()
            self._outbox.seal(refusal("", error))
            self._cutting = asyncio.get_running_loop().call_later(_LAST_WORD_S, self._socket.drop)

    # ── out ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _tell(self, payload: wire.Payload, thread_id: str = "") -> None:
        self._outbox.push(encode.custom(payload, thread_id=thread_id), force=True)

    def notice(self, frame: str) -> None:
        """News that need not arrive: dropped when the client does not keep up."""
        self._outbox.push(frame)

    def beat(self) -> None:
        self.notice(_HEARTBEAT)

    def _send_soon(self) -> None:
        if self._sender is None and self._group is not None:
            self._sender = self._group.create_task(self._send())

    async def _send(self) -> None:
        outbox = self._outbox
        try:
            while True:
                await self._empty()
                if self._ending is not None:
                    await self._socket.close(*self._ending)
                    return
                behind = [one for one in self._subscriptions.values() if one.behind]
                if not behind:
                    if not self._subscriptions:
                        outbox.rest()
                        self._sender = None
                        return
                    await outbox.wait()
                for subscription in behind:
                    await self._catch_up(subscription)
                    await self._empty()
        except ConnectionError:
            log.debug("the client is gone; the reader will notice")
            outbox.seal()

    async def _empty(self) -> None:
        send, pop = self._socket.send, self._outbox.pop
        while (frame := pop()) is not None:
            await send(frame)

    async def _catch_up(self, subscription: Subscription) -> None:
        try:
            await subscription.catch_up(self._socket.send)
        except StorageFailure:
            await asyncio.sleep(1)  # it stays behind, and tries again
        except ConnectionError:
            raise
        except AlmaError as error:
            self._unsubscribe(subscription.thread_id)
            self._outbox.push(refusal("", error, subscription.thread_id), force=True)
        except Exception as error:  # noqa: BLE001  # the connection's boundary: one thread's bug, not all threads'
            self._unsubscribe(subscription.thread_id)
            self._outbox.push(refusal("", bug(error), subscription.thread_id), force=True)

    # ── in ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _take(self, frame: str | bytes) -> None:
        command_id = ""
        try:
            await self._guard.let_send(self.caller, frame)
            command = command_in(frame, self._welcome.max_frame_bytes, self._guard.sizes.depth)
            command_id = command.id
            bind(owner=self._owner, request_id=command_id[:64])
            await self._carry_out(command)
        except TooMany as error:
            self._outbox.push(refusal(command_id or id_in(frame), error), force=True)
            await self._slow_down(error)
        except AlmaError as error:
            self._outbox.push(refusal(command_id or id_in(frame), error), force=True)
        except Exception as error:  # noqa: BLE001  # the connection's boundary
            self._outbox.push(refusal(command_id, bug(error)), force=True)

    async def _slow_down(self, error: TooMany) -> None:
        """Who goes on after so many refusals is no longer read for a while, instead of answered each time."""
        now = asyncio.get_running_loop().time()
        self._refused = self._refused + 1 if now < self._forgiven_at else 1
        self._forgiven_at = now + max(error.window_s, _PAUSE_S)
        if self._refused > _PATIENT:
            await asyncio.sleep(min(max(error.retry_after_s, _PAUSE_S / 4), _PAUSE_S))

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
            case commands.WatchMetrics():
                self._watch_metrics()
                self._tell(wire.Ack(id=command.id))
            case commands.UnwatchMetrics():
                self._unwatch_metrics()
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
                tasks = None if command.tasks is None else [draft.task() for draft in command.tasks]
                return await steering.decide_plan(
                    owner, run_id, command.task_id, approved=command.approved, tasks=tasks
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
                self._follow(self._sessions.follow_new(ack.thread_id, self._outbox))

        await self._guard.let_run(self.caller)
        ack = await start(begun)
        if ack.thread_id is not None and ack.thread_id not in self._subscriptions:
            cursors = {ack.run_id: RunHave(messages={})} if ack.run_id is not None else {}
            self._follow(await self._sessions.subscribe(self._owner, ack.thread_id, self._outbox, cursors, last=0))

    async def _subscribe(self, command: commands.Subscribe) -> None:
        cursors = {
            run_id: RunHave(
                cursor.seq, {mid: Have(m.attempt, m.n, m.reasoning_n) for mid, m in cursor.messages.items()}
            )
            for run_id, cursor in command.cursors.items()
        }
        self._unsubscribe(command.thread_id)
        subscription = await self._sessions.subscribe(
            self._owner, command.thread_id, self._outbox, cursors, command.last
        )
        self._tell(wire.Ack(id=command.id, thread_id=command.thread_id))
        self._follow(subscription)

    def _follow(self, subscription: Subscription) -> None:
        if self._ending is not None:
            subscription.close()
            self._sessions.unsubscribe(subscription)
            return
        self._subscriptions[subscription.thread_id] = subscription
        self._outbox.wake()

    def _follow_nothing(self) -> None:
        for thread_id in list(self._subscriptions):
            self._unsubscribe(thread_id)

    def _unsubscribe(self, thread_id: str) -> None:
        subscription = self._subscriptions.pop(thread_id, None)
        if subscription is not None:
            subscription.close()
            self._sessions.unsubscribe(subscription)

    def _watch_metrics(self) -> None:
        require_admin(self.caller)
        metrics = self._sessions.metrics
        if metrics is None:
            raise metrics_off()
        if self._metrics_end is None:
            self._metrics_end = metrics.watch(self._measured)

    def _unwatch_metrics(self) -> None:
        end, self._metrics_end = self._metrics_end, None
        if end is not None:
            end()

    def _measured(self, frame: str) -> None:
        """A second's figures. A client that has not read the last ones misses these: nobody wants old ones."""
        if not self._outbox.holds(self._last_metrics):
            self._last_metrics = frame
            self.notice(frame)

    async def _answer_preview(self, command: commands.PreviewRoute) -> None:
        try:
            verdict = await self._sessions.preview(self._owner, command.text)
        except AlmaError as error:
            self._outbox.push(refusal(command.id, error))
            return
        except Exception as error:  # noqa: BLE001  # the connection's boundary
            self._outbox.push(refusal(command.id, bug(error)))
            return
        self._tell(wire.Preview(id=command.id, kind=verdict.kind, scores=verdict.scores))
        place = (command.thread_id, command.parent_run_id, command.root, command.model)
        await self._sessions.warm(self._owner, Typed(command.text, command.kind or verdict.kind, *place))
