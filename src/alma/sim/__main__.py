"""`alma-sim`: play thousands of simulated worlds, or one of them again with everything that happens in it."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from contextlib import nullcontext

from alma.sim.breaking import SAFEGUARDS, Safeguard, without
from alma.sim.seeds import house, play_all
from alma.sim.simulation import Outcome, simulate

_MOST_SHOWN = 10  # failing seeds


def main() -> int:
    """Returns 0 when all promises held; with --break, when a broken one was found."""
    parser = argparse.ArgumentParser(prog="alma-sim", description=__doc__)
    parser.add_argument("--seeds", type=int, default=2000, help="how many worlds (2000)")
    parser.add_argument("--from", type=int, default=0, dest="first", help="the first seed (0)")
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--trace", action="store_true", help="with --seed: say everything that happens")
    parser.add_argument("--break", choices=SAFEGUARDS, dest="broken", help="take out a safeguard; seeds must fail")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes at once (one per core)")
    options = parser.parse_args()
    if options.seed is not None:
        return _play_one(options.seed, options.trace, options.broken)
    return _play_many(options.first, options.seeds, options.workers, options.broken)


def _play_one(seed: int, trace: bool, broken: Safeguard | None) -> int:
    logging.disable(logging.CRITICAL)
    with without(broken) if broken is not None else nullcontext():
        outcome = simulate(house(), seed, _tell if trace else None)
    print(f"seed {seed}: {outcome.violation or 'all promises held'}")
    print(f"{outcome.entries} entries in {outcome.seconds:.1f} virtual s; digest {outcome.digest:08x}")
    return _verdict(bool(outcome.violation), broken)


def _tell(line: str) -> None:
    print(line)


def _play_many(first: int, count: int, workers: int, broken: Safeguard | None) -> int:
    begun = time.perf_counter()
    failed: list[Outcome] = []
    entries = done = 0
    for outcome in play_all(range(first, first + count), workers, broken):
        done += 1
        entries += outcome.entries
        if outcome.violation:
            failed.append(outcome)
            if len(failed) <= _MOST_SHOWN:
                print(f"seed {outcome.seed}: {outcome.violation}", flush=True)
        if done % 500 == 0:
            print(f"{done} seeds, {len(failed)} failed", file=sys.stderr, flush=True)
    took = time.perf_counter() - begun
    print(f"{done} seeds, {entries} entries in {took:.1f} s ({done / took:.1f} seeds/s): {len(failed)} failed")
    if failed:
        print(f"See it again: alma-sim --seed {failed[0].seed} --trace")
    return _verdict(bool(failed), broken)


def _verdict(failed: bool, broken: Safeguard | None) -> int:
    return int(failed == (broken is None))


if __name__ == "__main__":
    sys.exit(main())
