"""A critic judges another task's work, and may send it back a bounded number of times."""

from __future__ import annotations

import json

from alma.events import AgentMessage, MessageFinished, PlanAmended, TaskFinished, TaskStarted
from alma.models.script import Rule
from planned import answers, asked, end_of, found, log_of, plans, prompts_are_exact, start, task
from session_bench import SessionBench, texts

ACCEPT = json.dumps({"verdict": "accept", "notes": ""})
REVISE = json.dumps({"verdict": "revise", "notes": "Name the grain."})


async def test_accepted_work_stands_and_the_verdict_is_no_result(quick: SessionBench) -> None:
    plans(quick, task("writer", "Flour"), task("critic", "Judge", review_of=1))
    answers(quick, "Flour", "ground")
    answers(quick, "Judge", ACCEPT)
    client = quick.connect()
    ack = await start(client)
    assert (await end_of(client, ack["runId"]))["status"] == "completed"
    (judged,) = asked(quick, "\n\nJudge")
    assert "[1] Flour:\nground" in judged, "it waited for the work without being told to"
    (joined,) = asked(quick, "The request: ")
    assert "verdict" not in joined
    assert await log_of(quick, ack["runId"], PlanAmended) == []


async def test_work_that_is_sent_back_is_done_again_with_the_critique(bench: SessionBench) -> None:
    plans(bench, task("writer", "Flour"), task("critic", "Judge", review_of=1), task("analyst", "Bake", 2))
    bench.model.script.append(Rule(match=r"(?s)Name the grain.*\n\nFlour$", answer="ground rye"))
    answers(bench, "Flour", "just ground")
    bench.model.script.append(Rule(match=r"(?s)ground rye.*\n\nJudge$", answer=ACCEPT))
    answers(bench, "Judge", REVISE)
    client = bench.connect()
    ack = await start(client)
    assert (await end_of(client, ack["runId"]))["status"] == "completed"
    began = [(one.task_id, one.role) for one in await log_of(bench, ack["runId"], TaskStarted)]
    assert began == [("1", "writer"), ("2", "critic"), ("4", "writer"), ("5", "critic"), ("3", "analyst")]
    (again,) = asked(bench, "Name the grain.")
    assert "[1] Flour:\njust ground" in again, "who revises has the work before them"
    assert "critique: Name the grain." in again
    (bake,) = asked(bench, "\n\nBake")
    assert "ground rye" in bake, "who waited for the verdict gets the revised work"
    assert "just ground" not in bake
    (joined,) = asked(bench, "The request: ")
    assert "ground rye" in joined
    assert "just ground" not in joined, "what was replaced is no result any more"
    (critique,) = await log_of(bench, ack["runId"], AgentMessage)
    assert (critique.kind, critique.recipient, critique.refs) == ("critique", "4", ["1"])
    (amended,) = found(client, name="alma.plan_amended")
    assert amended["replace"] == {"1": "4", "2": "5"}
    assert await prompts_are_exact(bench, ack["runId"]) == 7


async def test_a_critic_that_is_never_content_comes_to_an_end(quick: SessionBench) -> None:
    plans(quick, task("writer", "Flour"), task("critic", "Judge", review_of=1))
    answers(quick, "Judge", REVISE)
    client = quick.connect()
    ack = await start(client)
    assert (await end_of(client, ack["runId"]))["status"] == "completed"
    assert len(await log_of(quick, ack["runId"], PlanAmended)) == 2, "two rounds are allowed"
    assert len(await log_of(quick, ack["runId"], TaskFinished)) == 6
    said = texts(client.frames)[f"{ack['runId']}.main"]
    assert "*Based on* [5] Flour, revised" in said


async def test_a_verdict_that_is_no_json_is_asked_for_again_with_what_was_wrong(quick: SessionBench) -> None:
    plans(quick, task("writer", "Flour"), task("critic", "Judge", review_of=1))
    quick.model.script.append(Rule(match="Your last answer could not be used", answer=ACCEPT))
    answers(quick, "Judge", "Well, it is rather good.")
    client = quick.connect()
    ack = await start(client)
    assert (await end_of(client, ack["runId"]))["status"] == "completed"
    failures = found(client, name="alma.attempt_failed", subagentRunId="2")
    assert [one["error"]["code"] for one in failures] == ["output_invalid"]
    (again,) = asked(quick, "Your last answer could not be used")
    assert "It is no JSON" in again
    assert "Judge" in again
    assert await prompts_are_exact(quick, ack["runId"]) == 4
    ends = {one.task_id: one.status for one in await log_of(quick, ack["runId"], TaskFinished)}
    assert ends == {"1": "completed", "2": "completed"}


async def test_an_answer_of_another_form_than_the_roles_schema_is_told_where(quick: SessionBench) -> None:
    plans(quick, task("writer", "Flour"), task("critic", "Judge", review_of=1))
    quick.model.script.append(Rule(match="could not be used", answer=ACCEPT))
    answers(quick, "Judge", '{"verdict": "perhaps", "notes": ""}')
    client = quick.connect()
    ack = await start(client)
    await end_of(client, ack["runId"])
    (again,) = asked(quick, "could not be used")
    assert "verdict must be one of" in again


async def test_a_critic_that_cannot_speak_does_not_stop_the_work(quick: SessionBench) -> None:
    plans(quick, task("writer", "Flour"), task("critic", "Judge", review_of=1))
    answers(quick, "Flour", "ground")
    quick.model.script.append(Rule(match="Judge|could not be used", answer="Nice."))
    client = quick.connect()
    ack = await start(client)
    assert (await end_of(client, ack["runId"]))["status"] == "completed"
    assert "[1] Flour:\nground" in asked(quick, "The request: ")[0]
    finished = await log_of(quick, ack["runId"], MessageFinished, "2")
    roles = [one.role for one in await log_of(quick, ack["runId"], TaskStarted, "2")]
    assert roles == ["critic", "analyst"], "its stand-in judges in words"
    assert len(finished) == 1


async def test_a_failed_work_is_not_judged(quick: SessionBench) -> None:
    plans(quick, task("writer", "!status 401"), task("critic", "Judge", review_of=1))
    client = quick.connect()
    ack = await start(client)
    assert (await end_of(client, ack["runId"]))["status"] == "completed"
    ends = {one.task_id: one.status for one in await log_of(quick, ack["runId"], TaskFinished)}
    assert ends == {"1": "failed", "2": "rejected"}
