"""What goes wrong in a simulated world, and when: drawn for each seed, over before the world is judged."""

from __future__ import annotations

from random import Random
from typing import Literal

from msgspec import Struct

from alma.sim.cast import REQUESTS, Manners
from alma.sim.network import Losses

FaultName = Literal["kill", "stop", "pause", "storage", "cut_off", "disconnect"]
_NAMES: tuple[FaultName, ...] = ("kill", "kill", "kill", "stop", "pause", "pause", "storage", "cut_off", "disconnect")
_HORIZON_S = 25.0


class Planned(Struct, frozen=True):
    """One fault: `at` seconds after the beginning, for so long, in the process with that number."""

    at: float
    name: FaultName
    seconds: float
    process: int


class Weather(Struct, frozen=True):
    """Everything that a seed decides beforehand. `horizon`: when (seconds) the last fault is over and users become
    diligent. `whims`: how often (of 1) a user does something uncalled for."""

    processes: int
    asks: list[dict[str, object]]
    manners: Manners
    losses: Losses
    storage: float  # of 1: a transaction that fails outside of a storage fault
    whims: float
    run_seconds: float
    run_tokens: int
    faults: list[Planned]
    horizon: float = _HORIZON_S


def forecast(random: Random) -> Weather:
    processes = random.choice((1, 2, 2, 3))
    calm = random.random() < 0.1  # a world in which nothing goes wrong must be as right as the others
    asks: list[dict[str, object]] = [_ask(random, number) for number in range(random.choice((1, 1, 1, 2)))]
    manners = Manners(
        strong=random.random() < 0.6,
        faults=0.0 if calm else random.choice((0.0, 0.05, 0.15, 0.4)),
        acts=random.choice((0.2, 0.4, 0.6)),
        seconds=random.choice((0.0, 0.0, 0.0, 3.0)),
        tool_calls=random.choice((1, 4)),
    )
    faults = [] if calm else [_planned(random, processes) for _ in range(random.choice((0, 1, 2, 3, 5, 8)))]
    return Weather(
        processes=processes,
        asks=asks,
        manners=manners,
        losses=Losses() if calm else _losses(random),
        storage=0.0 if calm else random.choice((0.0, 0.0, 0.03)),
        whims=0.0 if calm else random.choice((0.0, 0.0, 0.05, 0.15)),
        run_seconds=random.choice((0.0, 0.0, 0.0, 20.0)),
        run_tokens=random.choice((0, 0, 0, 3000)),
        faults=sorted(faults, key=lambda fault: fault.at),
    )


def _ask(random: Random, number: int) -> dict[str, object]:
    text = random.choice(REQUESTS if number else REQUESTS[:2] * 3 + REQUESTS)
    kind = "analytical" if text.startswith("Compare") else random.choice(("chat", "creative"))
    return {"key": f"k{number}", "text": text, "kind": kind, "approve": random.random() < 0.15}


def _losses(random: Random) -> Losses:
    often = random.choice((0.0, 0.0, 0.1))
    return Losses(
        news=random.choice((0.0, 0.02, 0.2, 1.0)), tickets=often, twice=random.choice((0.0, 0.0, 0.2)), acks=often
    )


def _planned(random: Random, processes: int) -> Planned:
    at = random.random() ** 2 * _HORIZON_S * 0.8  # most of it while there is much to do
    seconds = random.choice((0.3, 2.0, 9.0)) * (0.5 + random.random())
    return Planned(at, random.choice(_NAMES), min(seconds, _HORIZON_S - at), random.randrange(processes))
