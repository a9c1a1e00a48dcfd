"""Experiments as their owners meet them: checked, made, started, paused, looked at, judged, compared, promoted."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Collection, Sequence
from pathlib import Path
from typing import Literal

import sqlalchemy as sa
from msgspec import Struct
from msgspec.structs import replace

from alma.agent.run import Models
from alma.db.database import Database
from alma.errors import Conflict, Forbidden, NotFound
from alma.experiments import records
from alma.experiments.beforehand import Beforehand
from alma.experiments.dataset import Row, of_threads
from alma.experiments.evaluators import Embedder, Evaluators
from alma.experiments.pairs import Pair, pairs, swapped, to_judge
from alma.experiments.place import Annexes, Place
from alma.experiments.records import Cell, Experiment, Said
from alma.experiments.running import Running
from alma.experiments.scoring import Scoring
from alma.experiments.spec import Spec, Variant, invalid
from alma.experiments.variants import Made, Roles, file_of, make, notes_of, own_file, own_notes
from alma.experiments.verdict import Comparison, Results, between, results

MOST_KEPT = 200  # experiments of an owner
_MOST_LISTED = 200
_MOST_RESULTS = 16
_ENDED = ("done", "failed", "canceled")


# Makes a draft of a version: owner, what, of which role, content, title, reason; gives its id.
Draft = Callable[[str, Literal["prompt", "notes"], str, str, str, str], Awaitable[str]]


class Standing(Struct, frozen=True):
    """`states`: by variant, how many of its cells are in which."""

    experiment: Experiment
    states: dict[str, dict[str, int]]
    busy: int
    cost: float


class Experiments:
    """`folder`: of plug-ins. `clock`: Unix seconds."""

    def __init__(
        self,
        database: Database,
        roles: Roles,
        models: Models,
        embedder: Embedder,
        here: Place,
        annexes: Annexes | None,
        draft: Draft,
        folder: Path,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._roles = roles
        self._embedder = embedder
        self._here = here
        self._annexes = annexes
        self._draft = draft
        self._folder = folder
        self._clock = clock
        self._scoring = Scoring()
        self._kept: dict[str, tuple[int, Results]] = {}  # what came of those that were looked at last
        self.before = Beforehand(roles, models, annexes, folder)
        self._running = Running(database, here, annexes, self._make, self._scorer, clock)

    async def open(self, *, sweep: bool) -> None:
        """`sweep`: go on with what an earlier process left running."""
        if sweep:
            await self._running.open()

    async def run(self) -> None:
        try:
            await self._running.run()
        finally:
            self._scoring.close()

    def _make(self, experiment: Experiment, variant: Variant) -> Made:
        """Of files and notes as they were when the experiment was made."""
        file, notes = experiment.files[variant.name], experiment.notes.get(variant.name)
        return make(experiment.id, variant, file, notes, experiment.acting)

    def _scorer(self, experiment: Experiment) -> Evaluators:
        return Evaluators(experiment.spec.evaluators, self._embedder, self._folder, self._scoring)

    # ── changing ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def create(self, owner: str, spec: Spec, rows: Sequence[Row], *, admin: bool) -> Experiment:
        """A draft. Raises `InvalidRequest` (experiment_invalid), `Conflict` (too_many_experiments)."""
        found = self.before.check(owner, spec, rows, admin=admin)
        if found.problems:
            raise invalid(found.problems)
        now = self._clock()
        notes = {one.name: notes_of(owner, one, self._roles) for one in spec.variants}
        experiment = Experiment(
            id=f"e_{int(now * 1000):011x}{secrets.token_hex(4)}",
            owner=owner,
            spec=spec,
            rows=list(rows),
            state="draft",
            created_at=now,
            money=spec.limits.money,
            files={one.name: file_of(owner, one, self._roles) for one in spec.variants},
            notes={name: content for name, content in notes.items() if content is not None},
            acting=self._roles.acting(owner),
        )

        def write(connection: sa.Connection) -> None:
            if records.count(connection, owner) >= MOST_KEPT:
                raise Conflict(
                    "too_many_experiments",
                    "There are as many experiments as are kept.",
                    expected=f"fewer than {MOST_KEPT}",
                    actual=f"{MOST_KEPT}",
                    hint="Delete some.",
                )
            records.insert(connection, experiment)

        await self._database.write(write)
        return experiment

    async def start(self, owner: str, experiment_id: str, *, money: float | None = None, admin: bool) -> Experiment:
        """Begin it, or go on. `money`: that it may cost in all from now on. Starting one that runs changes nothing.
        Raises `Conflict` (experiment_ended)."""
        experiment = await self._find(owner, experiment_id)
        if experiment.state in _ENDED:
            raise _ended(experiment)
        if experiment.state == "running" and self._running.has(experiment_id):
            return experiment
        if not admin and any(variant.settings for variant in experiment.spec.variants):
            raise Forbidden("admin_only", "An experiment with other settings is started by administrators only.")
        began = experiment.started_at or self._clock()
        money = experiment.money if money is None else money
        experiment = replace(experiment, state="running", error="", started_at=began, money=money)
        self._running.lend(experiment)
        await self._database.write(lambda connection: records.update(connection, experiment))
        await self._running.begin(experiment)
        return experiment

    async def pause(self, owner: str, experiment_id: str) -> Experiment:
        """Begin nothing more; what is under way is finished."""
        experiment = await self._find(owner, experiment_id)
        if experiment.state != "running":
            if experiment.state in _ENDED:
                raise _ended(experiment)
            return experiment
        await self._running.halt(experiment_id, cancel=False)
        return await self._put(replace(experiment, state="paused"))

    async def cancel(self, owner: str, experiment_id: str) -> Experiment:
        """For good. What is under way is stopped; what is done stays to be looked at."""
        experiment = await self._find(owner, experiment_id)
        if experiment.state in _ENDED:
            return experiment
        await self._running.halt(experiment_id, cancel=True)
        return await self._put(replace(experiment, state="canceled", ended_at=self._clock()))

    async def delete(self, owner: str, experiment_id: str) -> None:
        """With its runs, and what other Almas kept for it."""
        await self._find(owner, experiment_id)
        await self._running.halt(experiment_id, cancel=True, wait=True)
        await self._here.rehearsals.forget(owner, "experiment", experiment_id)
        if self._annexes is not None:
            await self._annexes.drop(experiment_id)
        await self._database.write(lambda connection: records.delete(connection, experiment_id))

    async def _put(self, experiment: Experiment) -> Experiment:
        await self._database.write(lambda connection: records.update(connection, experiment))
        return experiment

    # ── looking ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def _find(self, owner: str, experiment_id: str) -> Experiment:
        return await self._database.read(lambda connection: records.find(connection, owner, experiment_id))

    async def listed(self, owner: str, limit: int = _MOST_LISTED) -> list[tuple[Experiment, dict[str, int]]]:
        return await self._database.read(lambda connection: records.of_owner(connection, owner, limit))

    async def _read(self, owner: str, experiment_id: str) -> tuple[Experiment, list[Cell], list[Said]]:
        def look(connection: sa.Connection) -> tuple[Experiment, list[Cell], list[Said]]:
            experiment = records.find(connection, owner, experiment_id)
            return experiment, records.cells_of(connection, experiment_id), records.said_of(connection, experiment_id)

        return await self._database.read(look, slow=True)

    async def get(self, owner: str, experiment_id: str) -> Standing:
        busy = self._running.busy(experiment_id)  # asked for first: of what has ended since then more is read, not less
        experiment, cells, said = await self._read(owner, experiment_id)
        states: dict[str, dict[str, int]] = {variant.name: {} for variant in experiment.spec.variants}
        for cell in cells:
            of = states[cell.variant]
            of[cell.state] = of.get(cell.state, 0) + 1
        cost = sum(cell.cost for cell in cells) + sum(one.cost for one in said)
        return Standing(experiment, states, busy, cost)

    async def results(self, owner: str, experiment_id: str) -> tuple[Experiment, list[Cell], Results]:
        experiment, cells, said = await self._read(owner, experiment_id)
        return experiment, cells, await asyncio.to_thread(self._results, experiment, cells, said)

    def _results(self, experiment: Experiment, cells: list[Cell], said: list[Said]) -> Results:
        """In a thread: of many tasks it takes seconds. Kept for a few experiments, as long as nothing more is done."""
        key = hash((tuple((cell.place, cell.state, cell.at) for cell in cells), tuple(said)))
        known = self._kept.pop(experiment.id, None)
        found = known[1] if known is not None and known[0] == key else results(experiment, cells, said)
        self._kept[experiment.id] = (key, found)
        while len(self._kept) > _MOST_RESULTS:
            self._kept.pop(next(iter(self._kept)), None)
        return found

    async def cells(self, owner: str, experiment_id: str) -> tuple[Experiment, list[Cell]]:
        experiment, cells, _ = await self._read(owner, experiment_id)
        return experiment, cells

    async def compare(self, owner: str, one: str, other: str) -> list[Comparison]:
        both = await self._read(owner, one), await self._read(owner, other)
        return await asyncio.to_thread(between, *both)

    async def rows_of(self, owner: str, thread_ids: list[str]) -> list[Row]:
        """A data set of threads. Raises `NotFound` (unknown_thread), `InvalidRequest` (data_set_invalid)."""
        return of_threads(await self._database.read(lambda connection: records.turns_of(connection, owner, thread_ids)))

    # ── people who judge ──────────────────────────────────────────────────────────────────────────────────────────

    async def next_pair(self, owner: str, experiment_id: str, skip: Collection[str] = ()) -> Pair | None:
        """Two answers that nobody has compared yet, in an order that a hash decides; None: none is left. `skip`: keys
        of pairs that come again only when no other is left."""
        experiment, cells, said = await self._read(owner, experiment_id)
        left = to_judge(experiment, cells, said)
        if not left:
            return None
        numbers = {variant.name: number for number, variant in enumerate(experiment.spec.variants)}
        keyed = [(f"{numbers[cell.variant]}.{cell.row}.{cell.seed}", base, cell) for base, cell in left]
        key, base, cell = next((one for one in keyed if one[0] not in skip), keyed[0])
        one, other = (cell, base) if swapped(experiment_id, cell) else (base, cell)
        row = experiment.rows[cell.row]
        return Pair(key, row.task, row.expected, one.answer, other.answer, len(left))

    async def say(
        self, owner: str, experiment_id: str, key: str, better: Literal["one", "other", "tie"], why: str = ""
    ) -> int:
        """A person's verdict on a pair; the newest counts. Gives how many pairs are left. Raises `NotFound`
        (unknown_pair)."""
        experiment, cells, said = await self._read(owner, experiment_id)
        by_key = {
            f"{number}.{cell.row}.{cell.seed}": (base, cell)
            for number, variant in enumerate(experiment.spec.variants)
            for base, cell in pairs(experiment, cells)
            if cell.variant == variant.name
        }
        if key not in by_key:
            raise NotFound("unknown_pair", "There is no such pair of answers.", expected="a key of next-pair")
        base, cell = by_key[key]
        turned = swapped(experiment_id, cell)
        side: Literal["left", "right", "tie"] = "tie"
        if better != "tie":
            side = "right" if (better == "one") == turned else "left"
        new = Said(cell.row, cell.seed, base.variant, cell.variant, "human", side, why=why)
        at = self._clock()
        await self._database.write(lambda connection: records.keep_said(connection, experiment_id, new, at))
        return len(to_judge(experiment, cells, [*said, new]))

    # ── what is kept of it ────────────────────────────────────────────────────────────────────────────────────────

    async def promote(self, owner: str, experiment_id: str, variant_name: str = "") -> list[str]:
        """Drafts of versions of what the winner (or the variant named) says otherwise; gives their ids. Raises
        `Conflict` (no_winner, nothing_to_promote), `NotFound` (unknown_variant)."""
        experiment, _, found = await self.results(owner, experiment_id)
        name = variant_name or found.winner
        if not name:
            raise Conflict(
                "no_winner",
                "No variant is surely better than the others.",
                expected="a winner, or the name of a variant",
                hint="Name the variant, or run more tasks: the verdict says how many.",
            )
        if name not in {variant.name for variant in experiment.spec.variants}:
            raise NotFound("unknown_variant", f"There is no variant {name!r} in this experiment.")
        variant = experiment.spec.variant(name)
        title = f"{name} of {experiment.spec.name}"[:120]
        reason = " ".join(one.words for one in found.comparisons if one.variant == name)[:1000]
        drafts: list[str] = []
        if own_file(variant):
            drafts.append(await self._draft(owner, "prompt", variant.role, experiment.files[name], title, reason))
        if own_notes(variant):
            drafts.append(await self._draft(owner, "notes", variant.role, experiment.notes[name], title, reason))
        if not drafts:
            raise Conflict(
                "nothing_to_promote",
                f"The variant {name} has neither a prompt nor notes of its own.",
                expected="a variant with `prompt`, `file` or `notes`",
                hint="A model or a setting is changed where models and settings are.",
            )
        return drafts


def _ended(experiment: Experiment) -> Conflict:
    return Conflict(
        "experiment_ended",
        "This experiment has ended.",
        expected="one that has not",
        actual=experiment.state,
        hint="Make a new one of the same file.",
    )
