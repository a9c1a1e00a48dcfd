"""Keeping new memories: what is the same again counts once more, what holds for a key gives way to what is newer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.sql.elements import ColumnElement

from alma.db.tables import memories
from alma.errors import InvalidRequest
from alma.memory.embedding import Vector
from alma.memory.merging import cleaned, hash_of, tidy
from alma.memory.records import KINDS, SCOPES, Memory, NewMemory, Source
from alma.memory.statements import Rule, ask, one_of
from alma.memory.store import NAMED, SLICE, Pen, memory_of, new_memory_id, select_memories

MOST_KEY_CHARS = 200
_MOST_POSITION = 2**31 - 1
_TWINS = f"SELECT {NAMED}, hash FROM memories WHERE {{rule}} ORDER BY num"


class Added(Struct, frozen=True):
    """`merged`: the same, or nearly, was known and counts once more. `superseded`: ids of those whose place it took."""

    memory: Memory
    merged: bool = False
    superseded: tuple[str, ...] = ()


class Arrival(Struct, frozen=True):
    """A memory on its way in: cleaned, with its vector where there is one."""

    new: NewMemory
    hash: bytes
    vector: Vector | None = None


def admit(new: NewMemory, now: float) -> NewMemory:
    """Cleaned, with its time. Raises `InvalidRequest`."""
    if new.kind not in KINDS:
        raise _refused("unknown_kind", "There is no such kind of memory.", " or ".join(KINDS), new.kind)
    if new.scope not in SCOPES:
        raise _refused("unknown_scope", "There is no such scope.", " or ".join(SCOPES), new.scope)
    if not math.isfinite(new.at) or abs(new.at) > 1e12:
        raise _refused("bad_time", "A memory's time is not one.", "Unix seconds", repr(new.at))
    if abs(new.position) > _MOST_POSITION:
        raise _refused("bad_position", "A memory's place in its line is too far.", "a 32-bit number", str(new.position))
    return msgspec.structs.replace(
        new,
        text=cleaned(new.text),
        owner=tidy(new.owner),
        agent=tidy(new.agent),
        key=fit_key(new.key),
        line=tidy(new.line),
        parent=tidy(new.parent),
        speaker=tidy(new.speaker),
        source=tidy_source(new.source),
        at=new.at or now,
    )


def fit_key(key: str) -> str:
    """Cleaned. Raises `InvalidRequest` (key_too_long)."""
    key = tidy(key).strip()
    if len(key) > MOST_KEY_CHARS:
        expected = f"at most {MOST_KEY_CHARS} characters"
        raise _refused("key_too_long", "A memory's key is too long.", expected, f"{len(key):,}")
    return key


def tidy_source(source: Source) -> Source:
    return msgspec.structs.replace(
        source,
        thread_id=tidy(source.thread_id),
        run_id=tidy(source.run_id),
        task_id=tidy(source.task_id),
        message_id=tidy(source.message_id),
        document_id=tidy(source.document_id),
        file=tidy(source.file),
        place=tidy(source.place),
    )


def _refused(code: str, message: str, expected: str, actual: str) -> InvalidRequest:
    return InvalidRequest(code, message, expected=expected, actual=ascii(actual[:80]))


# ── in the transaction ────────────────────────────────────────────────────────────────────────────────────────────


def keep_all(pen: Pen, arrivals: Sequence[Arrival]) -> list[Added]:
    known = _Known(pen, [(one.new, one.hash) for one in arrivals])
    pen.reserve(len(arrivals))
    added: list[Added] = []
    for one in (_with_what_it_ends(pen, arrival) for arrival in arrivals):
        added.append(_keep(pen, one, known.twins_of(one.new, one.hash)))
        known.follow(pen)
    return added


def _keep(pen: Pen, one: Arrival, twins: list[Memory]) -> Added:
    if known := next((twin for twin in twins if _is_same_occurrence(twin, one.new)), None):
        return Added(known, merged=True)
    holders = key_holders(pen, one.new) if one.new.key else []
    if same := _same(one, twins, holders):
        return Added(_merge(pen, same, one.new), merged=True)
    return _insert(pen, one)


def _with_what_it_ends(pen: Pen, one: Arrival) -> Arrival:
    """ "I don't live in Porto" ends that the user lives in Porto, not in Lund: without such a memory it has no key."""
    new = one.new
    if not new.key or not new.denies or any(_says(held.text, new.denies) for held in _held(pen, new)):
        return one
    return msgspec.structs.replace(one, new=msgspec.structs.replace(new, key=""))


def _says(text: str, words: str) -> bool:
    """These words, and nothing beside it that would go with them: "a nurse and a teacher"."""
    before, found, after = f" {text.casefold()} ".partition(words.casefold())
    whole = bool(found) and not before[-1].isalnum() and not after[0].isalnum()
    return whole and " and " not in before + after


def _is_same_occurrence(twin: Memory, new: NewMemory) -> bool:
    """The very words that it was made of, read once more (after a crash): nothing new was said. What was forgotten
    stays so."""
    old, source = twin.source, new.source
    place = (source.message_id, source.run_id, source.start, source.end, new.position)
    same = (old.message_id, old.run_id, old.start, old.end, twin.position) == place
    return same and bool(source.message_id) and not source.document_id


class _Known:
    """The memories with a text of the batch, as the transaction has them: looked up once for all."""

    def __init__(self, pen: Pen, batch: Sequence[tuple[NewMemory, bytes]]) -> None:
        self._by_hash: dict[bytes, dict[int, Memory]] = {}
        self._followed = len(pen.changes)
        owners = {new.owner for new, _ in batch}
        for at in range(0, len(batch), SLICE):
            some = batch[at : at + SLICE]
            of = one_of("owner", [*owners]) & one_of("hash", [*{digest for _, digest in some}])
            lines = one_of("line", [*{new.line for new, _ in some}])
            for *row, digest in ask(pen.connection, _TWINS, {}, of & Rule(f"({lines.sql}) IS TRUE", lines.values)):
                memory = memory_of(row)
                self._by_hash.setdefault(digest, {})[memory.num] = memory

    def follow(self, pen: Pen) -> None:
        """Take over what the pen has written since."""
        for change in pen.changes[self._followed :]:
            if change.memory is not None:
                self._by_hash.setdefault(hash_of(change.memory.text), {})[change.memory.num] = change.memory
        self._followed = len(pen.changes)

    def twins_of(self, new: NewMemory, digest: bytes) -> list[Memory]:
        """With the same text, whose and of the same line and document, in any state; the oldest first."""
        return [twin for twin in self._by_hash.get(digest, {}).values() if _is_twin(twin, new)]


def twins_of(pen: Pen, new: NewMemory, digest: bytes) -> list[Memory]:
    return _Known(pen, [(new, digest)]).twins_of(new, digest)


def _is_twin(memory: Memory, new: NewMemory) -> bool:
    same = (memory.owner, memory.scope, memory.agent, memory.kind, memory.line, memory.source.document_id)
    if same != (new.owner, new.scope, new.agent, new.kind, new.line, new.source.document_id):
        return False
    return not new.line or memory.position == new.position


def _same(one: Arrival, twins: list[Memory], holders: list[Memory]) -> Memory | None:
    """The memory that holds and says this already; one that comes to mind before one that is archived."""
    same = [holder for holder in holders if hash_of(holder.text) == one.hash]
    same += [twin for twin in twins if twin.holds and _may_share_key(twin, one.new, holders)]
    return next((known for known in same if known.alive), same[0] if same else None)


def _may_share_key(memory: Memory, new: NewMemory, holders: list[Memory]) -> bool:
    """What has no key yet may take the new one's, if nothing else holds it."""
    return not new.key or memory.key == new.key or (not memory.key and not holders)


def _merge(pen: Pen, memory: Memory, new: NewMemory) -> Memory:
    fields: dict[str, Any] = {"count": memory.count + 1, "seen_at": max(memory.seen_at, new.at)}
    if new.pinned and not memory.pinned:
        fields["pinned"] = True
    if new.key and not memory.key:
        fields["key"] = new.key
    if memory.archived_at is not None:
        fields |= {"archived_at": None, "superseded_by": ""}
    before = {name: getattr(memory, name) for name in fields} | {"source": msgspec.to_builtins(new.source)}
    if new.text != memory.text:
        before["text"] = new.text
    return pen.change(memory, "merged", fields, before=before)


def _insert(pen: Pen, one: Arrival) -> Added:
    fields = fields_of(one.new)
    gives_way: list[Memory] = []
    if one.new.key:
        gives_way = place_in_time(pen, one.new, fields)
    memory = pen.insert(fields, one.new.source, one.vector)
    for old in gives_way:
        supersede(pen, old, memory)
    return Added(memory, superseded=tuple(old.id for old in gives_way))


def fields_of(new: NewMemory) -> dict[str, Any]:
    """Of a memory that is kept for the first time."""
    return {
        "id": new_memory_id(),
        "owner": new.owner,
        "agent": new.agent,
        "kind": new.kind,
        "scope": new.scope,
        "text": new.text,
        "created_at": new.at,
        "seen_at": new.at,
        "valid_from": new.at,
        "key": new.key,
        "line": new.line,
        "position": new.position,
        "parent": new.parent,
        "speaker": new.speaker,
        "pinned": new.pinned,
    }


# ── one holds at a time ───────────────────────────────────────────────────────────────────────────────────────────


def of_key(owner: str, key: str, scope: str, agent: str) -> ColumnElement[bool]:
    """Those of which one holds at a time: private ones for each agent, others for all."""
    row = memories.c
    same = (row.owner == owner) & (row.key == key) & (row.scope == scope) & row.forgotten_at.is_(None)
    return same & (row.agent == agent) if scope == "private" else same


def key_holders(pen: Pen, new: NewMemory | Memory) -> list[Memory]:
    """Alive with this key; the newest first."""
    row = memories.c
    asked = select_memories(of_key(new.owner, new.key, new.scope, new.agent), row.valid_to.is_(None))
    return [memory_of(found) for found in pen.connection.execute(asked.order_by(row.valid_from.desc(), row.num.desc()))]


def supersede(pen: Pen, old: Memory, new: Memory, at: float | None = None) -> Memory:
    """`old` holds until `new` does."""
    over = max(new.valid_from if at is None else at, old.valid_from)
    return pen.change(old, "superseded", {"valid_to": over, "superseded_by": new.id})


def place_in_time(pen: Pen, new: NewMemory, fields: dict[str, Any]) -> list[Memory]:
    """Where in the order of statements about its key this one belongs: a late one is over already when a newer is
    known. Returns those that end where it begins."""
    row = memories.c
    of_this = of_key(new.owner, new.key, new.scope, new.agent)
    later = select_memories(of_this, row.valid_from > new.at).order_by(row.valid_from, row.num).limit(1)
    if found := pen.connection.execute(later).first():
        successor = memory_of(found)
        fields |= {"valid_to": successor.valid_from, "superseded_by": successor.id}
    return _held(pen, new)


def _held(pen: Pen, new: NewMemory) -> list[Memory]:
    """With its key, when it was said; the oldest first."""
    row = memories.c
    of_this = of_key(new.owner, new.key, new.scope, new.agent)
    held = (row.valid_from <= new.at) & sa.or_(row.valid_to.is_(None), row.valid_to > new.at)
    asked = select_memories(of_this, held).order_by(row.valid_from, row.num)
    return [memory_of(found) for found in pen.connection.execute(asked)]
