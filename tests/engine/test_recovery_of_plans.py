"""What a new process makes of a planned run that an old one left at any moment: nothing finished is done again."""

from __future__ import annotations

from collections import Counter

import pytest
import sqlalchemy as sa

from alma.db.tables import entries, runs
from alma.events import MessageFinished, MessageStarted, PlanMade, RunFinished, TaskFinished, TaskStarted
from alma.models.script import Rule
from planned import answers, asked, end_of, found, holds, log_of, plans, prompts_are_exact, seen, start, task
from session_bench import Client, SessionBench, texts

GOALS = ("Flour", "Water", "Dough", "Bread")


def bread(bench: SessionBench) -> None:
    """1 Flour and 2 Water at once, 3 Dough of both, 4 Bread of 3, and the joining."""
    dough, baked = task("writer", "Dough", 1, 2), task("writer", "Bread", 3)
    plans(bench, task("writer", "Flour"), task("writer", "Water"), dough, baked)
    for goal in GOALS:
        answers(bench, goal, f"the {goal.lower()} is done")
    bench.model.script.append(Rule(match="The request: ", answer="all is done"))


async def follow(bench: SessionBench, thread_id: str) -> Client:
    client = bench.connect()
    client.say("thread.subscribe", threadId=thread_id)
    return client


@pytest.mark.parametrize("held", [*GOALS, "The request: Tell me about bread."])
async def test_a_process_that_dies_while_a_task_is_written_leaves_the_others_done(database_url: str, held: str) -> None:
    async with SessionBench(database_url).running() as before:
        gate = holds(before, held, "never", before="thinking")
        rule = before.model.script.pop()
        bread(before)
        before.model.script.insert(0, rule)
        client = before.connect()
        ack = await start(client)
        held_id = str(GOALS.index(held) + 1) if held in GOALS else "main"
        message_id = f"{ack['runId']}.{held_id}"
        await seen(client, type="TEXT_MESSAGE_START", messageId=message_id)
        if held in ("Flour", "Water"):
            await seen(client, type="SUBAGENT_FINISHED")
        done = {one["subagentRunId"] for one in found(client, type="SUBAGENT_FINISHED")}
        assert not gate.is_set()
    async with SessionBench(database_url).running() as after:
        bread(after)
        client = await follow(after, ack["threadId"])
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        again = Counter(goal for goal in GOALS for text in asked(after, goal) if text.endswith(goal))
        assert again == Counter(goal for at, goal in enumerate(GOALS, 1) if str(at) not in done)
        ends = Counter(one.task_id for one in await log_of(after, ack["runId"], TaskFinished))
        assert ends == Counter("1234"), "each once"
        said = texts(client.frames)
        assert [said[f"{ack['runId']}.{at}"] for at in "1234"] == [f"the {goal.lower()} is done" for goal in GOALS]
        assert said[f"{ack['runId']}.main"].startswith("all is done\n\n*Based on* [1] Flour")
        begun = await log_of(after, ack["runId"], MessageStarted)
        assert [one.attempt for one in begun if one.message_id == message_id] == [1, 2]


async def test_a_run_goes_on_from_every_entry_of_its_log(tmp_path: object) -> None:
    """The log of a finished run is cut after each entry in turn; a new process brings every one to the same end."""
    url = f"sqlite:///{tmp_path}/alma.db"
    async with SessionBench(url).running() as bench:
        bread(bench)
        client = bench.connect()
        ack = await start(client)
        await end_of(client, ack["runId"])
        whole = await bench.journal.read(ack["runId"])
        said = texts(client.frames)
        rows = await bench.database.read(lambda c: c.execute(sa.select(entries)).mappings().all())
    run_id = ack["runId"]
    for cut in range(1, len(whole)):
        finished = {one.entry.message_id for one in whole[:cut] if isinstance(one.entry, MessageFinished)}

        def leave(connection: sa.Connection, cut: int = cut) -> None:
            connection.execute(sa.delete(entries))
            connection.execute(sa.insert(entries), [dict(row) for row in rows if row["seq"] <= cut])
            connection.execute(sa.update(runs).values(head=cut, finished=False))

        async with SessionBench(url).running(sweep=False) as bench:
            await bench.database.write(leave)
            bread(bench)
            client = await follow(bench, ack["threadId"])
            await seen(client, name="alma.live")
            bench.engine.take_up(run_id)
            assert (await end_of(client, run_id))["status"] == "completed", whole[cut - 1]
            assert texts(client.frames) == said
            log = await bench.journal.read(run_id)
            kinds = Counter(type(one.entry) for one in log)
            assert (kinds[PlanMade], kinds[TaskFinished], kinds[RunFinished]) == (1, 4, 1)
            ids = Counter(one.entry.message_id for one in log if isinstance(one.entry, MessageFinished))
            assert set(ids.values()) == {1}, "no message is written twice"
            assert len(bench.model.requests) == len(said) - len(finished), "nothing finished is asked again"


async def test_a_retry_of_a_task_that_was_due_later_is_made_later(tmp_path: object) -> None:
    url = f"sqlite:///{tmp_path}/alma.db"
    before = SessionBench(url)
    before.engine.jitter = lambda: 100.0  # the retry is due in 50 s
    async with before.running():
        plans(before, task("writer", "!cut 1 x1 !say a b c"), task("writer", "Water"))
        client = before.connect()
        ack = await start(client)
        await seen(client, name="alma.attempt_failed")
        await seen(client, type="SUBAGENT_FINISHED", subagentRunId="2")
    after = SessionBench(url)
    now = found(client, name="alma.attempt_failed")[0]["timestamp"] / 1000 + 1
    after.engine.clock = lambda: now
    async with after.running():
        client = await follow(after, ack["threadId"])
        await seen(client, name="alma.live")
        other = await start(client, "!say hi", kind="chat")
        await end_of(client, other["runId"])
        assert after.model.calls == {"!say hi": 1}
        assert len(await log_of(after, ack["runId"], TaskStarted)) == 2


async def test_prompts_are_exact_after_a_recovery(tmp_path: object) -> None:
    url = f"sqlite:///{tmp_path}/alma.db"
    async with SessionBench(url).running() as before:
        bread(before)
        holds(before, "Dough", "never")
        before.model.script.insert(0, before.model.script.pop())
        client = before.connect()
        ack = await start(client)
        await seen(client, type="TEXT_MESSAGE_START", subagentRunId="3")
        requests = list(before.model.requests)
    async with SessionBench(url).running() as after:
        after.model.requests.extend(requests)
        bread(after)
        client = await follow(after, ack["threadId"])
        await end_of(client, ack["runId"])
        assert await prompts_are_exact(after, ack["runId"]) == 6
