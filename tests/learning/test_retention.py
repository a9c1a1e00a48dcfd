"""Retention curves: what must hold of any of them, and a few figures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from alma.learning.retention import CURVES, DAY, KIND_DAYS, Curve, Trace

traces = st.builds(
    Trace,
    made_at=st.floats(0, 100 * DAY),
    used_at=st.floats(0, 100 * DAY),
    uses=st.integers(0, 200),
    utility=st.floats(-1, 1),
    kind=st.sampled_from(sorted(KIND_DAYS)),
)
ages = st.floats(100 * DAY, 4000 * DAY)
curves = pytest.mark.parametrize("curve", CURVES.values(), ids=CURVES.keys())
_CLOSE = 1e-9  # of the arithmetic


@curves
@given(trace=traces, first=ages, second=ages)
def test_it_fades_with_time(curve: Curve, trace: Trace, first: float, second: float) -> None:
    early, late = sorted((first, second))
    assert 0.0 <= curve(trace, late) <= curve(trace, early) + _CLOSE <= 1.0 + 2 * _CLOSE


@curves
@given(trace=traces, now=ages, more=st.integers(1, 50))
def test_use_keeps_it(curve: Curve, trace: Trace, now: float, more: int) -> None:
    assert curve(replace(trace, uses=trace.uses + more), now) >= curve(trace, now) - _CLOSE
    assert curve(replace(trace, used_at=now), now) >= curve(trace, now) - _CLOSE


@curves
@given(trace=traces, now=ages, utility=st.floats(-1, 1))
def test_what_helps_is_kept_longer(curve: Curve, trace: Trace, now: float, utility: float) -> None:
    low, high = sorted((trace.utility, utility))
    assert curve(replace(trace, utility=high), now) >= curve(replace(trace, utility=low), now) - _CLOSE


@curves
@given(trace=traces, now=st.floats(0, 4000 * DAY))
def test_what_is_pinned_never_fades(curve: Curve, trace: Trace, now: float) -> None:
    assert curve(replace(trace, pinned=True), now) == 1.0


@curves
def test_facts_keep_longer_than_episodes(curve: Curve) -> None:
    kept = [curve(Trace(0.0, kind=kind), 60 * DAY) for kind in ("working", "episodic", "semantic", "procedural")]
    assert kept == sorted(kept)


def test_the_figures_of_the_page() -> None:
    """As docs/memory.md names them."""
    curve = CURVES["base-level"]
    assert round(curve(Trace(0.0), 90 * DAY), 2) == 0.29
    assert round(curve(Trace(0.0), 365 * DAY), 2) == 0.07
    assert round(curve(Trace(0.0, 7 * DAY, 5, 0.5), 365 * DAY), 2) == 0.99
