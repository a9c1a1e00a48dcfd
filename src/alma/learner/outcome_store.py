"""Outcomes in their table: made of journals, kept, found again, deleted. Plain functions on a connection."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from alma.db.database import insert_for
from alma.db.learning_tables import outcomes
from alma.db.tables import runs, threads
from alma.engine.journal import read_entries
from alma.engine.state import RunState
from alma.events import Recorded
from alma.learner.outcomes import WeightsOf, outcome_of, pruned, weighed, with_late
from alma.learning.outcome import Outcome
from alma.learning.reward import Weights

log = logging.getLogger(__name__)
_decode = msgspec.json.Decoder(Outcome).decode
_encode = msgspec.json.Encoder().encode
PAGE = 50


class Made(Struct, frozen=True):
    """`before`: what was kept of the run until now. `head`: of the journal that `after` was made from."""

    before: Outcome | None
    after: Outcome
    head: int


class Ended(Struct, frozen=True):
    """A run as its engine has put it away, and the journal that it is made of: for the first time, and nothing was said
    of it since."""

    state: RunState
    log: Sequence[Recorded]


def make(connection: sa.Connection, run_ids: Sequence[str], weights: WeightsOf) -> list[Made]:
    """The outcomes of those of these runs that have one, out of their journals as they are kept now."""
    kept = {row.run_id: _decode(row.data) for row in _rows(connection, outcomes.c.run_id.in_(run_ids))}
    journals = read_entries(connection, dict.fromkeys(run_ids, 0))
    found = [make_one(kept.get(run_id), journal, weights) for run_id, journal in journals.items()]
    return [one for one in found if one is not None]


def make_one(
    before: Outcome | None, journal: Sequence[Recorded], weights: WeightsOf, known: RunState | None = None
) -> Made | None:
    """`known`: what the journal makes, where that is known. None: there is none, or it is not understood, which must
    not keep others from being counted."""
    try:
        if before is not None and pruned(journal, before):
            after = with_late(before, journal, weights(before.owner))
        else:
            after = outcome_of(journal, weights, known)
    except Exception:
        log.exception("run %s could not be counted", journal[0].run_id)
        return None
    return Made(before, after, journal[-1].seq) if after is not None else None


def keep(connection: sa.Connection, made: Sequence[Made]) -> list[Made]:
    """Write them; gives back those whose runs are still there."""
    ids = [one.after.run_id for one in made]
    there = set(connection.execute(sa.select(runs.c.id).where(runs.c.id.in_(ids))).scalars())
    kept = [one for one in made if one.after.run_id in there]
    new = insert_for(connection)(outcomes)
    anew = {name: new.excluded[name] for name in ("at", "head", "data")}
    # Of a run that was not counted yet another process may have heard more meanwhile.
    for where, rows in (
        (outcomes.c.head <= new.excluded.head, [_row(one) for one in kept if one.before is None]),
        (None, [_row(one) for one in kept if one.before is not None]),
    ):
        if rows:
            connection.execute(new.on_conflict_do_update(index_elements=["run_id"], set_=anew, where=where), rows)
    return kept


def _row(made: Made) -> dict[str, object]:
    after = made.after
    whose = {"run_id": after.run_id, "owner": after.owner, "thread_id": after.thread_id}
    return {**whose, "at": after.at, "head": made.head, "data": _encode(after).decode()}


def find(connection: sa.Connection, owner: str, run_id: str) -> Outcome | None:
    rows = _rows(connection, sa.and_(outcomes.c.run_id == run_id, outcomes.c.owner == owner))
    return next((_decode(row.data) for row in rows), None)


def weigh(
    connection: sa.Connection, owner: str, weights: Weights, past: int = 0
) -> tuple[list[tuple[Outcome, Outcome]], int | None]:
    """A page of an owner's outcomes past the row `past`, with what they are by these weights where that is another;
    and the last row that was looked at, None: there is no more."""
    asked = sa.select(outcomes.c.num, outcomes.c.data).where(outcomes.c.owner == owner, outcomes.c.num > past)
    rows = connection.execute(asked.order_by(outcomes.c.num).limit(PAGE)).all()
    known = [_decode(row.data) for row in rows]
    pairs = [(one, weighed(one, weights)) for one in known]
    return [(before, after) for before, after in pairs if after != before], rows[-1].num if rows else None


def replace_all(connection: sa.Connection, changed: Sequence[Outcome]) -> None:
    """Write them in place of those of the same runs, where those are still there."""
    for one in changed:
        data = _encode(one).decode()
        connection.execute(sa.update(outcomes).where(outcomes.c.run_id == one.run_id).values(data=data))


def newest(connection: sa.Connection, most: int, owner: str | None = None) -> list[Outcome]:
    """Of each owner, or of this one, the newest `most`, oldest first."""
    rank = sa.func.row_number().over(
        partition_by=outcomes.c.owner, order_by=(outcomes.c.at.desc(), outcomes.c.run_id.desc())
    )
    whose = sa.true() if owner is None else outcomes.c.owner == owner
    ranked = sa.select(outcomes.c.num, rank.label("rank")).where(whose).subquery()
    wanted = sa.select(ranked.c.num).where(ranked.c.rank <= most)
    asked = sa.select(outcomes.c.data).where(outcomes.c.num.in_(wanted)).order_by(outcomes.c.at, outcomes.c.run_id)
    return [_decode(data) for data in connection.execute(asked).scalars()]


def uncounted(connection: sa.Connection, after: tuple[float, str]) -> list[tuple[float, str]]:
    """Runs that ended, or were spoken of, and are not counted as they are now: when they began, and their ids; a page
    of the oldest past `after`."""
    behind = sa.or_(outcomes.c.run_id.is_(None), outcomes.c.head != runs.c.head)
    query = (
        sa.select(runs.c.created_at, runs.c.id)
        .select_from(
            runs.join(threads, threads.c.id == runs.c.thread_id).outerjoin(outcomes, outcomes.c.run_id == runs.c.id)
        )
        .where(runs.c.finished.is_(True), threads.c.hidden.is_(False), behind)
        .where(
            sa.tuple_(runs.c.created_at, runs.c.id)
            > sa.tuple_(sa.literal(after[0], sa.Double), sa.literal(after[1], sa.Text))
        )
        .order_by(runs.c.created_at, runs.c.id)
        .limit(PAGE)
    )
    return [(at, run_id) for at, run_id in connection.execute(query)]


def forget(connection: sa.Connection, run_ids: Sequence[str]) -> None:
    for at in range(0, len(run_ids), 500):
        connection.execute(sa.delete(outcomes).where(outcomes.c.run_id.in_(run_ids[at : at + 500])))


def tidy(connection: sa.Connection) -> None:
    """Take away what is left of runs that are not there: a crash came between."""
    there = sa.select(runs.c.id).where(runs.c.id == outcomes.c.run_id).exists()
    connection.execute(sa.delete(outcomes).where(~there))


def _rows(connection: sa.Connection, which: sa.ColumnElement[bool]) -> Sequence[sa.Row[str, str]]:
    return connection.execute(sa.select(outcomes.c.run_id, outcomes.c.data).where(which)).all()
