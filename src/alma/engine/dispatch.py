"""Who works on which task next: a queue of tickets with priorities, fairness and limits.

A ticket may reach a worker twice, or after its task has ended: the journal's fence and the state decide what is done,
the queue only what is tried. `LocalDispatcher` serves the workers of one process.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable
from typing import Protocol

from msgspec import Struct


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
_Group = tuple[str, str, str]  # owner, role, model: what the limits depend on


class LocalDispatcher:
    """Tickets of the same owner, role and model form a group; groups take turns, and within a group its runs do, so
    that a run of a hundred tasks does not keep one of three waiting. The queue is bounded by its callers: each run
    has at most as many tickets as tasks, and the number of unfinished runs is limited where they are started.

    `clock`: Unix seconds, by which it is told until when a ticket has to wait. How long that is, is measured by
    `steady`, and is `_LONGEST_WAIT_S` at most: a clock that is set back must not make anybody wait for hours."""

    def __init__(
        self, limits: Limits, clock: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._steady = steady
        self._groups: OrderedDict[_Group, _Queue] = OrderedDict()
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
            self._busy[limit] -= 1
            if not self._busy[limit]:
                del self._busy[limit]
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
        queue.put(ticket)
        self._since[ticket.run_id, ticket.task_id] = since

    def _next(self) -> Ticket | None:
        self._let_in()
        if self._active >= self._limits.in_all:
            return None
        best: _Group | None = None
        for group, queue in self._groups.items():
            if (best is None or queue.priority > self._groups[best].priority) and self._has_room(group):
                best = group
        if best is None:
            return None
        queue = self._groups[best]
        ticket = queue.pop()
        if queue.empty:
            del self._groups[best]
        else:
            self._groups.move_to_end(best)
        self._active += 1
        del self._since[ticket.run_id, ticket.task_id]
        self._busy.update(_limits_of(ticket))
        return ticket

    def _has_room(self, group: _Group) -> bool:
        owner, role, model = group
        return (
            self._busy["owner", owner] < self._limits.of_owner
            and self._busy["role", role] < self._limits.of_role(role)
            and self._busy["model", model] < self._limits.of_model
        )


def _limits_of(ticket: Ticket) -> tuple[tuple[str, str], ...]:
    return ("owner", ticket.owner), ("role", ticket.role), ("model", ticket.model)


class _Queue:
    """Tickets of one group: by priority, and within one by turns of the runs."""

    def __init__(self) -> None:
        self._levels: dict[int, OrderedDict[str, deque[Ticket]]] = {}
        self.priority = 0

    @property
    def empty(self) -> bool:
        return not self._levels

    def put(self, ticket: Ticket) -> None:
        runs = self._levels.setdefault(ticket.priority, OrderedDict())
        runs.setdefault(ticket.run_id, deque()).append(ticket)
        self.priority = max(self._levels)

    def pop(self) -> Ticket:
        runs = self._levels[self.priority]
        run_id, tickets = next(iter(runs.items()))
        ticket = tickets.popleft()
        if tickets:
            runs.move_to_end(run_id)
        else:
            del runs[run_id]
        if not runs:
            del self._levels[self.priority]
            self.priority = max(self._levels, default=0)
        return ticket
