"""How good an answer is: the evaluators that look at one answer by itself. An embedder that is given compares meanings;
patterns, schemas and functions of plug-ins run in other processes; all else is pure.

A score is between 0 and 1, the more the better. One that cannot be given says why, and no experiment fails on it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, assert_never, cast

import numpy as np
from numpy.typing import NDArray

from alma.agent.data import NOTICE, block
from alma.errors import AlmaError
from alma.experiments.dataset import Row
from alma.experiments.records import Score
from alma.experiments.scoring import Scoring
from alma.experiments.spec import (
    Evaluator,
    Exact,
    Human,
    Judge,
    Numeric,
    Plugin,
    Regex,
    Schema,
    Similarity,
    label_of,
)

_PLUGIN_S = 30.0  # that a plug-in's function may take
_SEARCH_S = 5.0  # that a pattern or a schema may take
_NUMBER = re.compile(r"[-+−]?\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?|[-+−]?\.\d+")


class Embedder(Protocol):
    async def embed(self, texts: list[str], *, urgent: bool = True) -> NDArray[np.float32]: ...


class Evaluators:
    """Those of an experiment that look at one answer. `folder`: where plug-ins are; `scoring`: other processes, for
    evaluators that may never come to an end."""

    def __init__(self, chosen: Sequence[Evaluator], embedder: Embedder, folder: Path, scoring: Scoring) -> None:
        self._chosen = [one for one in chosen if not isinstance(one, Judge | Human)]
        self._embedder = embedder
        self._folder = folder
        self._scoring = scoring

    async def scores(self, row: Row, answer: str) -> dict[str, Score]:
        return {label_of(one): await self._score(one, row, answer) for one in self._chosen}

    async def _score(self, evaluator: Evaluator, row: Row, answer: str) -> Score:
        match evaluator:
            case Exact():
                return exact(row, answer, case=evaluator.case)
            case Regex():
                return await self._regex(evaluator, row, answer)
            case Schema():
                asked = {"what": "schema", "schema": evaluator.schema_, "answer": answer}
                return await self._scoring.score(asked, _SEARCH_S)
            case Numeric():
                return numeric(row, answer, evaluator.tolerance, evaluator.relative)
            case Similarity():
                return await self._similarity(row, answer)
            case Plugin():
                return await self._plugin(evaluator, row, answer)
            case Judge() | Human():
                return Score()
            case _:
                assert_never(evaluator)

    async def _similarity(self, row: Row, answer: str) -> Score:
        if row.expected is None:
            return _NOTHING_EXPECTED
        if not answer.strip():
            return Score(0.0, "The answer is empty.")
        try:
            both = await self._embedder.embed([row.expected, answer], urgent=False)
        except AlmaError as error:
            return Score(None, error.message)
        return Score(max(0.0, min(1.0, float(both[0] @ both[1]))))

    async def _regex(self, regex: Regex, row: Row, answer: str) -> Score:
        pattern = regex.pattern if regex.pattern is not None else row.expected
        if pattern is None:
            return _NOTHING_EXPECTED
        return await self._scoring.score({"what": "regex", "pattern": pattern, "answer": answer}, _SEARCH_S)

    async def _plugin(self, plugin: Plugin, row: Row, answer: str) -> Score:
        asked = {
            "what": "plugin",
            "path": str(self._folder / plugin.file),
            "function": plugin.function,
            "task": row.task,
            "expected": row.expected,
            "answer": answer,
        }
        return await self._scoring.score(asked, _PLUGIN_S)


_NOTHING_EXPECTED = Score(None, "The row does not say what is expected.")


def exact(row: Row, answer: str, *, case: bool = False) -> Score:
    if row.expected is None:
        return _NOTHING_EXPECTED
    one, other = (" ".join(text.split()) for text in (row.expected, answer))
    return Score(float(one == other if case else one.casefold() == other.casefold()))


def numeric(row: Row, answer: str, tolerance: float, relative: float) -> Score:
    if row.expected is None:
        return _NOTHING_EXPECTED
    wanted, found = _last_number(row.expected), _last_number(answer)
    if wanted is None:
        return Score(None, f"What is expected is no number: {row.expected[:60]!r}")
    if found is None:
        return Score(0.0, "There is no number in the answer.")
    off = abs(found - wanted)
    near = off <= max(tolerance, relative * abs(wanted)) + 1e-12 * max(1.0, abs(wanted))
    return Score(float(near), "" if near else f"{found:g} is {off:g} off")


def _last_number(text: str) -> float | None:
    found = [match.group().replace(",", "").replace("−", "-") for match in _NUMBER.finditer(text)]
    numbers = [float(one) for one in found]
    return next((one for one in reversed(numbers) if math.isfinite(one)), None)


# ── what a judge says ─────────────────────────────────────────────────────────────────────────────────────────────


def judging(question: str, row: Row, first: str, second: str) -> str:
    """What a judge is asked. What is judged is data: it may say anything."""
    expected = f"What a right answer is:\n{block(row.expected)}\n\n" if row.expected else ""
    return (
        f"You compare two answers to one task. {question}\n"
        f"{NOTICE}\n\n"
        f"The task:\n{block(row.task)}\n\n{expected}"
        f"The first answer:\n{block(first)}\n\nThe second answer:\n{block(second)}\n\n"
        'Answer with one line of JSON only: {"better": "first"} or {"better": "second"} or {"better": "tie"}'
    )


def mending(asked: str, said: str) -> str:
    """What a judge is asked who gave no verdict."""
    back = "That is not of that form. Answer with the line of JSON only."
    return f"{asked}\n\nBefore, you answered:\n{said[:500]}\n{back}"


_VERDICT = re.compile(r"\{[^{}]*\}")


def read_verdict(said: str) -> str:
    """first, second or tie; empty where it is none, or several that disagree."""
    found: set[str] = set()
    for match in _VERDICT.finditer(said):
        try:
            verdict = json.loads(match.group())
        except ValueError:
            continue
        better = cast("dict[str, object]", verdict).get("better") if isinstance(verdict, dict) else None
        if better in ("first", "second", "tie"):
            found.add(str(better))
    return found.pop() if len(found) == 1 else ""
