"""How much each role of an owner weighs, by demand and by record. Pure.

A role weighs more the more of its owner's tasks wait for it, and the better its runs were by what is surely known of
them. Weights of an owner are about 1 together: an owner gets no more by them. They move slowly, so that a burst of a
few seconds moves little, and stay within the bounds of `engine/fairness.py`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from msgspec import Struct

from alma.engine.dispatch import Demand
from alma.engine.fairness import LEAST, MOST, bounded

PACE = 0.2  # of the way to where a weight is going, at each step
DEMAND_PULL = 0.5  # how much twice the others' queue does, in powers of two
RECORD_PULL = 4.0  # how much a reward does that is better by 1
SURE = 8.0  # weight of evidence of which half is believed
NEAR = 0.005


class Record(Struct, frozen=True):
    """`mean`: of the reward, 0 to 1; `weight`: of the evidence it rests on; 0: nothing is known."""

    mean: float = 0.5
    weight: float = 0.0


class Moved(Struct, frozen=True):
    """A role's weight, and where it is going. `why`: in words."""

    weight: float
    goal: float
    why: str


def goals(demands: Mapping[str, Demand], records: Mapping[str, Record]) -> dict[str, float]:
    """By role, for an owner whose tasks wait for these roles, where weights are going."""
    if not demands:
        return {}
    queue = {role: demand.queued + demand.active for role, demand in demands.items()}
    usual_queue = sum(queue.values()) / len(queue)
    known = [records[role].mean for role in demands if role in records and records[role].weight > 0]
    usual_mean = sum(known) / len(known) if known else 0.5
    raw = {
        role: 2.0
        ** (
            DEMAND_PULL * math.log2((count + 1.0) / (usual_queue + 1.0))
            + RECORD_PULL * _lead(records.get(role, Record()), usual_mean)
        )
        for role, count in queue.items()
    }
    mean = sum(raw.values()) / len(raw)
    return {role: bounded(weight / mean) for role, weight in raw.items()}


def _lead(record: Record, usual: float) -> float:
    """By how much it is surely better than the others."""
    return (record.mean - usual) * record.weight / (record.weight + SURE)


def moved(
    before: Mapping[str, Moved], demands: Mapping[str, Demand], records: Mapping[str, Record]
) -> dict[str, Moved]:
    """The next weights of one owner. Of a role that nothing waits for, the weight goes back to 1, and then it is
    not named any more."""
    to = goals(demands, records)
    after: dict[str, Moved] = {}
    for role in {**before, **to}:
        goal = to.get(role, 1.0)
        was = before[role].weight if role in before else 1.0
        weight = was + PACE * (goal - was)
        if role not in to and abs(weight - 1.0) < NEAR:
            continue
        after[role] = Moved(min(max(weight, LEAST), MOST), goal, _why(role, demands, records, goal))
    return after


def eased(weights: Mapping[str, float], steps: float) -> dict[str, Moved]:
    """An owner's weights after so many steps in which nothing waited."""
    left = (1.0 - PACE) ** steps
    now = {role: bounded(1.0 + (weight - 1.0) * left) for role, weight in weights.items()}
    return {role: Moved(one, 1.0, "As it was before the start.") for role, one in now.items() if abs(one - 1.0) >= NEAR}


def _why(role: str, demands: Mapping[str, Demand], records: Mapping[str, Record], goal: float) -> str:
    demand = demands.get(role)
    if demand is None:
        return "Nothing waits for it; it goes back to an equal share."
    whole = sum(one.queued + one.active for one in demands.values())
    own = demand.queued + demand.active
    record = records.get(role, Record())
    known = f"its reward is {record.mean:.2f} on average" if record.weight > 0 else "nothing is known of its record"
    way = "more" if goal > 1 + NEAR else "less" if goal < 1 - NEAR else "as much as the others"
    return f"{own} of {whole} tasks want it, and {known}; it gets {way}."


def warm_first(demands: Mapping[str, float], records: Mapping[str, Record], most: int) -> list[str]:
    """The roles whose prompts are to be ready, best first: by how much they were wanted lately, times their record."""
    worth = {role: count * records.get(role, Record()).mean for role, count in demands.items() if count > NEAR}
    return sorted(worth, key=lambda role: (-worth[role], role))[:most]
