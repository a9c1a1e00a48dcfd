"""What is expected of each arm before it has done anything, and why, in words: `learning/priors.py` applied. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from alma.agent.teaching import Arm
from alma.learning import priors
from alma.learning.posterior import Posterior, prior
from alma.learning.tally import Sums

Expected = tuple[Posterior, str]


def expected(
    known: Sequence[tuple[Arm, Sums]], like: Mapping[str, float], told: Mapping[str, float]
) -> dict[str, Expected]:
    """By id, with where it is from. `known`: what each arm has shown, the usual one first; `like`: of the role of an
    arm, how like such tasks its description is; `told`: means that a policy gives."""
    roles = list(like)
    by_words = dict(zip(roles, priors.described([like[role] for role in roles]), strict=True))
    factors = priors.factors([(arm.id, sums.good, sums.bad) for arm, sums in known])
    found: dict[str, Expected] = {}
    for at, (arm, _) in enumerate(known):
        if (mean := told.get(arm.id)) is not None:
            found[arm.id] = prior(mean), "as the policy of the role says"
            continue
        belief = by_words.get(arm.role, prior(priors.MIDDLE))
        why = [_words(belief.mean - priors.MIDDLE)]
        if at == 0:
            belief = priors.usual(belief)
            why.append(f"it is the usual one (+{priors.USUAL:.2f})")
        moved = priors.shrunk(belief, factors[arm.id])
        if abs(moved.mean - belief.mean) >= 0.005:
            why.append(f"other arms with its role, model or pattern ({moved.mean - belief.mean:+.2f})")
        found[arm.id] = moved, ", ".join(why)
    return found


def _words(lead: float) -> str:
    if abs(lead) < 0.005:
        return f"as of any answer ({priors.MIDDLE:.2f})"
    nearer = "nearer to" if lead > 0 else "further from"
    return f"as of any answer ({priors.MIDDLE:.2f}), its description is {nearer} such tasks than others' ({lead:+.2f})"
