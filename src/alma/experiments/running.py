"""Runs experiments: their cells side by side, in turns with one another, from where a crash left them.

What is done is in the table of cells; a run has its cell's key, so that one under way is found again, never begun
twice. What stops an experiment (no money left, no room in a budget) pauses it and says why; what goes wrong with one
run fails its cell.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import cast

import sqlalchemy as sa
from msgspec.structs import replace

from alma.db.database import Database
from alma.errors import AlmaError, BudgetSpent, Conflict, NotFound, ServerStopping, StorageFailure
from alma.experiments import records
from alma.experiments.active import Active, Job
from alma.experiments.evaluators import Evaluators
from alma.experiments.judging import judge_keys, judged
from alma.experiments.place import Annexes, Place
from alma.experiments.records import Cell, Experiment, Said, Score, State
from alma.experiments.spec import Variant, label_of
from alma.experiments.variants import Made
from alma.observability.context import bind

log = logging.getLogger(__name__)
AT_ONCE = 4  # runs of all experiments
_PAUSE_S = 5.0  # after the database could not be written


class Annex:
    """An Alma of its own that a variant's runs are done in, while its experiment runs."""

    def __init__(self) -> None:
        self.over = asyncio.Event()  # it is to end
        self.ended = asyncio.Event()
        self.place: asyncio.Future[Place] = asyncio.get_running_loop().create_future()


class Running:
    """`make` gives what a variant means; `scorer` the evaluators of an experiment. `clock`: Unix seconds."""

    def __init__(
        self,
        database: Database,
        here: Place,
        annexes: Annexes | None,
        make: Callable[[Experiment, Variant], Made],
        scorer: Callable[[Experiment], Evaluators],
        clock: Callable[[], float],
        *,
        at_once: int = AT_ONCE,
    ) -> None:
        self._database = database
        self._here = here
        self._annexes = annexes
        self._make = make
        self._scorer = scorer
        self._clock = clock
        self._at_once = at_once
        self._active: dict[str, Active] = {}  # in the order of turns
        self._open: dict[tuple[str, str], Annex] = {}  # by experiment and variant
        self._wake = asyncio.Event()
        self._group: asyncio.TaskGroup | None = None

    # ── which run ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def open(self) -> None:
        """Take up what an earlier process left running, before its runs go on: their roles must be there."""
        for experiment in await self._database.read(records.running):
            try:
                self.lend(experiment)
            except AlmaError as error:
                await self._end(experiment, "failed", error.message)
                continue
            await self.begin(experiment)

    def lend(self, experiment: Experiment) -> None:
        """Let the files and notes of its variants be found by the runs in this Alma."""
        for variant in experiment.spec.variants:
            if not variant.settings:
                _lend(self._here, experiment.owner, self._make(experiment, variant))

    async def begin(self, experiment: Experiment) -> None:
        """Go on with it, or with what is still under way of it."""
        known = self._active.get(experiment.id)
        if known is not None:
            known.experiment, known.halted, known.why = experiment, False, ""
            self._wake.set()
            return

        def look(connection: sa.Connection) -> tuple[list[Cell], list[Said]]:
            return records.cells_of(connection, experiment.id), records.said_of(connection, experiment.id)

        cells, said = await self._database.read(look)
        if experiment.id not in self._active:  # it may have been started twice at once
            self._active[experiment.id] = Active(experiment, cells, said)
        self._wake.set()

    def has(self, experiment_id: str) -> bool:
        """Whether it is worked on, or is about to be."""
        active = self._active.get(experiment_id)
        return active is not None and not active.halted

    def busy(self, experiment_id: str) -> int:
        """How much of it is under way."""
        active = self._active.get(experiment_id)
        return len(active.busy) if active is not None else 0

    async def halt(self, experiment_id: str, *, cancel: bool, wait: bool = False) -> None:
        """Begin nothing more of it. `cancel`: end what is under way too; `wait`: until it has ended."""
        active = self._active.get(experiment_id)
        if active is not None:
            active.halt()
            if cancel:
                await self._cancel(active)
            self._wake.set()
        if wait:
            if active is not None:
                await active.over.wait()
            for annex in [annex for key, annex in self._open.items() if key[0] == experiment_id]:
                await annex.ended.wait()

    async def _cancel(self, active: Active) -> None:
        experiment = active.experiment
        for place in list(active.busy):
            variant = experiment.spec.variant(place[0])
            there = self._here
            if variant.settings:
                annex = self._open.get((experiment.id, variant.name))
                if annex is None or not annex.place.done() or annex.place.exception() is not None:
                    continue
                there = annex.place.result()
            keys = [_key(experiment, active.cells[place])]
            keys += [key for judge in active.judges for key in judge_keys(experiment, judge, active.cells[place])]
            for key in keys:
                with suppress(NotFound):
                    await there.rehearsals.cancel(experiment.owner, key)

    # ── working ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            busy = 0

            async def work(active: Active, job: Job) -> None:
                nonlocal busy
                try:
                    await self._work(active, job)
                finally:
                    busy -= 1
                    self._wake.set()

            while True:
                await self._wake.wait()
                self._wake.clear()
                while busy < self._at_once and (turn := self._next()) is not None:
                    busy += 1
                    group.create_task(work(*turn))
                for active in [one for one in self._active.values() if not one.busy]:
                    if active.halted or active.is_done:
                        await self._put_away(active)

    def _next(self) -> tuple[Active, Job] | None:
        """Of the experiment whose turn it is; the next time it is the next one's."""
        for experiment_id in list(self._active):
            active = self._active.pop(experiment_id)
            self._active[experiment_id] = active
            job = active.next() if not active.halted else None
            if job is None:
                continue
            if not active.is_spent:
                return active, job
            active.ended(job, again=True)
            active.halt(f"It has cost ${active.cost:.4f} of the ${active.experiment.money:g} that it may.")
        return None

    async def _put_away(self, active: Active) -> None:
        """Nothing of it is under way: it was halted, or all is done."""
        experiment = active.experiment
        del self._active[experiment.id]
        for annex in [annex for key, annex in self._open.items() if key[0] == experiment.id]:
            annex.over.set()
        while not active.halted or active.why:
            try:
                await self._end(experiment, "paused" if active.halted else "done", active.why)
                break
            except StorageFailure as error:
                log.warning("the end of an experiment waits for the database: %s", error.actual)
                await asyncio.sleep(_PAUSE_S)
        active.over.set()

    async def _work(self, active: Active, job: Job) -> None:
        """One job; whatever goes wrong in it stays there."""
        experiment = active.experiment
        bind(part="experiments", owner=experiment.owner)
        again, why = False, ""
        try:
            if job.work == "run":
                await self._run(active, active.cells[job.place])
            else:
                await self._judge(active, active.cells[job.place])
        except ServerStopping:
            again = True
        except StorageFailure as error:
            log.warning("an experiment waits for the database: %s", error.actual)
            await asyncio.sleep(_PAUSE_S)
            again = True
        except BudgetSpent as error:
            again, why = True, error.message
        except Exception as error:  # the cell's boundary: a bug must not end what else runs
            log.exception("a cell of experiment %s failed on a bug", experiment.id)
            await self._keep(active, replace(active.cells[job.place], state="failed", error=f"internal: {error!r}"))
        active.ended(job, again=again)
        if why:
            active.halt(why)

    async def _run(self, active: Active, cell: Cell) -> None:
        experiment = active.experiment
        variant, row = experiment.spec.variant(cell.variant), experiment.rows[cell.row]
        await self._keep(active, replace(cell, state="running", at=self._clock()))
        try:
            there = await self._place(experiment, variant)
            made = self._make(experiment, variant)
            trial = replace(made.trial, row=str(cell.row), seed=cell.seed)
            done = await there.rehearsals.rehearse(
                experiment.owner,
                trial,
                row.task,
                model=variant.model,
                kind=experiment.spec.kind,
                key=_key(experiment, cell),
                seconds=experiment.spec.limits.seconds,
                fresh=there.fresh,
            )
        except (BudgetSpent, ServerStopping, StorageFailure):
            raise
        except AlmaError as error:
            await self._keep(active, replace(cell, state="failed", error=f"{error.code}: {error.message}"))
            return
        cell = replace(
            cell,
            run_id=done.run_id,
            answer=done.answer,
            ms=done.ms,
            tokens=done.tokens,
            cost=done.cost,
            at=self._clock(),
        )
        active.cost += done.cost
        if done.error:
            await self._keep(active, replace(cell, state="failed", error=f"{done.error}: {done.message}"))
            return
        scores = await self._scorer(experiment).scores(row, done.answer)
        judges = bool(active.judges) and cell.variant != experiment.spec.base
        await self._keep(active, replace(cell, state="answered" if judges else "scored", scores=scores))

    async def _judge(self, active: Active, cell: Cell) -> None:
        experiment, scores = active.experiment, dict(cell.scores)
        base = active.base_of(cell.place)
        for judge in active.judges:
            label = label_of(judge)
            said = active.judged.get((label, cell.place))
            if said is None:
                said = await judged(self._here, experiment, judge, base, cell)
                await self._say(active, said)
            scores[label] = Score(said.score, said.why)
        await self._keep(active, replace(cell, state="scored", scores=scores))

    async def _say(self, active: Active, said: Said) -> None:
        at = self._clock()
        await self._database.write(lambda connection: records.keep_said(connection, active.experiment.id, said, at))
        active.heard(said)

    async def _keep(self, active: Active, cell: Cell) -> None:
        active.cells[cell.place] = cell
        await self._database.write(lambda connection: records.update_cell(connection, active.experiment.id, cell))

    # ── annexes ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def _place(self, experiment: Experiment, variant: Variant) -> Place:
        """Where the variant's runs are done; an Alma of its own is started when it is first needed."""
        if not variant.settings:
            return self._here
        key = (experiment.id, variant.name)
        while (annex := self._open.get(key)) is not None and annex.over.is_set():
            await annex.ended.wait()  # two at once would have one folder
        if annex is None:
            annex = self._open[key] = Annex()
            assert self._group is not None
            self._group.create_task(self._live(annex, experiment, variant))
        return await asyncio.shield(annex.place)

    async def _live(self, annex: Annex, experiment: Experiment, variant: Variant) -> None:
        changes = {name: str(value) for name, value in variant.settings.items()}
        number = experiment.spec.variants.index(variant)
        try:
            if self._annexes is None:
                raise NotFound("no_annex", "This Alma starts no other one for a variant's settings.")
            async with self._annexes.open(f"{experiment.id}-{number}", changes) as place:
                _lend(place, experiment.owner, self._make(experiment, variant))
                annex.place.set_result(place)
                await annex.over.wait()
        except Exception as error:  # another Alma's boundary: it fails this variant's cells
            log.warning("the Alma of variant %s cannot run", variant.name, exc_info=error)
            if not annex.place.done():
                annex.place.set_exception(_annex_failed(variant, error))
                annex.place.exception()  # it is told to whoever waits for it
            await annex.over.wait()
        finally:
            del self._open[experiment.id, variant.name]
            annex.ended.set()

    async def _end(self, experiment: Experiment, state: State, why: str) -> None:
        ended = self._clock() if state in ("done", "failed", "canceled") else None
        changed = replace(experiment, state=state, error=why, ended_at=ended)
        await self._database.write(lambda connection: records.update(connection, changed))


def _lend(place: Place, owner: str, made: Made) -> None:
    for role, content in made.told.prompts.items():
        place.lend(owner, "prompt", role, content)
    for role, content in made.told.notes.items():
        place.lend(owner, "notes", role, content)


def _key(experiment: Experiment, cell: Cell) -> str:
    return f"{experiment.id}:{cell.variant}:{cell.row}:{cell.seed}"


def _annex_failed(variant: Variant, error: Exception) -> AlmaError:
    cause: BaseException = error
    while isinstance(cause, BaseExceptionGroup):
        cause = cast("BaseExceptionGroup[BaseException]", cause).exceptions[0]
    message = cause.message if isinstance(cause, AlmaError) else repr(cause)
    return Conflict("annex_failed", f"The Alma of the variant {variant.name} cannot run: {message}"[:500])
