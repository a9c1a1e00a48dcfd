"""The watch over a promoted version, against what its base was worth in the canary."""

from __future__ import annotations

import numpy as np
import pytest

from alma.learner.judging import ALARM, CANARY, base_level, compared, fallen, watched
from alma.learner.version_records import LEAST_SHARE, Phase, Side, Tried
from alma.learner.version_store import MOST_CANARY

MEANS = np.array([0.85, 0.7, 0.5])


def rows(seed: int, count: int, difference: float, phase: Phase = "watch", arm: Side = "candidate") -> list[Tried]:
    """Tasks of three kinds of different difficulty."""
    rng = np.random.default_rng(seed)
    kinds = rng.integers(0, 3, count)
    means = MEANS[kinds] + difference
    rewards = rng.beta(means * 8.0, (1.0 - means) * 8.0)
    return [row(str(kind), float(reward), phase, arm) for kind, reward in zip(kinds, rewards, strict=True)]


def row(context: str, reward: float | None, phase: Phase = "watch", arm: Side = "candidate", **more: str) -> Tried:
    return Tried("v", phase, arm, "r", 0.0, reward=reward, context=context, **more)  # type: ignore[arg-type]


def test_a_steady_version_is_hardly_ever_taken_back_though_the_level_is_only_estimated() -> None:
    wrong = 0
    for seed in range(20):
        level = base_level(rows(seed, 150, 0.0, "canary", "base"))
        assert level is not None
        wrong += bool((fallen(level, rows(1000 + seed, 600, 0.0)) >= ALARM).any())
    assert wrong <= 1


def test_a_fall_of_ten_points_is_heard() -> None:
    found = watched(rows(1, 200, 0.0, "canary", "base"), [*rows(2, 200, 0.0), *rows(3, 120, -0.1)])
    assert found.drifted
    assert found.tasks == 320
    assert not watched(rows(1, 200, 0.0, "canary", "base"), rows(2, 200, 0.0)).drifted


def test_with_too_few_tasks_of_the_base_nothing_is_watched() -> None:
    few = [row("chat", 0.9, "canary", "base")] * 9 + [row("chat", None, "canary", "base")] * 5
    found = watched(few, [row("chat", 0.0)] * 500)
    assert (found.level, found.drifted, found.tasks) == (None, False, 500)
    assert watched([*few, few[0]], [row("chat", 0.0)] * 500).drifted


def test_of_a_kind_that_the_canary_did_not_have_the_least_is_asked() -> None:
    level = base_level([row("easy", 0.9, "canary", "base")] * 20 + [row("hard", 0.4, "canary", "base")] * 20)
    assert level is not None
    assert level.average == pytest.approx(0.65)
    assert level.of("new") == level.of("hard") < 0.4
    assert level.of("easy") < 0.9


def test_a_canary_of_the_least_share_is_read_from_its_first_task_on() -> None:
    assert CANARY.most / LEAST_SHARE < MOST_CANARY


def test_what_failed_on_both_sides_was_not_compared() -> None:
    pairs = [
        row("chat", 0.0, "replay", arm, pair=pair, error=error)
        for pair, errors in (("a", ("", "")), ("b", ("x", "")), ("c", ("x", "x")))
        for arm, error in zip(("candidate", "base"), errors, strict=True)
    ]
    assert compared(pairs) == 2
