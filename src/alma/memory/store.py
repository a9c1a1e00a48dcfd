"""Memories as rows: reading them under the access rule, and writing them with their words, vectors and history."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import sqlalchemy as sa

from alma.db.tables import memories, memory_history, memory_uses, memory_vectors
from alma.errors import InvalidRequest, NotFound
from alma.memory.access import matches, readable, visible
from alma.memory.embedding import Vector
from alma.memory.merging import hash_of
from alma.memory.records import Change, Filter, Memory, Reader, Source
from alma.memory.statements import ask, rule_of
from alma.memory.words import drop_words, keep_words

SLICE = 500  # numbers in one statement
AT_ONCE = 128  # memories changed in one transaction: other writers come in between
_LOCK = 0x616C6D61  # PostgreSQL's advisory lock of who writes memories
_FIELDS = [field for field in Memory.__struct_fields__ if field != "source"]
_COLUMNS = [*(memories.c[name] for name in _FIELDS), memories.c.source]
NAMED = ", ".join(map(str, _COLUMNS))  # what `memory_of` needs of a row
_NUMBERED = f"SELECT {NAMED} FROM memories WHERE num {{among}} AND {{rule}} IS TRUE"
_SOURCES = msgspec.json.Decoder(Source)
_ENCODER = msgspec.json.Encoder()
Row = Sequence[Any]


def new_memory_id() -> str:
    """Sorts by the time it was made: 11 hex digits of milliseconds and 8 random ones."""
    return f"m_{time.time_ns() // 1_000_000:011x}{secrets.token_hex(4)}"


def memory_of(row: Row) -> Memory:
    """Of a row that `select_memories` or `by_nums` asked for."""
    values = dict(zip(_FIELDS, row, strict=False))
    values["pinned"] = bool(values["pinned"])
    source = row[len(_FIELDS)]
    return Memory(**values, source=Source() if source == "{}" else _SOURCES.decode(source))


def select_memories(*clauses: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return sa.select(*_COLUMNS).where(*clauses)


# ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────────


def by_nums(connection: sa.Connection, nums: Sequence[int], reader: Reader, wanted: Filter) -> dict[int, Memory]:
    """Those of these numbers that the reader may read and the filter lets through."""
    rule = rule_of(connection.dialect.name, reader, wanted)
    rows = ask(connection, _NUMBERED, {}, rule, nums) if nums else []
    return {memory.num: memory for memory in map(memory_of, rows)}


def by_id(connection: sa.Connection, reader: Reader, memory_id: str) -> Memory:
    """In any state. Raises `NotFound` also for what the reader may not know of."""
    row = None
    if len(memory_id) <= 64 and memory_id.isascii() and "\0" not in memory_id:
        row = connection.execute(select_memories(memories.c.id == memory_id, readable(reader))).first()
    if row is None:
        raise NotFound(
            "unknown_memory",
            "There is no such memory.",
            expected="the id of a memory",
            actual=ascii(memory_id[:64]),
            hint="It may have been deleted for good.",
        )
    return memory_of(row)


def page(
    connection: sa.Connection, reader: Reader, wanted: Filter, limit: int, before: str
) -> tuple[list[Memory], int, str | None]:
    """See `Memories.list`."""
    clause = visible(reader, wanted)
    row = memories.c
    asked = select_memories(clause).order_by(row.created_at.desc(), row.num.desc()).limit(limit + 1)
    if before:
        asked = asked.where(sa.tuple_(row.created_at, row.num) < sa.tuple_(*_place(before)))
    found = [memory_of(one) for one in connection.execute(asked)]
    total = connection.execute(sa.select(sa.func.count()).select_from(memories).where(clause)).scalar_one()
    more = f"{found[limit - 1].created_at!r}~{found[limit - 1].num}" if len(found) > limit else None
    return found[:limit], total, more


def _place(before: str) -> tuple[sa.ColumnElement[float], sa.ColumnElement[int]]:
    try:
        at, num = before.split("~")
        return sa.literal(float(at), sa.Double), sa.literal(min(int(num), 2**63 - 1), sa.BigInteger)
    except ValueError:
        raise InvalidRequest(
            "bad_cursor",
            "The list cannot go on from there.",
            expected="what the page before gave as `next`",
            actual=ascii(before[:64]),
        ) from None


def neighbours(connection: sa.Connection, reader: Reader, memory: Memory, span: int) -> list[Memory]:
    """See `Memories.around`."""
    if not memory.line:
        return []
    row = memories.c
    near = row.position.between(memory.position - span, memory.position + span)
    asked = select_memories(row.line == memory.line, near, row.num != memory.num, readable(reader), matches(Filter()))
    return [memory_of(one) for one in connection.execute(asked.order_by(row.position, row.num))]


# ── writing ───────────────────────────────────────────────────────────────────────────────────────────────────────


class Pen:
    """What writes memories in one transaction. `changes`: what it wrote, in order; `vectors`: of those that have one;
    `gone`: the numbers of those that are purged.

    New rows are gathered and written together, at the latest when somebody asks for the `connection`.

    On PostgreSQL only one writes at a time, whichever process it is in: so what is looked up before a write still
    holds when it is written.
    """

    def __init__(self, connection: sa.Connection, now: float, by: str, model: str) -> None:
        if connection.dialect.name != "sqlite":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        newest = connection.exec_driver_sql("SELECT max(stamp) FROM memories").scalar()
        # a time, so that no stamp comes again when the newest memory is purged
        self._stamp = max(newest or 0, time.time_ns() // 1000)
        self._connection = connection
        self._nums: list[int] = []
        self._rows: list[dict[str, Any]] = []
        self._vectors: list[dict[str, Any]] = []
        self._history: list[dict[str, Any]] = []
        self.now = now
        self.by = by
        self.model = model
        self.changes: list[Change] = []
        self.vectors: dict[int, Vector] = {}
        self.gone: list[int] = []

    @property
    def connection(self) -> sa.Connection:
        """With all that was written so far."""
        self.flush()
        return self._connection

    def flush(self) -> None:
        if self._rows:
            self._connection.execute(memories.insert(), self._rows)
            keep_words(self._connection, [(row["num"], row["text"]) for row in self._rows])
            self._rows = []
        if self._vectors:
            self._connection.execute(memory_vectors.insert(), self._vectors)
            self._vectors = []
        if self._history:
            self._connection.execute(memory_history.insert(), self._history)
            self._history = []

    def reserve(self, count: int) -> None:
        """Numbers for so many new ones."""
        if self._connection.dialect.name == "sqlite":
            last = self._connection.exec_driver_sql("SELECT seq FROM sqlite_sequence WHERE name = 'memories'").scalar()
            first = max([last or 0, *self._nums, *(row["num"] for row in self._rows)]) + 1
            self._nums += range(first, first + count)
        else:
            series = "SELECT nextval(pg_get_serial_sequence('memories', 'num')) FROM generate_series(1, :count)"
            self._nums += self._connection.execute(sa.text(series), {"count": count}).scalars()
        self._nums.sort(reverse=True)

    def insert(self, fields: dict[str, Any], source: Source, vector: Vector | None) -> Memory:
        """A new row. `fields`: those of `Memory`, without `num` and `source`."""
        if not self._nums:
            self.reserve(1)
        self._stamp += 1
        memory = Memory(num=self._nums.pop(), source=source, **fields)
        row = {name: getattr(memory, name) for name in _FIELDS}
        self._rows.append(row | _source_columns(source) | {"hash": hash_of(memory.text), "stamp": self._stamp})
        self._keep_vector(memory.num, vector)
        self._note(memory, "added", {})
        return memory

    def change(
        self, memory: Memory, what: str, fields: dict[str, Any], *, before: dict[str, Any] | None = None
    ) -> Memory:
        """`fields` may have a `source`. `before`: what the history says; by itself, the changed fields as they were."""
        self._stamp += 1
        was = {name: getattr(memory, name) for name in fields}
        changed = msgspec.structs.replace(memory, **fields, version=memory.version + 1)
        row = fields | {"version": changed.version, "stamp": self._stamp}
        if "source" in fields:
            row |= _source_columns(changed.source)
        if "text" in fields:
            row["hash"] = hash_of(changed.text)
            drop_words(self.connection, [memory.num])
            keep_words(self._connection, [(memory.num, changed.text)])
        self.connection.execute(memories.update().where(memories.c.num == memory.num), row)
        self._note(changed, what, was if before is None else before)
        return changed

    def replace_vector(self, num: int, vector: Vector | None) -> None:
        """The text is another: what was made of the old one goes."""
        self.connection.execute(memory_vectors.delete().where(memory_vectors.c.num == num))
        self._keep_vector(num, vector)

    def look_up_vectors(self) -> None:
        """At the end: of what has changed and is alive, those that were there before."""
        changed = {change.memory.num: change.memory for change in self.changes if change.memory is not None}
        wanting = [num for num, memory in changed.items() if memory.alive and num not in self.vectors]
        if wanting:
            self.vectors |= stored_vectors(self.connection, wanting, self.model)

    def purge(self, gone: Sequence[Memory]) -> None:
        nums = [memory.num for memory in gone]
        for at in range(0, len(nums), SLICE):
            some = nums[at : at + SLICE]
            drop_words(self.connection, some)
            for table in (memory_vectors, memory_history, memory_uses, memories):
                self.connection.execute(table.delete().where(table.c.num.in_(some)))
        self.gone += nums
        self.changes += [Change("purged", memory.owner, memory.id, None, self.by) for memory in gone]

    def _keep_vector(self, num: int, vector: Vector | None) -> None:
        if vector is None:
            return
        self._vectors.append({"model": self.model, "num": num, "vector": vector.astype("<f2").tobytes()})
        self.vectors[num] = vector

    def _note(self, memory: Memory, what: Any, before: dict[str, Any]) -> None:
        row = {"num": memory.num, "version": memory.version, "at": self.now, "what": what, "by": self.by}
        self._history.append(row | {"before": _ENCODER.encode(before).decode()})
        self.changes.append(Change(what, memory.owner, memory.id, memory, self.by))


def _source_columns(source: Source) -> dict[str, str]:
    return {
        "source": _ENCODER.encode(source).decode(),
        "thread_id": source.thread_id,
        "run_id": source.run_id,
        "message_id": source.message_id,
        "document_id": source.document_id,
    }


def stored_vectors(connection: sa.Connection, nums: Sequence[int], model: str) -> dict[int, Vector]:
    """Of these memories, those that there are of this model."""
    if not nums:
        return {}
    asked = "SELECT num, vector FROM memory_vectors WHERE model = :model AND num {among}"
    return {num: vector_of(stored) for num, stored in ask(connection, asked, {"model": model}, nums=nums)}


def vector_of(stored: bytes) -> Vector:
    return np.frombuffer(stored, "<f2").astype(np.float32)
