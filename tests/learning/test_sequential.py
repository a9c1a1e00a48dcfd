"""The test of a candidate against its base: what it lets through, what it sends back, whenever one looks. How often it
is wrong is measured by `bench/learning_gate.py`; here are few simulations, which see a gross mistake."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alma.learning.betting import Seen, course, detector, evidence, interval, of_pairs, of_tasks
from alma.learning.guardrails import Cost, guards
from alma.learning.holdout import held_out
from alma.learning.sequential import Decision, Rules, decide, judge, judge_pairs

RULES = Rules()


def seen(seed: int, count: int, difference: float, *, noise: str = "graded", share: float = 0.2) -> list[Seen]:
    """Tasks of three kinds, some harder, drawn for one side each."""
    rng = np.random.default_rng(seed)
    mine = rng.random(count) < share
    kind = rng.integers(0, 3, count)
    mean = np.array([0.85, 0.7, 0.5])[kind] + difference * mine
    if noise == "bernoulli":
        reward = (rng.random(count) < np.full(count, 0.8) + difference * mine).astype(float)
    else:
        reward = rng.beta(mean * 8, (1 - mean) * 8)
    return [Seen(bool(c), float(r), share, str(k)) for c, r, k in zip(mine, reward, kind, strict=True)]


def verdicts(difference: float, *, noise: str, times: int, count: int = 900) -> list[Decision]:
    return [decide(seen(seed, count, difference, noise=noise), RULES) for seed in range(times)]


def test_equal_ones_are_not_promoted_though_one_looks_after_every_task() -> None:
    for noise in ("graded", "bernoulli"):
        found = verdicts(0.0, noise=noise, times=40)
        assert sum(one.verdict == "better" for one in found) <= 3


def test_one_that_is_ten_points_worse_is_sent_back_within_sixty_of_its_tasks() -> None:
    for noise in ("graded", "bernoulli"):
        found = verdicts(-0.1, noise=noise, times=60, count=500)
        back = [one for one in found if one.verdict in ("worse", "futile") and one.candidate <= 60]
        assert len(back) >= 54
        assert not [one for one in found if one.verdict == "better"]


def test_one_that_is_ten_points_better_is_promoted() -> None:
    found = verdicts(0.1, noise="graded", times=20)
    assert sum(one.verdict == "better" for one in found) >= 19
    assert sorted(one.candidate for one in found)[10] < 80


def test_a_verdict_stays_whatever_comes_after_it() -> None:
    tasks = seen(1, 900, -0.3)
    found = judge(tasks, RULES)
    assert found.verdict == "worse"
    good = [Seen(one.candidate, 1.0 if one.candidate else 0.0, one.share) for one in tasks]
    assert judge([*tasks[: found.at], *good], RULES) == found
    assert judge(tasks[: found.at - 1], RULES).verdict == "undecided"


@settings(max_examples=40)
@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1), st.floats(0.01, 0.5)), max_size=60))
def test_no_rewards_break_it(given_tasks: list[tuple[bool, float, float]]) -> None:
    tasks = [Seen(mine, reward, share) for mine, reward, share in given_tasks]
    found = judge(tasks, RULES)
    assert found.candidate + found.base == found.at <= len(tasks)
    assert -1.0 <= found.low <= found.high <= 1.0
    assert found.better > 0.0 or found.worse > 0.0
    for claim in (-0.5, 0.0, 0.5):
        assert np.isfinite(evidence(of_tasks(tasks), claim, above=True)).all()


@given(st.floats(0.0, 1.0), st.floats(0.01, 0.5))
def test_a_bet_gains_nothing_from_the_draw_alone(reward: float, share: float) -> None:
    """Whoever does a task gets the same reward for it: on average over who does it the number bet on is 0."""
    first = [Seen(True, 0.4, share), Seen(False, 0.6, share)]
    mine = of_tasks([*first, Seen(True, reward, share)])
    theirs = of_tasks([*first, Seen(False, reward, share)])
    assert share * mine.values[-1] + (1 - share) * theirs.values[-1] == pytest.approx(0.0, abs=1e-9)
    assert mine.lowest[-1] - 1e-9 <= mine.values[-1] <= mine.highest[-1] + 1e-9
    assert theirs.lowest[-1] - 1e-9 <= theirs.values[-1] <= theirs.highest[-1] + 1e-9


def test_the_interval_holds_the_difference_at_all_times() -> None:
    missed = 0
    for seed in range(8):
        points = course(of_tasks(seen(seed, 400, 0.1)), 0.05)
        missed += any(not low <= 0.1 <= high for _, low, high in points)
        assert points[-1][0] == 400
        assert all(after[1] >= before[1] for before, after in itertools.pairwise(points))
    assert missed <= 1


def test_pairs_need_far_fewer_tasks() -> None:
    rng = np.random.default_rng(3)
    found = judge_pairs(list(rng.normal(0.2, 0.1, 40)), RULES)
    assert (found.verdict, found.candidate, found.base) == ("better", found.at, found.at)
    assert found.at <= 36
    low, high = interval(of_pairs([0.2] * 40), 0.05)
    assert low < 0.2 < high
    assert judge_pairs([-0.4] * 20, RULES).verdict == "worse"
    assert judge_pairs([], RULES).verdict == "undecided"


def test_a_difference_that_matters_is_ruled_out_without_noise() -> None:
    found = judge_pairs([0.0] * 400, Rules(most=10_000))
    assert found.verdict == "futile"
    assert "ruled out" in found.why


def test_context_takes_noise_out() -> None:
    tasks = seen(5, 600, 0.0)
    plain = [Seen(one.candidate, one.reward, one.share) for one in tasks]
    assert of_tasks(tasks).values.std() < of_tasks(plain).values.std()


def costs(seed: int, count: int, *, errors: float = 0.05, times: float = 1.0) -> list[Cost]:
    rng = np.random.default_rng(seed)
    mine = rng.random(count) < 0.3
    failed = rng.random(count) < np.where(mine, errors, 0.05)
    ms = rng.lognormal(7, 0.5, count) * np.where(mine, times, 1.0)
    return [Cost(bool(c), 0.3, bool(f), float(m), 0.0) for c, f, m in zip(mine, failed, ms, strict=True)]


def test_guardrails_break_on_harm_only() -> None:
    well = [guards(costs(seed, 300, times=1.2), paired=False) for seed in range(40)]
    assert sum(any(guard.broken for guard in found) for found in well) <= 2
    assert {guard.name for guard in well[0]} == {"errors", "latency"}, "what costs nothing is not compared"
    failing = guards(costs(1, 300, errors=0.5), paired=False)
    assert [guard.name for guard in failing if guard.broken] == ["errors"]
    slow = guards(costs(1, 300, times=3.0), paired=False)
    assert [guard.name for guard in slow if guard.broken] == ["latency"]
    assert 2.0 < next(guard.found for guard in slow if guard.name == "latency") < 4.0


def test_the_watch_hears_a_fall_and_is_rarely_wrong() -> None:
    rng = np.random.default_rng(2)
    steady = rng.beta(5.6, 2.4, 2000)
    assert detector(list(steady), [0.68] * 2000).max() < 1000
    fallen = [*steady[:300], *rng.beta(4.4, 3.6, 300)]
    alarm = int(np.argmax(detector(fallen, [0.68] * 600) >= 1000))
    assert 300 < alarm < 420


def test_half_of_the_runs_judge() -> None:
    assert 400 < sum(held_out(f"r_{number}") for number in range(1000)) < 600
    assert held_out("r_1") == held_out("r_1")
