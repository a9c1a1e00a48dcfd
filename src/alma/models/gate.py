"""How many calls an endpoint gets at once, and who comes next: runs take turns, whoever waits can leave at any moment.

Owns places and lines. How many places there are, and whether the endpoint takes calls at all, others say.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol


class Door(Protocol):
    """What may hold calls back although there are places."""

    def opens(self) -> bool:
        """Whether one more call may go in now. True counts: that call is on its way."""
        ...

    def unused(self) -> None:
        """The call that was let in last did not go in after all."""
        ...


class Ticket:
    """A waiting call of one run. It may stand in the lines of several gates, and takes the place that is free first."""

    __slots__ = ("admitted", "gates", "priority", "run_id")

    def __init__(self, run_id: str, priority: int, gates: Sequence[Gate]) -> None:
        self.run_id = run_id
        self.priority = priority
        self.gates = list(gates)
        self.admitted: asyncio.Future[Gate | None] = asyncio.get_running_loop().create_future()


class Gate:
    """`limit` places, and a line in which runs take turns: of those with the highest priority, whoever was served
    longest ago. The line is as long as there are callers: what bounds it is the server's limit of unfinished runs.
    `limit` may change while calls are running; below `active` it lets nobody in until enough have left."""

    def __init__(self, limit: int, door: Door | None = None) -> None:
        if limit < 1:
            raise ValueError(f"a gate needs at least one place, not {limit}")
        self._limit = limit
        self._door = door
        # priority → run → its tickets in order; runs in the order of their turns
        self._lines: dict[int, OrderedDict[str, dict[Ticket, None]]] = {}
        self.active = 0
        self.queued = 0  # calls that wait for a place, here or elsewhere

    @property
    def limit(self) -> int:
        return self._limit

    @limit.setter
    def limit(self, places: int) -> None:
        self._limit = places
        self.admit()

    @property
    def free(self) -> bool:
        """Whether there is a place for which nobody waits. The door may be shut all the same."""
        return self.active < self._limit and not self.queued

    def try_enter(self) -> bool:
        """Take a place if one is free at once and nobody waits for it."""
        if not self.free or (self._door is not None and not self._door.opens()):
            return False
        self.active += 1
        return True

    async def enter(self, run_id: str = "", priority: int = 0) -> None:
        """Take a place, waiting for one if need be. `run_id`: for whom; higher `priority` comes first."""
        while not self.try_enter() and await wait_at((self,), run_id, priority) is None:
            pass

    def leave(self) -> None:
        """Give the place back."""
        self.active -= 1
        self.admit()

    def admit(self) -> None:
        """Let in who can go in now; to be called when the door may have opened."""
        while self.queued and self.active < self._limit and (self._door is None or self._door.opens()):
            ticket = self._next()
            self.active += 1
            for gate in ticket.gates:
                gate.withdraw(ticket)
            ticket.admitted.set_result(self)

    def turn_away(self) -> None:
        """Send everybody who waits here away, to choose again where to wait."""
        for line in list(self._lines.values()):
            for tickets in list(line.values()):
                for ticket in list(tickets):
                    for gate in ticket.gates:
                        gate.withdraw(ticket)
                    ticket.admitted.set_result(None)

    def join(self, ticket: Ticket) -> None:
        line = self._lines.setdefault(ticket.priority, OrderedDict())
        line.setdefault(ticket.run_id, {})[ticket] = None
        self.queued += 1

    def withdraw(self, ticket: Ticket) -> None:
        """Take a ticket out of the line, if it stands there."""
        line = self._lines.get(ticket.priority)
        tickets = line.get(ticket.run_id) if line is not None else None
        if line is None or tickets is None or ticket not in tickets:
            return
        del tickets[ticket]
        self.queued -= 1
        if not tickets:
            del line[ticket.run_id]
            if not line:
                del self._lines[ticket.priority]

    def undo(self) -> None:
        """The place that was given last was not wanted any more."""
        if self._door is not None:
            self._door.unused()
        self.leave()

    def _next(self) -> Ticket:
        line = self._lines[max(self._lines)]
        run_id, tickets = next(iter(line.items()))
        line.move_to_end(run_id)
        return next(iter(tickets))


async def wait_at(gates: Sequence[Gate], run_id: str = "", priority: int = 0) -> Gate | None:
    """Stand in the lines of all `gates` until one lets the call in: returns that one. None: it was turned away, and is
    to choose again. Cancellation leaves the lines at once, and gives back a place that came at that moment."""
    ticket = Ticket(run_id, priority, gates)
    for gate in gates:
        gate.join(ticket)
    for gate in gates:  # a place may be free that only its door, or nobody yet, held back
        gate.admit()
    try:
        return await ticket.admitted
    except asyncio.CancelledError:
        for gate in gates:
            gate.withdraw(ticket)
        if ticket.admitted.done() and not ticket.admitted.cancelled():
            given = ticket.admitted.result()
            if given is not None:
                given.undo()
        raise
