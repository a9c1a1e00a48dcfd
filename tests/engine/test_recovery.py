"""What a new process makes of an old one's unfinished runs."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa

from alma.db.tables import entries, runs
from alma.errors import StorageFailure
from session_bench import SessionBench, texts


async def test_unfinished_runs_go_on_and_finished_steps_are_not_done_again(database_url: str) -> None:
    async with SessionBench(database_url).running() as before:
        client = before.connect()
        done = await client.answer(client.say("run.start", key="1", text="!say done", kind="chat"))
        await client.until(type="RUN_FINISHED")
        cut = await client.answer(client.say("run.start", key="2", text="!tokens 500 100", kind="chat"))
        await client.until(type="TEXT_MESSAGE_CONTENT", runId=cut["runId"])
    async with SessionBench(database_url).running() as after:
        client = after.connect()
        client.say("thread.subscribe", threadId=cut["threadId"])
        await client.until(type="TEXT_MESSAGE_CONTENT")
        assert after.model.calls == {"!tokens 500 100": 1}
        await client.answer(client.say("run.stop", runId=cut["runId"]))
        await client.until(type="RUN_FINISHED")
        starts = [f["attempt"] for f in client.frames if f["type"] == "TEXT_MESSAGE_START"]
        assert starts == [1, 2], "the second attempt replaces the first, visibly"
        assert len(await after.journal.read(done["runId"])) == 5, "what was finished is left alone"


async def test_an_answer_that_was_journaled_is_only_ended_not_written_again(database_url: str) -> None:
    async with SessionBench(database_url).running() as before:
        client = before.connect()
        ack = await client.answer(client.say("run.start", key="1", text="!say once", kind="chat"))
        await client.until(type="RUN_FINISHED")
        # As if the process had died between the answer and the end of the run.
        run_id = ack["runId"]
        await before.database.write(
            lambda c: c.execute(sa.delete(entries).where(entries.c.run_id == run_id, entries.c.seq == 5))
        )
        await before.database.write(lambda c: c.execute(sa.update(runs).values(head=4, finished=False)))
    async with SessionBench(database_url).running() as after:
        client = after.connect()
        client.say("thread.subscribe", threadId=ack["threadId"])
        end = await client.until(type="RUN_FINISHED")
        assert end["status"] == "completed"
        assert list(texts(client.frames).values()) == ["once"]
        assert after.model.calls == {}


async def test_a_retry_that_was_due_later_is_made_later(tmp_path: object) -> None:
    url = f"sqlite:///{tmp_path}/alma.db"
    before = SessionBench(url)
    before.engine.jitter = lambda: 100.0  # the retry is due in 50 s
    async with before.running():
        client = before.connect()
        ack = await client.answer(client.say("run.start", key="1", text="!cut 2 x1 !say a b c d", kind="chat"))
        await client.until(name="alma.attempt_failed")
    async with SessionBench(url).running() as after:
        client = after.connect()
        client.say("thread.subscribe", threadId=ack["threadId"])
        await client.until(name="alma.live")
        await asyncio.sleep(0.1)
        assert after.model.calls == {}
        await client.answer(client.say("run.stop", runId=ack["runId"]))
        assert (await client.until(type="RUN_FINISHED"))["status"] == "canceled"


async def test_two_engines_on_one_run_the_older_falls_silent(database_url: str) -> None:
    async with SessionBench(database_url).running() as old, SessionBench(database_url).running() as new:
        client = old.connect()
        ack = await client.answer(client.say("run.start", key="1", text="!tokens 60 200", kind="chat"))
        await client.until(type="TEXT_MESSAGE_CONTENT")
        new.engine.take_up(ack["runId"])
        async with asyncio.timeout(120):
            while await new.journal.unfinished() or old.engine.running:
                await asyncio.sleep(0.02)
        log = await new.journal.read(ack["runId"])
        finished = [one.entry for one in log if type(one.entry).__name__ == "MessageFinished"]
        assert len(finished) == 1
        assert finished[0].attempt == 2
        assert type(log[-1].entry).__name__ == "RunFinished"


@pytest.mark.parametrize("bug", [RuntimeError("a bug"), ValueError("another")])
async def test_a_bug_in_one_run_ends_that_run_and_no_other(quick: SessionBench, bug: Exception) -> None:
    client = quick.connect()
    other = await client.answer(client.say("run.start", key="1", text="!tokens 40 200", kind="chat"))
    real = quick.models.resolve

    def resolve(model_id: str | None) -> object:
        if model_id == "buggy/x" and quick.engine.running > 1:
            raise bug
        return real(model_id)

    quick.models.resolve = resolve  # type: ignore[method-assign,assignment]
    await client.answer(client.say("run.start", key="2", text="hi", kind="chat", model="buggy/x"))
    error = await client.until(type="RUN_ERROR")
    assert error["code"] == "internal"
    await client.until(type="RUN_FINISHED", runId=other["runId"])


async def test_an_unreadable_entry_harms_its_own_run_only(tmp_path: object) -> None:
    url = f"sqlite:///{tmp_path}/alma.db"
    async with SessionBench(url).running() as before:
        client = before.connect()
        broken = await client.answer(client.say("run.start", key="1", text="!tokens 500 100", kind="chat"))
        other = await client.answer(client.say("run.start", key="2", text="!tokens 500 100", kind="chat"))
        await client.until(type="TEXT_MESSAGE_CONTENT", runId=other["runId"])
        later = '{"type":"of_a_newer_alma","at":1}'
        change = sa.update(entries).where(entries.c.run_id == broken["runId"], entries.c.seq == 2).values(data=later)
        await before.database.write(lambda c: c.execute(change))
    async with SessionBench(url).running() as after:
        client = after.connect()
        client.say("thread.subscribe", threadId=broken["threadId"])
        assert (await client.until(name="alma.error"))["value"]["code"] == "internal"
        client.say("thread.subscribe", threadId=other["threadId"])
        await client.until(type="TEXT_MESSAGE_CONTENT")
        await client.answer(client.say("run.stop", runId=other["runId"]))
        await client.until(type="RUN_FINISHED")


async def test_a_stop_reaches_a_run_that_nobody_carries_yet(database_url: str) -> None:
    async with SessionBench(database_url).running() as before:
        client = before.connect()
        ack = await client.answer(client.say("run.start", key="1", text="!tokens 500 100", kind="chat"))
        await client.until(type="TEXT_MESSAGE_CONTENT")
    async with SessionBench(database_url).running(sweep=False) as after:
        client = after.connect()
        client.say("thread.subscribe", threadId=ack["threadId"])
        await client.answer(client.say("run.stop", runId=ack["runId"]))
        assert (await client.until(type="RUN_FINISHED"))["status"] == "canceled"
        assert after.model.calls == {}


async def test_the_same_key_again_takes_up_a_run_that_nobody_carries(tmp_path: object) -> None:
    url = f"sqlite:///{tmp_path}/alma.db"
    ask = {"key": "1", "text": "!tokens 300 300", "kind": "chat"}
    async with SessionBench(url).running() as before:
        client = before.connect()
        first = await client.answer(client.say("run.start", **ask))
        await client.until(type="TEXT_MESSAGE_CONTENT")
    async with SessionBench(url).running(sweep=False) as after:
        client = after.connect()
        again = await client.answer(client.say("run.start", **ask))
        assert (again["runId"], again["duplicate"]) == (first["runId"], True)
        assert (await client.until(type="RUN_FINISHED"))["status"] == "completed"


async def test_a_stop_after_the_end_writes_nothing(quick: SessionBench) -> None:
    client = quick.connect()
    ack = await client.answer(client.say("run.start", key="1", text="!say x", kind="chat"))
    await client.until(type="RUN_FINISHED")
    await client.answer(client.say("run.stop", runId=ack["runId"]))
    assert [type(one.entry).__name__ for one in await quick.journal.read(ack["runId"])][-1] == "RunFinished"


async def test_a_commit_whose_answer_is_lost_is_not_made_twice(quick: SessionBench) -> None:
    client = quick.connect()
    append = quick.journal.submit
    lost: list[str] = []

    def submit(thread_id: str, run_id: str, new: object, **rest: object) -> object:
        future = append(thread_id, run_id, new, **rest)  # type: ignore[arg-type]
        if type(new[-1]).__name__ == "RunFinished" and not lost:  # type: ignore[index]
            lost.append(run_id)
            broken = asyncio.get_running_loop().create_future()
            future.add_done_callback(lambda _: broken.set_exception(StorageFailure("the line is dead")))
            return broken
        return future

    quick.journal.submit = submit  # type: ignore[method-assign,assignment]
    ack = await client.answer(client.say("run.start", key="1", text="!say once", kind="chat"))
    await client.until(type="RUN_FINISHED")
    async with asyncio.timeout(120):
        while quick.engine.running:
            await asyncio.sleep(0.02)
    kinds = [type(one.entry).__name__ for one in await quick.journal.read(ack["runId"])]
    assert kinds.count("MessageFinished") == kinds.count("RunFinished") == 1
