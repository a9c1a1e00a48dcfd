"""Which answers people compare, without being told whose they are. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from msgspec import Struct

from alma.experiments.records import Cell, Experiment, Said
from alma.experiments.spec import Human, Judge


class Pair(Struct, frozen=True):
    """Two answers to judge without knowing whose. `key` says which pair; `left`: how many pairs are left."""

    key: str
    task: str
    expected: str | None
    one: str
    other: str
    left: int


def pairs(experiment: Experiment, cells: Sequence[Cell]) -> list[tuple[Cell, Cell]]:
    """Answers that people can compare: of the baseline and of another variant on the same row and seed."""
    if not any(isinstance(one, Human | Judge) for one in experiment.spec.evaluators):
        return []
    known = {cell.place: cell for cell in cells if cell.state in ("answered", "scored")}
    base = experiment.spec.base
    return [
        (known[base, cell.row, cell.seed], cell)
        for cell in known.values()
        if cell.variant != base and (base, cell.row, cell.seed) in known
    ]


def to_judge(experiment: Experiment, cells: Sequence[Cell], said: Sequence[Said]) -> list[tuple[Cell, Cell]]:
    done = {(one.right, one.row, one.seed) for one in said if one.by == "human"}
    left = [pair for pair in pairs(experiment, cells) if pair[1].place not in done]
    return sorted(left, key=lambda pair: _drawn(experiment.id, pair[1], "order"))


def swapped(experiment_id: str, cell: Cell) -> bool:
    return bool(_drawn(experiment_id, cell, "side")[0] & 1)


def _drawn(experiment_id: str, cell: Cell, what: str) -> bytes:
    return hashlib.sha256(f"{experiment_id}\x1f{what}\x1f{cell.place}".encode()).digest()
