"""Threads: the list of conversations, and the tree of runs in each. Queries only; plain functions on a connection."""

from __future__ import annotations

import functools
import hashlib
import time
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from alma.db.database import insert_for
from alma.db.tables import budgets, command_keys, entries, leases, runs, summaries, threads
from alma.engine.journal import read_entries
from alma.errors import NotFound
from alma.events import Recorded
from alma.security.text import visible
from alma.session.wire import ThreadSummary

_TITLE_CHARS = 60


def title_from(text: str) -> str:
    """A thread's title until the user gives one: the beginning of its first task, cut at a word."""
    line = visible(" ".join(text.split()))
    if len(line) <= _TITLE_CHARS:
        return line
    cut = line[:_TITLE_CHARS].rsplit(" ", 1)[0]
    return f"{cut.rstrip('.,;:!?')}…"


def _summaries() -> sa.Select[str, str, float, float, int, int]:
    of_thread = runs.c.thread_id == threads.c.id
    count = sa.select(sa.func.count()).where(of_thread).scalar_subquery()
    working = sa.select(sa.func.count()).where(of_thread, runs.c.finished.is_(False)).scalar_subquery()
    return sa.select(threads.c.id, threads.c.title, threads.c.created_at, threads.c.updated_at, count, working)


def _summary(row: sa.Row[str, str, float, float, int, int]) -> ThreadSummary:
    thread_id, title, created_at, updated_at, count, working = row
    return ThreadSummary(
        id=thread_id, title=title, created_at=created_at, updated_at=updated_at, runs=count, working=working > 0
    )


def get_thread(connection: sa.Connection, owner: str, thread_id: str) -> ThreadSummary:
    """Raises `NotFound` (unknown_thread) also for another owner's thread."""
    summary = find_thread(connection, owner, thread_id)
    if summary is None:
        raise unknown_thread(thread_id)
    return summary


def find_thread(connection: sa.Connection, owner: str, thread_id: str, *, listed: bool = False) -> ThreadSummary | None:
    """`listed`: only one that is in the list of threads."""
    query = _summaries().where(threads.c.id == thread_id, threads.c.owner == owner)
    if listed:
        query = query.where(threads.c.hidden.is_(False))
    row = connection.execute(query).one_or_none()
    return None if row is None else _summary(row)


def list_threads(
    connection: sa.Connection, owner: str, *, search: str = "", limit: int = 50, before: float | None = None
) -> list[ThreadSummary]:
    """Newest first, without hidden ones; `search` looks in titles, tasks and answers; `before` is an `updated_at`."""
    query = _summaries().where(threads.c.owner == owner, threads.c.hidden.is_(False))
    if before is not None:
        query = query.where(threads.c.updated_at < before)
    for word in search.split()[:8]:
        query = query.where(_mentions(word))
    query = query.order_by(threads.c.updated_at.desc(), threads.c.id.desc()).limit(limit)
    return [_summary(row) for row in connection.execute(query)]


def _mentions(word: str) -> sa.ColumnElement[bool]:
    escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    pattern = f"%{escaped}%"
    said = sa.or_(runs.c.text.ilike(pattern, escape="\\"), runs.c.answer.ilike(pattern, escape="\\"))
    in_run = sa.exists().where(runs.c.thread_id == threads.c.id, said)
    return sa.or_(threads.c.title.ilike(pattern, escape="\\"), in_run)


_new_thread = sa.insert(threads)  # made once, as `_new_key`: a run begins with them


def create_thread(connection: sa.Connection, owner: str, thread_id: str, title: str, at: float) -> None:
    row = {"id": thread_id, "owner": owner, "title": title, "created_at": at, "updated_at": at}
    connection.execute(_new_thread, row)


def hidden_id(owner: str, purpose: str) -> str:
    """Of the thread that holds what is rehearsed for a purpose: the same each time."""
    whose = hashlib.sha256(f"{owner}\x1f{purpose}".encode())
    return f"t_hidden{whose.hexdigest()[:24]}"


def hidden_thread(connection: sa.Connection, owner: str, purpose: str, at: float) -> str:
    """Make it, unless it is there: a thread that is in no list. Gives its id."""
    row = {"id": hidden_id(owner, purpose), "owner": owner, "title": purpose, "created_at": at, "updated_at": at}
    statement = insert_for(connection)(threads).values(**row, hidden=True)
    connection.execute(statement.on_conflict_do_nothing())
    return str(row["id"])


def rename_thread(connection: sa.Connection, owner: str, thread_id: str, title: str) -> ThreadSummary:
    get_thread(connection, owner, thread_id)
    connection.execute(sa.update(threads).where(threads.c.id == thread_id).values(title=title))
    return get_thread(connection, owner, thread_id)


def delete_thread(connection: sa.Connection, owner: str, thread_id: str) -> tuple[ThreadSummary, list[str]]:
    """Delete the thread and everything its runs wrote; returns what it was, and its runs. Idempotency keys stay, so
    that a late resend starts nothing, and so do the sums of what was used: it was."""
    summary = get_thread(connection, owner, thread_id)
    ids = run_ids(connection, thread_id)
    of_thread = sa.select(runs.c.id).where(runs.c.thread_id == thread_id)
    connection.execute(sa.delete(entries).where(entries.c.run_id.in_(of_thread)))
    connection.execute(sa.delete(leases).where(leases.c.run_id.in_(of_thread)))
    connection.execute(sa.delete(summaries).where(summaries.c.thread_id == thread_id))
    connection.execute(sa.delete(runs).where(runs.c.thread_id == thread_id))
    connection.execute(sa.delete(budgets).where(budgets.c.thread_id == thread_id))
    connection.execute(sa.delete(threads).where(threads.c.id == thread_id))
    return summary, ids


def run_ids(connection: sa.Connection, thread_id: str) -> list[str]:
    """Of a thread, in the order in which they were made."""
    query = sa.select(runs.c.id).where(runs.c.thread_id == thread_id).order_by(runs.c.created_at, runs.c.id)
    return list(connection.execute(query).scalars())


def heads(connection: sa.Connection, thread_id: str) -> dict[str, tuple[int, bool]]:
    """Of each run of a thread its last `seq` and whether it is finished, in the order in which they were made."""
    query = sa.select(runs.c.id, runs.c.head, runs.c.finished).where(runs.c.thread_id == thread_id)
    rows = connection.execute(query.order_by(runs.c.created_at, runs.c.id))
    return {run_id: (head, finished) for run_id, head, finished in rows}


def read_logs(
    connection: sa.Connection, thread_id: str, after: dict[str, int], skip: frozenset[str]
) -> list[list[Recorded]]:
    """See `subscription.Logs`."""
    wanted = {run_id: after.get(run_id, 0) for run_id in run_ids(connection, thread_id) if run_id not in skip}
    return list(read_entries(connection, wanted).values())


class Place(Struct, frozen=True):
    """Where a run hangs in its thread's tree, and its task."""

    thread_id: str
    parent_run_id: str | None
    text: str
    finished: bool


def find_run(connection: sa.Connection, owner: str, run_id: str) -> Place:
    """Of a run of this owner; raises `NotFound` (unknown_run)."""
    query = sa.select(runs.c.thread_id, runs.c.parent_run_id, runs.c.text, runs.c.finished)
    query = query.where(runs.c.id == run_id, runs.c.owner == owner)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound("unknown_run", f"There is no run {run_id!r}.", hint="It may have been deleted with its thread.")
    return Place(row.thread_id, row.parent_run_id, row.text, row.finished)


@functools.cache
def _new_key(insert: Callable[[sa.Table], Any]) -> Any:
    """In the dialect of `insert`; gives the key back when it is new."""
    return insert(command_keys).on_conflict_do_nothing().returning(command_keys.c.key)


def claim_key(connection: sa.Connection, owner: str, key: str, fingerprint: str, run_id: str) -> tuple[str, str] | None:
    """Let `key` stand for `run_id`; when it was used before, returns that (fingerprint, run_id)."""
    row = {"owner": owner, "key": key, "fingerprint": fingerprint, "run_id": run_id, "created_at": time.time()}
    if connection.execute(_new_key(insert_for(connection)), row).first() is not None:
        return None
    query = sa.select(command_keys.c.fingerprint, command_keys.c.run_id)
    found = connection.execute(query.where(command_keys.c.owner == owner, command_keys.c.key == key)).one()
    return found.fingerprint, found.run_id


def key_known(connection: sa.Connection, owner: str, key: str) -> bool:
    query = sa.select(command_keys.c.key).where(command_keys.c.owner == owner, command_keys.c.key == key)
    return connection.execute(query).first() is not None


def unknown_thread(thread_id: str) -> NotFound:
    return NotFound("unknown_thread", f"There is no thread {thread_id!r}.", hint="It may have been deleted.")
