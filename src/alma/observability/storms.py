"""Keeps an error that happens thousands of times a second from filling the log with itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_WINDOW_S = 1.0
_MOST = 1_000  # fingerprints watched at once


class Storms:
    """Lets the first `burst` of the same error through in each second, and counts the rest."""

    def __init__(self, burst: int = 10, clock: Callable[[], float] = time.monotonic) -> None:
        self._burst = burst
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: dict[str, list[float]] = {}  # fingerprint → since when, how many, of which held back

    def admits(self, fingerprint: str) -> bool:
        now = self._clock()
        with self._lock:
            seen = self._seen.get(fingerprint)
            if seen is None or (now - seen[0] >= _WINDOW_S and not seen[2]):
                if len(self._seen) >= _MOST:
                    self._seen = {known: one for known, one in self._seen.items() if one[2]}
                self._seen[fingerprint] = [now, 1, 0]
                return True
            seen[1] += 1
            if seen[1] <= self._burst:
                return True
            seen[2] += 1
            return False

    def held(self) -> dict[str, int]:
        """How many of each were held back in seconds that are over. They count as told, and a new second begins."""
        now = self._clock()
        with self._lock:
            over = {one: int(seen[2]) for one, seen in self._seen.items() if seen[2] and now - seen[0] >= _WINDOW_S}
            for fingerprint in over:
                self._seen[fingerprint] = [now, 0, 0]
        return over
