"""Entries on their way to the journal, through a database that may fail and may have committed before it did."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

from alma.engine.active import Active
from alma.engine.journal import Fence
from alma.errors import FenceLost, StorageFailure
from alma.events import JournalEntry, Recorded

if TYPE_CHECKING:
    from alma.engine.runner import Engine


class Recording:
    """Submitted when it is made. Awaiting it, also more than once, makes sure that the entries are durable and in the
    state with all that came before them. `fence`: the writer's; `head`: where the log must end. Raises what
    `Journal.append` does, but for `StorageFailure`: it tries again until the database can. With a fence also raises
    `FenceLost` when the run ended meanwhile."""

    def __init__(
        self, engine: Engine, active: Active, new: Sequence[JournalEntry], fence: Fence | None, head: int | None = None
    ) -> None:
        self._engine = engine
        self._active = active
        self._new = new
        self._fence = fence
        self._head = head
        self._after = active.state.head
        self._last = self._submit()

    def __await__(self) -> Generator[Any, None, list[Recorded]]:
        return self._settled().__await__()

    def _submit(self) -> asyncio.Future[list[Recorded]]:
        return self._engine.submit(self._active, self._new, self._fence, self._head)

    async def _settled(self) -> list[Recorded]:
        try:
            written = await asyncio.shield(self._last)
        except StorageFailure as error:
            self._engine.ledger.unsure()  # it may be written all the same
            self._engine.trouble(error)
            written = await self._engine.patiently(self._append_once)
            self._engine.trouble(None)
        if written and self._active.state.head < written[-1].seq:
            await self._engine.catch_up(self._active)
        if self._fence is not None and len(written) < len(self._new):
            raise FenceLost("The run has ended meanwhile.", expected="a run under way", actual="its end")
        return written

    async def _append_once(self) -> list[Recorded]:
        """Append them unless they are there."""
        journal, active = self._engine.journal, self._active
        there = [one for one in await journal.read(active.run_id, self._after) if one.entry in self._new]
        if len(there) == len(self._new):
            for recorded in there:
                journal.publish(active.thread_id, recorded)
            if self._fence is not None:
                self._fence.seen = max([self._after, *(one.seq for one in there)])  # its own words are no news to it
            return there
        self._last = self._submit()
        return await asyncio.shield(self._last)
