"""The quantile sketch: its promise of an error, and that a merged one is as if it had seen everything."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alma.observability.sketch import LEAST, MOST, Sketch, bucket_of, value_of

durations = st.floats(LEAST, MOST)
many = st.lists(durations, min_size=1, max_size=200)


def sketch_of(values: list[float]) -> Sketch:
    sketch = Sketch()
    for value in values:
        sketch.add(value)
    return sketch


@given(many, st.floats(0, 1))
def test_a_quantile_is_within_two_percent_of_the_true_one(values: list[float], share: float) -> None:
    true = sorted(values)[max(math.ceil(share * len(values)), 1) - 1]
    found = sketch_of(values).quantile(share)
    assert found is not None
    assert abs(found - true) <= 0.02 * true


@given(many, many)
def test_merged_is_as_if_one_had_seen_it_all(some: list[float], others: list[float]) -> None:
    merged, other = sketch_of(some), sketch_of(others)
    before = other.copy()
    merged.merge(other)
    whole = sketch_of(some + others)
    assert merged.counts == whole.counts
    assert merged.total == pytest.approx(whole.total)
    assert other == before


@given(many)
def test_json_gives_back_the_same(values: list[float]) -> None:
    sketch = sketch_of(values)
    assert msgspec.json.decode(msgspec.json.encode(sketch), type=Sketch) == sketch


@given(st.lists(st.floats(), max_size=300))
def test_whatever_is_measured_its_size_is_bounded(values: list[float]) -> None:
    sketch = sketch_of(values)
    assert sketch.count == len(values)
    assert all(bucket_of(LEAST) <= bucket <= bucket_of(MOST) for bucket in sketch.counts)
    assert bucket_of(MOST) - bucket_of(LEAST) < 730


@given(durations)
def test_the_bucket_alone_tells_the_value(value: float) -> None:
    assert abs(value_of(bucket_of(value)) - value) <= 0.02 * value


@given(many, durations)
def test_those_up_to_a_bound_are_counted_to_within_a_bucket(values: list[float], bound: float) -> None:
    count = sketch_of(values).up_to(bound)
    assert sum(value <= bound * 0.96 for value in values) <= count <= sum(value <= bound * 1.04 for value in values)


def test_of_nothing_there_is_no_quantile() -> None:
    assert Sketch().quantile(0.5) is None
    assert Sketch().quantiles((0.5, 0.99)) == [None, None]


@given(many, many)
def test_what_is_taken_out_is_as_if_it_had_never_been_in(these: list[float], those: list[float]) -> None:
    whole, part = sketch_of([*these, *those]), sketch_of(these)
    whole.take_out(part)
    assert whole.counts == sketch_of(those).counts
    whole.take_out(sketch_of(those))
    assert (whole.counts, whole.total) == ({}, 0.0)
