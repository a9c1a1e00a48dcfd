"""The interval of a belief holds what it says, however lopsided the evidence."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from alma.learning.posterior import Posterior

weights = st.floats(0.01, 5_000)


@given(weights, weights, st.floats(0.5, 0.99))
def test_an_interval_holds_its_mass(good: float, bad: float, mass: float) -> None:
    belief = Posterior(good, bad)
    low, high = belief.interval(mass)
    assert 0.0 <= low <= high <= 1.0
    for edge, wanted in ((low, (1 - mass) / 2), (high, (1 + mass) / 2)):
        if 1e-9 < edge < 1 - 1e-9:  # nearer to an end a double cannot tell
            assert abs(belief.below(edge) - wanted) < 1e-6
