"""The conversation that a run continues: its ancestors in the thread's tree."""

from __future__ import annotations

import sqlalchemy as sa

from alma.agent.task import Turn
from alma.db.tables import runs

_MOST_TURNS = 400  # older ones could not fit any window that they would help in


def read_history(connection: sa.Connection, run_id: str) -> tuple[list[Turn], int]:
    """The newest turns up to and including `run_id`, oldest first, and how many older ones there are."""
    line = _line(run_id, _MOST_TURNS)
    rows = connection.execute(
        sa.select(runs.c.id, runs.c.text, runs.c.answer)
        .join(line, line.c.id == runs.c.id)
        .order_by(line.c.depth.desc())
    ).all()
    older = 0
    if len(rows) == _MOST_TURNS:
        older = connection.execute(sa.select(sa.func.count()).select_from(_line(run_id, None))).scalar_one() - len(rows)
    return [Turn(row.id, row.text, row.answer) for row in rows], older


def read_turns(connection: sa.Connection, run_ids: list[str]) -> list[Turn]:
    """These turns, in this order."""
    query = sa.select(runs.c.id, runs.c.text, runs.c.answer).where(runs.c.id.in_(run_ids))
    found = {row.id: Turn(row.id, row.text, row.answer) for row in connection.execute(query)}
    return [found[run_id] for run_id in run_ids if run_id in found]


def _line(run_id: str, most: int | None) -> sa.CTE:
    """Ids from `run_id` back to its root, with their distance."""
    first = sa.select(runs.c.id, runs.c.parent_run_id, sa.literal(0).label("depth")).where(runs.c.id == run_id)
    line = first.cte("line", recursive=True)
    parent = runs.alias("parent")
    step = sa.select(parent.c.id, parent.c.parent_run_id, line.c.depth + 1).where(parent.c.id == line.c.parent_run_id)
    if most is not None:
        step = step.where(line.c.depth < most - 1)
    return line.union_all(step)
