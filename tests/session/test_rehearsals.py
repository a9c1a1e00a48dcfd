"""Rehearsals: real runs that nobody asked for, which end, are found again by their key, and are seen nowhere else."""

from __future__ import annotations

import asyncio

import pytest

from alma.errors import NotFound
from alma.events import RunStarted
from alma.learned import Trial
from alma.session.rehearsals import Rehearsals
from alma.session.threads import find_thread, list_threads
from planned import log_of
from session_bench import SessionBench

TRIAL = Trial("experiment", "e1", arm="a", row="0")


async def test_a_rehearsal_is_a_real_run_and_the_same_key_gives_the_same(bench: SessionBench) -> None:
    rehearsals = Rehearsals(bench.sessions)
    done = await rehearsals.rehearse("ada", TRIAL, "!say Hello", kind="chat", key="k")
    assert (done.status, done.answer, done.error) == ("completed", "Hello", "")
    assert done.tokens > 0
    asked = len(bench.model.requests)
    assert await rehearsals.rehearse("ada", TRIAL, "!say Hello", kind="chat", key="k") == done
    assert len(bench.model.requests) == asked
    (started,) = await log_of(bench, done.run_id, RunStarted)
    assert (started.trial, started.remember, started.priority) == (TRIAL, False, -5)


async def test_a_repetition_of_an_experiment_draws_by_its_number(quick: SessionBench) -> None:
    rehearsals = Rehearsals(quick.sessions)
    trials = [TRIAL, Trial("experiment", "e1", seed=2), Trial("replay", "v1", row="r1")]
    for number, trial in enumerate(trials):
        await rehearsals.rehearse("ada", trial, "!say Hello", kind="chat", key=str(number))
    assert [one.seed for one in quick.model.requests] == [0, 2, None]


async def test_its_thread_is_in_no_list_and_can_be_deleted(bench: SessionBench) -> None:
    rehearsals = Rehearsals(bench.sessions)
    watcher = bench.connect(watch=True)
    done = await rehearsals.rehearse("ada", TRIAL, "!say Secret", kind="chat", key="k")
    again = await rehearsals.rehearse("ada", TRIAL, "!say Secret", kind="chat", key="l")
    (first,), (second,) = [await log_of(bench, one.run_id, RunStarted) for one in (done, again)]
    assert first.thread_id == second.thread_id
    assert second.parent_run_id is None, "no turn of another's history"
    assert await bench.sessions.list_threads("ada", search="", limit=10, before=None) == []
    assert await bench.sessions.list_threads("ada", search="Secret", limit=10, before=None) == []
    await bench.sessions.announce("ada", first.thread_id)
    await asyncio.sleep(0)
    assert not [frame for frame in watcher.frames if frame.get("name") == "alma.thread"]
    await rehearsals.forget("ada", "experiment", "e1")
    with pytest.raises(NotFound):
        await bench.sessions.get_thread("ada", first.thread_id)
    await rehearsals.forget("ada", "experiment", "e1")


async def test_what_did_a_run_again_is_deleted_with_it_and_what_a_version_was_tried_on_with_that(
    quick: SessionBench,
) -> None:
    rehearsals = Rehearsals(quick.sessions)

    async def thread_of(owner: str, version: str, row: str) -> str:
        trial = Trial("replay", version, arm="candidate", row=row)
        done = await rehearsals.rehearse(owner, trial, "!say Secret", kind="chat", key=f"{version}{row}")
        (started,) = await log_of(quick, done.run_id, RunStarted)
        return started.thread_id

    asked = [("ada", "v1", "r1"), ("ada", "v1", "r2"), ("ada", "v2", "r1"), ("ada", "v2", "r2"), ("bob", "v3", "r1")]
    threads = [await thread_of(*one) for one in asked]

    async def left() -> list[bool]:
        read = quick.database.read
        found = [
            await read(lambda c, o=one[0], t=id: find_thread(c, o, t)) for one, id in zip(asked, threads, strict=True)
        ]
        return [one is not None for one in found]

    await rehearsals.forget_named("ada", ["r1", "r0"])
    assert await left() == [False, True, False, True, True]
    await rehearsals.forget_named("ada", ["v2"])
    assert await left() == [False, True, False, False, True]


async def test_owners_have_threads_of_their_own(bench: SessionBench) -> None:
    rehearsals = Rehearsals(bench.sessions)
    mine = await rehearsals.rehearse("ada", TRIAL, "!say Hi", kind="chat", key="k")
    theirs = await rehearsals.rehearse("bob", TRIAL, "!say Hi", kind="chat", key="k")
    assert mine.run_id != theirs.run_id
    await rehearsals.forget("ada", "experiment", "e1")
    assert await bench.database.read(lambda connection: list_threads(connection, "bob")) == []
    assert (await rehearsals.rehearse("bob", TRIAL, "!say Hi", kind="chat", key="k")).run_id == theirs.run_id


async def test_a_run_that_never_finishes_is_stopped_and_failed(quick: SessionBench) -> None:
    done = await Rehearsals(quick.sessions).rehearse("ada", TRIAL, "!wait 20 !say late", kind="chat", seconds=0.2)
    assert (done.status, done.error) == ("failed", "deadline")
    assert "0.2 s" in done.message
    await quick.ended(done.run_id)


async def test_who_would_ask_a_user_has_failed(quick: SessionBench) -> None:
    text = "Compare them."
    done = await Rehearsals(quick.sessions).rehearse("ada", TRIAL, text, kind="analytical", seconds=20)
    assert (done.status, done.error) == ("failed", "asks_user")


async def test_a_failed_run_says_why(quick: SessionBench) -> None:
    done = await Rehearsals(quick.sessions).rehearse("ada", TRIAL, "!status 400", kind="chat", seconds=20)
    assert done.status == "failed"
    assert done.error
    assert done.message


async def test_it_goes_on_after_a_crash_and_can_be_cancelled(database_url: str) -> None:
    bench = SessionBench(database_url)
    async with bench.running():
        waiting = asyncio.create_task(  # it is cut off below
            Rehearsals(bench.sessions).rehearse("ada", TRIAL, "!wait 20 !say late", kind="chat", key="k")
        )
        while not bench.model.requests:
            await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.wait([waiting])
        (active,) = bench.engine.carried()
        run_id = active.run_id
    again = SessionBench(database_url)
    async with again.running():
        rehearsals = Rehearsals(again.sessions)
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(rehearsals.rehearse("ada", TRIAL, "!wait 20 !say late", kind="chat", key="k"))
            while not again.model.requests:
                await asyncio.sleep(0.01)
            await rehearsals.cancel("ada", "k")
        done = waiting.result()
        assert (done.run_id, done.status) == (run_id, "canceled")
        await rehearsals.cancel("ada", "k")
        await rehearsals.cancel("ada", "never begun")
