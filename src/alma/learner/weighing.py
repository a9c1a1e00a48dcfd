"""What is believed of memories flows into what is recalled: after each outcome, utility and strength of those it named.

The reward of an answer is credited to the memories that were told for it (`learner/books.py`); recall ranks by what has
come of that (`memory/ranking.py`). Why a memory has its number says `Books.why` of `memory:ID`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Protocol

from alma.errors import StorageFailure
from alma.learning.outcome import Outcome
from alma.learning.reward import NEUTRAL
from alma.memory.memories import Memories

log = logging.getLogger(__name__)
SURE = 1.0  # evidence with which half of what is believed counts
_MEMORY = "memory:"
_PAUSE_S = 0.2  # between an outcome and what is written for it: several come together
_RETRY_S = 5.0


class Believed(Protocol):
    """What is needed of a belief. `weight`: of its evidence, without what was believed before any."""

    @property
    def mean(self) -> float: ...

    @property
    def weight(self) -> float: ...


class Beliefs(Protocol):
    """What is needed of `Books`."""

    def belief(self, owner: str, item: str, context: str = "") -> Believed: ...


def worth(mean: float, weight: float) -> float:
    """Utility, from -1 to 1: 0 where what came of it is what comes of a run of which nobody says anything, or little is
    known."""
    above = mean - NEUTRAL
    return above / (1.0 - NEUTRAL if above > 0 else NEUTRAL) * weight / (weight + SURE)


class Weighing:
    """`told` is for `Books.listen`; `run` writes."""

    def __init__(self, beliefs: Beliefs, memories: Memories) -> None:
        self._beliefs = beliefs
        self._memories = memories
        self._waiting: dict[str, set[str]] = {}  # ids of memories, by owner
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def told(self, before: Outcome | None, after: Outcome) -> None:
        """An outcome was made, or made anew. What it named before and does not any more changes too."""
        named = {*_memories(after), *(_memories(before) if before is not None else ())}
        if named:
            self._waiting.setdefault(after.owner, set()).update(named)
            self._idle.clear()
            self._wake.set()

    async def settled(self) -> None:
        """Once all that was told is written."""
        await self._idle.wait()

    async def run(self) -> None:
        """Write, until cancelled."""
        while True:
            await self._wake.wait()
            await asyncio.sleep(_PAUSE_S)
            self._wake.clear()
            while self._waiting:
                owner, ids = self._waiting.popitem()
                try:
                    await self._memories.weigh(owner, self._weights(owner, ids))
                except StorageFailure as error:
                    log.warning("what memories are worth waits for the database: %s", error.actual)
                    self._waiting.setdefault(owner, set()).update(ids)
                    await asyncio.sleep(_RETRY_S)
            self._idle.set()

    def _weights(self, owner: str, ids: set[str]) -> dict[str, tuple[float, float]]:
        beliefs = {one: self._beliefs.belief(owner, _MEMORY + one) for one in ids}
        return {one: (worth(belief.mean, belief.weight), belief.weight) for one, belief in beliefs.items()}


def _memories(outcome: Outcome) -> Iterator[str]:
    for task in outcome.tasks:
        for part in task.parts:
            if part.item.startswith(_MEMORY):
                yield part.item.removeprefix(_MEMORY)
