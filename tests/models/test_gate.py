"""Places and lines: runs take turns, priorities go first, and whoever leaves leaves at once."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alma.models.gate import Gate, Ticket


class Served:
    """Who went in, in order."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.order: list[str] = []

    async def call(self, run_id: str, priority: int = 0) -> None:
        await self.gate.enter(run_id, priority)
        self.order.append(run_id)

    async def let_in(self, group: asyncio.TaskGroup, *calls: tuple[str, int]) -> None:
        for run_id, priority in calls:
            group.create_task(self.call(run_id, priority))
        await turn()


async def turn() -> None:
    """Every task goes on as far as it can without anybody leaving."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_run_with_many_calls_does_not_starve_one_with_few():
    served = Served(Gate(1))
    async with asyncio.TaskGroup() as group:
        await served.let_in(group, *[("many", 0)] * 50, ("few", 0), ("other", 0))
        assert (served.order, served.gate.queued) == (["many"], 51)
        for _ in range(51):
            served.gate.leave()
            await turn()
    assert served.order[:5] == ["many", "many", "few", "other", "many"]
    assert served.gate.queued == 0


async def test_higher_priority_goes_first():
    served = Served(Gate(1))
    async with asyncio.TaskGroup() as group:
        await served.let_in(group, ("a", 0), ("a", 0), ("b", 0), ("urgent", 5), ("urgent", 5))
        for _ in range(4):
            served.gate.leave()
            await turn()
    assert served.order == ["a", "urgent", "urgent", "a", "b"]


async def test_cancelled_calls_leave_the_line_and_the_place_at_once():
    gate = Gate(1)
    await gate.enter()
    waiting = asyncio.create_task(gate.enter("a"))
    await turn()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert gate.queued == 0
    admitted = asyncio.create_task(gate.enter("b"))
    await turn()
    gate.leave()
    admitted.cancel()  # admitted and cancelled in the same turn of the loop
    with pytest.raises(asyncio.CancelledError):
        await admitted
    assert (gate.active, gate.queued) == (0, 0)


async def test_a_ticket_in_two_lines_takes_the_place_that_comes_first():
    left, right = Gate(1), Gate(1)
    assert left.try_enter()
    assert right.try_enter()
    ticket = Ticket("a")
    ticket.stand((left, right))
    assert (left.queued, right.queued) == (1, 1)
    right.leave()
    assert await ticket.wait() is right
    assert (left.queued, right.queued, right.active) == (0, 0, 1)
    left.leave()
    assert left.active == 0


async def test_who_is_turned_away_chooses_again():
    left, right = Gate(1), Gate(1)
    assert left.try_enter()
    assert right.try_enter()
    ticket = Ticket("a")
    ticket.stand((left, right))
    left.turn_away()
    assert await ticket.wait() is None
    assert (left.queued, right.queued) == (0, 1)
    right.leave()
    assert await ticket.wait() is right


async def test_a_line_closed_and_a_place_given_in_one_turn_is_a_place():
    left, right = Gate(1), Gate(1)
    assert left.try_enter()
    assert right.try_enter()
    ticket = Ticket("a")
    ticket.stand((left, right))
    left.turn_away()
    right.leave()
    assert await ticket.wait() is right


async def test_a_lower_limit_lets_nobody_in_until_enough_have_left():
    served = Served(Gate(3))
    async with asyncio.TaskGroup() as group:
        await served.let_in(group, *[("a", 0)] * 5)
        served.gate.limit = 1
        served.gate.leave()
        served.gate.leave()
        await turn()
        assert served.order == ["a"] * 3
        served.gate.leave()
        await turn()
        assert served.order == ["a"] * 4
        served.gate.limit = 2
        await turn()
    assert (served.gate.active, served.gate.queued) == (2, 0)


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 2)), max_size=40), st.integers(1, 4))
def test_turns_by_any_arrivals(calls: list[tuple[str, int]], places: int):
    """Nobody is lost, priorities hold, and between two calls of a run every other waiting run has one."""

    async def scenario() -> None:
        gate = Gate(places)
        for _ in range(places):
            assert gate.try_enter()
        tickets = [Ticket(run_id, priority) for run_id, priority in calls]
        for ticket in tickets:
            ticket.stand((gate,))
        served: list[Ticket] = []
        while gate.queued:
            waiting = [ticket for ticket in tickets if ticket.gate is None]
            gate.leave()
            (came,) = [ticket for ticket in waiting if ticket.gate is not None]
            assert came.priority == max(ticket.priority for ticket in waiting)
            rivals = {ticket.run_id for ticket in waiting if ticket.priority == came.priority} - {came.run_id}
            turns = [ticket.run_id for ticket in served if ticket.priority == came.priority]
            if came.run_id in turns:
                since = turns[len(turns) - turns[::-1].index(came.run_id) :]
                assert rivals <= set(since)
            served.append(came)
        assert len(served) == len(tickets)
        assert gate.active == places

    asyncio.run(scenario())
