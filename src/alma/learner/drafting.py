"""Drafts of prompts and notes on demand: which role, by which way, asked of which model, and what that took.

Models are asked in rehearsals, runs that nobody sees: so each call is in a journal, counts in the owner's budgets, and
ends when its time is up.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol

import sqlalchemy as sa
from msgspec import Struct

from alma.agent.planner import strength
from alma.agent.role import Role
from alma.agent.teaching import DIRECT
from alma.db.database import Database
from alma.db.learning_tables import lessons
from alma.errors import Conflict
from alma.learned import Trial
from alma.learner.distilling import Distilling
from alma.learner.evolving import Evolved, Evolving
from alma.learner.pairs import Forget, Rehearse
from alma.learner.reflection import Reflection
from alma.learner.said import Ask, Said
from alma.learner.version_records import Version
from alma.learning.holdout import held_out
from alma.models.chat import ChatMessage, ChatModel
from alma.models.probe import ProbeReport
from alma.models.remote import ModelInfo

How = Literal["reflection", "gepa"]
_NAME = "draft"  # of what is asked for drafts, whatever the draft
_SECONDS = 300.0  # that a call may take
_MOST_TASKS = 24  # that prompts are evolved on


class Drafted(Struct, frozen=True):
    """`calls`: of models; `tokens`, `cost` (US dollars): of all of them."""

    version: Version
    calls: int
    tokens: int
    cost: float


class Roles(Protocol):
    def get(self, name: str) -> Role: ...


class Models(Protocol):
    def resolve(self, model_id: str | None) -> tuple[ChatModel, ModelInfo]: ...

    def report(self, model_id: str) -> ProbeReport | None: ...


class _Asking:
    """An `Ask` that rehearses, and what that has taken so far."""

    def __init__(self, rehearse: Rehearse, model: str | None) -> None:
        self._rehearse = rehearse
        self._model = model
        self._key = f"draft_{secrets.token_hex(6)}"
        self.calls = 0
        self.tokens = 0
        self.cost = 0.0

    async def __call__(self, owner: str, messages: Sequence[ChatMessage], schema: dict[str, Any] | None) -> str:
        """One run with all messages in its request; the form is asked for in words there, and checked by who asks."""
        del schema
        self.calls += 1
        trial = Trial("replay", _NAME, arm="candidate", row=str(self.calls), pattern=DIRECT)
        text = "\n\n".join(
            one.content if one.role != "assistant" else f"You answered:\n{one.content}" for one in messages
        )
        key = f"{self._key}.{self.calls}"
        done = await self._rehearse(owner, trial, text, model=self._model, kind="chat", key=key, seconds=_SECONDS)
        self.tokens += done.tokens
        self.cost += done.cost
        if done.error or not done.answer:
            raise Conflict(
                "draft_failed",
                "The model that was asked did not answer.",
                expected="an answer",
                actual=f"{done.error or 'no answer'} in run {done.run_id}",
                hint="Look at the model's endpoint and at your budgets, and try again.",
            )
        return done.answer


class Drafting:
    """`active`: the role as it is used for an owner now. Each owner has one draft made at a time."""

    def __init__(
        self,
        database: Database,
        roles: Roles,
        models: Models,
        active: Callable[[str, str], Role],
        distilling: Distilling,
        reflection: Reflection,
        evolving: Evolving,
        rehearse: Rehearse,
        forget: Forget,
    ) -> None:
        self._database = database
        self._roles = roles
        self._models = models
        self._active = active
        self._distilling = distilling
        self._reflection = reflection
        self._evolving = evolving
        self._rehearse = rehearse
        self._forget = forget
        self._at_work: set[str] = set()

    async def distil(self, owner: str, role: str, model: str | None = None) -> Drafted:
        """Raises `NotFound` (unknown_role, unknown_model), `Conflict` (nothing_to_learn, draft_at_work, draft_failed),
        `EmbedderUnavailable`."""
        self._roles.get(role)
        _, info = self._models.resolve(model)
        strong = strength(info, self._models.report(info.id)).level == "strong"
        asking = _Asking(self._rehearse, info.id)
        with _One(self._at_work, owner):
            version = await self._distilling.distil(owner, role, asking if strong else None)
        return Drafted(version, asking.calls, asking.tokens, asking.cost)

    async def reflect(self, owner: str, role: str, how: How, model: str | None = None, calls: int = 60) -> Drafted:
        """`calls`: of the metric, for gepa. Raises as `distil`, and `InvalidRequest` (extra_missing,
        reflection_failed)."""
        self._roles.get(role)
        now = self._active(owner, role)
        _, info = self._models.resolve(model)
        asking = _Asking(self._rehearse, info.id)
        with _One(self._at_work, owner):
            if how == "reflection":
                version = await self._reflection.reflect(owner, now, asking)
            else:
                version = (await self._evolved(owner, now, asking, calls)).version
        return Drafted(version, asking.calls, asking.tokens, asking.cost)

    async def forget(self, owner: str) -> None:
        """A conversation was deleted: what models were asked for drafts may have its words, and is deleted. A draft at
        work goes on; what it asks is deleted the next time."""
        if owner not in self._at_work:
            await self._forget(owner, [_NAME])

    async def _evolved(self, owner: str, role: Role, asking: Ask, calls: int) -> Evolved:
        said = await self._reflection.failures(owner, role.name, 0)
        known = [one for one in said if one.wanted]
        tasks = await self._database.read(lambda connection: _approved(connection, owner, role.name))
        seen = {one.run_id for one in known}
        both = [*known, *(one for one in tasks if one.run_id not in seen)]
        return await self._evolving.evolve(owner, role, both[:_MOST_TASKS], asking, calls)


def _approved(connection: sa.Connection, owner: str, role: str) -> list[Said]:
    """Answers that were approved, as tasks whose right answer is known; none of those that judge."""
    row = lessons.c
    asked = sa.select(row.run_id, row.task_id, row.task, row.answer).where(row.owner == owner, row.role == role)
    rows = connection.execute(asked.where(row.on).order_by(row.created_at.desc()).limit(4 * _MOST_TASKS))
    return [
        Said(one.run_id, one.task_id, one.task, one.answer, [], wanted=one.answer)
        for one in rows
        if not (one.run_id and held_out(one.run_id))
    ]


class _One:
    """One draft of an owner at a time."""

    def __init__(self, at_work: set[str], owner: str) -> None:
        self._at_work = at_work
        self._owner = owner

    def __enter__(self) -> None:
        if self._owner in self._at_work:
            raise Conflict(
                "draft_at_work",
                "A draft is being made for you.",
                expected="one at a time",
                actual="a second one",
                hint="Wait until it is there.",
            )
        self._at_work.add(self._owner)

    def __exit__(self, *_: object) -> None:
        self._at_work.discard(self._owner)
