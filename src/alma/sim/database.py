"""The database of a simulated world: the real one's code on SQLite in memory, with the threads taken out.

Every process has a writer of its own, which gathers what its process submits and commits it in one transaction, some
time later; what was committed is answered some time after that. Between the two a process can die, a disk can be full,
and the answer of a commit can be lost.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, OperationalError

from alma.db.database import Database, Handler
from alma.db.schema import metadata
from alma.errors import StorageFailure
from alma.events import Recorded
from alma.sim.world import SimLoop, World

T = TypeVar("T")
Trouble = Literal["", "refused", "rolled_back", "unanswered"]
_LATENCY_S = 0.004  # most that a commit or a read takes, when nothing is wrong


class _Submissions:
    """Stands where the real writer's queue does: hands what is put to the process's own writer."""

    def __init__(self, put: Callable[[Any], None]) -> None:
        self.put = put


class SimDatabase(Database):
    """Made once and cleared for every seed: tables are dear. `committed` is told of every entry that is durable."""

    def __init__(self) -> None:
        super().__init__("sqlite://")
        self._connection = self._engine.connect().execution_options(alma_writer=True)
        with self._connection.begin():
            metadata.create_all(self._connection)
        self._queue = _Submissions(self._put)  # pyright: ignore[reportAttributeAccessIssue]  # only `put` is used
        self._thread = threading.Thread(name="never started")
        self._world = World(0)
        self._waiting: dict[SimLoop, list[Any]] = {}
        self._written: list[Recorded] = []
        self._others = False  # the transaction also did what is not an append
        self._observers: dict[Handler, Handler] = {}
        # First entries of runs are written by sessions, not by the journal; whoever observes knows which are new.
        self.first_entries: Callable[[sa.Connection], list[Recorded]] = _nothing
        self.committed: Callable[[list[Recorded]], None] = lambda _new: None
        self.trouble: Callable[[], Trouble] = lambda: ""
        self._trouble: Trouble = ""
        event.listen(self._engine, "begin", self._begins)
        event.listen(self._engine, "commit", self._commits)

    def clear(self, world: World) -> None:
        """An empty database for another world."""
        self._world = world
        self._waiting.clear()
        self._trouble = ""
        self.trouble = lambda: ""
        with self._connection.begin():
            for table in metadata.tables.values():
                self._connection.execute(sa.delete(table))

    def now(self, work: Callable[[sa.Connection], T]) -> T:
        """What stands in it this moment; for whoever judges, not for a process."""
        self._trouble = ""
        with self._connection.begin():
            return work(self._connection)

    # ── writing ───────────────────────────────────────────────────────────────────────────────────────────────────

    def submit(self, handler: Handler, payload: object) -> Any:
        observed = self._observers.get(handler)
        if observed is None:
            observed = self._observers[handler] = self._observed(handler)
        return super().submit(observed, payload)

    def _observed(self, handler: Handler) -> Handler:
        def run(connection: sa.Connection, payloads: Sequence[Any]) -> Sequence[Any]:
            results = handler(connection, payloads)
            for result in results:
                if isinstance(result, list):
                    self._written += [one for one in cast("list[object]", result) if isinstance(one, Recorded)]
                elif not isinstance(result, Exception):
                    self._others = True
            return results

        return run

    def _put(self, write: Any) -> None:
        waiting = self._waiting.setdefault(write.loop, [])
        waiting.append(write)
        if len(waiting) == 1:
            self._world.after(self._latency(), self._flush, write.loop)

    def _flush(self, loop: SimLoop) -> None:
        if loop.dead:
            return
        if loop.paused:
            self._world.after(0.05, self._flush, loop)
            return
        group, self._waiting[loop] = self._waiting[loop], []
        if group:
            self._commit(self._connection, group)

    def last_words(self, loop: SimLoop) -> None:
        """The process was killed while its writer was about to commit: it may have been faster."""
        group = self._waiting.pop(loop, [])
        if group and self._world.chance(0.5):
            self._commit(self._connection, group)

    def _commit(self, connection: sa.Connection, group: list[Any]) -> None:
        self._written, self._others = [], False
        self._trouble = self.trouble()
        super()._commit(connection, group)
        self._trouble = ""

    def _begins(self, connection: sa.Connection) -> None:
        self._written, self._others = [], False
        if self._trouble == "refused":
            connection.exec_driver_sql("ROLLBACK")  # it was begun by the hook before this one
            raise _failed("database or disk is full")

    def _commits(self, connection: sa.Connection) -> None:
        if self._trouble == "rolled_back":
            connection.exec_driver_sql("ROLLBACK")
            raise _failed("disk I/O error")
        new, self._written = self._written, []
        if self._others:
            new = [*self.first_entries(connection), *new]
        if new:
            self.committed(new)
        if self._trouble == "unanswered":
            connection.exec_driver_sql("COMMIT")
            raise _failed("the connection was lost while it committed")

    # ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def read(self, work: Callable[[sa.Connection], T], *, slow: bool = False) -> T:
        del slow
        loop = _running()
        future: Any = loop.create_future()
        self._world.after(self._latency(), self._read, loop, work, future)
        return await future

    def _read(self, loop: SimLoop, work: Callable[[sa.Connection], Any], future: Any) -> None:
        if loop.dead:
            return
        result: Any = None
        error: Exception | None = None
        self._trouble = "refused" if self.trouble() == "refused" else ""
        try:
            with self._connection.begin():
                result = work(self._connection)
        except DBAPIError as failed:
            error = StorageFailure("The database could not do it.", actual=str(failed.orig))
        except Exception as failed:  # noqa: BLE001  # it is the reader's, who gets it
            error = failed
        self._trouble = ""
        loop.call_soon_threadsafe(_resolve, future, result, error)

    def _latency(self) -> float:
        draw = self._world.random.random()
        return draw * _LATENCY_S if draw < 0.97 else draw * 0.5


def _nothing(_connection: sa.Connection) -> list[Recorded]:
    return []


def _running() -> SimLoop:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimLoop)
    return loop


def _resolve(future: Any, result: Any, error: Exception | None) -> None:
    if future.cancelled():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)


def _failed(said: str) -> OperationalError:
    return OperationalError(None, None, sqlite3.OperationalError(said))
