"""Answers of models at rest: what is kept of one, and the queries on their tables. Plain functions on a connection.

A row that cannot be read is as good as none: whoever reads it drops it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import numpy as np
import sqlalchemy as sa
from msgspec import Struct

from alma.db.database import insert_for
from alma.db.tables import cache_owners, cached_answers, cached_sources
from alma.model_call import Usage
from alma.models.chat import ToolCall

OVERHEAD = 1024  # bytes that an answer is counted with beside its text: rows, indexes, and what memory knows of it
_VECTOR = 384 * 4
_AT_ONCE = 400  # keys of one statement; SQLite takes some thousands, PostgreSQL more
_WHOLE = "memory:"  # sources that begin so have no versions and no parts, and very many may change at once
_LIKE = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})


class Answer(Struct, frozen=True, omit_defaults=True):
    """A whole answer, with all that giving it again takes. `run_id`: who had it made, `at` (Unix seconds); `ms`,
    `cost`, `usage`: what that took. `pieces`: tokens as they were counted while it streamed. `question`: what was
    asked, where that may be put in other words. `depends`: as in `Caller`."""

    text: str
    finish_reason: str
    run_id: str
    at: float
    reasoning: str = ""
    pieces: int = 0
    tool_calls: tuple[ToolCall, ...] = ()
    usage: Usage | None = None
    model: str = ""
    endpoint: str = ""
    ms: float = 0.0
    cost: float = 0.0
    question: str = ""
    depends: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Bytes that it is counted with: about what it takes on disk and in memory."""
        calls = sum(len(call.arguments) for call in self.tool_calls)
        return OVERHEAD + calls + sum(map(len, (self.text, self.reasoning, self.question, *self.depends)))


class Row(Struct, frozen=True):
    """An answer on its way to the database. `likes`, `vector`: see the table."""

    key: bytes
    owner: str
    answer: Answer
    likes: bytes | None = None
    vector: bytes | None = None

    @property
    def size(self) -> int:
        return self.answer.size + (_VECTOR if self.vector else 0)


class Saved(Struct):
    """What a cache has done: counts, and what making the same answers anew would have taken."""

    hits: int = 0
    misses: int = 0
    saved_tokens: int = 0
    saved_ms: float = 0.0
    saved_cost: float = 0.0

    def __add__(self, other: Saved) -> Saved:
        return Saved(*(one + two for one, two in zip(_values(self), _values(other), strict=True)))

    def __bool__(self) -> bool:
        return any(_values(self))


class Choice(Struct, frozen=True):
    """What an owner chose; None: as the settings say."""

    exact: bool | None = None
    semantic: bool | None = None
    threshold: float | None = None


class Alike(Struct, frozen=True):
    """An answer that may serve for another question. `vector`: float32, length 1."""

    key: bytes
    vector: bytes


def depends_on(source: str, changed: str) -> bool:
    """Whether what goes back to `source` is out of date when `changed` is: itself, a version or a part of it, or the
    whole that it is part of."""
    return source == changed or source.startswith((f"{changed}@", f"{changed}/")) or changed.startswith(f"{source}/")


def depends_on_any(sources: Sequence[str], changed: Sequence[str]) -> bool:
    """Whether one of the sources is out of date when all of `changed` are."""
    if not frozenset(sources).isdisjoint(changed):
        return True
    others = [one for one in changed if not one.startswith(_WHOLE)]
    return any(depends_on(source, one) for source in sources for one in others)


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Answer).decode


# ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────────


def known(connection: sa.Connection) -> dict[bytes, int]:
    """The keys of all answers with their sizes, the least recently used first."""
    query = sa.select(cached_answers.c.key, cached_answers.c.bytes)
    return {bytes(key): size for key, size in connection.execute(query.order_by(cached_answers.c.used_at))}


def owners(connection: sa.Connection) -> dict[str, tuple[Choice, Saved]]:
    found: dict[str, tuple[Choice, Saved]] = {}
    for row in connection.execute(sa.select(cache_owners)):
        saved = Saved(row.hits, row.misses, row.saved_tokens, row.saved_ms, row.saved_cost)
        found[row.owner] = (Choice(row.exact, row.semantic, row.threshold), saved)
    return found


def load(connection: sa.Connection, key: bytes, owner: str) -> Answer:
    """Raises whatever a missing or damaged row leads to: its reader takes that for none."""
    of_key = sa.and_(cached_answers.c.key == key, cached_answers.c.owner == owner)
    return _decode(connection.execute(sa.select(cached_answers.c.data).where(of_key)).scalar_one())


def alike(connection: sa.Connection, likes: bytes, owner: str, most: int) -> list[Alike]:
    """The newest `most` answers to other questions in the same context."""
    columns = sa.select(cached_answers.c.key, cached_answers.c.vector)
    of_likes = sa.and_(cached_answers.c.likes == likes, cached_answers.c.owner == owner)
    query = columns.where(of_likes, cached_answers.c.vector.is_not(None))
    rows = connection.execute(query.order_by(cached_answers.c.made_at.desc()).limit(most))
    return [Alike(bytes(key), bytes(vector)) for key, vector in rows if len(vector) == _VECTOR]


def without_vector(connection: sa.Connection, owner: str, most: int) -> list[bytes]:
    """Keys of answers whose question has no vector yet."""
    lacks = sa.and_(cached_answers.c.likes.is_not(None), cached_answers.c.vector.is_(None))
    query = sa.select(cached_answers.c.key).where(cached_answers.c.owner == owner, lacks)
    return [bytes(key) for key in connection.execute(query.limit(most)).scalars()]


def amount(connection: sa.Connection, owner: str) -> tuple[int, int]:
    """How many answers of an owner are kept, and their bytes."""
    total = sa.func.coalesce(sa.func.sum(cached_answers.c.bytes), 0)
    query = sa.select(sa.func.count(), total).where(cached_answers.c.owner == owner)
    count, size = connection.execute(query).one()
    return int(count), int(size)


# ── writing ───────────────────────────────────────────────────────────────────────────────────────────────────────


def put(connection: sa.Connection, rows: Sequence[Row]) -> None:
    """Keep answers, each in place of the one that had its key."""
    if not rows:
        return
    drop(connection, [row.key for row in rows])
    connection.execute(
        sa.insert(cached_answers),
        [
            {
                "key": row.key,
                "owner": row.owner,
                "run_id": row.answer.run_id,
                "likes": row.likes,
                "vector": row.vector,
                "bytes": row.size,
                "made_at": row.answer.at,
                "used_at": row.answer.at,
                "data": _encode(row.answer).decode(),
            }
            for row in rows
        ],
    )
    sources = [{"source": source, "key": row.key} for row in rows for source in dict.fromkeys(row.answer.depends)]
    if sources:
        connection.execute(sa.insert(cached_sources), sources)


def put_vector(connection: sa.Connection, key: bytes, vector: bytes) -> None:
    values = {"vector": vector, "bytes": cached_answers.c.bytes + _VECTOR}
    connection.execute(sa.update(cached_answers).where(cached_answers.c.key == key).values(values))


def touch(connection: sa.Connection, used: dict[bytes, float]) -> None:
    """Note when answers were last given."""
    if used:
        statement = sa.update(cached_answers).where(cached_answers.c.key == sa.bindparam("of"))
        connection.execute(
            statement.values(used_at=sa.bindparam("at")), [{"of": key, "at": at} for key, at in used.items()]
        )


def drop(connection: sa.Connection, keys: Iterable[bytes]) -> None:
    left = list(keys)
    for start in range(0, len(left), _AT_ONCE):
        some = left[start : start + _AT_ONCE]
        connection.execute(sa.delete(cached_sources).where(cached_sources.c.key.in_(some)))
        connection.execute(sa.delete(cached_answers).where(cached_answers.c.key.in_(some)))


def drop_expired(connection: sa.Connection, before: float) -> list[bytes]:
    query = sa.select(cached_answers.c.key).where(cached_answers.c.made_at <= before)
    keys = [bytes(key) for key in connection.execute(query).scalars()]
    drop(connection, keys)
    return keys


def drop_of_owner(connection: sa.Connection, owner: str) -> list[bytes]:
    query = sa.select(cached_answers.c.key).where(cached_answers.c.owner == owner)
    keys = [bytes(key) for key in connection.execute(query).scalars()]
    drop(connection, keys)
    return keys


def drop_of_runs(connection: sa.Connection, run_ids: Sequence[str]) -> list[bytes]:
    """Drop the answers that these runs had made."""
    keys: list[bytes] = []
    for start in range(0, len(run_ids), _AT_ONCE):
        some = cached_answers.c.run_id.in_(run_ids[start : start + _AT_ONCE])
        keys += [bytes(key) for key in connection.execute(sa.select(cached_answers.c.key).where(some)).scalars()]
    drop(connection, keys)
    return keys


def drop_dependent(connection: sa.Connection, changed: Sequence[str]) -> list[bytes]:
    """Drop what `depends_on` says is out of date."""
    source = cached_sources.c.source
    whole = sorted({one for name in changed for one in (name, *_wholes(name))})
    found = [source.in_(whole[at : at + _AT_ONCE]) for at in range(0, len(whole), _AT_ONCE)]
    for name in changed:
        if not name.startswith(_WHOLE):
            escaped = name.translate(_LIKE)
            found += [source.like(f"{escaped}@%", escape="\\"), source.like(f"{escaped}/%", escape="\\")]
    keys: dict[bytes, None] = {}
    for clause in found:
        query = sa.select(cached_sources.c.key).where(clause).distinct()
        keys |= {bytes(key): None for key in connection.execute(query).scalars()}
    drop(connection, list(keys))
    return list(keys)


def _wholes(source: str) -> list[str]:
    return [source[:at] for at, letter in enumerate(source) if letter == "/"]


def choose(connection: sa.Connection, owner: str, choice: Choice) -> None:
    values = {"exact": choice.exact, "semantic": choice.semantic, "threshold": choice.threshold}
    statement = insert_for(connection)(cache_owners).values(owner=owner, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["owner"], set_=values))


def count(connection: sa.Connection, owner: str, saved: Saved) -> None:
    """Add to what the cache has saved an owner in all."""
    values: dict[str, float] = dict(zip(saved.__struct_fields__, _values(saved), strict=True))
    statement = insert_for(connection)(cache_owners).values(owner=owner, **values)
    added = {name: cache_owners.c[name] + value for name, value in values.items()}
    connection.execute(statement.on_conflict_do_update(index_elements=["owner"], set_=added))


def vector_of(numbers: Sequence[float]) -> bytes:
    return np.asarray(numbers, np.float32).tobytes()


def _values(saved: Saved) -> tuple[Any, ...]:
    return tuple(getattr(saved, name) for name in saved.__struct_fields__)
