"""The reward: what is clear outweighs what is not, the newest counts, contradictions weigh less."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alma.errors import InvalidRequest
from alma.learning.outcome import Heard
from alma.learning.reward import (
    MOST_WEIGHT,
    SIGNALS,
    UNHEARD_MOST,
    Weights,
    hear,
    kept_of,
    reckon,
    reward_of,
    weights_of,
)

values = st.floats(0, 1)
signals = st.lists(st.builds(hear, st.sampled_from(sorted(SIGNALS)), values, st.floats(0, 1e9)), max_size=20)
weights = st.dictionaries(st.sampled_from(sorted(SIGNALS)), st.floats(0, 10)).map(weights_of)


def test_nothing_heard_is_no_reward() -> None:
    assert reward_of([], Weights()) == (None, 0.0)
    assert reward_of([hear("thumb", 1, 1)], weights_of({"thumb": 0})) == (None, 0.0)


@given(signals, weights)
def test_a_reward_is_one_whatever_is_heard(heard: list[Heard], chosen: Weights) -> None:
    reward, weight = reward_of(heard, chosen)
    assert reward is None or 0.0 <= reward <= 1.0
    assert 0.0 <= weight <= MOST_WEIGHT
    assert (reward is None) == (weight == 0.0)


@given(signals, weights, st.randoms(use_true_random=False))
def test_the_order_in_which_signals_came_does_not_matter(
    heard: list[Heard], chosen: Weights, rng: random.Random
) -> None:
    once = list({(one.name, one.at): one for one in heard}.values())
    by_time = {one.at: one for one in once}  # of two at one moment nobody can say which is newer
    mixed = list(by_time.values())
    rng.shuffle(mixed)
    assert reward_of(mixed, chosen) == reward_of(list(by_time.values()), chosen)


@given(signals, weights)
def test_what_is_clear_outweighs_all_that_is_less_so(heard: list[Heard], chosen: Weights) -> None:
    """Whatever weights an owner has chosen."""
    clear = {one.name: one.kind for one, _ in reckon(heard, chosen).counted}
    kinds = set(clear.values())
    if "explicit" in kinds:
        best: str | None = "explicit"
    else:
        best = "implicit" if "implicit" in kinds else None
    if best is not None:
        said = [Heard(one.name, one.kind, float(one.kind == best), one.weight, one.at, one.why) for one in heard]
        reward, _ = reward_of(said, chosen)
        assert reward is not None
        assert reward > 0.5


def test_what_is_seen_alone_says_little() -> None:
    seen = [hear(name, 1.0, 1.0) for name, row in SIGNALS.items() if row.kind == "automatic"]
    reward, weight = reward_of(seen, Weights())
    assert reward == pytest.approx(1.0)
    assert weight == pytest.approx(UNHEARD_MOST)


def test_the_newest_of_a_name_counts_and_a_choice_takes_the_place_of_a_choice() -> None:
    assert reward_of([hear("thumb", 1, 1), hear("thumb", 0, 2)], Weights()) == (0.0, 1.0)
    assert reward_of([hear("preferred", 1, 5), hear("passed_over", 0, 4)], Weights()) == (1.0, 0.8)


def test_a_contradiction_weighs_less_than_either_side() -> None:
    up, down = hear("thumb", 1.0, 1), hear("passed_over", 0.0, 2)
    both = reward_of([up, down], Weights())
    assert both[1] < min(reward_of([up], Weights())[1], reward_of([down], Weights())[1])
    assert reward_of([up, hear("edited", 1.0, 2)], Weights())[1] == pytest.approx(1.9)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.1, 10.1])
def test_weights_are_numbers_from_0_to_10(value: float) -> None:
    with pytest.raises(InvalidRequest, match="thumb"):
        weights_of({"thumb": value})
    with pytest.raises(InvalidRequest, match="applause"):
        weights_of({"applause": 1.0})


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        ("one two three four", "one two three four", 1.0),
        ("one two three four", "one two three five", 0.75),
        ("one two three four", "zero one two three four", 0.8),
        ("one two three four", "four three two one", 0.25),
        ("one two", "three four", 0.0),
        ("", "", 1.0),
        ("one", "", 0.0),
        ("a " * 9_000, "a " * 4_500, 0.5),
        ("x " + "a b " * 5_000, "y " + "b a " * 2_500 + "z", 5_000 / 10_001),
    ],
)
def test_an_edit_is_worth_what_it_kept(before: str, after: str, kept: float) -> None:
    assert kept_of(before, after) == pytest.approx(kept, abs=1e-3)


@given(st.text(max_size=60), st.text(max_size=60))
def test_what_is_kept_is_a_share(before: str, after: str) -> None:
    assert 0.0 <= kept_of(before, after) <= 1.0
    assert kept_of(before, before) == 1.0
