"""The gate: moves versions from replay over shadow and canary to where they act, or back, and watches them then.

Replay: past tasks that are held out, each done again by candidate and base. Shadow: live tasks, done again by the
candidate beside, unseen. Canary: a share of the live tasks is the candidate's (`Versions.choices`), and rewards come
from the books, late ones too: what is known of a task is put anew. All of it is in tables, and a rehearsal has a key,
so a crash loses nothing and nothing is done twice. Rehearsals wait until nobody else is at work, two at a time.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from alma.db.database import Database
from alma.errors import AlmaError, Conflict
from alma.learner import version_store as store
from alma.learner.canaries import tried_in
from alma.learner.judging import Judgement, compared, judgement, watched
from alma.learner.pairs import Pairs
from alma.learner.past_tasks import follows, past_tasks, since
from alma.learner.scoring import Past
from alma.learner.version_records import Phase, Stage, Tried, Version
from alma.learner.versions import Versions
from alma.learning.outcome import Outcome

log = logging.getLogger(__name__)
GATE = "gate"  # as who moves a version
_MOST_TOLD = 10_000  # outcomes that wait to be written; then the oldest is read again at the next start
_MOST_LIVE = 50  # tasks that wait for their shadow
_MOST_SINCE = 4000  # runs that are gone through at the start
_LOOK_S = 5.0  # between two looks whether somebody is at work
_TROUBLE_S = 60.0  # before it is tried again
_REHEARSED: tuple[Stage, ...] = ("replay", "shadow")


class Pace(Struct, frozen=True):
    """`least`: past tasks without which replay and shadow are passed over; `pairs`: that a replay does; `shadows`: live
    tasks that a shadow does, of `share` of them; `tokens`: that all rehearsals of a trial may use."""

    least: int = 8
    pairs: int = 24
    shadows: int = 12
    share: float = 0.25
    tokens: int = 300_000


class Gatekeeper:
    """`idle`: whether nobody is at work; `on`: whether an owner wants to learn, else nothing is rehearsed for them;
    `pause`: waits so many seconds."""

    def __init__(
        self,
        database: Database,
        versions: Versions,
        pairs: Pairs,
        idle: Callable[[], bool],
        *,
        on: Callable[[str], bool] = lambda _owner: True,
        pace: Pace = Pace(),  # noqa: B008  # frozen
        clock: Callable[[], float] = time.time,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._database = database
        self._versions = versions
        self._pairs = pairs
        self._idle = idle
        self._on = on
        self._pace = pace
        self._clock = clock
        self._pause = pause
        self._told: deque[Outcome] = deque(maxlen=_MOST_TOLD)
        self._live: deque[tuple[str, Outcome]] = deque(maxlen=_MOST_LIVE)  # of a version in its shadow
        self._doing = ""  # the run that is done again now
        self._heard = asyncio.Event()
        self._work = asyncio.Event()
        self._moved = asyncio.Event()
        versions.listen(self._on_move)

    async def open(self) -> None:
        """Take up what ended while nobody looked."""
        began: dict[str, float] = {}
        for version in self._versions.everyone("canary", "promoted"):
            start = version.changed_at if version.stage == "promoted" else version.standing.began
            began[version.owner] = min(began.get(version.owner, start), start)
        for owner, at in began.items():
            found = await self._database.read(lambda connection, o=owner, a=at: since(connection, o, a, _MOST_SINCE))
            for outcome in found:
                self.told(None, outcome)
        self._work.set()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listening())
            group.create_task(self._rehearsing())

    def stir(self, _owner: str = "") -> None:
        """What holds it up may be over: an owner has turned learning on."""
        self._work.set()

    def told(self, before: Outcome | None, after: Outcome) -> None:
        """A run was counted, for the first time or again: see `Books.listen`."""
        self._told.append(after)
        self._heard.set()
        if before is None:
            for version in self._versions.everyone("shadow"):
                if version.owner == after.owner and self._is_shadowed(version, after):
                    self._live.append((version.id, after))
                    self._work.set()

    async def forget(self, owner: str, run_ids: list[str]) -> None:
        """Nothing rests on these runs any more, and what did them again is deleted with them."""
        gone = set(run_ids)
        self._told = deque((one for one in self._told if one.run_id not in gone), _MOST_TOLD)
        self._live = deque((one for one in self._live if one[1].run_id not in gone), _MOST_LIVE)
        if self._doing in gone:
            self._doing = ""
        mine = [one.id for one in self._versions.of_owner(owner)]
        if mine and run_ids:
            await self._pairs.forget(owner, gone)
            await self._database.write(lambda connection: store.forget_runs(connection, mine, run_ids))

    async def forget_version(self, owner: str, version_id: str) -> None:
        await self._pairs.forget(owner, [version_id])

    # ── what is told ──────────────────────────────────────────────────────────────────────────────────────────────

    async def _listening(self) -> None:
        while True:
            await self._heard.wait()
            self._heard.clear()
            try:
                await self._take_in()
            except AlmaError as error:  # the rows are made again when the run is told again, or at the next start
                log.warning("the gate could not note what runs were worth: %s", error.message)

    async def _take_in(self) -> None:
        outcomes = list(self._told)
        self._told.clear()
        rows = [tried for one in outcomes for tried in tried_in(one, self._versions.find)]
        rows = [one for one in rows if one.at >= self._since(one.version_id)]
        if not rows:
            return
        now = self._clock()

        def write(connection: sa.Connection) -> None:
            for one in rows:
                store.keep_tried(connection, msgspec.structs.replace(one, at=now))

        await self._database.write(write)
        for version_id in dict.fromkeys(one.version_id for one in rows):
            await self.judge(version_id)

    def _since(self, version_id: str) -> float:
        """Runs that ended before then say nothing: of its trial, or of its promotion where it acts."""
        version = self._versions.find(version_id)
        if version is None:
            return 0.0
        return version.changed_at if version.stage == "promoted" else version.standing.began

    async def judge(self, version_id: str) -> None:
        """Look at what is known, and move the version where that decides."""
        version = self._versions.find(version_id)
        if version is not None and (version.stage == "promoted" or version.tried):
            try:
                await self._judge(version)
            except Conflict as error:  # its owner was quicker
                log.info("a decision of the gate came too late: %s", error.message)

    async def _judge(self, version: Version) -> None:
        if version.tried and self._versions.base_of(version.owner, version.what, version.of) != version.base:
            await self._advance(version, "draft", "what it was compared with is another by now", None)
        elif version.stage == "promoted":
            await self._watch(version)
        elif version.stage == "canary":
            await self._decide(version)

    async def _decide(self, version: Version) -> None:
        found = await asyncio.to_thread(judgement, "canary", await self._tried(version, "canary"))
        judged = found.judged
        data = msgspec.json.encode(found).decode()
        if (broken := found.broken) is not None:
            await self._advance(version, "rolled_back", f"it harms {broken.name}", found)
        elif judged.verdict == "better":
            await self._versions.promote(version.owner, version.id, by=GATE, why=judged.why, data=data, seen=version)
        elif judged.verdict != "undecided":
            await self._advance(version, "rolled_back", f"{judged.verdict}: {judged.why}", found)

    async def _watch(self, version: Version) -> None:
        canary = await self._tried(version, "canary")
        found = await asyncio.to_thread(watched, canary, await self._tried(version, "watch"))
        if found.drifted:
            data = msgspec.json.encode(found).decode()
            why = f"drift: its rewards fell below what the base's were ({found.level:.2f})"
            await self._versions.revert(version.owner, version.id, by=GATE, why=why, data=data, seen=version)

    async def _tried(self, version: Version, phase: Phase) -> list[Tried]:
        return await self._database.read(lambda connection: store.tried(connection, version.id, phase))

    async def _advance(self, version: Version, stage: Stage, why: str, found: Judgement | None) -> None:
        data = msgspec.json.encode(found).decode() if found is not None else "{}"
        await self._versions.advance(version.owner, version.id, stage, by=GATE, why=why, data=data, seen=version)

    # ── rehearsals ────────────────────────────────────────────────────────────────────────────────────────────────

    def _on_move(self, version: Version) -> None:
        del version
        self._work.set()
        self._moved.set()

    async def _rehearsing(self) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            trouble = False
            for version in self._versions.everyone("replay", "shadow", "canary"):
                try:
                    await self._further(version.id)
                except Conflict as error:  # its owner has moved it
                    log.info("a decision of the gate came too late: %s", error.message)
                except AlmaError as error:
                    log.warning("the gate could not go on: %s", error.message)
                    trouble = True
            if trouble:
                await self._pause(_TROUBLE_S)
                self._work.set()

    async def _further(self, version_id: str) -> None:
        """As far as it goes now."""
        trial = 0
        while (version := self._versions.find(version_id)) is not None and version.tried:
            if trial not in (0, version.standing.trial):
                return  # stopped and begun anew: its turn comes again
            trial = version.standing.trial
            await self.judge(version_id)
            version = self._versions.find(version_id)
            if version is None or version.stage not in _REHEARSED or not self._on(version.owner):
                return
            if not await self._once(version):
                return

    async def _once(self, version: Version) -> bool:
        """One task more, or the next stage; False: there is nothing to do now."""
        if version.what == "policy":
            await self._advance(version, "canary", "routes are judged by live tasks only", None)
            return True
        if version.standing.tokens >= self._pace.tokens:
            await self._advance(version, "canary", "its rehearsals have used the tokens that they may", None)
            return True
        return await (self._replay if version.stage == "replay" else self._shadow)(version)

    async def _replay(self, version: Version) -> bool:
        pace, made_from = self._pace, set(version.standing.runs)
        past = await self._database.read(
            lambda connection: past_tasks(connection, version.owner, version.of, made_from, pace.pairs)
        )
        if len(past) < pace.least:
            why = f"replay and shadow are passed over: {len(past)} past tasks to judge by, {pace.least} are needed"
            await self._advance(version, "canary", why, None)
            return True
        tried = await self._tried(version, "replay")
        found = await asyncio.to_thread(judgement, "replay", tried)
        done = {one.pair for one in tried}
        todo = [one for one in past if one.run_id not in done]
        if await self._out(version, found):
            return True
        if not todo or found.judged.verdict == "better":
            await self._advance(version, "shadow", _passed("past", found, tried), found)
            return True
        await self._interruptible(version, todo[0], None)
        return True

    async def _shadow(self, version: Version) -> bool:
        tried = await self._tried(version, "shadow")
        found = await asyncio.to_thread(judgement, "shadow", tried)
        if await self._out(version, found):
            return True
        if found.judged.candidate >= self._pace.shadows:
            await self._advance(version, "canary", _passed("live", found, tried), found)
            return True
        mine = next((one for one in self._live if one[0] == version.id), None)
        if mine is None:
            return False
        self._live.remove(mine)
        outcome = mine[1]
        if await self._database.read(lambda connection: follows(connection, outcome.run_id)):
            return True  # without what was said before it is another task
        await self._interruptible(version, Past(outcome.run_id, outcome.text, outcome.kind), outcome)
        return True

    async def _out(self, version: Version, found: Judgement) -> bool:
        if found.broken is None and found.judged.verdict != "worse":
            return False
        why = f"it harms {found.broken.name}" if found.broken is not None else f"worse: {found.judged.why}"
        await self._advance(version, "rolled_back", why, found)
        return True

    def _is_shadowed(self, version: Version, outcome: Outcome) -> bool:
        if not outcome.text or not any(task.role == version.of for task in outcome.tasks):
            return False
        drawn = hashlib.sha256(f"shadow\n{version.id}\n{outcome.run_id}".encode()).digest()[0] / 256
        return drawn < self._pace.share and outcome.run_id not in version.standing.runs

    async def _interruptible(self, version: Version, past: Past, live: Outcome | None) -> None:
        """Do it, until its owner stops the trial."""
        while not self._idle():
            if not self._goes_on(version):
                return
            await self._pause(_LOOK_S)
        try:
            await self._until_moved(version, past, live)
        except* AlmaError as errors:  # it has a key: when its turn comes again, nothing is done twice
            log.warning("a rehearsal could not be scored: %s", errors.exceptions[0])
            await self._pause(_TROUBLE_S)

    async def _until_moved(self, version: Version, past: Past, live: Outcome | None) -> None:
        async with asyncio.TaskGroup() as group:
            work = group.create_task(self._pair(version, past, live))
            while not work.done():
                self._moved.clear()
                if not self._goes_on(version):
                    work.cancel()
                    break
                moved = group.create_task(self._moved.wait())
                await asyncio.wait({work, moved}, return_when=asyncio.FIRST_COMPLETED)
                moved.cancel()
        if work.cancelled():
            await self._pairs.give_up(version, past)

    def _goes_on(self, version: Version) -> bool:
        now = self._versions.find(version.id)
        same = now is not None and now.stage == version.stage and now.standing.trial == version.standing.trial
        return same and self._on(version.owner)

    async def _pair(self, version: Version, past: Past, live: Outcome | None) -> None:
        self._doing = past.run_id
        candidate, base, tokens = await self._pairs.make(version, past, live)
        if self._doing != past.run_id or not self._goes_on(version):
            return

        def write(connection: sa.Connection) -> None:
            store.keep_tried(connection, candidate)
            store.keep_tried(connection, base)

        await self._database.write(write)
        await self._versions.used(version.owner, version.id, tokens)


def _passed(which: str, found: Judgement, tried: list[Tried]) -> str:
    """Why a rehearsal is over; what failed on both sides was tried, and says nothing."""
    said = compared(tried)
    failed = found.judged.candidate - said
    return f"{said} {which} tasks speak not against it" + (f"; {failed} failed on both sides" if failed > 0 else "")
