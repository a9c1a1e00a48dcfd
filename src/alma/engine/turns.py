"""The conversation that a run continues: its ancestors in the thread's tree, read from their journals."""

from __future__ import annotations

import sqlalchemy as sa

from alma.agent.task import Turn
from alma.db.tables import runs
from alma.engine.journal import read_entries
from alma.events import MessageFinished, Recorded

_MOST_TURNS = 400  # older ones could not fit any window that they would help in


def read_turns(connection: sa.Connection, run_id: str) -> list[Turn]:
    """The turns up to and including `run_id`, oldest first."""
    line = sa.select(runs.c.id, runs.c.parent_run_id, runs.c.text, sa.literal(0).label("depth")).where(
        runs.c.id == run_id
    )
    ancestors = line.cte("ancestors", recursive=True)
    parent = runs.alias("parent")
    step = sa.select(parent.c.id, parent.c.parent_run_id, parent.c.text, ancestors.c.depth + 1).where(
        parent.c.id == ancestors.c.parent_run_id, ancestors.c.depth < _MOST_TURNS
    )
    ancestors = ancestors.union_all(step)
    rows = connection.execute(sa.select(ancestors.c.id, ancestors.c.text).order_by(ancestors.c.depth.desc())).all()
    logs = read_entries(connection, {row.id: 0 for row in rows})
    return [Turn(row.text, _answer(logs[row.id])) for row in rows]


def _answer(log: list[Recorded]) -> str:
    for recorded in reversed(log):
        if isinstance(recorded.entry, MessageFinished):
            return recorded.entry.text
    return ""
