"""Takes down every error that is logged: the same ones together, counted, written to the database once a second.

A handler of the standard library's log, so that whatever anybody logs as an error, asyncio and the web server too, is
in it. What has not been written is bounded: of each error one example, and of errors so many; the rest is counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import platform
import threading
import time
import traceback
from collections.abc import AsyncGenerator, Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, cast

import sqlalchemy as sa

from alma import __version__
from alma.db.database import Database
from alma.errors import AlmaError, StorageFailure
from alma.observability.alert_rules import LOGGER as ALERTS
from alma.observability.context import bound_ids
from alma.observability.error_groups import Group, News, Seen, State, add_to_groups, change_state, prune, read_groups
from alma.observability.fingerprint import Fingerprint, fingerprint_of, leaf, message_of, said_by, traceback_of
from alma.observability.redaction import Redactor

log = logging.getLogger(__name__)
Listener = Callable[[Seen, News], None]
_PENDING = 200  # errors that wait to be written
_EVERY_S = 1.0
_SLOWEST_S = 30.0
_PRUNE_EVERY_S = 3600.0
_LAST_S = 3.0  # that a stopping Alma gives to writing down the last ones
_FRAMES = 50
_TITLE = 200


class ErrorBook(logging.Handler):
    """`facts`: what an example says of this Alma beside its versions: settings without secrets."""

    def __init__(self, database: Database, redactor: Redactor, facts: Mapping[str, Any] = MappingProxyType({})) -> None:
        super().__init__(logging.ERROR)
        # An alert that is logged as an error would be a new kind of error, which is an alert again.
        self.addFilter(lambda record: record.name != ALERTS)
        self.total = 0  # errors since the start, for the metric `errors`
        self._database = database
        self._redactor = redactor
        self._facts = dict(facts)
        self._pending: dict[str, Seen] = {}
        self._guard = threading.Lock()
        self._listeners: list[Listener] = []
        self._wake: Callable[[], None] = lambda: None
        self._pruned_at = 0.0

    def createLock(self) -> None:  # noqa: N802  # logging's name
        """None: `_guard` is held for less, and never while somebody else's code runs."""
        self.lock = None

    def listen(self, listener: Listener) -> None:
        """Be told, on the event loop, of each error that was written down, at most once a second each: whether it is
        new, was resolved and came back, happened again, or is muted. The listener must not wait."""
        self._listeners.append(listener)

    # ── taking down ───────────────────────────────────────────────────────────────────────────────────────────────

    def emit(self, record: logging.LogRecord) -> None:
        mark = fingerprint_of(record)
        with self._guard:
            self.total += 1
            seen = self._pending.get(mark.id)
            if seen is not None:
                seen.count += 1
                seen.last_at = record.created
                return
            if len(self._pending) >= _PENDING:
                return
        example = self._example(record)
        title = self._title(record)
        new = Seen(mark.id, title, _place(mark, record), 1, record.created, record.created, example)
        with self._guard:
            self._put(new)
        self._wake()

    def _put(self, new: Seen) -> None:
        seen = self._pending.setdefault(new.fingerprint, new)
        if seen is not new:
            seen.count += new.count
            seen.first_at = min(seen.first_at, new.first_at)
            seen.last_at = max(seen.last_at, new.last_at)

    def _title(self, record: logging.LogRecord) -> str:
        if record.exc_info and (error := record.exc_info[1]) is not None:
            error = leaf(error)
            text = f"{type(error).__qualname__}: {said_by(error)}"
        else:
            text = message_of(record)
        first = self._redactor.text(text).strip().partition("\n")[0]
        return first if len(first) <= _TITLE else f"{first[: _TITLE - 1]}…"

    def _example(self, record: logging.LogRecord) -> dict[str, Any]:
        example: dict[str, Any] = {
            "message": message_of(record)[:4_000],
            "level": record.levelname.lower(),
            "logger": record.name,
            "at": f"{datetime.fromtimestamp(record.created, UTC):%Y-%m-%d %H:%M:%S} UTC",
            "ids": dict(bound_ids()),
            "os_thread": record.threadName,  # a thread of Alma's is among the ids
            "process": os.getpid(),
            "versions": {"alma": __version__, "python": platform.python_version(), "system": platform.platform()},
            "settings": self._facts,
        }
        if record.exc_info and (error := record.exc_info[1]) is not None:
            cause = leaf(error)
            example |= {"type": type(cause).__qualname__, "said": said_by(cause)[:4_000]}
            example |= {"traceback": traceback_of(error), "frames": _frames(cause)}
        return self._redactor.value(example)

    # ── writing down ──────────────────────────────────────────────────────────────────────────────────────────────

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncGenerator[None]:
        """Errors are taken down; at the end the last ones are written. A bug that ends the block is one of them."""
        logging.getLogger().addHandler(self)
        try:
            yield
        except Exception as error:
            if (bug := _bug_in(error)) is not None:
                log.critical("a part of Alma ended that should not have", exc_info=bug)
            raise
        finally:
            logging.getLogger().removeHandler(self)
            with contextlib.suppress(TimeoutError, StorageFailure):
                async with asyncio.timeout(_LAST_S):
                    await self.settle()

    async def run(self) -> None:
        """Write down what is new, at most once a second, until cancelled; where the database cannot, less and less."""
        loop, news = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(news.set)

        self._wake = wake
        news.set()
        pause = _EVERY_S
        while True:
            await news.wait()
            news.clear()
            try:
                await self.settle()
                pause = _EVERY_S
            except StorageFailure as error:
                log.warning("errors wait to be written down: %s", error.actual)
                news.set()
                pause = min(pause * 2, _SLOWEST_S)
            await asyncio.sleep(pause)

    async def settle(self) -> None:
        """Raises `StorageFailure`; then what was to be written still waits."""
        with self._guard:
            taken, self._pending = self._pending, {}
        seen = list(taken.values())
        now = time.time()
        if not seen:
            return

        def write(connection: sa.Connection) -> list[News]:
            news = add_to_groups(connection, seen)
            if "new" in news or now - self._pruned_at > _PRUNE_EVERY_S:
                prune(connection, now)
                self._pruned_at = now
            return news

        try:
            news = await self._database.write(write)
        except Exception:  # one who is cancelled here has had it written all the same
            with self._guard:
                newer, self._pending = self._pending, taken
                for one in newer.values():
                    self._put(one)
            raise
        for one, became in zip(seen, news, strict=True):
            self._tell(one, became)

    def _tell(self, seen: Seen, news: News) -> None:
        for listener in self._listeners:
            try:
                listener(seen, news)
            except Exception:  # a bug of the listener's, and one more error
                log.exception("a listener of errors failed")

    # ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def groups(self, state: State | None, limit: int) -> list[Group]:
        """Newest first."""
        return await self._database.read(lambda connection: read_groups(connection, state, limit))

    async def change(self, fingerprint: str, state: State) -> Group | None:
        """None: there is no such group."""
        return await self._database.write(lambda connection: change_state(connection, fingerprint, state))


def _bug_in(error: Exception) -> Exception | None:
    """Without what was refused, which the one who asked is told kindly."""
    if isinstance(error, ExceptionGroup):
        return cast("ExceptionGroup[Exception]", error).split(AlmaError)[1]
    return None if isinstance(error, AlmaError) else error


def _place(mark: Fingerprint, record: logging.LogRecord) -> str:
    return mark.place or record.name


def _frames(error: BaseException) -> list[dict[str, Any]]:
    """The way to the error, outermost first; no values of variables."""
    walked = traceback.StackSummary.extract(traceback.walk_tb(error.__traceback__), lookup_lines=False)
    return [{"file": one.filename, "line": one.lineno, "function": one.name} for one in walked[-_FRAMES:]]
