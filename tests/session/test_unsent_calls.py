"""Calls that Alma keeps to itself because of what came of earlier ones: they cost nothing, count for nothing, are not
tried again in vain, and their error names the true cause."""

from __future__ import annotations

import asyncio
from typing import Any

import sqlalchemy as sa

from alma.db.watch_tables import calls
from alma.models.choice import Member
from alma.models.endpoints import Price
from alma.models.pool import Pool
from alma.models.script import Fault, Rule
from alma.models.traffic import Traffic
from planned import HELD
from session_bench import Client, SessionBench


def behind_a_pool(bench: SessionBench) -> None:
    bench.models.model = Pool("scripted", [Member(bench.model, Traffic(8), "scripted", price=Price(1.0, 2.0))])


def begin(client: Client, text: str) -> None:
    client.say("run.start", key=text, text=text, kind="chat")


async def refused(client: Client, text: str) -> dict[str, Any]:
    begin(client, text)
    return await client.until(type="RUN_ERROR")


def failures(client: Client) -> list[dict[str, Any]]:
    return [frame["value"] for frame in client.frames if frame.get("name") == "alma.attempt_failed"]


async def rows(bench: SessionBench) -> list[tuple[str, int]]:
    query = sa.select(calls.c.error, calls.c.input_tokens).order_by(calls.c.at)
    found = await bench.database.read(lambda connection: connection.execute(query).all())
    return [(error, tokens) for error, tokens in found]


async def test_after_a_refused_key_nothing_is_sent_counted_or_charged_though_a_stream_broke_off_meanwhile(
    quick: SessionBench,
) -> None:
    behind_a_pool(quick)
    gate, steps = asyncio.Event(), iter((0.0,))

    async def sleep(seconds: float) -> None:
        if seconds == HELD and next(steps, HELD):  # the first piece comes, the second one waits
            await gate.wait()

    quick.model._sleep = sleep
    quick.model.script += [
        Rule("Hold", "one two three", delay=HELD, fault=Fault("cut", after=2)),
        Rule("Refuse", fault=Fault("status", status=401)),
    ]
    slow, other, later = quick.connect(), quick.connect(), quick.connect()
    begin(slow, "Hold")
    await slow.until(type="TEXT_MESSAGE_CONTENT")
    assert (await refused(other, "Refuse"))["code"] == "endpoint_unauthorized"
    gate.set()
    error = await slow.until(type="RUN_ERROR")
    assert [one["error"]["code"] for one in failures(slow)] == ["endpoint_cut", "endpoint_unauthorized"]
    assert error["code"] == "endpoint_unauthorized"
    error = await refused(later, "Say something")
    assert error["code"] == "endpoint_unauthorized"
    assert "refused the key" in error["message"]
    assert "key" in error["hint"]
    assert len(failures(later)) == 1, "nobody waits for what does not come"
    (refusal, nothing), (cut, read) = await rows(quick)
    assert (refusal, nothing, cut) == ("endpoint_unauthorized", 0, "endpoint_cut")
    assert read > 0


async def test_a_pause_that_is_longer_than_all_attempts_is_not_waited_for(quick: SessionBench) -> None:
    behind_a_pool(quick)
    quick.model.script.append(Rule(fault=Fault("status", status=429, retry_after=1800.0)))
    client = quick.connect()
    error = await refused(client, "Say something")
    assert error["code"] == "endpoint_rate_limited"
    assert [one.get("retryInMs") for one in failures(client)] == [None]
    error = await refused(client, "Say something else")
    assert error["code"] == "endpoint_rate_limited"
    assert "gets nothing for 30 min" in error["message"]
    assert await rows(quick) == [("endpoint_rate_limited", 0)]
