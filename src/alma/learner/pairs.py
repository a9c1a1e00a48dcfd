"""One past or live task, done by candidate and base: in runs that nobody sees, and scored."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from alma.agent.roles import Roles
from alma.db.database import Database
from alma.errors import AlmaError, NotFound
from alma.events import KINDS, Kind
from alma.learned import Trial
from alma.learner.past_tasks import answer_of
from alma.learner.scoring import Past, Rehearsed, Scorer
from alma.learner.version_records import Side, Tried, Version
from alma.learning.outcome import Outcome

_KINDS: dict[str, Kind] = {kind: kind for kind in KINDS}


class Rehearse(Protocol):
    """Do a task again in a run that nobody sees; the same key gives the same run. Cancelling stops waiting for it."""

    def __call__(
        self, owner: str, trial: Trial, text: str, *, model: str | None, kind: Kind | None, key: str, seconds: float
    ) -> Awaitable[Rehearsed]: ...


class Pairs:
    """`rehearse`: how a task is done again, `give_up`: stops one by its key; `seconds`: that one may take."""

    def __init__(
        self,
        database: Database,
        roles: Roles,
        rehearse: Rehearse,
        give_up: Callable[[str, str], Awaitable[None]],
        scorer: Scorer,
        *,
        seconds: float = 180.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._roles = roles
        self._rehearse = rehearse
        self._give_up = give_up
        self._scorer = scorer
        self._seconds = seconds
        self._clock = clock

    async def make(self, version: Version, past: Past, live: Outcome | None) -> tuple[Tried, Tried, int]:
        """Candidate, base, and the tokens of both. `live`: what the base has done already, for its user."""
        async with asyncio.TaskGroup() as group:
            mine = group.create_task(self._side(version, past, "candidate"))
            other = self._side(version, past, "base") if live is None else self._lived(version, past, live)
            theirs = group.create_task(other)
        (candidate, tokens), (base, more) = mine.result(), theirs.result()
        return candidate, base, tokens + more

    async def give_up(self, version: Version, past: Past) -> None:
        """Stop what is under way of it."""
        sides: tuple[Side, ...] = ("candidate", "base")
        for arm in sides:
            with contextlib.suppress(NotFound):
                await self._give_up(version.owner, _key(version, past, arm))

    async def _side(self, version: Version, past: Past, arm: Side) -> tuple[Tried, int]:
        """What cannot even be begun is an error of that side."""
        named = {version.of: version.hash if arm == "candidate" else version.base}
        trial = Trial(
            of="replay" if version.stage == "replay" else "shadow",
            id=version.id,
            arm=arm,
            row=past.run_id,
            roles=named if version.what == "prompt" else {},
            notes=named if version.what == "notes" else {},
        )
        key = _key(version, past, arm)
        try:
            done = await self._rehearse(
                version.owner, trial, past.text, model=None, kind=_KINDS.get(past.kind), key=key, seconds=self._seconds
            )
        except AlmaError as error:
            return self._row(version, arm, f"{arm}:{past.run_id}", past, 0.0, error.code, 0.0, 0.0), 0
        score = await self._scorer.score(past, done.answer, done.error, self._schema())
        return self._row(version, arm, done.run_id, past, score, done.error, done.ms, done.cost), done.tokens

    async def _lived(self, version: Version, past: Past, live: Outcome) -> tuple[Tried, int]:
        answer = await self._database.read(lambda connection: answer_of(connection, live.run_id))
        main = live.tasks[0]
        score = await self._scorer.score(past, answer, main.error, self._schema())
        return self._row(version, "base", live.run_id, past, score, main.error, main.ms, main.cost), 0

    def _row(
        self, version: Version, arm: Side, run_id: str, past: Past, score: float, error: str, ms: float, cost: float
    ) -> Tried:
        return Tried(
            version.id,
            "replay" if version.stage == "replay" else "shadow",
            arm,
            run_id,
            self._clock(),
            pair=past.run_id,
            reward=score,
            error=error,
            ms=ms,
            cost=cost,
            context=past.kind,
        )

    def _schema(self) -> dict[str, Any] | None:
        """That the answers of whole runs obey: the Manager's."""
        try:
            return self._roles.get("manager").output_schema
        except NotFound:
            return None


def _key(version: Version, past: Past, arm: Side) -> str:
    return f"{version.id}:{version.standing.trial}:{version.stage}:{past.run_id}:{arm}"
