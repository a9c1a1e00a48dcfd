"""How good a rehearsed answer is, between 0 and 1, without anybody to ask."""

from __future__ import annotations

from typing import Any, Protocol

from msgspec import Struct

from alma.agent.output import OutputInvalid, check_output
from alma.memory.embedder import Embedder


class Past(Struct, frozen=True):
    """A task of before. `approved`: an answer that its owner approved, or as they edited it; empty: none is known."""

    run_id: str
    text: str
    kind: str = ""
    approved: str = ""


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
    async def score(self, past: Past, answer: str, error: str, schema: dict[str, Any] | None) -> float:
        """`schema`: that an answer must obey; None: it is text."""
        ...


class Likeness:
    """0 for what failed, is empty, or breaks its schema; else how like it is to the approved answer (cosine of their
    embeddings), 1 where none is known. Raises `EmbedderUnavailable`."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    async def score(self, past: Past, answer: str, error: str, schema: dict[str, Any] | None) -> float:
        if error or not answer.strip() or (schema is not None and not _obeys(answer, schema)):
            return 0.0
        if not past.approved.strip():
            return 1.0
        mine, wanted = await self._embedder.embed([answer, past.approved], urgent=False)
        return min(max(float(mine @ wanted), 0.0), 1.0)


def _obeys(answer: str, schema: dict[str, Any]) -> bool:
    try:
        check_output(answer, schema)
    except OutputInvalid:
        return False
    return True
