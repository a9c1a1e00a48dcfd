"""Planned runs through the socket: split, worked on at the same time, joined."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from alma.events import AttemptFailed, MessageFinished, MessageStarted, PlanMade, RunFinished, TaskFinished, TaskStarted
from alma.models.script import Rule
from planned import (
    COMPARE,
    DECIDE,
    REQUEST,
    answers,
    asked,
    do,
    end_of,
    found,
    log_of,
    plan_json,
    plans,
    prompts_are_exact,
    role_file,
    seen,
    start,
    task,
)
from session_bench import SessionBench, texts

# ── by pattern and by model ───────────────────────────────────────────────────────────────────────────────────────


async def test_a_comparison_is_split_by_pattern_worked_on_at_once_and_joined(bench: SessionBench) -> None:
    together = 0
    everybody = asyncio.Event()

    async def meet(_seconds: float) -> None:
        nonlocal together
        together += 1
        if together == 3:
            everybody.set()
        await everybody.wait()  # none of the three goes on before all three are being answered

    bench.model._sleep = meet
    bench.model.script.append(Rule(match="Use these notes", answer="Take the pump [1]."))
    bench.model.script.append(Rule(match=r"\?$", answer="It depends."))
    client = bench.connect()
    ack = await start(client, COMPARE)
    end = await end_of(client, ack["runId"])

    assert end["status"] == "completed"
    plan = found(client, name="alma.plan")[0]["plan"]
    assert [one["title"] for one in plan["tasks"]] == ["Cost", "Climate", "Comfort"]
    assert plan["source"] == "pattern"
    assert together >= 3
    assert [one["status"] for one in found(client, type="SUBAGENT_FINISHED")] == ["completed"] * 3


async def test_the_joined_answer_says_what_it_is_based_on(quick: SessionBench) -> None:
    quick.model.script.append(Rule(match="Use these notes", answer="Take the pump [1]."))
    client = quick.connect()
    ack = await start(client, COMPARE)
    await end_of(client, ack["runId"])
    said = texts(client.frames)[f"{ack['runId']}.main"]
    assert said == "Take the pump [1].\n\n*Based on* [1] Cost · [2] Climate · [3] Comfort"
    journaled = await log_of(quick, ack["runId"], MessageFinished, "main")
    assert journaled[-1].text == said


async def test_results_flow_along_dependencies_and_nowhere_else(quick: SessionBench) -> None:
    plans(quick, task("analyst", "Flour"), task("analyst", "Water"), task("writer", "Dough", 1), task("writer", "Rest"))
    answers(quick, "Flour", "flour is ground")
    answers(quick, "Water", "water is wet")
    answers(quick, "Dough", "dough is made")
    answers(quick, "Rest", "it rests")
    client = quick.connect()
    ack = await start(client)
    await end_of(client, ack["runId"])

    (dough,) = asked(quick, "\n\nDough")
    assert "flour is ground" in dough
    assert "water is wet" not in dough
    for alone in ("Flour", "Water", "Rest"):
        assert alone in asked(quick, alone), "it saw nothing but its goal"
    (joined,) = asked(quick, "The request: ")
    for result in ("flour is ground", "water is wet", "dough is made", "it rests", REQUEST):
        assert result in joined
    order = [(e.task_id, type(e).__name__) for e in await log_of(quick, ack["runId"], object)]  # type: ignore[type-var]
    assert order.index(("1", "TaskFinished")) < order.index(("3", "TaskStarted"))
    assert order.index(("4", "TaskStarted")) < order.index(("1", "TaskFinished")), "who waits for nobody begins"


async def test_every_prompt_of_a_planned_run_is_shown_as_it_was_sent(bench: SessionBench) -> None:
    plans(bench, task("analyst", "Flour"), task("writer", "Dough", 1), task("critic", "Judge the dough", review_of=2))
    answers(bench, "Judge the dough", '{"verdict": "accept", "notes": ""}')
    client = bench.connect()
    first = await start(client, "Hello", kind="chat")
    await end_of(client, first["runId"])
    ack = await start(client, threadId=first["threadId"])
    assert (await end_of(client, ack["runId"]))["status"] == "completed"
    assert await prompts_are_exact(bench, ack["runId"]) == 5, "decide, three tasks, the synthesis"
    shown = await bench.sessions.prompt("ada", ack["runId"])
    assert [one.content for one in shown.messages][1] == "Hello", "the conversation is in the synthesis"
    assert shown.started.step == "answer"


# ── plans that cannot be used ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (plan_json(task("writer", "Flour", 2), task("writer", "Water", 1)), "circle: 1 → 2 → 1"),
        (plan_json(task("baker", "Flour")), "unknown role “baker”"),
        (plan_json(task("manager", "Flour")), "given to manager"),
        (plan_json(task("writer", "Flour"), task("writer", "flour.")), "have the same goal"),
        (plan_json(task("writer", "Flour", 7)), "depends on"),
        (plan_json(), "no tasks"),
        (plan_json(*(task("writer", f"Bread {n}") for n in range(1000))), "1,000 tasks; at most 12"),
        (plan_json(action="ask"), "question is empty"),
        ('{"action": "plan"', "no JSON"),
        ('{"action": "dance", "tasks": []}', "wrong form"),
        ("[" * 5000, "wrong form"),
        ("{" * 5000, "no JSON"),
    ],
)
async def test_a_plan_that_cannot_be_used_goes_back_to_the_model_with_the_reason(
    quick: SessionBench, wrong: str, told: str
) -> None:
    quick.models.strong = True
    quick.models.info.context_window = 200_000
    quick.model.script.append(Rule(match="^This cannot be used", answer=plan_json(task("writer", "Flour"))))
    quick.model.script.append(Rule(match=DECIDE, answer=wrong))
    client = quick.connect()
    ack = await start(client)
    assert (await end_of(client, ack["runId"]))["status"] == "completed"
    (repair,) = asked(quick, "This cannot be used")
    assert told in repair
    (made,) = await log_of(quick, ack["runId"], PlanMade)
    assert made.plan.source == "model"
    assert told in " ".join(made.plan.problems), "the plan says what was wrong before"
    assert await prompts_are_exact(quick, ack["runId"]) == 4


async def test_an_option_that_no_task_names_is_asked_for(quick: SessionBench) -> None:
    quick.models.strong = True
    whole = plan_json(task("analyst", "Cost, climate and comfort of heating a house with gas and with a heat pump"))
    quick.model.script.append(Rule(match="^This cannot be used", answer=whole))
    quick.model.script.append(Rule(match=DECIDE, answer=plan_json(task("analyst", "Cost and climate of gas heating"))))
    client = quick.connect()
    ack = await start(client, COMPARE)
    await end_of(client, ack["runId"])
    (repair,) = asked(quick, "This cannot be used")
    assert "heat pump" in repair
    assert "comfort" in repair


@pytest.mark.parametrize("text", ["I would rather talk.", "{}", '{"action":"plan","reason":1}', "null"])
async def test_a_model_that_never_makes_a_plan_gets_one_by_pattern_at_a_bounded_cost(
    quick: SessionBench, text: str
) -> None:
    quick.models.strong = True
    quick.model.script.append(Rule(match=f"{DECIDE}|^This cannot be used", answer=text))
    client = quick.connect()
    ack = await start(client, COMPARE)
    assert (await end_of(client, ack["runId"]))["status"] == "completed"
    (made,) = await log_of(quick, ack["runId"], PlanMade)
    assert made.plan.source == "pattern"
    decisions = [one for one in await log_of(quick, ack["runId"], MessageStarted) if one.step.startswith("decide")]
    assert len(decisions) == 3, "one, and two repairs"


async def test_a_model_that_answers_itself_makes_no_plan(quick: SessionBench) -> None:
    quick.models.strong = True
    quick.model.script.append(Rule(match=DECIDE, answer=plan_json(action="answer")))
    quick.model.script.append(Rule(match=f"^{REQUEST}$", answer="Bread is baked."))
    client = quick.connect()
    ack = await start(client)
    await end_of(client, ack["runId"])
    assert texts(client.frames)[f"{ack['runId']}.main"] == "Bread is baked."
    assert await log_of(quick, ack["runId"], PlanMade) == []


async def test_what_was_decided_is_no_answer_when_the_run_is_stopped(quick: SessionBench) -> None:
    quick.models.strong = True
    quick.model.script.append(Rule(match="^This cannot be used", delay=1000))
    quick.model.script.append(Rule(match=DECIDE, answer="rambling"))
    client = quick.connect()
    ack = await start(client)
    await seen(client, type="TEXT_MESSAGE_START", step="decide.2")
    await do(client, "run.stop", ack["runId"])
    await end_of(client, ack["runId"])
    follow = await start(client, "!say hi", kind="chat", threadId=ack["threadId"])
    await end_of(client, follow["runId"])
    assert not any("rambling" in one.content for one in quick.model.requests[-1].messages)


# ── failures ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_task_that_fails_is_tried_again_then_given_to_a_stand_in(bench: SessionBench) -> None:
    plans(bench, task("writer", "!status 500 x3 !say done by another"), task("writer", "Water"))
    client = bench.connect()
    ack = await start(client)
    assert (await end_of(client, ack["runId"]))["status"] == "completed"
    failures = await log_of(bench, ack["runId"], AttemptFailed, "1")
    assert [(one.attempt, one.retry_in_ms is not None, one.to_role) for one in failures] == [
        (1, True, None),
        (2, True, None),
        (3, False, "analyst"),
    ]
    began = await log_of(bench, ack["runId"], TaskStarted, "1")
    assert [(one.role, one.assignment) for one in began] == [("writer", 1), ("analyst", 2)]
    assert texts(client.frames)[f"{ack['runId']}.1@2"] == "done by another"
    assert await prompts_are_exact(bench, ack["runId"]) == 5
    assert found(client, name="alma.attempt_failed", toRole="analyst")


async def test_every_stand_in_has_its_turn_models_first_or_roles_as_the_file_says(tmp_path: Path) -> None:
    role_file(tmp_path / "agents", "writer", stand_ins=["coder", "analyst"])
    url = f"sqlite:///{tmp_path}/alma.db"
    async with SessionBench(url, roles=tmp_path / "agents", max_attempts=1).running() as bench:
        plans(bench, task("writer", "!status 401 x2 !say at last"))
        client = bench.connect()
        ack = await start(client)
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        began = await log_of(bench, ack["runId"], TaskStarted, "1")
        assert [one.role for one in began] == ["writer", "coder", "analyst"]
        assert texts(client.frames)[f"{ack['runId']}.1@3"] == "at last"


async def test_when_nobody_can_do_a_task_the_answer_says_what_is_missing(quick: SessionBench) -> None:
    plans(quick, task("writer", "!status 401", title="The flour"), task("writer", "Water"))
    quick.model.script.append(Rule(match="The request: ", answer="Only water [2]."))
    client = quick.connect()
    ack = await start(client)
    assert (await end_of(client, ack["runId"]))["status"] == "completed"
    said = texts(client.frames)[f"{ack['runId']}.main"]
    assert "*Missing:* [1] The flour" in said
    assert "*Based on* [2] Water" in said
    (joined,) = asked(quick, "The request: ")
    assert "[1] The flour: not available (failed" in joined, "the model is told too"
    error = found(client, type="SUBAGENT_ERROR", subagentRunId="1")
    assert [one["code"] for one in error] == ["endpoint_unauthorized"]


async def test_what_depends_on_a_failed_task_alone_is_rejected_and_what_has_more_goes_on(quick: SessionBench) -> None:
    plans(
        quick,
        task("writer", "!status 401"),
        task("writer", "Dough", 1),
        task("writer", "Bake", 2),
        task("writer", "Water"),
        task("writer", "Taste", 1, 4),
    )
    client = quick.connect()
    ack = await start(client)
    assert (await end_of(client, ack["runId"]))["status"] == "completed"
    ends = {one.task_id: one.status for one in await log_of(quick, ack["runId"], TaskFinished)}
    assert ends == {"1": "failed", "2": "rejected", "3": "rejected", "4": "completed", "5": "completed"}
    assert asked(quick, "Dough")[:-1] == [], "nobody worked on what had nothing to work on"
    (taste,) = asked(quick, "\n\nTaste")
    assert "not available (failed" in taste


async def test_when_all_tasks_fail_the_run_still_answers_and_says_so(quick: SessionBench) -> None:
    plans(quick, task("writer", "!status 401"), task("analyst", "!status 401 too"), task("writer", "Bake", 1))
    quick.model.script.append(Rule(match="The request: ", answer="I could not find out."))
    client = quick.connect()
    ack = await start(client)
    assert (await end_of(client, ack["runId"]))["status"] == "completed"
    said = texts(client.frames)[f"{ack['runId']}.main"]
    assert said.startswith("I could not find out.\n\n*Missing:* [1]")
    assert "Based on" not in said
    assert said.count("[") == 3


async def test_a_synthesis_that_fails_for_good_ends_the_run_with_its_reason(quick: SessionBench) -> None:
    plans(quick, task("writer", "Flour"))
    client = quick.connect()
    ack = await start(client, "Tell me about bread. !status 401")
    # The request commands the model that decides, too: the run has no plan then.
    end = await end_of(client, ack["runId"])
    assert (end["type"], end["code"]) == ("RUN_ERROR", "endpoint_unauthorized")
    (finished,) = await log_of(quick, ack["runId"], RunFinished)
    assert finished.status == "failed"


async def test_the_streams_of_all_agents_are_exact_also_for_who_comes_late(bench: SessionBench) -> None:
    plans(bench, task("writer", "!tokens 60 400"), task("writer", "!cut 5 x1 !say a b c d e f g"), task("writer", "c"))
    client, other = bench.connect(), bench.connect()
    ack = await start(client)
    await seen(client, type="TEXT_MESSAGE_CONTENT", subagentRunId="1")
    other.say("thread.subscribe", threadId=ack["threadId"])
    await end_of(client, ack["runId"])
    await end_of(other, ack["runId"])
    late = bench.connect()
    late.say("thread.subscribe", threadId=ack["threadId"])
    await seen(late, name="alma.live")
    assert texts(client.frames) == texts(other.frames) == texts(late.frames)
    seqs = [one["seq"] for one in client.frames if one.get("runId") == ack["runId"] and "seq" in one]
    assert seqs == list(range(1, len(seqs) + 1))
