"""How well requests are told apart and planned without a strong model: MiniLM routes, patterns plan.

The requests stand in `tests/agent/requests/`, each with its kind, whether it has something to split, and the options,
criteria and constraints it names. `seen` served to build with; `held_out` was written before and never looked at, and
only its totals are printed. Named: the share of options and criteria that stand word for word in the goal of a task.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import yaml

from alma.agent.boundary import classify
from alma.agent.facts import read_facts
from alma.agent.plan_check import PlanLimits, check
from alma.agent.planner import PlanAsk, decide
from alma.agent.route import Example, Vectors
from alma.events import KINDS, Kind
from alma.memory.embedder import Embedder
from alma.models.fetch import fetch_all
from alma.plan import Plan
from bench import rig

REQUESTS = rig.REPO / "tests" / "agent" / "requests"
HALVES = ("seen", "held_out")
ROLES = ("analyst", "coder", "critic", "researcher", "writer")
BATCH = 16  # texts that are embedded at once
# figure → the least it may be
TARGETS = {"kind": 0.95, "valid": 1.0, "named": 0.95}


class Request(msgspec.Struct):
    """One line of an evaluation set."""

    text: str
    kind: Kind
    planned: bool = False
    options: list[str] = []
    criteria: list[str] = []
    constraints: list[str] = []


def requests(half: str) -> list[Request]:
    return [msgspec.json.decode(one, type=Request) for one in (REQUESTS / f"{half}.jsonl").read_bytes().splitlines()]


def examples() -> list[Example]:
    """The Manager's, as they stand in its file."""
    front = (rig.REPO / "agents" / "manager.md").read_text(encoding="utf-8").split("---\n")[1]
    kinds = yaml.safe_load(front)["kinds"]
    return [Example(text, kind) for kind in KINDS for text in kinds[kind]["examples"]]


async def embedded(texts: list[str], embedder: Embedder) -> Vectors:
    """In small batches: the embedder has a deadline for each."""
    return np.vstack([await embedder.embed(texts[at : at + BATCH]) for at in range(0, len(texts), BATCH)])


async def kinds_right(asked: list[Request], embedder: Embedder) -> float:
    known = examples()
    vectors = await embedded([one.text for one in known], embedder)
    tasks = await embedded([one.text for one in asked], embedder)
    right = [classify(task, known, vectors).kind == one.kind for task, one in zip(tasks, asked, strict=True)]
    return sum(right) / len(right)


def plans(asked: list[Request]) -> dict[str, float]:
    """Shares over the analytical requests; `decided`: split or not, as the set says."""
    analytical = [one for one in asked if one.kind == "analytical"]
    limits = PlanLimits()
    valid: list[bool] = []
    decided: list[bool] = []
    named: list[bool] = []
    bound: list[bool] = []
    tasks: list[int] = []
    longest = 0
    began = time.perf_counter()
    decisions = [decide(PlanAsk(one.text, ROLES, limits)) for one in analytical]
    spent = time.perf_counter() - began
    for one, decision in zip(analytical, decisions, strict=True):
        plan = decision if isinstance(decision, Plan) else None
        decided.append((plan is not None) == one.planned)
        goals = [task.goal.casefold() for task in plan.tasks] if plan else []
        named += [any(item.casefold() in goal for goal in goals) for item in one.options + one.criteria]
        bound += [any(item.casefold() in goal for goal in goals) for item in one.constraints]
        if plan is not None:
            valid.append(not check(plan, one.text, read_facts(one.text), ROLES, limits))
            tasks.append(len(plan.tasks))
            longest = max(longest, *(len(goal.split()) for goal in goals))
    return {
        "valid": sum(valid) / len(valid),
        "named": sum(named) / len(named),
        "constraints": round(sum(bound) / len(bound), 3),
        "decided": round(sum(decided) / len(decided), 3),
        "plans": len(tasks),
        "tasks_mean": round(sum(tasks) / len(tasks), 2),
        "longest_goal_words": longest,
        "ms_per_decision": round(1000 * spent / len(analytical), 2),
    }


async def measure(data_dir: Path) -> dict[str, dict[str, Any]]:
    """The figures of both halves, with the real embedder."""
    embedder = Embedder(data_dir / "models" / "minilm")
    running = asyncio.create_task(embedder.run())
    try:
        return {
            half: {"requests": len(asked), "kind": await kinds_right(asked, embedder), **plans(asked)}
            for half in HALVES
            for asked in [requests(half)]
        }
    finally:
        running.cancel()
        await asyncio.wait([running])


def main() -> int:
    rig.options(__doc__)
    data_dir = Path(os.environ.get("TEST_ALMA_DATA_DIR", rig.REPO / ".alma"))
    fetch_all(data_dir)
    figures = asyncio.run(measure(data_dir))
    print(f"{'':20}" + "".join(f"{half:>12}" for half in HALVES))
    for what in figures[HALVES[0]]:
        print(f"{what:20}" + "".join(f"{figures[half][what]:12.4g}" for half in HALVES))
    targets = {
        f"{half}_{what}": (figures[half][what], ">=", least) for half in HALVES for what, least in TARGETS.items()
    }
    return rig.report("plans", figures, targets)


if __name__ == "__main__":
    sys.exit(main())
