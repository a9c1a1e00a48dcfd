"""Folding and deciding: pure, and the same whether entries come one by one or all at once."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from alma.engine.state import Attempt, Finish, Rest, RunState, apply, decide, fold, retry_delay_ms
from alma.events import (
    AttemptFailed,
    ErrorFacts,
    JournalEntry,
    MessageFinished,
    MessageStarted,
    Recorded,
    RouteCorrected,
    RunFinished,
    RunStarted,
    StopRequested,
    Timing,
    Usage,
)

STARTED = RunStarted(at=1, thread_id="t", owner="o", text="q")


def message_started(attempt: int) -> MessageStarted:
    return MessageStarted(
        at=1, message_id="m", attempt=attempt, role="r", model="x", endpoint="e", prompt_version="v", sections=[]
    )


def failed(attempt: int, retry: float | None) -> AttemptFailed:
    return AttemptFailed(at=10, message_id="m", attempt=attempt, error=ErrorFacts("c", "m"), retry_in_ms=retry)


def answered(reason: str = "stop") -> MessageFinished:
    return MessageFinished(
        at=1, message_id="m", attempt=1, text="a", finish_reason=reason, usage=Usage(), timing=Timing()
    )


def log(*entries: JournalEntry) -> list[Recorded]:
    return [Recorded("r", seq, entry) for seq, entry in enumerate(entries, 1)]


def decided(*entries: JournalEntry) -> object:
    return decide(fold("r", log(*entries)))


def test_each_state_has_one_next_step() -> None:
    assert decided(STARTED) == Attempt(1, 0.0)
    assert decided(STARTED, message_started(1)) == Attempt(2, 0.0), "a crash: the attempt was begun and never ended"
    assert decided(STARTED, message_started(1), failed(1, 500.0)) == Attempt(2, 10.5)
    assert decided(STARTED, failed(1, 500.0)) == Attempt(2, 10.5), "it failed before the message was begun"
    assert decided(STARTED, message_started(1), failed(1, None)) == Finish("failed", ErrorFacts("c", "m"))
    assert decided(STARTED, message_started(1), failed(1, 500.0), message_started(2)) == Attempt(3, 0.0)
    assert decided(STARTED, message_started(1), answered()) == Finish("completed")
    assert decided(STARTED, message_started(1), answered("stopped")) == Finish("canceled")
    assert decided(STARTED, StopRequested(at=1)) == Finish("canceled")
    assert decided(STARTED, message_started(1), answered(), StopRequested(at=1)) == Finish("completed")
    assert decided(STARTED, RunFinished(at=1, status="completed"), RouteCorrected(at=1, kind="chat")) == Rest()
    assert decided() == Rest()


ENTRIES = st.lists(
    st.one_of(
        st.builds(message_started, st.integers(1, 5)),
        st.builds(failed, st.integers(1, 5), st.none() | st.floats(0, 1e5)),
        st.builds(answered, st.sampled_from(["stop", "length", "stopped"])),
        st.just(StopRequested(at=1)),
        st.just(RouteCorrected(at=1, kind="chat")),
    ),
    max_size=12,
)


@given(ENTRIES, st.data())
def test_folding_step_by_step_or_twice_gives_the_same_state(entries: list[JournalEntry], data: st.DataObject) -> None:
    whole = log(STARTED, *entries)
    state = RunState("r")
    for recorded in whole:
        apply(state, recorded)
        apply(state, data.draw(st.sampled_from(whole[: recorded.seq])))  # one seen before changes nothing
    assert msgspec.to_builtins(state) == msgspec.to_builtins(fold("r", whole))


@given(ENTRIES)
def test_a_decision_always_leads_on_and_an_ended_log_rests(entries: list[JournalEntry]) -> None:
    state = fold("r", log(STARTED, *entries))
    decision = decide(state)
    assert not isinstance(decision, Rest)
    if isinstance(decision, Attempt):
        assert decision.attempt > state.attempts
    apply(state, Recorded("r", 99, RunFinished(at=1, status="completed")))
    assert decide(state) == Rest()


@given(st.integers(1, 40), st.floats(0.5, 1.5))
def test_waits_grow_and_stay_bounded(failures: int, jitter: float) -> None:
    assert 250 <= retry_delay_ms(failures, None, jitter) <= 22_500
    assert retry_delay_ms(failures, 1e9, jitter) == 60_000
