"""Passes of refinement as they are kept: each act with what it changed and why, so that each can be taken back.

An act is one transaction: what it changes, and that it did. So a crash leaves whole acts, and a pass of as many as were
done. Undoing gives each field back that is still as the act left it; what somebody changed since stays as they did.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from msgspec import Struct
from msgspec.structs import replace

from alma.db.learning_tables import refinement_passes
from alma.db.tables import memories, memory_history
from alma.errors import Conflict, InvalidRequest, NotFound
from alma.memory.adding import Arrival, admit, keep_all, key_holders
from alma.memory.merging import hash_of
from alma.memory.records import Memory, NewMemory
from alma.memory.refinement import Act, ActKind
from alma.memory.store import Pen, memory_of, select_memories

MOST_ACTS = 200  # of one pass
By = Literal["idle", "asked", "owner"]
_ROW = refinement_passes.c


class Changed(Struct, frozen=True, omit_defaults=True):
    """What became of a memory: the fields that changed, as they are since. How they were is in its history, in
    `version`, and goes with it when it is purged: a pass has no words of anybody. `added`: it is new."""

    id: str
    version: int
    after: dict[str, Any] = {}
    added: bool = False


class Done(Struct, frozen=True):
    """An act that was done, the `n`th of its pass, from 1. `memories`: ids of those it is about. `undone_at`: it was
    taken back; `left`: ids of memories that stayed as somebody had changed them since."""

    n: int
    what: ActKind
    why: str
    memories: list[str]
    changed: list[Changed]
    at: float
    undone_at: float | None = None
    left: list[str] = []


class Pass(Struct, frozen=True):
    """`by`: `idle`, `asked` or `owner` (who settled a contradiction by hand); `more`: there was more to do than one
    pass does. Without an `id`: nothing was done, so nothing is kept."""

    id: str
    owner: str
    at: float
    by: By
    ms: float = 0.0
    undone_at: float | None = None
    acts: list[Done] = []
    more: bool = False


class _Data(Struct, frozen=True):
    by: By
    acts: list[Done]
    more: bool = False


_DATA = msgspec.json.Decoder(_Data)
_ENCODER = msgspec.json.Encoder()


def new_pass_id() -> str:
    return f"p_{time.time_ns() // 1_000_000:011x}{secrets.token_hex(4)}"


def author_of(pass_id: str) -> str:
    """As the history of a memory names who did it."""
    return f"refinement:{pass_id}"


# ── doing ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def perform(pen: Pen, one: Pass, act: Act) -> Done | None:
    """In a transaction. None: nothing is done, since a memory changed meanwhile, or what it would keep is known."""
    changed: list[Changed] = []
    seen = {memory.id: memory for memory in act.memories}
    now = _by_ids(pen.connection, one.owner, list(seen))
    if any(found is None or found.version != seen[id_].version for id_, found in now.items()):
        return None
    if act.new and is_known(pen.connection, act, one.owner, one.id):
        return None
    for step in act.steps:
        memory = now[step.id]
        assert memory is not None
        changed.append(Changed(step.id, pen.change(memory, step.what, step.fields).version, step.fields))
    changed += _keep(pen, act.new)
    if not changed:
        return None
    stored = _stored(pen.connection, one.owner, one.id)
    n = len(stored.acts) + 1 if stored is not None else 1
    done = Done(n, act.what, act.why, [*seen], changed, pen.now)
    if stored is None:
        data = _Data(one.by, [done])
        row = {"id": one.id, "owner": one.owner, "at": one.at, "ms": 0.0, "data": _text(data)}
        pen.connection.execute(refinement_passes.insert(), [row])
    else:
        _write(pen.connection, one.id, _Data(one.by, [*stored.acts, done]))
        if all(before.undone_at is not None for before in stored.acts):  # it was taken back while it went on
            pen.connection.execute(refinement_passes.update().where(_ROW.id == one.id).values(undone_at=None))
    return done


def _keep(pen: Pen, new: Sequence[NewMemory]) -> list[Changed]:
    """What is the same is one memory that counts several times."""
    arrivals = [Arrival(clean, hash_of(clean.text)) for clean in (admit(one, pen.now) for one in new)]
    kept = {added.memory.id: added.memory for added in keep_all(pen, arrivals)} if arrivals else {}
    return [Changed(memory.id, memory.version, added=True) for memory in kept.values()]


def is_known(connection: sa.Connection, act: Act, owner: str, pass_id: str = "") -> bool:
    """Something of what it would keep, or about the same, is or once was there, or was made of the same memories by
    another pass: what was forgotten, or deleted for good, stays so."""
    row = memories.c
    hashes = [hash_of(one.text) for one in act.new]
    keys = [one.key for one in act.new if one.key]
    same = row.kind.in_(("semantic", "procedural")) & row.hash.in_(hashes)
    asked = sa.select(row.num).where(row.owner == owner, same | row.key.in_(keys)).limit(1)
    if connection.execute(asked).first() is not None:
        return True
    of = {memory.id for memory in act.memories}
    others = sa.select(_ROW.data).where(_ROW.owner == owner, _ROW.id != pass_id)
    earlier = (done for data in connection.execute(others).scalars() for done in _DATA.decode(data).acts)
    added = (done for done in earlier if done.what == act.what and any(one.added for one in done.changed))
    return any(of <= {*done.memories} for done in added)


def close(connection: sa.Connection, one: Pass, ms: float, more: bool) -> None:
    """How long it took, and whether there is more."""
    stored = _stored(connection, one.owner, one.id)
    if stored is not None:
        data = _Data(stored.by, stored.acts, more)
        changed = refinement_passes.update().where(_ROW.id == one.id)
        connection.execute(changed.values(ms=ms, data=_text(data)))


# ── taking back ───────────────────────────────────────────────────────────────────────────────────────────────────


def undo(pen: Pen, owner: str, pass_id: str, n: int) -> Done:
    """In a transaction. Raises `NotFound`, `Conflict` (already_undone)."""
    one = read(pen.connection, owner, pass_id)
    done = act_of(one, n)
    if done.undone_at is not None:
        raise Conflict(
            "already_undone",
            "This was taken back before.",
            expected="an act that is not undone",
            actual=f"act {n} of {pass_id}",
        )
    now = _by_ids(pen.connection, owner, [change.id for change in done.changed])
    left = [change.id for change in reversed(done.changed) if not _take_back(pen, now[change.id], change)]
    undone = replace(done, undone_at=pen.now, left=left)
    acts = [undone if act.n == n else act for act in one.acts]
    _write(pen.connection, pass_id, _Data(one.by, acts, one.more))
    if all(act.undone_at is not None for act in acts):
        pen.connection.execute(refinement_passes.update().where(_ROW.id == pass_id).values(undone_at=pen.now))
    return undone


def _take_back(pen: Pen, memory: Memory | None, change: Changed) -> bool:
    """False: not all of it, since somebody changed it meanwhile."""
    if memory is None:
        return False
    if change.added:
        if memory.forgotten_at is not None:
            return True
        if memory.version != change.version:
            return False
        pen.change(memory, "forgotten", {"forgotten_at": pen.now})
        return True
    before = _before(pen.connection, memory.num, change.version)
    fields = {name: before[name] for name in change.after if name in before}
    fields = {name: value for name, value in fields.items() if getattr(memory, name) == change.after[name]}
    whole = len(fields) == len(change.after)
    if "valid_to" in change.after and not whole:
        return False
    as_before = replace(memory, **fields)
    if {"valid_to", "key"} & change.after.keys() and as_before.holds and _is_taken(pen, as_before):
        return False  # the place that it would have again is another's by now
    if fields:
        pen.change(memory, "restored", fields)
    return whole


def _before(connection: sa.Connection, num: int, version: int) -> dict[str, Any]:
    entry = memory_history.c
    asked = sa.select(entry.before).where(entry.num == num, entry.version == version)
    found = connection.execute(asked).scalar()
    return {} if found is None else msgspec.json.decode(found, type=dict[str, Any])


def _is_taken(pen: Pen, memory: Memory) -> bool:
    return bool(memory.key) and any(holder.num != memory.num for holder in key_holders(pen, memory))


# ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────────


def read(connection: sa.Connection, owner: str, pass_id: str) -> Pass:
    """Raises `NotFound`, also for another owner's."""
    found = connection.execute(sa.select(refinement_passes).where(_ROW.id == pass_id, _ROW.owner == owner)).first()
    if found is None:
        raise NotFound(
            "unknown_pass",
            "There is no such pass of refinement.",
            expected="an id as the list of passes has it",
            actual=ascii(pass_id[:64]),
        )
    return _pass_of(found)


def act_of(one: Pass, n: int) -> Done:
    """Raises `NotFound`."""
    for done in one.acts:
        if done.n == n:
            return done
    raise NotFound(
        "unknown_act",
        "The pass has no such act.",
        expected=f"a number from 1 to {len(one.acts)}",
        actual=str(n),
    )


def page(connection: sa.Connection, owner: str, limit: int, before: str) -> tuple[list[Pass], str | None]:
    """The newest first, and what to give as `before` for the next page."""
    asked = sa.select(refinement_passes).where(_ROW.owner == owner).order_by(_ROW.at.desc(), _ROW.id.desc())
    if before:
        asked = asked.where(sa.tuple_(_ROW.at, _ROW.id) < sa.tuple_(*_place(before)))
    found = [_pass_of(row) for row in connection.execute(asked.limit(limit + 1))]
    return found[:limit], f"{found[limit - 1].at!r}~{found[limit - 1].id}" if len(found) > limit else None


def _place(before: str) -> tuple[sa.ColumnElement[float], sa.ColumnElement[str]]:
    at, _, pass_id = before.partition("~")
    try:
        return sa.literal(float(at), sa.Double), sa.literal(pass_id, sa.Text)
    except ValueError:
        raise InvalidRequest(
            "bad_cursor",
            "The list cannot go on from there.",
            expected="what the page before gave as `next`",
            actual=ascii(before[:64]),
        ) from None


def _pass_of(row: Any) -> Pass:
    data = _DATA.decode(row.data)
    return Pass(row.id, row.owner, row.at, data.by, row.ms, row.undone_at, data.acts, data.more)


def _stored(connection: sa.Connection, owner: str, pass_id: str) -> _Data | None:
    asked = sa.select(_ROW.data).where(_ROW.id == pass_id, _ROW.owner == owner)
    found = connection.execute(asked).first()
    return None if found is None else _DATA.decode(found.data)


def _write(connection: sa.Connection, pass_id: str, data: _Data) -> None:
    connection.execute(refinement_passes.update().where(_ROW.id == pass_id).values(data=_text(data)))


def _text(data: _Data) -> str:
    return _ENCODER.encode(data).decode()


def _by_ids(connection: sa.Connection, owner: str, ids: Sequence[str]) -> dict[str, Memory | None]:
    row = memories.c
    found = connection.execute(select_memories(row.owner == owner, row.id.in_(ids)))
    by_id = {memory.id: memory for memory in map(memory_of, found)}
    return {one: by_id.get(one) for one in ids}
