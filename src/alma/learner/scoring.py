"""How good rehearsed work is, between 0 and 1, without anybody to ask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from msgspec import Struct

from alma.agent.output import OutputInvalid, check_output
from alma.learner.work import Work
from alma.memory.embedder import Embedder


class Past(Struct, frozen=True):
    """A task of before. `approved`: an answer that its owner approved, or as they edited it; `own`: as that, of a task
    of its plan that the role did which is tried. Empty: none is known."""

    run_id: str
    text: str
    kind: str = ""
    approved: str = ""
    own: str = ""


class Rehearsed(Protocol):
    """What came of a task that was done again. `error`: a code, empty when it went well."""

    @property
    def run_id(self) -> str: ...
    @property
    def answer(self) -> str: ...
    @property
    def error(self) -> str: ...
    @property
    def ms(self) -> float: ...
    @property
    def tokens(self) -> int: ...
    @property
    def cost(self) -> float: ...


class Scorer(Protocol):
    async def score(self, work: Work, answers: Sequence[str], wanted: str, schema: dict[str, Any] | None) -> float:
        """`answers`: of which the best is compared with the one that is `wanted`, empty: none is known; `schema`: that
        those of `work` must obey; None: they are text."""
        ...


class Likeness:
    """0 for what failed, is empty, or breaks its schema; else how like it is to the approved answer (cosine of their
    embeddings) times what its run itself saw of it (a critic, done or not, form, tools), each 1 where nothing is known.
    Raises `EmbedderUnavailable`."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    async def score(self, work: Work, answers: Sequence[str], wanted: str, schema: dict[str, Any] | None) -> float:
        empty = not any(answer.strip() for answer in work.answers)
        if work.error or empty or (schema is not None and not all(_obeys(answer, schema) for answer in work.answers)):
            return 0.0
        checks = 1.0 if work.checks is None else work.checks
        answers = [answer for answer in answers if answer.strip()]
        if not wanted.strip() or not checks:
            return checks
        if not answers:
            return 0.0
        right, *mine = await self._embedder.embed([wanted, *answers], urgent=False)
        return checks * min(max(max(float(one @ right) for one in mine), 0.0), 1.0)


def _obeys(answer: str, schema: dict[str, Any]) -> bool:
    try:
        check_output(answer, schema)
    except OutputInvalid:
        return False
    return True
