"""Learning put together: what is believed, what is chosen and told by it, what is on trial, what is refined."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from msgspec import Struct

from alma.agent.role import Role
from alma.agent.roles import Roles
from alma.agent.run import Models
from alma.agent.teaching import Teacher
from alma.db.database import Database
from alma.engine.state import RunState
from alma.events import Recorded
from alma.learner.books import Books
from alma.learner.choosing import Choosing
from alma.learner.distilling import Distilling
from alma.learner.drafting import Drafting
from alma.learner.evolving import Evolving
from alma.learner.gatekeeper import Gatekeeper
from alma.learner.kinship import Kinship
from alma.learner.lessons import Lessons
from alma.learner.paces import Paces
from alma.learner.pairs import Forget, Pairs, Rehearse
from alma.learner.preferences import Preferences
from alma.learner.reflection import Reflection
from alma.learner.scoring import Likeness
from alma.learner.teacher import LearnerTeacher
from alma.learner.version_records import Policy
from alma.learner.versions import Versions
from alma.learner.weighing import Weighing
from alma.learning.retention import BaseLevel, trace_of
from alma.memory.embedder import Embedder
from alma.memory.memories import Memories
from alma.memory.records import Memory
from alma.memory.refining import Refining
from alma.models.remote import ModelInfo

_CURVE = BaseLevel()


class Choice(Struct, frozen=True):
    """What the settings say of learning."""

    on: bool = True
    exploration: float = 0.1
    lesson_tokens: int = 400
    refine_idle_s: float = 300.0


class Schooling:
    """`memories` None: nothing is remembered. `clock`: Unix seconds; `well`: whether endpoints of a model take calls;
    `busy`: how much a role has to do."""

    def __init__(
        self,
        database: Database,
        roles: Roles,
        models: Models,
        embedder: Embedder,
        memories: Memories | None,
        choice: Choice,
        clock: Callable[[], float],
        well: Callable[[ModelInfo], bool] = lambda _info: True,
        busy: Callable[[str], float] = lambda _role: 0.0,
    ) -> None:
        self.choice = choice
        self.database = database
        self.roles = roles
        self.preferences = Preferences(database, choice.exploration, on=choice.on)
        self.books = Books(database, self.preferences, on=choice.on)
        self.versions = Versions(database, roles, clock)
        self.paces = Paces(database)
        self.books.listen(self.paces.told)
        self.kinship = Kinship(roles, embedder)
        self.choosing = Choosing(
            roles, models, self.books, self.paces, self.kinship, wish=self.preferences.get, well=well, busy=busy
        )
        self.lessons = Lessons(database, embedder, self.books, choice.lesson_tokens, clock)
        self.books.listen(self.lessons.heard)
        self.teacher: Teacher = LearnerTeacher(
            database, roles, self.choosing, self.versions, self.lessons, on=self.follows, clock=clock
        )
        self.gate: Gatekeeper | None = None
        self._scorer = Likeness(embedder)
        self._clock = clock
        self._models = models
        self._embedder = embedder
        self.drafting: Drafting | None = None
        self.memories = memories
        self.weighing = Weighing(self.books, memories, self.follows) if memories is not None else None
        if self.weighing is not None:
            self.books.listen(self.weighing.told)
            self.preferences.listen(self.weighing.anew)
        idle_s = choice.refine_idle_s if choice.on else 0.0
        self.refining = Refining(database, memories, _retained, idle_s, clock) if memories is not None else None

    def gated(
        self,
        rehearse: Rehearse,
        give_up: Callable[[str, str], Awaitable[None]],
        forget: Forget,
        idle: Callable[[], bool],
    ) -> None:
        """Versions are tried from now on. `rehearse`, `give_up`, `forget`: how a task is done again, stopped, and
        deleted; `idle`: nobody is at work."""
        pairs = Pairs(
            self.database, self.roles, self.versions, rehearse, give_up, forget, self._scorer, clock=self._clock
        )
        self.gate = Gatekeeper(self.database, self.versions, pairs, idle, on=self.follows, clock=self._clock)
        self.books.listen(self.gate.told)
        self.preferences.listen(self.gate.stir)
        if self.refining is not None:
            self.refining.busy = lambda: not idle()
            self.refining.follows = self.follows
        reflection = Reflection(self.database, self.versions)
        self.drafting = Drafting(
            self.database,
            self.roles,
            self._models,
            self.active,
            Distilling(self.database, self._embedder, self.versions),
            reflection,
            Evolving(reflection, self._embedder),
            rehearse,
            forget,
        )

    def active(self, owner: str, name: str) -> Role:
        """A role as it is used for an owner now."""
        active = self.versions.active(owner, "prompt", name)
        found = self.versions.role_of(owner, active.hash) if active is not None else None
        return found or self.roles.get(name)

    async def open(self) -> None:
        """Read what is believed and what is on trial, before the first run."""
        await self.preferences.open()
        await self.versions.open()
        await self.lessons.open()
        await self.books.open()
        if self.gate is not None:
            await self.gate.open()

    async def run(self) -> None:
        """Count runs that end, try versions, refine; until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.books.run())
            group.create_task(self.lessons.run())
            group.create_task(self.kinship.run())
            if self.gate is not None and self.choice.on:
                group.create_task(self.gate.run())
            if self.weighing is not None:
                group.create_task(self.weighing.run())
            if self.refining is not None:
                group.create_task(self.refining.run())

    def changed(self, state: RunState, log: Sequence[Recorded]) -> None:
        """A run began or ended."""
        self.books.ended(state, log)
        if self.refining is not None:
            self.refining.turned()

    async def forget(self, owner: str, run_ids: list[str]) -> None:
        """These runs are deleted with their thread: nothing may rest on them."""
        await self.books.forget(owner, run_ids)
        if self.weighing is not None:
            self.weighing.anew(owner)
        await self.lessons.forget(owner, run_ids)
        if self.gate is not None:
            await self.gate.forget(owner, run_ids)
        if self.drafting is not None:
            await self.drafting.forget(owner)
        self.paces.forget(owner)

    async def delete_version(self, owner: str, version_id: str) -> None:
        """With all that was rehearsed for it. Raises as `Versions.delete`."""
        await self.versions.delete(owner, version_id)
        if self.gate is not None:
            await self.gate.forget_version(owner, version_id)

    def follows(self, owner: str) -> bool:
        """Whether what is learned acts on this owner's runs."""
        return self.preferences.wants(owner)

    def routing(self, owner: str, role: str) -> Policy | None:
        """The policy of routes that acts for an owner's tasks of a role."""
        active = self.versions.active(owner, "policy", role)
        return self.versions.policy_of(owner, active.hash) if active is not None else None


def _retained(memory: Memory, now: float) -> float:
    return _CURVE(trace_of(memory), now)
