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
from alma.events import JournalEntry, Recorded, RunFinished, RunStarted

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

    def publish_created(self, run_id: str, entry: RunStarted) -> None:
        """Announce a run that was inserted by `insert_run`, after its commit."""
        self._bus.publish(entry.thread_id, Recorded(run_id, 1, entry))

    async def read(self, run_id: str, after: int = 0) -> list[Recorded]:
        """The run's entries with `seq` > `after`, in order; empty for an unknown run."""
        return (await self.read_many({run_id: after}))[run_id]

    async def read_many(self, after: dict[str, int]) -> dict[str, list[Recorded]]:
        """For each run in `after` its entries past that `seq`, in one query."""
        return await self._database.read(lambda connection: read_entries(connection, after))

    async def claim(self, run_id: str, task_id: str) -> Fence:
        """Take over a task: the returned fence is good, every earlier one is stale."""

        def raise_epoch(connection: sa.Connection) -> int:
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
    """As `Journal.read_many`, on the caller's connection."""
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
    sa.select(runs.c.id, runs.c.head, leases.c.task_id, leases.c.epoch)
    .select_from(runs.outerjoin(leases, leases.c.run_id == runs.c.id))
    .where(runs.c.id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(runs.c.id)
    .with_for_update(of=runs)
)
_move_head = (
    sa.update(runs)
    .where(runs.c.id == sa.bindparam("run"))
    .values(head=sa.bindparam("new_head"), finished=sa.or_(runs.c.finished, sa.bindparam("ends", type_=sa.Boolean)))
)


def _append(connection: sa.Connection, appends: Sequence[_Append]) -> list[list[Recorded] | Exception]:
    """All appends of one transaction."""
    heads: dict[str, int] = {}
    epochs: dict[tuple[str, str], int] = {}
    for run_id, head, task_id, epoch in connection.execute(_heads, {"ids": sorted({one.run_id for one in appends})}):
        heads[run_id] = head
        if task_id is not None:
            epochs[run_id, task_id] = epoch
    results: list[list[Recorded] | Exception] = []
    rows: list[dict[str, Any]] = []
    moved: dict[str, bool] = {}
    for append in appends:
        refusal = _refusal(append, heads, epochs)
        if refusal is not None:
            results.append(refusal)
            continue
        written: list[Recorded] = []
        for entry in append.entries:
            heads[append.run_id] += 1
            recorded = Recorded(append.run_id, heads[append.run_id], entry)
            written.append(recorded)
            rows.append({"run_id": recorded.run_id, "seq": recorded.seq, "data": _encode(entry).decode()})
            moved[append.run_id] = moved.get(append.run_id, False) or isinstance(entry, RunFinished)
        results.append(written)
    if rows:
        connection.execute(sa.insert(entries), rows)
        changes = [{"run": run, "new_head": heads[run], "ends": ends} for run, ends in moved.items()]
        connection.execute(_move_head, changes)
    return results


def _refusal(append: _Append, heads: dict[str, int], epochs: dict[tuple[str, str], int]) -> Exception | None:
    if append.run_id not in heads:
        return NotFound("unknown_run", f"There is no run {append.run_id}.")
    fence = append.fence
    if fence is not None and (epoch := epochs.get((fence.run_id, fence.task_id), 0)) != fence.epoch:
        message = f"Another worker has taken over task {fence.task_id} of run {fence.run_id}."
        return FenceLost(message, expected=f"epoch {epoch}", actual=f"epoch {fence.epoch}")
    return None
