"""What a run asks before it goes on: what is meant, and whether the plan is right."""

from __future__ import annotations

import pytest

from alma.events import PlanMade, TaskFinished, TaskStarted
from alma.models.script import Rule
from planned import (
    COMPARE,
    DECIDE,
    REQUEST,
    asked,
    do,
    end_of,
    holds,
    log_of,
    plan_json,
    plans,
    prompts_are_exact,
    seen,
    start,
    task,
)
from session_bench import SessionBench, texts


async def test_a_request_that_says_too_little_is_asked_back_about_and_answered_after_a_restart(
    database_url: str,
) -> None:
    async with SessionBench(database_url).running() as before:
        client = before.connect()
        ack = await start(client, "Compare them")
        question = await seen(client, name="alma.question")
        assert "What should be compared?" in question["text"]
    async with SessionBench(database_url).running() as after:
        client = after.connect()
        client.say("thread.subscribe", threadId=ack["threadId"])
        await seen(client, name="alma.live")
        assert after.model.calls == {}, "it waits for the user"
        run_id, question_id = ack["runId"], question["questionId"]
        await do(
            client, "question.answer", run_id, questionId=question_id, text="gas and oil by cost, climate, comfort"
        )
        assert (await end_of(client, run_id))["status"] == "completed"
        (made,) = await log_of(after, run_id, PlanMade)
        assert all("gas" in one.goal and "oil" in one.goal for one in made.plan.tasks)
        again = await do(client, "question.answer", run_id, questionId=question_id, text="late")
        assert again["code"] == "run_finished"


async def test_a_strong_model_asks_back_and_decides_with_the_answer(quick: SessionBench) -> None:
    quick.models.strong = True
    quick.model.script.append(Rule(match=r"(?s)Decide how.*rye", answer=plan_json(task("writer", "Rye bread"))))
    quick.model.script.append(Rule(match=DECIDE, answer=plan_json(action="ask", question="Which bread?")))
    client = quick.connect()
    ack = await start(client)
    question = await seen(client, name="alma.question")
    assert question["text"] == "Which bread?"
    await do(client, "question.answer", ack["runId"], questionId=question["questionId"], text="rye, please")
    assert (await end_of(client, ack["runId"]))["status"] == "completed"
    (joined,) = asked(quick, "The request: ")
    assert "Which bread?" in joined
    assert "rye, please" in joined
    assert await prompts_are_exact(quick, ack["runId"]) == 4


async def test_an_answer_to_a_question_that_is_gone_is_a_conflict(quick: SessionBench) -> None:
    client = quick.connect()
    ack = await start(client, "Compare them")
    question = await seen(client, name="alma.question")
    for text, code in (("", "invalid_field"), ("x" * 20_001, "invalid_field")):
        refused = await do(client, "question.answer", ack["runId"], questionId=question["questionId"], text=text)
        assert refused["code"] == code
    other = await do(client, "question.answer", ack["runId"], questionId="main.other", text="x")
    assert other["code"] == "question_gone"
    await do(client, "question.answer", ack["runId"], questionId=question["questionId"], text="cats and dogs")
    await end_of(client, ack["runId"])
    unknown = await do(client, "question.answer", "r_nobody", questionId="q", text="x")
    assert unknown["code"] == "unknown_run"


async def test_a_plan_waits_for_approval_over_a_restart_and_runs_as_it_is(database_url: str) -> None:
    async with SessionBench(database_url).running() as before:
        client = before.connect()
        ack = await start(client, COMPARE, approve=True)
        assert (await seen(client, name="alma.plan"))["needsApproval"] is True
    async with SessionBench(database_url).running() as after:
        client = after.connect()
        client.say("thread.subscribe", threadId=ack["threadId"])
        await seen(client, name="alma.live")
        assert after.model.calls == {}
        await do(client, "plan.decide", ack["runId"], approved=True)
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        assert len(await log_of(after, ack["runId"], TaskFinished)) == 3
        late = await do(client, "plan.decide", ack["runId"], approved=True)
        assert late["code"] == "run_finished"


async def test_a_plan_is_edited_and_the_edited_one_runs(quick: SessionBench) -> None:
    plans(quick, task("writer", "Flour"), task("writer", "Water"), task("writer", "Salt"))
    client = quick.connect()
    ack = await start(client, approve=True)
    await seen(client, name="alma.plan")
    tasks = [
        {"id": "1", "role": "writer", "goal": "Rye"},
        {"id": "3", "role": "coder", "goal": "Sum", "depends_on": ["1"]},
    ]
    assert "code" not in await do(client, "plan.decide", ack["runId"], approved=True, tasks=tasks)
    assert (await end_of(client, ack["runId"]))["status"] == "completed"
    assert [one.task_id for one in await log_of(quick, ack["runId"], TaskFinished)] == ["1", "3"]
    assert asked(quick, "Salt") == []
    assert "*Based on* [1] Rye · [3] Sum" in texts(client.frames)[f"{ack['runId']}.main"]


async def test_a_plan_that_is_turned_down_is_answered_without_one(quick: SessionBench) -> None:
    plans(quick, task("writer", "Flour"))
    quick.model.script.append(Rule(match=f"^{REQUEST}$", answer="Just so."))
    client = quick.connect()
    ack = await start(client, approve=True)
    await seen(client, name="alma.plan")
    await do(client, "plan.decide", ack["runId"], approved=False)
    assert (await end_of(client, ack["runId"]))["status"] == "completed"
    assert texts(client.frames)[f"{ack['runId']}.main"] == "Just so."
    assert await log_of(quick, ack["runId"], TaskStarted) == []
    assert await prompts_are_exact(quick, ack["runId"]) == 2


@pytest.mark.parametrize(
    ("tasks", "told"),
    [
        ([("1", ["2"]), ("2", ["1"])], "circle"),
        ([("1", []), ("1", [])], "id 1"),
        ([("x", [])], "needs an id such as 1"),
        ([("2.1", [])], "needs an id such as 1"),
        ([("²", [])], "needs an id such as 1"),
        ([("1", ["9"])], "no task of this plan"),
        ([], "no tasks"),
        ([(str(n), []) for n in range(1, 1001)], "at most 100 tasks"),
    ],
)
async def test_an_edited_plan_that_cannot_be_is_refused_with_the_reason(
    quick: SessionBench, tasks: list[tuple[str, list[str]]], told: str
) -> None:
    plans(quick, task("writer", "Flour"))
    client = quick.connect()
    ack = await start(client, approve=True)
    await seen(client, name="alma.plan")
    edited = [
        {"id": id, "role": "writer", "goal": f"Bread {at}", "depends_on": on} for at, (id, on) in enumerate(tasks)
    ]
    refused = await do(client, "plan.decide", ack["runId"], approved=True, tasks=edited)
    assert refused["code"] == "invalid_plan"
    assert told in refused["actual"]
    assert len(refused["actual"]) < 2000
    await do(client, "plan.decide", ack["runId"], approved=True)
    assert (await end_of(client, ack["runId"]))["status"] == "completed", "it still waited"


async def test_a_plan_is_decided_once(quick: SessionBench) -> None:
    plans(quick, task("writer", "Flour"))
    done = holds(quick, "Flour", "x")
    client = quick.connect()
    ack = await start(client, approve=True)
    await seen(client, name="alma.plan")
    assert "code" not in await do(client, "plan.decide", ack["runId"], approved=True)
    again = await do(client, "plan.decide", ack["runId"], approved=False)
    assert again["code"] == "plan_decided"
    done.set()
    assert (await end_of(client, ack["runId"]))["status"] == "completed"
    direct = await start(client, "!say x", kind="chat")
    assert (await do(client, "plan.decide", direct["runId"], approved=True))["code"] in ("plan_decided", "run_finished")


async def test_an_edited_plan_of_another_shape_is_refused_at_the_door(quick: SessionBench) -> None:
    plans(quick, task("writer", "Flour"))
    client = quick.connect()
    ack = await start(client, approve=True)
    await seen(client, name="alma.plan")
    refused = await do(client, "plan.decide", ack["runId"], approved=True, tasks=[{"id": 1, "role": "writer"}])
    assert refused["code"] == "invalid_field"
