"""Answers that are given again: what a client sees of it, and how often the model is asked."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from alma.db.tables import cached_answers
from alma.memory.minilm import MiniLM
from alma.models.answers import Choice
from alma.models.fetch import embedding_dir
from alma.models.script import Rule
from planned import acts, answers, end_of, found, holds, plans, role_file, seen, start, task
from session_bench import Client, SessionBench, texts

ASK = "How tall is the lighthouse of Ushant?"
SAID = "It is fifty-four metres tall, and stands on rock."
_keys = itertools.count()


@pytest.fixture
async def cached(database_url: str) -> AsyncGenerator[SessionBench]:
    async with SessionBench(database_url, cache={}).running() as bench:
        bench.model.script = [Rule(match="Ushant", answer=SAID)]
        yield bench


async def ask(client: Client, text: str = ASK, **fields: Any) -> dict[str, Any]:
    """How its answer's message ended, with `text`, `run` and `thread`."""
    ack = await client.answer(client.say("run.start", key=f"ask {next(_keys)}", text=text, kind="chat", **fields))
    return await heard(client, ack)


async def heard(client: Client, ack: dict[str, Any]) -> dict[str, Any]:
    end = await seen(client, type="TEXT_MESSAGE_END", runId=ack["runId"])
    await end_of(client, ack["runId"])
    said = texts(client.frames)[end["messageId"]]
    return {"cache": None, **end, "text": said, "run": ack["runId"], "thread": ack["threadId"]}


async def test_what_is_asked_twice_is_answered_once(cached: SessionBench) -> None:
    client = cached.connect()
    first, again = await ask(client), await ask(client)
    assert cached.model.calls == {ASK: 1}
    assert first["text"] == again["text"] == SAID
    assert first["cache"] is None
    hit = again["cache"]
    assert (hit["source"], hit["run_id"]) == ("exact", first["run"])
    assert (hit["saved_input_tokens"], hit["saved_output_tokens"]) == tuple(
        first["usage"][name] for name in ("input_tokens", "output_tokens")
    )
    assert again["usage"] == first["usage"]
    pieces = found(client, type="TEXT_MESSAGE_CONTENT", runId=again["run"])
    assert "".join(one["delta"] for one in pieces) == SAID, "a hit streams like any answer"


async def test_who_wants_another_answer_gets_one(cached: SessionBench) -> None:
    client = cached.connect()
    first = await ask(client)
    assert (await ask(client, fresh=True))["cache"] is None
    ack = await client.answer(client.say("run.retry", key="once more", runId=first["run"], kind="chat"))
    assert (await heard(client, ack))["cache"] is None
    assert cached.model.calls == {ASK: 3}


async def test_creative_tasks_are_answered_anew(cached: SessionBench) -> None:
    client = cached.connect()
    for key in ("one", "two"):
        ack = await client.answer(client.say("run.start", key=key, text=ASK, kind="creative"))
        await end_of(client, ack["runId"])
    assert cached.model.calls == {ASK: 2}


async def test_another_owner_does_not_hear_what_was_answered(cached: SessionBench) -> None:
    await ask(cached.connect())
    assert (await ask(cached.connect(owner="bob")))["cache"] is None
    assert cached.model.calls == {ASK: 2}


async def test_answers_survive_a_restart(database_url: str) -> None:
    async with SessionBench(database_url, cache={}).running() as before:
        before.model.script = [Rule(match="Ushant", answer=SAID)]
        first = await ask(before.connect())
    async with SessionBench(database_url, cache={}).running() as after:
        again = await ask(after.connect())
        assert after.model.calls == {}
        assert (again["text"], again["cache"]["run_id"]) == (SAID, first["run"])


async def test_tool_calls_are_given_again_and_the_tools_called_anew(tmp_path: Path) -> None:
    from alma.tools.toolbox import SHIPPED, Toolbox

    toolbox = Toolbox()
    toolbox.load_folder(SHIPPED)
    role_file(tmp_path / "agents", "writer", tools=["calculator"])
    url = f"sqlite:///{tmp_path}/alma.db"
    async with SessionBench(url, roles=tmp_path / "agents", toolbox=toolbox, cache={}).running() as bench:
        plans(bench, task("writer", "Six times seven"))
        acts(bench, "Six times seven", [("calculator", '{"expression": "6*7"}')], answer="It is 42.")
        client = bench.connect()
        for number in (1, 2):
            await end_of(client, (await start(client))["runId"])
            assert len(found(client, type="TOOL_CALL_RESULT")) == number
            assert bench.model.calls["Six times seven"] == 2, "one that calls the tool, one that reads its result"


async def test_a_role_that_is_edited_answers_anew(tmp_path: Path) -> None:
    role_file(tmp_path / "agents", "writer", "Be brief.")
    url = f"sqlite:///{tmp_path}/alma.db"
    async with SessionBench(url, roles=tmp_path / "agents", cache={}).running() as bench:
        plans(bench, task("writer", "Flour"))
        answers(bench, "Flour", "White.")
        client = bench.connect()
        await end_of(client, (await start(client))["runId"])
        await end_of(client, (await start(client))["runId"])
        assert bench.model.calls["Flour"] == 1
        role_file(tmp_path / "agents", "writer", "Be brief.", budgets={"tokens": 9000})  # the prompt stays the same
        assert bench.roles.reload() == ["writer"]
        assert bench.cache is not None
        await bench.cache.invalidate("role:writer")
        await end_of(client, (await start(client))["runId"])
        assert bench.model.calls["Flour"] == 2


async def test_a_deleted_thread_takes_its_answers_along(cached: SessionBench) -> None:
    client = cached.connect()
    first = await ask(client)
    other = await ask(client, "Is Ushant an island?")
    assert cached.cache is not None
    await cached.cache.flush()
    await cached.sessions.delete_thread("ada", first["thread"])
    kept = await cached.database.read(lambda c: list(c.execute(sa.select(cached_answers.c.run_id)).scalars()))
    assert kept == [other["run"]]
    assert (await ask(client))["cache"] is None


async def test_a_hundred_who_ask_at_once_share_one_call(tmp_path: Path) -> None:
    async with SessionBench(f"sqlite:///{tmp_path}/alma.db", cache={}).running() as bench:
        go_on = holds(bench, "Ushant", SAID)
        client = bench.connect()
        acks = [
            await client.answer(client.say("run.start", key=f"{number}", text="Ushant", kind="chat"))
            for number in range(100)
        ]
        go_on.set()
        ends = [await heard(client, ack) for ack in acks]
        assert bench.model.calls == {"Ushant": 1}
        assert {end["text"] for end in ends} == {SAID}
        sources = [end["cache"]["source"] if end["cache"] else "" for end in ends]
        assert sources.count("") == 1, "one of them is charged"
        assert set(sources) <= {"", "shared", "exact"}
        assert bench.cache is not None
        state = await bench.cache.state("ada")
        assert (state.total.hits, state.total.misses) == (99, 1)


async def test_who_asked_first_may_leave(tmp_path: Path) -> None:
    async with SessionBench(f"sqlite:///{tmp_path}/alma.db", cache={}).running() as bench:
        go_on = holds(bench, "Ushant", SAID, before="Hm.")
        client = bench.connect()
        acks = []
        for number in range(100):
            acks.append(await client.answer(client.say("run.start", key=f"{number}", text="Ushant", kind="chat")))
            await seen(client, type="TEXT_MESSAGE_START", runId=acks[-1]["runId"]) if number == 0 else None
        await client.answer(client.say("run.stop", runId=acks[0]["runId"]))
        await end_of(client, acks[0]["runId"])
        assert bench.model.active == 1
        go_on.set()
        ends = [await heard(client, ack) for ack in acks[1:]]
        assert bench.model.calls == {"Ushant": 1}
        assert {end["text"] for end in ends} == {SAID}
        assert sum(end["cache"] is None for end in ends) == 1, "another one is charged"


async def test_the_last_one_to_leave_ends_the_call(tmp_path: Path) -> None:
    async with SessionBench(f"sqlite:///{tmp_path}/alma.db", cache={}).running() as bench:
        holds(bench, "Ushant", SAID, before="Hm.")
        client = bench.connect()
        acks = [
            await client.answer(client.say("run.start", key=f"{number}", text="Ushant", kind="chat"))
            for number in range(3)
        ]
        for ack in acks:
            await client.answer(client.say("run.stop", runId=ack["runId"]))
            await end_of(client, ack["runId"])
        assert bench.model.active == 0


async def test_an_owner_may_do_without_it(cached: SessionBench) -> None:
    assert cached.cache is not None
    await cached.cache.choose("ada", Choice(exact=False))
    client = cached.connect()
    await ask(client)
    assert (await ask(client))["cache"] is None
    await ask(cached.connect(owner="bob"))
    assert (await ask(cached.connect(owner="bob")))["cache"]["source"] == "exact"


@pytest.mark.slow
async def test_a_question_in_other_words_is_answered_by_what_was_said(tmp_path: Path, data_dir: Path) -> None:
    model = await asyncio.to_thread(MiniLM, embedding_dir(data_dir))

    async def embed(text: str) -> list[float]:
        return (await asyncio.to_thread(model.embed, [text]))[0].tolist()

    url = f"sqlite:///{tmp_path}/alma.db"
    async with SessionBench(url, cache={"semantic": True, "embed": embed}).running() as bench:
        bench.model.script = [Rule(match="egg", answer="Seven minutes.")]
        client = bench.connect()
        first = await ask(client, "How do I boil an egg?")
        near = await ask(client, "What is the way to boil an egg?")
        assert near["text"] == "Seven minutes."
        hit = near["cache"]
        assert (hit["source"], hit["run_id"], hit["question"]) == ("semantic", first["run"], "How do I boil an egg?")
        assert hit["score"] >= 0.85
        miss = await ask(client, "How do I boil two eggs?")  # alike enough to be heard as the same
        assert miss["cache"] is None
        longer = await ask(client, "What is the way to boil an egg?", threadId=first["thread"])
        assert longer["cache"] is None, "what was said before it belongs to the question"
