"""A client's view of one thread: what it has, and how the rest reaches it exactly once and in order.

A subscription is either live (what the bus brings goes straight to the client's outbox, if it continues what the
client has) or behind (nothing is queued; when the outbox is empty, `catch_up` reads the journal from the client's
cursor and the open text from its `n`). A new subscription, a client that reconnects, one too slow for its outbox,
and a lost bus message are all the same case: behind. So the memory of a slow client is bounded by its outbox.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec
from msgspec import Struct

from alma.engine.open_text import OpenMessage, OpenText
from alma.errors import Conflict
from alma.events import Delta, MessageFinished, MessageStarted, Recorded
from alma.session import encode, wire


class Have(Struct):
    """Of one message: the attempt the client follows, and the code points it has of it."""

    attempt: int
    n: int = 0
    reasoning_n: int = 0


class RunHave(Struct):
    """Of one run: the last `seq` the client has, and its messages."""

    seq: int = 0
    messages: dict[str, Have] = {}


class Outbox(Protocol):
    """Where frames wait for the socket. `push` refuses (False) when it is full, unless `force`."""

    @property
    def full(self) -> bool: ...

    def push(self, frame: str, *, force: bool = False) -> bool: ...

    def wake(self) -> None: ...


class Logs(Protocol):
    """Reads the entries that a thread's runs have past the given `seq`s, run after run in the order they were made."""

    async def __call__(self, thread_id: str, after: dict[str, int], skip: frozenset[str]) -> list[list[Recorded]]: ...


class Subscription:
    """`skip`: runs that the client did not ask for. `live`: start live (a thread that was just made)."""

    def __init__(
        self,
        thread_id: str,
        outbox: Outbox,
        logs: Logs,
        open_text: OpenText,
        *,
        cursors: dict[str, RunHave] | None = None,
        skip: frozenset[str] = frozenset(),
        live: bool = False,
    ) -> None:
        self.thread_id = thread_id
        self._outbox = outbox
        self._logs = logs
        self._open_text = open_text
        self._runs = cursors or {}
        self._skip = skip
        self._dirty = False
        self._announce = not live
        self.behind = not live
        self.closed = False

    def close(self) -> None:
        """Nothing more is sent, also by a `catch_up` under way."""
        self.closed = True
        self.behind = False

    def end(self, frame: str) -> None:
        """Close with a last word."""
        self.close()
        self._outbox.push(frame, force=True)

    # ── live ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def offer_delta(self, delta: Delta, frame: str) -> None:
        """Take a delta if it continues what the client has; older is ignored, a gap means falling behind."""
        if self.behind or self.closed or delta.run_id in self._skip:
            return
        run = self._runs.get(delta.run_id)
        have = run.messages.get(delta.message_id) if run is not None else None
        if have is None or have.attempt < delta.attempt:
            self.fall_behind()
            return
        if have.attempt > delta.attempt:
            return
        known = have.n if delta.channel == "text" else have.reasoning_n
        if delta.n <= known:
            return
        start = delta.n - len(delta.text)
        if start > known:
            self.fall_behind()
            return
        if start < known:  # its beginning came with a snapshot
            delta = msgspec.structs.replace(delta, text=delta.text[known - start :])
            frame = encode.delta_frame(delta)
        if not self._outbox.push(frame):
            self.fall_behind()
        elif delta.channel == "text":
            have.n = delta.n
        else:
            have.reasoning_n = delta.n

    def offer_entry(self, recorded: Recorded, frame: str) -> None:
        """As `offer_delta`, for a journal entry."""
        if self.closed or recorded.run_id in self._skip:
            return
        if self.behind:
            self._dirty = True
            return
        run = self._runs.setdefault(recorded.run_id, RunHave(messages={}))
        if recorded.seq <= run.seq:
            return
        if recorded.seq != run.seq + 1 or self._outbox.full:  # of many threads, one such entry each would be much
            self.fall_behind()
            return
        try:
            rest = self._take(run, recorded)
        except Conflict:
            self.fall_behind()  # `catch_up` meets it again, and refuses
            return
        for missing in rest:
            self._outbox.push(missing, force=True)
        if not self._outbox.push(frame):
            self._outbox.push(frame, force=True)  # an entry is small, and taken; what follows waits in the journal
            self.fall_behind()

    def fall_behind(self) -> None:
        self.behind = True
        self._outbox.wake()

    # ── behind ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def catch_up(self, send: Callable[[str], Awaitable[None]]) -> None:
        """Send what the client lacks, then go live. Call with the outbox empty, from the task that empties it."""
        while True:
            self._dirty = False
            after = {run_id: run.seq for run_id, run in self._runs.items()}
            for log in await self._logs(self.thread_id, after, self._skip):
                for recorded in log:
                    if self.closed:
                        return
                    run = self._runs.setdefault(recorded.run_id, RunHave(messages={}))
                    for missing in self._take(run, recorded):
                        await send(missing)
                        if self.closed:
                            return
                    await send(encode.entry_frame(self.thread_id, recorded))
            if not self._dirty:
                break
        if self.closed:
            return
        # Nothing awaits from here to the end: no delta can slip between the snapshot and being live.
        for run_id, run in self._runs.items():
            for message in self._open_text.of(run_id):
                for missing in self._snapshot(run_id, run, message):
                    self._outbox.push(missing, force=True)
        if self._announce:
            self._announce = False
            live = wire.Live(older=len(self._skip))
            self._outbox.push(encode.custom(live, thread_id=self.thread_id), force=True)
        self.behind = False

    def _take(self, run: RunHave, recorded: Recorded) -> list[str]:
        """Advance the cursor by one entry; returns the text that must go before it."""
        entry = recorded.entry
        if isinstance(entry, MessageFinished) and (have := run.messages.get(entry.message_id)) is not None:
            _check(recorded.run_id, have.n if have.attempt == entry.attempt else 0, len(entry.text))
        run.seq = recorded.seq
        if isinstance(entry, MessageStarted):
            run.messages[entry.message_id] = Have(entry.attempt)
        elif isinstance(entry, MessageFinished):
            have = run.messages.setdefault(entry.message_id, Have(entry.attempt))
            n, reasoning_n = (have.n, have.reasoning_n) if have.attempt == entry.attempt else (0, 0)
            run.messages[entry.message_id] = Have(entry.attempt, len(entry.text), len(entry.reasoning))
            if n < len(entry.text) or reasoning_n < len(entry.reasoning):
                return encode.rest(
                    self.thread_id,
                    recorded.run_id,
                    entry.task_id,
                    entry.message_id,
                    entry.attempt,
                    entry.text,
                    entry.reasoning,
                    n,
                    reasoning_n,
                )
        return []

    def _snapshot(self, run_id: str, run: RunHave, message: OpenMessage) -> list[str]:
        started = message.started
        have = run.messages.setdefault(started.message_id, Have(started.attempt))
        if have.attempt != started.attempt:
            # The journal has a newer attempt than the open text, or the start of this one is still being written.
            return []
        _check(run_id, have.n, message.n)
        frames = encode.rest(
            self.thread_id,
            run_id,
            started.task_id,
            started.message_id,
            started.attempt,
            message.text,
            message.reasoning,
            have.n,
            have.reasoning_n,
        )
        have.n, have.reasoning_n = message.n, message.reasoning_n
        return frames


def _check(run_id: str, n: int, length: int) -> None:
    if n > length:
        raise cursor_ahead(run_id, f"n ≤ {length}", f"n = {n}")


def cursor_ahead(run_id: str, expected: str, actual: str) -> Conflict:
    """A client claims to have what does not exist: it followed another database, or counted by itself."""
    return Conflict(
        "cursor_ahead",
        f"The cursor of run {run_id} is ahead of its journal.",
        expected=expected,
        actual=actual,
        hint="Drop what you have of this thread and subscribe without cursors.",
    )
