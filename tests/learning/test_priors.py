"""What is believed of arms before they have done anything."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alma.learning import priors
from alma.learning.posterior import PRIOR_WEIGHT, Posterior


@given(st.lists(st.floats(-1.0, 1.0), max_size=12))
def test_descriptions_say_a_little_and_in_their_order(similarities: list[float]) -> None:
    found = priors.described(similarities)
    assert all(0.5 - 1e-9 <= one.mean <= 0.7 + 1e-9 for one in found)
    assert all(one.weight == pytest.approx(PRIOR_WEIGHT) for one in found)
    ranked = sorted(zip(similarities, [one.mean for one in found], strict=True))
    assert all(a[1] <= b[1] + 1e-9 for a, b in pairwise(ranked))


def test_only_differences_between_roles_count() -> None:
    low, high = priors.described([0.1, 0.2]), priors.described([0.7, 0.8])
    assert [one.mean for one in low] == pytest.approx([one.mean for one in high])


def test_the_usual_arm_is_believed_a_little_better_and_surer() -> None:
    belief = Posterior(1.2, 0.8)
    usual = priors.usual(belief)
    assert belief.mean < usual.mean < belief.mean + 0.1
    assert usual.weight > belief.weight


def test_a_new_arm_is_shifted_to_how_those_with_its_factors_did() -> None:
    known = [("a|x|", 40.0, 10.0), ("a|y|", 0.0, 0.0), ("b|x|", 10.0, 40.0), ("b|y|", 0.0, 0.0)]
    found = priors.factors(known)
    flat = Posterior(1.2, 0.8)
    shifted = {name: priors.shrunk(flat, found[name]).mean for name, _, _ in known}
    assert shifted["a|y|"] > flat.mean + 0.1
    assert shifted["b|y|"] < flat.mean - 0.1
    assert max(priors.shrunk(flat, one).weight for one in found.values()) < 10, "a few runs outweigh it"


def test_an_arms_own_evidence_is_none_of_its_factors_and_what_all_share_tells_nothing() -> None:
    found = priors.factors([("a|x|", 40.0, 10.0), ("b|x|", 5.0, 5.0)])
    assert found == {"a|x|": [], "b|x|": []}
    assert priors.factors([("a||", 0.0, 0.0)]) == {"a||": []}


@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", "c"]), st.sampled_from(["x", "y"]), st.floats(0, 50), st.floats(0, 50)),
        min_size=1,
        max_size=6,
        unique_by=lambda one: one[:2],
    )
)
def test_whatever_was_seen_a_prior_is_a_belief(rows: list[tuple[str, str, float, float]]) -> None:
    for factors in priors.factors([(f"{role}|{model}|", good, bad) for role, model, good, bad in rows]).values():
        belief = priors.shrunk(Posterior(), factors)
        assert 0.0 < belief.mean < 1.0
        assert belief.good > 0.0 < belief.bad
