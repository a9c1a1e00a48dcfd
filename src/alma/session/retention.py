"""Retention: the steps of old runs are given up, their questions and answers stay. Plain functions on a connection.

A pruned run's log is written anew as what a reader of the thread needs: that it was asked, its answer, its end, and
what its owner said of it. They are numbered from 1 without a gap; a client that knew more is ahead of its journal, is
told so, and starts over.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from alma.db.database import Database
from alma.db.tables import entries, leases, runs
from alma.engine.journal import read_entries
from alma.errors import StorageFailure
from alma.events import (
    JournalEntry,
    MessageFinished,
    MessageStarted,
    Recorded,
    RouteCorrected,
    RunFinished,
    RunStarted,
    Signaled,
)
from alma.plan import MAIN

log = logging.getLogger(__name__)
DAY = 86_400.0
_LEAST = 4  # entries of a pruned run, beside what was said of it; one with no more has nothing to give up
_AT_ONCE = 100  # runs of one transaction, so that nobody waits long for the writer
_encode = msgspec.json.Encoder().encode
_size = sa.select(sa.func.coalesce(sa.func.sum(sa.func.length(entries.c.data)), 0))


Place = tuple[float, str]  # when a run began, and its id


class Pruned(Struct, frozen=True):
    """How many runs, how many of their entries, and about how many bytes of text went."""

    runs: int = 0
    entries: int = 0
    bytes: int = 0

    def __add__(self, other: Pruned) -> Pruned:
        return Pruned(self.runs + other.runs, self.entries + other.entries, self.bytes + other.bytes)


def prunable(connection: sa.Connection, before: float) -> Pruned:
    """What there is to prune of the finished runs that began before `before` (Unix seconds); the bytes are those of all
    their text, what stays of it included."""
    steps = sa.func.coalesce(sa.func.sum(_told - _LEAST), 0)
    count, gone = connection.execute(sa.select(sa.func.count(), steps).where(_old(before))).one()
    size = connection.execute(_size.where(entries.c.run_id.in_(sa.select(runs.c.id).where(_old(before))))).scalar_one()
    return Pruned(count, int(gone), int(size))


def prune(
    connection: sa.Connection, before: float, after: Place = (0.0, ""), *, keep_answers: bool = True
) -> tuple[Pruned, Place | None]:
    """Prune some of the finished runs that began before `before`, the oldest past `after`; gives with it the last one
    that was looked at, None: there is no more."""
    place = sa.tuple_(runs.c.created_at, runs.c.id)
    past = place > sa.tuple_(sa.literal(after[0], sa.Double), sa.literal(after[1], sa.Text))
    query = sa.select(runs.c.id, runs.c.created_at).where(_old(before), past).order_by(runs.c.created_at, runs.c.id)
    found = connection.execute(query.limit(_AT_ONCE).with_for_update()).all()
    if not found:
        return Pruned(), None
    last = (found[-1].created_at, found[-1].id)
    logs = read_entries(connection, {row.id: 0 for row in found})
    kept = {run_id: kept_of(run_log, keep_answers=keep_answers) for run_id, run_log in logs.items()}
    kept = {run_id: new_log for run_id, new_log in kept.items() if len(new_log) < len(logs[run_id])}
    if not kept:
        return Pruned(), last
    of_these = entries.c.run_id.in_(kept)
    size = connection.execute(_size.where(of_these)).scalar_one()
    connection.execute(sa.delete(entries).where(of_these))
    connection.execute(sa.delete(leases).where(leases.c.run_id.in_(kept)))
    rows = [
        {"run_id": run_id, "seq": seq, "data": _encode(entry).decode()}
        for run_id, new_log in kept.items()
        for seq, entry in enumerate(new_log, 1)
    ]
    connection.execute(sa.insert(entries), rows)
    for run_id, new_log in kept.items():
        emptied = {} if keep_answers else {"answer": ""}
        connection.execute(sa.update(runs).where(runs.c.id == run_id).values(head=len(new_log), **emptied))
    left = connection.execute(_size.where(of_these)).scalar_one()
    gone = sum(len(logs[run_id]) for run_id in kept) - len(rows)
    return Pruned(len(kept), gone, int(size - left)), last


def kept_of(run_log: list[Recorded], *, keep_answers: bool = True) -> list[JournalEntry]:
    """Of a finished run's log: its start, its answer with the beginning of that message, its end, and what was said of
    it, in that order. What the prompt was made of goes, because the steps that it was made of do; without answers, so
    does one as its owner would have had it."""
    started: dict[tuple[str, int], MessageStarted] = {}
    first: list[JournalEntry] = []
    answer: list[JournalEntry] = []
    last: list[JournalEntry] = []
    said: list[JournalEntry] = []
    for recorded in run_log:
        match recorded.entry:
            case RunStarted():
                first = [recorded.entry]
            case RunFinished():
                last = [recorded.entry]
            case MessageStarted() as begun if begun.task_id == MAIN:
                started[begun.message_id, begun.attempt] = begun
            case MessageFinished() as message if message.task_id == MAIN and message.step.startswith("answer"):
                begun = started[message.message_id, message.attempt]
                answer = [msgspec.structs.replace(begun, sections=[], sent=[]), message]
            case Signaled() as signal:
                said.append(signal if keep_answers else msgspec.structs.replace(signal, text=""))
            case RouteCorrected() as corrected:
                said.append(corrected)
            case _:
                pass
    return [*first, *(answer if keep_answers else []), *last, *said]


# Entries of a run but for what was said of it: by how they begin. A long one, which SQLite keeps compressed, is not
# seen to be such: its run is looked at in vain each time.
_told = (
    sa.select(sa.func.count())
    .where(
        entries.c.run_id == runs.c.id,
        *(entries.c.data.not_like(f'{{"type":"{kind.__struct_config__.tag}"%') for kind in (Signaled, RouteCorrected)),
    )
    .scalar_subquery()
)


def _old(before: float) -> sa.ColumnElement[bool]:
    return sa.and_(runs.c.finished.is_(True), runs.c.created_at < before, runs.c.head > _LEAST, _told > _LEAST)


async def prune_all(database: Database, before: float, *, keep_answers: bool = True) -> Pruned:
    """Prune, a few runs at a time, until nothing is left to."""
    whole = Pruned()
    after: Place | None = (0.0, "")
    while after is not None:
        done, after = await database.write(
            lambda connection, after=after: prune(connection, before, after, keep_answers=keep_answers)
        )
        whole += done
    return whole


async def keep_pruning(database: Database, days: float, clock: Callable[[], float] = time.time) -> None:
    """Prune what is older than `days` now and every day, until cancelled; 0 days keep everything."""
    while days:
        try:
            done = await prune_all(database, clock() - days * DAY)
            if done.runs:
                log.info("pruned the steps of %d runs older than %g days", done.runs, days)
        except StorageFailure as error:
            log.warning("pruning waits for the database: %s", error.actual)
        await asyncio.sleep(DAY)
