"""Tasks of before that a version can be tried on: what was asked, and the answer that its owner approved."""

from __future__ import annotations

from collections.abc import Collection

import msgspec
import sqlalchemy as sa

from alma.db.learning_tables import lessons, outcomes
from alma.db.tables import runs
from alma.learner.scoring import Past
from alma.learning.holdout import held_out
from alma.learning.outcome import Outcome
from alma.plan import MAIN

_LOOKED_AT = 2000  # of the newest runs
_OUTCOME = msgspec.json.Decoder(Outcome)


def past_tasks(connection: sa.Connection, owner: str, role: str, without: Collection[str], most: int) -> list[Past]:
    """Of the newest runs in which `role` had a part and of which something is known, those that are held out and not
    in `without`; those with an approved answer first. What was asked later in a conversation is left out: without what
    was said before it is another task."""
    row = outcomes.c
    joined = outcomes.outerjoin(runs, runs.c.id == row.run_id)
    asked = sa.select(row.data).select_from(joined).where(row.owner == owner, runs.c.parent_run_id.is_(None))
    asked = asked.order_by(row.num.desc()).limit(_LOOKED_AT)
    found = [_OUTCOME.decode(data) for data in connection.execute(asked).scalars()]
    wanted = [
        one for one in found if one.text and held_out(one.run_id) and one.run_id not in without and _known(one, role)
    ]
    ids = [one.run_id for one in wanted]
    whole = _approved(connection, owner, ids, lessons.c.task_id.in_(["", MAIN]))
    own = _approved(connection, owner, ids, sa.and_(lessons.c.role == role, lessons.c.task_id.not_in(["", MAIN])))
    past = [Past(one.run_id, one.text, one.kind, whole.get(one.run_id, ""), own.get(one.run_id, "")) for one in wanted]
    return sorted(past, key=lambda one: (not one.own, not one.approved))[:most]


def since(connection: sa.Connection, owner: str, at: float, most: int) -> list[Outcome]:
    """Of the runs that ended since then, the newest, oldest first."""
    row = outcomes.c
    asked = sa.select(row.data).where(row.owner == owner, row.at >= at).order_by(row.at.desc()).limit(most)
    return [_OUTCOME.decode(data) for data in reversed(connection.execute(asked).scalars().all())]


def follows(connection: sa.Connection, run_id: str) -> bool:
    """Whether something was said before it in its conversation."""
    return connection.execute(sa.select(runs.c.parent_run_id).where(runs.c.id == run_id)).scalar() is not None


def _known(outcome: Outcome, role: str) -> bool:
    return any(task.role == role and (task.reward is not None or task.error) for task in outcome.tasks)


def _approved(
    connection: sa.Connection, owner: str, run_ids: list[str], which: sa.ColumnElement[bool]
) -> dict[str, str]:
    """By run, the newest approved answer of those."""
    row = lessons.c
    asked = sa.select(row.run_id, row.answer).where(row.owner == owner, which)
    found: dict[str, str] = {}
    for at in range(0, len(run_ids), 500):
        some = asked.where(row.run_id.in_(run_ids[at : at + 500])).order_by(row.created_at)
        found.update((run_id, answer) for run_id, answer in connection.execute(some))
    return found
