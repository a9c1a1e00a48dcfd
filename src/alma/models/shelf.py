"""The shelf: answers within a bound of bytes, the most recent ones in memory, all of them in the database.

Which keys there are is known in memory, so that looking for one that is not there costs nothing. Writing waits for no
answer and no answer for it: what is new, used, dropped and counted gathers for a moment and goes into one transaction.
What a crash takes from that moment is made anew when it is asked for. One process uses the tables at a time.
"""

from __future__ import annotations

import asyncio
import logging
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, NoResultFound

from alma.asked import Asked
from alma.db.database import Database
from alma.errors import StorageFailure
from alma.models import answers
from alma.models.answers import Alike, Answer, Choice, Row, Saved, depends_on_any

log = logging.getLogger(__name__)
MEMORY_BYTES = 8 << 20  # of answers that are given without a look into the database
_LINGER = 0.5  # seconds in which what is to be written gathers
_PAUSE = 10.0  # seconds before a database that could not be written is tried again
_MOST_PENDING = 512  # answers that wait to be written; while the database cannot, the oldest are given up
_DAMAGED = (msgspec.MsgspecError, zlib.error, NoResultFound, DBAPIError, ValueError)


class Shelf:
    """`ttl_s`: how long an answer is good for; `max_bytes`: of all together. `clock` gives Unix seconds."""

    def __init__(
        self,
        database: Database,
        *,
        ttl_s: float,
        max_bytes: int,
        memory_bytes: int = MEMORY_BYTES,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.max_bytes = max_bytes
        self._database = database
        self._ttl_s = ttl_s
        self.memory_bytes = memory_bytes
        self.asked = Asked()  # of what is in memory
        self._clock = clock
        self._known: OrderedDict[bytes, int] = OrderedDict()  # by use, with sizes
        self._size = 0
        self._recent: OrderedDict[bytes, Row] = OrderedDict()
        self._recent_size = 0
        self._pending: dict[bytes, Row] = {}
        self._dropped: set[bytes] = set()
        self._used: dict[bytes, float] = {}
        self._counted: dict[str, Saved] = {}
        self._changing: list[str] = []  # sources whose answers are being dropped right now
        self._dirty = asyncio.Event()
        self._writing = asyncio.Lock()

    async def open(self) -> dict[str, tuple[Choice, Saved]]:
        """Learn what there is, give up what is too old, and return what owners chose and saved."""
        before = self._clock() - self._ttl_s
        await self._database.write(lambda connection: answers.drop_expired(connection, before))
        found, owners = await self._database.read(lambda c: (answers.known(c), answers.owners(c)))
        self._known = OrderedDict({**found, **self._known})
        self._size = sum(self._known.values())
        self._make_room()
        return owners

    async def run(self) -> None:
        """Write what gathers, until cancelled; then what is left."""
        try:
            while True:
                await self._dirty.wait()
                await asyncio.sleep(_LINGER)
                try:
                    await self.flush()
                except StorageFailure as error:
                    log.warning("answers cannot be kept for reuse: %s", error.actual)
                    await asyncio.sleep(_PAUSE)
        finally:
            await asyncio.shield(self._last_flush())

    # ── looking ───────────────────────────────────────────────────────────────────────────────────────────────────

    def get(self, key: bytes) -> Answer | None:
        """An answer that is in memory and not too old."""
        row = self._recent.get(key) or self._pending.get(key)
        if row is None:
            return None
        if not self._good(row.answer):
            self.drop([key])
            return None
        self.asked.hits += 1
        self._use(key)
        self._remember(row)
        return row.answer

    @property
    def in_memory(self) -> int:
        """Bytes."""
        return self._recent_size

    def has(self, key: bytes) -> bool:
        """Whether `load` may find it."""
        return key in self._known

    async def load(self, key: bytes, owner: str) -> Answer | None:
        """An answer from memory or the database. One that is damaged, too old, or of something that has changed, is
        dropped."""
        if (there := self.get(key)) is not None or key not in self._known:
            return there
        try:
            answer = await self._database.read(lambda connection: answers.load(connection, key, owner))
        except StorageFailure:
            return None
        except _DAMAGED as error:
            log.warning("a kept answer cannot be read and is dropped: %s", type(error).__name__)
            self.drop([key])
            return None
        if key not in self._known:  # dropped meanwhile
            return None
        self.asked.missed(key)
        if not self._good(answer):
            self.drop([key])
            return None
        self._use(key)
        self._remember(Row(key, owner, answer))
        return answer

    async def alike(self, likes: bytes, owner: str, most: int) -> list[Alike]:
        """Answers to other questions in the same context, the newest first."""
        try:
            found = await self._database.read(lambda connection: answers.alike(connection, likes, owner, most))
        except StorageFailure:
            found = []
        waiting = [Alike(row.key, row.vector) for row in self._pending.values() if row.likes == likes and row.vector]
        return [one for one in (*reversed(waiting), *found) if one.key in self._known][:most]

    def _good(self, answer: Answer) -> bool:
        changed = depends_on_any(answer.depends, self._changing)
        return not changed and self._clock() - answer.at < self._ttl_s

    def _use(self, key: bytes) -> None:
        self._known.move_to_end(key)
        self._used[key] = self._clock()
        self._dirty.set()

    def _remember(self, row: Row) -> None:
        before = self._recent.pop(row.key, None)
        self._recent[row.key] = row
        self._recent_size += row.size - (before.size if before is not None else 0)
        while self._recent_size > self.memory_bytes:
            key, gone = self._recent.popitem(last=False)
            self._recent_size -= gone.size
            self.asked.let_go(key)

    # ── changing ──────────────────────────────────────────────────────────────────────────────────────────────────

    def put(self, row: Row) -> None:
        """Keep an answer; it is durable some time later. What was not used for longest makes room."""
        self.drop([row.key])
        if row.size > self.max_bytes:
            return
        if len(self._pending) >= _MOST_PENDING:
            self.drop([next(iter(self._pending))])
        self._dropped.discard(row.key)
        self._known[row.key] = row.size
        self._size += row.size
        self._pending[row.key] = row
        self._remember(row)
        self._make_room()
        self._dirty.set()

    def drop(self, keys: Iterable[bytes]) -> None:
        """Never give these again."""
        for key in keys:
            if self._forget(key):
                self._dropped.add(key)
                self._dirty.set()

    def count(self, owner: str, saved: Saved) -> None:
        """To be added to what the database says of an owner."""
        self._counted[owner] = self._counted.get(owner, Saved()) + saved
        self._dirty.set()

    async def drop_dependent(self, changed: Sequence[str]) -> None:
        """Drop what goes back to any of `changed`. While that lasts, nothing of it is given either."""
        self._changing += changed
        try:
            self.drop(self._in_memory(lambda row: depends_on_any(row.answer.depends, changed)))
            self._gone(await self._database.write(lambda connection: answers.drop_dependent(connection, changed)))
        finally:
            for one in changed:
                self._changing.remove(one)

    async def drop_of_owner(self, owner: str) -> None:
        self.drop(self._in_memory(lambda row: row.owner == owner))
        self._gone(await self._database.write(lambda connection: answers.drop_of_owner(connection, owner)))

    async def drop_of_runs(self, run_ids: Collection[str]) -> None:
        """Drop the answers that these runs had made."""
        self.drop(self._in_memory(lambda row: row.answer.run_id in run_ids))
        self._gone(await self._database.write(lambda connection: answers.drop_of_runs(connection, list(run_ids))))

    def _in_memory(self, which: Callable[[Row], bool]) -> list[bytes]:
        rows = {**self._recent, **self._pending}
        return [key for key, row in rows.items() if which(row)]

    def _gone(self, keys: Iterable[bytes]) -> None:
        for key in keys:
            self._forget(key)

    def _forget(self, key: bytes) -> bool:
        size = self._known.pop(key, None)
        if size is None:
            return False
        self._size -= size
        self._pending.pop(key, None)
        self._used.pop(key, None)
        if (row := self._recent.pop(key, None)) is not None:
            self._recent_size -= row.size
        return True

    def _make_room(self) -> None:
        while self._size > self.max_bytes:
            self.drop([next(iter(self._known))])

    # ── writing ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def flush(self) -> None:
        """Write what has gathered. Raises `StorageFailure`, and then keeps it for the next time."""
        async with self._writing:
            self._dirty.clear()
            rows, used, dropped = dict(self._pending), dict(self._used), set(self._dropped)
            counted, self._counted = self._counted, {}

            def write(connection: sa.Connection) -> None:
                answers.drop(connection, dropped)
                answers.put(connection, list(rows.values()))
                answers.touch(connection, used)
                for owner, saved in counted.items():
                    answers.count(connection, owner, saved)

            try:
                if rows or used or dropped or counted:
                    await self._database.write(write)
            except StorageFailure:
                for owner, saved in counted.items():
                    self.count(owner, saved)
                raise
            except _DAMAGED:
                log.exception("answers that the database refuses are not kept for reuse")
                self._gone(rows)
            self._dropped -= dropped
            for key, row in rows.items():
                if self._pending.get(key) is row:
                    del self._pending[key]
            for key, at in used.items():
                if self._used.get(key) == at:
                    del self._used[key]

    async def _last_flush(self) -> None:
        try:
            await self.flush()
        except StorageFailure as error:
            log.warning("the last answers could not be kept for reuse: %s", error.actual)

    async def lacking(self, owner: str, most: int) -> list[tuple[bytes, str]]:
        """Keys and questions of answers whose question has no vector yet."""
        await self.flush()
        keys = await self._database.read(lambda connection: answers.without_vector(connection, owner, most))
        found = [(key, await self.load(key, owner)) for key in keys]
        return [(key, answer.question) for key, answer in found if answer is not None]

    async def add_vector(self, key: bytes, vector: bytes) -> None:
        """The vector of an answer's question, which it was kept without."""
        await self._database.write(lambda connection: answers.put_vector(connection, key, vector))
