"""How evidence fades, and faster where rewards are not what they were."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alma.learning.tally import KEEP, Evidence, Tally


def told(rewards: list[float], keep: float = KEEP) -> Tally:
    tally = Tally(keep)
    for tick, reward in enumerate(rewards, 1):
        tally.put(str(tick), Evidence(tick, reward, 1.0))
    return tally


def luck(mean: float, count: int, seed: int) -> list[float]:
    rng = random.Random(seed)
    return [float(rng.random() < mean) for _ in range(count)]


pieces = st.dictionaries(
    st.integers(0, 400), st.tuples(st.floats(0.0, 1.0), st.floats(0.01, 1.0)), min_size=1, max_size=60
)


@given(pieces=pieces, later=st.integers(0, 300), shuffle=st.randoms(use_true_random=False))
def test_sums_are_the_same_in_whatever_order_and_after_whatever_was_taken_back(
    pieces: dict[int, tuple[float, float]], later: int, shuffle: random.Random
) -> None:
    keys = list(pieces)
    one, other = Tally(), Tally()
    for key in keys:
        one.put(str(key), Evidence(key, *pieces[key]))
    shuffle.shuffle(keys)
    for key in keys:
        other.put("gone", Evidence(key, 0.5, 1.0))
        other.put(str(key), Evidence(key, 1.0, 1.0))
        other.sums(key)
        other.put(str(key), Evidence(key, *pieces[key]))
    other.drop("gone")
    now = max(keys) + later
    assert one.sums(now) == other.sums(now)


def test_evidence_fades_with_each_tick() -> None:
    tally = Tally(0.5)
    tally.put("a", Evidence(1, 1.0, 1.0))
    tally.put("b", Evidence(3, 0.25, 2.0))
    sums = tally.sums(4)
    assert (sums.good, sums.bad) == (pytest.approx(0.125 + 0.25), pytest.approx(0.75))
    assert (sums.count, sums.newest, sums.changed) == (2, 3, False)
    assert tally.sums(40).count == 0, "it has faded"


def test_a_curve_can_take_the_place_of_it() -> None:
    tally = Tally(curve=lambda age: 1.0 if age < 2 else 0.0)
    for tick in (1, 2, 3):
        tally.put(str(tick), Evidence(tick, 1.0, 1.0))
    assert tally.sums(3).good == 2.0
    assert tally.sums(9).count == 0


def test_what_was_before_a_change_counts_hardly_any_more() -> None:
    means: list[float] = []
    seen = 0
    for seed in range(20):
        sums = told(luck(0.85, 100, seed) + luck(0.25, 30, seed + 100)).sums(130)
        means.append(sums.good / (sums.good + sums.bad))
        seen += sums.changed
    assert seen >= 18
    assert sum(means) / len(means) < 0.35, "without a watch for changes it would be about 0.69"


def test_where_nothing_changes_next_to_nothing_is_lost() -> None:
    kept = []
    for seed in range(60):
        sums = told(luck(0.6, 200, seed), keep=1.0).sums(200)
        kept.append((sums.good + sums.bad) / 200)
    assert sum(kept) / len(kept) > 0.95
    assert sum(one < 0.5 for one in kept) <= 2


def test_a_change_is_news_for_a_while_only() -> None:
    assert not told(luck(0.9, 80, 1) + luck(0.2, 120, 2)).sums(200).changed


@given(st.lists(st.sampled_from([0.0, 0.3, 1.0]), min_size=1, max_size=60), st.integers(0, 100))
def test_the_shares_of_the_pieces_are_what_the_sums_are_made_of(rewards: list[float], later: int) -> None:
    tally = told(rewards)
    now = len(rewards) + later
    pieces, shares = tally.pieces(), tally.shares(now)
    good = sum(share * piece.weight * piece.reward for (_, piece), share in zip(pieces, shares, strict=True))
    assert good == pytest.approx(tally.sums(now).good)
