"""Delegation at any depth: by any role that may, bounded by depth, by budgets, and by what was delegated before."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from alma.events import PlanAmended, PlanMade, TaskFinished, TaskStarted, ToolReturned
from planned import answers, asked, calls, end_of, found, log_of, plans, prompts_are_exact, role_file, start, task
from session_bench import SessionBench, texts


@asynccontextmanager
async def bench_with(tmp_path: Path, *goals: str, **options: int) -> AsyncGenerator[SessionBench]:
    """The writer may delegate to analyst and coder, the analyst to the coder; the plan gives these goals to writers."""
    folder = tmp_path / "agents"
    role_file(folder, "writer", delegates_to=["analyst", "coder"], stand_ins=[])
    role_file(folder, "analyst", delegates_to=["coder", "writer"], stand_ins=[])
    async with SessionBench(f"sqlite:///{tmp_path}/alma.db", roles=folder, **options).running() as bench:
        plans(bench, *(task("writer", goal) for goal in goals))
        yield bench


def orders(*goals: str, role: str = "analyst") -> dict[str, object]:
    return {"tasks": [{"role": role, "goal": goal} for goal in goals]}


async def test_an_agent_delegates_its_task_and_joins_what_comes_back(tmp_path: Path) -> None:
    async with bench_with(tmp_path, "Bake") as bench:
        calls(bench, "Bake", ("delegate", orders("Flour", "Water")))
        answers(bench, "Flour", "ground")
        answers(bench, "Water", "wet")
        answers(bench, "The request: Bake", "bread")
        client = bench.connect()
        ack = await start(client)
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        made = await log_of(bench, ack["runId"], PlanMade, "1")
        assert [(one.id, one.role, one.goal) for one in made[0].plan.tasks] == [
            ("1.1", "analyst", "Flour"),
            ("1.2", "analyst", "Water"),
        ]
        assert made[0].plan.source == "agent"
        (joined,) = asked(bench, "The request: Bake")
        assert "[1.1] Flour:\nground" in joined
        assert "[1.2] Water:\nwet" in joined
        ends = [one.task_id for one in await log_of(bench, ack["runId"], TaskFinished)]
        assert sorted(ends[:2]) == ["1.1", "1.2"]
        assert ends[2:] == ["1"]
        assert found(client, type="SUBAGENT_STARTED", subagentRunId="1.1", parentSubagentRunId="1")
        assert "*Based on* [1.1] Flour · [1.2] Water" in texts(client.frames)[f"{ack['runId']}.1.answer.2"]
        assert await prompts_are_exact(bench, ack["runId"]) == 6


async def test_delegation_goes_as_deep_as_it_may_and_no_deeper(tmp_path: Path) -> None:
    async with bench_with(tmp_path, "Level 1") as bench:
        calls(bench, "Level 1", ("delegate", orders("Level 2", role="analyst")))
        calls(bench, "Level 2", ("delegate", orders("Level 3", role="writer")))
        calls(bench, "Level 3", ("delegate", orders("Level 4", role="analyst")))
        client = bench.connect()
        ack = await start(client)
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        began = [one.task_id for one in await log_of(bench, ack["runId"], TaskStarted)]
        assert began == ["1", "1.1", "1.1.1"], "three levels are allowed"
        told = [one.text for one in await log_of(bench, ack["runId"], ToolReturned, "1.1.1")]
        assert "You cannot delegate here" in told[0]


async def test_a_role_cannot_delegate_to_itself_to_strangers_or_to_nobody(tmp_path: Path) -> None:
    for at, (given, told) in enumerate(
        [
            (orders("Flour", role="writer"), "given to writer, who makes this plan"),
            (orders("Flour", role="critic"), "unknown role “critic”"),
            (orders("Flour", role="baker"), "unknown role “baker”"),
            (orders(), "no tasks"),
            (orders(*(f"Part {n}" for n in range(1000))), "At most 12 tasks are allowed, these are 1000"),
            (orders("Flour", "flour!"), "the same goal"),
            ({"tasks": "all"}, "could not be understood"),
            ({"tasks": [{"goal": "x"}]}, "could not be understood"),
        ]
    ):
        folder = tmp_path / str(at)
        folder.mkdir()
        async with bench_with(folder, "Bake") as bench:
            calls(bench, "Bake", ("delegate", given))
            client = bench.connect()
            ack = await start(client)
            assert (await end_of(client, ack["runId"]))["status"] == "completed"
            told_first = (await log_of(bench, ack["runId"], ToolReturned, "1"))[0]
            assert told in told_first.text, at
            assert told_first.ok is False
            assert await log_of(bench, ack["runId"], PlanMade, "1") == []


async def test_the_same_work_is_not_delegated_twice_in_a_run(tmp_path: Path) -> None:
    async with bench_with(tmp_path, "Bake") as bench:
        calls(bench, "Bake", ("delegate", orders("Do half")))
        calls(bench, "Do half", ("delegate", orders("bake!", role="writer")))
        client = bench.connect()
        ack = await start(client)
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        told = (await log_of(bench, ack["runId"], ToolReturned, "1.1"))[0].text
        assert "with the same goal before" in told, "that is its own parent's task"
        assert len(await log_of(bench, ack["runId"], TaskStarted)) == 2


async def test_two_agents_that_hand_work_to_each_other_come_to_an_end(tmp_path: Path) -> None:
    """Each time in other words, so that only the depth can stop them."""
    async with bench_with(tmp_path, "Round 1") as bench:
        for at in range(1, 9):
            role = "analyst" if at % 2 else "writer"
            calls(bench, f"Round {at}", ("delegate", orders(f"Round {at + 1}", role=role)))
        client = bench.connect()
        ack = await start(client)
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        assert len(await log_of(bench, ack["runId"], TaskStarted)) == 3
        assert len(bench.model.requests) < 80


async def test_an_agent_adds_a_task_that_is_missing_in_its_plan(tmp_path: Path) -> None:
    async with bench_with(tmp_path, "Bake", "Taste") as bench:
        calls(
            bench,
            "Bake",
            ("add_task", {"role": "coder", "goal": "Weigh it", "title": "Weight"}),
            ("add_task", {"role": "coder", "goal": "weigh IT."}),
            ("add_task", {"role": "baker", "goal": "Anything"}),
        )
        client = bench.connect()
        ack = await start(client)
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        (amended,) = await log_of(bench, ack["runId"], PlanAmended)
        assert [(one.id, one.role, one.goal) for one in amended.add] == [("3", "coder", "Weigh it")]
        told = [one.text for one in await log_of(bench, ack["runId"], ToolReturned, "1")][:3]
        assert told[0] == "Added as task 3."
        assert "such a task already" in told[1]
        assert "no role baker" in told[2]
        assert "[3] Weight" in texts(client.frames)[f"{ack['runId']}.main"]
        assert found(client, name="alma.plan_amended")[0]["add"][0]["id"] == "3"


async def test_budgets_are_split_among_children_and_what_is_unspent_comes_back(tmp_path: Path) -> None:
    async with bench_with(tmp_path, "Bake", "Taste", run_tokens=40_000) as bench:
        calls(bench, "Bake", ("delegate", orders("Flour", "Water")))
        client = bench.connect()
        ack = await start(client)
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        budget = {one.task_id: one.tokens for one in await log_of(bench, ack["runId"], TaskStarted)}
        spent = [json.dumps(one) for one in found(client, name="alma.budget")]
        assert spent == []
        assert 12_000 < budget["1"] < 14_000
        assert abs(budget["1"] - budget["2"]) < 10
        assert budget["1.1"] + budget["1.2"] < budget["1"]
        assert budget["1.1"] > budget["1"] / 4


async def test_what_a_task_did_not_spend_is_there_for_those_after_it(tmp_path: Path) -> None:
    bench = SessionBench(f"sqlite:///{tmp_path}/alma.db", run_tokens=30_000)
    async with bench.running():
        plans(bench, task("writer", "Flour"), task("writer", "Dough", 1), task("writer", "Bread", 2))
        client = bench.connect()
        ack = await start(client)
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        budget = [one.tokens for one in await log_of(bench, ack["runId"], TaskStarted)]
        assert budget == sorted(budget), "each is offered more than the one before"
        assert budget[2] > 1.7 * budget[0]
