"""Where figures are put down as they come about: counts, peaks and durations, until the next sample takes them.

For the event loop's thread only, but for `peak`. Names are those of the catalog; for percentiles, what stands before
`_p50_ms`.
"""

from __future__ import annotations

from collections import deque

from alma.observability.sample import SKETCHED, Sample, level
from alma.observability.sketch import Sketch

_MOST_PEAKS = 10_000


class Meter:
    """`total`: the sums and sketches of all that was ever taken; they only grow, as counters of Prometheus must."""

    def __init__(self) -> None:
        self.total = Sample()
        self._now = Sample()
        self._peaks: deque[tuple[str, float]] = deque(maxlen=_MOST_PEAKS)  # that were told and are not counted yet

    def count(self, name: str, more: float = 1.0) -> None:
        sums = self._now.sums
        sums[name] = sums.get(name, 0.0) + more

    def observe(self, name: str, ms: float) -> None:
        """Something ended that took so long."""
        sketch = self._now.sketches.get(name)
        if sketch is None:
            assert name in SKETCHED, name
            sketch = self._now.sketches[name] = Sketch()
        sketch.add(ms)

    def peak(self, name: str, value: float) -> None:
        """Of all of them the highest is a sample's; how they are spread is known of the total only. From any
        thread, and between any two steps of one: collecting garbage is both."""
        self._peaks.append((name, value))

    def _count_peaks(self) -> None:
        while self._peaks:
            name, value = self._peaks.popleft()
            self.total.sketches.setdefault(name.removesuffix("_ms"), Sketch()).add(value)
            peaks = self._now.peaks
            if value > peaks.get(name, float("-inf")):
                peaks[name] = value

    def whole(self) -> Sample:
        """A copy of all until now."""
        self._count_peaks()
        whole = Sample(sums=dict(self.total.sums))
        whole.sketches = {name: sketch.copy() for name, sketch in self.total.sketches.items()}
        whole.merge(self._now)
        return whole

    def take(self, seconds: float, levels: dict[str, float]) -> Sample:
        """What has come since it was taken last, `seconds` ago; `levels` are as they are now."""
        self._count_peaks()
        taken, self._now = self._now, Sample()
        taken.seconds = seconds
        taken.levels = {name: level(value, seconds) for name, value in levels.items()}
        total = self.total
        for name, value in taken.sums.items():
            total.sums[name] = total.sums.get(name, 0.0) + value
        for name, sketch in taken.sketches.items():
            total.sketches.setdefault(name, Sketch()).merge(sketch)
        return taken
