"""The worlds and policies of the lab, and what is said of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alma.errors import InvalidRequest, NotFound
from alma.lab.library import POLICIES, WORLDS
from alma.lab.plot import plot
from alma.lab.running import Rules, Stopped, known, live, play, ratio, run, thumb


@pytest.mark.parametrize("name", sorted(known().worlds))
def test_a_life_is_the_same_for_the_same_seed_and_another_for_another(name: str) -> None:
    world = WORLDS[name]
    one, again, other = (live(world, seed, 50) for seed in (3, 3, 4))
    assert np.array_equal(one.thumb, again.thumb)
    assert np.array_equal(one.kind, again.kind)
    assert not np.array_equal(one.thumb, other.thumb)
    assert one.worth.shape == one.thumb.shape == one.said.shape == (50, len(one.setting.arms))
    assert world.about


@pytest.mark.parametrize("name", sorted(known().policies))
def test_every_policy_chooses_arms_and_the_curves_are_whole(name: str) -> None:
    curves = run("costly", name, 2, 40)
    assert (curves.world, curves.policy, curves.tasks, curves.seeds) == ("costly", name, 40, 2)
    assert curves.at[-1] == 40
    for band in (curves.regret, curves.reward, curves.best):
        assert len(band.mean) == len(band.low) == len(band.high) == len(curves.at)
        assert all(a <= b + 1e-9 and b <= c + 1e-9 for a, b, c in zip(band.low, band.mean, band.high, strict=True))
    assert curves.regret.mean == sorted(curves.regret.mean), "it only grows"


def test_the_best_arm_changes_when_the_world_says_so() -> None:
    for name in ("drift", "rising"):
        life = live(WORLDS[name], 1, 10, {"at": 5})
        best = life.worth.argmax(axis=1)
        assert set(best[:5]) != set(best[5:])


def test_lazy_users_say_little_and_liars_the_opposite() -> None:
    lazy = live(WORLDS["lazy"], 1, 4000)
    assert 0.15 < lazy.said.mean() < 0.25
    assert lazy.said[lazy.thumb == 0].mean() > lazy.said[lazy.thumb == 1].mean()
    lying = live(WORLDS["adversarial"], 1, 20_000)
    assert np.corrcoef(lying.thumb[:, 0], lying.worth[:, 0])[0, 1] >= 0
    honest = live(WORLDS["adversarial"], 1, 20_000, {"inverted": 0.0})
    assert np.mean(lying.thumb != honest.thumb) == pytest.approx(0.2, abs=0.01)


def test_nothing_is_lost_where_all_are_equal() -> None:
    assert run("null", "random", 2, 50).regret.mean[-1] == 0.0


def test_learning_is_worth_it() -> None:
    learned, turns = run("tastes", "alma", 4, 200), run("tastes", "round_robin", 4, 200)
    mean, low, high = ratio(learned.regrets, turns.regrets)
    assert low <= mean <= high < 0.8
    assert sum(learned.best.mean[-15:]) / 15 > 0.4, "a fourth would be chance"


def test_less_exploration_stays_nearer_to_what_is_usual() -> None:
    bold, shy = (
        run("adversarial", "alma", 3, 200, exploration=share, settings={"usual_best": 1}) for share in (1, 0.05)
    )
    assert sum(shy.regrets) < sum(bold.regrets)


@given(st.lists(st.floats(0.1, 10), min_size=2, max_size=8))
@settings(max_examples=20)
def test_a_ratio_to_itself_is_one(values: list[float]) -> None:
    assert ratio(values, values) == pytest.approx((1.0, 1.0, 1.0))


def test_a_run_ends_when_nobody_waits_for_it() -> None:
    with pytest.raises(Stopped):
        run("tastes", "alma", 50, stop=lambda: True)


def test_what_there_is_not_is_said() -> None:
    with pytest.raises(NotFound) as world:
        run("moon", "alma", 1)
    assert "drift" in (world.value.expected or "")
    with pytest.raises(InvalidRequest) as setting:
        run("drift", "alma", 1, settings={"colour": 1})
    assert "fall" in (setting.value.expected or "")
    with pytest.raises(InvalidRequest):
        run("drift", "alma", [], 5)


def test_the_plot_has_a_letter_for_each_policy_and_its_scale() -> None:
    drawn = plot([run("drift", name, 2, 60) for name in ("alma", "usual", "random")])
    lines = drawn.splitlines()
    assert lines[0] == "regret in drift, 2 seeds"
    assert [line.split() for line in lines[-3:]] == [["a", "alma"], ["u", "usual"], ["r", "random"]]
    assert "60 tasks" in drawn
    assert all(letter in "".join(lines[1:-5]) for letter in "aur")


def test_what_is_played_is_what_the_life_has() -> None:
    life = live(WORLDS["drift"], 2, 30)
    played = play(POLICIES["usual"], life, 2, Rules(thumb))
    assert np.array_equal(played.worth, life.worth[:, 0])
    assert np.array_equal(played.top, life.worth.max(axis=1))
