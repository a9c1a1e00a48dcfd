"""Who may read which memory, and which of those are wanted: the one rule, as SQL and as plain Python.

Every query that returns a memory has `readable(reader)` in it, most have `visible(reader, wanted)`: so nothing has to
be taken out of their results. `may_read` and `passes` say the same of a memory at hand; a test holds the two together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import sqlalchemy as sa

from alma.db.tables import memories
from alma.memory.records import USER, Filter, Memory, Reader

Clause = sa.ColumnElement[bool]
AUTHOR = sa.case((memories.c.speaker == USER, USER), else_=memories.c.agent)


def readable(reader: Reader) -> Clause:
    """What the reader may read, of the rows of `memories`."""
    own = _is(memories.c.owner, reader.owner)
    if reader.role is None:
        return own
    shared = [scope for scope in reader.scopes if scope != "private"]
    seen = memories.c.scope.in_(shared)
    if "private" in reader.scopes and reader.role != USER:  # what is the user's own is no role's, whatever its name
        seen |= (memories.c.scope == "private") & _is(memories.c.agent, reader.role)
    return own & seen


def matches(wanted: Filter) -> Clause:
    """What the filter lets through, of the rows of `memories`."""
    row = memories.c
    clauses: list[Clause] = []
    for column, values in (
        (row.kind, wanted.kinds),
        (row.scope, wanted.scopes),
        (row.agent, wanted.agents),
        (AUTHOR, wanted.authors),
        (row.thread_id, wanted.threads),
        (row.run_id, wanted.runs),
        (row.document_id, wanted.documents),
    ):
        if values:
            clauses.append(column.in_(_storable(values)))
    if unwanted := _storable(wanted.not_runs):
        clauses.append(row.run_id.not_in(unwanted))
    if wanted.key:
        clauses.append(_is(row.key, wanted.key))
    if wanted.since is not None:
        clauses.append(sa.false() if math.isnan(wanted.since) else row.created_at >= wanted.since)
    if wanted.until is not None:
        clauses.append(sa.false() if math.isnan(wanted.until) else row.created_at <= wanted.until)
    if wanted.pinned is not None:
        clauses.append(row.pinned.is_(wanted.pinned))
    if wanted.files is not None:  # of no use to an index: most rows have no document
        clauses.append((row.document_id == "").is_(sa.false() if wanted.files else sa.true()))
    return sa.and_(sa.true(), *clauses, *_in_state(wanted))


def visible(reader: Reader, wanted: Filter) -> Clause:
    """What the reader may read and the filter lets through."""
    may = readable(reader)
    if wanted.threads or wanted.runs or wanted.documents:
        may = only_checked(may)
    return may & matches(wanted)


def only_checked(clause: Clause) -> Clause:
    """The same, for rows that something narrower leads to. Else SQLite, which knows of an owner no more than that there
    is an index, may read all of the owner's rows instead."""
    return clause.is_(sa.true())


def may_read(reader: Reader, memory: Memory) -> bool:
    if memory.owner != reader.owner:
        return False
    if reader.role is None:
        return True
    if memory.scope == "private" and (memory.agent != reader.role or reader.role == USER):
        return False
    return memory.scope in reader.scopes


def passes(wanted: Filter, memory: Memory) -> bool:
    source = memory.source
    return (
        _among(memory.kind, wanted.kinds)
        and _among(memory.scope, wanted.scopes)
        and _among(memory.agent, wanted.agents)
        and _among(memory.author, wanted.authors)
        and _among(source.thread_id, wanted.threads)
        and _among(source.run_id, wanted.runs)
        and _among(source.document_id, wanted.documents)
        and source.run_id not in wanted.not_runs
        and (not wanted.key or memory.key == wanted.key)
        and (wanted.since is None or memory.created_at >= wanted.since)
        and (wanted.until is None or memory.created_at <= wanted.until)
        and (wanted.pinned is None or memory.pinned == wanted.pinned)
        and (wanted.files is None or (source.document_id != "") == wanted.files)
        and _is_in_state(wanted, memory)
    )


def _in_state(wanted: Filter) -> list[Clause]:
    forgotten, over, archived = memories.c.forgotten_at, memories.c.valid_to, memories.c.archived_at
    match wanted.state:
        case "alive":
            return [forgotten.is_(None), over.is_(None), archived.is_(None)]
        case "archived":
            return [forgotten.is_(None), over.is_(None), archived.is_not(None)]
        case "superseded":
            return [forgotten.is_(None), over.is_not(None)]
        case "forgotten":
            return [forgotten.is_not(None)]
        case "any":
            return []


def _is_in_state(wanted: Filter, memory: Memory) -> bool:
    match wanted.state:
        case "alive":
            return memory.alive
        case "archived":
            return memory.holds and memory.archived_at is not None
        case "superseded":
            return memory.forgotten_at is None and memory.valid_to is not None
        case "forgotten":
            return memory.forgotten_at is not None
        case "any":
            return True


def _among(value: str, wanted: Sequence[str]) -> bool:
    return not wanted or value in wanted


def _is(column: sa.Column[str], value: str) -> Clause:
    return column == value if _is_text(value) else sa.false()


def _storable(values: Sequence[str]) -> list[str]:
    """Without those that no row can hold, and that a database would refuse to compare with."""
    return [value for value in values if _is_text(value)]


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:  # a lone surrogate
        return False
    return "\0" not in value
