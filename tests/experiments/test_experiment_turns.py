"""What happens between two steps of an experiment's runs: started twice, another Alma that takes its time to end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np

from alma.db.database import Database
from alma.experiments.dataset import Row
from alma.experiments.evaluators import Evaluators
from alma.experiments.place import Place
from alma.experiments.records import Cell, Experiment
from alma.experiments.running import Running
from alma.experiments.scoring import Scoring
from alma.experiments.spec import check_spec
from alma.experiments.variants import Acting, make
from alma.learned import Trial
from alma.session.rehearsals import Rehearsed


class Rehearsals:
    def __init__(self) -> None:
        self.keys: list[str] = []

    async def rehearse(self, owner: str, trial: Trial, text: str, *, key: str = "", **_: object) -> Rehearsed:
        self.keys.append(key)
        await turns()
        return Rehearsed(key, "", "completed")

    async def cancel(self, owner: str, key: str) -> None: ...

    async def forget(self, owner: str, of: str, id: str) -> None: ...


class Beside:
    """Annexes that end when `may_end` is set."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.may_end = asyncio.Event()

    def problems(self, changes: Mapping[str, str]) -> list[str]:
        return []

    @asynccontextmanager
    async def open(self, name: str, changes: Mapping[str, str]) -> AsyncGenerator[Place]:
        self.events.append("open")
        try:
            yield Place(Rehearsals(), lambda *_: "")
        finally:
            await self.may_end.wait()
            self.events.append("ended")

    async def drop(self, name: str) -> None: ...


class Records:
    """In place of a database: what is read are cells that wait, one read after another (`reads`)."""

    def __init__(self, experiment: Experiment) -> None:
        names = [variant.name for variant in experiment.spec.variants]
        self._cells = [Cell(name, row, 0) for row in range(len(experiment.rows)) for name in names]
        self.reads = asyncio.Semaphore(0)
        self.writes = 0

    async def read(self, work: Callable[..., object]) -> tuple[list[Cell], list[object]]:
        await self.reads.acquire()
        return list(self._cells), []

    async def write(self, work: Callable[..., object]) -> None:
        self.writes += 1


class Nothing:
    async def embed(self, texts: list[str], *, urgent: bool = True) -> np.ndarray:
        raise NotImplementedError


async def turns() -> None:
    """Let all others come as far as they can."""
    for _ in range(30):
        await asyncio.sleep(0)


def experiment(**variant: Any) -> Experiment:
    spec = check_spec({"name": "x", "variants": [{"name": "A", **variant}], "evaluators": [{"type": "exact"}]})
    return Experiment("e_1", "ada", spec, [Row(f"task {at}") for at in range(4)], "running", 0.0)


@asynccontextmanager
async def running(records: Records, rehearsals: Rehearsals, beside: Beside) -> AsyncGenerator[Running]:
    made = Running(
        cast("Database", records),
        Place(rehearsals, lambda *_: ""),
        beside,
        lambda one, variant: make(one.id, variant, "", None, Acting()),
        lambda one: Evaluators(one.spec.evaluators, Nothing(), Path(), Scoring()),
        lambda: 0.0,
    )
    async with asyncio.TaskGroup() as group:
        task = group.create_task(made.run())
        try:
            yield made
        finally:
            beside.may_end.set()
            task.cancel()


async def test_what_is_started_twice_at_once_is_done_once() -> None:
    one, rehearsals = experiment(), Rehearsals()
    records = Records(one)
    async with running(records, rehearsals, Beside()) as made, asyncio.TaskGroup() as group:
        for _ in range(2):
            group.create_task(made.begin(one))
        for _ in range(2):
            await turns()
            records.reads.release()
        while made.has(one.id):
            await turns()
    assert sorted(rehearsals.keys) == [f"e_1:A:{row}:0" for row in range(4)]


async def test_another_alma_ends_before_it_is_opened_again_and_before_its_folder_goes() -> None:
    one, beside = experiment(settings={"ALMA_CACHE": True}), Beside()
    records = Records(one)
    records.reads.release()
    records.reads.release()
    async with running(records, Rehearsals(), beside) as made, asyncio.TaskGroup() as group:
        await made.begin(one)
        while made.has(one.id):
            await turns()
        deleted = group.create_task(made.halt(one.id, cancel=True, wait=True))
        await turns()
        await made.begin(one)
        await turns()
        assert beside.events == ["open"]
        assert not deleted.done()
        beside.may_end.set()
        while made.has(one.id):
            await turns()
        await deleted
        await turns()
    assert beside.events == ["open", "ended", "open", "ended"]
