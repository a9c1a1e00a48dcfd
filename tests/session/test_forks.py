"""Forks: a run again from one task on; what does not follow from it is taken over, not done again."""

from __future__ import annotations

from pathlib import Path

from alma.events import MessageStarted, PlanMade, TaskReused, TaskStarted
from alma.models.script import Rule
from planned import (
    REQUEST,
    answers,
    asked,
    calls,
    do,
    end_of,
    found,
    holds,
    log_of,
    plans,
    prompts_are_exact,
    role_file,
    seen,
    start,
    task,
)
from session_bench import Client, SessionBench, texts


async def planned(bench: SessionBench, client: Client) -> dict[str, object]:
    """A finished run of: 1 Flour, 2 Water, 3 Dough (of 1), 4 Bread (of 3)."""
    plans(
        bench,
        task("writer", "Flour"),
        task("writer", "Water"),
        task("writer", "Dough", 1),
        task("analyst", "Bread", 3),
    )
    answers(bench, "Flour", "ground")
    answers(bench, "Water", "wet")
    answers(bench, "Dough", "kneaded")
    answers(bench, "Bread", "baked")
    bench.model.script.append(Rule(match="The request: ", answer="all of it"))
    ack = await start(client)
    assert (await end_of(client, ack["runId"]))["status"] == "completed"
    bench.model.requests.clear()
    return ack


async def fork(client: Client, run_id: object, task_id: str, **changes: object) -> dict[str, object]:
    ack = await do(client, "run.fork", str(run_id), key=f"fork {len(client.frames)}", taskId=task_id, **changes)
    assert "code" not in ack, ack
    return ack


async def test_a_fork_with_another_goal_does_again_what_follows_from_it_and_nothing_else(bench: SessionBench) -> None:
    client = bench.connect()
    ack = await planned(bench, client)
    answers(bench, "Rye dough", "kneaded rye")
    forked = await fork(client, ack["runId"], "3", goal="Rye dough")
    assert (await end_of(client, str(forked["runId"])))["status"] == "completed"
    run_id = str(forked["runId"])
    assert [one.task_id for one in await log_of(bench, run_id, TaskStarted)] == ["3", "4"]
    assert {one.task_id: one.text for one in await log_of(bench, run_id, TaskReused)} == {"1": "ground", "2": "wet"}
    assert len(bench.model.requests) == 3, "two tasks and the synthesis"
    assert "[1] Flour:\nground" in asked(bench, "\n\nRye dough")[0]
    joined = asked(bench, "The request: ")[0]
    assert "kneaded rye" in joined
    assert "[2] Water:\nwet" in joined
    started = found(client, type="RUN_STARTED", runId=run_id)[0]
    assert started["ofRunId"] == ack["runId"]
    assert started["fork"] == {"run_id": ack["runId"], "task_id": "3", "goal": "Rye dough"}
    assert len(found(client, name="alma.task_reused", runId=run_id)) == 2
    assert await prompts_are_exact(bench, run_id) == 3
    before = texts(client.frames)
    assert before[f"{ack['runId']}.3"] == "kneaded", "the run it was forked from is as it was"


async def test_a_fork_with_another_role_and_model(quick: SessionBench) -> None:
    client = quick.connect()
    ack = await planned(quick, client)
    forked = await fork(client, ack["runId"], "4", role="coder", model="scripted/other")
    run_id = str(forked["runId"])
    await end_of(client, run_id)
    (began,) = await log_of(quick, run_id, TaskStarted)
    assert (began.task_id, began.role, began.model) == ("4", "coder", "scripted/other")
    assert len(quick.model.requests) == 2


async def test_a_fork_of_the_synthesis_alone_makes_one_call(quick: SessionBench) -> None:
    client = quick.connect()
    ack = await planned(quick, client)
    forked = await fork(client, ack["runId"], "main")
    run_id = str(forked["runId"])
    assert (await end_of(client, run_id))["status"] == "completed"
    (only,) = quick.model.requests
    assert "[4] Bread:\nbaked" in only.messages[-1].content
    assert await log_of(quick, run_id, TaskStarted) == []
    assert texts(client.frames)[f"{run_id}.main"].startswith("all of it\n\n*Based on* [1] Flour")


async def test_a_fork_of_the_synthesis_with_another_request_and_model(quick: SessionBench) -> None:
    client = quick.connect()
    ack = await planned(quick, client)
    forked = await fork(client, ack["runId"], "main", goal="Tell it to a child.", model="scripted/other")
    run_id = str(forked["runId"])
    await end_of(client, run_id)
    (only,) = quick.model.requests
    assert only.messages[-1].content.endswith("The request: Tell it to a child.")
    (began,) = await log_of(quick, run_id, MessageStarted)
    assert began.task_id == "main"
    started = found(client, type="RUN_STARTED", runId=run_id)[0]
    assert (started["text"], started["model"]) == ("Tell it to a child.", "scripted/other")


async def test_a_fork_of_a_fork(quick: SessionBench) -> None:
    client = quick.connect()
    ack = await planned(quick, client)
    first = await fork(client, ack["runId"], "3", goal="Rye dough")
    await end_of(client, str(first["runId"]))
    quick.model.requests.clear()
    second = await fork(client, first["runId"], "2", goal="Milk")
    run_id = str(second["runId"])
    assert (await end_of(client, run_id))["status"] == "completed"
    assert [one.task_id for one in await log_of(quick, run_id, TaskStarted)] == ["2"]
    (made,) = await log_of(quick, run_id, PlanMade)
    assert [one.goal for one in made.plan.tasks] == ["Flour", "Milk", "Rye dough", "Bread"]
    assert len(quick.model.requests) == 2


async def test_a_fork_of_a_nested_task_does_again_what_is_above_it(tmp_path: Path) -> None:
    role_file(tmp_path / "agents", "writer", delegates_to=["analyst"])
    async with SessionBench(f"sqlite:///{tmp_path}/alma.db", roles=tmp_path / "agents").running() as bench:
        plans(bench, task("writer", "Bake"), task("coder", "Water"))
        orders = {"tasks": [{"role": "analyst", "goal": "Flour"}, {"role": "analyst", "goal": "Salt"}]}
        calls(bench, "Bake", ("delegate", orders))
        answers(bench, "Flour", "ground")
        answers(bench, "Rye", "ground rye")
        answers(bench, "Salt", "salty")
        client = bench.connect()
        ack = await start(client)
        await end_of(client, ack["runId"])
        bench.model.requests.clear()
        forked = await fork(client, ack["runId"], "1.1", goal="Rye")
        run_id = str(forked["runId"])
        assert (await end_of(client, run_id))["status"] == "completed"
        assert sorted(one.task_id for one in await log_of(bench, run_id, TaskReused)) == ["1.2", "2"]
        assert [one.task_id for one in await log_of(bench, run_id, TaskStarted)] == ["1.1", "1"]
        nested = asked(bench, "The request: Bake")[0]
        assert "ground rye" in nested
        assert "salty" in nested
        assert len(bench.model.requests) == 3


async def test_a_task_that_failed_can_be_forked_with_another_role(quick: SessionBench) -> None:
    plans(quick, task("writer", "!status 401 x2 !say now it works"), task("writer", "Dough", 1))
    client = quick.connect()
    ack = await start(client)
    await end_of(client, ack["runId"])
    assert "*Missing:* [1]" in texts(client.frames)[f"{ack['runId']}.main"]
    forked = await fork(client, ack["runId"], "1", role="coder")
    run_id = str(forked["runId"])
    await end_of(client, run_id)
    assert texts(client.frames)[f"{run_id}.1"] == "now it works"
    assert "Missing" not in texts(client.frames)[f"{run_id}.main"].rpartition("*Based on*")[2]


async def test_a_fork_of_a_run_under_way_takes_over_what_is_done(quick: SessionBench) -> None:
    plans(quick, task("writer", "Flour"), task("writer", "Water"), task("writer", "Salt"))
    water = holds(quick, "Water", "wet")
    client = quick.connect()
    ack = await start(client)
    await seen(client, type="SUBAGENT_FINISHED", subagentRunId="1")
    await seen(client, type="SUBAGENT_FINISHED", subagentRunId="3")
    forked = await fork(client, ack["runId"], "3", goal="Sugar")
    run_id = str(forked["runId"])
    water.set()
    for run in (ack["runId"], run_id):
        assert (await end_of(client, run))["status"] == "completed"
    assert [one.task_id for one in await log_of(quick, run_id, TaskReused)] == ["1"]
    assert sorted(one.task_id for one in await log_of(quick, run_id, TaskStarted)) == ["2", "3"]


async def test_the_same_key_makes_one_fork_and_forks_that_cannot_be_are_refused(quick: SessionBench) -> None:
    client = quick.connect()
    ack = await planned(quick, client)
    run_id = str(ack["runId"])
    one = await do(client, "run.fork", run_id, key="same", taskId="2")
    two = await do(client, "run.fork", run_id, key="same", taskId="2")
    assert (two["runId"], two["duplicate"]) == (one["runId"], True)
    await end_of(client, one["runId"])
    refused = [
        ({"taskId": "99"}, "unknown_task"),
        ({"taskId": "3", "role": "baker"}, "unknown_role"),
        ({"taskId": "3", "model": "unknown/x"}, "unknown_model"),
        ({"taskId": "3", "goal": "x" * 10_000}, "prompt_too_long"),
        ({"taskId": "3", "goal": "  "}, "empty_prompt"),
        ({"taskId": "main", "role": "coder"}, "invalid_field"),
    ]
    for at, (fields, code) in enumerate(refused):
        assert (await do(client, "run.fork", run_id, key=f"bad {at}", **fields)).get("code") == code, fields
    direct = await start(client, "!say hi", kind="chat")
    await end_of(client, direct["runId"])
    assert (await do(client, "run.fork", direct["runId"], key="no plan", taskId="main"))["code"] == "no_plan"
    assert REQUEST in found(client, type="RUN_STARTED", runId=one["runId"])[0]["text"]
