"""Whether a rule fires: a pure state machine, and what a metric came to over a window. The clock is passed in; it must
not go back.

    ok ── beyond the threshold ──► pending ── for long enough ──► firing ── at `clear` or beyond ──► ok
                                   pending ── not any more ──► ok

A value that is missing changes nothing for a while; then what was pending or firing is over, because nobody knows.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from msgspec import Struct

from alma.observability.alert_rules import Rule
from alma.observability.catalog import BY_NAME
from alma.observability.sample import PERCENTILES
from alma.observability.sketch import Sketch

State = Literal["ok", "pending", "firing"]
NO_SKETCHES: Mapping[str, Sketch] = MappingProxyType({})
KEPT_S = 120.0  # that a state is kept without a value


class Standing(Struct, frozen=True):
    """`since`: when it came into this state; `seen_at`: when there last was a value; `value`: what it was."""

    state: State = "ok"
    since: float = 0.0
    seen_at: float = 0.0
    value: float | None = None


def step(rule: Rule, now_is: Standing, value: float | None, now: float) -> Standing:
    if value is None:
        if now_is.state == "ok" or now - now_is.seen_at < max(KEPT_S, rule.window_s):
            return now_is
        return Standing("ok", now, now_is.seen_at, None)
    state = _next(rule, now_is, value, now)
    since = now_is.since if state == now_is.state else now
    return Standing(state, since, now, value)


def _next(rule: Rule, now_is: Standing, value: float, now: float) -> State:
    if now_is.state == "firing":
        return "ok" if _cleared(rule, value) else "firing"
    if not beyond(rule, value):
        return "ok"
    began = now_is.since if now_is.state == "pending" else now
    return "firing" if now - began >= rule.for_s else "pending"


def beyond(rule: Rule, value: float) -> bool:
    return value > rule.threshold if rule.above else value < rule.threshold


def _cleared(rule: Rule, value: float) -> bool:
    return value <= rule.clear if rule.above else value >= rule.clear


class Window:
    """The values of one metric in the last `seconds`: what is counted is added up, a percentile is that of all that
    ended in them, of the rest it is the mean. Without `seconds` it is the newest one."""

    def __init__(self, metric: str, seconds: float) -> None:
        known = BY_NAME.get(metric)
        self._adds = known is not None and known.what == "sum"
        self._seconds = seconds
        self._values: deque[tuple[float, float]] = deque()
        self._sum = 0.0
        self._ended = _Ended(*PERCENTILES[metric], seconds) if metric in PERCENTILES else None

    def take(self, value: float | None, now: float, sketches: Mapping[str, Sketch] = NO_SKETCHES) -> float | None:
        """A new sample (None: there was none in it); what the window is then."""
        if not self._seconds:
            return value
        if self._ended is not None:
            return self._ended.take(sketches, now)
        if value is not None:
            self._values.append((now, value))
            self._sum += value
        while self._values and self._values[0][0] <= now - self._seconds:
            self._sum -= self._values.popleft()[1]
        if not self._values:
            self._sum = 0.0  # what adding and taking away has left of it
            return None
        return self._sum if self._adds else self._sum / len(self._values)


class _Ended:
    """What ended in the last `seconds`, and how long it took."""

    def __init__(self, name: str, share: float, seconds: float) -> None:
        self._name = name
        self._share = share
        self._seconds = seconds
        self._samples: deque[tuple[float, Sketch]] = deque()
        self._whole = Sketch()

    def take(self, sketches: Mapping[str, Sketch], now: float) -> float | None:
        """The percentile; None: nothing ended."""
        if (new := sketches.get(self._name)) is not None:
            self._samples.append((now, new))
            self._whole.merge(new)
        while self._samples and self._samples[0][0] <= now - self._seconds:
            self._whole.take_out(self._samples.popleft()[1])
        return self._whole.quantile(self._share)
