"""What the response cache keeps, for how long, and what it never gives again; on the scripted model."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cache_stand import Stand, request, source_of, text_of

from alma.db.tables import cached_answers, cached_sources
from alma.errors import EmbedderUnavailable, EndpointCut, EndpointFailed
from alma.model_call import Sampling
from alma.models.answers import OVERHEAD, Choice
from alma.models.cached import CachedModel
from alma.models.chat import ChatMessage, ToolCall, ToolSpec
from alma.models.script import Fault, Rule


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncGenerator[Stand]:
    async with Stand(tmp_path).running() as running:
        yield running


async def test_a_hit_has_all_that_the_answer_had(stand: Stand) -> None:
    asked = ToolCall("c1", "search", '{"q": "tides"}')
    rule = Rule(match="Tides", answer="The Moon. " * 30, reasoning="I wonder. " * 9, tool_calls=(asked,))
    stand.model.script = [rule]
    first, hit = await stand.ask(), await stand.ask()
    assert text_of(hit) == text_of(first)
    assert "".join(one.reasoning for one in hit) == "".join(one.reasoning for one in first)
    assert sum(one.tokens for one in hit) == sum(one.tokens for one in first)
    assert (hit[-1].tool_calls, hit[-1].usage, hit[-1].finish_reason) == ((asked,), first[-1].usage, "tool_calls")
    assert all(one.tokens for one in hit[:-1])
    assert source_of(hit) == "exact"
    assert hit[-1].cost == 0.0


async def test_whatever_may_change_the_answer_is_part_of_the_question(stand: Stand) -> None:
    tool = ToolSpec("clock", "The time.", {"type": "object"})
    await stand.ask()
    others: list[dict[str, Any]] = [
        {"sampling": Sampling(temperature=0.1)},
        {"sampling": Sampling(max_tokens=7)},
        {"tools": [tool]},
        {"json_schema": {"type": "object"}},
        {"model": "other"},
        {"messages": [ChatMessage("system", "Be brief."), ChatMessage("user", "Tides?")]},
        {"caller": {"owner": "bob"}},
    ]
    for changes in others:
        assert source_of(await stand.ask(**changes)) == "", changes
    other_model = CachedModel(stand.model, "else/model", stand.cache)
    assert [one.cache for one in [chunk async for chunk in other_model.stream(request())]][-1] is None
    for changes in ({"caller": {"run_id": "r2"}}, {"caller": {"role": "writer"}}, {"caller": {"priority": 5}}):
        assert source_of(await stand.ask(**changes)) == "exact", changes


async def test_what_may_not_be_cached_goes_straight_to_the_model(stand: Stand) -> None:
    for _ in range(2):
        assert source_of(await stand.ask(caller={"cacheable": False})) == ""
    await stand.ask()
    assert source_of(await stand.ask(caller={"cacheable": False})) == ""
    assert stand.model.calls["Tides?"] == 4


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        (Rule(answer="The Moon", finish_reason="length"), {}),
        (Rule(answer="  "), {}),
        (Rule(answer="no JSON at all"), {"json_schema": {"type": "object"}}),
        (Rule(answer="x" * (1 << 20)), {}),
    ],
    ids=["cut at its length", "no text", "against the schema", "too large"],
)
async def test_only_whole_answers_are_kept(stand: Stand, rule: Rule, changes: dict[str, Any]) -> None:
    stand.model.script = [rule]
    for _ in range(2):
        assert source_of(await stand.ask(**changes)) == ""
    assert stand.model.calls["Tides?"] == 2


async def test_what_failed_is_asked_anew(stand: Stand) -> None:
    stand.model.script = [
        Rule(answer="The Moon and", fault=Fault("cut", after=2), times=1),
        Rule(answer="The Moon.", fault=Fault("status", status=500), times=2),
        Rule(answer="The Moon."),
    ]
    with pytest.raises(EndpointCut):
        await stand.ask()
    with pytest.raises(EndpointFailed):
        await stand.ask()
    assert source_of(await stand.ask()) == ""
    assert source_of(await stand.ask()) == "exact"


async def test_an_answer_is_given_until_it_is_too_old(tmp_path: Path) -> None:
    async with Stand(tmp_path, {"ttl_s": 60.0}).running() as stand:
        await stand.ask()
        stand.now += 59
        hit = await stand.ask()
        assert (source_of(hit), hit[-1].cache and hit[-1].cache.age_s) == ("exact", 59.0)
        stand.now += 1
        assert source_of(await stand.ask()) == ""
        assert source_of(await stand.ask()) == "exact"


async def test_what_is_too_old_is_given_up_at_the_start(tmp_path: Path) -> None:
    stand = Stand(tmp_path, {"ttl_s": 60.0})
    async with stand.running():
        await stand.ask()
    stand.now += 61
    stand.open()
    async with stand.running():
        assert (await stand.cache.state("ada")).entries == 0
        assert source_of(await stand.ask()) == ""


async def test_after_a_restart_answers_come_from_the_database(tmp_path: Path) -> None:
    stand = Stand(tmp_path)
    async with stand.running():
        stand.model.script = [Rule(match="Tides", answer="The Moon. " * 100, reasoning="Hm.")]
        first = await stand.ask(caller={"depends": ("role:analyst@1",)})
    stand.open()
    async with stand.running():
        hit = await stand.ask()
        assert (source_of(hit), text_of(hit)) == ("exact", text_of(first))
        assert stand.model.calls["Tides?"] == 1


async def test_what_was_not_used_for_longest_makes_room(tmp_path: Path) -> None:
    stand = Stand(tmp_path, {"max_bytes": 3 * (OVERHEAD + 500)})
    stand.model.script = [Rule(answer="x" * 400)]
    async with stand.running():
        for text in ("one", "two", "three"):
            await stand.ask(text)
        assert source_of(await stand.ask("one")) == "exact"
        await stand.ask("four")
        state = await stand.cache.state("ada")
        assert (state.entries, state.bytes <= state.max_bytes) == (3, True)
        found = {text: source_of(await stand.ask(text)) for text in ("one", "three", "four")}
        assert found == {"one": "exact", "three": "exact", "four": "exact"}
        assert stand.model.calls["two"] == 1
        assert source_of(await stand.ask("two")) == ""


async def test_the_bound_holds_after_a_restart(tmp_path: Path) -> None:
    stand = Stand(tmp_path)
    stand.model.script = [Rule(answer="x" * 400)]
    async with stand.running():
        for number in range(10):
            await stand.ask(f"{number}")
    stand.options = {"max_bytes": 3 * (OVERHEAD + 500)}
    stand.open()
    async with stand.running():
        assert (await stand.cache.state("ada")).entries == 3
        assert source_of(await stand.ask("9")) == "exact"
        assert source_of(await stand.ask("0")) == ""


async def test_more_than_memory_holds_is_read_from_the_database(tmp_path: Path) -> None:
    stand = Stand(tmp_path, {"memory_bytes": 2 * OVERHEAD})
    async with stand.running():
        for number in range(5):
            await stand.ask(f"{number}")
        await stand.cache.flush()
        assert [source_of(await stand.ask(f"{number}")) for number in range(5)] == ["exact"] * 5


@pytest.mark.parametrize("damage", ["{", '{"text": 5}', "", b"x\x9cnothing"])
async def test_a_damaged_row_is_a_miss(tmp_path: Path, damage: str | bytes) -> None:
    stand = Stand(tmp_path)
    async with stand.running():
        first = await stand.ask()
    stand.open()
    async with stand.running():
        await stand.database.write(lambda c: c.execute(sa.text("UPDATE cached_answers SET data = :d"), {"d": damage}))
        again = await stand.ask()
        assert (source_of(again), text_of(again)) == ("", text_of(first))
        assert source_of(await stand.ask()) == "exact", "it was kept anew"


async def test_a_row_that_somebody_deleted_is_a_miss(tmp_path: Path) -> None:
    stand = Stand(tmp_path)
    async with stand.running():
        await stand.ask()
    stand.open()
    async with stand.running():
        await stand.database.write(lambda c: c.execute(sa.delete(cached_answers)))
        assert source_of(await stand.ask()) == ""


@pytest.mark.parametrize(
    ("depends", "changed", "stays"),
    [
        ("role:writer@v1", "role:writer", False),
        ("role:writer@v1", "role:write", True),
        ("memory:7", "memory:7", False),
        ("memory:7", "memory:77", True),
        ("file:t1", "file:t1", False),
        ("file:t1/a.md", "file:t1", False),
        ("file:t1", "file:t1/a.md", False),
        ("file:t1/a.md", "file:t1/b.md", True),
        ("file:t_1/a.md", "file:tx1", True),
        ("file:t%/a.md", "file:t", True),
    ],
)
@pytest.mark.parametrize("restarted", [False, True])
async def test_an_answer_goes_with_what_it_goes_back_to(
    tmp_path: Path, depends: str, changed: str, stays: bool, restarted: bool
) -> None:
    stand = Stand(tmp_path)
    async with stand.running():
        await stand.ask(caller={"depends": (depends, "role:other@v2")})
        if not restarted:
            await stand.cache.invalidate(changed)
            assert source_of(await stand.ask()) == ("exact" if stays else "")
            return
    stand.open()
    async with stand.running():
        await stand.cache.invalidate(changed)
        left = await stand.database.read(lambda c: c.execute(sa.select(sa.func.count(cached_sources.c.key))).scalar())
        assert left == (2 if stays else 0)
        assert source_of(await stand.ask()) == ("exact" if stays else "")


@pytest.mark.parametrize("restarted", [False, True])
async def test_many_sources_go_out_of_date_at_once(tmp_path: Path, restarted: bool) -> None:
    stand = Stand(tmp_path)
    many = [f"memory:m_{number}" for number in range(1000)]
    async with stand.running():
        for name in ("m_7", "m_999", "m_1000", "m_99"):
            await stand.ask(name, caller={"depends": (f"memory:{name}", "role:other@v2")})
        if not restarted:
            await stand.cache.invalidate(*many)
    if restarted:
        stand.open()
        async with stand.running():
            await stand.cache.invalidate(*many)
    stand.open()
    async with stand.running():
        kept = [name for name in ("m_7", "m_999", "m_1000", "m_99") if source_of(await stand.ask(name)) == "exact"]
    assert kept == ["m_1000"]


async def test_an_answer_that_was_under_way_when_it_became_out_of_date_is_not_kept(stand: Stand) -> None:
    gate = asyncio.Event()
    stand.model._sleep = lambda seconds: gate.wait() if seconds else asyncio.sleep(0)
    stand.model.script = [Rule(answer="Old.", first_delay=1, times=1), Rule(answer="New.")]
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(stand.ask(caller={"depends": ("file:t1",)}))
        while not stand.model.active:
            await asyncio.sleep(0)
        await stand.cache.invalidate("file:t1")
        newer = await stand.ask(caller={"depends": ("file:t1",)})
        gate.set()
    assert text_of(reading.result()) == "Old."
    assert (source_of(newer), text_of(newer)) == ("", "New.")
    assert text_of(await stand.ask()) == "New."


async def test_what_an_owner_chose_and_saved_is_kept(tmp_path: Path) -> None:
    stand = Stand(tmp_path)
    async with stand.running():
        first = await stand.ask()
        await stand.ask()
        await stand.cache.choose("ada", Choice(semantic=True, threshold=0.93))
        await stand.cache.choose("ada", Choice(exact=False))
    stand.open()
    async with stand.running():
        state = await stand.cache.state("ada")
        assert (state.serving.exact, state.serving.semantic, state.serving.threshold) == (False, True, 0.93)
        usage = first[-1].usage
        assert usage is not None
        assert (state.total.hits, state.total.misses) == (1, 1)
        assert state.total.saved_tokens == usage.input_tokens + usage.output_tokens
        assert state.since_start.hits == 0
        assert stand.cache.serving("bob").exact


async def test_emptying_it_empties_it_for_one_owner(tmp_path: Path) -> None:
    stand = Stand(tmp_path)
    async with stand.running():
        await stand.ask()
        await stand.ask(caller={"owner": "bob"})
        await stand.cache.clear("ada")
        assert (await stand.cache.state("ada")).entries == 0
        assert source_of(await stand.ask()) == ""
        assert source_of(await stand.ask(caller={"owner": "bob"})) == "exact"


async def test_without_an_embedder_there_is_no_likeness_and_no_error(tmp_path: Path) -> None:
    async def embed(text: str) -> list[float]:
        raise EmbedderUnavailable("It is down.")

    async with Stand(tmp_path, {"semantic": True, "embed": embed}).running() as stand:
        about = {"caller": {"question": "Tides?", "context": "c"}}
        assert source_of(await stand.ask(**about)) == ""
        assert source_of(await stand.ask("Tides!", caller={"question": "Tides!", "context": "c"})) == ""
        assert source_of(await stand.ask(**about)) == "exact"
