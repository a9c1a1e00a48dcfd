"""The journal: the append-only log of every run, and the only thing that is believed.

`append` assigns `seq` inside the transaction, refuses a writer whose fence is stale, and publishes what was committed,
in order, on the bus. Knows what an entry is, not what it means.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

from alma.db.database import Database, insert_for
from alma.db.tables import entries, leases, runs
from alma.engine.budget import day_of, spent_by
from alma.engine.bus import Bus
from alma.engine.spending import Spending
from alma.errors import FenceLost, HeadMoved, NotFound
from alma.events import (
    JournalEntry,
    MessageFinished,
    PlanAmended,
    PlanDecided,
    Recorded,
    RouteCorrected,
    RunFinished,
    RunStarted,
    Signaled,
    TaskFinished,
)
from alma.observability.ended import Book
from alma.plan import MAIN, parent_of

log = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(JournalEntry)
decode_entry = _decoder.decode  # an entry as it is stored


T = TypeVar("T")
Witness = Callable[[str, Recorded], None]  # thread id, entry
UNCLAIMED = -1


class Fence(msgspec.Struct):
    """The right to write for a task: good until somebody else claims the task. One that is `UNCLAIMED` claims it with
    the first append that carries it, in the same transaction; `epoch` is then set by the journal. `seen`: the claim
    rests on the log up to there, and is refused when more was written that concerns the task."""

    run_id: str
    task_id: str
    epoch: int = UNCLAIMED
    seen: int | None = None
    claimed_by: object = None  # the append that claimed it


class _Append(msgspec.Struct):
    run_id: str
    entries: Sequence[JournalEntry]
    fence: Fence | None
    head: int | None  # refuse unless the log ends here
    turn: int = 0  # in which group it was written


class Journal:
    def __init__(self, database: Database, bus: Bus, book: Book | None = None) -> None:
        """`book`: keeps, with the entries, rows of the calls and runs that they end."""
        self._database = database
        self._bus = bus
        self._book = book
        self._turn = 0  # groups of appends until now; of the writer's thread
        self._witnesses: tuple[Witness, ...] = ()

    async def append(
        self,
        thread_id: str,
        run_id: str,
        new: Sequence[JournalEntry],
        *,
        fence: Fence | None = None,
        head: int | None = None,
    ) -> list[Recorded]:
        """Write `new` at the end of the run's log, durably, and publish it on the thread's topic.

        Raises `FenceLost` when `fence` is stale, `HeadMoved` when the log does not end at `head` (if that is given),
        `NotFound` for an unknown run, `StorageFailure` when the disk is full; then nothing was written. What comes
        after the run's end is not written, and not in the result. Cancelling the caller does not undo the append.
        """
        return await asyncio.shield(self.submit(thread_id, run_id, new, fence=fence, head=head))

    def submit(
        self,
        thread_id: str,
        run_id: str,
        new: Sequence[JournalEntry],
        *,
        fence: Fence | None = None,
        head: int | None = None,
        then: Callable[[list[Recorded], int], None] = lambda _written, _turn: None,
    ) -> asyncio.Future[list[Recorded]]:
        """As `append`, without waiting: appends are written in the order in which they were submitted. What was written
        is given to `then`, with its turn (see `look`), and published before the future resolves."""
        append = _Append(run_id, new, fence, head)
        told: asyncio.Future[list[Recorded]] = asyncio.get_running_loop().create_future()

        def tell(done: asyncio.Future[list[Recorded]]) -> None:
            if (error := done.exception()) is not None:
                if fence is not None and fence.claimed_by is append:
                    fence.epoch = UNCLAIMED  # whether it was claimed is not known: claim it again
                told.set_exception(error)
                told.exception()  # it is no leak when nobody waits for it
                return
            written = done.result()
            try:
                then(written, append.turn)
                for recorded in written:
                    self.publish(thread_id, recorded)
            finally:
                told.set_result(written)

        self._database.submit(self._append_group, append).add_done_callback(tell)
        return told

    def _append_group(self, connection: sa.Connection, appends: Sequence[_Append]) -> list[list[Recorded] | Exception]:
        self._turn += 1
        for append in appends:
            append.turn = self._turn
        return _append(connection, appends, self._book)

    async def look(self, work: Callable[[sa.Connection], T]) -> tuple[int, T]:
        """Run `work` in the writer's line; gives the turn of the last appends that it has seen: none of a later turn,
        and all up to that one."""
        return await self._database.write(lambda connection: (self._turn, work(connection)))

    def publish(self, thread_id: str, recorded: Recorded) -> None:
        """Announce what is committed but not yet published: a run begun by `insert_run`, an append whose answer was
        lost."""
        self._bus.publish(thread_id, recorded)
        for witness in self._witnesses:
            try:
                witness(thread_id, recorded)
            except Exception:
                log.exception("a witness of the journal failed; the writer goes on")

    def subscribe_all(self, witness: Witness) -> None:
        """Call `witness` (which must not wait) for every entry that this process commits, of whatever thread, in the
        order of each run. Not the bus: that carries every token, and what other processes wrote. After an append whose
        answer was lost, an entry may come twice; `run_id` and `seq` tell."""
        self._witnesses = (*self._witnesses, witness)

    async def read(self, run_id: str, after: int = 0) -> list[Recorded]:
        """The run's entries with `seq` > `after`, in order; empty for an unknown run."""
        return await self._database.read(lambda connection: read_entries(connection, {run_id: after})[run_id])

    async def unfinished(self) -> list[str]:
        """Ids of the runs whose log has no end yet, oldest first."""

        def query(connection: sa.Connection) -> list[str]:
            statement = sa.select(runs.c.id).where(runs.c.finished.is_(False)).order_by(runs.c.created_at)
            return list(connection.execute(statement).scalars())

        return await self._database.read(query)


# Statements that every run needs many times are made once: to put one together costs as much as to execute it.
_new_run = sa.insert(runs)
_new_entries = sa.insert(entries)


def insert_run(connection: sa.Connection, run_id: str, entry: RunStarted, more: Sequence[JournalEntry] = ()) -> Fence:
    """Begin a run's log with its first entries, inside the caller's transaction; the caller holds its main task."""
    row = {
        "id": run_id,
        "thread_id": entry.thread_id,
        "parent_run_id": entry.parent_run_id,
        "owner": entry.owner,
        "text": entry.text,
        "head": 1 + len(more),
        "created_at": entry.at,
    }
    connection.execute(_new_run, row)
    rows = [{"run_id": run_id, "seq": seq, "data": _encode(one).decode()} for seq, one in enumerate((entry, *more), 1)]
    connection.execute(_new_entries, rows)
    return Fence(run_id, entry.task_id, 0)


def append_in(connection: sa.Connection, run_id: str, new: Sequence[JournalEntry]) -> list[Recorded]:
    """As `Journal.append`, inside the caller's transaction; the caller publishes it. Raises `NotFound`."""
    (written,) = _append(connection, [_Append(run_id, new, None, None)], None)
    if isinstance(written, Exception):
        raise written
    return written


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
        for run_id, seq, data in connection.execute(statement, {"run_ids": chunk, "least": least}).all():
            if seq > after[run_id]:
                found[run_id].append(Recorded(run_id, seq, decode_entry(data)))
    return found


# The heads of runs, locked in the order of their ids so that two processes cannot wait for each other, and who holds
# their tasks; a task that was never claimed is held, at epoch 0, by whoever began the run.
_heads = (
    sa.select(
        runs.c.id, runs.c.head, runs.c.finished, runs.c.owner, runs.c.created_at, leases.c.task_id, leases.c.epoch
    )
    .select_from(runs.outerjoin(leases, leases.c.run_id == runs.c.id))
    .where(runs.c.id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(runs.c.id)
    .with_for_update(of=runs)
)
_move_head = (
    sa.update(runs)
    .where(runs.c.id == sa.bindparam("run"))
    .values(
        head=sa.bindparam("new_head"),
        finished=sa.bindparam("ended", type_=sa.Boolean),
        answer=sa.func.coalesce(sa.bindparam("said", type_=sa.Text), runs.c.answer),
        outside=sa.func.coalesce(sa.bindparam("knew", type_=sa.Text), runs.c.outside),
    )
)


@functools.cache
def _raise_epochs(insert: Callable[[sa.Table], Any]) -> Any:
    """In the dialect of `insert`."""
    statement = insert(leases)
    return statement.on_conflict_do_update(
        index_elements=["run_id", "task_id"], set_={"epoch": statement.excluded.epoch}
    )


class _Head:
    """A run while a group of appends is being written."""

    __slots__ = ("answer", "began", "ended", "epochs", "outside", "owner", "seq", "tail")

    def __init__(self, seq: int, ended: bool, owner: str, began: float) -> None:
        self.seq = seq
        self.ended = ended
        self.owner = owner
        self.began = began
        self.answer: str | None = None  # a new one,
        self.outside: str | None = None  # and what from outside its agent knew
        self.epochs: dict[str, int] = {}  # by task
        self.tail: list[Recorded] = []  # what a claim of this group may not have seen


def _append(
    connection: sa.Connection, appends: Sequence[_Append], book: Book | None
) -> list[list[Recorded] | Exception]:
    """All appends of one transaction."""
    claimed: dict[tuple[str, str], int] = {}
    heads: dict[str, _Head] = {}
    found = connection.execute(_heads, {"ids": sorted({append.run_id for append in appends})})
    for run_id, seq, ended, owner, began, task_id, epoch in found:
        head = heads.get(run_id)
        if head is None:
            head = heads[run_id] = _Head(seq, ended, owner, began)
        if task_id is not None:
            head.epochs[task_id] = epoch
    _read_tails(connection, appends, heads)
    results: list[list[Recorded] | Exception] = []
    rows: list[dict[str, Any]] = []
    moved: set[str] = set()
    spending = Spending()
    if book is not None:
        book.begin()
    for append in appends:
        head = heads.get(append.run_id)
        refusal = _refusal(append, head)
        if head is None or refusal is not None:
            results.append(refusal or _unknown(append.run_id))
            continue
        if append.fence is not None and _is_open(append):
            _claim(append, append.fence, head, claimed)
        written: list[Recorded] = []
        for entry in append.entries:
            if head.ended and not isinstance(entry, RouteCorrected | Signaled):
                continue  # it came too late to mean anything
            head.seq += 1
            head.ended = head.ended or isinstance(entry, RunFinished)
            if isinstance(entry, MessageFinished) and entry.task_id == MAIN and entry.step.startswith("answer"):
                head.answer = entry.text.replace("\0", "")
                head.outside = "\n".join(entry.outside)
            if isinstance(entry, TaskFinished) and append.fence is None:
                # Ended by decision: whoever holds it elsewhere has nothing more to say.
                claimed[append.run_id, entry.task_id] = _raised(head, entry.task_id)
            if (spent := spent_by(entry)) is not None:
                spending.add(append.run_id, head.owner, day_of(entry.at), *spent)
            if book is not None:
                book.note(connection, append.run_id, head.seq, head.owner, head.began, entry)
            written.append(Recorded(append.run_id, head.seq, entry))
            rows.append({"run_id": append.run_id, "seq": head.seq, "data": _encode(entry).decode()})
            moved.add(append.run_id)
        head.tail += written
        results.append(written)
    if claimed:
        values = [{"run_id": run, "task_id": task, "epoch": epoch} for (run, task), epoch in claimed.items()]
        connection.execute(_raise_epochs(insert_for(connection)), values)
    if rows:
        connection.execute(_new_entries, rows)
        now = [(run, heads[run]) for run in moved]
        changes = [
            {"run": run, "new_head": head.seq, "ended": head.ended, "said": head.answer, "knew": head.outside}
            for run, head in now
        ]
        connection.execute(_move_head, changes)
        spending.write(connection)
        if book is not None:
            book.write(connection)
    return results


def _read_tails(connection: sa.Connection, appends: Sequence[_Append], heads: dict[str, _Head]) -> None:
    """What was written since the state was read on which claims of this group rest: as a rule, nothing."""
    after: dict[str, int] = {}
    for append in appends:
        head, fence = heads.get(append.run_id), append.fence
        if head is None or fence is None or fence.seen is None or fence.seen >= head.seq or not _is_open(append):
            continue
        after[append.run_id] = min(after.get(append.run_id, fence.seen), fence.seen)
    for run_id, tail in (read_entries(connection, after) if after else {}).items():
        heads[run_id].tail = tail


def _concerns(entry: JournalEntry, task_id: str) -> bool:
    """Whether a worker that begins on the task must know of the entry."""
    if entry.task_id == task_id:
        return True
    return isinstance(entry, PlanAmended | PlanDecided) and entry.task_id == parent_of(task_id)


def _is_open(append: _Append) -> bool:
    """Whether its fence is to be claimed with it; also when a transaction in which it was has been rolled back."""
    return append.fence is not None and (append.fence.epoch == UNCLAIMED or append.fence.claimed_by is append)


def _claim(append: _Append, fence: Fence, head: _Head, claimed: dict[tuple[str, str], int]) -> None:
    """Take over the task: this fence is good, every earlier one is stale."""
    fence.claimed_by = append
    fence.epoch = claimed[fence.run_id, fence.task_id] = _raised(head, fence.task_id)


def _raised(head: _Head, task_id: str) -> int:
    head.epochs[task_id] = head.epochs.get(task_id, 0) + 1
    return head.epochs[task_id]


def _refusal(append: _Append, head: _Head | None) -> Exception | None:
    if head is None:
        return _unknown(append.run_id)
    if append.head is not None and head.seq != append.head:
        return HeadMoved(f"Run {append.run_id} has moved on.", expected=f"seq {append.head}", actual=f"seq {head.seq}")
    fence = append.fence
    return _stale(append, fence, head) if fence is not None else None


def _stale(append: _Append, fence: Fence, head: _Head) -> FenceLost | None:
    if _is_open(append):
        seen = fence.seen
        if seen is None or not any(one.seq > seen and _concerns(one.entry, fence.task_id) for one in head.tail):
            return None
        message = f"Task {fence.task_id} of run {fence.run_id} has moved on since it was looked at."
        return FenceLost(message, expected="a claim that rests on the whole log", actual=f"one that saw {seen} entries")
    epoch = head.epochs.get(fence.task_id, 0)
    if epoch == fence.epoch:
        return None
    message = f"Another worker has taken over task {fence.task_id} of run {fence.run_id}."
    return FenceLost(message, expected=f"epoch {epoch}", actual=f"epoch {fence.epoch}")


def _unknown(run_id: str) -> NotFound:
    return NotFound("unknown_run", f"There is no run {run_id}.")
