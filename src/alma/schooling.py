"""Learning put together: what is believed, what is chosen and told by it, what is on trial, what is refined."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from msgspec import Struct

from alma.agent.roles import Roles
from alma.agent.run import Models
from alma.agent.teaching import Teacher
from alma.db.database import Database
from alma.engine.journal import Journal
from alma.engine.state import RunState
from alma.learning.retention import BaseLevel, trace_of
from alma.memory.embedder import Embedder
from alma.memory.memories import Memories
from alma.memory.records import Memory
from alma.memory.refining import Refining

_CURVE = BaseLevel()


class Choice(Struct, frozen=True):
    """What the settings say of learning."""

    on: bool = True
    exploration: float = 0.1
    lesson_tokens: int = 400
    refine_idle_s: float = 300.0


class Schooling:
    """`memories` None: nothing is remembered. `clock`: Unix seconds."""

    def __init__(
        self,
        database: Database,
        journal: Journal,
        roles: Roles,
        models: Models,
        embedder: Embedder,
        memories: Memories | None,
        choice: Choice,
        clock: Callable[[], float],
    ) -> None:
        self.choice = choice
        self.teacher: Teacher | None = None
        self.memories = memories
        idle_s = choice.refine_idle_s if choice.on else 0.0
        self.refining = Refining(database, memories, _retained, idle_s, clock) if memories is not None else None

    async def open(self) -> None:
        """Read what is believed and what is on trial, before the first run."""

    async def run(self) -> None:
        """Count runs that end, try versions, refine; until cancelled."""
        async with asyncio.TaskGroup() as group:
            if self.refining is not None:
                group.create_task(self.refining.run())

    def changed(self, state: RunState) -> None:
        """A run began or ended."""
        if self.refining is not None:
            (self.refining.ended if state.finished is not None else self.refining.began)(state.run_id)

    async def forget(self, owner: str, run_ids: list[str]) -> None:
        """These runs are deleted with their thread: nothing may rest on them."""


def _retained(memory: Memory, now: float) -> float:
    return _CURVE(trace_of(memory), now)
