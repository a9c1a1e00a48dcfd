"""What a run may cost: tokens of the run and of a task, warned of before, never exceeded by a call."""

from __future__ import annotations

from pathlib import Path

from alma.events import AttemptFailed, BudgetReached, MessageFinished, TaskFinished, TaskStarted
from alma.models.script import Rule
from planned import DECIDE, answers, end_of, found, log_of, plan_json, plans, role_file, seen, start, task
from session_bench import SessionBench, texts


async def spent(bench: SessionBench, run_id: str) -> int:
    usage = [one.usage for one in await log_of(bench, run_id, MessageFinished)]
    return sum(one.input_tokens + one.output_tokens for one in usage)


async def test_a_task_may_write_no_more_than_its_budget_leaves(tmp_path: Path) -> None:
    role_file(tmp_path / "agents", "writer", budgets={"tokens": 800})
    async with SessionBench(f"sqlite:///{tmp_path}/alma.db", roles=tmp_path / "agents").running() as bench:
        plans(bench, task("writer", "Flour"))
        client = bench.connect()
        ack = await start(client)
        await end_of(client, ack["runId"])
        (began,) = await log_of(bench, ack["runId"], TaskStarted)
        assert began.tokens == 800
        asked = next(one for one in bench.model.requests if one.messages[-1].content == "Flour")
        prompt = found(client, type="TEXT_MESSAGE_START", subagentRunId="1")[0]
        assert asked.sampling.max_tokens == 800 - sum(one["tokens"] for one in prompt["sections"])


async def test_a_task_without_room_for_its_prompt_fails_at_once_and_is_given_to_nobody_else(tmp_path: Path) -> None:
    role_file(tmp_path / "agents", "writer", budgets={"tokens": 60}, stand_ins=["analyst"])
    async with SessionBench(f"sqlite:///{tmp_path}/alma.db", roles=tmp_path / "agents").running() as bench:
        plans(bench, task("writer", "Flour " * 40, title="The flour"), task("coder", "Water"))
        client = bench.connect()
        ack = await start(client)
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        (failure,) = await log_of(bench, ack["runId"], AttemptFailed)
        assert (failure.error.code, failure.to_role, failure.retry_in_ms) == ("budget_spent", None, None)
        (reached,) = await log_of(bench, ack["runId"], BudgetReached, "1")
        assert (reached.what, reached.limit, reached.warning) == ("tokens", 60, False)
        assert found(client, name="alma.budget", subagentRunId="1")
        said = texts(client.frames)[f"{ack['runId']}.main"]
        assert "*Missing:* [1] The flour (The task has used up its budget of tokens)" in said
        assert not any(one.messages[-1].content.startswith("Flour") for one in bench.model.requests)


async def test_the_user_is_told_before_a_budget_is_used_up(tmp_path: Path) -> None:
    role_file(tmp_path / "agents", "writer", budgets={"tokens": 600})
    async with SessionBench(f"sqlite:///{tmp_path}/alma.db", roles=tmp_path / "agents").running() as bench:
        plans(bench, task("writer", "word " * 30))
        client = bench.connect()
        ack = await start(client)
        await end_of(client, ack["runId"])
        notes = await log_of(bench, ack["runId"], BudgetReached)
        assert [(one.warning, one.limit) for one in notes] == [(True, 600)]


async def test_all_that_a_run_asks_of_its_models_stays_within_its_tokens(tmp_path: Path) -> None:
    bench = SessionBench(f"sqlite:///{tmp_path}/alma.db", run_tokens=20_000)
    async with bench.running():
        goals = [f"Part {n}" for n in range(10)]
        plans(bench, *(task("writer", goal) for goal in goals[:7]), *(task("writer", goal, 1) for goal in goals[7:]))
        for goal in goals:
            answers(bench, goal, "word " * 300)
        client = bench.connect()
        ack = await start(client)
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        planning = (await log_of(bench, ack["runId"], MessageFinished, "main"))[0].usage
        shares = {one.task_id: one.tokens for one in await log_of(bench, ack["runId"], TaskStarted)}
        together = planning.input_tokens + planning.output_tokens + sum(shares[str(n)] for n in range(1, 8))
        assert 10_000 < together < 20_000
        for request in bench.model.requests[1:]:
            text = request.messages[-1].content
            if text.rpartition("\n")[2] in goals:
                task_id = str(goals.index(text.rpartition("\n")[2]) + 1)
                assert request.sampling.max_tokens < shares[task_id]
        assert await spent(bench, ack["runId"]) < 20_000


async def test_a_run_that_has_used_up_its_tokens_is_answered_with_what_its_tasks_found(tmp_path: Path) -> None:
    bench = SessionBench(f"sqlite:///{tmp_path}/alma.db", run_tokens=3000)
    async with bench.running():
        plans(bench, task("writer", "Flour"))
        answers(bench, "Flour", "word " * 5000)  # a model that does not keep to what it is told
        bench.model.script.append(Rule(match="", answer="word " * 5000))
        client = bench.connect()
        ack = await start(client)
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        (done,) = await log_of(bench, ack["runId"], TaskFinished)
        assert done.status == "completed", "what was found is kept"
        said = [one for one in await log_of(bench, ack["runId"], MessageFinished) if one.step == "answer"]
        assert [(one.task_id, one.finish_reason) for one in said] == [("1", "budget"), ("main", "budget")]
        assert await spent(bench, ack["runId"]) <= 3000 + len(said), "each was cut one token after its last"


async def test_a_run_whose_planning_used_up_everything_fails_with_its_reason(tmp_path: Path) -> None:
    bench = SessionBench(f"sqlite:///{tmp_path}/alma.db", run_tokens=800)
    async with bench.running():
        bench.models.strong = True
        bench.model.script.append(Rule(match=f"{DECIDE}|could not be used", answer="rambling " * 300))
        client = bench.connect()
        ack = await start(client)
        end = await end_of(client, ack["runId"])
        assert (end["type"], end["code"]) == ("RUN_ERROR", "budget_spent")
        assert len(bench.model.requests) <= 2, "no further call when nothing is left"


async def test_attempts_that_fail_are_paid_for_too(tmp_path: Path) -> None:
    """Else a model that breaks off late would cost without end."""
    role_file(tmp_path / "agents", "writer", budgets={"tokens": 2000}, stand_ins=[])
    bench = SessionBench(f"sqlite:///{tmp_path}/alma.db", roles=tmp_path / "agents", max_attempts=9)
    async with bench.running():
        bench.models.strong = True
        bench.model.script.append(Rule(match=DECIDE, answer=plan_json(task("writer", "!cut 300 !tokens 400"))))
        client = bench.connect()
        ack = await start(client)
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        failures = await log_of(bench, ack["runId"], AttemptFailed, "1")
        assert {one.error.code for one in failures} == {"endpoint_cut"}
        assert 2 <= len(failures) <= 4
        used = sum(one.paid.tokens for one in failures if one.paid is not None)
        assert 1000 < used <= 2000
        (done,) = await log_of(bench, ack["runId"], TaskFinished)
        assert (done.status, done.text) == ("completed", failures[-1].text.strip()), "what there is so far"


async def test_a_budget_holds_over_a_restart(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/alma.db"
    role_file(tmp_path / "agents", "writer", budgets={"tokens": 600}, stand_ins=[])
    async with SessionBench(url, roles=tmp_path / "agents").running() as before:
        plans(before, task("writer", "!tokens 5000 100"))
        client = before.connect()
        ack = await start(client)
        await seen(client, type="TEXT_MESSAGE_CONTENT", subagentRunId="1")
    async with SessionBench(url, roles=tmp_path / "agents").running() as after:
        answers(after, "!tokens 5000 100", "short")
        client = after.connect()
        client.say("thread.subscribe", threadId=ack["threadId"])
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        first, second = [one.messages[-1].content for one in after.model.requests][:1], after.model.requests[0]
        assert first == ["!tokens 5000 100"]
        assert second.sampling.max_tokens < 500 - 2 * 20, "the prompt that was lost in the crash is counted"
        assert len(await log_of(after, ack["runId"], TaskStarted)) == 1, "it was not budgeted anew"
