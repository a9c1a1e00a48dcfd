"""A pool over real servers: who is asked, what happens when one fails, who waits, and what is said when nobody can."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import aiohttp
import pytest
from endpoints_at_hand import HEAD, ask, collect, raw_server, read_request, text_of
from pools import QUICK, broken, of_run, pooled, settled, upstreams

from alma.errors import (
    EndpointCut,
    EndpointError,
    EndpointFailed,
    EndpointRateLimited,
    EndpointRejected,
    EndpointUnauthorized,
    EndpointUnreachable,
)
from alma.models.chat import Chunk
from alma.models.choice import Member
from alma.models.client import OpenAIClient
from alma.models.script import Fault, Rule
from alma.models.traffic import Traffic

# ── failing over ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "fault",
    [
        broken("status", status=500),
        broken("status", status=429),
        broken("status", status=401),
        broken("status", status=404),
        broken("status", status=302),
        broken("unreachable"),
        broken("html"),
        broken("cut"),
        Rule(answer="", pieces=[]),
    ],
    ids=["500", "429", "401", "404", "302", "unreachable", "html", "cut", "silent"],
)
async def test_who_fails_before_the_first_token_is_replaced(session, fault):
    async with upstreams(session, "bad", "good") as (bad, good):
        bad.says(fault)
        pool = pooled(bad.member(), good.member())
        chunks = await collect(pool, ask("x"))
        if chunks[-1].tried == ():  # the good one was asked first
            chunks = await collect(pool, ask("x"))
    assert text_of(chunks) == "good here"
    assert chunks[-1].endpoint == "good"
    (tried,) = chunks[-1].tried
    assert (tried.endpoint, tried.code[:9]) == ("bad", "endpoint_")


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_what_is_wrong_with_the_request_goes_up_at_once(session, status):
    async with upstreams(session, "a", "b") as (a, b):
        for one in (a, b):
            one.says(broken("status", status=status))
        with pytest.raises(EndpointRejected):
            await collect(pooled(a.member(), b.member()), ask("x"))
        assert a.asked + b.asked == 1


async def test_an_error_in_mid_stream_says_how_many_others_can_go_on_and_the_next_attempt_gets_one(session):
    async with upstreams(session, "a", "b", "c") as all_three:
        for one in all_three:
            one.says(broken("cut", after=2))
        pool = pooled(*(one.member() for one in all_three))
        failed: list[str] = []
        for _ in range(2):
            chunks: list[Chunk] = []
            with pytest.raises(EndpointCut) as caught:
                await collect(pool, of_run("r", task_id="t"), chunks)
            assert text_of(chunks) == "one two"
            assert caught.value.others == 2
            failed.append(caught.value.endpoint)
        assert len(set(failed)) == 2


async def test_one_alone_is_asked_again_after_a_pause(session):
    async with upstreams(session, "a") as (a,):
        a.says(Rule(answer="well again", fault=Fault("status", times=2)))
        chunks = await collect(pooled(a.member()), ask("x"))
        assert text_of(chunks) == "well again"
        assert [tried.code for tried in chunks[-1].tried] == ["endpoint_failed"] * 2


async def test_tries_have_an_end(session):
    async with upstreams(session, "a", "b") as (a, b):
        for one in (a, b):
            one.says(broken("status", status=500))
        with pytest.raises(EndpointFailed, match=r"No endpoint of pool/m can answer now: a .*; b .*"):
            await collect(pooled(a.member(), b.member()), ask("x"))
        assert a.asked + b.asked == 4


async def test_a_model_that_one_does_not_have_is_asked_for_elsewhere(session):
    async with upstreams(session, "a", "b") as (a, b):
        a.says(broken("status", status=404))
        pool = pooled(a.member(), b.member())
        for _ in range(10):
            assert text_of(await collect(pool, ask("x"))) == "b here"
        assert a.asked <= 1
        assert a.traffic.state == "closed", "the endpoint itself is well"


# ── breakers ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_retry_after_is_obeyed(session):
    now = 0.0
    async with upstreams(session, "a") as (a,):
        a.traffic = Traffic(8, clock=lambda: now)
        pool = pooled(a.member())
        a.says(broken("status", status=429, retry_after=30.0))
        with pytest.raises(EndpointRateLimited) as caught:
            await collect(pool, ask("x"))
        assert caught.value.retry_after == 30.0
        a.says(Rule(answer="again"))
        now = 12.0
        with pytest.raises(EndpointRateLimited, match=r"a cannot be asked now: a gets nothing for 18 s") as caught:
            await collect(pool, ask("x"))
        assert caught.value.retry_after == 18.0
        assert a.asked == 1
        now = 30.0
        assert text_of(await collect(pool, ask("x"))) == "again"
        assert a.traffic.state == "closed"


async def test_a_breaker_opens_lets_one_through_and_closes(session):
    now = 0.0
    async with upstreams(session, "bad", "good") as (bad, good):
        bad.traffic = Traffic(8, clock=lambda: now)
        good.traffic = Traffic(8, clock=lambda: now)
        pool = pooled(bad.member(), good.member())
        bad.says(broken("status", status=500))
        await all_answered_by_the_good_one(pool)
        assert bad.traffic.state == "open"
        asked = bad.asked
        await all_answered_by_the_good_one(pool)
        assert bad.asked == asked
        bad.says(Rule(answer="mended", first_delay=0.05))
        now = 2.0
        assert bad.traffic.state == "half_open"
        async with asyncio.TaskGroup() as group:
            for _ in range(6):
                group.create_task(collect(pool, ask("x")))
            await settled(lambda: bad.asked > asked)
            assert bad.asked == asked + 1
        assert bad.traffic.state == "closed"


async def all_answered_by_the_good_one(pool) -> None:
    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(collect(pool, ask("x"))) for _ in range(30)]
    assert {text_of(call.result()) for call in calls} == {"good here"}


async def test_who_waits_for_one_that_opens_again_soon_gets_it(session):
    async with upstreams(session, "a") as (a,):
        a.says(Rule(answer="back", fault=Fault("status", status=429, retry_after=0.1, times=1)))
        pool = pooled(a.member())
        async with asyncio.TaskGroup() as group:
            calls = [group.create_task(collect(pool, ask("x"))) for _ in range(4)]
        assert [text_of(call.result()) for call in calls] == ["back"] * 4


async def test_when_all_are_down_it_is_said_how_each_one_is(session):
    async with upstreams(session, "slow", "odd") as (slow, odd):
        slow.says(broken("status", status=429, retry_after=40.0))
        odd.says(broken("status", status=401))
        async with raw_server(lambda reader, writer: asyncio.sleep(0)) as gone:
            pass
        dead = Member(OpenAIClient(session, endpoint="dead", base_url=gone, timeouts=QUICK), Traffic(1), "m")
        pool = pooled(slow.member(), odd.member(), dead)
        with pytest.raises(EndpointError) as caught:
            await collect(pool, ask("x"))
    said = caught.value.message
    assert "slow gets nothing for 40 s (slow is limiting requests (HTTP 429)" in said
    assert "odd gets nothing for 60 min (odd refused the key (HTTP 401)" in said
    assert "dead" in said
    assert caught.value.retryable


async def test_when_all_refuse_the_key_nobody_tries_again(session):
    async with upstreams(session, "a", "b") as (a, b):
        for one in (a, b):
            one.says(broken("status", status=401))
        with pytest.raises(EndpointUnauthorized):
            await collect(pooled(a.member(), b.member()), ask("x"))
        assert (a.asked, b.asked) == (1, 1)


# ── waiting ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_run_with_many_calls_leaves_room_for_another(session):
    ended: list[str] = []

    async def call(pool, run_id: str) -> None:
        await collect(pool, of_run(run_id))
        ended.append(run_id)

    async with upstreams(session, "a", "b") as both:
        for one in both:
            one.says(Rule(answer="ok", first_delay=0.01))
        pool = pooled(*(one.member(concurrency=1) for one in both))
        async with asyncio.TaskGroup() as group:
            for _ in range(50):
                group.create_task(call(pool, "many"))
            await settled(lambda: both[0].traffic.gate.queued == 48)
            group.create_task(call(pool, "one"))
    assert ended.index("one") <= 6
    assert [one.traffic.gate.active + one.traffic.gate.queued for one in both] == [0, 0]


@pytest.mark.parametrize("where", ["in line", "before the first token", "in mid-stream"])
async def test_cancellation_frees_its_place_at_once(session, where):
    rule = Rule(answer="one two three", first_delay=30.0 if where == "before the first token" else 0.0, delay=0.2)
    async with upstreams(session, "a") as (a,):
        a.says(rule)
        pool = pooled(a.member(concurrency=1))
        gate = a.traffic.gate
        if where == "in line":
            assert gate.try_enter()
        chunks: list[Chunk] = []
        call = asyncio.create_task(collect(pool, ask("x"), chunks))
        if where == "in line":
            await settled(lambda: gate.queued == 1)
        elif where == "in mid-stream":
            await settled(lambda: chunks)
        else:
            await settled(lambda: a.asked == 1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert (gate.active, gate.queued) == (1 if where == "in line" else 0, 0)
        assert a.traffic.health.figures(a.traffic.clock()).errors == 0


async def test_closing_the_stream_frees_the_place(session):
    async with upstreams(session, "a") as (a,):
        a.says(Rule(answer="one two three", delay=0.05))
        async with aclosing(pooled(a.member()).stream(ask("x"))) as chunks:
            async for _ in chunks:
                break
        assert a.traffic.gate.active == 0


async def test_a_place_elsewhere_is_taken_when_it_comes_first(session):
    async with upstreams(session, "a", "b") as (a, b):
        pool = pooled(a.member(concurrency=1), b.member(concurrency=1))
        assert a.traffic.gate.try_enter()
        assert b.traffic.gate.try_enter()
        call = asyncio.create_task(collect(pool, ask("x")))
        await settled(lambda: a.traffic.gate.queued and b.traffic.gate.queued)
        b.traffic.gate.leave()
        assert text_of(await call) == "b here"
        assert a.traffic.gate.queued == 0


async def test_one_that_closes_while_calls_wait_for_it_leaves_them_to_the_others(session, monkeypatch):
    monkeypatch.setattr("alma.models.pool.LOOK", 60.0)
    async with upstreams(session, "a", "b") as (a, b):
        pool = pooled(a.member(concurrency=1), b.member(concurrency=1))
        assert a.traffic.gate.try_enter()
        assert b.traffic.gate.try_enter()
        call = asyncio.create_task(collect(pool, ask("x")))
        await settled(lambda: a.traffic.gate.queued and b.traffic.gate.queued)
        a.traffic.close()
        a.traffic.gate.leave()
        assert not call.done()
        b.traffic.gate.leave()
        assert text_of(await call) == "b here"


async def test_calls_that_wait_for_one_that_is_removed_are_told(session, monkeypatch):
    monkeypatch.setattr("alma.models.pool.LOOK", 60.0)
    async with upstreams(session, "a") as (a,):
        pool = pooled(a.member(concurrency=1))
        assert a.traffic.gate.try_enter()
        call = asyncio.create_task(collect(pool, ask("x")))
        await settled(lambda: a.traffic.gate.queued)
        a.traffic.close()
        with pytest.raises(EndpointUnreachable, match="a was removed"):
            await call


async def test_429_lowers_the_limit_and_answers_raise_it(session):
    async with upstreams(session, "a") as (a,):
        pool = pooled(a.member(concurrency=4))
        a.says(Rule(answer="ok", fault=Fault("status", status=429, times=1)))
        await collect(pool, ask("x"))
        assert a.traffic.gate.limit == 2
        a.says(Rule(answer="ok", first_delay=0.005))
        for _ in range(10):
            async with asyncio.TaskGroup() as group:
                for _ in range(4):
                    group.create_task(collect(pool, ask("x")))
        assert a.traffic.gate.limit == 4


# ── what passes through ───────────────────────────────────────────────────────────────────────────────────────────


async def test_chunks_pass_through_as_they_are(session):
    seen: list[Chunk] = []

    class Watched(OpenAIClient):
        async def stream(self, request):
            async for chunk in super().stream(request):
                seen.append(chunk)
                yield chunk

    async with upstreams(session, "a") as (a,):
        a.says(Rule(answer="one two three four", delay=0.005))
        client = Watched(session, endpoint="a", base_url=a.url)
        chunks = await collect(pooled(Member(client, a.traffic, "scripted")), ask("x"))
    assert all(given is came for given, came in zip(seen[:-1], chunks[:-1], strict=True))
    assert isinstance(session, aiohttp.ClientSession)


async def test_connections_are_used_again_behind_a_pool(session):
    served = 0

    async def handle(reader, writer):
        nonlocal served
        served += 1
        while True:
            await read_request(reader)
            piece = b'data: {"choices": [{"delta": {"content": "hi"}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'
            head = HEAD.replace(b"Connection: close", b"Content-Length: %d" % len(piece))
            writer.write(head + piece)
            await writer.drain()

    async with raw_server(handle) as url:
        pool = pooled(Member(OpenAIClient(session, endpoint="e", base_url=url), Traffic(4), "m"))
        for _ in range(3):
            assert text_of(await collect(pool, ask("x"))) == "hi"
    assert served == 1
