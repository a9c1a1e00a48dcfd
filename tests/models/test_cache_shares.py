"""A call that several read: who gets what, who is charged, and what ends it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import pytest
from cache_stand import Stand, request, source_of, text_of
from hypothesis import given
from hypothesis import strategies as st

from alma.errors import EndpointCut
from alma.models.chat import Chunk
from alma.models.flight import MOST_CHARS, Flight, Rope
from alma.models.script import Fault, Rule


@given(st.lists(st.text(min_size=1, max_size=9), max_size=300), st.lists(st.integers(0, 10_000), max_size=20))
def test_a_rope_is_its_text_from_any_place_on(pieces: list[str], places: list[int]) -> None:
    rope, whole = Rope(), ""
    for piece in pieces:
        rope.add(piece)
        whole += piece
        for place in places:
            at = min(place, len(whole))
            assert rope.since(at) == whole[at:]
    assert rope.length == len(whole)


@given(st.lists(st.text(max_size=5), max_size=200), st.integers(0, 200))
def test_text_that_was_joined_grows_on_and_is_read_from_any_place(pieces: list[str], after: int) -> None:
    rope, expected = Rope(), ""
    for number, piece in enumerate(pieces):
        rope.add(piece)
        expected += piece
        if number == after:
            assert rope.whole == expected
    assert rope.whole == rope.whole == expected
    assert all(rope.since(at) == expected[at:] for at in range(len(expected) + 1))


@given(st.lists(st.text(min_size=1, max_size=5), min_size=200, max_size=400), st.integers(0, 2000))
def test_a_rope_that_let_go_still_has_the_rest(pieces: list[str], place: int) -> None:
    rope, whole = Rope(), "".join(pieces)
    for piece in pieces:
        rope.add(piece)
    at = min(place, len(whole))
    rope.let_go(at)
    assert rope.since(at) == whole[at:]


class Gated:
    """A stand whose model gives one piece each time `go` is called."""

    def __init__(self, stand: Stand) -> None:
        self.stand = stand
        self._steps = asyncio.Semaphore(0)
        stand.model._sleep = lambda seconds: self._steps.acquire() if seconds else asyncio.sleep(0)

    async def go(self, steps: int = 1) -> None:
        for _ in range(steps):
            self._steps.release()
        for _ in range(20 * steps):
            await asyncio.sleep(0)


@pytest.fixture
async def gated(tmp_path: Path) -> AsyncGenerator[Gated]:
    async with Stand(tmp_path).running() as stand:
        stand.model.script = [Rule(answer="The Moon draws the sea.", delay=1)]
        yield Gated(stand)


async def settle() -> None:
    """Until whoever can go on has: each step of theirs takes a turn of the loop or two."""
    for _ in range(50):
        await asyncio.sleep(0)


async def test_who_comes_later_gets_what_has_come_at_once(gated: Gated) -> None:
    async with asyncio.TaskGroup() as group:
        first = group.create_task(gated.stand.ask())
        await settle()
        await gated.go(3)
        async with aclosing(gated.stand.cached.stream(request(caller={"run_id": "r2"}))) as late:
            assert (await anext(late)).text == "The Moon draws"
            await gated.go()
            assert (await anext(late)).text == " the"
            await gated.go()
            rest = [chunk async for chunk in late]
    assert text_of(rest) == " sea."
    assert text_of(first.result()) == "The Moon draws the sea."
    hit = rest[-1].cache
    assert hit is not None
    assert (hit.source, hit.run_id) == ("shared", "r1")
    assert first.result()[-1].cache is None
    assert rest[-1].usage == first.result()[-1].usage
    assert gated.stand.model.calls["Tides?"] == 1


async def test_a_slow_reader_keeps_nobody_waiting(gated: Gated) -> None:
    async with aclosing(gated.stand.cached.stream(request())) as slow:
        await gated.go()
        await anext(slow)
        async with asyncio.TaskGroup() as group:
            quick = group.create_task(gated.stand.ask())
            await gated.go(4)
        assert text_of(quick.result()) == "The Moon draws the sea."
        assert text_of([chunk async for chunk in slow]) == " Moon draws the sea."


async def test_an_error_goes_to_all_who_read_and_each_may_try_again(gated: Gated) -> None:
    gated.stand.model.script = [
        Rule(answer="The Moon draws", delay=1, fault=Fault("cut", after=2), times=1),
        Rule(answer="Moon.", delay=1),
    ]
    async with asyncio.TaskGroup() as group:
        readers = [group.create_task(failing(gated.stand)) for _ in range(10)]
        await settle()
        await gated.go(2)
    assert [one.result() for one in readers] == ["The Moon"] * 10
    async with asyncio.TaskGroup() as group:
        again = [group.create_task(gated.stand.ask()) for _ in range(10)]
        await settle()
        await gated.go(1)
    assert {text_of(one.result()) for one in again} == {"Moon."}
    assert gated.stand.model.calls["Tides?"] == 2


async def failing(stand: Stand) -> str:
    """What was read before the error."""
    said = ""
    try:
        async for chunk in stand.cached.stream(request()):
            said += chunk.text
    except EndpointCut:
        return said
    raise AssertionError("it did not fail")


async def test_the_next_one_is_charged_when_the_first_leaves(gated: Gated) -> None:
    async with asyncio.TaskGroup() as group:
        first = group.create_task(gated.stand.ask())
        await settle()
        others = [group.create_task(gated.stand.ask(caller={"run_id": f"r{number}"})) for number in range(2, 5)]
        await settle()
        await gated.go(2)
        first.cancel()
        await settle()
        assert gated.stand.model.active == 1
        await gated.go(3)
    assert [source_of(one.result()) for one in others] == ["", "shared", "shared"]


async def test_when_all_have_left_the_call_ends_and_another_may_begin(gated: Gated) -> None:
    async with asyncio.TaskGroup() as group:
        readers = [group.create_task(gated.stand.ask()) for _ in range(3)]
        await settle()
        await gated.go()
        for one in readers:
            one.cancel()
        await settle()
        assert gated.stand.model.active == 0
        again = group.create_task(gated.stand.ask())
        await gated.go(5)
    assert (source_of(again.result()), text_of(again.result())) == ("", "The Moon draws the sea.")
    assert gated.stand.model.calls["Tides?"] == 2


async def test_a_call_that_is_given_up_at_the_end_fails_for_who_reads(tmp_path: Path) -> None:
    async with Stand(tmp_path).running() as stand:
        gated = Gated(stand)
        stand.model.script = [Rule(answer="The Moon", delay=1)]
        async with aclosing(stand.cached.stream(request())) as reader:
            await gated.go()
            await anext(reader)
            flight = next(iter(stand.cache._flights.values()))
            assert flight.task is not None
            flight.task.cancel()  # as when Alma stops
            with pytest.raises(Exception, match="stopping"):
                await anext(reader)


async def test_an_answer_without_end_takes_no_memory_without_end() -> None:
    closed: list[bool] = []
    flight = Flight("ada", "r1", (), lambda: closed.append(True))
    reader = flight.read()
    piece = "x" * 1024
    flight.add(Chunk(text=piece, tokens=1))
    for _ in range(3 * MOST_CHARS // 1024):
        assert (await anext(reader)).text == piece
        flight.add(Chunk(text=piece, tokens=1))
    assert closed == [True], "nobody joins what can no longer be read from its beginning"
    assert not flight.keep
    assert sum(map(len, flight.text._blocks)) < 200_000
    await reader.aclose()


async def test_a_hit_lets_others_have_their_turn(tmp_path: Path) -> None:
    async with Stand(tmp_path).running() as stand:
        stand.model.script = [Rule(answer="word " * 5000)]
        await stand.ask()
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        async with asyncio.TaskGroup() as group:
            running = group.create_task(other())
            hit = await stand.ask()
            running.cancel()
        assert source_of(hit) == "exact"
        assert turns > 50
