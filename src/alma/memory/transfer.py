"""Memories out and in as JSONL: one a line, named as in the API, without what is made of them (vectors, words)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any

import msgspec
import sqlalchemy as sa
from msgspec import Meta, Struct

from alma.db.tables import documents, memories
from alma.errors import InvalidRequest
from alma.memory.access import visible
from alma.memory.adding import admit, fields_of, key_holders, place_in_time, supersede, twins_of
from alma.memory.line_problems import in_words
from alma.memory.merging import hash_of
from alma.memory.records import USER, Filter, Kind, Memory, NewMemory, Reader, Scope, Source, place_after
from alma.memory.store import Pen, memory_of, select_memories

MOST_BYTES = 64 * 1024  # of a line
MOST_PROBLEMS = 100  # that are named
EXPORTED = 256  # memories in one read
IMPORTED = 64  # lines in one transaction: other writers come in between
IMPORTED_PLACE = place_after(["an import"])
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_Time = Annotated[float, Meta(ge=-1e12, le=1e12)]
_Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]
_Place = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]


class Imported(Struct, frozen=True):
    """`replaced`: those that held, and whose place was taken. `problems`: (line, what is wrong with it)."""

    added: int
    merged: int
    replaced: int
    passed_over: int
    problems: list[tuple[int, str]]


class SourceLine(Struct, frozen=True, rename="camel", omit_defaults=True):
    """See `records.Source`."""

    thread_id: str = ""
    run_id: str = ""
    task_id: str = ""
    message_id: str = ""
    document_id: str = ""
    file: str = ""
    place: str = ""
    start: _Count = 0
    end: _Count = 0


class Line(Struct, frozen=True, kw_only=True, rename="camel"):
    """See `records.Memory`. Only `text` has to be there."""

    text: str
    id: str = ""
    agent: str = USER
    kind: Kind = "semantic"
    scope: Scope = "owner"
    created_at: _Time | None = None
    seen_at: _Time | None = None
    valid_from: _Time | None = None
    valid_to: _Time | None = None
    superseded_by: str = ""
    forgotten_at: _Time | None = None
    key: str = ""
    source: SourceLine = SourceLine()
    line: str = ""
    position: _Place = 0
    parent: str = ""
    speaker: str = ""
    count: Annotated[int, Meta(ge=1, le=2**31 - 1)] = 1
    uses: _Count = 0
    used_at: _Time = 0.0
    utility: Annotated[float, Meta(ge=-1, le=1)] = 0.0
    strength: Annotated[float, Meta(ge=0, le=1e9)] = 0.0
    pinned: bool = False
    archived_at: _Time | None = None


class Entry(Struct, frozen=True):
    """A line that can be kept; `number` counts from 1."""

    number: int
    line: Line
    new: NewMemory


_LINES = msgspec.json.Decoder(Line)
_ENCODER = msgspec.json.Encoder()
_SAME = [name for name in Line.__struct_fields__ if name != "source"]


# ── out ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def export_page(
    connection: sa.Connection, owner: str, wanted: Filter, after: tuple[float, int] | None
) -> tuple[bytes, tuple[float, int] | None]:
    """Some lines, oldest first, and where the next ones begin (None: there are no more)."""
    row = memories.c
    asked = select_memories(visible(Reader(owner), wanted))
    if after is not None:
        place = sa.tuple_(sa.literal(after[0], sa.Double), sa.literal(after[1], sa.BigInteger))
        asked = asked.where(sa.tuple_(row.created_at, row.num) > place)
    found = [memory_of(one) for one in connection.execute(asked.order_by(row.created_at, row.num).limit(EXPORTED))]
    lines = b"".join(_ENCODER.encode(line_of(memory)) + b"\n" for memory in found)
    return lines, (found[-1].created_at, found[-1].num) if len(found) == EXPORTED else None


def line_of(memory: Memory) -> Line:
    source = SourceLine(**msgspec.structs.asdict(memory.source))
    return Line(**{name: getattr(memory, name) for name in _SAME}, source=source)


# ── in ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def slices(lines: Iterable[bytes]) -> Iterator[list[tuple[int, bytes]]]:
    """Numbered from 1, some at a time, without those that are blank."""
    some: list[tuple[int, bytes]] = []
    for number, raw in enumerate(lines, 1):
        line = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
        if line.strip():
            some.append((number, line[: MOST_BYTES + 1]))
        if len(some) == IMPORTED:
            yield some
            some = []
    if some:
        yield some


def read_lines(owner: str, lines: Sequence[tuple[int, bytes]], now: float) -> tuple[list[Entry], list[tuple[int, str]]]:
    """Those that can be kept, and what is wrong with the others."""
    entries: list[Entry] = []
    problems: list[tuple[int, str]] = []
    for number, raw in lines:
        if len(raw) > MOST_BYTES:
            problems.append((number, f"Expected at most {MOST_BYTES // 1024} KB in a line."))
            continue
        try:
            line = _LINES.decode(raw)
            entries.append(Entry(number, line, _admit(owner, line, now)))
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as wrong:
            problems.append((number, in_words(wrong)))
        except InvalidRequest as wrong:
            problems.append((number, wrong.message))
    return entries, problems


def _admit(owner: str, line: Line, now: float) -> NewMemory:
    at = line.valid_from if line.valid_from is not None else line.created_at
    return admit(
        NewMemory(
            owner=owner,
            text=line.text,
            kind=line.kind,
            scope=line.scope,
            agent=line.agent,
            key=line.key,
            source=_source(line.source),
            at=at or 0.0,
            line=line.line,
            position=line.position,
            parent=line.parent,
            speaker=line.speaker,
            pinned=line.pinned,
        ),
        now,
    )


def _source(line: SourceLine) -> Source:
    """Whatever a line says of its author, anybody may have written it: for agents it is from outside. A piece of a file
    that is here is that anyway."""
    source = Source(**msgspec.structs.asdict(line))
    return source if source.document_id else msgspec.structs.replace(source, place=IMPORTED_PLACE)


def keep_entries(pen: Pen, entries: Sequence[Entry]) -> Imported:
    """`passed_over`: those that are not taken, all of which are named."""
    added = merged = replaced = 0
    refused: list[tuple[int, str]] = []
    files = _files_of(pen, entries)
    for entry in entries:
        named = _named(pen, entry)
        if (document := entry.new.source.document_id) and document not in files:
            refused.append((entry.number, "It is a piece of a file that is not here. It comes back with the file."))
        elif named is not None and named.owner == entry.new.owner:
            if hash_of(named.text) == hash_of(entry.new.text):
                _pin_as(pen, named, entry)
                merged += 1
            else:
                refused.append((entry.number, f"{named.id} is known with another text, which stays."))
        elif known := _known(pen, entry):
            _pin_as(pen, known, entry)
            merged += 1
        else:
            replaced += _insert(pen, entry, free=named is None)
            added += 1
    return Imported(added, merged, replaced, len(refused), refused)


def _files_of(pen: Pen, entries: Sequence[Entry]) -> set[str]:
    """Of the files that they name, those that their owner has."""
    owners = {entry.new.owner for entry in entries}
    named = {entry.new.source.document_id for entry in entries} - {""}
    if not named:
        return set()
    asked = sa.select(documents.c.id).where(documents.c.id.in_(named), documents.c.owner.in_(owners))
    return {*pen.connection.execute(asked).scalars()}


def _named(pen: Pen, entry: Entry) -> Memory | None:
    """Whoever's has this id."""
    if not _ID.fullmatch(entry.line.id):
        return None
    row = pen.connection.execute(select_memories(memories.c.id == entry.line.id)).first()
    return None if row is None else memory_of(row)


def _known(pen: Pen, entry: Entry) -> Memory | None:
    """Under another id: by its text, and that it holds or is of the same time. So a line that was read before and has
    been replaced, restored or forgotten since does not come back."""
    line, digest = entry.line, hash_of(entry.new.text)
    twins = twins_of(pen, entry.new, digest)
    told = [twin for twin in twins if _of_same_time(twin, entry)]
    if line.valid_to is not None or line.forgotten_at is not None:
        return next(iter(told), None)
    holders = key_holders(pen, entry.new) if entry.new.key else []
    same = [holder for holder in holders if hash_of(holder.text) == digest]
    alive = (twin for twin in twins if twin.holds and twin.key == entry.new.key)
    return next(iter([*same, *alive, *told]), None)


def _of_same_time(twin: Memory, entry: Entry) -> bool:
    """A line that names no time is of any. Bringing a memory back moves the time from which it holds, not that at which
    it was made."""
    line, at = entry.line, entry.new.at
    if line.valid_from is None and line.created_at is None:
        return twin.key == entry.new.key
    return at == twin.valid_from or (at if line.created_at is None else line.created_at) == twin.created_at


def _pin_as(pen: Pen, known: Memory, entry: Entry) -> None:
    """What is pinned in the file is pinned, also if it was known."""
    if entry.line.pinned and not known.pinned:
        pen.change(known, "edited", {"pinned": True})


def _insert(pen: Pen, entry: Entry, free: bool) -> int:
    """How many that held give way to it."""
    line, new = entry.line, entry.new
    fields: dict[str, Any] = fields_of(new) | {
        "created_at": new.at if line.created_at is None else line.created_at,
        "seen_at": new.at if line.seen_at is None else line.seen_at,
        "count": line.count,
        "uses": line.uses,
        "used_at": line.used_at,
        "utility": line.utility,
        "strength": line.strength,
        "forgotten_at": line.forgotten_at,
        "archived_at": line.archived_at,
    }
    if free and _ID.fullmatch(line.id):
        fields["id"] = line.id
    gives_way: list[Memory] = []
    if line.valid_to is not None:
        fields |= {"valid_to": line.valid_to}
        if _ID.fullmatch(line.superseded_by):
            fields["superseded_by"] = line.superseded_by
    elif new.key and line.forgotten_at is None:
        gives_way = place_in_time(pen, new, fields)
    memory = pen.insert(fields, new.source, None)
    for old in gives_way:
        supersede(pen, old, memory)
    return sum(old.alive for old in gives_way)
