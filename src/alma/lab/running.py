"""A policy in a world: seeds played one by one, and what came of them as curves with intervals."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from alma.errors import InvalidRequest
from alma.lab import policies, worlds
from alma.lab.library import FADINGS, POLICIES, REWARDS, WORLDS, Fading, Named, Policy, Reward, World, find, reward
from alma.lab.life import Floats, Happened, Life, Setting

SHIPPED = (worlds, policies)  # what comes along is in the library as soon as these are imported
POINTS = 60  # of a curve
MANY = 4  # times its usual value that a count of a world may be
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


class Rules(Struct, frozen=True):
    """What a reward is, how evidence fades (None: as the policy has it), and how much may be explored."""

    reward: Reward
    fading: Fading | None = None
    exploration: float = 1.0


class Played(Struct, frozen=True):
    """One life, by task: what the arm that was chosen was to bring, and what the best one was."""

    worth: Floats
    top: Floats


class Known(Struct, frozen=True):
    """All that there is by name, with what somebody's own files added so far."""

    worlds: dict[str, World]
    policies: dict[str, Named]
    rewards: dict[str, Named]
    fadings: dict[str, Named]


def known() -> Known:
    return Known(WORLDS, POLICIES, REWARDS, FADINGS)


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
    count = in_world.tasks if tasks is None else tasks
    chosen = range(seeds) if isinstance(seeds, int) else seeds
    if not chosen or count < 1:
        raise InvalidRequest(
            "bad_lab_run", "A run needs tasks and seeds.", expected="at least one", actual=f"{count}, {len(chosen)}"
        )
    rules = Rules(
        find(REWARDS, "reward", reward).make, find(FADINGS, "curve", fading).make if fading else None, exploration
    )
    played = [play(by, live(in_world, seed, count, settings), seed, rules, stop) for seed in chosen]
    return gather(in_world.name, by.name, played)


def play(by: Named, life: Life, seed: int, rules: Rules, stop: Callable[[], bool] = lambda: False) -> Played:
    life = replace(life, setting=replace(life.setting, exploration=rules.exploration))
    picks = _picks(by, life, np.random.default_rng([seed, 1]), rules, stop)
    return Played(life.worth[np.arange(len(picks)), picks], life.worth.max(axis=1))


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
    given = {name: _as_usual(name, value, world.settings[name]) for name, value in (settings or {}).items()}
    try:
        return world.make(np.random.default_rng([seed, 0]), tasks, **given)
    except ValueError as error:
        raise InvalidRequest(
            "bad_lab_setting",
            f"The world {world.name} cannot be made so.",
            expected="settings not far from the usual ones",
            actual=f"{given}: {error}",
        ) from error


def _as_usual(name: str, value: float, usual: float) -> float:
    """Of the type of the usual value; a count of no more than some times that, or a world would not fit into memory."""
    if isinstance(usual, bool):
        return bool(value)
    if not isinstance(usual, int):
        return float(value)
    if not (1 <= value <= MANY * usual and value == int(value)):
        raise InvalidRequest(
            "bad_lab_setting",
            f"The setting {name} is a count.",
            expected=f"a whole number from 1 to {MANY * usual}",
            actual=f"{value:g}",
        )
    return int(value)


def _picks(by: Named, life: Life, dice: np.random.Generator, rules: Rules, stop: Callable[[], bool]) -> list[int]:
    setting = life.setting
    policy = _made(by, setting, dice, rules.fading)
    places = {arm: at for at, arm in enumerate(setting.arms)}
    picks: list[int] = []
    kinds: list[int] = life.kind.tolist()
    for task, number in enumerate(kinds):
        if task % 64 == 0 and stop():
            raise Stopped
        kind = setting.kinds[number]
        arm = policy.choose(kind)
        if arm not in places:
            raise InvalidRequest(
                "unknown_arm", f"{by.name} chose what is no arm.", expected=", ".join(places), actual=repr(arm)
            )
        picks.append(places[arm])
        worth = rules.reward(life.happened(task, places[arm]))
        if worth is None:
            continue
        if not 0.0 <= worth <= 1.0:
            raise InvalidRequest(
                "bad_reward", "A reward is out of bounds.", expected="a number from 0 to 1", actual=repr(worth)
            )
        policy.heard(kind, arm, worth)
    return picks


def _made(by: Named, setting: Setting, dice: np.random.Generator, curve: Fading | None) -> Policy:
    if curve is None:
        return by.make(setting, dice)
    if "fading" not in inspect.signature(by.make).parameters:
        raise InvalidRequest(
            "bad_lab_run", f"The policy {by.name} takes no curve.", expected="alma, careful", actual=by.name
        )
    return by.make(setting, dice, fading=curve)


def gather(world: str, policy: str, played: Sequence[Played]) -> Curves:
    """`played`: of each seed, equally long."""
    worths, tops = np.stack([one.worth for one in played]), np.stack([one.top for one in played])
    bests = (worths >= tops - 1e-12).astype(np.float64)
    seeds, tasks = worths.shape
    edges: NDArray[np.int64] = np.unique(np.linspace(0, tasks, min(POINTS, tasks) + 1, dtype=np.int64))
    lost = np.cumsum(tops - worths, axis=1)
    widths: NDArray[np.int64] = edges[1:] - edges[:-1]
    return Curves(
        world,
        policy,
        tasks,
        seeds,
        edges[1:].tolist(),
        band(lost[:, edges[1:] - 1]),
        band(np.add.reduceat(worths, edges[:-1], axis=1) / widths),
        band(np.add.reduceat(bests, edges[:-1], axis=1) / widths),
        [round(float(one), 6) for one in lost[:, -1]],
        [round(float(one), 6) for one in worths.mean(axis=1)],
    )


def band(values: Floats) -> Band:
    """Of seeds, by point."""
    means = values[_resampled(len(values))].mean(axis=1)
    edge = (1.0 - _MASS) / 2.0
    low, high = np.quantile(means, edge, axis=0), np.quantile(means, 1.0 - edge, axis=0)
    return Band(*(np.round(one, 5).tolist() for one in (values.mean(axis=0), low, high)))


def _resampled(count: int) -> NDArray[np.int64]:
    return np.random.default_rng(0).integers(count, size=(RESAMPLES, count))


def ratio(one: Sequence[float], other: Sequence[float]) -> tuple[float, float, float]:
    """Of the sums over the same seeds, with the interval of a paired bootstrap."""
    above, below = np.asarray(one), np.asarray(other)
    drawn = _resampled(len(above))
    ratios = above[drawn].sum(axis=1) / np.maximum(below[drawn].sum(axis=1), 1e-9)
    edge = (1.0 - _MASS) / 2.0
    low, high = np.quantile(ratios, edge), np.quantile(ratios, 1.0 - edge)
    return float(above.sum() / max(below.sum(), 1e-9)), float(low), float(high)
