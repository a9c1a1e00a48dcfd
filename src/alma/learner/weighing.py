"""What is believed of memories flows into what is recalled: after each outcome, utility and strength of those it named.

The reward of an answer is credited to the memories that were told for it (`learner/books.py`); recall ranks by what has
come of that (`memory/ranking.py`). Why a memory has its number says `Books.why` of `memory:ID`.

What is written follows from the books: at the start, and whenever more than an outcome has changed (weights of signals,
runs that are deleted, learning turned on or off), all of an owner is compared and what differs is written. Of owners
who do not learn nothing is believed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Protocol

from alma.errors import StorageFailure
from alma.learning.outcome import Outcome
from alma.learning.posterior import prior
from alma.learning.reward import NEUTRAL
from alma.learning.tally import Sums
from alma.memory.memories import Memories

log = logging.getLogger(__name__)
SURE = 1.0  # evidence with which half of what is believed counts
_PRIOR = prior(NEUTRAL)
_MEMORY = "memory:"
_PAUSE_S = 0.2  # between an outcome and what is written for it: several come together
_RETRY_S = 5.0


class Beliefs(Protocol):
    """What is needed of `Books`."""

    @property
    def owners(self) -> list[str]: ...

    def items(self, owner: str, what: str = "", context: str | None = None) -> list[tuple[str, str]]: ...

    def tally(self, owner: str, item: str, context: str) -> Sums: ...


def worth(mean: float, weight: float) -> float:
    """Utility, from -1 to 1: 0 where what came of it is what comes of a run of which nobody says anything, or little is
    known."""
    above = mean - NEUTRAL
    return above / (1.0 - NEUTRAL if above > 0 else NEUTRAL) * weight / (weight + SURE)


class Weighing:
    """`told` is for `Books.listen`; `run` writes. `follows`: whether what is learned acts for this owner."""

    def __init__(self, beliefs: Beliefs, memories: Memories, follows: Callable[[str], bool]) -> None:
        self._beliefs = beliefs
        self._memories = memories
        self._follows = follows
        self._waiting: dict[str, set[str]] = {}  # ids of memories, by owner
        self._anew: dict[str, None] = {}  # owners
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def told(self, before: Outcome | None, after: Outcome) -> None:
        """An outcome was made, or made anew. What it named before and does not any more changes too."""
        named = {*_memories(after), *(_memories(before) if before is not None else ())}
        if named and self._follows(after.owner):
            self._waiting.setdefault(after.owner, set()).update(named)
            self._idle.clear()
            self._wake.set()

    def anew(self, owner: str) -> None:
        """What is believed may be other of any of this owner's memories."""
        self._anew[owner] = None
        self._idle.clear()
        self._wake.set()

    async def settled(self) -> None:
        """Once all that was told is written."""
        await self._idle.wait()

    async def run(self) -> None:
        """Write, until cancelled; first what is not as the books have it."""
        while not await self._patiently(self._all_anew):
            pass
        while True:
            await self._wake.wait()
            await asyncio.sleep(_PAUSE_S)
            self._wake.clear()
            while self._waiting or self._anew:
                await self._patiently(self._write_next)
            self._idle.set()

    async def _patiently(self, work: Callable[[], Awaitable[None]]) -> bool:
        """Whether it was done; else it is to be done again."""
        try:
            await work()
        except StorageFailure as error:
            log.warning("what memories are worth waits for the database: %s", error.actual)
            await asyncio.sleep(_RETRY_S)
            return False
        return True

    async def _all_anew(self) -> None:
        for owner in {*self._beliefs.owners, *await self._memories.weighed_owners()}:
            self.anew(owner)

    async def _write_next(self) -> None:
        """Of one owner: all that differs, or what was named."""
        if self._anew:
            owner = next(iter(self._anew))
            del self._anew[owner]
            try:
                await self._compare(owner)
            except StorageFailure:
                self._anew[owner] = None
                raise
            return
        owner, ids = self._waiting.popitem()
        try:
            await self._memories.weigh(owner, {one: self._weight(owner, one) for one in ids})
        except StorageFailure:
            self._waiting.setdefault(owner, set()).update(ids)
            raise

    async def _compare(self, owner: str) -> None:
        written = await self._memories.weighed(owner)
        named = self._beliefs.items(owner, "memory", "") if self._follows(owner) else []
        believed = {item.removeprefix(_MEMORY): self._weight(owner, item.removeprefix(_MEMORY)) for item, _ in named}
        nothing = dict.fromkeys(written, (0.0, 0.0))
        wanted = {one: weight for one, weight in (nothing | believed).items() if written.get(one) != weight}
        await self._memories.weigh(owner, wanted)

    def _weight(self, owner: str, memory_id: str) -> tuple[float, float]:
        sums = self._beliefs.tally(owner, _MEMORY + memory_id, "")
        strength = sums.good + sums.bad
        return worth(_PRIOR.with_(sums.good, sums.bad).mean, strength), strength


def _memories(outcome: Outcome) -> Iterator[str]:
    for task in outcome.tasks:
        for part in task.parts:
            if part.item.startswith(_MEMORY):
                yield part.item.removeprefix(_MEMORY)
