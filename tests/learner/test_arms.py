"""Arms of a choice: which there are, which are worth a look, what they lose for time, and who is the least busy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alma.agent.teaching import Arm
from alma.learned import Option
from alma.learner.arms import MOST, Pace, Way, arms, costs, spread, worth_a_look

NAMES = st.text("abc", min_size=1, max_size=3)


def test_arms_are_all_ways_with_all_models_and_patterns_the_usual_one_first() -> None:
    found = arms([Way("", ["", "m/a"]), Way("brief")], ["options", "direct"])
    assert [one.id for one in found] == ["||", "||direct", "|m/a|", "|m/a|direct", "brief||", "brief||direct"]
    assert arms([Way()], []) == arms([Way()], ["options"]) == [Arm()]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.integers(1, MOST))
def test_of_many_the_usual_one_stays_and_none_that_is_left_out_is_better(means: list[float], most: int) -> None:
    all_arms = [Arm(), *(Arm(f"r{number}") for number in range(1, len(means)))]
    mean = dict(zip(all_arms, means, strict=True))
    kept = worth_a_look(all_arms, mean.__getitem__, most)
    assert kept[0] == Arm()
    assert len(kept) == min(most, len(all_arms))
    assert kept == [arm for arm in all_arms if arm in kept]
    left = [mean[arm] for arm in all_arms if arm not in kept]
    assert not left or max(left) <= min((mean[arm] for arm in kept[1:]), default=1.0)


def test_what_takes_longer_and_costs_more_loses_beside_the_least_of_all() -> None:
    paces = [Pace(1000, 0.01, 5), Pace(2000, 0.01, 5), Pace(4000, 0.04, 5), Pace()]
    assert costs(paces, time=0.1, money=0.0) == pytest.approx([0.0, 0.1, 0.15, 0.0])
    assert costs(paces, time=0.0, money=0.2) == pytest.approx([0.0, 0.0, 0.3, 0.0])
    paid = [Pace(1000, 0.0, 5), Pace(1000, 0.04, 5), Pace(1000, 0.5, 5)]
    assert costs(paid, time=0.0, money=0.2) == pytest.approx([0.0, 0.4, 0.4]), "beside what is free, all is dear"
    assert costs([Pace(count=3), Pace(5.0, 0.0, 1)], 1.0, 1.0) == [0.0, 0.0], "free and untimed lose nothing"


def option(id: str, mean: float, share: float, weight: float = 20.0, cost: float = 0.0) -> Option:
    return Option(id, mean, mean - 0.1, mean + 0.1, weight, cost, share)


ROLES = {"": "writer", "brief": "brief", "terse": "terse"}


def test_of_equal_agents_the_least_busy_one_gets_what_all_of_them_would_have_got() -> None:
    options = [option("||", 0.71, 0.6), option("brief||", 0.70, 0.3), option("terse||", 0.5, 0.1)]
    busy = {"writer": 2.0, "brief": 1.0, "terse": 0.0}
    spreaded, instead = spread(options, ROLES, busy.__getitem__)
    assert (instead("||"), instead("brief||"), instead("terse||")) == ("brief||", "brief||", "terse||")
    assert [one.share for one in spreaded] == pytest.approx([0.0, 0.9, 0.1])


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (option("brief||", 0.68, 0.3), "it is worse"),
        (option("brief||", 0.70, 0.3, weight=3.0), "little is known of it"),
        (option("brief||", 0.70, 0.3, cost=0.05), "it costs more"),
        (option("brief|m/a|", 0.70, 0.3), "another model would answer"),
        (Option("brief||", 0.69, 0.68, 0.699, 20.0, 0.0, 0.3), "the same only at the edge"),
    ],
)
def test_who_is_not_equal_does_not_stand_in(other: Option, why: str) -> None:
    first = Option("||", 0.705, 0.695, 0.71, 20.0, 0.0, 0.7) if "edge" in why else option("||", 0.71, 0.7)
    spreaded, instead = spread([first, other], ROLES, {"writer": 2.0, "brief": 0.0}.__getitem__)
    assert instead("||") == "||", why
    assert spreaded == [first, other]


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 30), st.integers(0, 3)), min_size=1, max_size=12)
)
def test_shares_are_only_moved(rows: list[tuple[float, float, float, int]]) -> None:
    options = [option(f"r{at}||", mean, share, weight) for at, (mean, share, weight, _) in enumerate(rows)]
    roles = {f"r{at}": f"r{at}" for at in range(len(rows))}
    busy = {f"r{at}": float(load) for at, (*_, load) in enumerate(rows)}
    spreaded, instead = spread(options, roles, busy.__getitem__)
    assert sum(one.share for one in spreaded) == pytest.approx(sum(one.share for one in options))
    for one in options:
        assert busy[instead(one.id).partition("|")[0]] <= busy[one.id.partition("|")[0]]
