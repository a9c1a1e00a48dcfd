"""Learning: routing in simulated worlds, the gate for changes, memories that get better, and the real model's examples.

Each part is a program of its own too (`bench/learning_*.py`); here they are run together. `--only` names one;
the one on the real model takes minutes and runs with `--embedded` alone.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

from bench import rig

PARTS = ("worlds", "gate", "memory")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a short form, at most 45 s")
    parser.add_argument("--embedded", action="store_true", help="the part on the real model, and no other")
    parser.add_argument("--only", choices=PARTS, help="this part alone")
    options = parser.parse_args()
    parts = ("embedded",) if options.embedded else (options.only,) if options.only else PARTS
    figures: dict[str, Any] = {}
    targets: dict[str, tuple[float, str, float]] = {}
    for part, found in zip(parts, _played(parts, options.quick), strict=True):
        targets |= found.pop("targets")
        figures[part] = found
    return rig.report("learning", figures, targets)


def play(part: str, quick: bool) -> dict[str, Any]:
    return importlib.import_module(f"bench.learning_{part}").run(quick)


def _played(parts: Sequence[str], quick: bool) -> list[dict[str, Any]]:
    """In their order. The gate is simulated beside the others; none of them measures time."""
    if "gate" not in parts or len(parts) == 1:
        return [play(part, quick) for part in parts]
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        beside = pool.submit(play, "gate", quick)
        found = {part: play(part, quick) for part in parts if part != "gate"}
        return [beside.result() if part == "gate" else found[part] for part in parts]


if __name__ == "__main__":
    sys.exit(main())
