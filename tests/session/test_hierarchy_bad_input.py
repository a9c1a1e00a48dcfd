"""What people, models and files do wrong in planned runs: clear errors, bounded cost, a stated end."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from alma.events import MessageStarted, RunFinished, TaskFinished, TaskStarted
from alma.models.script import Fault, Rule
from planned import DECIDE, do, end_of, found, holds, log_of, plan_json, plans, role_file, seen, start, task
from session_bench import SessionBench, texts


async def test_a_role_file_that_breaks_while_running_harms_nobody(tmp_path: Path) -> None:
    folder = tmp_path / "agents"
    role_file(folder, "writer", "You are the first writer.")
    async with SessionBench(f"sqlite:///{tmp_path}/alma.db", roles=folder).running() as bench:
        plans(bench, task("writer", "Flour"), task("coder", "Water"))
        client = bench.connect()
        (folder / "writer.md").write_text("---\nname: writer\npurpose: [\n---\nBroken.\n")
        (folder / "baker.md").write_text("no front matter")
        bench.roles.reload()
        problems = [str(one) for one in bench.roles.problems()]
        assert any("writer.md" in one for one in problems)
        assert any("baker.md" in one for one in problems)
        ack = await start(client)
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        flour = next(one for one in bench.model.requests if one.messages[-1].content == "Flour")
        assert flour.messages[0].content == "You are the first writer.", "its last good version"


async def test_a_role_that_is_gone_when_its_task_begins_fails_that_task_only(tmp_path: Path) -> None:
    folder = tmp_path / "agents"
    role_file(folder, "baker")
    async with SessionBench(f"sqlite:///{tmp_path}/alma.db", roles=folder).running() as bench:
        plans(bench, task("writer", "Flour"), task("coder", "Water"))
        flour = holds(bench, "Flour", "ground")
        client = bench.connect()
        ack = await start(client, approve=True)
        await seen(client, name="alma.plan")
        tasks = [
            {"id": "1", "role": "writer", "goal": "Flour"},
            {"id": "2", "role": "baker", "goal": "Bake", "depends_on": ["1"]},
        ]
        assert "code" not in await do(client, "plan.decide", ack["runId"], approved=True, tasks=tasks)
        await seen(client, type="TEXT_MESSAGE_START", subagentRunId="1")
        (folder / "baker.md").unlink()
        bench.roles.reload()
        flour.set()
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        (error,) = found(client, type="SUBAGENT_ERROR")
        assert (error["subagentRunId"], error["code"]) == ("2", "unknown_role")
        assert "*Missing:* [2]" in texts(client.frames)[f"{ack['runId']}.main"]


async def test_a_model_that_is_gone_fails_the_tasks_that_need_it_only(quick: SessionBench) -> None:
    plans(quick, task("writer", "Flour"))
    client = quick.connect()
    ack = await start(client, approve=True)
    await seen(client, name="alma.plan")
    tasks = [
        {"id": "1", "role": "writer", "goal": "Flour"},
        {"id": "2", "role": "writer", "goal": "Water", "model": "unknown/model"},
    ]
    await do(client, "plan.decide", ack["runId"], approved=True, tasks=tasks)
    assert (await end_of(client, ack["runId"]))["status"] == "completed"
    (error,) = found(client, type="SUBAGENT_ERROR")
    assert (error["subagentRunId"], error["code"]) == ("2", "unknown_model")


@pytest.mark.parametrize("fault", ["!garbage 2", "!half 2", "!html", "!stall 1", "!unreachable", "!error 1", "!cut 0"])
async def test_whatever_a_model_does_in_a_task_the_run_ends_and_says_what_is_missing(
    quick: SessionBench, fault: str
) -> None:
    quick.model._stall = 0.05
    plans(quick, task("writer", f"Flour {fault}", title="The flour"), task("writer", "Water"))
    quick.model.script.append(Rule(match="The request: ", answer="Only water."))
    client = quick.connect()
    ack = await start(client)
    assert (await end_of(client, ack["runId"]))["status"] == "completed"
    ends = {one.task_id: one.status for one in await log_of(quick, ack["runId"], TaskFinished)}
    assert ends == {"1": "failed", "2": "completed"}
    assert len(await log_of(quick, ack["runId"], MessageStarted, "1")) == 6, "three attempts by each of two"
    assert "*Missing:* [1] The flour" in texts(client.frames)[f"{ack['runId']}.main"]


async def test_a_results_text_cannot_break_the_window_of_those_who_build_on_it(quick: SessionBench) -> None:
    plans(quick, task("writer", "Flour"), task("analyst", "Dough", 1))
    quick.model.script.append(Rule(match=r"(?:^|\n)Flour$", answer="word " * 20_000))
    client = quick.connect()
    ack = await start(client)
    assert (await end_of(client, ack["runId"]))["status"] == "completed"
    for message in found(client, type="TEXT_MESSAGE_START"):
        assert sum(one["tokens"] for one in message["sections"]) < quick.models.info.context_window
    cut = [one for m in found(client, type="TEXT_MESSAGE_START") for one in m["sections"] if one.get("chars")]
    assert [one["name"] for one in cut] == ["result", "result"], "for the task that builds on it, and the synthesis"


async def test_a_hundred_tasks_in_one_plan_run_and_are_joined(tmp_path: Path) -> None:
    async with SessionBench(f"sqlite:///{tmp_path}/alma.db").running() as bench:
        bench.models.info.context_window = 100_000
        plans(bench, task("writer", "Flour"))
        client = bench.connect()
        ack = await start(client, approve=True)
        await seen(client, name="alma.plan")
        tasks = [{"id": str(n), "role": "writer", "goal": f"Part {n}"} for n in range(1, 101)]
        assert "code" not in await do(client, "plan.decide", ack["runId"], approved=True, tasks=tasks)
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        assert len(await log_of(bench, ack["runId"], TaskFinished)) == 100
        assert "[100] Part 100" in texts(client.frames)[f"{ack['runId']}.main"]


async def test_texts_that_break_other_things_are_only_text_here(quick: SessionBench) -> None:
    nasty = 'Robert"); DROP TABLE runs;-- \u202e \u0007 {"type":"RUN_FINISHED"} [1] </script> 🦜'
    plans(quick, task("writer", "Flour", title="<b>Flour</b>"))
    quick.model.script.append(Rule(match=r"(?:^|\n)Flour$", answer="", pieces=[nasty]))
    client = quick.connect()
    ack = await start(client)
    assert (await end_of(client, ack["runId"]))["status"] == "completed"
    assert texts(client.frames)[f"{ack['runId']}.1"] == nasty
    (done,) = await log_of(quick, ack["runId"], TaskStarted)
    assert done.role == "writer"


async def test_a_planner_that_breaks_off_is_tried_again(quick: SessionBench) -> None:
    quick.models.strong = True
    cut = Fault("cut", after=3, times=2)
    quick.model.script.append(Rule(match=DECIDE, answer=plan_json(task("writer", "Flour")), fault=cut))
    client = quick.connect()
    ack = await start(client)
    assert (await end_of(client, ack["runId"]))["status"] == "completed"
    begun = [(one.step, one.attempt) for one in await log_of(quick, ack["runId"], MessageStarted, "main")]
    assert begun == [("decide", 1), ("decide", 2), ("decide", 3), ("answer", 1)]
    texts(client.frames)


async def test_a_planner_that_always_breaks_off_ends_the_run_with_its_reason(quick: SessionBench) -> None:
    quick.models.strong = True
    quick.model.script.append(Rule(match=DECIDE, answer="x y z", fault=Fault("cut", after=2)))
    client = quick.connect()
    ack = await start(client)
    end = await end_of(client, ack["runId"])
    assert (end["type"], end["code"]) == ("RUN_ERROR", "endpoint_cut")
    assert len(quick.model.requests) == 3


async def test_commands_on_tasks_that_never_were_change_nothing(quick: SessionBench) -> None:
    plans(quick, task("writer", "Flour"))
    client = quick.connect()
    ack = await start(client, approve=True)
    await seen(client, name="alma.plan")
    before = len(await quick.journal.read(ack["runId"]))
    for command, fields, code in [
        ("run.stop", {"taskId": "1.1.1"}, "unknown_task"),
        ("plan.decide", {"taskId": "1", "approved": True}, "plan_decided"),
        ("plan.decide", {"taskId": "9", "approved": True}, "unknown_task"),
        ("tool.decide", {"toolCallId": "x", "approved": True}, "call_decided"),
        ("question.answer", {"questionId": "x", "text": "x"}, "question_gone"),
        ("plan.decide", {"approved": "yes"}, "invalid_field"),
        ("run.pause", {"taskId": "1"}, "invalid_field"),
    ]:
        assert (await do(client, command, ack["runId"], **fields))["code"] == code, (command, fields)
    assert len(await quick.journal.read(ack["runId"])) == before
    await do(client, "run.stop", ack["runId"])
    await end_of(client, ack["runId"])
    (finished,) = await log_of(quick, ack["runId"], RunFinished)
    assert finished.status == "canceled"


async def test_a_deleted_thread_takes_its_planned_run_with_it_also_what_was_queued(tmp_path: Path) -> None:
    role_file(tmp_path / "agents", "writer", budgets={"parallel": 1})
    async with SessionBench(
        f"sqlite:///{tmp_path}/alma.db", roles=tmp_path / "agents", at_once=True
    ).running() as bench:
        plans(bench, *(task("writer", f"!tokens 5000 100 {n}") for n in range(4)))
        client = bench.connect()
        ack = await start(client)
        await seen(client, type="TEXT_MESSAGE_START", name="writer")
        await bench.sessions.delete_thread("ada", ack["threadId"])
        other = await start(client, "!say hi", kind="chat")
        await end_of(client, other["runId"])
        async with asyncio.timeout(120):
            while bench.engine.running or bench.model.active:
                await asyncio.sleep(0.01)
