"""Which member of a pool takes a call, over real servers: weights, speed, failures; and what the call cost."""

from __future__ import annotations

import asyncio

import pytest
from endpoints_at_hand import ask, collect, text_of
from pools import broken, pooled, settled, upstreams

from alma.models.endpoints import Price
from alma.models.script import Fault, Rule
from alma.models.traffic import Traffic


async def test_weights_share_the_calls(session):
    async with upstreams(session, "big", "small") as (big, small):
        for one in (big, small):
            one.says(Rule(answer="ok", first_delay=0.01))
        pool = pooled(big.member(weight=3.0), small.member(weight=1.0))
        for _ in range(20):
            async with asyncio.TaskGroup() as group:
                for _ in range(8):
                    group.create_task(collect(pool, ask("x")))
        assert 0.6 <= big.asked / (big.asked + small.asked) <= 0.9


async def test_one_that_became_slow_gets_few_calls(session):
    async with upstreams(session, "slow", "quick") as (slow, quick):
        for one, seconds in ((slow, 0.5), (quick, 0.5), (slow, 5.0)):
            one.traffic.health.answered(one.traffic.clock(), seconds=seconds, first_token_s=0.1, tokens=1)
        pool = pooled(slow.member(), quick.member())
        for _ in range(20):
            await collect(pool, ask("x"))
        assert slow.asked == 0


async def test_one_that_is_silent_for_longer_than_usual_gets_no_further_calls(session):
    now = 0.0
    async with upstreams(session, "silent", "quick") as both:
        silent, quick = both
        for one in both:
            one.traffic = Traffic(8, clock=lambda: now)
            one.traffic.health.answered(now, seconds=1.0, first_token_s=0.1, tokens=1)
        silent.says(Rule(answer="at last", first_delay=30.0))
        pool = pooled(*(one.member() for one in both))
        waiting = asyncio.create_task(collect(pooled(silent.member()), ask("x")))
        await settled(lambda: silent.asked == 1)
        now = 0.8
        async with asyncio.TaskGroup() as group:
            for _ in range(6):
                group.create_task(collect(pool, ask("x")))
        assert (silent.asked, quick.asked) == (1, 6)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting


async def test_the_last_chunk_says_what_it_cost_and_the_name_that_was_asked_for(session):
    async with upstreams(session, "a") as (a,):
        a.says(Rule(answer="one two three"))
        pool = pooled(a.member(price=Price(input=2.0, output=10.0)))
        last = (await collect(pool, ask("x", model="m")))[-1]
    assert last.cost == pytest.approx((last.usage.input_tokens * 2.0 + 3 * 10.0) / 1e6)
    assert (last.model, last.endpoint, last.tried) == ("m", "a", ())


async def test_who_failed_comes_after_others_that_are_nearly_as_good(session):
    async with upstreams(session, "bad", "good") as (bad, good):
        bad.says(broken("status", status=500))
        for one, seconds in ((bad, 0.5), (good, 1.0)):
            one.traffic.health.answered(one.traffic.clock(), seconds=seconds, first_token_s=0.01, tokens=1)
        chunks = await collect(pooled(bad.member(), good.member()), ask("x"))
        assert (text_of(chunks), bad.asked) == ("good here", 1)


async def test_who_failed_is_asked_again_before_one_that_is_many_times_slower_which_is_not_left_out(session):
    async with upstreams(session, "bad", "slow") as (bad, slow):
        bad.says(Rule(answer="bad here", fault=Fault("status", times=1)))
        for one, seconds in ((bad, 0.1), (slow, 10.0)):
            one.traffic.health.answered(one.traffic.clock(), seconds=seconds, first_token_s=0.01, tokens=1)
        pool = pooled(bad.member(), slow.member())
        assert text_of(await collect(pool, ask("x"))) == "bad here"
        bad.says(broken("status", status=500))
        assert text_of(await collect(pool, ask("y"))) == "slow here"
        assert slow.asked == 1
