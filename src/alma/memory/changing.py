"""Changes of memories that are there: editing, forgetting and its undoing, purging. In a transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from alma.db.tables import memories, memory_history
from alma.errors import Conflict, InvalidRequest, NotFound
from alma.memory import deleting
from alma.memory.access import visible
from alma.memory.adding import fit_key, key_holders, supersede
from alma.memory.embedding import Vector
from alma.memory.merging import check_worded, cleaned
from alma.memory.records import KINDS, SCOPES, Filter, Kind, Memory, Reader, Scope
from alma.memory.store import Pen, by_id, memory_of, select_memories


class Edit(Struct, frozen=True):
    """What is to be another; None stays."""

    text: str | None = None
    kind: Kind | None = None
    scope: Scope | None = None
    pinned: bool | None = None
    key: str | None = None

    def checked(self) -> Edit:
        """Cleaned. Raises `InvalidRequest`."""
        if self.kind is not None and self.kind not in KINDS:
            raise InvalidRequest("unknown_kind", "There is no such kind of memory.", expected=" or ".join(KINDS))
        if self.scope is not None and self.scope not in SCOPES:
            raise InvalidRequest("unknown_scope", "There is no such scope.", expected=" or ".join(SCOPES))
        text = None if self.text is None else cleaned(self.text)
        if text is not None:
            check_worded(text)
        return Edit(text, self.kind, self.scope, self.pinned, None if self.key is None else fit_key(self.key))

    def changes_of(self, memory: Memory) -> dict[str, Any]:
        asked = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: value for name, value in asked.items() if value is not None and value != getattr(memory, name)}


def edit(pen: Pen, reader: Reader, memory_id: str, version: int, wanted: Edit, vector: Vector | None) -> Memory:
    """See `Memories.edit`. What now has a key that another one held takes its place."""
    memory = by_id(pen.connection, reader, memory_id)
    if memory.version != version:
        raise changed_meanwhile(pen.connection, memory, version)
    fields = wanted.changes_of(memory)
    if not fields:
        return memory
    if "text" in fields and memory.source.document_id:
        raise _of_file(memory)
    if memory.archived_at is not None:  # who changes it wants it
        fields |= {"archived_at": None, "superseded_by": memory.superseded_by if memory.valid_to is not None else ""}
    changed = pen.change(memory, "edited", fields)
    if "text" in fields:
        pen.replace_vector(memory.num, vector)
    if changed.holds and changed.key and {"key", "scope"} & fields.keys():
        _take_key(pen, changed)
    return changed


def forget(pen: Pen, reader: Reader, memory_id: str) -> Memory:
    memory = by_id(pen.connection, reader, memory_id)
    return memory if memory.forgotten_at is not None else _forget(pen, memory)


def many(
    pen: Pen, reader: Reader, ids: Sequence[str], change: Callable[[Pen, Reader, str], Memory]
) -> tuple[list[str], list[str]]:
    """Each once. Those that changed, and those that the reader knows nothing of, which hinder no other."""
    changed: list[str] = []
    unknown: list[str] = []
    for memory_id in dict.fromkeys(ids):
        before = len(pen.changes)
        try:
            change(pen, reader, memory_id)
        except NotFound:
            unknown.append(memory_id)
            continue
        if len(pen.changes) > before:
            changed.append(memory_id)
    return changed, unknown


def forget_where(pen: Pen, owner: str, wanted: Filter, purge: bool, most: int) -> int:
    """At most so many at once; returns how many it was."""
    clause = visible(Reader(owner), wanted)
    if not purge:
        clause &= memories.c.forgotten_at.is_(None)
    asked = select_memories(clause).order_by(memories.c.num).limit(most)
    found = [memory_of(row) for row in pen.connection.execute(asked)]
    if purge and (goes := deleting.of_threads(wanted)) is not None:
        return deleting.delete(pen, found, goes)
    if purge:
        pen.purge(found)
    else:
        for memory in found:
            _forget(pen, memory)
    return len(found)


def restore(pen: Pen, reader: Reader, memory_id: str) -> Memory:
    """See `Memories.restore`. Where another holds its key by now, it takes its place from now on."""
    memory = by_id(pen.connection, reader, memory_id)
    if memory.alive:
        return memory
    fields: dict[str, Any] = {} if memory.archived_at is None else {"archived_at": None}
    if memory.forgotten_at is not None:
        fields["forgotten_at"] = None
    elif memory.valid_to is not None or memory.superseded_by:
        fields |= {"valid_to": None, "superseded_by": ""}
    will_hold = bool(memory.key) and (memory.valid_to is None or "valid_to" in fields)
    if will_hold and any(holder.num != memory.num for holder in key_holders(pen, memory)):
        fields["valid_from"] = max(pen.now, memory.valid_from)
    restored = pen.change(memory, "restored", fields)
    if will_hold:
        _take_key(pen, restored)
    return restored


def purge(pen: Pen, reader: Reader, memory_id: str) -> None:
    pen.purge([by_id(pen.connection, reader, memory_id)])


def changed_meanwhile(connection: sa.Connection, memory: Memory, seen: int) -> Conflict:
    """Says who changed what."""
    table = memory_history.c
    asked = sa.select(table.what, table.by, table.before).where(table.num == memory.num, table.version > seen)
    rows = connection.execute(asked.order_by(table.version)).all()
    what = "; ".join(f"{row.what} by {row.by}" for row in rows[-3:])
    return Conflict(
        "changed_meanwhile",
        "This memory was changed meanwhile.",
        expected=f"version {memory.version}",
        actual=f"version {seen}" + (f"; since then {what}" if what else ""),
        hint="Look at it as it is now, then change it again.",
    )


def _of_file(memory: Memory) -> Conflict:
    """Its source says where in the file it stands; with other words it would name a place that does not have them."""
    place = f", {memory.source.place}" if memory.source.place else ""
    return Conflict(
        "piece_of_file",
        "This is a piece of a file: its text is what stands in the file.",
        expected="a change of anything but its text",
        actual=f"another text for {memory.source.file}{place}",
        hint="Change the file, or add a memory that says it another way. A piece can be pinned and forgotten.",
    )


def _forget(pen: Pen, memory: Memory) -> Memory:
    return pen.change(memory, "forgotten", {"forgotten_at": pen.now})


def _take_key(pen: Pen, memory: Memory) -> None:
    for holder in key_holders(pen, memory):
        if holder.num != memory.num:
            supersede(pen, holder, memory, at=pen.now)
