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


class Sample(Struct, omit_defaults=True):
    """`seconds`: that were measured. `sums`: what was counted, without zeros; `levels`: by name the sum over its
    seconds, and how many of them there were; `peaks`: the highest; `sketches`: of what ended."""

    seconds: float = 0.0
    sums: dict[str, float] = field(default_factory=dict[str, float])
    levels: dict[str, tuple[float, float]] = field(default_factory=dict[str, tuple[float, float]])
    peaks: dict[str, float] = field(default_factory=dict[str, float])
    sketches: dict[str, Sketch] = field(default_factory=dict[str, Sketch])

    def merge(self, other: Sample) -> None:
        """Sums add up, of peaks the highest stays, levels give their mean, sketches merge."""
        self.seconds += other.seconds
        for name, value in other.sums.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        for name, (value, seconds) in other.levels.items():
            before, weight = self.levels.get(name, (0.0, 0.0))
            self.levels[name] = (before + value, weight + seconds)
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
    levels: dict[str, tuple[float, float]]
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
    for name, (value, seconds) in sample.levels.items():
        if seconds > 0:
            values[name] = value / seconds
    values.update(sample.peaks)
    return values if names is None else {name: value for name, value in values.items() if name in names}
