"""A conversation of any length never overflows the window; old turns live on in a summary, and all of it is said."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from alma.agent.task import Summary
from alma.db.tables import runs, summaries
from alma.engine.turns import Conversations
from alma.events import ContextTrimmed, MessageStarted, ToolReturned
from alma.session.evidence import sent_prompt
from planned import acts, answers, end_of, log_of, plans, prompts_are_exact, start, task
from session_bench import Client, SessionBench, texts


async def _talk(bench: SessionBench, client: Client, turns: list[str]) -> tuple[str, list[str]]:
    """Say these, one after the other, in one thread; its id and its runs."""
    thread_id, runs = "", []
    for number, text in enumerate(turns):
        place = {"threadId": thread_id} if thread_id else {}
        ack = await client.answer(
            client.say("run.start", key=f"k{len(client.frames)}.{number}", text=text, kind="chat", **place)
        )
        thread_id = ack["threadId"]
        await client.until(type="RUN_FINISHED", runId=ack["runId"])
        runs.append(ack["runId"])
        await bench.ended(ack["runId"])
        await bench.summaries.settled()
    return thread_id, runs


def _turn(number: int) -> str:
    return f"!say Point {number}: " + f"the harbour of town {number} was rebuilt in the year {1800 + number}. " * 8


async def test_old_turns_give_way_to_a_summary_that_was_made_before_it_was_needed(bench: SessionBench) -> None:
    bench.models.info.context_window = 2048
    client = bench.connect()
    _, runs = await _talk(bench, client, ["!say My name is Ada and I prefer trains.", *map(_turn, range(1, 16))])
    starts = [f for f in client.frames if f["type"] == "TEXT_MESSAGE_START"]
    assert all(sum(s["tokens"] for s in start["sections"]) + start["reserve"] <= 2048 for start in starts)
    notes = [f["value"] for f in client.frames if f.get("name") == "alma.context"]
    assert notes
    assert {note["rung"] for note in notes} == {"summary"}
    assert all("their summary stands for them" in note["detail"] for note in notes), "none came too late"
    last = bench.model.requests[-1].messages
    assert "My name is Ada" in last[1].content, "what the user said of themselves is in the summary"
    assert starts[-1]["leftOutTurns"] > 5
    shown = await bench.database.read(lambda connection: sent_prompt(connection, "ada", runs[-1]))
    assert shown.messages == last, "the page shows the prompt as it was sent, summary and all"


async def test_a_strong_model_writes_the_summary_and_rolls_the_one_before_into_it(bench: SessionBench) -> None:
    bench.models.info.context_window = 2048
    bench.models.strong = True
    client = bench.connect()
    await _talk(bench, client, [_turn(number) for number in range(1, 16)])
    asked = [r for r in bench.model.requests if r.messages[0].content.startswith("Sum up the conversation")]
    assert len(asked) >= 2
    assert "Summary of what was said before" in asked[-1].messages[-1].content
    rows = await bench.database.read(lambda connection: connection.execute(sa.select(summaries)).all())
    assert {row.how for row in rows} == {"model"}
    assert all(row.tokens > 0 for row in rows)


async def test_a_summary_survives_a_restart(database_url: str) -> None:
    bench = SessionBench(database_url)
    bench.models.info.context_window = 2048
    async with bench.running():
        client = bench.connect()
        thread_id, _ = await _talk(bench, client, ["!say I live in Graz.", *map(_turn, range(1, 12))])
    again = SessionBench(database_url)
    again.models.info.context_window = 2048
    async with again.running():
        client = again.connect()
        ack = await client.answer(client.say("run.start", key="later", threadId=thread_id, text="!say Hm", kind="chat"))
        await client.until(type="RUN_FINISHED", runId=ack["runId"])
        assert "I live in Graz" in again.model.requests[-1].messages[1].content


async def test_the_summary_of_another_branch_does_not_take_the_place_of_a_longer_one(bench: SessionBench) -> None:
    line = ["a", "b", "c", "d"]
    rows = [
        {"id": one, "thread_id": "t", "owner": "o", "text": one, "finished": True, "head": 1, "created_at": 0.0}
        | {"parent_run_id": before}
        for before, one in [*zip([None, *line[:-1]], line, strict=True), ("b", "other")]
    ]
    kept = {
        "run_id": "c",
        "thread_id": "t",
        "text": "To c",
        "how": "model",
        "model": "",
        "tokens": 0,
        "created_at": 0.0,
    }

    def write(connection: sa.Connection) -> None:
        connection.execute(sa.insert(runs), rows)
        connection.execute(sa.insert(summaries), kept)

    await bench.database.write(write)
    conversations = Conversations(bench.database)
    for tip in ("d", "other"):
        await conversations.history(tip)
    conversations.summarised(Summary("b", "To b"))
    assert (await conversations.history("d")).summary == Summary("c", "To c")
    assert (await conversations.history("other")).summary == Summary("b", "To b")
    conversations.summarised(Summary("d", "To d"))
    assert (await conversations.history("d")).summary == Summary("d", "To d")


async def test_a_deleted_thread_takes_its_summaries_with_it(bench: SessionBench) -> None:
    bench.models.info.context_window = 2048
    client = bench.connect()
    thread_id, _ = await _talk(bench, client, [_turn(number) for number in range(1, 10)])
    count = sa.select(sa.func.count()).select_from(summaries)
    assert await bench.database.read(lambda connection: connection.execute(count).scalar_one())
    await bench.sessions.delete_thread("ada", thread_id)
    assert not await bench.database.read(lambda connection: connection.execute(count).scalar_one())


async def test_what_cannot_fit_at_all_is_refused_with_a_word_and_an_entry(bench: SessionBench) -> None:
    bench.models.info.context_window = 1024
    client = bench.connect()
    ack = await client.answer(client.say("run.start", key="k", text="word " * 1500, kind="chat"))
    end = await client.until(type="RUN_ERROR")
    assert end["code"] == "context_overflow"
    assert "at most" in end["expected"]
    entries = [one.entry for one in await bench.journal.read(ack["runId"])]
    assert [entry.rung for entry in entries if isinstance(entry, ContextTrimmed)] == ["refused"]
    assert not any(isinstance(entry, MessageStarted) for entry in entries)


@pytest.mark.parametrize("window", [1024, 1500, 4096])
async def test_a_plan_of_many_long_results_is_joined_in_any_window(bench: SessionBench, window: int) -> None:
    bench.models.info.context_window = window
    client = bench.connect()
    text = "Compare trains, buses, ferries and planes for a trip from Graz to Rome by price, time and comfort."
    ack = await client.answer(client.say("run.start", key="k", text=text, kind="analytical"))
    end = await client.until(type="RUN_FINISHED")
    assert end["status"] == "completed"
    started = [one.entry for one in await bench.journal.read(ack["runId"]) if isinstance(one.entry, MessageStarted)]
    assert len(started) > 2
    for entry in started:
        assert sum(section.tokens for section in entry.sections) + entry.reserve <= window
    assert texts(client.frames)[f"{ack['runId']}.main"]


async def test_an_agent_can_read_on_where_a_result_was_shortened(bench: SessionBench) -> None:
    bench.models.info.context_window = 2048
    plans(bench, task("writer", "Flour"), task("analyst", "Water", 1))
    report = " ".join(f"Sentence {number} of the report." for number in range(400))
    answers(bench, "Flour", report)
    acts(bench, "Water", [("read_more", '{"ref": "[1]", "start": 5000}')], answer="read")
    client = bench.connect()
    ack = await start(client)
    assert (await end_of(client, ack["runId"]))["status"] == "completed"
    (note, *_) = [one for one in await log_of(bench, ack["runId"], ContextTrimmed) if one.task_id == "2"]
    assert (note.rung, note.refs) == ("results", ["result 1"])
    (returned,) = await log_of(bench, ack["runId"], ToolReturned, "2")
    assert returned.ok
    assert report[5000:8000] in returned.text
    assert "more characters from 9000 on" in returned.text
    assert await prompts_are_exact(bench, ack["runId"]) >= 4


async def test_what_is_asked_for_and_is_not_there_is_named(bench: SessionBench) -> None:
    bench.models.info.context_window = 2048
    plans(bench, task("writer", "Flour"), task("analyst", "Water", 1))
    answers(bench, "Flour", "x" * 9000)
    acts(bench, "Water", [("read_more", '{"ref": "7"}')], answer="well")
    client = bench.connect()
    ack = await start(client)
    assert (await end_of(client, ack["runId"]))["status"] == "completed"
    (returned,) = await log_of(bench, ack["runId"], ToolReturned, "2")
    assert not returned.ok
    assert returned.text == "There is no text 7. There are: 1."
