"""`alma runs`, and what pruning leaves of a run: on the data folder, and seen by a client."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from alma.__main__ import main
from alma.db.database import Database
from alma.db.tables import entries, runs
from alma.engine.journal import insert_run
from alma.events import (
    MessageFinished,
    MessageStarted,
    RouteCorrected,
    RunFinished,
    RunStarted,
    Signaled,
    TaskFinished,
)
from alma.model_call import Section, Timing, Usage
from alma.serve import data_dir_lock
from alma.session.feedback import Said, given
from alma.session.retention import DAY, keep_pruning, prunable, prune_all
from planned import COMPARE, end_of, start
from session_bench import SessionBench, texts

ANSWER = "It was the pump."


def make_run(connection: sa.Connection, run_id: str, at: float, *, finished: bool = True) -> None:
    """A run of eight entries: six steps of tasks between its start and its answer."""
    message = {"at": at, "message_id": f"{run_id}.main", "attempt": 1}
    begun = MessageStarted(
        **message,  # type: ignore[arg-type]
        role="manager",
        model="m",
        endpoint="e",
        prompt_version="v",
        sections=[Section("task", 9)],
    )
    said = MessageFinished(**message, text=ANSWER, finish_reason="stop", usage=Usage(), timing=Timing())  # type: ignore[arg-type]
    steps = [TaskFinished(at=at, task_id=str(number), status="completed", text="x" * 700) for number in range(1, 5)]
    end = [begun, said, RunFinished(at=at, status="completed")] if finished else []
    started = RunStarted(at=at, thread_id="t", owner="local", text="Why was it cold?")
    insert_run(connection, run_id, started, [*steps, *end])
    connection.execute(sa.update(runs).where(runs.c.id == run_id).values(finished=finished, answer=ANSWER))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder with an old run, one of today, and an old one that was never finished."""
    database = Database(f"sqlite:///{tmp_path / 'alma.db'}")
    database.open()
    now = time.time()

    async def fill() -> None:
        await database.write(lambda connection: make_run(connection, "r_old", now - 40 * DAY))
        await database.write(lambda connection: make_run(connection, "r_new", now - 10))
        await database.write(lambda connection: make_run(connection, "r_open", now - 40 * DAY, finished=False))

    asyncio.run(fill())
    database.close()
    return tmp_path


def steps(folder: Path) -> dict[str, int]:
    engine = sa.create_engine(f"sqlite:///{folder / 'alma.db'}")
    with engine.connect() as connection:
        query = sa.select(entries.c.run_id, sa.func.count()).group_by(entries.c.run_id)
        found = {run_id: count for run_id, count in connection.execute(query)}  # noqa: C416  # rows are no pairs
    engine.dispose()
    return found


def call(folder: Path, *words: str) -> int:
    return main(["runs", *words, "--data-dir", str(folder)])


# ── the command ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_pruning_gives_up_the_steps_of_old_finished_runs_only(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(folder, "prune", "--older-than", "30d") == 0
    assert steps(folder) == {"r_old": 4, "r_new": 8, "r_open": 5}
    assert "the steps of 1 run: 4 entries" in capsys.readouterr().out
    assert call(folder, "prune", "--older-than", "30d") == 0
    assert "the steps of 0 runs" in capsys.readouterr().out


def test_a_dry_run_says_how_much_and_changes_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(folder, "prune", "--older-than", "5w", "--dry-run") == 0
    assert steps(folder)["r_old"] == 8
    assert capsys.readouterr().out.startswith("Would give up the steps of 1 run: 4 entries")


def test_answers_go_too_when_that_is_asked_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(folder, "prune", "--older-than", "30d", "--no-keep-answers") == 0
    assert steps(folder)["r_old"] == 2
    call(folder, "show", "r_old")
    assert ANSWER not in capsys.readouterr().out


def test_vacuum_gives_the_space_back(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    database = Database(f"sqlite:///{folder / 'alma.db'}")
    database.open()

    async def fill() -> None:
        for number in range(300):
            await database.write(lambda c, number=number: make_run(c, f"r_{number}", time.time() - 40 * DAY))

    asyncio.run(fill())
    database.close()
    before = (folder / "alma.db").stat().st_size
    assert call(folder, "prune", "--older-than", "30d", "--vacuum") == 0
    assert (folder / "alma.db").stat().st_size < before
    assert "smaller" in capsys.readouterr().err


def test_an_age_must_be_given_somewhere(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(folder, "prune") == 1
    assert "ALMA_KEEP_RUNS_DAYS" in capsys.readouterr().err


def test_the_setting_is_the_age(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALMA_KEEP_RUNS_DAYS", "30")
    assert call(folder, "prune") == 0
    assert steps(folder)["r_old"] == 4


@pytest.mark.parametrize("age", ["30", "d", "-1d", "thirty days"])
def test_an_age_that_is_none_is_refused(age: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        call(folder, "prune", f"--older-than={age}")
    assert caught.value.code == 2
    assert "expected hours, days or weeks" in capsys.readouterr().err


def test_nothing_is_pruned_under_a_running_server(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with data_dir_lock(folder):
        assert call(folder, "prune", "--older-than", "30d") == 1
        told = capsys.readouterr().err
        assert "expected no server while runs are pruned" in told
        assert "ALMA_KEEP_RUNS_DAYS" in told
        assert call(folder, "list") == 0  # looking is allowed
    assert steps(folder)["r_old"] == 8


def test_list_has_the_newest_first(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(folder, "list", "--limit", "2") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["run", "began", "steps", "task"]
    assert lines[1].startswith("r_new")
    assert len(lines) == 3


def test_show_has_every_step(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(folder, "show", "r_new") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 8
    assert "run started" in lines[0]
    assert ANSWER in lines[6]
    assert call(folder, "show", "r_new", "--json") == 0
    whole = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["seq"] for one in whole] == list(range(1, 9))
    assert whole[6]["entry"]["text"] == ANSWER


def test_a_run_that_is_not_there_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(folder, "show", "r_nope") == 1
    assert "There is no run 'r_nope'." in capsys.readouterr().err


# ── what a client sees ────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_pruned_run_still_shows_its_answer(bench: SessionBench) -> None:
    client = bench.connect()
    ack = await start(client, COMPARE)
    await end_of(client, ack["runId"])
    run_id, thread_id = ack["runId"], ack["threadId"]
    before = len(await bench.journal.read(run_id))
    counted = await bench.database.read(lambda connection: prunable(connection, time.time() + 1))
    done = await prune_all(bench.database, time.time() + 1)
    assert (done.runs, done.entries) == (counted.runs, counted.entries) == (1, before - 4)
    assert done.bytes > 0

    late = bench.connect()
    late.say("thread.subscribe", threadId=thread_id)
    await late.until(name="alma.live")
    kinds = [frame["type"] for frame in late.frames if frame.get("runId") == run_id]
    assert kinds == ["RUN_STARTED", "TEXT_MESSAGE_START", "TEXT_MESSAGE_CONTENT", "TEXT_MESSAGE_END", "RUN_FINISHED"]
    assert [frame["seq"] for frame in late.frames if "seq" in frame] == [1, 2, 3, 4]
    message = f"{run_id}.main"
    assert texts(late.frames)[message] == texts(client.frames)[message]


async def test_what_was_said_of_a_run_outlives_its_steps(bench: SessionBench) -> None:
    client = bench.connect()
    ack = await start(client, "!say hi", kind="chat")
    await end_of(client, ack["runId"])
    run_id, feedback = ack["runId"], bench.sessions.feedback
    edited = "hi " * 2000  # so long that SQLite keeps it compressed
    for said in (Said("thumb", -1.0, "too short"), Said("edited", text=edited), Said("thumb", 1.0), Said("copied")):
        await feedback.give("ada", run_id, said)
    await bench.journal.append(ack["threadId"], run_id, [RouteCorrected(at=1.0, kind="creative")])
    before = [one.entry for one in await bench.journal.read(run_id) if isinstance(one.entry, Signaled | RouteCorrected)]
    for count in (1, 0):  # and there is an end to it
        assert (await prune_all(bench.database, time.time() + 1)).runs == count
        log = await bench.journal.read(run_id)
        assert [one.seq for one in log] == list(range(1, 10))
        assert [one.entry for one in log[4:]] == before
    assert (await feedback.give("ada", run_id, Said("thumb", 1.0))).duplicate
    assert not (await feedback.give("ada", run_id, Said("thumb", 0.0))).duplicate, "it can still be taken back"
    assert not (await prune_all(bench.database, time.time() + 1)).runs
    assert [one.signal for one in given(await bench.journal.read(run_id))] == ["edited", "copied"]


async def test_a_client_that_knew_the_steps_starts_over(bench: SessionBench) -> None:
    client = bench.connect()
    ack = await client.answer(client.say("run.start", key="k", text="!say hi", kind="chat"))
    await client.until(type="RUN_FINISHED")
    await prune_all(bench.database, time.time() + 1)
    back = bench.connect()
    cursors = {ack["runId"]: {"seq": 5, "messages": {}}}
    refused = await back.answer(back.say("thread.subscribe", threadId=ack["threadId"], cursors=cursors))
    assert refused["code"] == "cursor_ahead"


async def test_the_conversation_goes_on_after_pruning(quick: SessionBench) -> None:
    client = quick.connect()
    ack = await client.answer(client.say("run.start", key="1", text="!say I am Bob", kind="chat"))
    await client.until(type="RUN_FINISHED")
    await prune_all(quick.database, time.time() + 1)
    client.say("run.start", key="2", threadId=ack["threadId"], text="!say yes", kind="chat")
    await client.until(type="RUN_FINISHED")
    contents = [message.content for message in quick.model.requests[-1].messages]
    assert contents[1:] == ["!say I am Bob", "I am Bob", "!say yes"]
    again = await client.answer(client.say("run.start", key="1", text="!say I am Bob", kind="chat"))
    assert again["duplicate"] is True


async def test_the_prompt_of_a_pruned_run_is_not_made_up(quick: SessionBench) -> None:
    client = quick.connect()
    ack = await client.answer(client.say("run.start", key="1", text="!say hi", kind="chat"))
    await client.until(type="RUN_FINISHED")
    await prune_all(quick.database, time.time() + 1)
    with pytest.raises(Exception, match="given up") as caught:
        await quick.sessions.prompt("ada", ack["runId"])
    assert caught.value.code == "pruned"  # type: ignore[attr-defined]


async def test_a_server_prunes_when_it_starts(quick: SessionBench) -> None:
    client = quick.connect()
    ack = await client.answer(client.say("run.start", key="1", text="!say hi", kind="chat"))
    await client.until(type="RUN_FINISHED")
    await keep_pruning(quick.database, 0)  # keeps everything, and ends
    assert len(await quick.journal.read(ack["runId"])) == 5
    async with asyncio.TaskGroup() as group:
        task = group.create_task(keep_pruning(quick.database, 30, clock=lambda: time.time() + 31 * DAY))
        async with asyncio.timeout(120):
            while len(await quick.journal.read(ack["runId"])) != 4:
                await asyncio.sleep(0.01)
        task.cancel()
