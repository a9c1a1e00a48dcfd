"""What is left when threads are deleted for good: what was said elsewhere too, what held before, and no word of theirs.

A memory belongs to the run in which it was said first. Its history names the others in which it was said again
(`merged`): if one of these is not deleted, the memory stays and belongs to that one from now on, in its words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from alma.db.tables import memories, memory_history
from alma.memory.adding import key_holders, of_key
from alma.memory.records import Filter, Memory, Source
from alma.memory.store import SLICE, Pen, memory_of, select_memories

_BEFORE = msgspec.json.Decoder(dict[str, Any])
_WITH_WORDS = ("merged", "edited")  # what a history keeps words of


class Trace(Struct, frozen=True):
    """An entry of a history with words of what is deleted. `said`: it counted as said once more."""

    num: int
    version: int
    said: bool


class _Entry(Struct, frozen=True):
    version: int
    what: str
    before: dict[str, Any]

    @property
    def source(self) -> Source | None:
        said = self.before.get("source")
        return None if said is None else msgspec.convert(said, Source)


def of_threads(wanted: Filter) -> Callable[[Source], bool] | None:
    """Whether something comes from the threads or runs that the filter names; None: it names none."""
    if not (wanted.runs or wanted.threads):
        return None
    run_ids, thread_ids = frozenset(wanted.runs), frozenset(wanted.threads)

    def comes(source: Source) -> bool:
        in_run = not run_ids or source.run_id in run_ids
        return in_run and (not thread_ids or source.thread_id in thread_ids)

    return comes


def delete(pen: Pen, found: Sequence[Memory], goes: Callable[[Source], bool]) -> int:
    """Those of `found` that were said nowhere else; returns how many went or were left to others."""
    entries = _entries(pen.connection, [memory.num for memory in found if memory.count > 1])
    gone: list[Memory] = []
    for memory in found:
        elsewhere = [one for one in entries.get(memory.num, ()) if _is_elsewhere(one, goes)]
        if elsewhere:
            _leave(pen, memory, entries[memory.num], elsewhere[0], goes)
        else:
            gone.append(memory)
    pen.purge(gone)
    _bring_back(pen, gone)
    return len(found)


def _is_elsewhere(entry: _Entry, goes: Callable[[Source], bool]) -> bool:
    return entry.what == "merged" and entry.source is not None and not goes(entry.source)


def _leave(pen: Pen, memory: Memory, entries: Sequence[_Entry], heir: _Entry, goes: Callable[[Source], bool]) -> None:
    """It is what was said where the `heir` comes from, and nothing tells of what it was before."""
    assert heir.source is not None
    stale = [one for one in entries if one is heir or _tells(one, goes)]
    said = sum(one.what == "merged" and one is not heir and bool(one.source and goes(one.source)) for one in entries)
    edited = any(one.what == "edited" and "text" in one.before for one in entries)  # then its words are the editor's
    fields: dict[str, Any] = {"source": heir.source, "count": max(memory.count - 1 - said, 1)}
    text = heir.before.get("text", memory.text)
    if not edited and text != memory.text:
        fields["text"] = text
    _drop_entries(pen, memory.num, [one.version for one in stale])
    pen.change(memory, "edited", fields, before={})
    if "text" in fields:
        pen.replace_vector(memory.num, None)


def _tells(entry: _Entry, goes: Callable[[Source], bool]) -> bool:
    """Whether it has words that may come from what goes: an editor's entry has those from before."""
    if entry.source is not None:
        return goes(entry.source)
    return entry.what == "edited" and "text" in entry.before


def _bring_back(pen: Pen, gone: Sequence[Memory]) -> None:
    """What these took the place of holds until whatever took theirs, or again if nothing did."""
    by_id = {memory.id: memory for memory in gone}
    for memory in sorted(gone, key=lambda one: -one.valid_from):
        if not memory.key:
            continue
        of_this = of_key(memory.owner, memory.key, memory.scope, memory.agent)
        asked = select_memories(of_this, memories.c.superseded_by == memory.id)
        left = [memory_of(row) for row in pen.connection.execute(asked.order_by(memories.c.valid_from.desc()))]
        last = memory
        while last.superseded_by in by_id:
            last = by_id[last.superseded_by]
        if last.superseded_by:
            for old in left:
                pen.change(old, "superseded", {"superseded_by": last.superseded_by, "valid_to": last.valid_to})
        elif last.holds and left and not key_holders(pen, left[0]):
            pen.change(left[0], "restored", {"superseded_by": "", "valid_to": None})
            for old in left[1:]:
                pen.change(old, "superseded", {"superseded_by": left[0].id})


# ── in the histories of others ────────────────────────────────────────────────────────────────────────────────────


def traces(connection: sa.Connection, owner: str, goes: Callable[[Source], bool]) -> list[Trace]:
    """Entries in histories of memories that stay. For a reader: it looks through all of the owner's histories."""
    entry = memory_history.c
    asked = (
        sa.select(entry.num, entry.version, entry.what, entry.before)
        .join(memories, memories.c.num == entry.num)
        .where(memories.c.owner == owner, entry.what.in_(_WITH_WORDS))
    )
    found: list[Trace] = []
    for num, version, what, before in connection.execute(asked):
        if '"source"' not in before:
            continue
        source = _Entry(version, what, _BEFORE.decode(before)).source
        if source is not None and goes(source):
            found.append(Trace(num, version, what == "merged"))
    return found


def drop_traces(pen: Pen, found: Sequence[Trace]) -> None:
    """The memories count as said that much less often."""
    by_num: dict[int, list[Trace]] = {}
    for trace in found:
        by_num.setdefault(trace.num, []).append(trace)
    row = memories.c
    for num, some in by_num.items():
        _drop_entries(pen, num, [trace.version for trace in some])
        less = sum(trace.said for trace in some)
        fewer = sa.case((row.count > less, row.count - less), else_=1)
        pen.connection.execute(memories.update().where(row.num == num).values(count=fewer))


def _entries(connection: sa.Connection, nums: Sequence[int]) -> dict[int, list[_Entry]]:
    """Of each, its history in order."""
    entry = memory_history.c
    found: dict[int, list[_Entry]] = {}
    for at in range(0, len(nums), SLICE):
        asked = sa.select(entry.num, entry.version, entry.what, entry.before)
        asked = asked.where(entry.num.in_(nums[at : at + SLICE])).order_by(entry.num, entry.version)
        for num, version, what, before in connection.execute(asked):
            found.setdefault(num, []).append(_Entry(version, what, _BEFORE.decode(before)))
    return found


def _drop_entries(pen: Pen, num: int, versions: Sequence[int]) -> None:
    entry = memory_history.c
    for at in range(0, len(versions), SLICE):
        some = (entry.num == num) & entry.version.in_(versions[at : at + SLICE])
        pen.connection.execute(memory_history.delete().where(some))
