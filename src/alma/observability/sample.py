"""What was measured in an interval. Samples of neighbouring intervals merge into that of both; the figures under the
catalog's names are made of one at the end."""

from __future__ import annotations

from collections.abc import Collection

import msgspec
from msgspec import Struct, field

from alma.observability.catalog import METRICS
from alma.observability.sketch import Sketch

_SHARES = (0.5, 0.95, 0.99)
_SUFFIXES = ("_p50_ms", "_p95_ms", "_p99_ms")
SKETCHED = tuple(metric.name.removesuffix("_p50_ms") for metric in METRICS if metric.name.endswith("_p50_ms"))
PERCENTILES = {
    base + suffix: (base, share) for base in SKETCHED for suffix, share in zip(_SUFFIXES, _SHARES, strict=True)
}
_RATES = tuple(metric.name for metric in METRICS if metric.what == "rate")
_SUMS = tuple(metric.name for metric in METRICS if metric.what == "sum")


class Level(Struct, frozen=True, array_like=True, gc=False):
    """How high something stood. `total`: the sum over its `seconds`, of which there is a mean; `high` and `low`: of any
    single look at it, so that what stood high for seconds is still seen in a row of hours."""

    total: float
    seconds: float
    high: float
    low: float

    def with_(self, other: Level) -> Level:
        return Level(
            self.total + other.total,
            self.seconds + other.seconds,
            max(self.high, other.high),
            min(self.low, other.low),
        )


def level(value: float, seconds: float) -> Level:
    """One that stood at `value` all the time."""
    return Level(value * seconds, seconds, value, value)


class Sample(Struct, omit_defaults=True):
    """`seconds`: that were measured. `sums`: what was counted, without zeros; `levels`: how things stood; `peaks`: the
    highest; `sketches`: of what ended."""

    seconds: float = 0.0
    sums: dict[str, float] = field(default_factory=dict[str, float])
    levels: dict[str, Level] = field(default_factory=dict[str, Level])
    peaks: dict[str, float] = field(default_factory=dict[str, float])
    sketches: dict[str, Sketch] = field(default_factory=dict[str, Sketch])

    def merge(self, other: Sample) -> None:
        """Sums add up, of peaks the highest stays, levels give their mean and their extremes, sketches merge."""
        self.seconds += other.seconds
        for name, value in other.sums.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        for name, stood in other.levels.items():
            before = self.levels.get(name)
            self.levels[name] = stood if before is None else before.with_(stood)
        for name, value in other.peaks.items():
            if value > self.peaks.get(name, float("-inf")):
                self.peaks[name] = value
        for name, sketch in other.sketches.items():
            mine = self.sketches.get(name)
            if mine is None:
                self.sketches[name] = sketch.copy()
            else:
                mine.merge(sketch)

    def copy(self) -> Sample:
        """One of its own, whatever becomes of this."""
        copy = Sample()
        copy.merge(self)
        return copy


class _Stored(Struct, omit_defaults=True):
    """A sample at rest. Of each sketch the numbers of its buckets, their counts, and its total: so it is read in half
    the time that an object of so many members takes."""

    seconds: float
    sums: dict[str, float]
    levels: dict[str, Level]
    peaks: dict[str, float]
    sketches: dict[str, tuple[list[int], list[int], float]]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Stored).decode


def to_json(sample: Sample) -> str:
    sketches = {
        name: (list(sketch.counts), list(sketch.counts.values()), round(sketch.total, 3))
        for name, sketch in sample.sketches.items()
    }
    stored = _Stored(sample.seconds, sample.sums, sample.levels, sample.peaks, sketches)
    return _encode(stored).decode()


def from_json(text: str) -> Sample:
    stored = _decode(text)
    sketches = {
        name: Sketch(dict(zip(buckets, counts, strict=True)), total)
        for name, (buckets, counts, total) in stored.sketches.items()
    }
    return Sample(stored.seconds, stored.sums, stored.levels, stored.peaks, sketches)


def values_of(sample: Sample, names: Collection[str] | None = None) -> dict[str, float]:
    """By name; what has no value is left out. `names`: no others."""
    values: dict[str, float] = {}
    if sample.seconds <= 0:
        return values
    for base, sketch in sample.sketches.items():
        if names is not None and not any(base + suffix in names for suffix in _SUFFIXES):
            continue
        for suffix, value in zip(_SUFFIXES, sketch.quantiles(_SHARES), strict=True):
            if value is not None:
                values[base + suffix] = value
    for name in _RATES:
        values[name] = sample.sums.get(name, 0.0) / sample.seconds
    for name in _SUMS:
        values[name] = sample.sums.get(name, 0.0)
    for name, stood in sample.levels.items():
        if stood.seconds > 0:
            values[name] = stood.total / stood.seconds
    values.update(sample.peaks)
    return values if names is None else {name: value for name, value in values.items() if name in names}


def highs_of(sample: Sample) -> dict[str, float]:
    """Of levels and peaks the highest that was seen, by name."""
    return {name: stood.high for name, stood in sample.levels.items()} | sample.peaks


def lows_of(sample: Sample) -> dict[str, float]:
    """Of levels the lowest that was seen, by name."""
    return {name: stood.low for name, stood in sample.levels.items()}
