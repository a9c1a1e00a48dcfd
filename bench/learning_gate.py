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

from alma.learning.betting import Seen, detector
from alma.learning.sequential import Decision, Rules, decide
from bench import rig

Noise = Literal["graded", "wide", "bernoulli"]
NOISES: tuple[Noise, ...] = ("graded", "wide", "bernoulli")
SHARE = 0.2
SIMULATIONS = 500
WITHIN = 60  # of the candidate's tasks
RULES = Rules()
_LEVEL = 0.68


def tasks(seed: int, noise: Noise, difference: float, most: int) -> list[Seen]:
    """Enough for `most` of the candidate's."""
    rng = np.random.default_rng(seed)
    count = round(most / SHARE * 1.15) + 100
    mine = rng.random(count) < SHARE
    kind = rng.integers(0, 3, count)
    if noise == "bernoulli":
        reward = (rng.random(count) < 0.8 + difference * mine).astype(float)
    else:
        mean = np.array([0.85, 0.7, 0.5])[kind] + difference * mine
        weight = 8.0 if noise == "graded" else 2.0
        reward = rng.beta(mean * weight, (1.0 - mean) * weight)
    return [Seen(bool(c), float(r), SHARE, str(k)) for c, r, k in zip(mine, reward, kind, strict=True)]


def share_of(hits: int, of: int) -> dict[str, float]:
    """With Wilson's interval."""
    z, rate = 1.96, hits / of
    middle = (rate + z * z / (2 * of)) / (1 + z * z / of)
    half = z * math.sqrt(rate * (1 - rate) / of + z * z / (4 * of * of)) / (1 + z * z / of)
    return {"rate": rate, "low": max(middle - half, 0.0), "high": min(middle + half, 1.0)}


def scenario(noise: Noise, difference: float, times: int, most: int = RULES.most) -> dict[str, Any]:
    found = [decide(tasks(seed, noise, difference, most), RULES) for seed in range(times)]
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


def drift(times: int, tasks: int = 1000) -> dict[str, Any]:
    """The watch after a promotion: false alarms in `tasks` steady ones, and how many it takes to hear a fall of ten
    points after them."""
    alarms, delays = 0, []
    for seed in range(times):
        rng = np.random.default_rng(seed)
        steady, fallen = rng.beta(5.6, 2.4, tasks), rng.beta(4.8, 3.2, tasks)
        levels = [_LEVEL] * (2 * tasks)
        heard = detector([*steady, *fallen], levels) >= 1000.0
        alarms += bool(heard[:tasks].any())
        after = heard[tasks:]
        delays.append(int(np.argmax(after)) + 1 if after.any() else tasks)
    return {"false_alarms_in_1000": share_of(alarms, times), "tasks_to_alarm_median": float(np.median(delays))}


def run(quick: bool) -> dict[str, Any]:
    """Figures, and `targets` as `rig.report` takes them. `quick` leaves out what is no target."""
    figures: dict[str, Any] = {"simulations": SIMULATIONS, "share": SHARE}
    targets: dict[str, tuple[float, str, float]] = {}
    for noise in NOISES:
        found = {
            "equal": scenario(noise, 0.0, SIMULATIONS),
            "worse": scenario(noise, -0.1, SIMULATIONS, WITHIN if quick else RULES.most),
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
