"""Budgets of runs, threads, owners and days: warned of, waited for, never exceeded; and the end with what there is."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, Literal

import pytest

from alma.engine.budget import Limits
from alma.engine.ledger import Scope
from alma.engine.state import Spent
from alma.errors import InvalidRequest, NotFound
from alma.events import (
    AttemptFailed,
    BudgetReached,
    MessageFinished,
    MessageStarted,
    RunFinished,
    RunStarted,
    TaskFinished,
)
from alma.model_call import CacheHit, Usage
from alma.models.chat import ChatRequest, Chunk
from alma.models.endpoints import Price
from alma.models.script import Rule
from alma.models.scripted import ScriptedModel
from alma.session.spend import Report, check, report, set_budget
from alma.tools.toolbox import Toolbox
from planned import answers, calls, end_of, found, holds, log_of, plans, role_file, seen, start, task
from session_bench import Client, SessionBench, texts

A_DOLLAR_A_MILLION = Price(1.0, 1.0)
TALKS = "!tokens 5000"
_keys = itertools.count()


def url(folder: Path) -> str:
    return f"sqlite:///{folder}/alma.db"


async def chat(client: Client, text: str, **fields: object) -> dict[str, Any]:
    """Send a task that is answered at once; what it is answered, acknowledgement or refusal."""
    command = client.say("run.start", key=f"chat {next(_keys)}", text=text, kind="chat", **fields)
    return await client.answer(command)


async def said(client: Client, text: str, **fields: object) -> dict[str, Any]:
    """The same, to its end; gives the acknowledgement."""
    ack = await chat(client, text, **fields)
    assert "code" not in ack, ack
    await end_of(client, ack["runId"])
    return ack


async def spend_of(bench: SessionBench, owner: str = "ada", thread_id: str = "") -> Report:
    return await report(bench.database, bench.engine.ledger, owner, thread_id)


async def used(bench: SessionBench, scope: Scope, owner: str = "ada", thread_id: str = "") -> Spent:
    return next(one.used for one in (await spend_of(bench, owner, thread_id)).scopes if one.scope == scope)


async def is_exact(bench: SessionBench) -> Spent:
    """What was spent is what the journals say; gives it."""
    checked = await bench.database.read(check)
    assert checked.wrong == []
    return checked.total


# ── sums ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_a_run_used_is_kept_by_day_and_model_and_is_what_its_journal_says(tmp_path: Path) -> None:
    async with SessionBench(url(tmp_path)).running() as bench:
        bench.models.info.price = Price(2.0, 10.0)
        plans(bench, task("writer", "Flour"), task("writer", "!cut 5 x1"))
        client = bench.connect()
        ack = await start(client)
        await end_of(client, ack["runId"])
        total = await is_exact(bench)
        messages = await log_of(bench, ack["runId"], MessageFinished)
        (failure,) = await log_of(bench, ack["runId"], AttemptFailed)
        assert failure.paid is not None
        assert failure.paid.input_tokens > 0 < failure.paid.output_tokens
        assert total.input_tokens == sum(one.usage.input_tokens for one in messages) + failure.paid.input_tokens
        assert total.output_tokens == sum(one.usage.output_tokens for one in messages) + failure.paid.output_tokens
        assert total.calls == len(messages) + 1
        assert total.cost == pytest.approx((total.input_tokens * 2 + total.output_tokens * 10) / 1e6)
        told = await spend_of(bench, thread_id=ack["threadId"])
        assert [model for model, _ in told.models] == ["scripted/scripted"]
        assert [spent.tokens for _, spent in told.days] == [total.tokens]
        assert {one.scope: one.used.tokens for one in told.scopes} == {
            "run": 0,
            "thread": total.tokens,
            "owner": total.tokens,
            "day": total.tokens,
        }


async def test_an_attempt_that_was_refused_before_it_was_read_costs_nothing(tmp_path: Path) -> None:
    async with SessionBench(url(tmp_path)).running() as bench:
        await said(bench.connect(), "!status 429 x2")
        total = await is_exact(bench)
        assert total.calls == 1


async def test_a_crash_in_mid_call_is_paid_for_when_the_next_attempt_begins(tmp_path: Path) -> None:
    async with SessionBench(url(tmp_path)).running() as before:
        before.models.info.price = A_DOLLAR_A_MILLION
        client = before.connect()
        ack = await chat(client, "!tokens 5000 100")
        await seen(client, type="TEXT_MESSAGE_CONTENT")
        assert (await is_exact(before)).tokens == 0
    async with SessionBench(url(tmp_path)).running() as after:
        after.models.info.price = A_DOLLAR_A_MILLION
        after.model.script.append(Rule(match="tokens", answer="short"))
        client = after.connect()
        client.say("thread.subscribe", threadId=ack["threadId"])
        await end_of(client, ack["runId"])
        first, second = await log_of(after, ack["runId"], MessageStarted)
        prompt = sum(section.tokens for section in first.sections)
        assert second.lost is not None
        assert (second.lost.input_tokens, second.lost.cost) == (prompt, prompt / 1e6)
        (message,) = await log_of(after, ack["runId"], MessageFinished)
        total = await is_exact(after)
        assert total.tokens == prompt + message.usage.input_tokens + message.usage.output_tokens
        assert total.calls == 2


async def test_a_call_that_is_stopped_before_its_first_word_has_used_its_prompt(tmp_path: Path) -> None:
    async with SessionBench(url(tmp_path)).running() as bench:
        client = bench.connect()
        ack = await chat(client, "!wait 5000")
        await seen(client, type="TEXT_MESSAGE_START")
        while not bench.model.active:
            await client.arrived.get()
        client.say("run.stop", runId=ack["runId"])
        await end_of(client, ack["runId"])
        (end,) = await log_of(bench, ack["runId"], RunFinished)
        (begun,) = await log_of(bench, ack["runId"], MessageStarted)
        assert end.lost is not None
        total = await is_exact(bench)
        assert total.input_tokens == sum(section.tokens for section in begun.sections) == end.lost.input_tokens


class Remembering(ScriptedModel):
    """Every answer comes from a cache."""

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Chunk]:
        hit = CacheHit("exact", saved_input_tokens=100, saved_output_tokens=20, saved_ms=500, saved_cost=0.5)
        yield Chunk(text="as before", tokens=2)
        yield Chunk(finish_reason="stop", usage=Usage(100, 20), cost=0.5, cache=hit)


async def test_an_answer_from_the_cache_costs_nothing_and_counts_as_saved(tmp_path: Path) -> None:
    async with SessionBench(url(tmp_path), budgets={"thread": Limits(money=1.0)}).running() as bench:
        bench.models.model = Remembering()
        bench.models.info.price = A_DOLLAR_A_MILLION
        await said(bench.connect(), "Again")
        assert await is_exact(bench) == Spent(saved_tokens=120)


async def test_a_deleted_threads_spend_stays_with_its_owner_and_its_day(tmp_path: Path) -> None:
    async with SessionBench(url(tmp_path)).running() as bench:
        client = bench.connect()
        ack = await said(client, "Hello")
        before = await used(bench, "owner")
        await set_budget(bench.database, bench.engine.ledger, "ada", "thread", ack["threadId"], tokens=5)
        await bench.sessions.delete_thread("ada", ack["threadId"])
        assert await used(bench, "owner") == await used(bench, "day") == before
        checked = await bench.database.read(check)
        assert (checked.wrong, checked.deleted) == ([], 1)


async def test_nobody_sees_or_pays_for_what_another_owner_used(tmp_path: Path) -> None:
    async with SessionBench(url(tmp_path), budgets={"owner": Limits(tokens=400)}).running() as bench:
        ack = await said(bench.connect(), TALKS)
        assert (await chat(bench.connect(), "And now?"))["code"] == "budget_spent"
        bob = bench.connect(owner="bob")
        await said(bob, "Hello")
        assert (await used(bench, "owner")).tokens > (await used(bench, "owner", "bob")).tokens > 0
        with pytest.raises(NotFound):
            await spend_of(bench, "bob", ack["threadId"])
        with pytest.raises(NotFound):
            await set_budget(bench.database, bench.engine.ledger, "bob", "thread", ack["threadId"], tokens=1)


# ── each scope, each unit ─────────────────────────────────────────────────────────────────────────────────────────

What = Literal["tokens", "seconds", "money"]
EACH: list[tuple[Scope, What]] = [
    (scope, what)
    for scope in ("run", "thread", "owner", "day")
    for what in ("tokens", "seconds", "money")
    if (scope, what) != ("run", "seconds")  # by the clock: see below
]
AMOUNT: dict[What, float] = {"tokens": 400, "seconds": 0.5, "money": 400e-6}


@pytest.mark.parametrize(("scope", "what"), EACH)
async def test_an_answer_ends_where_a_budget_ends_and_keeps_what_was_said(
    tmp_path: Path, scope: Scope, what: What
) -> None:
    limits = Limits(**{what: AMOUNT[what]})  # type: ignore[arg-type]
    async with SessionBench(url(tmp_path), budgets={scope: limits}).running() as bench:
        bench.models.info.price = A_DOLLAR_A_MILLION
        client = bench.connect()
        ack = await said(client, f"{TALKS} 200" if what == "seconds" else TALKS)
        end = await end_of(client, ack["runId"])
        assert (end["type"], end["status"]) == ("RUN_FINISHED", "completed")
        (message,) = found(client, type="TEXT_MESSAGE_END")
        assert message["finishReason"] == "budget"
        assert 20 < len(texts(client.frames)[f"{ack['runId']}.main"].split()) < 700
        told = [one for one in found(client, name="alma.budget") if not one.get("warning")]
        assert [(one["scope"], one["what"], one["limit"]) for one in told] == [(scope, what, AMOUNT[what])]
        assert told[0]["used"] >= 0.8 * AMOUNT[what], "with the answer that used it up"
        assert bench.model.active == 0
        spent = (await is_exact(bench)) if scope == "run" else await used(bench, scope, thread_id=ack["threadId"])
        of = {"tokens": spent.tokens, "seconds": spent.ms / 1000, "money": spent.cost}[what]
        error = {"tokens": 1, "seconds": 0.2, "money": 1.1e-6}[what]
        assert AMOUNT[what] * 0.8 < of <= AMOUNT[what] + error
        again = await chat(client, "And now?", threadId=ack["threadId"])
        if scope == "run":
            assert "code" not in again, "each run has its own"
            await end_of(client, again["runId"])
            return
        assert again["code"] == "budget_spent"
        assert f"alma budget set {scope}" in again["hint"]
        assert again["actual"].endswith({"tokens": "400 tokens", "seconds": "0.5 s", "money": "$0.0004"}[what])
        if scope == "thread":
            await said(client, "Another conversation")


async def test_a_run_may_take_as_long_as_its_user_says_and_then_gives_what_it_has(tmp_path: Path) -> None:
    async with SessionBench(url(tmp_path), run_seconds=60).running() as bench:
        client = bench.connect()
        ack = await said(client, f"{TALKS} 200", seconds=0.4)
        (message,) = found(client, type="TEXT_MESSAGE_END")
        assert message["finishReason"] == "budget"
        assert len(texts(client.frames)[f"{ack['runId']}.main"].split()) > 20
        (told,) = found(client, name="alma.budget")
        assert (told["scope"], told["what"], told["limit"]) == ("run", "seconds", 0.4)
        await is_exact(bench)


async def test_a_planned_run_whose_time_is_up_is_answered_without_another_call(tmp_path: Path) -> None:
    async with SessionBench(url(tmp_path)).running() as bench:
        plans(bench, task("writer", "Flour"), task("writer", f"{TALKS} 100", title="The long one"))
        answers(bench, "Flour", "It is ground wheat.")
        client = bench.connect()
        ack = await start(client, seconds=0.5)
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        text = texts(client.frames)[f"{ack['runId']}.main"]
        assert "It is ground wheat." in text
        assert "*Missing:* [2] The long one (It was not ready after 0.5 s)" in text
        assert len(bench.model.requests) == 3, "to plan, and the two tasks"


# ── warnings ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_who_has_used_most_of_a_budget_is_told_once_in_a_run_and_then_that_it_is_used_up(
    tmp_path: Path,
) -> None:
    async with SessionBench(url(tmp_path), budgets={"day": Limits(tokens=700)}).running() as bench:
        bench.model.script.append(Rule(match="^First", answer="word " * 300))
        client = bench.connect()
        first = await said(client, "First")
        assert [one.warning for one in await log_of(bench, first["runId"], BudgetReached)] == []
        second = await said(client, TALKS)
        notes = await log_of(bench, second["runId"], BudgetReached)
        assert [(one.scope, one.what, one.warning) for one in notes] == [
            ("day", "tokens", True),
            ("day", "tokens", False),
        ]
        assert notes[0].used >= 0.8 * 700
        assert await used(bench, "day") == await is_exact(bench)


async def test_a_run_within_its_budgets_writes_nothing_of_them(tmp_path: Path) -> None:
    every = Limits(1_000_000, 1000.0, 10.0)
    async with SessionBench(
        url(tmp_path), budgets=dict.fromkeys(("run", "thread", "owner", "day"), every)
    ).running() as bench:
        plans(bench, task("writer", "Flour"), task("writer", "Water"))
        client = bench.connect()
        ack = await start(client)
        await end_of(client, ack["runId"])
        assert await log_of(bench, ack["runId"], BudgetReached) == []
        assert not bench.engine.ledger.under_way(("owner", "ada"))


# ── agents at the same time ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("scope", ["run", "thread", "owner", "day"])
async def test_ten_agents_at_once_cannot_overspend_together(tmp_path: Path, scope: Scope) -> None:
    limit = 12_000e-6
    async with SessionBench(url(tmp_path), budgets={scope: Limits(money=limit)}).running() as bench:
        bench.models.info.price = A_DOLLAR_A_MILLION
        goals = [f"Part {n}" for n in range(10)]
        plans(bench, *(task("writer", goal) for goal in goals))
        for goal in goals:
            answers(bench, goal, "word " * 3000)
        bench.model.script.append(Rule(match="", answer="word " * 3000))
        client = bench.connect()
        ack = await start(client)
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        total = await is_exact(bench)
        assert 0.6 * limit < total.cost <= limit + 12 * 1e-6, "each call was cut one token after its last"
        ends = [one.status for one in await log_of(bench, ack["runId"], TaskFinished)]
        assert "completed" in ends
        assert not bench.engine.ledger.under_way((scope, "ada"))


def when_one_waits(bench: SessionBench) -> asyncio.Event:
    """Set as soon as a call waits for room in a budget."""
    waits, changed = asyncio.Event(), bench.engine.ledger.changed

    async def waiting() -> None:
        waits.set()
        await changed()

    bench.engine.ledger.changed = waiting  # type: ignore[method-assign]
    return waits


async def test_a_call_waits_while_another_one_holds_what_it_needs(tmp_path: Path) -> None:
    async with SessionBench(url(tmp_path), budgets={"owner": Limits(tokens=1000)}).running() as bench:
        first = holds(bench, "First", "one two")
        client = bench.connect()
        one = await chat(client, "First")
        await seen(client, type="TEXT_MESSAGE_START", runId=one["runId"])
        waits = when_one_waits(bench)
        two = await chat(client, "Second")
        await waits.wait()
        assert not found(client, type="TEXT_MESSAGE_START", runId=two["runId"])
        first.set()
        for ack in (one, two):
            assert (await end_of(client, ack["runId"]))["status"] == "completed"
        assert {one["finishReason"] for one in found(client, type="TEXT_MESSAGE_END")} == {"stop"}
        assert (await is_exact(bench)).tokens <= 1000


async def test_what_a_stopped_call_held_is_free_again(tmp_path: Path) -> None:
    async with SessionBench(url(tmp_path), budgets={"owner": Limits(tokens=1000)}).running() as bench:
        client = bench.connect()
        one = await chat(client, "!wait 5000")
        await seen(client, type="TEXT_MESSAGE_START", runId=one["runId"])
        waits = when_one_waits(bench)
        two = await chat(client, "Second")
        await waits.wait()
        client.say("run.stop", runId=one["runId"])
        for ack in (one, two):
            await end_of(client, ack["runId"])
        assert {one["finishReason"] for one in found(client, type="TEXT_MESSAGE_END", runId=two["runId"])} == {"stop"}
        assert not bench.engine.ledger.under_way(("owner", "ada"))


# ── what there is so far ──────────────────────────────────────────────────────────────────────────────────────────


async def test_results_that_no_call_can_join_any_more_are_given_as_they_are(tmp_path: Path) -> None:
    async with SessionBench(url(tmp_path), run_tokens=2930).running() as bench:
        plans(bench, task("writer", "Flour"), task("writer", "Water"))
        answers(bench, "Flour", "ground " * 250)
        answers(bench, "Water", "wet " * 250)
        client = bench.connect()
        ack = await start(client)
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        answer = (await log_of(bench, ack["runId"], MessageFinished, "main"))[-1]
        assert (answer.finish_reason, answer.model_id, answer.usage) == ("budget", "", Usage())
        shown = texts(client.frames)[answer.message_id]
        assert shown == answer.text
        assert shown.startswith("*The run has used up its budget of tokens before the results could be joined.")
        assert "**Flour**" in shown
        assert "ground ground" in shown
        assert "*Based on* [1] Flour" in shown
        (told,) = [
            one for one in found(client, name="alma.budget") if not one.get("warning") and one.get("scope") == "run"
        ]
        assert (told["what"], told["limit"]) == ("tokens", 2930)
        with pytest.raises(NotFound) as refused:
            await bench.sessions.prompt("ada", ack["runId"])
        assert "Alma wrote this itself" in refused.value.message
        await is_exact(bench)


async def look(thing: str) -> str:
    """Look at a thing.

    Args:
        thing: What to look at.
    """
    return f"{thing} " * 400


async def test_a_task_out_of_budget_hands_in_what_it_has_said(tmp_path: Path) -> None:
    role_file(tmp_path / "agents", "writer", budgets={"tokens": 1100}, stand_ins=[], tools=["look"])
    toolbox = Toolbox()
    toolbox.register(look, name="look")
    bench = SessionBench(url(tmp_path), roles=tmp_path / "agents", toolbox=toolbox)
    async with bench.running():
        plans(bench, task("writer", "Flour"), task("coder", "Water"))
        calls(bench, "Flour", ("look", {"thing": "flour"}), answer="Flour is ground wheat, I will see more.")
        client = bench.connect()
        ack = await start(client)
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        done = next(one for one in await log_of(bench, ack["runId"], TaskFinished) if one.task_id == "1")
        assert (done.status, done.text) == ("completed", "Flour is ground wheat, I will see more.")
        (told,) = [one for one in await log_of(bench, ack["runId"], BudgetReached, "1") if not one.warning]
        assert (told.scope, told.what, told.limit) == ("task", "tokens", 1100)
        assert "*Based on* [1] Flour · [2] Water" in texts(client.frames)[f"{ack['runId']}.main"]


async def test_what_an_attempt_had_said_is_the_answer_when_there_is_no_budget_for_another(tmp_path: Path) -> None:
    async with SessionBench(url(tmp_path), max_attempts=1).running() as bench:
        client = bench.connect()
        first = await said(client, "!tokens 300 !cut 200")
        (failure,) = await log_of(bench, first["runId"], AttemptFailed)
        assert failure.paid is not None
        once, prompt = failure.paid.tokens, failure.paid.input_tokens
    async with SessionBench(url(tmp_path)).running() as bench:
        client = bench.connect()
        ack = await said(client, "!tokens 300 !cut 200", tokens=once + prompt + 5)
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        answer = (await log_of(bench, ack["runId"], MessageFinished))[-1]
        assert answer.finish_reason == "budget"
        assert len(texts(client.frames)[answer.message_id].split()) == 200
        await is_exact(bench)


async def test_a_run_with_nothing_at_all_fails_and_says_which_budget_it_was(tmp_path: Path) -> None:
    async with SessionBench(url(tmp_path)).running() as bench:
        client = bench.connect()
        ack = await chat(client, "Hello", tokens=40)
        end = await end_of(client, ack["runId"])
        assert (end["type"], end["code"]) == ("RUN_ERROR", "budget_spent")
        assert end["message"] == "The run has used up its budget of tokens."
        assert end["actual"] == "40 tokens left of 40 tokens"
        assert "alma run --tokens" in end["hint"]
        assert bench.model.requests == []
        await is_exact(bench)


# ── admission, and budgets that users set ─────────────────────────────────────────────────────────────────────────


async def test_a_budget_that_is_raised_lets_the_same_command_in(tmp_path: Path) -> None:
    async with SessionBench(url(tmp_path), budgets={"owner": Limits(tokens=400)}).running() as bench:
        client = bench.connect()
        first = await said(client, TALKS)
        again: dict[str, Any] = {"key": "once more", "text": "Again", "kind": "chat", "threadId": first["threadId"]}
        refused = await client.answer(client.say("run.start", **again))
        assert refused["code"] == "budget_spent"
        assert len(await bench.sessions.list_threads("ada", search="Again", limit=9, before=None)) == 0
        await set_budget(bench.database, bench.engine.ledger, "ada", "owner", "", tokens=50_000)
        ack = await client.answer(client.say("run.start", **again))
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        shorter = client.say("run.retry", key="retry", runId=first["runId"], text="Shorter", kind="chat")
        retried = await client.answer(shorter)
        assert (await end_of(client, retried["runId"]))["status"] == "completed"


async def test_what_was_acknowledged_is_acknowledged_again_when_the_budget_is_spent(tmp_path: Path) -> None:
    async with SessionBench(url(tmp_path), budgets={"day": Limits(tokens=400)}).running() as bench:
        client = bench.connect()
        command: dict[str, Any] = {"key": "the one", "text": TALKS, "kind": "chat"}
        ack = await client.answer(client.say("run.start", **command))
        await end_of(client, ack["runId"])
        again = await client.answer(client.say("run.start", **command))
        assert (again["runId"], again["duplicate"]) == (ack["runId"], True)


async def test_a_call_that_waits_goes_on_when_the_budget_is_raised(tmp_path: Path) -> None:
    async with SessionBench(url(tmp_path), budgets={"owner": Limits(tokens=1000)}).running() as bench:
        holds(bench, "First", "one two")
        client = bench.connect()
        one = await chat(client, "First")
        await seen(client, type="TEXT_MESSAGE_START", runId=one["runId"])
        waits = when_one_waits(bench)
        two = await chat(client, "Second")
        await waits.wait()
        await set_budget(bench.database, bench.engine.ledger, "ada", "owner", "", tokens=9000)
        assert (await end_of(client, two["runId"]))["status"] == "completed"


async def test_budgets_and_sums_outlive_a_restart(tmp_path: Path) -> None:
    async with SessionBench(url(tmp_path)).running() as before:
        ack = await said(before.connect(), "!say one two three")
        spent = (await used(before, "thread", thread_id=ack["threadId"])).tokens
        await set_budget(before.database, before.engine.ledger, "ada", "thread", ack["threadId"], tokens=spent + 5)
    async with SessionBench(url(tmp_path)).running() as after:
        client = after.connect()
        assert (await chat(client, "More", threadId=ack["threadId"]))["code"] == "budget_spent"
        await set_budget(after.database, after.engine.ledger, "ada", "thread", ack["threadId"], tokens=None)
        await said(client, "More", threadId=ack["threadId"])


async def test_the_budget_of_each_run_comes_from_the_command_within_the_users_own(tmp_path: Path) -> None:
    async with SessionBench(url(tmp_path), budgets={"run": Limits(9000, 0.0, 0.5)}).running() as bench:
        client = bench.connect()

        async def begun(**fields: object) -> tuple[int, float, float]:
            ack = await said(client, "Hello", **fields)
            (entry,) = await log_of(bench, ack["runId"], RunStarted)
            return entry.tokens, entry.seconds, entry.money

        assert await begun() == (9000, 0, 0.5)
        assert await begun(tokens=5000, seconds=30, money=0.1) == (5000, 30, 0.1)
        assert await begun(tokens=50_000, money=2) == (9000, 0, 0.5)
        await set_budget(bench.database, bench.engine.ledger, "ada", "run", "", tokens=20_000, money=0)
        assert await begun(tokens=50_000, money=2) == (20_000, 0, 2)
        refused = await chat(client, "Hello", tokens=-1)
        assert refused["code"] == "invalid_field"


async def test_a_model_that_costs_nothing_goes_on_when_the_money_is_spent(tmp_path: Path) -> None:
    async with SessionBench(url(tmp_path), budgets={"owner": Limits(money=400e-6)}).running() as bench:
        bench.models.info.price = A_DOLLAR_A_MILLION
        client = bench.connect()
        await said(client, TALKS)
        assert (await chat(client, "Hello"))["code"] == "budget_spent"
        bench.models.info.price = Price()
        await said(client, "Hello")


async def test_a_budget_needs_a_thread_where_it_is_a_threads_and_only_there(tmp_path: Path) -> None:
    async with SessionBench(url(tmp_path)).running() as bench:
        for scope, thread_id in (("thread", ""), ("day", "t_1")):
            with pytest.raises(InvalidRequest):
                await set_budget(bench.database, bench.engine.ledger, "ada", scope, thread_id, tokens=1)  # type: ignore[arg-type]
