"""The record of an item: how what is believed of it went over time, what its tasks took. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from alma.learner.books import PRIOR, Belief
from alma.learning.records import Piece
from alma.learning.tally import KEEP

POINTS = 60


class Point(Struct, frozen=True):
    """After `count` tasks; `low`, `high`: in which the mean lies with 90 %."""

    at: float
    count: int
    mean: float
    low: float
    high: float


class Figures(Struct, frozen=True):
    """`ms`, `tokens`, `cost`: of one task, on average."""

    tasks: int = 0
    ms: float = 0.0
    tokens: float = 0.0
    cost: float = 0.0
    errors: int = 0


def curve(pieces: Sequence[Piece], now: Belief, points: int = POINTS) -> list[Point]:
    """The discounted mean after each of at most `points` tasks, evenly spread; the last one is what is believed `now`,
    after all changes."""
    count = len(pieces)
    shown = {round((at + 1) * count / points) - 1 for at in range(points)} if count > points else set(range(count))
    found: list[Point] = []
    good = bad = 0.0
    tick = pieces[0].tick if pieces else 0
    for number, piece in enumerate(pieces):
        faded = KEEP ** (piece.tick - tick)
        good = good * faded + piece.weight * piece.reward
        bad = bad * faded + piece.weight * (1.0 - piece.reward)
        tick = piece.tick
        if number in shown:
            if number == count - 1:
                found.append(Point(piece.outcome.at, count, now.mean, now.low, now.high))
                continue
            then = PRIOR.with_(good, bad)
            found.append(Point(piece.outcome.at, number + 1, then.mean, *then.interval()))
    return found


def figures(pieces: Sequence[Piece]) -> Figures:
    if not pieces:
        return Figures()
    tasks = [piece.task for piece in pieces]
    count = len(tasks)
    return Figures(
        count,
        sum(one.ms for one in tasks) / count,
        sum(one.tokens for one in tasks) / count,
        sum(one.cost for one in tasks) / count,
        sum(1 for one in tasks if one.error),
    )
