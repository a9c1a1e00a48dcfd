"""A policy in a world: seeds played one by one, and what came of them as curves with intervals."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from msgspec import Struct

from alma.errors import InvalidRequest
from alma.lab.library import FADINGS, POLICIES, REWARDS, WORLDS, Fading, Named, Policy, Reward, World, find, reward
from alma.lab.life import Floats, Happened, Life

POINTS = 60  # of a curve
RESAMPLES = 1000
_MASS = 0.95


class Band(Struct, frozen=True):
    """A mean over seeds by task, and in which it lies with 95 % (bootstrap over seeds)."""

    mean: list[float]
    low: list[float]
    high: list[float]


class Curves(Struct, frozen=True):
    """`at`: after which task each point is. `regret`: what the best arm would have brought more, summed up; `reward`:
    of a task, expected, over the tasks since the point before; `best`: the share of those that the best arm did.
    `regrets`, `rewards`: of each seed in all, and per task."""

    world: str
    policy: str
    tasks: int
    seeds: int
    at: list[int]
    regret: Band
    reward: Band
    best: Band
    regrets: list[float]
    rewards: list[float]


class Stopped(Exception):
    """Whoever asked has left."""


@reward("thumb")
def thumb(happened: Happened) -> float | None:
    """What the user said; costs are no part of it, since policies take them off."""
    return happened.thumb


def run(
    world: str | World,
    policy: str | Named,
    seeds: int | Sequence[int],
    tasks: int | None = None,
    *,
    reward: str = "thumb",
    fading: str = "",
    exploration: float = 1.0,
    settings: dict[str, float] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Curves:
    """`seeds`: how many, or which. `fading`: a curve of retention in place of Alma's own; only policies that take one
    can have it. Raises `NotFound` for a name that the lab does not know, `Stopped` soon after `stop` says so."""
    in_world = find(WORLDS, "world", world) if isinstance(world, str) else world
    by = find(POLICIES, "policy", policy) if isinstance(policy, str) else policy
    valued: Reward = find(REWARDS, "reward", reward).make
    curve: Fading | None = find(FADINGS, "curve", fading).make if fading else None
    count = tasks or in_world.tasks
    chosen = range(seeds) if isinstance(seeds, int) else seeds
    if not chosen or count < 1:
        raise InvalidRequest(
            "bad_lab_run", "A run needs tasks and seeds.", expected="at least one", actual=f"{count}, {len(chosen)}"
        )
    worths, bests = np.zeros((len(chosen), count)), np.zeros((len(chosen), count))
    tops = np.zeros((len(chosen), count))
    for row, seed in enumerate(chosen):
        life = live(in_world, seed, count, settings)
        life = replace(life, setting=replace(life.setting, exploration=exploration))
        picks = _play(by, life, np.random.default_rng([seed, 1]), valued, curve, stop)
        worths[row] = life.worth[np.arange(count), picks]
        tops[row] = life.worth.max(axis=1)
        bests[row] = worths[row] >= tops[row] - 1e-12
    return _curves(in_world.name, by.name, worths, tops, bests)


def live(world: World, seed: int, tasks: int, settings: dict[str, float] | None = None) -> Life:
    """The life of this seed: the same for every policy."""
    unknown = (settings or {}).keys() - world.settings.keys()
    if unknown:
        raise InvalidRequest(
            "unknown_lab_setting",
            f"The world {world.name} has no setting {', '.join(sorted(unknown))}.",
            expected=", ".join(world.settings) or "none",
            actual=", ".join(sorted(unknown)),
        )
    return world.make(np.random.default_rng([seed, 0]), tasks, **(settings or {}))


def _play(
    by: Named, life: Life, dice: np.random.Generator, valued: Reward, curve: Fading | None, stop: Callable[[], bool]
) -> list[int]:
    setting = life.setting
    policy = _made(by, setting, dice, curve)
    places = {arm: at for at, arm in enumerate(setting.arms)}
    picks: list[int] = []
    for task, number in enumerate(life.kind.tolist()):
        if task % 64 == 0 and stop():
            raise Stopped
        kind = setting.kinds[number]
        arm = policy.choose(kind)
        if arm not in places:
            raise InvalidRequest(
                "unknown_arm", f"{by.name} chose what is no arm.", expected=", ".join(places), actual=repr(arm)
            )
        picks.append(places[arm])
        worth = valued(life.happened(task, places[arm]))
        if worth is None:
            continue
        if not 0.0 <= worth <= 1.0:
            raise InvalidRequest(
                "bad_reward", "A reward is out of bounds.", expected="a number from 0 to 1", actual=repr(worth)
            )
        policy.heard(kind, arm, worth)
    return picks


def _made(by: Named, setting: Any, dice: np.random.Generator, curve: Fading | None) -> Policy:
    if curve is None:
        return by.make(setting, dice)
    if "fading" not in inspect.signature(by.make).parameters:
        raise InvalidRequest(
            "bad_lab_run", f"The policy {by.name} takes no curve.", expected="alma, careful", actual=by.name
        )
    return by.make(setting, dice, fading=curve)


def _curves(world: str, policy: str, worths: Floats, tops: Floats, bests: Floats) -> Curves:
    seeds, tasks = worths.shape
    edges = np.unique(np.linspace(0, tasks, min(POINTS, tasks) + 1).astype(int))
    lost = np.cumsum(tops - worths, axis=1)
    widths = np.diff(edges)
    return Curves(
        world,
        policy,
        tasks,
        seeds,
        edges[1:].tolist(),
        _band(lost[:, edges[1:] - 1]),
        _band(np.add.reduceat(worths, edges[:-1], axis=1) / widths),
        _band(np.add.reduceat(bests, edges[:-1], axis=1) / widths),
        [round(float(one), 6) for one in lost[:, -1]],
        [round(float(one), 6) for one in worths.mean(axis=1)],
    )


def _band(values: Floats) -> Band:
    means = values[_resampled(len(values))].mean(axis=1)
    edge = (1.0 - _MASS) / 2.0
    low, high = np.quantile(means, edge, axis=0), np.quantile(means, 1.0 - edge, axis=0)
    return Band(*(np.round(one, 5).tolist() for one in (values.mean(axis=0), low, high)))


def _resampled(count: int) -> Any:
    return np.random.default_rng(0).integers(count, size=(RESAMPLES, count))


def ratio(one: Sequence[float], other: Sequence[float]) -> tuple[float, float, float]:
    """Of the sums over the same seeds, with the interval of a paired bootstrap."""
    above, below = np.asarray(one), np.asarray(other)
    drawn = _resampled(len(above))
    ratios = above[drawn].sum(axis=1) / np.maximum(below[drawn].sum(axis=1), 1e-9)
    edge = (1.0 - _MASS) / 2.0
    low, high = np.quantile(ratios, edge), np.quantile(ratios, 1.0 - edge)
    return float(above.sum() / max(below.sum(), 1e-9)), float(low), float(high)
