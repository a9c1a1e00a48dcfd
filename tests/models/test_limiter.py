"""How many calls an endpoint bears: what any history of answers, latencies and refusals leaves true."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from alma.models.limiter import GROWN, SLACK, Limiter

latencies = st.floats(0.001, 100)
events = st.lists(
    st.one_of(
        st.tuples(st.just("answered"), latencies, st.integers(1, 64)),
        st.tuples(st.just("refused"), latencies, st.integers(1, 64)),
    ),
    max_size=200,
)


def told(limiter: Limiter, history: list[tuple[str, float, int]]) -> list[int]:
    """The limits after each event; calls follow one another, each as long as its latency."""
    limits, now = [], 0.0
    for what, seconds, active in history:
        begun, now = now, now + seconds
        if what == "answered":
            limiter.succeeded(begun=begun, now=now, first_token_s=seconds, active=active)
        else:
            limiter.refused(begun=begun, now=now)
        limits.append(limiter.limit)
    return limits


@given(st.integers(1, 64), events)
def test_stays_between_one_and_what_its_owner_allows(most, history):
    assert all(1 <= limit <= most for limit in told(Limiter(most), history))


@given(st.integers(2, 64), events)
def test_a_refusal_never_raises_it_and_lowers_it_unless_it_is_one(most, history):
    limiter = Limiter(most)
    told(limiter, history)
    before = limiter.limit
    limiter.refused(begun=1e9, now=1e9 + 1)
    assert limiter.limit < before or before == 1


@given(st.integers(2, 64), st.integers(2, 50))
def test_refusals_of_one_burst_lower_it_once(most, burst):
    limiter = Limiter(most)
    for late in range(burst):
        limiter.refused(begun=0.0, now=1.0 + late)
    assert limiter.limit == max(1, most // 2)


@given(st.integers(1, 64), events)
def test_comes_back_while_calls_succeed_as_fast_as_ever(most, history):
    limiter = Limiter(most)
    told(limiter, history)
    told(limiter, [("answered", 0.001, 64)] * 5000)
    assert limiter.limit == most


@given(st.integers(1, 64), st.floats(0.01, 10), st.lists(st.floats(1, 2.9), min_size=1, max_size=100))
def test_latency_near_its_best_costs_nothing(most, best, factors):
    history = [("answered", best * factor, most) for factor in (1, *factors)]
    assert told(Limiter(most), history)[-1] == most


@given(st.integers(2, 64), st.floats(0.01, 10))
def test_latency_far_beyond_its_best_lowers_it(most, best):
    limiter = Limiter(most)
    told(limiter, [("answered", best, most)] * 5)
    limits = told(limiter, [("answered", (GROWN * best + SLACK) * 10, most)] * 3)
    assert min(limits) < most


def test_an_endpoint_that_became_slow_for_good_is_not_held_at_one_for_ever():
    limiter = Limiter(8)
    told(limiter, [("answered", 0.1, 8)] * 20)
    limits = told(limiter, [("answered", 5.0, 8)] * 80)
    assert min(limits) == 1
    assert limits[24] > 1
    assert limits[-1] == 8


def test_a_limit_that_nobody_comes_near_does_not_grow():
    limiter = Limiter(32)
    limiter.refused(begun=0.0, now=1.0)
    assert told(limiter, [("answered", 0.1, 1)] * 500)[-1] == 16
