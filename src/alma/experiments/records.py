"""What is kept of experiments: plain data, and the queries on a connection."""

from __future__ import annotations

from typing import Literal

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from alma.db.database import insert_for
from alma.db.learning_tables import experiment_cells, experiment_verdicts, experiments
from alma.db.tables import runs, threads
from alma.engine.journal import read_entries
from alma.errors import NotFound
from alma.events import Recorded, Signaled
from alma.experiments.dataset import Row
from alma.experiments.spec import Spec, spec_json
from alma.experiments.variants import Acting
from alma.plan import MAIN

State = Literal["draft", "running", "paused", "done", "failed", "canceled"]
CellState = Literal["waiting", "running", "answered", "scored", "failed"]
_ROWS = msgspec.json.Decoder(list[Row])


class Score(Struct, frozen=True, omit_defaults=True):
    """`value` None: there is none, because of `why`."""

    value: float | None = None
    why: str = ""


_SCORES = msgspec.json.Decoder(dict[str, Score])
Place = tuple[str, int, int]  # variant, row, seed


class Cell(Struct, frozen=True):
    """One run: a variant on a row, for the `seed`-th time. `error`: code and words of what went wrong."""

    variant: str
    row: int
    seed: int
    state: CellState = "waiting"
    run_id: str = ""
    answer: str = ""
    scores: dict[str, Score] = {}
    error: str = ""
    ms: float = 0.0
    tokens: int = 0
    cost: float = 0.0
    at: float = 0.0

    @property
    def place(self) -> Place:
        return self.variant, self.row, self.seed


class Experiment(Struct, frozen=True):
    """`money`: the most that it may cost, 0 is no limit: its spec's, or what its owner said when it went on. `files`:
    by variant, that of its role as it was when this was made, with what the variant says otherwise; `notes`: by
    variant, those that it says; `acting`: what acted for the owner in place of roles' own files."""

    id: str
    owner: str
    spec: Spec
    rows: list[Row]
    state: State
    created_at: float
    started_at: float | None = None
    ended_at: float | None = None
    error: str = ""
    money: float = 0.0
    files: dict[str, str] = {}
    notes: dict[str, str] = {}
    acting: Acting = Acting()


class _Kept(Struct, frozen=True):
    rows: list[Row]
    money: float = 0.0
    files: dict[str, str] = {}
    notes: dict[str, str] = {}
    acting: Acting = Acting()


class Said(Struct, frozen=True):
    """Which of two answers somebody found better. `by`: `human`, or the name of a judge. `better`: left, right, tie, or
    empty for no verdict; `first`, `second`: what a judge said when the left one came first, and second."""

    row: int
    seed: int
    left: str
    right: str
    by: str
    better: Literal["left", "right", "tie", ""]
    first: str = ""
    second: str = ""
    why: str = ""
    cost: float = 0.0

    @property
    def score(self) -> float | None:
        """Of the right one; that of the left is what is missing to 1."""
        return {"left": 0.0, "right": 1.0, "tie": 0.5}.get(self.better)


# ── writing ───────────────────────────────────────────────────────────────────────────────────────────────────────


def insert(connection: sa.Connection, experiment: Experiment) -> None:
    cells = [
        {"experiment_id": experiment.id, "variant": variant.name, "row": row, "seed": seed, "state": "waiting"}
        for seed in range(experiment.spec.seeds)
        for row in range(len(experiment.rows))
        for variant in experiment.spec.variants
    ]
    connection.execute(sa.insert(experiments).values(_row_of(experiment)))
    connection.execute(sa.insert(experiment_cells), cells)


def update(connection: sa.Connection, experiment: Experiment) -> None:
    connection.execute(sa.update(experiments).where(experiments.c.id == experiment.id).values(_row_of(experiment)))


def update_cell(connection: sa.Connection, experiment_id: str, cell: Cell) -> None:
    c = experiment_cells.c
    where = sa.and_(c.experiment_id == experiment_id, c.variant == cell.variant, c.row == cell.row, c.seed == cell.seed)
    values: dict[str, object] = {
        "state": cell.state,
        "run_id": cell.run_id,
        "answer": cell.answer,
        "scores": msgspec.json.encode(cell.scores).decode(),
        "error": cell.error,
        "ms": cell.ms,
        "tokens": cell.tokens,
        "cost": cell.cost,
        "at": cell.at,
    }
    connection.execute(sa.update(experiment_cells).where(where).values(values))


def keep_said(connection: sa.Connection, experiment_id: str, said: Said, at: float) -> None:
    row = {
        "experiment_id": experiment_id,
        "by": said.by,
        "row": said.row,
        "seed": said.seed,
        "left": said.left,
        "right": said.right,
        "verdict": msgspec.json.encode(said).decode(),
        "at": at,
    }
    statement = insert_for(connection)(experiment_verdicts).values(row)
    keys = ["experiment_id", "by", "row", "seed", "left", "right"]
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_={"verdict": row["verdict"], "at": at}))


def delete(connection: sa.Connection, experiment_id: str) -> None:
    for table in (experiment_cells, experiment_verdicts):
        connection.execute(sa.delete(table).where(table.c.experiment_id == experiment_id))
    connection.execute(sa.delete(experiments).where(experiments.c.id == experiment_id))


def _row_of(experiment: Experiment) -> dict[str, object]:
    kept = _Kept(experiment.rows, experiment.money, experiment.files, experiment.notes, experiment.acting)
    return {
        "id": experiment.id,
        "owner": experiment.owner,
        "name": experiment.spec.name,
        "spec": spec_json(experiment.spec),
        "state": experiment.state,
        "created_at": experiment.created_at,
        "started_at": experiment.started_at,
        "ended_at": experiment.ended_at,
        "error": experiment.error,
        "data": msgspec.json.encode(kept).decode(),
    }


# ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _read(row: sa.Row[*tuple[object, ...]]) -> Experiment:
    data = msgspec.json.decode(row.data, type=_Kept)
    return Experiment(
        row.id,
        row.owner,
        Spec.model_validate_json(row.spec),
        data.rows,
        row.state,
        row.created_at,
        row.started_at,
        row.ended_at,
        row.error,
        data.money,
        data.files,
        data.notes,
        data.acting,
    )


def find(connection: sa.Connection, owner: str, experiment_id: str) -> Experiment:
    """Raises `NotFound` (unknown_experiment), also for another owner's."""
    query = sa.select(experiments).where(experiments.c.id == experiment_id, experiments.c.owner == owner)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound(
            "unknown_experiment", f"There is no experiment {experiment_id!r}.", hint="It may have been deleted."
        )
    return _read(row)


def of_owner(connection: sa.Connection, owner: str, limit: int) -> list[tuple[Experiment, dict[str, int]]]:
    """The newest first, each with how many of its cells are in which state."""
    query = sa.select(experiments).where(experiments.c.owner == owner)
    query = query.order_by(experiments.c.created_at.desc(), experiments.c.id.desc()).limit(limit)
    found = [_read(row) for row in connection.execute(query)]
    c = experiment_cells.c
    counts: dict[str, dict[str, int]] = {}
    count = sa.select(c.experiment_id, c.state, sa.func.count()).where(c.experiment_id.in_([one.id for one in found]))
    for experiment_id, state, number in connection.execute(count.group_by(c.experiment_id, c.state)):
        counts.setdefault(experiment_id, {})[state] = number
    return [(one, counts.get(one.id, {})) for one in found]


def count(connection: sa.Connection, owner: str) -> int:
    return connection.execute(sa.select(sa.func.count()).where(experiments.c.owner == owner)).scalar_one()


def running(connection: sa.Connection) -> list[Experiment]:
    query = sa.select(experiments).where(experiments.c.state == "running").order_by(experiments.c.started_at)
    return [_read(row) for row in connection.execute(query)]


def cells_of(connection: sa.Connection, experiment_id: str) -> list[Cell]:
    """In the order in which they are done: seed by seed, row by row."""
    c = experiment_cells.c
    query = sa.select(experiment_cells).where(c.experiment_id == experiment_id).order_by(c.seed, c.row, c.variant)
    return [
        Cell(
            row.variant,
            row.row,
            row.seed,
            row.state,
            row.run_id,
            row.answer,
            _SCORES.decode(row.scores),
            row.error,
            row.ms,
            row.tokens,
            row.cost,
            row.at,
        )
        for row in connection.execute(query)
    ]


def said_of(connection: sa.Connection, experiment_id: str) -> list[Said]:
    c = experiment_verdicts.c
    query = sa.select(c.verdict).where(c.experiment_id == experiment_id).order_by(c.by, c.row, c.seed, c.left, c.right)
    return [msgspec.json.decode(verdict, type=Said) for verdict in connection.execute(query).scalars()]


def turns_of(connection: sa.Connection, owner: str, thread_ids: list[str]) -> list[tuple[str, str]]:
    """Tasks of threads that follow no other turn, oldest first, each with the answer that its owner approved; empty
    where none was. Raises `NotFound` (unknown_thread)."""
    mine = sa.select(threads.c.id).where(threads.c.owner == owner, threads.c.id.in_(thread_ids))
    known = set(connection.execute(mine).scalars())
    for thread_id in thread_ids:
        if thread_id not in known:
            raise NotFound("unknown_thread", f"There is no thread {thread_id!r}.", hint="It may have been deleted.")
    query = sa.select(runs.c.id, runs.c.text, runs.c.answer)
    query = query.where(runs.c.thread_id.in_(thread_ids), runs.c.finished.is_(True), runs.c.parent_run_id.is_(None))
    found = list(connection.execute(query.order_by(runs.c.created_at, runs.c.id)))
    logs = read_entries(connection, {row.id: 0 for row in found})
    return [(row.text, _approved(logs[row.id], row.answer)) for row in found]


def _approved(log: list[Recorded], answer: str) -> str:
    """As it should have been where its owner said so, else as it was where they found it good."""
    said: dict[str, Signaled] = {}
    for recorded in log:
        if isinstance(recorded.entry, Signaled) and recorded.entry.task_id == MAIN:
            said[recorded.entry.signal] = recorded.entry
    edited = said.get("edited")
    if edited is not None and edited.value and edited.text:
        return edited.text
    good = any(name in said and said[name].value > 0 for name in ("thumb", "preferred"))
    return answer if good else ""
