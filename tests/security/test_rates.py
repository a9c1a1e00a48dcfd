"""Rates on a clock of the test's own: nothing is given twice at an edge, and what is said of waiting holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alma.errors import TooMany
from alma.security.counters import Counters
from alma.security.rates import Rates, limits_of
from alma.server.limiting import left_header, policy_header
from alma.server.traffic import Traffic


class Clock:
    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def rates(clock: Clock, text: str, **more: object) -> Rates:
    return Rates({"runs": text}, clock=clock, **more)  # type: ignore[arg-type]


async def taken(rates: Rates, times: int, key: str = "ada") -> int:
    """How many of so many are let through."""
    through = 0
    for _ in range(times):
        try:
            await rates.take("runs", key)
        except TooMany:
            continue
        through += 1
    return through


async def test_burst_and_sustained_hold_together() -> None:
    clock = Clock()
    both = rates(clock, "5/second; 12/minute")
    assert await taken(both, 10) == 5
    clock.now += 2
    assert await taken(both, 10) == 5
    clock.now += 2
    assert await taken(both, 10) == 2, "the minute is used up"
    with pytest.raises(TooMany) as met:
        await both.take("runs", "ada")
    assert (met.value.code, met.value.policy, met.value.quota, met.value.window_s) == ("too_many_runs", "runs", 12, 60)
    assert await taken(both, 10, "grace") == 5, "of another caller nothing is taken"


async def test_at_the_edge_of_a_window_nothing_is_given_twice() -> None:
    clock = Clock(1019.9)  # just before a whole minute
    minute = rates(clock, "100/minute")
    assert await taken(minute, 200) == 100
    clock.now = 1020.1
    assert await taken(minute, 200) <= 1
    clock.now = 1050.0
    assert await taken(minute, 200) <= 50


async def test_what_is_refused_is_not_counted_and_a_refused_flood_delays_nobody() -> None:
    clock = Clock()
    one = rates(clock, "1/second; 100/minute")
    assert await taken(one, 500) == 1
    clock.now += 2
    assert await taken(one, 1) == 1


@given(
    st.integers(1, 50),
    st.sampled_from(["second", "minute", "hour"]),
    st.lists(st.tuples(st.floats(0, 2), st.integers(1, 60)), max_size=30),
)
async def test_after_the_wait_that_is_told_the_same_is_taken(
    quota: int, window: str, steps: list[tuple[float, int]]
) -> None:
    clock = Clock()
    some = rates(clock, f"{quota}/{window}")
    length = limits_of("runs", f"{quota}/{window}")[0].window_s
    for pause, cost in steps:
        clock.now += pause * length
        try:
            await some.take("runs", "ada", cost)
        except TooMany as error:
            assert 0 < error.retry_after_s <= 2 * length
            if cost <= quota:
                clock.now += error.retry_after_s
                await some.take("runs", "ada", cost)


@given(st.lists(st.tuples(st.floats(0, 1.5), st.integers(1, 8)), max_size=60))
async def test_within_a_window_of_the_clock_there_is_never_more_than_the_quota(steps: list[tuple[float, int]]) -> None:
    clock = Clock(0.0)
    ten = rates(clock, "10/second")
    counted: dict[int, int] = {}
    for pause, cost in steps:
        clock.now += pause
        try:
            await ten.take("runs", "ada", cost)
        except TooMany:
            continue
        counted[int(clock.now)] = counted.get(int(clock.now), 0) + cost
    assert all(count <= 10 for count in counted.values())
    left = (await ten.left("runs", "ada"))[0]
    assert 0 <= left.left <= 10


async def test_keys_that_are_over_go_and_there_are_never_more_than_the_bound() -> None:
    clock = Clock()
    counters = Counters(max_keys=1000, clock=clock)
    for number in range(5000):
        counters.add(f"address:{number}", 60, 1)
    assert len(counters) == 1000
    assert counters.window("address:4999", 60).current == 1
    clock.now += 600
    for number in range(1000):
        counters.add(f"later:{number}", 60, 1)
    assert len(counters) == 1000, "one goes for each that comes, and all of those are of now"
    assert counters.window("address:4999", 60).current == 0


async def test_a_caller_who_keeps_asking_is_not_forgotten_for_newcomers() -> None:
    clock = Clock()
    counters = Counters(max_keys=100, clock=clock)
    for number in range(1000):
        counters.add("busy", 60, 1)
        counters.add(f"address:{number}", 60, 1)
    assert counters.window("busy", 60).current == 1000


async def test_what_has_happened_is_counted_over_the_quota_and_then_there_is_nothing_left() -> None:
    clock = Clock()
    refused = Traffic()
    tokens = Rates({"tokens": "1000/minute"}, clock=clock, refusals=refused)
    await tokens.check("tokens", "ada")
    await tokens.add("tokens", "ada", 2500)
    with pytest.raises(TooMany) as met:
        await tokens.check("tokens", "ada")
    assert refused.refused == {"too_many_tokens": 1}
    clock.now += met.value.retry_after_s
    await tokens.check("tokens", "ada")


async def test_no_rates_are_no_limit() -> None:
    none = Rates({"runs": ""})
    assert await taken(none, 1000) == 1000
    assert none.policies == []


async def test_the_header_fields_are_those_of_the_draft() -> None:
    clock = Clock(960.0)
    both = Rates({"requests": "200/second; 6000/minute"}, clock=clock)
    for _ in range(50):
        await both.take("requests", "ada")
    assert policy_header(both.limits("requests")) == b'"burst";q=200;w=1, "sustained";q=6000;w=60'
    assert left_header(await both.left("requests", "ada")) == b'"burst";r=150;t=2, "sustained";r=5950;t=120'
