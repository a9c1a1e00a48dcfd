"""The journal: the append-only log of every run, and the only thing that is believed.

`append` assigns `seq` inside the transaction, refuses a writer whose fence is stale, and publishes what was committed,
in order, on the bus. Knows what an entry is, not what it means.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import msgspec
import sqlalchemy as sa

from alma.db.database import Database, insert_for
from alma.db.tables import entries, leases, runs
from alma.engine.bus import Bus
from alma.errors import FenceLost, NotFound
from alma.events import JournalEntry, MessageFinished, Recorded, RunFinished, RunStarted, StopRequested

_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(JournalEntry)


class Fence(msgspec.Struct, frozen=True):
    """The right to write for a task: good until somebody else claims the task."""

    run_id: str
    task_id: str
    epoch: int


class _Append(msgspec.Struct):
    run_id: str
    entries: Sequence[JournalEntry]
    fence: Fence | None


class Journal:
    def __init__(self, database: Database, bus: Bus) -> None:
        self._database = database
        self._bus = bus

    async def append(
        self, thread_id: str, run_id: str, new: Sequence[JournalEntry], *, fence: Fence | None = None
    ) -> list[Recorded]:
        """Write `new` at the end of the run's log, durably, and publish it on the thread's topic.

        Raises `FenceLost` when `fence` is stale, `NotFound` for an unknown run, `StorageFailure` when the disk is
        full; then nothing was written. Cancelling the caller does not undo the append.
        """
        return await asyncio.shield(self.submit(thread_id, run_id, new, fence=fence))

    def submit(
        self, thread_id: str, run_id: str, new: Sequence[JournalEntry], *, fence: Fence | None = None
    ) -> asyncio.Future[list[Recorded]]:
        """As `append`, without waiting: appends are written in the order in which they were submitted."""
        future = self._database.submit(_append, _Append(run_id, new, fence))
        future.add_done_callback(lambda done: self._publish(thread_id, done))
        return cast("asyncio.Future[list[Recorded]]", future)

    def _publish(self, thread_id: str, done: asyncio.Future[list[Recorded]]) -> None:
        if done.cancelled() or done.exception() is not None:
            return
        for recorded in done.result():
            self._bus.publish(thread_id, recorded)

    def publish(self, thread_id: str, recorded: Recorded) -> None:
        """Announce what is committed but not yet published: a run begun by `insert_run`, an append whose answer was
        lost."""
        self._bus.publish(thread_id, recorded)

    async def read(self, run_id: str, after: int = 0) -> list[Recorded]:
        """The run's entries with `seq` > `after`, in order; empty for an unknown run."""
        return await self._database.read(lambda connection: read_entries(connection, {run_id: after})[run_id])

    async def claim(self, run_id: str, task_id: str) -> Fence:
        """Take over a task: the returned fence is good, every earlier one is stale."""

        def raise_epoch(connection: sa.Connection) -> int:
            # Locks the run as `_append` does: neither passes the other between its look at the epoch and its commit.
            connection.execute(sa.select(runs.c.head).where(runs.c.id == run_id).with_for_update())
            insert = insert_for(connection)(leases).values(run_id=run_id, task_id=task_id, epoch=1)
            statement = insert.on_conflict_do_update(
                index_elements=["run_id", "task_id"], set_={"epoch": leases.c.epoch + 1}
            ).returning(leases.c.epoch)
            return connection.execute(statement).scalar_one()

        return Fence(run_id, task_id, await self._database.write(raise_epoch))

    async def unfinished(self) -> list[str]:
        """Ids of the runs whose log has no end yet, oldest first."""

        def query(connection: sa.Connection) -> list[str]:
            statement = sa.select(runs.c.id).where(runs.c.finished.is_(False)).order_by(runs.c.created_at)
            return list(connection.execute(statement).scalars())

        return await self._database.read(query)


def insert_run(connection: sa.Connection, run_id: str, entry: RunStarted) -> Fence:
    """Begin a run's log with its first entry, inside the caller's transaction; the caller holds its main task."""
    connection.execute(
        sa.insert(runs).values(
            id=run_id,
            thread_id=entry.thread_id,
            parent_run_id=entry.parent_run_id,
            owner=entry.owner,
            text=entry.text,
            head=1,
            created_at=entry.at,
        )
    )
    connection.execute(sa.insert(entries).values(run_id=run_id, seq=1, data=_encode(entry).decode()))
    return Fence(run_id, entry.task_id, 0)


def read_entries(connection: sa.Connection, after: dict[str, int]) -> dict[str, list[Recorded]]:
    """For each run in `after` its entries past that `seq`, on the caller's connection."""
    found: dict[str, list[Recorded]] = {run_id: [] for run_id in after}
    statement = (
        sa.select(entries.c.run_id, entries.c.seq, entries.c.data)
        .where(entries.c.run_id.in_(sa.bindparam("run_ids", expanding=True)), entries.c.seq > sa.bindparam("least"))
        .order_by(entries.c.run_id, entries.c.seq)
    )
    run_ids = list(after)
    for start in range(0, len(run_ids), 500):
        chunk = run_ids[start : start + 500]
        least = min(after[run_id] for run_id in chunk)
        for run_id, seq, data in connection.execute(statement, {"run_ids": chunk, "least": least}):
            if seq > after[run_id]:
                found[run_id].append(Recorded(run_id, seq, _decoder.decode(data)))
    return found


# The heads of runs, locked in the order of their ids so that two processes cannot wait for each other, and who holds
# their tasks; a task that was never claimed is held, at epoch 0, by whoever began the run.
_heads = (
    sa.select(runs.c.id, runs.c.head, runs.c.finished, leases.c.task_id, leases.c.epoch)
    .select_from(runs.outerjoin(leases, leases.c.run_id == runs.c.id))
    .where(runs.c.id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(runs.c.id)
    .with_for_update(of=runs)
)
_move_head = (
    sa.update(runs)
    .where(runs.c.id == sa.bindparam("run"))
    .values(head=sa.bindparam("new_head"), finished=sa.bindparam("ended", type_=sa.Boolean))
)
_keep_answer = sa.update(runs).where(runs.c.id == sa.bindparam("run")).values(answer=sa.bindparam("said"))


class _Head:
    """A run while a group of appends is being written."""

    __slots__ = ("ended", "epochs", "seq")

    def __init__(self, seq: int, ended: bool) -> None:
        self.seq = seq
        self.ended = ended
        self.epochs: dict[str, int] = {}  # by task


def _append(connection: sa.Connection, appends: Sequence[_Append]) -> list[list[Recorded] | Exception]:
    """All appends of one transaction."""
    heads: dict[str, _Head] = {}
    for run_id, seq, ended, task_id, epoch in connection.execute(_heads, {"ids": sorted({a.run_id for a in appends})}):
        head = heads.setdefault(run_id, _Head(seq, ended))
        if task_id is not None:
            head.epochs[task_id] = epoch
    results: list[list[Recorded] | Exception] = []
    rows: list[dict[str, Any]] = []
    answers: list[dict[str, Any]] = []
    moved: set[str] = set()
    for append in appends:
        head = heads.get(append.run_id)
        refusal = _refusal(append, head)
        if head is None or refusal is not None:
            results.append(refusal or _unknown(append.run_id))
            continue
        written: list[Recorded] = []
        for entry in append.entries:
            if head.ended and isinstance(entry, StopRequested):
                continue  # it came too late to mean anything
            head.seq += 1
            head.ended = head.ended or isinstance(entry, RunFinished)
            if isinstance(entry, MessageFinished):
                answers.append({"run": append.run_id, "said": entry.text.replace("\0", "")})
            written.append(Recorded(append.run_id, head.seq, entry))
            rows.append({"run_id": append.run_id, "seq": head.seq, "data": _encode(entry).decode()})
            moved.add(append.run_id)
        results.append(written)
    if rows:
        connection.execute(sa.insert(entries), rows)
        changes = [{"run": run, "new_head": heads[run].seq, "ended": heads[run].ended} for run in moved]
        connection.execute(_move_head, changes)
    if answers:
        connection.execute(_keep_answer, answers)
    return results


def _refusal(append: _Append, head: _Head | None) -> Exception | None:
    if head is None:
        return _unknown(append.run_id)
    fence = append.fence
    if fence is not None and (epoch := head.epochs.get(fence.task_id, 0)) != fence.epoch:
        message = f"Another worker has taken over task {fence.task_id} of run {fence.run_id}."
        return FenceLost(message, expected=f"epoch {epoch}", actual=f"epoch {fence.epoch}")
    return None


def _unknown(run_id: str) -> NotFound:
    return NotFound("unknown_run", f"There is no run {run_id}.")
