"""A model as judge: asked twice which of two answers is better, in both orders, so that a taste for a place shows."""

from __future__ import annotations

from typing import Literal

from msgspec.structs import replace

from alma.experiments.evaluators import judging, mending, read_verdict
from alma.experiments.place import Place
from alma.experiments.records import Cell, Experiment, Said
from alma.experiments.spec import Judge, label_of
from alma.learned import Trial

_MOST_CHARS = 12_000  # of each answer that a judge reads


class _Asked:
    """The questions to one judge about one pair, with what they cost."""

    def __init__(self, place: Place, experiment: Experiment, judge: Judge, cell: Cell) -> None:
        self._place = place
        self._experiment = experiment
        self._judge = judge
        self._key = _key(experiment, judge, cell)
        self._trial = Trial("experiment", experiment.id, arm=f"judge {label_of(judge)}", row=str(cell.row))
        self.cost = 0.0
        self.why = ""

    async def ask(self, row: int, first: str, second: str, order: str) -> str:
        """first, second or tie; empty where even a second question brought no verdict."""
        rows = self._experiment.rows
        asked = judging(self._judge.question, rows[row], first[:_MOST_CHARS], second[:_MOST_CHARS])
        said = await self._say(asked, order)
        verdict = read_verdict(said)
        if not verdict and said:
            verdict = read_verdict(again := await self._say(mending(asked, said), f"{order}:again"))
            said = again or said
        if not verdict:
            self.why = f"The judge gave no verdict: {said[:200]!r}" if said else self.why
        return verdict

    async def _say(self, text: str, order: str) -> str:
        done = await self._place.rehearsals.rehearse(
            self._experiment.owner,
            replace(self._trial, temperature=0.0),
            text,
            model=self._judge.model,
            kind="chat",
            key=f"{self._key}:{order}",
            seconds=self._experiment.spec.limits.seconds,
        )
        self.cost += done.cost
        if done.error:
            self.why = f"The judge failed: {done.message or done.error}"
            return ""
        return done.answer


def _key(experiment: Experiment, judge: Judge, cell: Cell) -> str:
    return f"{experiment.id}:judge {label_of(judge)}:{cell.variant}:{cell.row}:{cell.seed}"


def judge_keys(experiment: Experiment, judge: Judge, cell: Cell) -> list[str]:
    """Of the runs in which a cell is judged."""
    return [f"{_key(experiment, judge, cell)}:{order}" for order in ("1", "1:again", "2", "2:again")]


async def judged(place: Place, experiment: Experiment, judge: Judge, base: Cell, cell: Cell) -> Said:
    """Which of the answers of two cells is better: `left` is the baseline's, `right` the other's."""
    said = Said(cell.row, cell.seed, base.variant, cell.variant, label_of(judge), "")
    if base.state == "failed" or cell.state == "failed":
        return _without_answer(said, base, cell)
    asked = _Asked(place, experiment, judge, cell)
    first = await asked.ask(cell.row, base.answer, cell.answer, "1")
    second = await asked.ask(cell.row, cell.answer, base.answer, "2")
    return replace(
        said,
        better=_both(first, second),
        first=_side(first, "left", "right"),
        second=_side(second, "right", "left"),
        why="" if first and second else asked.why,
        cost=asked.cost,
    )


def _without_answer(said: Said, base: Cell, cell: Cell) -> Said:
    if base.state == cell.state:
        return replace(said, why="Neither has an answer.")
    if base.state == "failed":
        return replace(said, better="right", why=f"{base.variant} has no answer.")
    return replace(said, better="left", why=f"{cell.variant} has no answer.")


def _side(verdict: str, first: str, second: str) -> str:
    return {"first": first, "second": second}.get(verdict, verdict)


def _both(first: str, second: str) -> Literal["left", "right", "tie", ""]:
    """What both orders say; a tie where they disagree."""
    one, other = _side(first, "left", "right"), _side(second, "right", "left")
    if not one or not other:
        return ""
    if one != other:
        return "tie"
    return "left" if one == "left" else "right" if one == "right" else "tie"
