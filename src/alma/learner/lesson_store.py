"""Lessons at rest: the SQL of their table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa
from msgspec import Struct

from alma.db.database import insert_for
from alma.db.learning_tables import lessons, lessons_deleted
from alma.db.tables import runs
from alma.learner.approved import Approved, How
from alma.memory.embedder import DIMENSIONS, Vector
from alma.plan import MAIN

_CHUNK = 500  # ids in one statement


class Lesson(Struct, frozen=True):
    """An answer that its owner approved. `vector` None: its task is not embedded yet; `on`: it may be told."""

    id: str
    owner: str
    role: str
    kind: str
    run_id: str
    task_id: str
    thread_id: str
    task: str
    answer: str
    how: How
    on: bool
    tokens: int
    created_at: float
    vector: Vector | None = None


def load(connection: sa.Connection) -> list[Lesson]:
    """All, oldest first."""
    return [_lesson(row) for row in connection.execute(sa.select(lessons).order_by(lessons.c.created_at, lessons.c.id))]


def find(connection: sa.Connection, owner: str, lesson_id: str) -> Lesson | None:
    row = connection.execute(sa.select(lessons).where(lessons.c.owner == owner, lessons.c.id == lesson_id)).first()
    return _lesson(row) if row is not None else None


def page(
    connection: sa.Connection, owner: str, role: str, query: str, limit: int, offset: int
) -> tuple[list[Lesson], int]:
    """The newest first, and how many there are; `query`: words that stand in task or answer."""
    where = [lessons.c.owner == owner]
    if role:
        where.append(lessons.c.role == role)
    where += [
        sa.or_(
            sa.func.lower(lessons.c.task).contains(word, autoescape=True),
            sa.func.lower(lessons.c.answer).contains(word, autoescape=True),
        )
        for word in query.lower().split()
    ]
    total = connection.execute(sa.select(sa.func.count()).select_from(lessons).where(*where)).scalar() or 0
    chosen = sa.select(lessons).where(*where).order_by(lessons.c.created_at.desc(), lessons.c.id).limit(limit)
    return [_lesson(row) for row in connection.execute(chosen.offset(offset))], total


def put(connection: sa.Connection, lesson: Lesson) -> None:
    """In place of one of the same id."""
    connection.execute(sa.delete(lessons).where(lessons.c.id == lesson.id))
    row = {name: getattr(lesson, name) for name in lesson.__struct_fields__}
    row["vector"] = lesson.vector.astype(np.float32).tobytes() if lesson.vector is not None else None
    connection.execute(sa.insert(lessons).values(**row))


def set_vector(connection: sa.Connection, lesson_id: str, task: str, vector: Vector) -> None:
    """Unless its task is another by now."""
    same = (lessons.c.id == lesson_id, lessons.c.task == task)
    connection.execute(sa.update(lessons).where(*same).values(vector=vector.astype(np.float32).tobytes()))


def delete(connection: sa.Connection, owner: str, lesson_id: str) -> bool:
    """For good: what was said of its run makes it no second time."""
    lesson = find(connection, owner, lesson_id)
    if lesson is None:
        return False
    connection.execute(sa.delete(lessons).where(lessons.c.id == lesson_id))
    if lesson.run_id:
        row = {"id": lesson.id, "owner": owner, "run_id": lesson.run_id, "task_id": lesson.task_id}
        connection.execute(insert_for(connection)(lessons_deleted).values(row).on_conflict_do_nothing())
    return True


def deleted(connection: sa.Connection, owner: str) -> set[tuple[str, str]]:
    """Runs and tasks of which a lesson was deleted by its owner."""
    row = lessons_deleted.c
    return {
        (one.run_id, one.task_id) for one in connection.execute(sa.select(lessons_deleted).where(row.owner == owner))
    }


def delete_runs(connection: sa.Connection, owner: str, run_ids: Sequence[str]) -> None:
    for start in range(0, len(run_ids), _CHUNK):
        chunk = list(run_ids[start : start + _CHUNK])
        for table in (lessons, lessons_deleted):
            connection.execute(sa.delete(table).where(table.c.owner == owner, table.c.run_id.in_(chunk)))


def settle(
    connection: sa.Connection, owner: str, run_id: str, wanted: Sequence[Approved], now: float, *, pruned: bool = False
) -> tuple[list[Lesson], list[str]]:
    """Let the lessons of a run be those that are approved: gives those that are new, and the ids of those withdrawn.
    What its owner has written by hand since is theirs and stays. `pruned`: its steps were given up, so nobody can tell
    how an answer was made: none is new, and those of its plan's tasks stay. Of a run that is gone there are none, and
    what its owner deleted does not come back."""
    if connection.execute(sa.select(runs.c.id).where(runs.c.id == run_id)).first() is None:
        return [], []
    there = [_lesson(row) for row in connection.execute(sa.select(lessons).where(lessons.c.run_id == run_id))]
    by_hand = {one.task_id for one in there if one.how == "hand"}
    never = sa.select(lessons_deleted.c.id).where(lessons_deleted.c.run_id == run_id)
    known = {one.id for one in there} | set(connection.execute(never).scalars())
    keep = {one.id for one in wanted}
    told = [one for one in there if not pruned or one.task_id == MAIN]
    gone = [one.id for one in told if one.how != "hand" and one.id not in keep]
    if gone:
        connection.execute(sa.delete(lessons).where(lessons.c.id.in_(gone)))
    new = [] if pruned else [one for one in wanted if one.id not in known and one.task_id not in by_hand]
    fresh = [_fresh(owner, run_id, one, now) for one in new]
    for lesson in fresh:
        put(connection, lesson)
    return fresh, gone


def _fresh(owner: str, run_id: str, one: Approved, now: float) -> Lesson:
    return Lesson(
        one.id,
        owner,
        one.role,
        one.kind,
        run_id,
        one.task_id,
        one.thread_id,
        one.task,
        one.answer,
        one.how,
        True,
        one.tokens,
        now,
    )


def _lesson(row: Any) -> Lesson:
    vector = np.frombuffer(row.vector, np.float32) if row.vector is not None else None
    if vector is not None and len(vector) != DIMENSIONS:  # of another embedder: made anew
        vector = None
    return Lesson(
        row.id,
        row.owner,
        row.role,
        row.kind,
        row.run_id,
        row.task_id,
        row.thread_id,
        row.task,
        row.answer,
        row.how,
        bool(row.on),
        row.tokens,
        row.created_at,
        vector,
    )
