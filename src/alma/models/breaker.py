"""Whether an endpoint gets calls at all. Pure; the clock is passed in.

    closed ── failures in a row, or too large a share of failures ──▶ open
    open ── its pause is over ──▶ half_open        half_open ── its one call was answered ──▶ closed
    half_open ── its one call failed ──▶ open, for twice as long

An endpoint that says how long it wants to be left alone (Retry-After) gets nothing for that long, and one that refuses
the key gets nothing for an hour; a new key makes a new breaker.
"""

from __future__ import annotations

from collections import deque
from typing import Literal

BreakerState = Literal["closed", "open", "half_open"]

IN_A_ROW = 5  # failures that open it
SHARE = 0.5  # of failures among the last calls that opens it …
WINDOW = 20.0  # … within so many seconds …
LEAST = 10  # … and at least so many calls
FIRST_PAUSE = 1.0  # seconds
LONGEST_PAUSE = 60.0
LONGEST_ASKED = 3600.0  # seconds that an endpoint may ask for
KEY_PAUSE = 3600.0  # seconds for a refused key


class Breaker:
    """`epoch` changes with every opening and every trial: what a call of before tells is no news any more."""

    def __init__(self) -> None:
        self.epoch = 0
        self._open_until: float | None = None  # None: closed
        self._pause = FIRST_PAUSE
        self._trying = False
        self._row = 0
        self._recent: deque[tuple[float, bool]] = deque(maxlen=200)  # when, whether it failed

    def state(self, now: float) -> BreakerState:
        if self._open_until is None:
            return "closed"
        return "half_open" if now >= self._open_until else "open"

    @property
    def retry_at(self) -> float:
        """When it lets a call through again; 0 while it is closed."""
        return self._open_until or 0.0

    @property
    def trying(self) -> bool:
        """The one call of half_open is under way."""
        return self._trying

    def admits(self, now: float) -> bool:
        """Whether a call may go out now."""
        return self._open_until is None or (now >= self._open_until and not self._trying)

    def take(self, now: float) -> bool:
        """As `admits`, and that call goes out."""
        if self._open_until is None:
            return True
        if now < self._open_until or self._trying:
            return False
        self._trying = True
        self.epoch += 1
        return True

    def unused(self) -> None:
        """The call that was taken last did not go out."""
        self._trying = False

    def dropped(self, epoch: int) -> None:
        """A call ended without a word about the endpoint: its caller left."""
        if epoch == self.epoch:
            self._trying = False

    def answered(self, epoch: int, now: float) -> None:
        """The endpoint did its work."""
        if epoch != self.epoch:
            return
        if self.state(now) == "half_open" and self._trying:
            self._open_until, self._pause, self._trying = None, FIRST_PAUSE, False
            self._recent.clear()
        self._row = 0
        self._recent.append((now, False))

    def failed(self, epoch: int, now: float) -> None:
        """It did not."""
        if epoch != self.epoch:
            return
        self._row += 1
        self._recent.append((now, True))
        if self._open_until is not None:
            if self._trying:
                self._pause = min(self._pause * 2, LONGEST_PAUSE)
                self._open(now + self._pause)
        elif self._row >= IN_A_ROW or self._mostly_fails(now):
            self._open(now + self._pause)

    def held(self, now: float, seconds: float) -> None:
        """The endpoint asked for a pause. It counts whenever it comes, and a shorter one does not end a longer one."""
        until = now + min(seconds, LONGEST_ASKED)
        if self._open_until is None or until > self._open_until:
            self._open(until)

    def refused_key(self, now: float) -> None:
        """It does not know the key."""
        self.held(now, KEY_PAUSE)

    def mended(self) -> None:
        """It was seen to do its work, by a call that somebody made to find out."""
        self._open_until, self._pause, self._trying, self._row = None, FIRST_PAUSE, False, 0
        self._recent.clear()
        self.epoch += 1

    def _open(self, until: float) -> None:
        self._open_until = until
        self._trying = False
        self._row = 0
        self.epoch += 1

    def _mostly_fails(self, now: float) -> bool:
        while self._recent and self._recent[0][0] < now - WINDOW:
            self._recent.popleft()
        failures = sum(failed for _, failed in self._recent)
        return len(self._recent) >= LEAST and failures >= SHARE * len(self._recent)
