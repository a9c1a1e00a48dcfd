"""What a client can get wrong: each has a stable code, and the connection and every other run go on."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from session_bench import SessionBench, texts


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("{", "malformed_json"),
        ("", "malformed_json"),
        ('{"type":"ping","id":"\\ud800"}', "malformed_json"),
        ("[" * 5000, "too_deep"),
        ('{"type":"ping","id":' + "[" * 5000, "too_deep"),
        ("[]", "unknown_command"),
        ("null", "unknown_command"),
        ('{"id":"x"}', "unknown_command"),
        ('{"type":"run.fly","id":"x"}', "unknown_command"),
        ('{"type":["ping"],"id":"x"}', "unknown_command"),
        ('{"type":"ping"}', "invalid_field"),
        ('{"type":"ping","id":7}', "invalid_field"),
        ('{"type":"run.start","id":"x","key":"k"}', "invalid_field"),
        ('{"type":"run.start","id":"x","key":"k","text":"t","kind":"poetic"}', "invalid_field"),
        ('{"type":"run.start","id":"x","key":"k","text":"t","surprise":1}', "invalid_field"),
        ('{"type":"run.start","id":"x","key":"","text":"t"}', "invalid_field"),
        ('{"type":"run.start","id":"x","key":"k","text":"  \\n "}', "empty_prompt"),
        ('{"type":"run.start","id":"x","key":"k","text":"' + "a" * 10_000 + '"}', "prompt_too_long"),
        ('{"type":"run.start","id":"x","key":"k","text":"' + "a" * 110_000 + '"}', "frame_too_large"),
        ('{"type":"run.start","id":"x","key":"k","text":"' + "字" * 40_000 + '"}', "frame_too_large"),
        ('{"type":"run.start","id":"x","key":"k","text":"a\\u0000b"}', "invalid_field"),
        ('{"type":"run.start","id":"x","key":"k","text":"t","model":"unknown/x"}', "unknown_model"),
        ('{"type":"run.start","id":"x","key":"k","text":"t","threadId":"t_none"}', "unknown_thread"),
        ('{"type":"run.stop","id":"x","runId":"r_none"}', "unknown_run"),
        ('{"type":"run.retry","id":"x","key":"k","runId":"r_none"}', "unknown_run"),
        ('{"type":"route.correct","id":"x","runId":"r_none","kind":"chat"}', "unknown_run"),
        ('{"type":"thread.subscribe","id":"x","threadId":"t_none"}', "unknown_thread"),
        ('{"type":"hello","id":"x","protocol":99}', "protocol_mismatch"),
        (b"\x00\x01", "binary_frame"),
        (b'{"id":"\xff"}', "binary_frame"),
        ('{"type":"thread.subscribe","id":"x","threadId":"t\\u0000"}', "invalid_field"),
        ('{"type":"run.stop","id":"x","runId":"r\\u0000"}', "invalid_field"),
    ],
)
async def test_a_wrong_frame_is_refused_by_its_code_and_the_connection_goes_on(
    quick: SessionBench, frame: str | bytes, code: str
) -> None:
    client = quick.connect()
    client.inbox.put_nowait(frame)
    error = (await client.until(name="alma.error"))["value"]
    assert error["code"] == code
    assert error["message"]
    await client.answer(client.say("run.start", key="after", text="!say fine", kind="chat"))
    await client.until(type="RUN_FINISHED")
    assert list(texts(client.frames).values()) == ["fine"]


async def test_an_error_carries_the_id_of_the_command_even_when_its_fields_are_wrong(quick: SessionBench) -> None:
    client = quick.connect()
    client.inbox.put_nowait('{"type":"run.start","id":"mine","text":7}')
    error = (await client.until(name="alma.error"))["value"]
    assert error["id"] == "mine"
    assert "text" in error["actual"] or "key" in error["actual"]


async def test_a_cursor_from_the_future_is_refused(bench: SessionBench) -> None:
    client = bench.connect()
    ack = await client.answer(client.say("run.start", key="1", text="!tokens 400 200", kind="chat"))
    await client.until(type="TEXT_MESSAGE_CONTENT")
    thread, run = ack["threadId"], ack["runId"]
    other = bench.connect()
    for cursor in (
        {run: {"seq": 99}},
        {"r_unknown": {"seq": 1}},
        {run: {"seq": 3, "messages": {f"{run}.main": {"attempt": 1, "n": 10**6}}}},
    ):
        other.say("thread.subscribe", threadId=thread, cursors=cursor)
        error = (await other.until(name="alma.error"))["value"]
        assert error["code"] == "cursor_ahead"
        assert error["hint"]
    other.say("thread.subscribe", threadId=thread)
    await other.until(name="alma.live")
    await client.answer(client.say("run.stop", runId=run))
    await other.until(type="RUN_FINISHED")
    assert texts(other.frames) == texts(client.frames)


async def test_a_parent_of_another_thread_is_refused(quick: SessionBench) -> None:
    client = quick.connect()
    one = await client.answer(client.say("run.start", key="1", text="!say a", kind="chat"))
    two = await client.answer(client.say("run.start", key="2", text="!say b", kind="chat"))
    refused = await client.answer(
        client.say("run.start", key="3", text="!say c", threadId=two["threadId"], parentRunId=one["runId"])
    )
    assert refused["code"] == "unknown_run"


async def test_a_new_conversation_does_not_begin_after_a_turn_of_another_one_whoever_has_it(
    quick: SessionBench,
) -> None:
    theirs = quick.connect(owner="ada")
    before = await theirs.answer(theirs.say("run.start", key="1", text="!say my secret", kind="chat"))
    await theirs.until(type="RUN_FINISHED")
    mine = quick.connect(owner="eve")
    error = await mine.answer(mine.say("run.start", key="1", text="!say b", parentRunId=before["runId"]))
    assert error["code"] == "unknown_run"
    again = await theirs.answer(theirs.say("run.start", key="2", text="!say c", parentRunId=before["runId"]))
    assert again["code"] == "unknown_run"


async def test_too_many_runs_are_refused_and_room_comes_back(quick: SessionBench) -> None:
    client = quick.connect()
    acks = []
    for index in range(100):
        ask = client.say("run.start", key=f"k{index}", text=f"!tokens 2000 100 [#{index}]", kind="chat")
        acks.append(await client.answer(ask))
    refused = await client.answer(client.say("run.start", key="over", text="!say x", kind="chat"))
    assert refused["code"] == "too_many_runs"
    await client.answer(client.say("run.stop", runId=acks[0]["runId"]))
    await client.until(type="RUN_FINISHED", runId=acks[0]["runId"])
    while quick.engine.running >= 100:
        await asyncio.sleep(0)
    assert "code" not in await client.answer(client.say("run.start", key="over", text="!say x", kind="chat"))


async def test_a_client_that_never_reads_slows_nobody_and_gets_all_when_it_reads_again(quick: SessionBench) -> None:
    quick.outbox_bytes = 3000
    reader, sleeper = quick.connect(), quick.connect()
    ack = await reader.answer(reader.say("run.start", key="1", text="!tokens 3000 3000", kind="chat"))
    sleeper.say("thread.subscribe", threadId=ack["threadId"])
    await sleeper.until(type="RUN_STARTED")
    sleeper.blocked = asyncio.Event()
    await reader.until(type="RUN_FINISHED")
    sleeper.blocked.set()
    await sleeper.until(type="RUN_FINISHED")
    assert texts(sleeper.frames) == texts(reader.frames)
    contents = [f for f in sleeper.frames if f["type"] == "TEXT_MESSAGE_CONTENT"]
    assert sum(len(f["delta"]) for f in contents) > 9000, "all of the text came"
    assert len(contents) < 1000, "what it missed came in few pieces"


async def test_a_full_disk_refuses_new_tasks_and_loses_nothing_of_those_under_way(quick: SessionBench) -> None:
    client = quick.connect()
    ack = await client.answer(client.say("run.start", key="1", text="!tokens 3000 5000", kind="chat"))
    await client.until(type="TEXT_MESSAGE_START")
    await quick.database.write(lambda c: c.exec_driver_sql(f"PRAGMA max_page_count = {_pages(c)}"))
    refused: dict[str, Any] = {}
    for number in range(200):  # the last page has some room left
        ask = client.say("run.start", key=f"new{number}", text="x" * 3000, kind="chat", model="scripted/x")
        refused = await client.answer(ask)
        if "code" in refused:
            break
    assert refused["code"] == "storage_full"
    assert refused["hint"]
    await client.until(type="TEXT_MESSAGE_CONTENT")
    await quick.database.write(lambda c: c.exec_driver_sql("PRAGMA max_page_count = 1000000"))
    await client.until(type="RUN_FINISHED", runId=ack["runId"])
    journal = await quick.journal.read(ack["runId"])
    assert journal[-2].entry.text == texts(client.frames)[f"{ack['runId']}.main"]
    assert "code" not in await client.answer(client.say("run.start", key=f"new{number}", text="!say ok", kind="chat"))


def _pages(connection: sa.Connection) -> int:
    return int(connection.exec_driver_sql("PRAGMA page_count").scalar_one())
