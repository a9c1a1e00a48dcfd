"""Routing in simulated worlds: what Alma's bandit loses, beside the textbook's, round robin, and not learning at all.

Part of `bench.learning`. Every policy meets the same tasks, luck and moods; seeds are played one after the other, each
by all policies in turns. The constants were found on other seeds and with other parameters (docs/decisions/0020).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np

from alma.lab.library import POLICIES, WORLDS
from alma.lab.life import Floats
from alma.lab.running import Curves, Played, Rules, gather, known, live, play, ratio, thumb
from bench import rig

BY = ("alma", "careful", "thompson", "round_robin", "usual")
SCENES: dict[str, tuple[str, dict[str, float]]] = {
    "tastes": ("tastes", {}),
    "skills": ("skills", {}),
    "lazy": ("lazy", {}),
    "costly": ("costly", {}),
    "adversarial": ("adversarial", {}),
    "usual_best": ("adversarial", {"usual_best": True}),
    "drift": ("drift", {}),
    "rising": ("rising", {}),
}
STATIONARY = ("tastes", "skills", "lazy", "costly", "adversarial")
WINDOW = 20  # tasks over which it is seen whether a policy is back
NEAR = 0.9  # of the best arm's reward
NEVER = 10_000.0


def scene(job: tuple[str, int, bool]) -> dict[str, Played]:
    """One seed by all policies."""
    name, seed, quick = job
    world, settings = SCENES[name]
    life = live(WORLDS[world], seed, WORLDS[world].tasks, settings)
    return {by: play(POLICIES[by], life, seed, Rules(thumb)) for by in _by(world, quick)}


def _by(world: str, quick: bool) -> tuple[str, ...]:
    """How little is explored matters where exploring can hurt."""
    return tuple(by for by in BY if by != "careful" or (world == "adversarial" and not quick))


def back_after(one: Played, at: int) -> float:
    """Tasks after a change until the reward of a window is near the best; the window lies all after it."""
    worth, top = one.worth[at:], one.top[at:]
    held: Floats = np.convolve(worth, np.ones(WINDOW), "valid") >= NEAR * np.convolve(top, np.ones(WINDOW), "valid")
    return float(held.argmax() + WINDOW) if held.any() else NEVER


def run(quick: bool) -> dict[str, Any]:
    """Figures, and `targets` as `rig.report` takes them."""
    seeds = range(6 if quick else 50)
    scenes = [name for name in SCENES if name != "rising" or not quick]
    jobs = [(name, seed, quick) for seed in seeds for name in scenes]
    with ProcessPoolExecutor(2, get_context("spawn"), initializer=known) as pool:
        found = list(pool.map(scene, jobs))
    played = {(name, seed): one for (name, seed, _), one in zip(jobs, found, strict=True)}
    figures: dict[str, Any] = {"seeds": len(seeds)}
    print(f"\nworlds: {len(seeds)} seeds\nworld       | policy   | regret / thompson | / round robin | reward / usual")
    got: dict[str, dict[str, Curves]] = {}
    for name in scenes:
        world, _ = SCENES[name]
        curves = {by: gather(world, by, [played[name, seed][by] for seed in seeds]) for by in _by(world, quick)}
        figures[name] = {by: _against(name, by, curves) for by in ("alma", "careful") if by in curves}
        figures[name]["regret"] = {by: round(float(np.mean(one.regrets)), 2) for by, one in curves.items()}
        if name in ("drift", "rising"):
            figures[name]["back"] = _back(name, played, seeds)
        got[name] = curves
    figures["targets"] = _pooled(got, figures) if quick else _each(figures)
    return figures


def _each(figures: dict[str, Any]) -> dict[str, tuple[float, str, float]]:
    targets: dict[str, tuple[float, str, float]] = {
        "drift_back_after": (figures["drift"]["back"]["alma"][0], "<=", 150)
    }
    for name in STATIONARY:
        targets[f"{name}_regret_of_thompson"] = (figures[name]["alma"]["of_thompson"][0], "<=", 1.2)
        targets[f"{name}_regret_of_round_robin"] = (figures[name]["alma"]["of_round_robin"][0], "<=", 0.5)
    for name in ("adversarial", "usual_best"):
        for by in ("alma", "careful"):
            targets[f"{name}_{by}_reward_lost"] = (1.0 - figures[name][by]["of_usual"][0], "<=", 0.02)
    return targets


def _pooled(got: dict[str, dict[str, Curves]], figures: dict[str, Any]) -> dict[str, tuple[float, str, float]]:
    """Few seeds tell little of one world: all stationary ones are taken together, and a loss counts when its interval
    says so."""
    regrets = {
        by: [one for name in STATIONARY for one in got[name][by].regrets] for by in ("alma", "thompson", "round_robin")
    }
    return {
        "regret_of_thompson": (ratio(regrets["alma"], regrets["thompson"])[0], "<=", 1.2),
        "regret_of_round_robin": (ratio(regrets["alma"], regrets["round_robin"])[0], "<=", 0.5),
        "usual_best_reward_lost": (1.0 - figures["usual_best"]["alma"]["of_usual"][2], "<=", 0.02),
        "drift_back_after": (figures["drift"]["back"]["alma"][0], "<=", 150),
    }


def _against(name: str, by: str, got: dict[str, Curves]) -> dict[str, list[float]]:
    found = {
        "of_thompson": ratio(got[by].regrets, got["thompson"].regrets),
        "of_round_robin": ratio(got[by].regrets, got["round_robin"].regrets),
        "of_usual": ratio(got[by].rewards, got["usual"].rewards),
    }
    said = " | ".join(f"{mean:.3f} ({low:.2f}–{high:.2f})" for mean, low, high in found.values())
    print(f"{name:11s} | {by:8s} | {said}", flush=True)
    return {what: [round(value, 4) for value in values] for what, values in found.items()}


def _back(name: str, played: dict[tuple[str, int], dict[str, Played]], seeds: Sequence[int]) -> dict[str, list[float]]:
    """Median over seeds, and the quarter that took longest."""
    at = int(WORLDS[name].settings["at"])
    found: dict[str, list[float]] = {}
    for by in played[name, seeds[0]]:
        tasks = [back_after(played[name, seed][by], at) for seed in seeds]
        found[by] = [rig.median(tasks), rig.quantile(tasks, 0.75)]
    print(f"{name:11s} | back after {found['alma'][0]:.0f} tasks (a quarter later than {found['alma'][1]:.0f})")
    return found


def main() -> int:
    figures = run(rig.options(__doc__).quick)
    targets = figures.pop("targets")
    return rig.report("learning_worlds", figures, targets)


if __name__ == "__main__":
    sys.exit(main())
