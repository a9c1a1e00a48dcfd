"""How a run begins: its thread, its key, its first entries, in one transaction. Plain functions on a connection."""

from __future__ import annotations

import hashlib
import time

import msgspec
import sqlalchemy as sa

from alma.db.tables import entries
from alma.db.tables import threads as thread_rows
from alma.engine.budget import Limits, tightest
from alma.engine.fold import fold
from alma.engine.journal import Fence, decode_entry, insert_run
from alma.errors import Conflict, InvalidRequest
from alma.events import Fork, JournalEntry, Kind, Recorded, RunStarted
from alma.learned import Trial
from alma.session import threads
from alma.session.deeds import hear
from alma.session.evidence import read_journal
from alma.session.fork import forked
from alma.session.ids import new_id


class Ask(msgspec.Struct, frozen=True):
    """A task as a user sends it; see `commands.StartRun`. `of_run_id`: retry or edit that turn. `trial`: nobody asked,
    it is rehearsed; it goes into the hidden thread of its trial, whatever `thread_id` says."""

    key: str
    text: str
    thread_id: str | None = None
    parent_run_id: str | None = None
    root: bool = False
    model: str | None = None
    kind: Kind | None = None
    of_run_id: str | None = None
    approve: bool = False
    priority: int = 0
    tokens: int = 0
    seconds: float = 0.0
    money: float = 0.0
    fresh: bool = False
    fork: Fork | None = None
    trial: Trial | None = None


class Made(msgspec.Struct):
    """What the transaction of `start` made (or found, when the key had been used). `heard`: what it says of a run of
    before."""

    run_id: str
    thread_id: str
    first: list[JournalEntry] = []
    fence: Fence | None = None
    new_thread: bool = False
    unfinished: bool = False
    heard: Recorded | None = None


def insert(connection: sa.Connection, owner: str, ask: Ask, limits: Limits, *, remember: bool = True) -> Made:
    """Write the run with its thread and its first entries; or find it, when its key was used. `limits`: of every run;
    what is asked for counts within them. `remember`: what is said in it may become memories."""
    fingerprint = hashlib.sha256(msgspec.json.encode(ask)).hexdigest()[:32]
    run_id = new_id("r")
    before = threads.claim_key(connection, owner, ask.key, fingerprint, run_id)
    if before is not None:
        return _seen_before(connection, owner, ask, fingerprint, before)
    at = time.time()
    own = tightest(Limits(ask.tokens, ask.seconds, ask.money), limits)
    thread_id = ask.thread_id or new_id("t")
    parent = None
    if ask.trial is not None:
        thread_id = threads.hidden_thread(connection, owner, ask.trial.purpose, at)
    elif ask.thread_id is None:
        if ask.parent_run_id is not None:
            raise _no_such_turn(ask.parent_run_id)  # and another owner's turn is none that could be followed
        threads.create_thread(connection, owner, thread_id, threads.title_from(ask.text), at)
    else:
        parent = _parent_in(connection, owner, ask, at)
    entry = RunStarted(
        at=at,
        thread_id=thread_id,
        owner=owner,
        text=ask.text,
        parent_run_id=parent,
        of_run_id=ask.of_run_id,
        model=ask.model or (_asked_of(connection, ask.of_run_id) if ask.of_run_id is not None else None),
        kind=ask.kind,
        key=ask.key,
        approve=ask.approve,
        priority=max(-9, min(ask.priority, 9)),
        tokens=own.tokens,
        seconds=own.seconds if ask.seconds and own.seconds == ask.seconds else 0.0,  # 0: as for every run
        money=own.money,
        fresh=ask.fresh,
        remember=remember and ask.trial is None,
        fork=ask.fork,
        trial=ask.trial,
    )
    more: list[JournalEntry] = []
    if ask.fork is not None:
        origin = fold(ask.fork.run_id, read_journal(connection, owner, ask.fork.run_id))
        more = forked(origin, ask.fork, at)
        if origin.started is not None:
            model = entry.model or origin.started.model
            entry = msgspec.structs.replace(entry, model=model, kind=origin.started.kind)
    fence = insert_run(connection, run_id, entry, more)
    new_thread = ask.thread_id is None and ask.trial is None
    return Made(run_id, thread_id, [entry, *more], fence, new_thread, heard=hear(connection, run_id, entry))


def _asked_of(connection: sa.Connection, run_id: str) -> str | None:
    """The model that a run was meant for: who tries again means the same one."""
    first = connection.execute(sa.select(entries.c.data).where(entries.c.run_id == run_id, entries.c.seq == 1)).scalar()
    started = decode_entry(first) if first is not None else None
    return started.model if isinstance(started, RunStarted) else None


def _parent_in(connection: sa.Connection, owner: str, ask: Ask, at: float) -> str | None:
    """The turn that the new one follows, in an existing thread."""
    assert ask.thread_id is not None
    thread = threads.get_thread(connection, owner, ask.thread_id)
    changed: dict[str, object] = {"updated_at": at}
    if not thread.title:
        changed["title"] = threads.title_from(ask.text)
    connection.execute(sa.update(thread_rows).where(thread_rows.c.id == ask.thread_id).values(changed))
    if ask.root:
        return None
    known = threads.run_ids(connection, ask.thread_id)
    if ask.parent_run_id is None:
        return known[-1] if known else None
    if ask.parent_run_id not in known:
        raise _no_such_turn(ask.parent_run_id)
    return ask.parent_run_id


def _no_such_turn(run_id: str) -> InvalidRequest:
    return InvalidRequest(
        "unknown_run",
        f"There is no run {run_id!r} in this thread.",
        expected="parentRunId: a run of the thread",
        hint="It may have been deleted.",
    )


def _seen_before(connection: sa.Connection, owner: str, ask: Ask, fingerprint: str, before: tuple[str, str]) -> Made:
    if before[0] != fingerprint:
        raise Conflict(
            "key_reused",
            f"The idempotency key {ask.key!r} was used for another command.",
            expected="a new key for a new command",
            hint="Make a random key for each task the user sends.",
        )
    row = threads.find_run(connection, owner, before[1])
    return Made(before[1], row.thread_id, unfinished=not row.finished)
