"""A simulated memory: what a curve of retention keeps, and what it costs to have let go. One life is a seed.

Every day some things are noted, each about one topic, and questions come; each needs one thing that was noted. Most is
needed for some days only, some of it again and again, some in bursts that are months apart (as Anderson and Schooler
found in newspapers and letters), and some misleads whoever is told it. Told are the five that come to mind first of
what is kept about the topic, so what nobody needs any more stands in the way of what somebody does. What was let go
has to be said again: then it is there again, but the question was answered without it.

When each thing is needed, and how near it is to each question, is drawn beforehand: every curve meets the same life. As
in refinement, a memory is archived where the curve gives less than `FADED`; its trace has its uses and its utility.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from alma.errors import InvalidRequest
from alma.lab.library import RETENTIONS, Dice, MakeLife, Named, World, find, retention
from alma.lab.life import Floats
from alma.lab.running import POINTS, Band, Stopped, band, live
from alma.learning.retention import CURVES, DAY, Curve, Trace
from alma.memory.ranking import UTILITY
from alma.memory.refinement import FADED

DAYS = 730
FIRST = 5  # that come to mind
NATURES = ("passing", "lasting", "returning", "misleading")
_EVERY = 5  # days between two looks at what has faded
_OWN, _NOISE = 0.35, 0.3  # how much nearer the thing that is needed is to a question, and what chance adds to any
_LEARNS, _UNUSED, _MISLED = 0.2, -0.3, -1.0  # of the way that utility goes with each use, and to where (else to 1)


class Kept(Struct, frozen=True):
    """`at`: after which day each point is. `found`: the share of questions since the point before for which what they
    needed was told; `lost`: for which it had been let go; `kept`: memories that are not archived. `founds`: of each
    seed over all days. `policy`: the curve's name."""

    world: str
    policy: str
    tasks: int
    seeds: int
    at: list[int]
    found: Band
    lost: Band
    kept: Band
    founds: list[float]


@dataclass(frozen=True)
class Life:
    """`made`: the day each thing is noted on; `topic`, `nature`: of each, numbers; `asked`: by day, what its questions
    need; `near`: of each question, by place in the topic, how near that is to it."""

    made: NDArray[np.int64]
    topic: NDArray[np.int64]
    nature: NDArray[np.int64]
    asked: list[list[int]]
    near: list[list[Floats]]


def memories(
    dice: Dice, days: int, *, topics: int = 60, fresh: float = 2.0, lasting: float = 0.15, misleading: float = 0.15
) -> Life:
    """`fresh`: things noted a day; `lasting`, `misleading`: the share of those (a tenth returns)."""
    made = np.repeat(np.arange(days), dice.poisson(fresh, days))
    shares = np.array([max(0.9 - lasting - misleading, 0.0), lasting, 0.1, misleading])
    nature = dice.choice(4, len(made), p=shares / shares.sum())
    topic: NDArray[np.int64] = dice.integers(topics, size=len(made))
    asked: list[list[int]] = [[] for _ in range(days)]
    days_made: list[int] = made.tolist()
    natures: list[int] = nature.tolist()
    for thing, (day, kind) in enumerate(zip(days_made, natures, strict=True)):
        for when in _needed(dice, NATURES[kind], days - day):
            asked[day + when].append(thing)
    size = np.bincount(topic, minlength=topics)
    near = [[_NOISE * dice.standard_normal(size[topic[thing]]) for thing in some] for some in asked]
    return Life(made, topic, nature, asked, near)


MEMORIES = World(
    "memories", "What was noted is needed for days, for good, in bursts, or never.", cast("MakeLife", memories), DAYS
)


def _needed(dice: Dice, nature: str, days: int) -> list[int]:
    """The ages, in days, at which a thing is needed."""
    ages = np.arange(days)
    chances = {
        "passing": 0.5 * (ages + 1.0) ** -1.5,
        "lasting": np.full(days, 0.04),
        "returning": np.where((ages + int(dice.integers(90))) % 90 < 4, 0.4, 0.0),
        "misleading": np.zeros(days),
    }[nature]
    return np.flatnonzero(dice.random(days) < chances).tolist()


# ── curves ────────────────────────────────────────────────────────────────────────────────────────────────────────

_ABOUT = {
    "base-level": "Traces of uses that fade and add up, and what they helped: Alma's own.",
    "exponential": "What is left halves with the days since the last use, later the more uses there were.",
}
RETENTIONS.update({name: Named(name, _ABOUT.get(name, ""), curve) for name, curve in CURVES.items()})


@retention("everything")
def everything(trace: Trace, now: float) -> float:
    """Nothing is ever let go."""
    del trace, now
    return 1.0


@retention("a_month")
def a_month(trace: Trace, now: float) -> float:
    """What nobody has needed for thirty days is let go."""
    return 1.0 if now - max(trace.made_at, trace.used_at) < 30 * DAY else 0.0


# ── playing ───────────────────────────────────────────────────────────────────────────────────────────────────────


def run(
    curve: str,
    seeds: int | Sequence[int],
    days: int = DAYS,
    *,
    settings: Mapping[str, float] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Kept:
    """Raises `NotFound` for a curve that the lab does not know, `Stopped` soon after `stop` says so."""
    named = find(RETENTIONS, "curve", curve)
    chosen = range(seeds) if isinstance(seeds, int) else seeds
    if not chosen or days < 1:
        raise InvalidRequest("bad_lab_run", "A run needs days and seeds.", expected="at least one", actual=f"{days}")
    lives = (cast("Life", live(MEMORIES, seed, days, dict(settings or {}))) for seed in chosen)
    return _gather(named.name, days, [_Played(life, named.name, named.make).through(stop) for life in lives])


@dataclass
class _Played:
    """By day: questions, those whose thing was told, those whose thing was gone, and memories that are kept."""

    life: Life
    name: str
    curve: Curve
    days: list[tuple[int, int, int, int]] = field(default_factory=list[tuple[int, int, int, int]])

    def __post_init__(self) -> None:
        count = len(self.life.made)
        self._used = np.zeros(count)
        self._uses = np.zeros(count, dtype=np.int64)
        self._utility = np.zeros(count)
        self._kept = np.ones(count, dtype=np.bool_)
        topic = self.life.topic
        count = int(topic.max(initial=-1)) + 1
        self._of_topic: list[NDArray[np.int64]] = [np.flatnonzero(topic == one) for one in range(count)]

    def through(self, stop: Callable[[], bool]) -> _Played:
        for day in range(len(self.life.asked)):
            if stop():
                raise Stopped
            there = int(np.searchsorted(self.life.made, day, side="right"))
            told = gone = 0
            for thing, near in zip(self.life.asked[day], self.life.near[day], strict=True):
                gone += not self._kept[thing]
                told += self._ask(thing, near, day)
            if day % _EVERY == _EVERY - 1:
                self._let_go(there, (day + 1) * DAY)
            self.days.append((len(self.life.asked[day]), told, gone, int(self._kept[:there].sum())))
        return self

    def _ask(self, thing: int, near: Floats, day: int) -> bool:
        """Whether it was told; what was not has to be said again."""
        of = self._of_topic[int(self.life.topic[thing])]
        open_to = (self.life.made[of] <= day) & self._kept[of]
        some: NDArray[np.int64] = of[open_to]
        score: Floats = near[open_to] + UTILITY * self._utility[some] + _OWN * (some == thing)
        told = some[np.argsort(-score)[:FIRST]].tolist()
        self._kept[thing] = True
        for one in {*told, thing}:
            self._use(one, day, needed=one == thing)
        return thing in told

    def _use(self, thing: int, day: int, *, needed: bool) -> None:
        self._used[thing] = (day + 0.5) * DAY
        self._uses[thing] += 1
        worth = 1.0 if needed else _MISLED if NATURES[self.life.nature[thing]] == "misleading" else _UNUSED
        self._utility[thing] += _LEARNS * (worth - self._utility[thing])

    def _let_go(self, there: int, now: float) -> None:
        made, used = (self.life.made[:there] + 0.25) * DAY, self._used
        for one in np.flatnonzero(self._kept[:there]).tolist():
            trace = Trace(float(made[one]), float(used[one]), int(self._uses[one]), float(self._utility[one]))
            left = self.curve(trace, now)
            if not (math.isfinite(left) and 0.0 <= left <= 1.0):
                raise InvalidRequest(
                    "bad_retention",
                    f"The curve {self.name} is out of bounds.",
                    expected="a number from 0 to 1",
                    actual=repr(left),
                )
            self._kept[one] = left >= FADED


def _gather(name: str, days: int, played: Sequence[_Played]) -> Kept:
    counts = np.array([one.days for one in played], dtype=np.float64)  # seed, day, what
    edges: NDArray[np.int64] = np.unique(np.linspace(0, days, min(POINTS, max(days // _EVERY, 1)) + 1, dtype=np.int64))
    sums = np.add.reduceat(counts[:, :, :3], edges[:-1], axis=1)
    asked = np.maximum(sums[:, :, 0], 1.0)
    whole = counts[:, :, :2].sum(axis=1)
    return Kept(
        MEMORIES.name,
        name,
        days,
        len(played),
        edges[1:].tolist(),
        band(1.0 - (sums[:, :, 0] - sums[:, :, 1]) / asked),  # where nothing was asked nothing was missed
        band(sums[:, :, 2] / asked),
        band(counts[:, edges[1:] - 1, 3]),
        [round(float(told / max(of, 1.0)), 6) for of, told in whole],
    )
