"""Boards: keys under which a team keeps what it works on, written by compare and swap."""

from __future__ import annotations

import sqlalchemy as sa

from alma.db.tables import memories
from alma.memory.access import visible
from alma.memory.adding import fields_of, key_holders
from alma.memory.embedding import Vector
from alma.memory.merging import tidy
from alma.memory.records import Filter, Memory, NewMemory, Reader
from alma.memory.store import Pen, memory_of, select_memories


def put(pen: Pen, new: NewMemory, seen: int, vector: Vector | None) -> Memory | None:
    """See `Memories.put`. It is never merged with what says the same: a board has its place by its key."""
    holders = key_holders(pen, new)
    if not holders:
        if seen:
            return None
        return pen.insert(fields_of(new) | {"version": 1 + _last_version(pen, new)}, new.source, vector)
    held = holders[0]
    if held.version != seen:
        return None
    if held.text == new.text:
        return held
    before = {"text": held.text, "seen_at": held.seen_at, "source": held.source}
    fields = {"text": new.text, "seen_at": new.at, "source": new.source}
    changed = pen.change(held, "edited", fields, before=before)
    pen.replace_vector(held.num, vector)
    return changed


def at_key(connection: sa.Connection, reader: Reader, prefix: str) -> list[Memory]:
    """See `Memories.at_key`."""
    key = memories.c.key
    begins = sa.func.substr(key, 1, len(prefix)) == prefix
    if tidy(prefix) != prefix:
        return []
    asked = select_memories(visible(reader, Filter()), key > "", begins)
    return [memory_of(row) for row in connection.execute(asked.order_by(key, memories.c.num))]


def _last_version(pen: Pen, new: NewMemory) -> int:
    """Of what was under this key before and is no more: who has seen that must not take the new one for it."""
    row = memories.c
    same = (row.owner == new.owner) & (row.key == new.key) & (row.scope == new.scope)
    return pen.connection.execute(sa.select(sa.func.coalesce(sa.func.max(row.version), 0)).where(same)).scalar_one()
