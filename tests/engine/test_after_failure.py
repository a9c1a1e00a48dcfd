"""What follows a failed attempt: the same again, then each stand-in, then the end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from alma.engine.decide import Next, after_failure, retry_delay_ms
from alma.engine.state import TaskState


def ladder(task: TaskState, *, retryable: bool = True, asked_ms: float | None = None) -> Next:
    return after_failure(
        task,
        retryable=retryable,
        max_attempts=3,
        asked_ms=asked_ms,
        jitter=1.0,
        stand_ins=[(None, "m/2"), ("coder", None)],
    )


def test_the_ladder_is_again_then_each_stand_in_then_the_end() -> None:
    assert ladder(TaskState("1", failures=0)) == Next(retry_in_ms=500)
    assert ladder(TaskState("1", failures=1)) == Next(retry_in_ms=1000)
    assert ladder(TaskState("1", failures=2)) == Next(to_model="m/2")
    assert ladder(TaskState("1", failures=2, assignment=2)) == Next(to_role="coder")
    assert ladder(TaskState("1", failures=2, assignment=3)) == Next()
    assert ladder(TaskState("1"), retryable=False) == Next(to_model="m/2"), "trying again would not help"


def test_who_asks_for_more_time_than_all_attempts_would_give_is_not_waited_for() -> None:
    assert ladder(TaskState("1", failures=0), asked_ms=120_000) == Next(retry_in_ms=60_000)
    assert ladder(TaskState("1", failures=1), asked_ms=60_000) == Next(retry_in_ms=60_000)
    assert ladder(TaskState("1", failures=0), asked_ms=120_001) == Next(to_model="m/2")
    assert ladder(TaskState("1", failures=1, assignment=3), asked_ms=60_001) == Next()


@given(st.integers(1, 40), st.floats(0.5, 1.5))
def test_waits_grow_and_stay_bounded(failures: int, jitter: float) -> None:
    assert 250 <= retry_delay_ms(failures, None, jitter) <= 22_500
    assert retry_delay_ms(failures, 1e9, jitter) == 60_000
