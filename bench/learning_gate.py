"""The gate in simulation: how often it is wrong, whom it sends back, and how long the good ones wait.

    python -m bench.learning_gate [--quick]

Each simulation looks after every task, with a canary share of 20 %. Noise: `graded` rewards as Alma's own are (three
kinds of tasks of different difficulty, standard deviation 0.15 within each), `wide` (0.26), and `bernoulli`: a thumb up
or down, nothing else. The targets are held for all three. Intervals are Wilson's, 95 %.
"""

from __future__ import annotations

import math
import sys
from typing import Any, Literal

import numpy as np

from alma.learner.judging import ALARM, CANARY, base_level, fallen
from alma.learner.version_records import SHARE, Phase, Side, Tried
from alma.learning.betting import Seen
from alma.learning.sequential import Decision, decide
from bench import rig

Noise = Literal["graded", "wide", "bernoulli"]
NOISES: tuple[Noise, ...] = ("graded", "wide", "bernoulli")
SIMULATIONS = 500
WITHIN = 60  # of the candidate's tasks
_MEANS = np.array([0.85, 0.7, 0.5])  # of the rewards of three kinds of tasks


def tasks(seed: int, noise: Noise, difference: float, most: int) -> list[Seen]:
    """Enough for `most` of the candidate's."""
    rng = np.random.default_rng(seed)
    count = round(most / SHARE * 1.15) + 100
    mine = rng.random(count) < SHARE
    kind = rng.integers(0, 3, count)
    if noise == "bernoulli":
        reward = (rng.random(count) < 0.8 + difference * mine).astype(float)
    else:
        mean = _MEANS[kind] + difference * mine
        weight = 8.0 if noise == "graded" else 2.0
        reward = rng.beta(mean * weight, (1.0 - mean) * weight)
    return [Seen(bool(c), float(r), SHARE, str(k)) for c, r, k in zip(mine, reward, kind, strict=True)]


def share_of(hits: int, of: int) -> dict[str, float]:
    """With Wilson's interval."""
    z, rate = 1.96, hits / of
    middle = (rate + z * z / (2 * of)) / (1 + z * z / of)
    half = z * math.sqrt(rate * (1 - rate) / of + z * z / (4 * of * of)) / (1 + z * z / of)
    return {"rate": rate, "low": max(middle - half, 0.0), "high": min(middle + half, 1.0)}


def scenario(noise: Noise, difference: float, times: int, most: int = CANARY.most) -> dict[str, Any]:
    found = [decide(tasks(seed, noise, difference, most), CANARY) for seed in range(times)]
    promoted = [one for one in found if one.verdict == "better"]
    back = [one for one in found if one.verdict in ("worse", "futile")]
    return {
        "promoted": share_of(len(promoted), times),
        "rolled_back": share_of(len(back), times),
        "rolled_back_within_60": share_of(sum(one.candidate <= WITHIN for one in back), times),
        "by_verdict": {verdict: sum(one.verdict == verdict for one in found) / times for verdict in _VERDICTS},
        "tasks_to_promotion": _quantiles(promoted),
        "tasks_to_rollback": _quantiles(back),
    }


_VERDICTS = ("better", "worse", "futile", "undecided")


def _quantiles(found: list[Decision]) -> dict[str, float] | None:
    """Of the candidate's tasks until the verdict."""
    if not found:
        return None
    middle, most = np.quantile([one.candidate for one in found], [0.5, 0.9])
    return {"median": float(middle), "p90": float(most)}


def drift(times: int, tasks: int = 1000, base: int = 200) -> dict[str, Any]:
    """The watch after a promotion, over what `base` tasks of a canary said of the level: false alarms in `tasks` that
    are as good as those, and how many it takes to hear a fall of ten points after them."""
    alarms, delays = 0, []
    for seed in range(times):
        rng = np.random.default_rng(seed)
        level = base_level(_watched(rng, 0.0, base, "canary", "base"))
        assert level is not None
        steady = _watched(rng, 0.0, tasks, "watch", "candidate")
        heard = fallen(level, [*steady, *_watched(rng, -0.1, tasks, "watch", "candidate")]) >= ALARM
        alarms += bool(heard[:tasks].any())
        after = heard[tasks:]
        delays.append(int(np.argmax(after)) + 1 if after.any() else tasks)
    return {"false_alarms_in_1000": share_of(alarms, times), "tasks_to_alarm_median": float(np.median(delays))}


def _watched(rng: np.random.Generator, difference: float, count: int, phase: Phase, arm: Side) -> list[Tried]:
    kind = rng.integers(0, 3, count)
    mean = _MEANS[kind] + difference
    reward = rng.beta(mean * 8.0, (1.0 - mean) * 8.0)
    rows = zip(reward, kind, strict=True)
    return [Tried("v", phase, arm, f"r{at}", 0.0, reward=float(r), context=str(k)) for at, (r, k) in enumerate(rows)]


def run(quick: bool) -> dict[str, Any]:
    """Figures, and `targets` as `rig.report` takes them. `quick` leaves out what is no target."""
    figures: dict[str, Any] = {"simulations": SIMULATIONS, "share": SHARE}
    targets: dict[str, tuple[float, str, float]] = {}
    for noise in NOISES:
        found = {
            "equal": scenario(noise, 0.0, SIMULATIONS),
            "worse": scenario(noise, -0.1, SIMULATIONS, WITHIN if quick else CANARY.most),
        }
        if not quick:
            found["better"] = scenario(noise, 0.1, SIMULATIONS)
        targets[f"gate_false_promotions_{noise}"] = (found["equal"]["promoted"]["rate"], "<=", 0.05)
        targets[f"gate_worse_back_within_60_{noise}"] = (found["worse"]["rolled_back_within_60"]["rate"], ">=", 0.95)
        figures[noise] = found
    if not quick:
        figures["drift"] = drift(100)
    return {**figures, "targets": targets}


def main() -> int:
    figures = run(rig.options(__doc__).quick)
    targets = figures.pop("targets")
    return rig.report("learning_gate", figures, targets)


if __name__ == "__main__":
    sys.exit(main())
