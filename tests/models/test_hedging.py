"""A second member is asked when the first one is slower than usual: who wins, who is hung up on, and what it costs."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from endpoints_at_hand import ask, collect, text_of
from pools import broken, pooled, settled, upstreams

from alma.models.choice import Member
from alma.models.client import OpenAIClient
from alma.models.script import Rule
from alma.models.traffic import Traffic


async def warmed(pool, *calls_of) -> None:
    """Enough quick calls at each member that its usual latency is known."""
    for one in calls_of:
        now = one.traffic.clock()
        for _ in range(20):
            one.traffic.health.answered(now, seconds=0.02, first_token_s=0.01, tokens=2)


async def test_the_first_to_speak_wins_and_the_slower_one_is_hung_up_on(session):
    async with upstreams(session, "a", "b") as both:
        pool = pooled(*(one.member() for one in both), hedge=True)
        await warmed(pool, *both)
        for one in both:
            one.says(Rule(answer=f"{one.name} here", first_delay=30.0, times=1), Rule(answer=f"{one.name} here"))
        both[1].says(Rule(answer="b here"))
        both[0].says(Rule(answer="a here", first_delay=30.0))
        answers: Counter[str] = Counter()
        for _ in range(4):
            last = (await collect(pool, ask("x")))[-1]
            answers[last.endpoint] += 1
            if last.tried:
                assert [(tried.endpoint, tried.code) for tried in last.tried] == [("a", "slower")]
                assert last.tried[0].ms >= 290
        assert answers == {"b": 4}
        assert both[0].asked >= 1
        await settled(lambda: both[0].server.counts[""]["dropped"] == both[0].asked)
        assert [one.traffic.gate.active for one in both] == [0, 0]
        assert both[0].traffic.state == "closed"


async def test_a_hedged_call_survives_the_failure_of_either(session):
    async with upstreams(session, "a", "b") as both:
        pool = pooled(*(one.member() for one in both), hedge=True)
        await warmed(pool, *both)
        for one in both:
            one.says(Rule(answer="late but here", first_delay=0.6, times=1), broken("status", status=500))
        first = await collect(pool, ask("x"))
        assert text_of(first) == "late but here"
        both[0].says(Rule(answer="late but here", first_delay=0.6))
        both[1].says(broken("status", status=500))
        chunks = await collect(pool, ask("y"))
        assert text_of(chunks) == "late but here"
        assert [one.traffic.gate.active for one in both] == [0, 0]


async def test_without_the_setting_nobody_is_asked_twice(session):
    async with upstreams(session, "a", "b") as both:
        pool = pooled(*(one.member() for one in both))
        await warmed(pool, *both)
        for one in both:
            one.says(Rule(answer="ok", first_delay=0.5))
        await collect(pool, ask("x"))
        assert both[0].asked + both[1].asked == 1


async def test_cancelling_a_hedged_call_frees_both_places(session):
    async with upstreams(session, "a", "b") as both:
        pool = pooled(*(one.member() for one in both), hedge=True)
        await warmed(pool, *both)
        for one in both:
            one.says(Rule(answer="ok", first_delay=30.0))
        call = asyncio.create_task(collect(pool, ask("x")))
        await settled(lambda: both[0].asked + both[1].asked == 2)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert [one.traffic.gate.active for one in both] == [0, 0]


async def test_a_trial_that_stays_silent_does_not_keep_its_caller_waiting(session, monkeypatch):
    monkeypatch.setattr("alma.models.pool.TRIAL", 0.01)
    now = 0.0
    async with upstreams(session, "hangs", "good") as (hangs, good):
        for one in (hangs, good):
            one.traffic = Traffic(8, clock=lambda: now)
        pool = pooled(hangs.member(), good.member())
        hangs.says(Rule(answer="never", first_delay=30.0))
        hangs.traffic.breaker.held(now, 1.0)
        now = 1.0
        last = (await collect(pool, ask("x")))[-1]
        assert last.endpoint == "good"
        assert [(tried.endpoint, tried.code) for tried in last.tried] == [("hangs", "slower")]
        assert hangs.traffic.state == "open"


async def test_a_call_that_is_cancelled_just_as_the_second_is_asked_frees_both_places(session):
    async with upstreams(session, "a", "b") as both:
        calls: list[asyncio.Task] = []
        asked: list[str] = []

        class Second(OpenAIClient):
            def stream(self, request):
                asked.append(self.endpoint)
                if len(asked) == 2:  # before the task that would read it has taken its first step
                    calls[0].cancel()
                return super().stream(request)

        members = []
        for one in both:
            one.says(Rule(answer="ok", first_delay=30.0))
            members.append(Member(Second(session, endpoint=one.name, base_url=one.url), one.traffic, "m"))
        pool = pooled(*members, hedge=True)
        await warmed(pool, *both)
        calls.append(asyncio.create_task(collect(pool, ask("x"))))
        with pytest.raises(asyncio.CancelledError):
            await calls[0]
        assert len(asked) == 2
        assert [one.traffic.gate.active for one in both] == [0, 0]
