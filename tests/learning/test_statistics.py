"""Statistics against known values, against their definitions, and on inputs of which nothing can be told."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alma.learning.statistics import (
    agreement,
    bca,
    cliffs_delta,
    compare,
    detectable,
    holm,
    needed,
    sign_flip,
    sliced,
)

SCORES = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=40)
RNG = np.random.default_rng


def test_the_sleep_data_of_student() -> None:
    """Cushny and Peebles 1905: ten patients, two drugs. Mean 1.58, d_z 1.285; of all 1,024 signs 4 are as far."""
    first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
    second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
    found = compare(first, second)
    assert found.difference == pytest.approx(1.58)
    assert found.d_z == pytest.approx(1.2846, abs=1e-3)
    assert found.p == pytest.approx(4 / 1024)
    assert found.low is not None
    assert found.high is not None
    assert 0.9 < found.low < 1.1  # BCa by other programs: 1.03 to 2.51, give or take the resampling
    assert 2.3 < found.high < 2.7


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.01, None, 0.02]) == pytest.approx([0.02, None, 0.02])
    assert holm([]) == []


def test_power_by_the_textbook() -> None:
    assert needed(1.0, 0.5) == 32  # (1.96 + 0.8416)² / 0.25 = 31.4
    assert needed(0.5, 0.05) == 785
    assert needed(0.0, 0.05) == 2
    assert detectable(1.0, 32) == pytest.approx(0.495, abs=1e-3)
    for sd, difference in ((math.nan, 1.0), (1.0, 0.0), (-1.0, 1.0)):
        with pytest.raises(ValueError, match="needed"):
            needed(sd, difference)


def test_kappa_by_hand() -> None:
    """Cohen's own layout: 20 + 15 of 50 agree, by chance 0.5 would: kappa 0.4."""
    one = ["yes"] * 25 + ["no"] * 25
    other = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    found = agreement(one, other)
    assert found.share == pytest.approx(0.7)
    assert found.kappa == pytest.approx(0.4)
    assert agreement([], []).share is None
    assert agreement(["yes"] * 3, ["yes"] * 3).kappa is None


@pytest.mark.parametrize(
    ("base", "other", "says"),
    [
        ([], [], "nothing can be told"),
        ([math.nan], [1.0], "nothing can be told"),
        ([0.0], [1.0], "One row alone"),
        ([0.0, 0.0], [0.5, 0.5], "same amount"),
    ],
)
def test_what_cannot_be_told_is_said_in_words(base: list[float], other: list[float], says: str) -> None:
    found = compare(base, other)
    assert says in found.why
    assert found.d_z is None


def test_scores_that_are_no_numbers_are_left_out_with_their_pair() -> None:
    found = compare([0.0, math.nan, 0.5, 0.25], [1.0, 1.0, math.inf, 0.5])
    assert (found.n, found.left_out) == (2, 2)
    assert found.difference == pytest.approx(0.625)
    with pytest.raises(ValueError, match="paired"):
        compare([1.0], [])


def test_slices_are_compared_by_themselves() -> None:
    found = sliced([0, 0, 1, 1], [1, 1, 1, 0], ["easy", "easy", "hard", ""])
    assert list(found) == ["easy", "hard"]
    assert found["easy"].difference == 1.0
    assert found["hard"].n == 1


@given(SCORES)
def test_turning_the_comparison_around_turns_its_signs(pairs: list[tuple[float, float]]) -> None:
    base, other = [one for one, _ in pairs], [two for _, two in pairs]
    there, back = compare(base, other, resamples=200), compare(other, base, resamples=200)
    assert there.difference == pytest.approx(-(back.difference or 0.0))
    assert there.delta == pytest.approx(-(back.delta or 0.0))
    if there.low is not None and there.high is not None and there.difference is not None and there.sd:
        assert min(one - two for two, one in pairs) - 1e-9 <= there.low <= there.high + 1e-9
    if len(pairs) <= 14:
        assert there.p == back.p


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=8))
def test_the_exact_p_value_is_its_definition(values: list[int]) -> None:
    differences = np.asarray(values, np.float64)
    seen = abs(sum(values))
    signs = list(itertools.product((1, -1), repeat=len(values)))
    as_far = sum(abs(sum(s * v for s, v in zip(sign, values, strict=True))) >= seen for sign in signs)
    assert sign_flip(differences, RNG(0)) == pytest.approx(as_far / len(signs))


@given(st.lists(st.integers(0, 4), min_size=1, max_size=9), st.lists(st.integers(0, 4), min_size=1, max_size=9))
def test_cliffs_delta_is_its_definition(base: list[int], other: list[int]) -> None:
    pairs = [(a, b) for a in base for b in other]
    wins = sum(b > a for a, b in pairs) - sum(b < a for a, b in pairs)
    assert cliffs_delta(np.asarray(base, float), np.asarray(other, float)) == pytest.approx(wins / len(pairs))


@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=12))
def test_holm_never_makes_anything_surer(ps: list[float | None]) -> None:
    found = holm(ps)
    assert all((q is None) == (p is None) for p, q in zip(ps, found, strict=True))
    known = sorted((p, q) for p, q in zip(ps, found, strict=True) if p is not None and q is not None)
    assert all(p <= q <= 1 for p, q in known)
    assert [q for _, q in known] == sorted(q for _, q in known)


def test_intervals_cover_as_often_as_they_say() -> None:
    rng = RNG(7)
    hits = 0
    for seed in range(300):
        low, high = bca(rng.exponential(1.0, 40), RNG(seed), resamples=400)
        hits += low <= 1.0 <= high
    assert 0.88 <= hits / 300 <= 0.98


def test_few_are_taken_for_different_where_none_are() -> None:
    rng = RNG(3)
    p = [sign_flip(rng.normal(size=12), rng) for _ in range(400)]
    assert sum(one < 0.05 for one in p) <= 35
