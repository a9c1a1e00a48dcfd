"""What has ended: a row for each model call and each run, made of the entries that end them and written with these.

So numbers and journal cannot differ, whatever crashes. Plain functions on the writer's connection; who follows the
journal takes a row, once its entry is committed, from `Book.take`.
"""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from alma.db.database import insert_for
from alma.db.tables import entries
from alma.db.watch_tables import calls, run_ends
from alma.events import (
    AttemptFailed,
    JournalEntry,
    MessageFinished,
    MessageStarted,
    RunFinished,
    TaskFinished,
)
from alma.model_call import Paid
from alma.observability.sketch import bucket_of

_TELLING = frozenset((MessageStarted, MessageFinished, AttemptFailed, TaskFinished, RunFinished))
_MOST_RUNS = 20_000  # whose open messages are known
_MOST_FRESH = 20_000  # rows that nobody has taken
_LOST = "cut_off"  # the error of an attempt of which nothing is known but what it used
_decode = msgspec.json.Decoder(JournalEntry).decode


class Call(Struct, frozen=True):
    """A model call that ended, as its table has it."""

    run_id: str
    seq: int
    owner: str
    agent: str
    model: str
    endpoint: str
    at: float
    first_token_ms: float | None
    first_bucket: int | None
    ms: float
    bucket: int
    input_tokens: int
    output_tokens: int
    cost: float
    cache: str = ""
    error: str = ""


class RunEnd(Struct, frozen=True):
    """A run that ended, as its table has it."""

    run_id: str
    owner: str
    at: float
    ms: float
    bucket: int
    status: str
    error: str = ""


class _Begun(Struct, frozen=True):
    """An attempt that has begun."""

    message_id: str
    attempt: int
    agent: str
    model: str
    endpoint: str
    at: float


Row = Call | RunEnd


@functools.cache
def _new(insert: Callable[[sa.Table], Any], table: sa.Table) -> Any:
    """In the dialect of `insert`. What is there stays: nothing about figures may keep an entry from being written."""
    return insert(table).on_conflict_do_nothing()


class Book:
    """`note` and `write` are the writer's, in its thread; `take` is the loop's. An attempt's agent and model stand in
    the entry that begins it, which is remembered until it ends; after a restart it is read once more."""

    def __init__(self) -> None:
        self._begun: OrderedDict[str, dict[str, _Begun]] = OrderedDict()  # by run and task
        self._fresh: OrderedDict[tuple[str, int], tuple[Row, ...]] = OrderedDict()
        self._calls: list[Call] = []
        self._ends: list[RunEnd] = []

    def begin(self) -> None:
        """A transaction begins: what the one before noted was written, or was rolled back."""
        self._calls.clear()
        self._ends.clear()

    def note(
        self, connection: sa.Connection, run_id: str, seq: int, owner: str, began: float, entry: JournalEntry
    ) -> None:
        """An entry is being written to a run that began at `began`."""
        if type(entry) not in _TELLING:
            return
        rows: list[Row] = []
        match entry:
            case MessageStarted():
                self._remember(run_id, entry)
                self._lost(rows, run_id, seq, owner, entry, entry.lost)
            case MessageFinished():
                begun = self._ended(connection, run_id, entry)
                if entry.model_id and begun is not None:
                    rows.append(_finished(run_id, seq, owner, entry, begun))
            case AttemptFailed():
                if (begun := self._ended(connection, run_id, entry)) is not None and entry.sent:
                    rows.append(_failed(run_id, seq, owner, entry, begun))
            case TaskFinished():
                self._lost(rows, run_id, seq, owner, entry, entry.lost)
            case RunFinished():
                self._lost(rows, run_id, seq, owner, entry, entry.lost)
                self._begun.pop(run_id, None)
                rows.append(_run_end(run_id, owner, began, entry))
            case _:
                pass
        if rows:
            self._calls += [row for row in rows if isinstance(row, Call)]
            self._ends += [row for row in rows if isinstance(row, RunEnd)]
            self._fresh[run_id, seq] = tuple(rows)
            if len(self._fresh) > _MOST_FRESH:
                self._fresh.popitem(last=False)

    def write(self, connection: sa.Connection) -> None:
        insert = insert_for(connection)
        if self._calls:
            connection.execute(_new(insert, calls), [msgspec.structs.asdict(row) for row in self._calls])
        if self._ends:
            connection.execute(_new(insert, run_ends), [msgspec.structs.asdict(row) for row in self._ends])

    def take(self, run_id: str, seq: int) -> tuple[Row, ...]:
        """The rows of an entry that is committed, once."""
        return self._fresh.pop((run_id, seq), ())

    def _remember(self, run_id: str, entry: MessageStarted) -> None:
        self._begun.setdefault(run_id, {})[entry.task_id] = _begun(entry)
        if len(self._begun) > _MOST_RUNS:
            self._begun.popitem(last=False)

    def _ended(self, connection: sa.Connection, run_id: str, entry: MessageFinished | AttemptFailed) -> _Begun | None:
        """The beginning of what this entry ends; None: no model was asked."""
        of_run = self._begun.get(run_id)
        begun = of_run.get(entry.task_id) if of_run is not None else None
        if begun is not None and of_run is not None and _is_of(begun, entry):
            del of_run[entry.task_id]
            return begun
        if isinstance(entry, MessageFinished) and not entry.model_id:
            return None
        return _read_begun(connection, run_id, entry)

    def _lost(self, rows: list[Row], run_id: str, seq: int, owner: str, entry: JournalEntry, paid: Paid | None) -> None:
        """An attempt that a crash or a stop cut off before it had said anything."""
        if paid is None or not paid.tokens:
            return
        begun = self._begun.get(run_id, {}).get(entry.task_id)
        agent, endpoint = (begun.agent, begun.endpoint) if begun is not None else ("", "")
        rows.append(_row(run_id, seq, owner, entry.at, agent, paid.model, endpoint, paid, _LOST, paid.ms))


def _begun(entry: MessageStarted) -> _Begun:
    return _Begun(entry.message_id, entry.attempt, entry.role, entry.model, entry.endpoint, entry.at)


def _is_of(begun: _Begun, entry: MessageFinished | AttemptFailed) -> bool:
    return (begun.message_id, begun.attempt) == (entry.message_id, entry.attempt)


def _read_begun(connection: sa.Connection, run_id: str, entry: MessageFinished | AttemptFailed) -> _Begun | None:
    """From the log: rare, for who began it as a rule ends it."""
    query = sa.select(entries.c.data).where(entries.c.run_id == run_id).order_by(entries.c.seq.desc())
    for data in connection.execute(query).scalars():
        before = _decode(data)
        if isinstance(before, MessageStarted) and _is_of(begun := _begun(before), entry):
            return begun
    return None


def _finished(run_id: str, seq: int, owner: str, entry: MessageFinished, begun: _Begun) -> Call:
    first, usage, hit = entry.timing.first_token_ms, entry.usage, entry.cache
    spoke = first > 0 and hit is None
    return Call(
        run_id=run_id,
        seq=seq,
        owner=owner,
        agent=begun.agent,
        model=begun.model,
        endpoint=entry.endpoint or begun.endpoint,
        at=entry.at,
        first_token_ms=first if spoke else None,
        first_bucket=bucket_of(first) if spoke else None,
        ms=entry.timing.total_ms,
        bucket=bucket_of(entry.timing.total_ms),
        input_tokens=0 if hit is not None else usage.input_tokens,
        output_tokens=0 if hit is not None else usage.output_tokens,
        cost=entry.cost,
        cache=hit.source if hit is not None else "",
    )


def _failed(run_id: str, seq: int, owner: str, entry: AttemptFailed, begun: _Begun) -> Call:
    ms = max((entry.at - begun.at) * 1000, 0.0)
    endpoint = entry.endpoint or begun.endpoint
    return _row(run_id, seq, owner, entry.at, begun.agent, begun.model, endpoint, entry.paid, entry.error.code, ms)


def _row(
    run_id: str,
    seq: int,
    owner: str,
    at: float,
    agent: str,
    model: str,
    endpoint: str,
    paid: Paid | None,
    error: str,
    ms: float,
) -> Call:
    used = paid or Paid()
    return Call(
        run_id=run_id,
        seq=seq,
        owner=owner,
        agent=agent,
        model=model,
        endpoint=endpoint,
        at=at,
        first_token_ms=None,
        first_bucket=None,
        ms=ms,
        bucket=bucket_of(ms),
        input_tokens=used.input_tokens,
        output_tokens=used.output_tokens,
        cost=used.cost,
        error=error,
    )


def _run_end(run_id: str, owner: str, began: float, entry: RunFinished) -> RunEnd:
    ms = max((entry.at - began) * 1000, 0.0)
    error = entry.error.code if entry.error is not None else ""
    return RunEnd(run_id, owner, entry.at, ms, bucket_of(ms), entry.status, error)
