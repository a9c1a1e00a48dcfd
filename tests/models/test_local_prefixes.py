"""The embedded model's slots, really: what prompts have in common is read once, in advance where there is time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

import pytest
from endpoints_at_hand import collect, text_of

from alma.errors import EndpointUnreachable
from alma.model_call import Sampling
from alma.models import prefixes
from alma.models.chat import Caller, ChatMessage, ChatRequest
from alma.models.client import open_session
from alma.models.local import LocalModel

WORDS = ("river", "stone", "lantern", "copper", "meadow", "harbour", "violet", "engine", "timber", "falcon")
pytestmark = pytest.mark.slow


def long_text(seed: int, words: int = 140) -> str:
    """Some more tokens than words, and more than are worth a request of their own."""
    chosen = random.Random(seed)
    return " ".join(chosen.choice(WORDS) for _ in range(words))


def asked(system: str, *said: str, tokens: int = 12, run_id: str = "") -> ChatRequest:
    """`said`: what user and assistant said, in turn."""
    roles = ("user", "assistant")
    messages = [ChatMessage("system", system), *(ChatMessage(roles[n % 2], text) for n, text in enumerate(said))]
    return ChatRequest("embedded", messages, Sampling(temperature=0.0, max_tokens=tokens), caller=Caller(run_id=run_id))


async def all_at_once(local: LocalModel, requests: list[ChatRequest]) -> list[int]:
    """Ask them all; for each how many tokens were not read anew."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(collect(local, request)) for request in requests]
    return [task.result()[-1].usage.cached_tokens for task in tasks]


async def idle(local: LocalModel) -> None:
    """Until nothing is read in advance any more."""
    while not local.warmed:
        await asyncio.sleep(0.01)


@pytest.fixture
async def local(gguf, tmp_path) -> AsyncIterator[LocalModel]:
    async with open_session() as session:
        local = LocalModel(session, gguf, folder=tmp_path, ctx=2048, first_pause=0.05)
        owner = asyncio.create_task(local.run())
        await asyncio.sleep(0)
        await local.wait_ready()
        yield local
        owner.cancel()
        with pytest.raises(asyncio.CancelledError):
            await owner
    assert not list((tmp_path / "prefixes").glob("*"))


async def test_agents_at_once_that_begin_alike_read_it_once(local, tmp_path, monkeypatch):
    monkeypatch.setattr(prefixes, "PATIENCE", 1_000)  # a busy machine reads slowly, and who waits too long reads it too
    system = long_text(1)
    cached = await all_at_once(local, [asked(system, f"Write about number {n}.") for n in range(4)])
    assert min(cached) > 140
    assert [file.name for file in (tmp_path / "prefixes").iterdir()] == ["1.bin"]  # and nobody else read it


async def test_what_is_alike_within_a_message_is_read_once_too(local):
    notes = long_text(2)
    cached = await all_at_once(local, [asked("Be brief.", f"{notes}\n\nNow answer question {n}.") for n in range(5)])
    assert sorted(cached)[1] > 140


async def test_prompts_with_nothing_in_common_do_not_wait_for_one_another(local):
    requests = [asked(long_text(seed), "Go on.") for seed in range(10, 14)]
    most = 0

    async def one(request):
        nonlocal most
        async for _ in local.stream(request):
            most = max(most, local.status.active)

    async with asyncio.TaskGroup() as group:
        for request in requests:
            group.create_task(one(request))
    assert most == 4


async def test_a_conversation_outlasts_what_others_ask_meanwhile(local):
    system = long_text(3)
    answer = text_of(await collect(local, asked(system, "What is a river?")))
    await all_at_once(local, [asked(long_text(seed, 20), "Go on.") for seed in range(20, 24)])
    last = (await collect(local, asked(system, "What is a river?", answer, "And a stone?")))[-1]
    assert last.usage.cached_tokens > 140
    assert local.prefixes.asked.hits == 1  # it came from a file, and was not read by itself once more


async def test_what_was_read_in_advance_is_there_when_it_is_asked_for(local):
    system = long_text(4)
    local.warm([asked(system, "What is a river?", "Water that flows.")])
    await idle(local)
    last = (await collect(local, asked(system, "What is a river?", "Water that flows.", "And a stone?")))[-1]
    assert last.usage.input_tokens - last.usage.cached_tokens < 24


async def test_the_same_is_not_read_in_advance_twice(local):
    request = asked(long_text(5))
    local.warm([request])
    await idle(local)
    before = dict(enumerate(local._slots.prefixes.seen(slot) for slot in range(4)))
    local.warm([request])
    await idle(local)
    assert dict(enumerate(local._slots.prefixes.seen(slot) for slot in range(4))) == before


async def test_nothing_is_read_in_advance_while_somebody_is_at_work(local):
    wish = asked(long_text(6))
    async for _ in local.stream(asked("Be brief.", "Count to a hundred.", tokens=30)):
        local.warm([wish])
        assert local._slots._warming is None
    await idle(local)
    assert (await collect(local, asked(long_text(6), "Go on.")))[-1].usage.cached_tokens > 140


async def test_what_is_read_in_advance_gives_way(local):
    local.warm([asked(long_text(7, 700))])
    while local._slots._warming is None:
        await asyncio.sleep(0)
    warming = local._slots._warming
    assert text_of(await collect(local, asked("Be brief.", "Say hello.")))
    assert warming.cancelled()


async def test_who_needs_what_is_read_in_advance_waits_for_it(local):
    system = long_text(8)
    local.warm([asked(system)])
    while local._slots._warming is None:
        await asyncio.sleep(0)
    warming = local._slots._warming
    last = (await collect(local, asked(system, "Go on.")))[-1]
    assert not warming.cancelled()
    assert last.usage.cached_tokens > 140


async def test_a_stopped_call_frees_its_slot_at_once(local):
    async with asyncio.TaskGroup() as group:
        writing = [
            group.create_task(collect(local, asked("Be brief.", f"Count from {n}.", tokens=400))) for n in range(4)
        ]
        while local.status.active < 4:
            await asyncio.sleep(0)
        waiting = group.create_task(collect(local, asked("Be brief.", "Say hello.")))
        while not local.status.queued:
            await asyncio.sleep(0)
        writing[2].cancel()
        assert text_of(await waiting)
        assert local.status.active == 3
        for task in writing:
            task.cancel()
    assert (local.status.active, local.status.queued) == (0, 0)


async def test_one_who_waits_can_leave(local):
    async with asyncio.TaskGroup() as group:
        writing = [
            group.create_task(collect(local, asked("Be brief.", f"Count from {n}.", tokens=300))) for n in range(4)
        ]
        waiting = group.create_task(collect(local, asked("Be brief.", "Say hello.")))
        while not local.status.queued:
            await asyncio.sleep(0)
        waiting.cancel()
        while local.status.queued:
            await asyncio.sleep(0)
        for task in writing:
            task.cancel()
    assert (local.status.active, local.status.queued) == (0, 0)


async def test_a_new_child_remembers_nothing_and_serves_who_waited(local):
    system = long_text(9)
    await collect(local, asked(system, "Go on."))
    first = local._slots
    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(collect(local, asked(system, f"Go on {n}."))) for n in range(6)]
        while local.status.queued < 2:
            await asyncio.sleep(0)
        for task in calls[:4]:
            task.cancel()  # they would be cut off
        local._process.kill()
    assert all(text_of(task.result()) for task in calls[4:])
    assert local._slots is not first
    assert first.load == (0, 0)


async def test_a_file_that_is_gone_costs_time_only(local, tmp_path):
    system = long_text(30)
    await collect(local, asked(system, "Go on."))
    for file in (tmp_path / "prefixes").iterdir():
        file.unlink()
    others = [long_text(31), *(long_text(seed, 20) for seed in range(32, 35))]
    await all_at_once(local, [asked(other, "Go on.") for other in others])
    for file in (tmp_path / "prefixes").iterdir():
        file.unlink()
    assert text_of(await collect(local, asked(system, "Go on.")))
    assert text_of(await collect(local, asked(long_text(31), "Go on.")))


async def test_a_call_of_a_closed_child_is_told_so(local):
    slots = local._slots
    local._process.kill()
    while local._slots is slots:
        await asyncio.sleep(0)
    with pytest.raises(EndpointUnreachable):
        await collect(slots, asked("Be brief.", "Say hello."))
