"""How well a memory would still come to mind: the retention curve. Pure.

The default is base-level activation (Anderson and Schooler, "Reflections of the environment in memory", 1991): each use
leaves a trace that fades as a power of its age, and traces add up, so that what was used often and lately stays, and
uses far apart keep longer than uses at once. Only the last use and their number are known, so the traces between are
taken as spread evenly (Petrov, "Computationally efficient approximation of the base-level learning equation", 2006).
A logistic makes of the activation how likely it would be recalled, from 0 to 1.

A curve is any function of a `Trace` and the time; `CURVES` has those that come along.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from msgspec import Struct

from alma.memory.records import Memory

DAY = 86400.0
_LEAST_AGE = 60.0  # seconds: nothing fades within a minute
KIND_DAYS: Mapping[str, float] = {"working": 0.25, "episodic": 1.0, "semantic": 6.0, "procedural": 12.0}


class Trace(Struct, frozen=True):
    """What is known of a memory's life. `made_at`, `used_at` (0: never): Unix seconds; `uses`: how often it came into a
    prompt or was said again; `utility`: from -1 to 1, as far as it is sure."""

    made_at: float
    used_at: float = 0.0
    uses: int = 0
    utility: float = 0.0
    kind: str = "episodic"
    pinned: bool = False


Curve = Callable[[Trace, float], float]


class BaseLevel(Struct, frozen=True):
    """`decay`: the power with which a trace fades; `threshold`: the activation of what is recalled half of the time;
    `noise`: how soft that is; `helped`: activation that utility 1 adds, and -1 takes. Time is counted in days of the
    memory's kind (`KIND_DAYS`): a fact fades six times as slowly as an episode."""

    decay: float = 0.5
    threshold: float = -1.9
    noise: float = 0.4
    helped: float = 2.0

    def __call__(self, trace: Trace, now: float) -> float:
        if trace.pinned:
            return 1.0
        activation = self.activation(trace, now) + self.helped * trace.utility
        return 1.0 / (1.0 + math.exp(-(activation - self.threshold) / self.noise))

    def activation(self, trace: Trace, now: float) -> float:
        """Of the uses, of which its being made is the first."""
        day = KIND_DAYS.get(trace.kind, 1.0) * DAY
        life = max(now - trace.made_at, _LEAST_AGE) / day
        last = min(max(now - max(trace.used_at, trace.made_at), _LEAST_AGE) / day, life)
        times = max(trace.uses, 0) + 1
        left = 1.0 - self.decay
        between = last**-self.decay if life <= last else (life**left - last**left) / (left * (life - last))
        return math.log(last**-self.decay + (times - 1) * between)


class Exponential(Struct, frozen=True):
    """The forgetting curve of Ebbinghaus (1885) with spaced reinforcement: what is left halves after `half_life` days
    of the memory's kind since the last use; each use makes that `spacing` times as long, and so does utility."""

    half_life: float = 10.0
    spacing: float = 1.6
    most: float = 1000.0  # times the first half-life

    def __call__(self, trace: Trace, now: float) -> float:
        if trace.pinned:
            return 1.0
        longer = min((max(trace.uses, 0) + 3.0 * trace.utility) * math.log(self.spacing), math.log(self.most))
        half = self.half_life * KIND_DAYS.get(trace.kind, 1.0) * DAY * math.exp(longer)
        return 0.5 ** (max(now - max(trace.used_at, trace.made_at), 0.0) / half)


CURVES: Mapping[str, Curve] = {"base-level": BaseLevel(), "exponential": Exponential()}


def trace_of(memory: Memory) -> Trace:
    """Said again is as good as used."""
    return Trace(
        made_at=memory.created_at,
        used_at=max(memory.used_at, memory.seen_at),
        uses=memory.uses + memory.count - 1,
        utility=memory.utility,
        kind=memory.kind,
        pinned=memory.pinned,
    )
