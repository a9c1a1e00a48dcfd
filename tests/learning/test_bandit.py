"""Which arm is chosen, how often, and that the odds that are told are those that hold."""

from __future__ import annotations

import math
import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alma.errors import InvalidRequest
from alma.learning.bandit import DOUBT, LEAST, MARGIN, SHARP, Seen, choose
from alma.learning.posterior import Posterior, prior


def arm(name: str, good: float, bad: float, **more: float | bool) -> Seen:
    return Seen(name, Posterior(1.0, 1.0), good, bad, 9, **more)  # type: ignore[arg-type]


some_arms = st.lists(
    st.builds(
        lambda mean, weight, good, bad, cost: Seen("", prior(mean, weight), good, bad, 3, cost),
        st.floats(0.0, 1.0),
        st.floats(0.5, 20.0),
        st.floats(0.0, 300.0),
        st.floats(0.0, 300.0),
        st.floats(0.0, 0.5),
    ),
    min_size=1,
    max_size=12,
).map(
    lambda arms: [
        Seen(f"a{at}", *(getattr(one, name) for name in Seen.__struct_fields__[1:])) for at, one in enumerate(arms)
    ]
)


@given(arms=some_arms, exploration=st.floats(0.0, 1.0), seed=st.integers(0, 2**32))
@settings(deadline=None)
def test_shares_are_odds_and_no_more_is_explored_than_may_be(arms: list[Seen], exploration: float, seed: int) -> None:
    picked = choose(arms, random.Random(seed), exploration=exploration)
    shares = {one.id: one.share for one in picked.options}
    assert [one.id for one in picked.options] == [one.id for one in arms]
    assert sum(shares.values()) == pytest.approx(1.0)
    assert min(shares.values()) >= 0.0
    assert picked.propensity == shares[picked.id] > 0.0
    worths = [one.mean - one.cost - MARGIN * (at > 0) for at, one in enumerate(picked.options)]
    best = picked.options[worths.index(max(worths))].id
    assert picked.explored == (picked.id != best)
    assert 1.0 - shares[best] <= exploration + 1e-9
    assert all(0.0 <= one.low <= one.high <= 1.0 for one in picked.options)


@given(arms=some_arms)
@settings(deadline=None, max_examples=25)
def test_the_shares_are_how_often_draws_are_best(arms: list[Seen]) -> None:
    shares = [one.share for one in choose(arms, random.Random(0), exploration=1.0).options]
    dice, count = np.random.default_rng(0), 40_000
    good = [SHARP * max(one.prior.good + one.good, LEAST) for one in arms]
    bad = [SHARP * max(one.prior.bad + one.bad, LEAST) for one in arms]
    draws = dice.beta(good, bad, (count, len(arms))) - [one.cost + MARGIN * (at > 0) for at, one in enumerate(arms)]
    seen = np.bincount(draws.argmax(axis=1), minlength=len(arms)) / count
    assert np.abs(seen - shares).max() < 0.02


@pytest.mark.parametrize("exploration", [0.1, 1.0])
def test_arms_are_chosen_as_often_as_is_told(exploration: float) -> None:
    arms = [arm("a", 6, 4), arm("b", 5, 5), arm("c", 1, 2, cost=0.05)]
    rng = random.Random(1)
    shares = {one.id: one.share for one in choose(arms, rng, exploration=exploration).options}
    seen = Counter(choose(arms, rng, exploration=exploration).id for _ in range(4000))
    for name, share in shares.items():
        assert seen[name] / 4000 == pytest.approx(share, abs=4 * math.sqrt(0.25 / 4000))
    assert shares["b"] > 0.02


def test_without_exploration_the_best_is_chosen_and_of_equal_ones_the_first() -> None:
    picked = choose([arm("a", 3, 3), arm("b", 5, 5), arm("c", 1, 5)], random.Random(0), exploration=0.0)
    assert (picked.id, picked.propensity, picked.explored) == ("a", 1.0, False)
    assert [one.share for one in picked.options] == [1.0, 0.0, 0.0]


def test_another_arm_than_the_first_has_to_be_better_by_a_margin() -> None:
    same = choose([arm("a", 60, 40), arm("b", 60, 40)], random.Random(0), exploration=1.0)
    assert same.options[0].share > 0.9
    better = [arm("a", 60, 40), arm("b", 60 + 100 * (MARGIN + 0.02), 40 - 100 * (MARGIN + 0.02))]
    assert choose(better, random.Random(0), exploration=0.0).id == "b"


def test_where_one_has_changed_nobody_bears_a_burden_of_proof_and_more_is_tried() -> None:
    still = [arm("a", 4, 4), arm("b", 4, 4)]
    changed = [arm("a", 4, 4, changed=True), arm("b", 4, 4)]
    before, after = (choose(arms, random.Random(0), exploration=1.0).options[1].share for arms in (still, changed))
    assert before < 0.4 < after == pytest.approx(0.5, abs=0.01)


def test_cost_is_taken_off() -> None:
    arms = [arm("cheap", 60, 40), arm("dear", 70, 30, cost=0.3)]
    assert choose(arms, random.Random(0), exploration=0.0).id == "cheap"
    assert choose(arms, random.Random(0), exploration=1.0).options[0].share > 0.99


def test_where_one_has_changed_less_is_believed_of_the_others() -> None:
    still = [arm("a", 40, 60), arm("b", 120, 180)]
    changed = [arm("a", 40, 60, changed=True), arm("b", 120, 180)]
    (_, before), (_, after) = (choose(arms, random.Random(0), exploration=1.0).options for arms in (still, changed))
    assert after.high - after.low > before.high - before.low
    assert after.mean == pytest.approx((1 + DOUBT * 0.4) / (2 + DOUBT))
    assert after.weight == 300, "what is told is what was seen"


@pytest.mark.parametrize(
    ("arms", "exploration", "code"),
    [
        ([], 0.5, "no_arms"),
        ([arm("a", 1, 1)], math.nan, "bad_exploration"),
        ([arm("a", 1, 1)], 1.1, "bad_exploration"),
        ([arm("a", math.nan, 1)], 0.5, "bad_arm"),
        ([arm("a", -1, 1)], 0.5, "bad_arm"),
        ([arm("a", 1, 1, cost=math.inf)], 0.5, "bad_arm"),
    ],
)
def test_what_cannot_be_is_refused(arms: list[Seen], exploration: float, code: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        choose(arms, random.Random(0), exploration=exploration)
    assert refused.value.code == code
