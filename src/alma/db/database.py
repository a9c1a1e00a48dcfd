"""One database, two ways in: `write` through a single thread that commits in groups, `read` through a small pool.

The writer takes whatever is waiting, runs it in one transaction and commits once, so that durability (SQLite's
`synchronous=FULL`, PostgreSQL's `synchronous_commit`) costs one flush to disk per group and not one per write. When
something in a group raises, the group is rolled back and its members run again one by one, so that only the guilty
one fails: a write must therefore touch nothing but its connection.

Knows no table. The writer's queue is bounded by its callers: each waits for its own write before it makes the next.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, NotSupportedError, ProgrammingError

from alma.db.migrate import upgrade
from alma.errors import AlmaError, StorageFailure

log = logging.getLogger(__name__)
T = TypeVar("T")
P = TypeVar("P")
# Runs a group of payloads in the given transaction and returns one result (or exception) for each.
Handler = Callable[[sa.Connection, Sequence[Any]], Sequence[Any]]
_GROUP = 512  # most writes in one transaction
_READERS = 3
# What the driver refuses because of what we asked; everything else is the database's own trouble, and may pass.
_OURS = (DataError, IntegrityError, ProgrammingError, NotSupportedError)


class Database:
    """`url` is `sqlite:///path` or `postgresql://…`; call `open` before use and `close` after."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        if self.url.drivername == "postgresql":
            self.url = self.url.set(drivername="postgresql+psycopg")
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._engine = _create_engine(self.url)
        self._queue: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._ending = threading.Lock()  # so that nothing is queued behind the end, where nobody would answer it
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="alma-read")
        self._searcher = ThreadPoolExecutor(1, thread_name_prefix="alma-search")
        self._durations: deque[float] | None = None

    def open(self) -> None:
        """Create or migrate the database and start the writer. Raises `DatabaseNewer`, `StorageFailure`."""
        if self.is_sqlite and self.url.database:
            Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
        try:
            with self._engine.connect() as connection, connection.begin():
                upgrade(connection)
        except DBAPIError as error:
            raise _storage_failure(error) from error
        self._thread = threading.Thread(target=self._write_forever, name="alma-write", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Finish what is queued, then close every connection. What is asked for meanwhile raises `StorageFailure`."""
        with self._ending:
            thread, self._thread = self._thread, None
            if thread is not None:
                self._queue.put(None)
        if thread is not None:
            thread.join()
        self._readers.shutdown()
        self._searcher.shutdown()
        self._engine.dispose()

    @property
    def waiting(self) -> int:
        """Writes that wait for the writer, but for those that it is at."""
        return self._queue.qsize()

    def time_writes(self, most: int) -> deque[float]:
        """From now on put down how long each write took, from its queuing to its being durable, in ms: in here, where
        whoever measures takes them away. Of more than `most` that nobody took, the newest."""
        self._durations = deque(maxlen=most)
        return self._durations

    def submit(self, handler: Handler, payload: object) -> asyncio.Future[Any]:
        """Queue `payload` for `handler`, which gets all payloads of one transaction at once. The future resolves after
        the commit. It may be shielded or dropped: the write happens all the same."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        with self._ending:
            if self._thread is None:
                raise _closed()
            self._queue.put(_Write(handler, payload, future, loop))
        return future

    async def write(self, work: Callable[[sa.Connection], T]) -> T:
        """Run `work` in a transaction and return its result once it is durable."""
        return await asyncio.shield(self.begin_write(work))

    def begin_write(self, work: Callable[[sa.Connection], T]) -> asyncio.Future[T]:
        """As `write`, without waiting: see `submit`."""
        return cast("asyncio.Future[T]", self.submit(_call_each, work))

    async def read(self, work: Callable[[sa.Connection], T], *, slow: bool = False) -> T:
        """Run `work` on a reader's connection, in a thread. `slow` reads (searches) wait for each other, not others
        for them."""

        def call() -> T:
            try:
                with self._engine.connect() as connection:
                    return work(connection)
            except DBAPIError as error:
                raise _translated(error) from error

        try:
            reading = asyncio.get_running_loop().run_in_executor(self._searcher if slow else self._readers, call)
        except RuntimeError:
            raise _closed() from None
        return await reading

    def _write_forever(self) -> None:
        closing = False
        with self._engine.connect().execution_options(alma_writer=True) as connection:
            while not closing:
                group: list[_Write] = []
                item = self._queue.get()
                while item is not None:
                    group.append(item)
                    if len(group) == _GROUP:
                        break
                    try:
                        item = self._queue.get_nowait()
                    except queue.Empty:
                        break
                closing = item is None
                if group:
                    self._commit(connection, group)

    def _commit(self, connection: sa.Connection, group: list[_Write]) -> None:
        try:
            transaction = connection.begin()
            try:
                results = _run(connection, group)
            except Exception:
                transaction.rollback()
                raise
        except Exception as error:  # noqa: BLE001  # the connection's boundary: the writer thread must survive anything
            if len(group) > 1:
                for write in group:
                    self._commit(connection, [write])
            else:
                _deliver(group, [_translated(error)])
            return
        try:
            transaction.commit()
        except Exception as error:  # noqa: BLE001  # the same; whether it was written is not known, so no second try here
            with contextlib.suppress(DBAPIError):
                transaction.rollback()
            _roll_back(connection)
            results = [_translated(error)] * len(group)
        if self._durations is not None:
            now = time.perf_counter()
            self._durations.extend((now - write.queued_at) * 1000 for write in group)
        _deliver(group, results)


def _closed() -> StorageFailure:
    return StorageFailure("The database is closed.", hint="Alma is stopping; try again when it runs.")


class _Write:
    __slots__ = ("future", "handler", "loop", "payload", "queued_at")

    def __init__(
        self, handler: Handler, payload: object, future: asyncio.Future[Any], loop: asyncio.AbstractEventLoop
    ) -> None:
        self.handler = handler
        self.payload = payload
        self.future = future
        self.loop = loop
        self.queued_at = time.perf_counter()


def _call_each(connection: sa.Connection, works: Sequence[Callable[[sa.Connection], object]]) -> Sequence[object]:
    """Each in a savepoint of its own, so that one that is refused does not cost the others their group."""
    if len(works) == 1:
        return [works[0](connection)]
    results: list[object] = []
    for work in works:
        try:
            with connection.begin_nested():
                results.append(work(connection))
        except AlmaError as refused:
            results.append(refused)
    return results


def _run(connection: sa.Connection, group: list[_Write]) -> list[Any]:
    """Run the group handler by handler, in the order in which each first appears; results in the group's order."""
    by_handler: dict[Handler, list[int]] = {}
    for index, write in enumerate(group):
        by_handler.setdefault(write.handler, []).append(index)
    results: list[Any] = [None] * len(group)
    for handler, indexes in by_handler.items():
        outcomes = handler(connection, [group[index].payload for index in indexes])
        for index, outcome in zip(indexes, outcomes, strict=True):
            results[index] = outcome
    return results


def _deliver(group: list[_Write], results: list[Any]) -> None:
    """Resolve the futures on their loops: one wake-up per loop and group."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
    for write, result in zip(group, results, strict=True):
        by_loop.setdefault(write.loop, []).append((write.future, result))
    for loop, pairs in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve, pairs)
        except RuntimeError:  # the loop is closed: nobody waits any more, and the write is done
            log.debug("a write outlived its event loop")


def _resolve(pairs: list[tuple[asyncio.Future[Any], Any]]) -> None:
    for future, result in pairs:
        if future.cancelled():
            continue
        if isinstance(result, BaseException):
            future.set_exception(result)
        else:
            future.set_result(result)


def _roll_back(connection: sa.Connection) -> None:
    """End the transaction that a refused COMMIT may have left open, of which SQLAlchemy believes that it is over."""
    try:
        raw = connection.connection.dbapi_connection
        if raw is not None:
            raw.rollback()
    except Exception:  # noqa: BLE001  # the connection's boundary: whatever its driver says, it is of no more use
        connection.invalidate()


def _translated(error: Exception) -> Exception:
    if not isinstance(error, DBAPIError) or isinstance(error, _OURS):
        return error
    failure = _storage_failure(error)
    failure.__cause__ = error
    return failure


def _storage_failure(error: DBAPIError) -> StorageFailure:
    said = str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else type(error.orig).__name__
    return StorageFailure(
        "The database could not do it; nothing was lost that had been acknowledged.",
        expected="a database that can be read and written",
        actual=said[:300],
        hint="Free disk space (or mend the database server); then try again.",
    )


def _create_engine(url: sa.URL) -> sa.Engine:
    if url.get_backend_name() != "sqlite":
        return sa.create_engine(url, pool_size=_READERS + 2, max_overflow=1, pool_pre_ping=True)
    engine = sa.create_engine(url, pool_size=_READERS + 2, max_overflow=1, poolclass=sa.QueuePool)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # SQLAlchemy's `begin` event starts the transactions, see below
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("alma_writer", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def insert_for(connection: sa.Connection) -> Callable[[sa.Table], Any]:
    """The `insert` that knows ON CONFLICT: both dialects have it, each under its own name."""
    return sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
