"""Retention: the steps of old runs are given up, their questions and answers stay. Plain functions on a connection.

A pruned run's log is written anew as what a reader of the thread needs: that it was asked, its answer, its end. They
are numbered from 1 without a gap; a client that knew more is ahead of its journal, is told so, and starts over.
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
from alma.events import JournalEntry, MessageFinished, MessageStarted, Recorded, RunFinished, RunStarted
from alma.plan import MAIN

log = logging.getLogger(__name__)
DAY = 86_400.0
_LEAST = 4  # entries of a pruned run; one with no more has nothing to give up
_AT_ONCE = 100  # runs of one transaction, so that nobody waits long for the writer
_encode = msgspec.json.Encoder().encode
_size = sa.select(sa.func.coalesce(sa.func.sum(sa.func.length(entries.c.data)), 0))


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
    steps = sa.func.coalesce(sa.func.sum(runs.c.head - _LEAST), 0)
    count, gone = connection.execute(sa.select(sa.func.count(), steps).where(_old(before))).one()
    size = connection.execute(_size.where(entries.c.run_id.in_(sa.select(runs.c.id).where(_old(before))))).scalar_one()
    return Pruned(count, int(gone), int(size))


def prune(connection: sa.Connection, before: float, *, keep_answers: bool = True) -> Pruned:
    """Prune some of the finished runs that began before `before`; nothing is left when no run was pruned."""
    query = sa.select(runs.c.id).where(_old(before)).order_by(runs.c.created_at).limit(_AT_ONCE).with_for_update()
    ids = list(connection.execute(query).scalars())
    if not ids:
        return Pruned()
    of_these = entries.c.run_id.in_(ids)
    size = connection.execute(_size.where(of_these)).scalar_one()
    logs = read_entries(connection, dict.fromkeys(ids, 0))
    kept = {run_id: kept_of(run_log, keep_answers=keep_answers) for run_id, run_log in logs.items()}
    connection.execute(sa.delete(entries).where(of_these))
    connection.execute(sa.delete(leases).where(leases.c.run_id.in_(ids)))
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
    return Pruned(len(ids), sum(map(len, logs.values())) - len(rows), int(size - left))


def kept_of(run_log: list[Recorded], *, keep_answers: bool = True) -> list[JournalEntry]:
    """Of a finished run's log: its start, its answer with the beginning of that message, its end. What the prompt was
    made of goes, because the steps that it was made of do."""
    started: dict[tuple[str, int], MessageStarted] = {}
    first: list[JournalEntry] = []
    answer: list[JournalEntry] = []
    last: list[JournalEntry] = []
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
            case _:
                pass
    return [*first, *(answer if keep_answers else []), *last]


def _old(before: float) -> sa.ColumnElement[bool]:
    return sa.and_(runs.c.finished.is_(True), runs.c.created_at < before, runs.c.head > _LEAST)


async def prune_all(database: Database, before: float, *, keep_answers: bool = True) -> Pruned:
    """Prune, a few runs at a time, until nothing is left to."""
    whole = Pruned()
    while True:
        done = await database.write(lambda connection: prune(connection, before, keep_answers=keep_answers))
        if not done.runs:
            return whole
        whole += done


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
