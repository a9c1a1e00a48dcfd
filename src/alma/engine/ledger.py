"""The ledger: what threads, owners and days have used, and what the calls under way may still use of it. In memory.

Sums are read from the database when they are first needed, and then kept up to date with what this process writes. A
scope without a budget costs nothing: it is not even read. What a call may use is held from before it begins until its
end is written. Knows no run's state: a run's own sums are its state's.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import sqlalchemy as sa
from msgspec import Struct

from alma.db.tables import budgets as budget_rows
from alma.engine.budget import Limits, Room, day_of, rooms_of, spent_by
from alma.engine.journal import Journal
from alma.engine.spending import of_day, of_owner, of_thread, summed
from alma.engine.state import NOTHING, Spent
from alma.events import AttemptFailed, MessageFinished, Recorded, RunFinished, TaskFinished

Scope = Literal["run", "thread", "owner", "day"]
SCOPES: tuple[Scope, ...] = ("run", "thread", "owner", "day")
Key = tuple[str, ...]  # a scope and whose it is
_MOST_THREADS = 10_000  # whose sums stay in memory
_ENDS = (MessageFinished, AttemptFailed, TaskFinished, RunFinished)


class Own(Struct, frozen=True):
    """A budget that a user set. None: as the settings say; 0: no limit."""

    tokens: int | None = None
    seconds: float | None = None
    money: float | None = None

    def over(self, usual: Limits) -> Limits:
        """The limits in force."""
        return Limits(
            usual.tokens if self.tokens is None else self.tokens,
            usual.seconds if self.seconds is None else self.seconds,
            usual.money if self.money is None else self.money,
        )


class Held(Struct):
    """What a call under way may still use. `cut` ends it when a budget of seconds is used up by all that run."""

    keys: tuple[Key, ...]
    tokens: int
    money: float
    begun: float
    cut: Callable[[Room], None]


class Ledger:
    """`usual`: the settings' budgets; `warn_at`: the share of a budget at which its owner is warned; `clock`: Unix
    seconds. `told` hears whose call has used how many tokens."""

    def __init__(
        self,
        journal: Journal,
        usual: Mapping[Scope, Limits] | None = None,
        *,
        warn_at: float = 0.8,
        clock: Callable[[], float] = time.time,
        told: Callable[[str, int], None] | None = None,
    ) -> None:
        self.warn_at = warn_at
        self.clock = clock
        self._told = told
        self._journal = journal
        self._usual = dict(usual or {})
        self._own: dict[tuple[str, Scope, str], Own] = {}
        self._sums: dict[Key, Spent] = {}
        self._late: list[tuple[int, tuple[Key, ...], Spent]] | None = None  # written while sums are being read
        self._reading = asyncio.Lock()
        self._held: dict[tuple[str, str], Held] = {}  # by run and task
        self._by_key: dict[Key, dict[tuple[str, str], Held]] = {}
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._waiting: list[asyncio.Future[None]] = []

    # ── limits ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def load(self) -> None:
        """Read the budgets that users have set."""

        def query(connection: sa.Connection) -> dict[tuple[str, Scope, str], Own]:
            rows = connection.execute(sa.select(budget_rows))
            return {(row.owner, row.scope, row.thread_id): Own(row.tokens, row.seconds, row.money) for row in rows}

        _, self._own = await self._journal.look(query)

    def own(self, owner: str, scope: Scope, thread_id: str = "") -> Own:
        """What the user set of it."""
        return self._own.get((owner, scope, thread_id if scope == "thread" else ""), _NONE)

    def usual(self, scope: Scope) -> Limits:
        """What the settings say, for whoever set nothing."""
        return self._usual.get(scope, _NO_LIMITS)

    def limits(self, owner: str, scope: Scope, thread_id: str = "") -> Limits:
        """What is in force. Of a run: for those that begin from now on."""
        usual = self.usual(scope)
        return self.own(owner, scope, thread_id).over(usual) if self._own else usual

    def set(self, owner: str, scope: Scope, thread_id: str, own: Own) -> None:
        """A user's budget was changed; whoever waits for room looks again."""
        self._own[owner, scope, thread_id] = own
        self._changed()

    def _in_force(self, owner: str, thread_id: str) -> list[tuple[Scope, Key, Limits]]:
        day = ("day", owner, str(day_of(self.clock())))
        keys: tuple[tuple[Scope, Key], ...] = (
            ("thread", ("thread", owner, thread_id)),
            ("owner", ("owner", owner)),
            ("day", day),
        )
        return [(scope, key, limits) for scope, key in keys if (limits := self.limits(owner, scope, thread_id))]

    # ── sums ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def is_ready(self, owner: str, thread_id: str) -> bool:
        """Whether all sums are known that a budget is set for."""
        return all(key in self._sums for _, key, _ in self._in_force(owner, thread_id))

    async def ready(self, owner: str, thread_id: str) -> None:
        """Read the sums that are missing. Raises `StorageFailure`."""
        async with self._reading:
            missing = [key for _, key, _ in self._in_force(owner, thread_id) if key not in self._sums]
            if not missing:
                return
            self._late = []
            try:
                turn, sums = await self._journal.look(
                    lambda connection: [summed(connection, _rows_of(key)) for key in missing]
                )
                self._make_room()
                self._sums.update(zip(missing, sums, strict=True))
                for at, keys, spent in self._late:
                    if at > turn:
                        self._count([key for key in keys if key in missing], spent)
            finally:
                self._late = None

    def _make_room(self) -> None:
        """Forget threads where nothing is under way, when there are too many."""
        if len(self._sums) > _MOST_THREADS:
            self._sums = {key: sum for key, sum in self._sums.items() if key[0] == "owner" or key in self._by_key}

    def unsure(self) -> None:
        """Whether something was written is not known: read all sums again when they are needed."""
        self._sums.clear()

    def wrote(self, owner: str, thread_id: str, written: Sequence[Recorded], turn: int) -> None:
        """These entries of one run are durable now."""
        if self._told is not None:
            for recorded in written:
                if (spent := spent_by(recorded.entry)) is not None and (tokens := spent[1].tokens):
                    self._told(owner, tokens)
        if not self._sums and not self._held and self._late is None:
            return
        for recorded in written:
            entry = recorded.entry
            if (spent := spent_by(entry)) is not None:
                day = ("day", owner, str(day_of(entry.at)))
                keys: tuple[Key, ...] = (("thread", owner, thread_id), ("owner", owner), day)
                self._count(keys, spent[1])
                if self._late is not None:
                    self._late.append((turn, keys, spent[1]))
            if isinstance(entry, _ENDS):
                self.release(recorded.run_id, entry.task_id)

    def _count(self, keys: Sequence[Key], spent: Spent) -> None:
        for key in keys:
            if (before := self._sums.get(key)) is not None:
                self._sums[key] = before + spent

    # ── rooms ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def rooms(self, owner: str, thread_id: str) -> list[Room]:
        """The budgets of thread, owner and day as they stand; their sums must be `ready`."""
        found: list[Room] = []
        for scope, key, limits in self._in_force(owner, thread_id):
            found += rooms_of(scope, limits, self._sums.get(key, NOTHING), self.held(key))
        return found

    def held(self, key: Key) -> tuple[int, float, float]:
        """Tokens, seconds until now, and US dollars of the calls under way."""
        calls = self._by_key.get(key)
        if not calls:
            return (0, 0.0, 0.0)
        now = self.clock()
        tokens, seconds, money = 0, 0.0, 0.0
        for one in calls.values():
            tokens += one.tokens
            seconds += max(now - one.begun, 0.0)
            money += one.money
        return (tokens, seconds, money)

    def under_way(self, key: Key) -> int:
        return len(self._by_key.get(key, ()))

    def hold(
        self,
        run_id: str,
        task_id: str,
        owner: str,
        thread_id: str,
        tokens: int,
        money: float,
        cut: Callable[[Room], None],
    ) -> None:
        """The call of a task begins: hold what it may use, until `release` or its written end."""
        self.release(run_id, task_id)
        in_force = self._in_force(owner, thread_id)
        held = Held((("run", run_id), *(key for _, key, _ in in_force)), tokens, money, self.clock(), cut)
        self._held[run_id, task_id] = held
        for key in held.keys:
            self._by_key.setdefault(key, {})[run_id, task_id] = held
        for scope, key, limits in in_force:
            if limits.seconds:
                self._set_timer(scope, key)

    def release(self, run_id: str, task_id: str) -> None:
        """Nothing of it is under way any more. Does nothing when nothing is held."""
        held = self._held.pop((run_id, task_id), None)
        if held is None:
            return
        for key in held.keys:
            calls = self._by_key[key]
            del calls[run_id, task_id]
            if not calls:
                del self._by_key[key]
        self._changed()

    # ── seconds ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _set_timer(self, scope: Scope, key: Key) -> None:
        """Look again when the calls under way will have used up the seconds together."""
        if (timer := self._timers.pop(key, None)) is not None:
            timer.cancel()
        calls = self._by_key.get(key)
        limit = self.limits(key[1], scope, key[2] if scope == "thread" else "").seconds
        if not calls or not limit:
            return
        left = limit - self._sums.get(key, NOTHING).ms / 1000 - self.held(key)[1]
        if left > 0.0005:
            loop = asyncio.get_running_loop()
            self._timers[key] = loop.call_later(left / len(calls), self._set_timer, scope, key)
            return
        room = Room(scope, "seconds", limit, limit - left)
        for one in list(calls.values()):
            one.cut(room)

    # ── waiting ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def changed(self) -> None:
        """Wait until something that was held is released, or a budget was changed."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        await future

    def _changed(self) -> None:
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)


_NONE = Own()
_NO_LIMITS = Limits()


def _rows_of(key: Key) -> sa.ColumnElement[bool]:
    match key[0]:
        case "thread":
            return of_thread(key[1], key[2])
        case "day":
            return of_day(key[1], int(key[2]))
        case _:
            return of_owner(key[1])
