"""An experiment that runs: what is left to do, in which order, and what it has cost. No I/O."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Literal

from msgspec import Struct

from alma.experiments.records import Cell, Experiment, Place, Said
from alma.experiments.spec import Judge

Work = Literal["run", "judge"]


class Job(Struct, frozen=True):
    work: Work
    place: Place


class Active:
    """First all cells are run, then those with a judge are judged against the baseline's of the same row and seed.
    `halted`: nothing more is begun, because of `why`; `over`: nothing of it is under way any more."""

    def __init__(self, experiment: Experiment, cells: list[Cell], said: list[Said]) -> None:
        self.experiment = experiment
        self.cells = {cell.place: cell for cell in cells}
        self.busy: set[Place] = set()
        self.judged = {(one.by, (one.right, one.row, one.seed)): one for one in said}
        self.cost = sum(cell.cost for cell in cells) + sum(one.cost for one in said)
        self._left = deque(cell.place for cell in cells if cell.state in ("waiting", "running"))
        self._to_judge: deque[Place] | None = None
        self.halted = False
        self.why = ""
        self.over = asyncio.Event()

    @property
    def judges(self) -> list[Judge]:
        return [one for one in self.experiment.spec.evaluators if isinstance(one, Judge)]

    @property
    def is_free(self) -> bool:
        return len(self.busy) < self.experiment.spec.limits.parallel

    @property
    def is_spent(self) -> bool:
        return bool(self.experiment.money) and self.cost >= self.experiment.money

    @property
    def is_done(self) -> bool:
        return not self.busy and not self._left and self._to_judge is not None and not self._to_judge

    def next(self) -> Job | None:
        """What to do next; None: nothing just now."""
        if not self.is_free:
            return None
        if self._left:
            return self._begin("run", self._left.popleft())
        if self._to_judge is None and not self.busy:
            base = self.experiment.spec.base
            waiting = [place for place, cell in self.cells.items() if cell.state == "answered"]
            self._to_judge = deque(place for place in waiting if place[0] != base)
        if self._to_judge:
            return self._begin("judge", self._to_judge.popleft())
        return None

    def halt(self, why: str = "") -> None:
        self.halted = True
        self.why = self.why or why

    def _begin(self, work: Work, place: Place) -> Job:
        self.busy.add(place)
        return Job(work, place)

    def ended(self, job: Job, *, again: bool) -> None:
        """`again`: it is to be done once more, first."""
        self.busy.discard(job.place)
        if again and job.work == "run":
            self._left.appendleft(job.place)
        elif again and self._to_judge is not None:
            self._to_judge.appendleft(job.place)

    def heard(self, said: Said) -> None:
        """A judge has said it: what was said before an interruption is not asked again."""
        self.judged[said.by, (said.right, said.row, said.seed)] = said
        self.cost += said.cost

    def base_of(self, place: Place) -> Cell:
        return self.cells[self.experiment.spec.base, place[1], place[2]]
