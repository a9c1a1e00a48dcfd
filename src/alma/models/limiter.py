"""How many calls at once an endpoint bears: found out by trying (AIMD). Pure; the clock is passed in.

Additive increase, multiplicative decrease as in TCP's congestion avoidance (Chiu and Jain, 1989); latency as a sign of
overload before anything is refused, as in TCP Vegas (Brakmo and Peterson, 1994).
"""

from __future__ import annotations

from math import inf

REFUSED = 0.5  # what remains of the limit after a 429
CROWDED = 0.8  # what remains of it after latency has grown
GROWN = 3.0  # times its best from which on the first token's latency speaks of overload …
SLACK = 0.25  # … if it is also so many seconds above it
RECENT = 0.2  # weight of one call in the recent latency
DRIFT = 0.01  # how far one call draws the best latency up: an endpoint may become slower for good


class Limiter:
    """Between 1 and `most` calls at once, at first `most`: who set that number knows the endpoint. `best`, `recent`:
    seconds to the first token, the least seen and the running mean."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._limit = float(most)
        self.best: float | None = None
        self.recent = 0.0
        self._cut_at = -inf

    @property
    def limit(self) -> int:
        return int(self._limit)

    def succeeded(self, *, begun: float, now: float, first_token_s: float, active: int) -> None:
        """A call that began at `begun` was answered; `active` calls were under way with it."""
        best = first_token_s if self.best is None else self.best
        self.recent = first_token_s if self.best is None else self.recent + RECENT * (first_token_s - self.recent)
        self.best = first_token_s if first_token_s < best else best + DRIFT * (first_token_s - best)
        if self.recent > GROWN * self.best + SLACK:
            if begun < self._cut_at:
                return
            if self.limit == 1:  # alone, and still as slow: that is how it is now
                self.best = self.recent
            else:
                self._cut(CROWDED, now)
        elif 2 * active >= self.limit:  # a limit that nobody comes near has not been tried
            self._limit = min(float(self.most), self._limit + 1 / self._limit)

    def refused(self, *, begun: float, now: float) -> None:
        """A call that began at `begun` was refused as one too many. What was under way when the limit was cut says
        nothing about the new one."""
        if begun >= self._cut_at:
            self._cut(REFUSED, now)

    def _cut(self, remaining: float, now: float) -> None:
        self._limit = max(1.0, self._limit * remaining)
        self._cut_at = now
