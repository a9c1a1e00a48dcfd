"""Who works on which task next: a queue of tickets with priorities, fairness and limits.

A ticket may reach a worker twice, or after its task has ended: the journal's fence and the state decide what is done,
the queue only what is tried. `LocalDispatcher` serves the workers of one process.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable
from typing import Protocol

from msgspec import Struct

from alma.engine.fairness import Group, Turns, Weight, aged


class Ticket(Struct, frozen=True):
    """A task that is ready, not before `not_before` (Unix seconds). The higher `priority` goes first."""

    run_id: str
    task_id: str
    owner: str
    role: str
    model: str
    priority: int = 0
    not_before: float = 0.0


class Waiting(Struct, frozen=True):
    """Tickets that may run and wait for a worker: how many, for how long the oldest has, and how many tasks are being
    worked on meanwhile."""

    count: int
    oldest_s: float
    active: int


class Demand(Struct):
    """Of an owner's role: tickets that wait and that are worked on; seconds that one waits, by the newest."""

    queued: int = 0
    active: int = 0
    wait_s: float = 0.0


class Dispatcher(Protocol):
    def enqueue(self, ticket: Ticket) -> None:
        """Let the task be worked on once. Does nothing while it is queued or being worked on."""
        ...

    async def claim(self) -> Ticket:
        """The next ticket that may run; waits for one. Whoever claims must `ack`."""
        ...

    def heartbeat(self, tickets: Iterable[Ticket]) -> None:
        """These are still being worked on. A ticket without heartbeats is given to another worker."""
        ...

    def ack(self, ticket: Ticket) -> None:
        """The worker is done with it, whatever came of it."""
        ...


class Limits(Struct, frozen=True):
    """How many tasks may be worked on at once: by one role (a function of its name), with one model, for one owner, and
    in all."""

    of_role: Callable[[str], int]
    of_model: int = 256
    of_owner: int = 512
    in_all: int = 1024


_LONGEST_WAIT_S = 600.0
_NEWEST = 0.2  # weight of the newest wait in what one waits
_MOST_WAITS = 4096  # owners' roles of which that is known


class LocalDispatcher:
    """Tickets of the same owner, role and model form a group; groups take turns, and within a group its runs do, so
    that a run of a hundred tasks does not keep one of three waiting. The queue is bounded by its callers: each run
    has at most as many tickets as tasks, and the number of unfinished runs is limited where they are started.

    `weight`: how large a part of its owner's turns a role is to have, and whoever waits then ages too. None: turns are
    equal, and priorities what they are.

    `clock`: Unix seconds, by which it is told until when a ticket has to wait. How long that is, is measured by
    `steady`, and is `_LONGEST_WAIT_S` at most: a clock that is set back must not make anybody wait for hours."""

    def __init__(
        self,
        limits: Limits,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
        *,
        weight: Weight | None = None,
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._steady = steady
        self._ages = weight is not None
        self._turns = Turns(weight)
        self._groups: dict[Group, _Queue] = {}
        self._working: Counter[tuple[str, str]] = Counter()  # by owner and role
        self._waits: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._known: set[tuple[str, str]] = set()
        self._delayed: list[tuple[float, int, Ticket]] = []
        self._numbers = itertools.count()
        self._busy: Counter[tuple[str, str]] = Counter()  # ("role", name) and so on
        self._active = 0
        self._since: dict[tuple[str, str], float] = {}  # since when each waits, the oldest first
        self._changed = asyncio.Event()

    @property
    def queued(self) -> int:
        return len(self._known) - self._active

    @property
    def waiting(self) -> Waiting:
        self._let_in()
        now = self._steady()
        oldest = next(iter(self._since.values()), now)
        return Waiting(len(self._since), max(now - oldest, 0.0), self._active)

    def demand(self) -> dict[tuple[str, str], Demand]:
        """By owner and role, of those that have any."""
        self._let_in()
        found: defaultdict[tuple[str, str], Demand] = defaultdict(Demand)
        for (owner, role, _), queue in self._groups.items():
            found[owner, role].queued += queue.size
        for pair, count in self._working.items():
            found[pair].active = count
        for pair, demand in found.items():
            demand.wait_s = self._waits.get(pair, 0.0)
        return dict(found)

    def busy(self, role: str) -> float:
        """Tasks of a role, waiting and worked on, for each that it may work on at once."""
        queued = sum(queue.size for group, queue in self._groups.items() if group[1] == role)
        return (queued + self._busy["role", role]) / max(self._limits.of_role(role), 1)

    def enqueue(self, ticket: Ticket) -> None:
        key = (ticket.run_id, ticket.task_id)
        if key in self._known:
            return
        self._known.add(key)
        wait = min(ticket.not_before - self._clock(), _LONGEST_WAIT_S)
        if wait > 0:
            heapq.heappush(self._delayed, (self._steady() + wait, next(self._numbers), ticket))
        else:
            self._put(ticket, self._steady())
        self._changed.set()

    async def claim(self) -> Ticket:
        while True:
            ticket = self._next()
            if ticket is not None:
                return ticket
            self._changed.clear()
            wait = self._delayed[0][0] - self._steady() if self._delayed else None
            try:
                async with asyncio.timeout(wait):  # `wait_for` can swallow a cancellation that comes with news
                    await self._changed.wait()
            except TimeoutError:
                continue

    def heartbeat(self, tickets: Iterable[Ticket]) -> None:
        """Workers of this process cannot be lost without it."""

    def ack(self, ticket: Ticket) -> None:
        key = (ticket.run_id, ticket.task_id)
        if key not in self._known:
            return
        self._known.discard(key)
        self._active -= 1
        for limit in _limits_of(ticket):
            _less(self._busy, limit)
        _less(self._working, (ticket.owner, ticket.role))
        self._changed.set()

    def _let_in(self) -> None:
        """Those whose wait is over."""
        while self._delayed and self._delayed[0][0] <= self._steady():
            due, _, ticket = heapq.heappop(self._delayed)
            self._put(ticket, due)

    def _put(self, ticket: Ticket, since: float) -> None:
        group = (ticket.owner, ticket.role, ticket.model)
        queue = self._groups.get(group)
        if queue is None:
            queue = self._groups[group] = _Queue()
            self._turns.join(group)
        queue.put(ticket, since)
        self._since[ticket.run_id, ticket.task_id] = since

    def _next(self) -> Ticket | None:
        self._let_in()
        if self._active >= self._limits.in_all:
            return None
        now = self._steady() if self._ages else 0.0
        open_to = {
            group: queue.priority if not self._ages else queue.aged(now)
            for group, queue in self._groups.items()
            if self._has_room(group)
        }
        best = self._turns.next(open_to)
        if best is None:
            return None
        queue = self._groups[best]
        ticket = queue.pop(now) if self._ages else queue.pop()
        if queue.empty:
            del self._groups[best]
            self._turns.leave(best)
        self._active += 1
        self._waited(ticket, self._since.pop((ticket.run_id, ticket.task_id)))
        self._busy.update(_limits_of(ticket))
        self._working[ticket.owner, ticket.role] += 1
        return ticket

    def _waited(self, ticket: Ticket, since: float) -> None:
        pair = (ticket.owner, ticket.role)
        wait = max(self._steady() - since, 0.0)
        before = self._waits.pop(pair, wait)
        self._waits[pair] = before + _NEWEST * (wait - before)
        if len(self._waits) > _MOST_WAITS:
            self._waits.popitem(last=False)

    def _has_room(self, group: Group) -> bool:
        owner, role, model = group
        return (
            self._busy["owner", owner] < self._limits.of_owner
            and self._busy["role", role] < self._limits.of_role(role)
            and self._busy["model", model] < self._limits.of_model
        )


def _limits_of(ticket: Ticket) -> tuple[tuple[str, str], ...]:
    return ("owner", ticket.owner), ("role", ticket.role), ("model", ticket.model)


def _less(counts: Counter[tuple[str, str]], key: tuple[str, str]) -> None:
    counts[key] -= 1
    if not counts[key]:
        del counts[key]


class _Queue:
    """Tickets of one group: by priority, and within one by turns of the runs."""

    def __init__(self) -> None:
        self._levels: dict[int, OrderedDict[str, deque[Ticket]]] = {}
        self._since: dict[int, float] = {}  # when a level was last served, or came to be
        self.priority = 0
        self.size = 0

    @property
    def empty(self) -> bool:
        return not self._levels

    def put(self, ticket: Ticket, since: float) -> None:
        runs = self._levels.get(ticket.priority)
        if runs is None:
            runs = self._levels[ticket.priority] = OrderedDict()
            self._since[ticket.priority] = since
        runs.setdefault(ticket.run_id, deque()).append(ticket)
        self.size += 1
        self.priority = max(self._levels)

    def aged(self, now: float) -> int:
        """The highest priority, counting how long each level has waited."""
        return max(self._aged(level, now) for level in self._levels)

    def _aged(self, level: int, now: float) -> int:
        return aged(level, now - self._since[level])

    def pop(self, now: float | None = None) -> Ticket:
        """Of the highest priority. `now`: count how long each level has waited."""
        level = self.priority if now is None else max(self._levels, key=lambda one: (self._aged(one, now), one))
        runs = self._levels[level]
        run_id, tickets = next(iter(runs.items()))
        ticket = tickets.popleft()
        if tickets:
            runs.move_to_end(run_id)
        else:
            del runs[run_id]
        if now is not None:
            self._since[level] = now
        if not runs:
            del self._levels[level], self._since[level]
            self.priority = max(self._levels, default=0)
        self.size -= 1
        return ticket
