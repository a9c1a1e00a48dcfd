"""Figures over the WebSocket: who may watch them, and what becomes of a client that does not read."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from alma.session import encode
from alma.session.metric_news import MetricNews
from alma.session.wire import Payload
from session_bench import Client, SessionBench


@pytest.fixture
def news(quick: SessionBench) -> MetricNews:
    quick.sessions.metrics = MetricNews()
    return quick.sessions.metrics


def seconds(client: Client) -> list[float]:
    return [frame["value"]["at"] for frame in client.frames if frame.get("name") == "alma.metrics"]


async def test_who_watches_gets_each_second_until_they_unwatch(quick: SessionBench, news: MetricNews) -> None:
    client = quick.connect()
    await client.answer(client.say("metrics.watch"))
    await client.answer(client.say("metrics.watch"))  # twice is once
    news.tell(1, {"cpu": 12.345678, "disk_free": 123456.7})
    frame = await client.until(name="alma.metrics")
    assert frame["value"] == {"at": 1.0, "values": {"cpu": 12.346, "disk_free": 123457.0}}
    await client.answer(client.say("metrics.unwatch"))
    news.tell(2, {"cpu": 1.0})
    await client.answer(client.say("metrics.unwatch"))
    await client.answer(client.say("ping"))
    assert seconds(client) == [1.0]


async def test_others_than_administrators_may_not(quick: SessionBench, news: MetricNews) -> None:
    client = quick.connect(admin=False)
    refusal = await client.answer(client.say("metrics.watch"))
    assert refusal["code"] == "admin_only"
    news.tell(1, {"cpu": 1.0})
    await client.answer(client.say("ping"))
    assert seconds(client) == []


async def test_where_nothing_is_measured_the_refusal_says_how_to_have_it(quick: SessionBench) -> None:
    client = quick.connect()
    refusal = await client.answer(client.say("metrics.watch"))
    assert refusal["code"] == "metrics_off"
    assert "ALMA_METRICS" in refusal["hint"]


async def test_a_client_that_does_not_read_misses_seconds_and_nothing_piles_up(
    quick: SessionBench, news: MetricNews
) -> None:
    client = quick.connect()
    await client.answer(client.say("metrics.watch"))
    client.blocked = asyncio.Event()
    for second in range(1, 101):
        news.tell(second, {"cpu": float(second)})
        await asyncio.sleep(0)
    client.blocked.set()
    client.blocked = None
    await client.answer(client.say("ping"))
    assert len(seconds(client)) <= 2  # the one that was being sent, and one that waited
    news.tell(101, {"cpu": 1.0})
    await client.until(name="alma.metrics", at=101.0)


async def test_a_frame_is_encoded_once_for_all_and_not_at_all_for_nobody(
    quick: SessionBench, news: MetricNews, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[Payload] = []
    custom = encode.custom

    def counted(payload: Payload, **more: Any) -> str:
        encoded.append(payload)
        return custom(payload, **more)

    clients = [quick.connect() for _ in range(3)]
    for client in clients:
        await client.answer(client.say("metrics.watch"))
    monkeypatch.setattr(encode, "custom", counted)
    news.tell(1, {"cpu": 1.0})
    for client in clients:
        await client.until(name="alma.metrics")
    assert len(encoded) == 1
    for client in clients:
        client.inbox.put_nowait(None)
    await asyncio.wait([client.task for client in clients], timeout=10)  # type: ignore[attr-defined]
    news.tell(2, {"cpu": 1.0})
    assert len(encoded) == 1, "the connections are gone, and so are their watches"
