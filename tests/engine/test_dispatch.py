"""The queue of one process: turns, priorities, limits, delays. Nothing is lost and nothing is done twice at a time."""

from __future__ import annotations

import asyncio
import random
import time

import pytest

from alma.engine.dispatch import Limits, LocalDispatcher, Ticket


def ticket(run: str, task: str, **more: object) -> Ticket:
    fields: dict[str, object] = {"owner": "ada", "role": "writer", "model": "m", **more}
    return Ticket(run, task, **fields)  # type: ignore[arg-type]


def limits(*, role: int = 100, model: int = 100, owner: int = 100, whole: int = 100) -> Limits:
    return Limits(lambda _name: role, model, owner, whole)


async def taken(dispatcher: LocalDispatcher, most: int = 100) -> list[Ticket]:
    """All tickets that can be had without waiting."""
    found: list[Ticket] = []
    while len(found) < most:
        try:
            async with asyncio.timeout(0):
                found.append(await dispatcher.claim())
        except TimeoutError:
            break
    return found


async def test_runs_take_turns_so_that_a_large_one_does_not_keep_a_small_one_waiting() -> None:
    dispatcher = LocalDispatcher(limits())
    for number in range(50):
        dispatcher.enqueue(ticket("large", str(number)))
    for number in range(2):
        dispatcher.enqueue(ticket("small", str(number)))
    order = [(one.run_id, one.task_id) for one in await taken(dispatcher, 5)]
    assert order == [("large", "0"), ("small", "0"), ("large", "1"), ("small", "1"), ("large", "2")]


async def test_owners_take_turns_too() -> None:
    dispatcher = LocalDispatcher(limits())
    for number in range(20):
        dispatcher.enqueue(ticket(f"a{number}", "1", owner="ada"))
    dispatcher.enqueue(ticket("b", "1", owner="bob"))
    assert [one.owner for one in await taken(dispatcher, 3)] == ["ada", "bob", "ada"]


async def test_a_higher_priority_goes_first_whoever_has_it() -> None:
    dispatcher = LocalDispatcher(limits())
    dispatcher.enqueue(ticket("low", "1", priority=-2))
    dispatcher.enqueue(ticket("middle", "1", role="coder"))
    dispatcher.enqueue(ticket("high", "1", priority=4))
    dispatcher.enqueue(ticket("high", "2", priority=4, role="coder"))
    assert [one.run_id for one in await taken(dispatcher)] == ["high", "high", "middle", "low"]


@pytest.mark.parametrize("kind", ["role", "model", "owner"])
async def test_a_limit_holds_its_own_back_and_nobody_else(kind: str) -> None:
    dispatcher = LocalDispatcher(limits(**{kind: 2}))
    for number in range(5):
        dispatcher.enqueue(ticket("r", str(number), priority=5))
    dispatcher.enqueue(ticket("other", "1", **{kind: "another"}))
    first = await taken(dispatcher)
    assert [one.run_id for one in first] == ["r", "r", "other"]
    dispatcher.ack(first[0])
    assert [one.task_id for one in await taken(dispatcher)] == ["2"]


async def test_no_more_than_so_many_at_once_in_all() -> None:
    dispatcher = LocalDispatcher(limits(whole=3))
    for number in range(7):
        dispatcher.enqueue(ticket(f"r{number}", "1"))
    first = await taken(dispatcher)
    assert len(first) == 3
    assert dispatcher.queued == 4
    for one in first:
        dispatcher.ack(one)
    assert len(await taken(dispatcher)) == 3


async def test_limits_of_roles_are_read_as_they_are_now() -> None:
    now = {"writer": 1}
    dispatcher = LocalDispatcher(Limits(lambda name: now[name]))
    for number in range(3):
        dispatcher.enqueue(ticket("r", str(number)))
    assert len(await taken(dispatcher)) == 1
    now["writer"] = 3
    assert len(await taken(dispatcher)) == 2


async def test_a_task_is_queued_once_and_again_only_when_it_was_acknowledged() -> None:
    dispatcher = LocalDispatcher(limits())
    for _ in range(3):
        dispatcher.enqueue(ticket("r", "1"))
    (only,) = await taken(dispatcher)
    dispatcher.enqueue(ticket("r", "1"))
    assert await taken(dispatcher) == []
    dispatcher.ack(only)
    dispatcher.ack(only)  # twice is no harm
    dispatcher.enqueue(ticket("r", "1"))
    assert len(await taken(dispatcher)) == 1
    assert dispatcher.queued == 0


async def test_a_ticket_for_later_comes_later_and_does_not_hold_up_the_others() -> None:
    now = 100.0
    dispatcher = LocalDispatcher(limits(), clock=lambda: now, steady=lambda: now)
    dispatcher.enqueue(ticket("r", "late", not_before=105.0, priority=9))
    dispatcher.enqueue(ticket("r", "early", not_before=101.0))
    dispatcher.enqueue(ticket("r", "due", not_before=100.0))
    assert [one.task_id for one in await taken(dispatcher)] == ["due"]
    now = 105.0
    assert [one.task_id for one in await taken(dispatcher)] == ["late", "early"]


async def test_a_clock_that_is_set_back_makes_nobody_wait_for_longer() -> None:
    now, passed = 100_000.0, 0.0
    dispatcher = LocalDispatcher(limits(), clock=lambda: now, steady=lambda: passed)
    dispatcher.enqueue(ticket("r", "queued", not_before=now + 5))
    now -= 36_000
    dispatcher.enqueue(ticket("r", "by the old clock", not_before=100_005.0))
    passed += 5
    assert [one.task_id for one in await taken(dispatcher)] == ["queued"]
    passed += 600
    assert [one.task_id for one in await taken(dispatcher)] == ["by the old clock"]


async def test_whoever_waits_is_woken_by_a_ticket_by_room_and_by_time() -> None:
    dispatcher = LocalDispatcher(limits(whole=1))
    async with asyncio.timeout(120), asyncio.TaskGroup() as group:
        waiting = group.create_task(dispatcher.claim())
        await asyncio.sleep(0)
        dispatcher.enqueue(ticket("r", "1"))
        first = await waiting
        waiting = group.create_task(dispatcher.claim())
        dispatcher.enqueue(ticket("r", "2"))
        await asyncio.sleep(0)
        assert not waiting.done()
        dispatcher.ack(first)
        second = await waiting
        dispatcher.ack(second)
        dispatcher.enqueue(ticket("r", "3", not_before=time.time() + 0.05))
        assert (await dispatcher.claim()).task_id == "3"


@pytest.mark.parametrize("seed", range(20))
async def test_every_ticket_comes_exactly_once_within_every_limit(seed: int) -> None:
    chance = random.Random(seed)
    dispatcher = LocalDispatcher(Limits(lambda name: {"a": 1, "b": 2, "c": 9}[name], 4, 3, 6))
    names = "abc"
    todo = [
        ticket(
            f"r{chance.randrange(6)}",
            str(number),
            owner=chance.choice(names),
            role=chance.choice(names),
            model=chance.choice(names),
            priority=chance.randrange(3),
        )
        for number in range(120)
    ]
    came: list[Ticket] = []
    busy: list[Ticket] = []
    left = list(todo)
    while left or busy or dispatcher.queued:
        for one in left[:7]:
            dispatcher.enqueue(one)
        left = left[7:]
        busy += await taken(dispatcher)
        came += [one for one in busy if one not in came]
        assert len(busy) <= 6
        for name, most in (("a", 1), ("b", 2)):
            assert sum(one.role == name for one in busy) <= most
        for name in names:
            assert sum(one.owner == name for one in busy) <= 3
            assert sum(one.model == name for one in busy) <= 4
        chance.shuffle(busy)
        for one in busy[: chance.randrange(1, 4)]:
            dispatcher.ack(one)
            busy.remove(one)
    assert sorted(one.task_id for one in came) == sorted(one.task_id for one in todo)
    assert dispatcher.queued == 0
