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

    def try_enter(self) -> bool:
        """Take a place if one is free at once and nobody waits for it."""
        if self.queued or self.active >= self._limit or (self._door is not None and not self._door.opens()):
            return False
        self.active += 1
        return True

    async def enter(self, run_id: str = "", priority: int = 0) -> None:
        """Take a place, waiting for one if need be. `run_id`: for whom; higher `priority` comes first."""
        if self.try_enter():
            return
        ticket = Ticket(run_id, priority)
        try:
            ticket.stand((self,))
            while await ticket.wait() is None:
                ticket.stand((self,))
        except asyncio.CancelledError:
            ticket.leave()
            raise

    def leave(self) -> None:
        """Give the place back."""
        self.active -= 1
        self.admit()

    def undo(self) -> None:
        """The place that was given last was not wanted any more."""
        if self._door is not None:
            self._door.unused()
        self.leave()

    def admit(self) -> None:
        """Let in who can go in now; to be called when the door may have opened."""
        while self.queued and self.active < self._limit and (self._door is None or self._door.opens()):
            line = self._lines[max(self._lines)]
            run_id, tickets = next(iter(line.items()))
            line.move_to_end(run_id)
            self.active += 1
            next(iter(tickets)).take(self)

    def turn_away(self) -> None:
        """Send everybody out of this line, to choose again where to wait."""
        waiting = [ticket for line in self._lines.values() for tickets in line.values() for ticket in tickets]
        self._lines.clear()
        self.queued = 0
        for ticket in waiting:
            ticket.turned_away(self)

    def join(self, ticket: Ticket) -> None:
        line = self._lines.setdefault(ticket.priority, OrderedDict())
        line.setdefault(ticket.run_id, {})[ticket] = None
        self.queued += 1

    def withdraw(self, ticket: Ticket) -> None:
        """Take a ticket, which stands there, out of the line."""
        line = self._lines[ticket.priority]
        tickets = line[ticket.run_id]
        del tickets[ticket]
        self.queued -= 1
        if not tickets:
            del line[ticket.run_id]
            if not line:
                del self._lines[ticket.priority]


class Ticket:
    """A waiting call of a run. It may stand in the lines of several gates, and takes the first place that is free."""

    def __init__(self, run_id: str = "", priority: int = 0) -> None:
        self.run_id = run_id
        self.priority = priority
        self.gate: Gate | None = None  # the one that let it in
        self._standing: list[Gate] = []
        self._called: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def stand(self, gates: Sequence[Gate]) -> None:
        """Stand in these lines as well."""
        new = [gate for gate in gates if gate not in self._standing]
        for gate in new:
            self._standing.append(gate)
            gate.join(self)
        for gate in new:  # there may be a place already
            if self.gate is None:
                gate.admit()

    async def wait(self, seconds: float | None = None) -> Gate | None:
        """The gate that let the call in. None: not yet after `seconds`, or a line was closed; time to look again."""
        if self.gate is None:
            await asyncio.wait((self._called,), timeout=seconds)
            if self.gate is None and self._called.done():
                self._called = asyncio.get_running_loop().create_future()
        return self.gate

    def leave(self) -> None:
        """Out of all lines at once; a place that came at this moment is given back."""
        self._withdraw()
        if self.gate is not None:
            self.gate.undo()

    def take(self, gate: Gate) -> None:
        """`gate` has a place for it."""
        self.gate = gate
        self._withdraw()
        self._call()

    def turned_away(self, gate: Gate) -> None:
        """`gate` closed its line."""
        self._standing.remove(gate)
        self._call()

    def _withdraw(self) -> None:
        for gate in self._standing:
            gate.withdraw(self)
        self._standing.clear()

    def _call(self) -> None:
        if not self._called.done():
            self._called.set_result(None)
