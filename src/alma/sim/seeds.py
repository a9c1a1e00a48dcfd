"""Many seeds: in some processes at once, each with a house of its own."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterable
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from functools import cache
from itertools import islice
from multiprocessing import get_context

from alma.sim.breaking import Safeguard, without
from alma.sim.process import House
from alma.sim.simulation import Outcome, simulate

_CHUNK = 25  # seeds that a worker takes at once

house = cache(House)  # one in each process


def play(seeds: Iterable[int], broken: Safeguard | None = None) -> Generator[Outcome]:
    """The outcomes of seeds, in this process. `broken`: without that safeguard."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)  # in a simulated world trouble is no news
    try:
        with without(broken) if broken is not None else nullcontext():
            for seed in seeds:
                yield simulate(house(), seed)
    finally:
        logging.disable(disabled)


def play_all(seeds: Iterable[int], workers: int, broken: Safeguard | None = None) -> Generator[Outcome]:
    """As `play`, in so many processes; in the order of the seeds."""
    if workers <= 1:
        yield from play(seeds, broken)
        return
    rest = iter(seeds)
    chunks = iter(lambda: list(islice(rest, _CHUNK)), [])
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for outcomes in pool.map(_play_chunk, chunks, _endless(broken)):
            yield from outcomes


def _endless(broken: Safeguard | None) -> Generator[Safeguard | None]:
    while True:
        yield broken


def _play_chunk(seeds: list[int], broken: Safeguard | None) -> list[Outcome]:
    return list(play(seeds, broken))
