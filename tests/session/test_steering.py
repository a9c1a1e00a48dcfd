"""Steering a run under way: stopping a task, a subtree, the run; pausing; deadlines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from alma.events import BudgetReached, MessageStarted, RunFinished, TaskFinished, TaskStarted
from alma.models.script import Rule
from planned import HELD, answers, asked, calls, do, end_of, found, holds, log_of, plans, role_file, seen, start, task
from session_bench import SessionBench, texts


async def until(what: Callable[[], bool]) -> None:
    """Wait until `what()` holds; the calls that are stopped here would last for minutes."""
    async with asyncio.timeout(120):
        while not what():
            await asyncio.sleep(0.001)


# ── stopping ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_stopping_one_task_ends_its_model_call_and_the_run_goes_on_without_it(bench: SessionBench) -> None:
    plans(bench, task("writer", "!tokens 5000 100"), task("writer", "Water"), task("writer", "Dough", 1))
    client = bench.connect()
    ack = await start(client)
    await seen(client, type="TEXT_MESSAGE_CONTENT", subagentRunId="1")
    await seen(client, type="SUBAGENT_FINISHED", subagentRunId="2")
    assert bench.model.active == 1
    client.say("run.stop", runId=ack["runId"], taskId="1")
    await until(lambda: bench.model.active == 0)
    assert (await end_of(client, ack["runId"]))["status"] == "completed"
    ends = {one.task_id: one.status for one in await log_of(bench, ack["runId"], TaskFinished)}
    assert ends == {"1": "canceled", "2": "completed", "3": "rejected"}
    assert "*Missing:* [1]" in texts(client.frames)[f"{ack['runId']}.main"]
    cut = next(one for one in found(client, type="TEXT_MESSAGE_END", subagentRunId="1"))
    assert cut["finishReason"] == "stopped"
    assert cut["n"] == len(texts(client.frames)[f"{ack['runId']}.1"]) > 0


async def test_stopping_a_task_that_waits_and_one_that_has_ended(quick: SessionBench) -> None:
    plans(quick, task("writer", "Flour"), task("writer", "Dough", 1), task("writer", "Water"))
    flour = holds(quick, "Flour", "ground")
    client = quick.connect()
    ack = await start(client)
    await seen(client, type="SUBAGENT_FINISHED", subagentRunId="3")
    await do(client, "run.stop", ack["runId"], taskId="2")
    await do(client, "run.stop", ack["runId"], taskId="3")
    flour.set()
    await end_of(client, ack["runId"])
    ends = {one.task_id: one.status for one in await log_of(quick, ack["runId"], TaskFinished)}
    assert ends == {"1": "completed", "2": "canceled", "3": "completed"}, "what has ended stays as it is"
    assert asked(quick, "\n\nDough") == []
    assert (await do(client, "run.stop", ack["runId"], taskId="77"))["code"] == "unknown_task"


async def test_stopping_a_task_stops_all_that_it_delegated_and_nothing_else(tmp_path: Path) -> None:
    role_file(tmp_path / "agents", "writer", delegates_to=["analyst"])
    url = f"sqlite:///{tmp_path}/alma.db"
    async with SessionBench(url, roles=tmp_path / "agents").running() as bench:
        plans(bench, task("writer", "Split it"), task("coder", "Water"))
        orders = [{"role": "analyst", "goal": "!tokens 5000 100 a"}, {"role": "analyst", "goal": "!tokens 5000 100 b"}]
        calls(bench, "Split it", ("delegate", {"tasks": orders}))
        water = holds(bench, "Water", "wet")
        client = bench.connect()
        ack = await start(client)
        for task_id in ("1.1", "1.2"):
            await seen(client, type="TEXT_MESSAGE_CONTENT", subagentRunId=task_id)
        client.say("run.stop", runId=ack["runId"], taskId="1")
        await until(lambda: bench.model.active == 1)
        for task_id in ("1", "1.1", "1.2"):
            await seen(client, type="SUBAGENT_FINISHED", subagentRunId=task_id, status="canceled")
        water.set()
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        ends = {one.task_id: one.status for one in await log_of(bench, ack["runId"], TaskFinished)}
        assert ends == {"1.1": "canceled", "1.2": "canceled", "1": "canceled", "2": "completed"}


async def test_stopping_the_run_ends_every_model_call_and_every_task(bench: SessionBench) -> None:
    plans(bench, *(task("writer", f"!tokens 5000 100 {n}") for n in range(8)), task("writer", "Later", 1, 2))
    client = bench.connect()
    ack = await start(client)
    for task_id in range(1, 9):
        await seen(client, type="TEXT_MESSAGE_CONTENT", subagentRunId=str(task_id))
    assert bench.model.active == 8
    client.say("run.stop", runId=ack["runId"])
    await until(lambda: bench.model.active == 0)
    assert (await end_of(client, ack["runId"]))["status"] == "canceled"
    ends = [one.status for one in await log_of(bench, ack["runId"], TaskFinished)]
    assert ends == ["canceled"] * 9
    (finished,) = await log_of(bench, ack["runId"], RunFinished)
    assert finished.status == "canceled"
    texts(client.frames)


async def test_stopping_while_the_answer_is_joined_keeps_what_had_streamed(quick: SessionBench) -> None:
    plans(quick, task("writer", "Flour"))
    quick.model.script.append(Rule(match="The request: ", answer="word " * 5000, delay=0.01))
    client = quick.connect()
    ack = await start(client)
    await seen(client, type="TEXT_MESSAGE_CONTENT", messageId=f"{ack['runId']}.main")
    client.say("run.stop", runId=ack["runId"])
    await until(lambda: quick.model.active == 0)
    assert (await end_of(client, ack["runId"]))["status"] == "canceled"
    assert texts(client.frames)[f"{ack['runId']}.main"].startswith("word")


async def test_stopping_while_a_plan_or_a_question_waits(quick: SessionBench) -> None:
    plans(quick, task("writer", "Flour"))
    client = quick.connect()
    waiting = await start(client, approve=True)
    await seen(client, name="alma.plan")
    await do(client, "run.stop", waiting["runId"])
    assert (await end_of(client, waiting["runId"]))["status"] == "canceled"
    quick.models.strong = False
    question = await start(client, "Compare them")
    await seen(client, name="alma.question")
    await do(client, "run.stop", question["runId"])
    assert (await end_of(client, question["runId"]))["status"] == "canceled"


async def test_a_stranger_cannot_steer(quick: SessionBench) -> None:
    plans(quick, task("writer", "Flour"))
    ada, bob = quick.connect(), quick.connect(owner="bob")
    ack = await start(ada, approve=True)
    await seen(ada, name="alma.plan")
    words = [
        ("run.stop", {}),
        ("run.pause", {}),
        ("run.resume", {}),
        ("plan.decide", {"approved": True}),
        ("tool.decide", {"toolCallId": "c", "approved": True}),
        ("question.answer", {"questionId": "q", "text": "x"}),
        ("run.fork", {"key": "k", "taskId": "1"}),
    ]
    for command, fields in words:
        assert (await do(bob, command, ack["runId"], **fields))["code"] == "unknown_run", command
    await do(ada, "run.stop", ack["runId"])


# ── pausing ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_paused_run_finishes_what_is_written_and_begins_nothing_until_resumed(database_url: str) -> None:
    async with SessionBench(database_url).running() as before:
        plans(before, task("writer", "Flour"), task("writer", "Dough", 1), task("writer", "Water"))
        flour = holds(before, "Flour", "ground")
        client = before.connect()
        ack = await start(client)
        await seen(client, type="SUBAGENT_FINISHED", subagentRunId="3")
        await do(client, "run.pause", ack["runId"])
        assert "code" not in await do(client, "run.pause", ack["runId"]), "pausing twice is no error"
        flour.set()
        await seen(client, type="SUBAGENT_FINISHED", subagentRunId="1")
        assert texts(client.frames)[f"{ack['runId']}.1"] == "ground"
        assert len(found(client, name="alma.paused")) == 1
    async with SessionBench(database_url).running() as after:
        client = after.connect()
        client.say("thread.subscribe", threadId=ack["threadId"])
        await seen(client, name="alma.live")
        other = await start(client, "!say hi", kind="chat")
        await end_of(client, other["runId"])
        assert after.model.calls == {"!say hi": 1}, "it is still paused, others are not"
        await do(client, "run.resume", ack["runId"])
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        began = [one.task_id for one in await log_of(after, ack["runId"], TaskStarted)]
        assert began == ["1", "3", "2"]
        assert len(asked(after, "Dough")) == 1 + 1, "the task, and the joining of results"


async def test_an_agent_in_a_paused_run_makes_no_further_call(tmp_path: Path) -> None:
    role_file(tmp_path / "agents", "writer")
    url = f"sqlite:///{tmp_path}/alma.db"
    async with SessionBench(url, roles=tmp_path / "agents").running() as bench:
        plans(bench, task("writer", "Look"))
        look = holds(bench, "Look", "")
        bench.model.script.pop()
        calls(bench, "Look", ("read_board", {}), ("read_board", {}), first_delay=HELD)
        client = bench.connect()
        ack = await start(client)
        await seen(client, type="TEXT_MESSAGE_START", subagentRunId="1")
        await do(client, "run.pause", ack["runId"])
        look.set()
        await seen(client, type="TEXT_MESSAGE_END", subagentRunId="1")
        bench.model.script[-1] = Rule(match="Look$", answer="seen it")
        other = await start(client, "!say hi", kind="chat")
        await end_of(client, other["runId"])
        assert found(client, type="TOOL_CALL_START") == []
        assert len(asked(bench, "Look")) == 1
        await do(client, "run.resume", ack["runId"])
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        assert len(found(client, type="TOOL_CALL_RESULT")) == 2
        assert texts(client.frames)[f"{ack['runId']}.1.answer.2"] == "seen it"


async def test_resuming_what_is_not_paused_changes_nothing_and_an_ended_run_cannot_be_paused(
    quick: SessionBench,
) -> None:
    plans(quick, task("writer", "Flour"))
    flour = holds(quick, "Flour", "x")
    client = quick.connect()
    ack = await start(client)
    assert "code" not in await do(client, "run.resume", ack["runId"])
    flour.set()
    await end_of(client, ack["runId"])
    assert found(client, name="alma.resumed") == []
    assert (await do(client, "run.pause", ack["runId"]))["code"] == "run_finished"
    assert (await do(client, "run.resume", ack["runId"]))["code"] == "run_finished"


async def test_a_paused_run_can_be_stopped(quick: SessionBench) -> None:
    plans(quick, task("writer", "!tokens 5000 100"), task("writer", "Dough", 1))
    client = quick.connect()
    ack = await start(client)
    await seen(client, type="TEXT_MESSAGE_CONTENT", subagentRunId="1")
    await do(client, "run.pause", ack["runId"])
    await do(client, "run.stop", ack["runId"])
    assert (await end_of(client, ack["runId"]))["status"] == "canceled"
    assert quick.model.active == 0


# ── deadlines ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_task_that_takes_too_long_is_cut_off_and_said_to_be_missing(tmp_path: Path) -> None:
    role_file(tmp_path / "agents", "writer", budgets={"seconds": 0.3})
    url = f"sqlite:///{tmp_path}/alma.db"
    async with SessionBench(url, roles=tmp_path / "agents").running() as bench:
        plans(bench, task("writer", "!tokens 5000 100", title="The long one"), task("coder", "Water"))
        client = bench.connect()
        ack = await start(client)
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        (error,) = found(client, type="SUBAGENT_ERROR")
        assert (error["subagentRunId"], error["code"], error["status"]) == ("1", "deadline", "failed")
        assert "0.3 s" in error["message"]
        (reached,) = await log_of(bench, ack["runId"], BudgetReached, "1")
        assert (reached.what, reached.limit) == ("seconds", 0.3)
        assert len(texts(client.frames)[f"{ack['runId']}.1"]) > 0, "what it had written is kept"
        assert (
            "*Missing:* [1] The long one (The task was not ready after 0.3 s)"
            in texts(client.frames)[f"{ack['runId']}.main"]
        )


async def test_a_model_that_says_nothing_does_not_outlive_the_deadline(tmp_path: Path) -> None:
    role_file(tmp_path / "agents", "writer", budgets={"seconds": 0.2})
    url = f"sqlite:///{tmp_path}/alma.db"
    async with SessionBench(url, roles=tmp_path / "agents").running() as bench:
        plans(bench, task("writer", "!wait 5000"))
        client = bench.connect()
        ack = await start(client)
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        assert bench.model.active == 0


async def test_a_run_that_takes_too_long_is_answered_from_what_there_is(tmp_path: Path) -> None:
    bench = SessionBench(f"sqlite:///{tmp_path}/alma.db", run_seconds=0.4)
    async with bench.running():
        plans(
            bench,
            task("writer", "Flour"),
            task("writer", "!tokens 5000 100"),
            task("writer", "!status 500 x9"),
            task("writer", "Dough", 2),
        )
        bench.engine.jitter = lambda: 100.0  # the retry of the third is due in 50 s
        client = bench.connect()
        ack = await start(client)
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        ends = {one.task_id: one.status for one in await log_of(bench, ack["runId"], TaskFinished)}
        assert ends == {"1": "completed", "2": "failed", "3": "failed", "4": "failed"}
        said = texts(client.frames)[f"{ack['runId']}.main"]
        assert "*Based on* [1] Flour" in said
        assert said.partition("*Missing:*")[2].count("It was not ready after 0.4 s") == 3
        assert bench.model.active == 0


@pytest.mark.parametrize("waits_for", ["approval", "pause"])
async def test_the_users_own_time_is_no_part_of_a_runs_deadline(tmp_path: Path, waits_for: str) -> None:
    bench = SessionBench(f"sqlite:///{tmp_path}/alma.db", run_seconds=30)
    now = 1000.0
    bench.engine.clock = lambda: now
    async with bench.running():
        plans(bench, task("writer", "Flour"), task("writer", "Dough", 1))
        flour = holds(bench, "Flour", "ground")
        client = bench.connect()
        ack = await start(client, approve=waits_for == "approval")
        await seen(client, name="alma.plan")
        if waits_for == "pause":
            await do(client, "run.pause", ack["runId"])
        now = 100_000.0
        if waits_for == "pause":
            await do(client, "run.resume", ack["runId"])
        else:
            await do(client, "plan.decide", ack["runId"], approved=True)
        flour.set()
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        ends = {one.task_id: one.status for one in await log_of(bench, ack["runId"], TaskFinished)}
        assert ends == {"1": "completed", "2": "completed"}


# ── priorities ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_run_of_higher_priority_goes_first_where_there_is_room_for_one(tmp_path: Path) -> None:
    role_file(tmp_path / "agents", "writer", budgets={"parallel": 1})
    bench = SessionBench(f"sqlite:///{tmp_path}/alma.db", roles=tmp_path / "agents", at_once=True)
    async with bench.running():
        plans(bench, task("writer", "Flour"), task("writer", "Water"))
        first = holds(bench, "Flour", "ground")
        answers(bench, "Water", "wet")
        client = bench.connect()
        low = await start(client, priority=-3)
        await seen(client, type="TEXT_MESSAGE_START", runId=low["runId"], subagentRunId="1")
        high = await start(client, priority=3)
        await seen(client, name="alma.plan", runId=high["runId"])
        assert bench.model.active == 1, "one writer at a time"
        first.set()
        await end_of(client, low["runId"])
        await end_of(client, high["runId"])
        began = [one["runId"] for one in found(client, type="TEXT_MESSAGE_START", name="writer")]
        assert began == [low["runId"], high["runId"], high["runId"], low["runId"]]
        assert len(await log_of(bench, low["runId"], MessageStarted)) == 4
