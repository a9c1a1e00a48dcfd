"""When an endpoint is left alone and tried again: single stories, and what any history leaves true."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alma.models.breaker import FIRST_PAUSE, IN_A_ROW, KEY_PAUSE, LEAST, LONGEST_ASKED, LONGEST_PAUSE, Breaker


def fail(breaker: Breaker, now: float, times: int = IN_A_ROW) -> None:
    for _ in range(times):
        breaker.failed(breaker.epoch, now)


def test_opens_after_failures_in_a_row_and_closes_after_one_good_call():
    breaker = Breaker()
    fail(breaker, 0.0, IN_A_ROW - 1)
    breaker.answered(breaker.epoch, 0.0)
    fail(breaker, 0.0, IN_A_ROW - 1)
    assert breaker.state(0.0) == "closed"
    fail(breaker, 0.0, 1)
    assert breaker.state(0.0) == "open"
    assert not breaker.take(FIRST_PAUSE / 2)
    assert breaker.state(FIRST_PAUSE) == "half_open"
    assert breaker.take(FIRST_PAUSE)
    assert not breaker.take(FIRST_PAUSE), "one call is enough to see"
    breaker.answered(breaker.epoch, FIRST_PAUSE + 1)
    assert breaker.state(FIRST_PAUSE + 1) == "closed"
    assert breaker.retry_at == 0.0


def test_opens_when_half_of_the_recent_calls_fail():
    breaker = Breaker()
    for index in range(LEAST):
        (breaker.failed if index % 2 else breaker.answered)(breaker.epoch, float(index) / 10)
    assert breaker.state(1.0) == "open"


def test_few_failures_among_many_calls_are_borne():
    breaker = Breaker()
    for index in range(500):
        (breaker.failed if index % 3 == 0 else breaker.answered)(breaker.epoch, float(index))
    assert breaker.state(500.0) == "closed"


def test_its_pauses_grow_and_are_short_again_after_a_good_call():
    breaker, now, pauses = Breaker(), 0.0, []
    fail(breaker, now)
    for _ in range(10):
        pauses.append(breaker.retry_at - now)
        now = breaker.retry_at
        assert breaker.take(now)
        breaker.failed(breaker.epoch, now)
    assert pauses[:4] == [1.0, 2.0, 4.0, 8.0]
    assert pauses[-1] == LONGEST_PAUSE
    now = breaker.retry_at
    assert breaker.take(now)
    breaker.answered(breaker.epoch, now)
    fail(breaker, now)
    assert breaker.retry_at == now + FIRST_PAUSE


def test_what_it_is_asked_for_is_obeyed_whatever_else_happens():
    breaker = Breaker()
    before = breaker.epoch
    breaker.held(0.0, 30.0)
    breaker.answered(before, 1.0)
    breaker.held(1.0, 5.0)
    assert not breaker.admits(29.9)
    assert breaker.admits(30.0)


def test_nobody_may_ask_for_more_than_an_hour():
    breaker = Breaker()
    breaker.held(0.0, 1e12)
    assert breaker.retry_at == LONGEST_ASKED


def test_a_refused_key_is_not_shown_again_for_an_hour():
    breaker = Breaker()
    breaker.refused_key(0.0)
    assert not breaker.admits(KEY_PAUSE - 1)
    assert breaker.admits(KEY_PAUSE)


@pytest.mark.parametrize("how", ["unused", "dropped"])
def test_a_trial_that_never_happened_leaves_room_for_another(how):
    breaker = Breaker()
    fail(breaker, 0.0)
    assert breaker.take(2.0)
    if how == "unused":
        breaker.unused()
    else:
        breaker.dropped(breaker.epoch)
    assert breaker.take(2.0)


def test_calls_of_before_it_opened_tell_nothing_about_the_trial():
    breaker = Breaker()
    old = breaker.epoch
    fail(breaker, 0.0)
    assert breaker.take(2.0)
    breaker.answered(old, 2.1)
    breaker.dropped(old)
    assert breaker.state(2.1) == "half_open"
    assert not breaker.take(2.1)
    breaker.failed(old, 2.2)
    assert breaker.retry_at == 1.0


steps = st.lists(
    st.tuples(
        st.sampled_from(["take", "answered", "failed", "dropped", "unused", "held", "old"]),
        st.floats(0, 5),
        st.floats(0.1, 100),
    ),
    max_size=300,
)


@given(steps)
def test_by_any_history(history):
    """Nothing goes out while it is open, at most one call while it is half open, and it is never shut for ever."""
    breaker, now, held_until = Breaker(), 0.0, 0.0
    under_way: list[int] = []  # epochs of the calls that went out
    trial: int | None = None
    for what, passed, seconds in history:
        now += passed
        state = breaker.state(now)
        if what == "take":
            taken = breaker.take(now)
            assert taken != (state == "open") or state == "half_open"
            assert not (taken and now < held_until)
            if taken:
                if state == "half_open":
                    assert trial != breaker.epoch, "two trials at once"
                    trial = breaker.epoch
                under_way.append(breaker.epoch)
        elif what == "held":
            breaker.held(now, seconds)
            held_until = max(held_until, now + seconds)
        elif under_way:
            epoch = under_way.pop(0 if what == "old" else -1)
            if what == "unused" and epoch == breaker.epoch:
                breaker.unused()
                trial = None if trial == epoch else trial
            elif what == "answered":
                breaker.answered(epoch, now)
            elif what in ("failed", "old"):
                breaker.failed(epoch, now)
            else:
                breaker.dropped(epoch)
                trial = None if trial == epoch else trial
        assert breaker.admits(now) == (breaker.state(now) == "closed") or breaker.state(now) == "half_open"
    for epoch in under_way:
        breaker.dropped(epoch)
    assert breaker.take(now + LONGEST_ASKED)
