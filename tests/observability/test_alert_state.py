"""When a rule fires: never before its time, never to and fro within its hysteresis, never lost."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alma.observability.alert_rules import Rule
from alma.observability.alert_state import KEPT_S, Standing, Window, beyond, step
from alma.observability.sketch import Sketch

HIGH = Rule("high", "It is high", "rss", above=True, threshold=100, clear=80, for_s=30)
LOW = Rule("low", "It is low", "disk_free", above=False, threshold=10, clear=20, for_s=30)
values = st.one_of(st.none(), st.floats(-200, 200, allow_nan=False))
samples = st.lists(st.tuples(st.floats(0.1, 40), values), max_size=60)
rules = st.sampled_from([HIGH, LOW])


def states(rule: Rule, given: list[tuple[float, float | None]]) -> list[tuple[float, float | None, Standing]]:
    """(time, value, how it stands then)"""
    standing, now = Standing(), 0.0
    found: list[tuple[float, float | None, Standing]] = []
    for pause, value in given:
        now += pause
        standing = step(rule, standing, value, now)
        found.append((now, value, standing))
    return found


def test_it_fires_after_its_time_and_ends_at_clear() -> None:
    given = [(1, 101.0), (29, 120), (1, 101), (1, 90), (1, 81), (1, 80)]
    assert [one.state for *_, one in states(HIGH, given)] == ["pending", "pending", "firing", "firing", "firing", "ok"]


def test_it_fires_below_too() -> None:
    given = [(1, 9.0), (30, 9), (1, 15), (1, 20)]
    assert [one.state for *_, one in states(LOW, given)] == ["pending", "firing", "firing", "ok"]


def test_without_a_value_it_stays_for_a_while_and_is_then_over() -> None:
    given: list[tuple[float, float | None]] = [(1, 101.0), (30, 101), (KEPT_S - 1, None), (1, None)]
    assert [one.state for *_, one in states(HIGH, given)] == ["pending", "firing", "firing", "ok"]


def test_without_a_time_to_wait_it_fires_at_once() -> None:
    rule = Rule("now", "Now", "rss", above=True, threshold=1, clear=1)
    assert step(rule, Standing(), 2, 5).state == "firing"
    assert step(rule, Standing(), 1, 5).state == "ok", "the threshold itself is not above it"


@settings(max_examples=300)
@given(rules, samples)
def test_it_never_fires_before_it_was_so_for_long_enough(rule: Rule, given: list[tuple[float, float | None]]) -> None:
    past = states(rule, given)
    for at, (now, _, standing) in enumerate(past):
        if standing.state == "firing" and (at == 0 or past[at - 1][2].state != "firing"):
            recent = [(then, value) for then, value, _ in past[: at + 1] if then >= now - rule.for_s]
            assert now - past[0][0] >= rule.for_s
            assert all(value is None or beyond(rule, value) for _, value in recent)


@settings(max_examples=300)
@given(rules, samples)
def test_it_never_ends_within_its_hysteresis(rule: Rule, given: list[tuple[float, float | None]]) -> None:
    before = Standing()
    for _, value, standing in states(rule, given):
        if before.state == "firing" and standing.state != "firing" and value is not None:
            assert value <= rule.clear if rule.above else value >= rule.clear
        before = standing


@settings(max_examples=200)
@given(rules, samples)
def test_what_is_so_for_long_enough_does_fire(rule: Rule, given: list[tuple[float, float | None]]) -> None:
    *_, (now, _, standing) = [(0.0, None, Standing()), *states(rule, given)]
    bad = rule.threshold + 1 if rule.above else rule.threshold - 1
    for pause in (1.0, rule.for_s + 0.001):
        now += pause
        standing = step(rule, standing, bad, now)
    assert standing.state == "firing"


def test_a_window_adds_up_what_is_counted_and_takes_the_mean_of_the_rest() -> None:
    failed, memory, newest = Window("runs_failed", 10), Window("rss", 10), Window("rss", 0)
    assert [failed.take(value, now) for now, value in ((0, 2.0), (5, 3), (10, 1), (40, 0))] == [2, 5, 4, 0]
    assert [memory.take(value, now) for now, value in ((0, 10.0), (5, 20), (12, None))] == [10, 15, 20]
    assert memory.take(None, 40) is None
    assert newest.take(7, 0) == 7


def test_a_percentile_of_a_window_is_that_of_all_that_ended_in_it() -> None:
    def ended(*ms: float) -> dict[str, Sketch]:
        sketch = Sketch()
        for one in ms:
            sketch.add(one)
        return {"response": sketch}

    window = Window("response_p95_ms", 10)
    assert window.take(200_000, 0, ended(200_000)) == pytest.approx(200_000, rel=0.02)
    quick = [window.take(100, at, ended(*[100] * 50)) for at in (1, 2)]
    assert quick == pytest.approx([100, 100], rel=0.02), "one slow answer among a hundred"
    assert window.take(None, 9) == pytest.approx(100, rel=0.02)
    assert window.take(300, 11.5, ended(300)) == pytest.approx(100, rel=0.02)
    assert window.take(None, 12) == pytest.approx(300, rel=0.02), "those before are over"
    assert window.take(None, 40) is None
    assert Window("response_p95_ms", 0).take(100, 0, ended(300)) == 100
