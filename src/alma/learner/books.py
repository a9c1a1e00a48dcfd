"""The books: what runs that have ended say, kept as outcomes, and what is believed of it, in memory, for each owner.

A run is counted when it has ended, and again whenever something is said of it later. What a crash came between is
counted at the next start: an outcome names the head of the journal that it was made from. Beliefs follow from the
outcomes of an owner alone (`learning/records.py`); a run that is deleted has never spoken. Of a run whose steps were
given up the outcome stays, and what is said of it later is counted onto that.

Owners are apart: each has records of its own, and nothing is shared between them.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from alma.db.database import Database
from alma.engine.state import RunState
from alma.errors import AlmaError, StorageFailure
from alma.events import Recorded
from alma.learner import outcome_store
from alma.learner.outcome_store import Ended, Made
from alma.learner.outcomes import WeightsOf, weighed
from alma.learner.preferences import Preferences
from alma.learning.outcome import Heard, Outcome
from alma.learning.posterior import Posterior, prior
from alma.learning.records import MOST_RUNS, Piece, Records
from alma.learning.reward import NEUTRAL, Weights
from alma.learning.tally import LEAST, Sums

log = logging.getLogger(__name__)
# What is believed of anything of which nothing is known: that of it comes what comes of a run of which nobody says
# anything. So silence moves nothing, and only what is better or worse than that is told apart.
PRIOR = prior(NEUTRAL)
_TOGETHER = 256  # runs that are counted in one transaction,
_AT_ONCE = 32  # of which so many are read at once,
_ENTRIES = 100  # and others may go on after so many entries: some milliseconds
_GATHER_S = 1.0  # after the end of a run, for others that end: a transaction costs as much as to count ten
_FIRST_PAUSE_S, _LAST_PAUSE_S = 1.0, 30.0
_AT_START = 500  # outcomes that are put at once before others may go on
Told = Callable[[Outcome | None, Outcome], None]


class Belief(Struct, frozen=True):
    """What is believed of an item's reward: its mean, and `low` to `high`, in which it lies with 90 %. `weight`: of the
    evidence, in clear words, what is old discounted; `count`: of tasks that spoke; `newest_at`: when the last one
    ended, 0: none has."""

    item: str
    context: str
    mean: float
    low: float
    high: float
    weight: float
    count: int
    newest_at: float


class Why(Struct, frozen=True):
    """A task that speaks of an item. `weight`: with its share of the credit, as on the day; `now`: discounted."""

    run_id: str
    task_id: str
    thread_id: str
    at: float
    reward: float
    weight: float
    now: float
    share: float
    signals: list[Heard]


class Books:
    """`on` False: nothing is counted, and nothing but the prior is believed. `most`: runs of an owner that count."""

    def __init__(self, database: Database, preferences: Preferences, *, on: bool = True, most: int = MOST_RUNS) -> None:
        self._database = database
        self._preferences = preferences
        self._on = on
        self._most = most
        self._owners: dict[str, Records] = {}
        self._listeners: list[Told] = []
        self._waiting: dict[str, Ended | None] = {}
        self._behind = on
        self._anew: dict[str, None] = {}  # owners of whom all is to be weighed anew
        self._wake = asyncio.Event()
        self._wake.set()
        self._awaited = asyncio.Event()
        self._idle = asyncio.Event()
        self._beliefs: dict[tuple[str, str, str], tuple[Sums, Belief]] = {}
        if on:
            preferences.listen(self.weigh_anew)

    # ── counting ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def open(self) -> None:
        """Read what is kept. What was not counted is, once it runs."""
        if not self._on:
            return
        await self._database.write(outcome_store.tidy)
        kept = await self._database.read(lambda connection: outcome_store.newest(connection, self._most))
        for at, outcome in enumerate(kept, 1):
            now = weighed(outcome, self._weights(outcome.owner))
            self._records(outcome.owner).put(_light(now))
            if now != outcome:  # it was stopped while weighing
                self._anew[outcome.owner] = None
            if at % _AT_START == 0:
                await asyncio.sleep(0)

    async def run(self) -> None:
        """Count, until cancelled."""
        while True:
            await self._wake.wait()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_GATHER_S):
                    await self._awaited.wait()
            self._wake.clear()
            while self._waiting or self._behind or self._anew:
                while self._waiting:
                    await self._count_some()
                if self._behind:
                    self._behind = False
                    await self._patiently(self._catch_up)
                elif self._anew:
                    owner = next(iter(self._anew))
                    del self._anew[owner]
                    await self._patiently(lambda: self._weigh_anew(owner))  # noqa: B023
            self._awaited.clear()
            self._idle.set()

    async def _count_some(self) -> None:
        some = dict(itertools.islice(self._waiting.items(), _TOGETHER))
        for run_id in some:
            del self._waiting[run_id]
        await self._patiently(lambda: self._count(some))

    def ended(self, state: RunState, log: Sequence[Recorded]) -> None:
        """A run has begun or ended; one that has ended is counted as soon as there is time. `log`: what `state` is made
        of."""
        if state.finished is not None and state.started is not None and state.started.trial is None and self._on:
            again = state.run_id in self._waiting or state.run_id in self._owners.get(state.started.owner, ())
            self._waiting[state.run_id] = None if again else Ended(state, log)
            self._stir()

    def signaled(self, run_id: str) -> None:
        """Something was said of a run, and is in its journal: somebody waits to see what that changes."""
        if self._on:
            self._waiting[run_id] = None
            self._awaited.set()
            self._stir()

    def weigh_anew(self, owner: str) -> None:
        """Its owner has changed what signals say: all that was ever heard is weighed anew, as soon as there is time."""
        self._anew[owner] = None
        self._stir()

    def _stir(self) -> None:
        self._idle.clear()
        self._wake.set()

    def listen(self, told: Told) -> None:
        """`told` of each outcome, with the one before it where there was one; of a run that is deleted, with one that
        says nothing. It must not wait."""
        self._listeners.append(told)

    async def settled(self) -> None:
        """Once all is counted that had ended or was said."""
        if self._on:
            self._awaited.set()
            await self._idle.wait()

    async def forget(self, owner: str, run_ids: Sequence[str]) -> None:
        """These runs are deleted: nothing rests on them any more."""
        for run_id in run_ids:
            self._waiting.pop(run_id, None)
        await self._database.write(lambda connection: outcome_store.forget(connection, run_ids))
        if (records := self._owners.get(owner)) is None:
            return
        full = len(records) >= self._most
        gone = [one for run_id in run_ids if (one := records.drop(run_id)) is not None]
        if full and gone:  # there is room for older ones
            older = await self._database.read(lambda c: outcome_store.newest(c, self._most, owner))
            for outcome in older:
                if outcome.run_id not in records:
                    records.put(_light(weighed(outcome, self._weights(owner))))
        for one in gone:
            self._tell(one, replace(one, tasks=[]))

    # ── what is believed ──────────────────────────────────────────────────────────────────────────────────────────

    def belief(self, owner: str, item: str, context: str = "") -> Belief:
        """As of now; the prior where nothing is known."""
        sums = self.tally(owner, item, context)
        known = self._beliefs.get((owner, item, context))
        if known is not None and known[0] == sums:
            return known[1]
        found = _belief(item, context, sums, self._newest_at(owner, item, context))
        if sums.count:
            if len(self._beliefs) > 20 * self._most:
                self._beliefs.clear()
            self._beliefs[owner, item, context] = sums, found
        return found

    @property
    def owners(self) -> list[str]:
        """Of whom anything is counted."""
        return list(self._owners)

    def beliefs(self, owner: str, what: str = "", context: str | None = None, most: int | None = None) -> list[Belief]:
        """Of the items that have a record (of this kind, in this context), those with the most evidence first."""
        return [self.belief(owner, item, of) for item, of in self.items(owner, what, context)[:most]]

    def items(self, owner: str, what: str = "", context: str | None = None) -> list[tuple[str, str]]:
        """As `beliefs`, each with its context: an interval takes longer to find than a sum."""
        records = self._owners.get(owner)
        if records is None:
            return []
        sums = {
            (item, of): records.sums(item, of)
            for item, of in records.items()
            if (not what or item.startswith(f"{what}:")) and (context is None or of == context)
        }
        return sorted(sums, key=lambda one: (-(sums[one].good + sums[one].bad), one))

    def tally(self, owner: str, item: str, context: str) -> Sums:
        records = self._owners.get(owner)
        return records.sums(item, context) if records is not None else Sums()

    def tick(self, owner: str, context: str) -> int:
        records = self._owners.get(owner)
        return records.tick(context) if records is not None else 0

    def pieces(self, owner: str, item: str, context: str) -> list[Piece]:
        """All that speaks of an item, oldest first."""
        records = self._owners.get(owner)
        return records.pieces(item, context) if records is not None else []

    def why(self, owner: str, item: str, context: str) -> list[Why]:
        """Each task that counts in this number, the newest first."""
        records = self._owners.get(owner)
        counts = records.shares(item, context) if records is not None else []
        return [
            Why(
                one.outcome.run_id,
                one.task.task_id,
                one.outcome.thread_id,
                one.outcome.at,
                one.reward,
                one.weight,
                one.weight * share,
                one.share,
                one.task.signals,
            )
            for one, share in reversed(list(zip(self.pieces(owner, item, context), counts, strict=True)))
            if share >= LEAST
        ]

    async def outcome(self, owner: str, run_id: str) -> Outcome | None:
        """As it was counted; None: it was not (yet)."""
        found = await self._database.read(lambda connection: outcome_store.find(connection, owner, run_id))
        if found is None or not self._on:
            return None
        records = self._owners.get(owner)
        return replace(weighed(found, self._weights(owner)), ticks=records.ticks(run_id) if records is not None else {})

    # ── inside ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _weights(self, owner: str) -> Weights:
        return self._preferences.chosen(owner).weights

    def _records(self, owner: str) -> Records:
        records = self._owners.get(owner)
        if records is None:
            records = self._owners[owner] = Records(self._most)
        return records

    def _newest_at(self, owner: str, item: str, context: str) -> float:
        records = self._owners.get(owner)
        return records.newest_at(item, context) if records is not None else 0.0

    async def _weigh_anew(self, owner: str) -> None:
        """A page at a time, so that nobody waits."""
        past: int | None = 0
        while past is not None:
            changed, past = await self._database.read(
                lambda c, past=past: outcome_store.weigh(c, owner, self._weights(owner), past)
            )
            after = [one for _, one in changed]
            await self._database.write(lambda c, after=after: outcome_store.replace_all(c, after))
            for before, now in changed:
                if now.run_id in self._records(owner):
                    self._records(owner).put(_light(now))
                    self._tell(before, now)

    async def _count(self, ended: Mapping[str, Ended | None]) -> None:
        """Make the outcomes of these runs, or make them again."""
        by: dict[str, Weights] = {}

        def weights(owner: str) -> Weights:
            return by.setdefault(owner, self._weights(owner))

        made = await _made([one for one in ended.values() if one is not None], weights)
        again = [run_id for run_id, one in ended.items() if one is None]
        for at in range(0, len(again), _AT_ONCE):  # in a reader's thread, so that nobody waits
            some = again[at : at + _AT_ONCE]
            made += await self._database.read(lambda c, some=some: outcome_store.make(c, some, weights))
        if not made:
            return
        kept = await self._database.write(lambda c: outcome_store.keep(c, made))
        afters = [self._as_of_now(one.after, by[one.after.owner]) for one in kept]
        for after in afters:
            self._records(after.owner).put(_light(after))
        for one, after in zip(kept, afters, strict=True):
            self._tell(one.before, after)

    def _as_of_now(self, outcome: Outcome, by: Weights) -> Outcome:
        """`by`: the weights that it was weighed with; its owner may have changed them meanwhile."""
        now = self._weights(outcome.owner)
        return outcome if now == by else weighed(outcome, now)

    def _tell(self, before: Outcome | None, after: Outcome) -> None:
        for told in self._listeners:
            try:
                told(before, after)
            except Exception:  # whoever listens may fail; what is counted is
                log.exception("run %s was counted, and not all could be told", after.run_id)

    async def _catch_up(self) -> None:
        after = (0.0, "")
        while page := await self._database.read(lambda c: outcome_store.uncounted(c, after)):  # noqa: B023
            after = page[-1]
            await self._count(dict.fromkeys(run_id for _, run_id in page))

    async def _patiently(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do it again until the database can."""
        pause = _FIRST_PAUSE_S
        while True:
            try:
                await work()
                return
            except StorageFailure as error:
                log.warning("counting waits for the database: %s", error.actual)
            except AlmaError as error:
                log.warning("runs could not be counted: %s", error.message)
                return
            except Exception:  # a bug here must not end what runs beside it
                log.exception("counting failed on a bug")
                return
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LAST_PAUSE_S)


async def _made(ended: Sequence[Ended], weights: WeightsOf) -> list[Made]:
    """Of runs that have just ended: to hand them to another thread would take longer."""
    made: list[Made] = []
    entries = 0
    for one in ended:
        found = outcome_store.make_one(None, one.log, weights, one.state)
        if found is not None:
            made.append(found)
        entries += len(one.log)
        if entries >= _ENTRIES:
            entries = 0
            await asyncio.sleep(0)
    return made


def _belief(item: str, context: str, sums: Sums, newest_at: float) -> Belief:
    found: Posterior = PRIOR.with_(sums.good, sums.bad)
    low, high = found.interval()
    return Belief(item, context, found.mean, low, high, sums.good + sums.bad, sums.count, newest_at)


def _light(outcome: Outcome) -> Outcome:
    """Without what only its row is asked for."""
    return replace(outcome, text="", tasks=[replace(task, choices=[]) for task in outcome.tasks])
