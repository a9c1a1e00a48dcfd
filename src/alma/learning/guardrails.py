"""What a candidate must not harm, however well it is rewarded: errors, latency, cost; looked at after every task. Pure.

Errors are compared by their rate, latency and cost by the logarithm of what each task took, as far as a sixteenth or
sixteen times what the first one did. A guardrail is broken when bets that the candidate does harm beyond its limit have
won 10 to 1 (`betting.py`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from alma.learning.betting import Drawn, Seen, evidence, of_pairs, of_tasks

GuardName = Literal["errors", "latency", "cost"]
ALPHA = 0.1  # of a wrong word: rolling back is cheap
MORE_ERRORS = 0.1  # of tasks
LONGER = 1.5  # times
DEARER = 1.5
_SPAN = math.log(16.0)


class Cost(Struct, frozen=True):
    """What one task took. `pair`: what both sides did, in a paired trial."""

    candidate: bool
    share: float
    error: bool
    ms: float
    cost: float
    pair: str = ""
    context: str = ""


class Guard(Struct, frozen=True):
    """`limit`, `found`: more errors, as a share of tasks; else times as long, as dear. `odds`: won by bets on harm."""

    name: GuardName
    limit: float
    found: float
    odds: float
    broken: bool
    tasks: int


def guards(costs: Sequence[Cost], *, paired: bool) -> list[Guard]:
    """Those of which anything is known."""
    errors = [(one, 1.0 if one.error else 0.0) for one in costs]
    found = [_guard("errors", errors, MORE_ERRORS, paired=paired)]
    went = [one for one in costs if not one.error]
    found.append(_times("latency", [(one, one.ms) for one in went], LONGER, paired=paired))
    found.append(_times("cost", [(one, one.cost) for one in went], DEARER, paired=paired))
    return [guard for guard in found if guard.tasks]


def _times(name: GuardName, taken: list[tuple[Cost, float]], limit: float, *, paired: bool) -> Guard:
    """Of what took nothing, as a model that is free, nothing is said."""
    taken = [(one, value) for one, value in taken if value > 0.0]
    scaled = [(one, _scaled(value / taken[0][1])) for one, value in taken]
    return _guard(name, scaled, limit, paired=paired)


def _scaled(times: float) -> float:
    return (min(max(math.log(times), -_SPAN), _SPAN) + _SPAN) / (2.0 * _SPAN)


def _guard(name: GuardName, values: list[tuple[Cost, float]], limit: float, *, paired: bool) -> Guard:
    drawn = (
        _pairs(values) if paired else of_tasks([Seen(one.candidate, v, one.share, one.context) for one, v in values])
    )
    margin = limit if name == "errors" else math.log(limit) / (2.0 * _SPAN)
    won = evidence(drawn, margin, above=True)
    most = float(won.max()) if len(won) else 0.0
    mine = [value for one, value in values if one.candidate]
    theirs = [value for one, value in values if not one.candidate]
    difference = sum(mine) / len(mine) - sum(theirs) / len(theirs) if mine and theirs else 0.0
    found = difference if name == "errors" else math.exp(difference * 2.0 * _SPAN)
    return Guard(name, limit, found, math.exp(min(most, 700.0)), most >= -math.log(ALPHA), len(drawn.values))


def _pairs(values: list[tuple[Cost, float]]) -> Drawn:
    base = {one.pair: value for one, value in values if not one.candidate}
    return of_pairs([value - base[one.pair] for one, value in values if one.candidate and one.pair in base])
