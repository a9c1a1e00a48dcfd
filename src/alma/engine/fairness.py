"""Whose turn it is among groups of tickets that wait. Pure.

Groups take turns: whoever was served longest ago comes first. With weights, a turn stays its owner's, and which of the
owner's groups uses it follows from self-clocked fair queueing (Golestani 1994): each group is due 1 / weight after the
later of its owner's clock and of its own last turn; the one that is due first is served, and the owner's clock is then
what that one was due at. With equal weights that is the order of turns itself.

Weights lie between `LEAST` and `MOST`. So between two turns of a group that waits, any other group of its owner has at
most `MOST_PASSED` turns. Whoever waits also ages: by one step of priority every `AGE_S`, so that a stream of urgent
tasks holds nobody up for good.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from msgspec import Struct

Group = tuple[str, str, str]  # owner, role, model: what the limits depend on
Weight = Callable[[str, str], float]  # of an owner's role

LEAST, MOST = 0.5, 2.0
MOST_PASSED = math.ceil(MOST / LEAST) + 1
AGE_S = 30.0


def bounded(weight: float) -> float:
    """What is no number weighs as much as the others."""
    return min(max(weight, LEAST), MOST) if math.isfinite(weight) else 1.0


def aged(priority: int, waited_s: float, age_s: float = AGE_S) -> int:
    """The priority of one that has waited for so long."""
    return priority + int(max(waited_s, 0.0) / age_s)


class _Place(Struct):
    """`turn`: the lower, the sooner; `due`: by its owner's clock."""

    turn: int
    due: float


class Turns:
    """Who takes the next turn. `weight` None: nobody weighs more than another."""

    def __init__(self, weight: Weight | None = None) -> None:
        self._weight = weight
        self._places: dict[Group, _Place] = {}
        self._clocks: dict[str, float] = {}  # by owner, while a group of theirs waits
        self._groups: dict[str, int] = {}  # by owner, how many wait
        self._turn = 0

    def join(self, group: Group) -> None:
        """It has tickets now, and stands at the end."""
        owner = group[0]
        self._groups[owner] = self._groups.get(owner, 0) + 1
        self._places[group] = _Place(self._next_turn(), self._clocks.setdefault(owner, 0.0) + self._step(group))

    def leave(self, group: Group) -> None:
        """It has no tickets left."""
        owner = group[0]
        del self._places[group]
        self._groups[owner] -= 1
        if not self._groups[owner]:
            del self._groups[owner], self._clocks[owner]

    def next(self, priorities: Mapping[Group, int]) -> Group | None:
        """Who is served of those that can be; it has then had its turn. `priorities`: of these groups, which have all
        joined; the highest come first."""
        if not priorities:
            return None
        places = self._places
        highest = max(priorities.values())
        first = min((one for one, is_ in priorities.items() if is_ == highest), key=lambda one: places[one].turn)
        chosen = first
        if self._weight is not None:
            same = [one for one, is_ in priorities.items() if is_ == highest and one[0] == first[0]]
            chosen = min(same, key=lambda one: (places[one].due, places[one].turn))
            places[first].turn = places[chosen].turn  # the turn that was used is the first one's
        owner = chosen[0]
        self._clocks[owner] = max(self._clocks[owner], places[chosen].due)
        places[chosen].turn = self._next_turn()
        places[chosen].due = self._clocks[owner] + self._step(chosen)
        return chosen

    def _next_turn(self) -> int:
        self._turn += 1
        return self._turn

    def _step(self, group: Group) -> float:
        return 1.0 / bounded(self._weight(group[0], group[1])) if self._weight is not None else 1.0
