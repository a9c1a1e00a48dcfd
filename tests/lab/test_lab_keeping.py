"""The simulated memory: what curves of retention keep in it, and that a life is the same for all of them."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import pytest

from alma.errors import InvalidRequest, NotFound
from alma.lab.keeping import FIRST, Life, memories, run
from alma.lab.library import RETENTIONS, retention
from alma.lab.running import Stopped
from alma.learning.retention import DAY, Trace


@pytest.fixture(autouse=True)
def _own_curves_go() -> Generator[None]:
    before = dict(RETENTIONS)
    yield
    RETENTIONS.clear()
    RETENTIONS.update(before)


def life(days: int = 200) -> Life:
    return memories(np.random.default_rng([1, 0]), days)


def test_a_life_is_drawn_beforehand_and_asks_for_nothing_that_is_not_there() -> None:
    one, same = life(), life()
    assert one.asked == same.asked
    assert all((a == b).all() for x, y in zip(one.near, same.near, strict=True) for a, b in zip(x, y, strict=True))
    assert all(one.made[thing] <= day for day, some in enumerate(one.asked) for thing in some)
    assert not any(one.nature[thing] == 3 for some in one.asked for thing in some), "what misleads is never needed"
    assert run("a_month", 2, 60) == run("a_month", 2, 60)


def test_who_keeps_everything_loses_nothing_and_who_keeps_nothing_finds_little() -> None:
    @retention("nothing")
    def nothing(trace: Trace, now: float) -> float:
        del trace, now
        return 0.0

    all_of_it, none_of_it = run("everything", 2, 200), run("nothing", 2, 200)
    assert max(all_of_it.lost.mean) == 0.0
    assert all_of_it.kept.mean == sorted(all_of_it.kept.mean)
    assert none_of_it.kept.mean[-1] < 0.1 * all_of_it.kept.mean[-1]
    assert np.mean(none_of_it.founds) < np.mean(all_of_it.founds) - 0.2
    assert none_of_it.found.low[-1] <= none_of_it.found.mean[-1] <= none_of_it.found.high[-1]


def test_in_few_topics_letting_go_helps_and_in_many_it_costs() -> None:
    """What is kept for nothing stands in the way only where more comes to mind than is told."""
    gain = {
        topics: np.mean(run("a_month", 2, 300, settings={"topics": topics}).founds)
        - np.mean(run("everything", 2, 300, settings={"topics": topics}).founds)
        for topics in (15, 240)
    }
    assert gain[15] > 0.03 > -0.03 > gain[240]
    assert np.mean(run("everything", 1, 60, settings={"topics": 240}).founds) > 0.95, f"there are fewer than {FIRST}"


def test_a_curve_sees_when_and_how_often_a_thing_was_used() -> None:
    seen: list[tuple[Trace, float]] = []

    @retention("watching")
    def watching(trace: Trace, now: float) -> float:
        seen.append((trace, now))
        return 1.0

    run("watching", 1, 100)
    assert all(trace.made_at <= now and trace.used_at <= now for trace, now in seen)
    assert all((trace.uses > 0) == (trace.used_at > 0) for trace, _ in seen)
    assert all(-1.0 <= trace.utility <= 1.0 for trace, _ in seen)
    assert max(now for _, now in seen) == 100 * DAY
    assert {trace.utility > 0 for trace, _ in seen} == {True, False}


def test_what_is_wrong_is_said_and_it_stops() -> None:
    @retention("odd")
    def odd(trace: Trace, now: float) -> float:
        del trace, now
        return float("nan")

    with pytest.raises(InvalidRequest, match="out of bounds"):
        run("odd", 1, 20)
    with pytest.raises(NotFound, match="no curve"):
        run("moon", 1, 20)
    for settings in ({"moons": 1.0}, {"topics": 0.5}, {"lasting": -1.0}):
        with pytest.raises(InvalidRequest):
            run("everything", 1, 20, settings=settings)
    with pytest.raises(InvalidRequest):
        run("everything", 0, 20)
    with pytest.raises(Stopped):
        run("everything", 1, 20, stop=lambda: True)
