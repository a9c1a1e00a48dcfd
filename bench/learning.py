"""Learning: routing in simulated worlds, the gate for changes, memories that get better, and the real model's examples.

Each part is a program of its own too (`bench/learning_*.py`); here they are run after each other. `--only` names one;
the one on the real model takes minutes and runs with `--embedded` alone.
"""

from __future__ import annotations

import argparse
import importlib
import sys
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
    for part in parts:
        found = importlib.import_module(f"bench.learning_{part}").run(options.quick)
        targets |= found.pop("targets")
        figures[part] = found
    return rig.report("learning", figures, targets)


if __name__ == "__main__":
    sys.exit(main())
