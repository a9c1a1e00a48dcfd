"""One past or live task, done by candidate and base: in runs that nobody sees, and scored.

A rehearsal goes by all that acts for its owner, but for what is tried; it knows neither memories nor examples, which
may have come from the task itself. Where both runs have tasks of their plans that the role did, those are compared, and
what others made of them is not; else the whole runs are.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from collections.abc import Awaitable, Callable, Collection
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from alma.agent.roles import Roles
from alma.db.database import Database
from alma.engine.journal import read_entries
from alma.errors import AlmaError, NotFound
from alma.events import KINDS, Kind
from alma.learned import Trial
from alma.learner.scoring import Past, Rehearsed, Scorer
from alma.learner.version_records import Side, Tried, Version, What
from alma.learner.versions import Versions
from alma.learner.work import Work, work_of
from alma.learning.outcome import Outcome

_KINDS: dict[str, Kind] = {kind: kind for kind in KINDS}


class Rehearse(Protocol):
    """Do a task again in a run that nobody sees; the same key gives the same run. Cancelling stops waiting for it."""

    def __call__(
        self, owner: str, trial: Trial, text: str, *, model: str | None, kind: Kind | None, key: str, seconds: float
    ) -> Awaitable[Rehearsed]: ...


Forget = Callable[[str, Collection[str]], Awaitable[None]]


class Half(Struct, frozen=True):
    """What one side of a pair did. `own`: of the role alone; None: it did no task of a plan."""

    arm: Side
    run_id: str
    whole: Work
    own: Work | None = None
    tokens: int = 0


class Pairs:
    """`rehearse`: how a task is done again, `give_up`: stops one by its key, `forget`: deletes what did these runs
    again; `seconds`: that one may take."""

    def __init__(
        self,
        database: Database,
        roles: Roles,
        versions: Versions,
        rehearse: Rehearse,
        give_up: Callable[[str, str], Awaitable[None]],
        forget: Forget,
        scorer: Scorer,
        *,
        seconds: float = 180.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._roles = roles
        self._versions = versions
        self._rehearse = rehearse
        self._give_up = give_up
        self.forget = forget
        self._scorer = scorer
        self._seconds = seconds
        self._clock = clock

    async def make(self, version: Version, past: Past, live: Outcome | None) -> tuple[Tried, Tried, int]:
        """Candidate, base, and the tokens of both. `live`: what the base has done already, for its user."""
        async with asyncio.TaskGroup() as group:
            mine = group.create_task(self._side(version, past, "candidate"))
            other = self._side(version, past, "base") if live is None else self._lived(version, live)
            theirs = group.create_task(other)
        candidate, base = mine.result(), theirs.result()
        rows = [await self._row(version, past, one, other) for one, other in ((candidate, base), (base, candidate))]
        return rows[0], rows[1], candidate.tokens + base.tokens

    async def give_up(self, version: Version, past: Past) -> None:
        """Stop what is under way of it."""
        sides: tuple[Side, ...] = ("candidate", "base")
        for arm in sides:
            with contextlib.suppress(NotFound):
                await self._give_up(version.owner, _key(version, self._trial(version, past, arm)))

    async def _side(self, version: Version, past: Past, arm: Side) -> Half:
        """What cannot even be begun is an error of that side."""
        trial = self._trial(version, past, arm)
        key = _key(version, trial)
        try:
            done = await self._rehearse(
                version.owner, trial, past.text, model=None, kind=_KINDS.get(past.kind), key=key, seconds=self._seconds
            )
        except AlmaError as error:
            return Half(arm, f"{arm}:{past.run_id}", Work([], error.code))
        seen = await self._work(done.run_id, version.of)
        whole = Work([done.answer], done.error, done.ms, done.cost, seen[0].checks if seen is not None else None)
        return Half(arm, done.run_id, whole, seen[1] if seen is not None else None, done.tokens)

    def _trial(self, version: Version, past: Past, arm: Side) -> Trial:
        named = {version.of: version.hash if arm == "candidate" else version.base}
        return Trial(
            of="replay" if version.stage == "replay" else "shadow",
            id=version.id,
            arm=arm,
            row=past.run_id,
            roles=self._acting(version, "prompt") | (named if version.what == "prompt" else {}),
            notes=self._acting(version, "notes") | (named if version.what == "notes" else {}),
        )

    def _acting(self, version: Version, what: What) -> dict[str, str]:
        """By role."""
        acting = [one for one in self._versions.of_owner(version.owner, what) if one.stage == "promoted"]
        return {one.of: one.hash for one in acting}

    async def _lived(self, version: Version, live: Outcome) -> Half:
        seen = await self._work(live.run_id, version.of)
        if seen is not None:
            return Half("base", live.run_id, *seen)
        main = live.tasks[0]
        return Half("base", live.run_id, Work([], main.error, main.ms, main.cost))

    async def _work(self, run_id: str, role: str) -> tuple[Work, Work | None] | None:
        return await self._database.read(lambda c: work_of(read_entries(c, {run_id: 0})[run_id], role))

    async def _row(self, version: Version, past: Past, done: Half, other: Half) -> Tried:
        work, answers, wanted = measured(past, done, other)
        score = await self._scorer.score(work, answers, wanted, None if work.own else self._schema())
        return Tried(
            version.id,
            "replay" if version.stage == "replay" else "shadow",
            done.arm,
            done.run_id,
            self._clock(),
            pair=past.run_id,
            reward=score,
            error=work.error,
            ms=work.ms,
            cost=work.cost,
            context=past.kind,
        )

    def _schema(self) -> dict[str, Any] | None:
        """That the answers of whole runs obey: the Manager's."""
        try:
            return self._roles.get("manager").output_schema
        except NotFound:
            return None


def measured(past: Past, half: Half, other: Half) -> tuple[Work, list[str], str]:
    """By which work a half is judged, and which of its answers are compared with which approved one (empty: none).
    Both halves are measured alike: by what the role did where both have that, and by the answer to the whole only if
    both have one."""
    if half.own is None or other.own is None:
        return half.whole, half.whole.answers, past.approved
    if past.own:
        return half.own, half.own.answers, past.own
    failed = half.whole.error or other.whole.error
    return half.own, half.whole.answers, "" if failed else past.approved


def _key(version: Version, trial: Trial) -> str:
    """What acts beside it is in the key: with something else it is another run."""
    named = hashlib.sha256(msgspec.json.encode((sorted(trial.roles.items()), sorted(trial.notes.items())))).hexdigest()
    return f"{version.id}:{version.standing.trial}:{version.stage}:{trial.row}:{trial.arm}:{named[:12]}"
