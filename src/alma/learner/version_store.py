"""Versions as rows: themselves, what became of them, and the tasks that they were tried on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from alma.db.database import insert_for
from alma.db.learning_tables import version_history, version_trials, versions
from alma.db.tables import runs
from alma.learner.version_records import Phase, Standing, Step, Tried, Version

MOST_TRIED = 4000  # tasks of a phase that are read: the newest
MOST_CANARY = 40_000  # all that a canary can have, however small its share: its test must see each from the first on
_FIELDS = [name for name in Version.__struct_fields__ if name != "standing"]
_STANDING = msgspec.json.Decoder(Standing)
_TRIED = Tried.__struct_fields__
_STEP = Step.__struct_fields__


def read_all(connection: sa.Connection) -> list[tuple[Version, str]]:
    """Each with its content, in the order in which they were made."""
    row = versions.c
    asked = sa.select(*(row[name] for name in _FIELDS), row.evidence, row.content)
    return [_version_of(one) for one in connection.execute(asked.order_by(row.created_at, row.id))]


def _version_of(row: Sequence[Any]) -> tuple[Version, str]:
    *values, standing, content = row
    fields = dict(zip(_FIELDS, values, strict=True))
    return msgspec.convert({**fields, "standing": _STANDING.decode(standing)}, Version), content


def insert(connection: sa.Connection, version: Version, content: str, step: Step) -> None:
    connection.execute(versions.insert().values(**_values(version), content=content))
    add_step(connection, version.id, step)


def update(connection: sa.Connection, version: Version, step: Step | None = None, content: str | None = None) -> None:
    values = _values(version) if content is None else {**_values(version), "content": content}
    connection.execute(versions.update().where(versions.c.id == version.id).values(**values))
    if step is not None:
        add_step(connection, version.id, step)


def _values(version: Version) -> dict[str, Any]:
    values: dict[str, Any] = {name: getattr(version, name) for name in _FIELDS}
    return {**values, "evidence": msgspec.json.encode(version.standing).decode()}


def delete(connection: sa.Connection, version_id: str) -> None:
    drop_tried(connection, version_id)
    connection.execute(version_history.delete().where(version_history.c.version_id == version_id))
    connection.execute(versions.delete().where(versions.c.id == version_id))


# ── what became of them ───────────────────────────────────────────────────────────────────────────────────────────


def add_step(connection: sa.Connection, version_id: str, step: Step) -> None:
    """Its `seq` is given here."""
    row = version_history.c
    last = connection.execute(sa.select(sa.func.max(row.seq)).where(row.version_id == version_id)).scalar()
    values = {**{name: getattr(step, name) for name in _STEP}, "seq": (last or 0) + 1}
    connection.execute(version_history.insert().values(version_id=version_id, **values))


def history(connection: sa.Connection, version_id: str) -> list[Step]:
    row = version_history.c
    asked = sa.select(*(row[name] for name in _STEP)).where(row.version_id == version_id).order_by(row.seq)
    return [Step(*one) for one in connection.execute(asked)]


# ── what they were tried on ───────────────────────────────────────────────────────────────────────────────────────


def keep_tried(connection: sa.Connection, tried: Tried) -> None:
    """In place of what was known of it before; but its reward keeps the time when it was first known."""
    values = {name: getattr(tried, name) for name in _TRIED}
    key = ("version_id", "phase", "arm", "run_id")
    changed: dict[str, Any] = {name: value for name, value in values.items() if name not in key}
    known = version_trials.c.reward.is_not(None)
    changed["at"] = sa.case((known, version_trials.c.at), else_=sa.literal(tried.at, sa.Double))
    insert = insert_for(connection)(version_trials).values(**values)
    connection.execute(insert.on_conflict_do_update(index_elements=list(key), set_=changed))


def tried(connection: sa.Connection, version_id: str, phase: Phase) -> list[Tried]:
    """In the order in which rewards were known."""
    row = version_trials.c
    asked = sa.select(*(row[name] for name in _TRIED)).where(row.version_id == version_id, row.phase == phase)
    most = MOST_CANARY if phase == "canary" else MOST_TRIED
    newest = asked.order_by(row.at.desc(), row.run_id.desc()).limit(most)
    return [Tried(*one) for one in reversed(connection.execute(newest).all())]


def threads_tried(connection: sa.Connection, version_id: str) -> dict[str, str]:
    """By run: the conversation that it was in, of all that the version was tried on."""
    trial = version_trials.c
    joined = version_trials.join(runs, runs.c.id == trial.run_id)
    asked = sa.select(trial.run_id, runs.c.thread_id).select_from(joined).where(trial.version_id == version_id)
    return {row.run_id: row.thread_id for row in connection.execute(asked)}


def drop_tried(connection: sa.Connection, version_id: str, phase: Phase | None = None) -> None:
    row = version_trials.c
    where = [row.version_id == version_id, *([row.phase == phase] if phase is not None else [])]
    connection.execute(version_trials.delete().where(*where))


def forget_runs(connection: sa.Connection, version_ids: Sequence[str], run_ids: Sequence[str]) -> None:
    """Nothing of these versions rests on these runs any more; nor on others that did them again."""
    row = version_trials.c
    for at in range(0, len(run_ids), 500):
        some = run_ids[at : at + 500]
        named = sa.or_(row.run_id.in_(some), row.pair.in_(some))
        connection.execute(version_trials.delete().where(row.version_id.in_(version_ids), named))
