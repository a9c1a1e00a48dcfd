"""A quantile sketch with logarithmic buckets: counts of values that differ by at most 4 %, which can be added up.

As DDSketch (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees",
VLDB 2019): bucket b holds the values in (γ^(b-1), γ^b], and every value of a bucket is within `ERROR` of the one that
stands for it. What is beyond `LEAST` and `MOST` is taken for those, so that there are at most some 730 buckets: none
need be given up. Pure; a bucket's number alone, without a sketch, is kept for each model call and run in the database.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable
from itertools import accumulate

from msgspec import Struct, field

ERROR = 0.019  # relative; what rounding adds stays below `PERCENT` with it
PERCENT = 2
LEAST = 1e-3  # in milliseconds a microsecond
MOST = 1e9  # and eleven days
_GAMMA = (1 + ERROR) / (1 - ERROR)
_PER_LOG = 1 / math.log(_GAMMA)
_MIDDLE = 2 / (1 + _GAMMA)


def bucket_of(value: float) -> int:
    """The number of the bucket that `value` falls into. Not a number counts as `LEAST`."""
    if value < MOST:
        return math.ceil(math.log(value if value > LEAST else LEAST) * _PER_LOG)
    return math.ceil(math.log(MOST if value >= MOST else LEAST) * _PER_LOG)


def value_of(bucket: int) -> float:
    """The value that stands for all of a bucket."""
    return _GAMMA**bucket * _MIDDLE


class Sketch(Struct, omit_defaults=True):
    """`counts`: by bucket; `total`: the sum of all values, for their mean."""

    counts: dict[int, int] = field(default_factory=dict[int, int])
    total: float = 0.0

    @property
    def count(self) -> int:
        return sum(self.counts.values())

    def add(self, value: float) -> None:
        bucket = bucket_of(value)
        self.counts[bucket] = self.counts.get(bucket, 0) + 1
        self.total += value

    def add_bucket(self, bucket: int, count: int = 1) -> None:
        """Values of which only the bucket is known."""
        self.counts[bucket] = self.counts.get(bucket, 0) + count
        self.total += value_of(bucket) * count

    def merge(self, other: Sketch) -> None:
        """As if all that `other` was given had been given to this one."""
        counts = self.counts
        for bucket, count in other.counts.items():
            counts[bucket] = counts.get(bucket, 0) + count
        self.total += other.total

    def take_out(self, other: Sketch) -> None:
        """As if none of what `other` was given, and this one too, had been given to this one."""
        counts = self.counts
        for bucket, count in other.counts.items():
            left = counts.get(bucket, 0) - count
            if left > 0:
                counts[bucket] = left
            else:
                counts.pop(bucket, None)
        self.total = self.total - other.total if counts else 0.0

    def copy(self) -> Sketch:
        return Sketch(dict(self.counts), self.total)

    def quantile(self, share: float) -> float | None:
        """The value below which `share` (0 to 1) of all lie, within `ERROR` of the nearest that was added; None: there
        are none."""
        (value,) = self.quantiles((share,))
        return value

    def quantiles(self, shares: Iterable[float]) -> list[float | None]:
        """Several at once."""
        ordered = sorted(self.counts)
        passed = list(accumulate(map(self.counts.__getitem__, ordered)))  # how many up to each
        if not passed:
            return [None for _ in shares]
        ranks = (math.ceil(share * passed[-1]) or 1 for share in shares)
        return [value_of(ordered[bisect_left(passed, rank)]) for rank in ranks]

    def up_to(self, bound: float) -> int:
        """How many values are at most `bound`, by whole buckets."""
        last = bucket_of(bound)
        return sum(count for bucket, count in self.counts.items() if bucket <= last)
