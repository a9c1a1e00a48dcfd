"""Agents speak to one another: messages to a task, a role, the team; a board that all see."""

from __future__ import annotations

import pytest

from alma.events import AgentMessage, BoardWritten, ToolReturned
from planned import HELD, acts, asked, end_of, found, holds, log_of, plans, prompts_are_exact, seen, start, task
from session_bench import SessionBench, texts


@pytest.mark.parametrize(
    ("to", "reached"),
    [("2", {"Water"}), ("task 3", {"Salt"}), ("analyst", {"Water", "Salt"}), ("team", {"Water", "Salt", "Yeast"})],
)
async def test_a_message_reaches_whom_it_is_for_and_nobody_else(
    quick: SessionBench, to: str, reached: set[str]
) -> None:
    plans(
        quick,
        task("writer", "Flour"),
        task("analyst", "Water", 1),
        task("analyst", "Salt", 1),
        task("coder", "Yeast", 1),
    )
    said = f'{{"to": "{to}", "text": "use rye", "kind": "request", "refs": ["1"]}}'
    acts(quick, "Flour", [("send_message", said)])
    client = quick.connect()
    ack = await start(client)
    assert (await end_of(client, ack["runId"]))["status"] == "completed"
    (message,) = await log_of(quick, ack["runId"], AgentMessage)
    assert (message.task_id, message.sender, message.kind, message.refs) == ("1", "writer", "request", ["1"])
    heard = {goal for goal in ("Water", "Salt", "Yeast") for text in asked(quick, f"\n\n{goal}") if "use rye" in text}
    assert heard == reached
    assert "use rye" not in "".join(asked(quick, "Flour")[:2]), "not its sender"
    assert found(client, name="alma.message")[0]["recipient"] == to.removeprefix("task ")
    assert await prompts_are_exact(quick, ack["runId"]) == 7


async def test_a_message_reaches_an_agent_at_work_at_its_next_step(quick: SessionBench) -> None:
    plans(quick, task("writer", "Flour"), task("analyst", "Water"))
    acts(quick, "Flour", [("read_board", "{}")], hold=HELD)
    acts(quick, "Water", [("send_message", '{"to": "1", "text": "use rye"}')])
    speak = holds(quick, "Nothing waits for this", "")
    client = quick.connect()
    ack = await start(client)
    await seen(client, type="TEXT_MESSAGE_START", subagentRunId="1")
    await seen(client, type="SUBAGENT_FINISHED", subagentRunId="2")
    speak.set()
    assert (await end_of(client, ack["runId"]))["status"] == "completed"
    own = [one for one in quick.model.requests if "The board is empty." in one.messages[-1].content]
    assert len(own) == 1
    assert any("use rye" in message.content for message in own[0].messages)
    assert await prompts_are_exact(quick, ack["runId"]) == 6, "also of the step before the message"


async def test_messages_reach_the_synthesis_and_are_bounded(quick: SessionBench) -> None:
    plans(quick, task("writer", "Flour"))
    long = "x" * 5000
    many = [("send_message", f'{{"to": "team", "text": "message {n} {"" if n else long}"}}') for n in range(20)]
    acts(quick, "Flour", many)
    client = quick.connect()
    ack = await start(client)
    assert (await end_of(client, ack["runId"]))["status"] == "completed"
    sent = await log_of(quick, ack["runId"], AgentMessage)
    assert len(sent) == 12
    assert len(sent[0].text) == 4000
    refused = [one.text for one in await log_of(quick, ack["runId"], ToolReturned) if not one.ok]
    assert len(refused) == 8
    assert "that is enough" in refused[0]
    (joined,) = asked(quick, "The request: ")
    assert "Message from writer (task 1), inform: message 0" in joined
    assert await prompts_are_exact(quick, ack["runId"]) == 4


@pytest.mark.parametrize("said", ['{"to": "", "text": "x"}', '{"to": "2"}', '{"to": "2", "text": " "}', "{", "[]"])
async def test_a_message_without_recipient_or_text_is_refused(quick: SessionBench, said: str) -> None:
    plans(quick, task("writer", "Flour"))
    acts(quick, "Flour", [("send_message", said)])
    client = quick.connect()
    ack = await start(client)
    assert (await end_of(client, ack["runId"]))["status"] == "completed"
    assert await log_of(quick, ack["runId"], AgentMessage) == []
    (told,) = await log_of(quick, ack["runId"], ToolReturned)
    assert told.ok is False


async def test_the_board_is_seen_by_all_and_a_writer_that_saw_an_older_version_is_refused(quick: SessionBench) -> None:
    plans(quick, task("writer", "Flour"), task("analyst", "Water", 1))
    acts(
        quick,
        "Flour",
        [("write_board", '{"key": "grain", "text": "wheat"}')],
        [("write_board", '{"key": "grain", "text": "spelt", "version": 1}')],
        [("write_board", '{"key": "grain", "text": "oats", "version": 1}'), ("read_board", "{}")],
    )
    acts(quick, "Water", [("write_board", '{"key": "grain", "text": "rye", "version": 2}')])
    client = quick.connect()
    ack = await start(client)
    assert (await end_of(client, ack["runId"]))["status"] == "completed"
    written = await log_of(quick, ack["runId"], BoardWritten)
    assert [(one.task_id, one.version, one.text) for one in written] == [
        ("1", 1, "wheat"),
        ("1", 2, "spelt"),
        ("2", 3, "rye"),
    ]
    told = [one.text for one in await log_of(quick, ack["runId"], ToolReturned, "1")]
    assert "you saw version 1, and grain is version 2: spelt" in told[2]
    assert told[3] == "grain (version 2): spelt"
    water = asked(quick, "\n\nWater")[0]
    assert "On the board, grain (version 2): spelt" in water
    assert [one["version"] for one in found(client, name="alma.board")] == [1, 2, 3]
    assert await prompts_are_exact(quick, ack["runId"]) == 8
    texts(client.frames)


async def test_of_two_that_write_at_once_one_wins_and_the_other_is_told(quick: SessionBench) -> None:
    plans(quick, *(task("writer", f"Writer {n}") for n in range(6)))
    for n in range(6):
        acts(quick, f"Writer {n}", [("write_board", f'{{"key": "k", "text": "by {n}"}}')])
    client = quick.connect()
    ack = await start(client)
    assert (await end_of(client, ack["runId"]))["status"] == "completed"
    (written,) = await log_of(quick, ack["runId"], BoardWritten)
    told = await log_of(quick, ack["runId"], ToolReturned)
    assert sorted(one.ok for one in told) == [False] * 5 + [True]
    assert all(f"version 1: {written.text}" in one.text for one in told if not one.ok)
    assert await prompts_are_exact(quick, ack["runId"]) == 14
