"""What is believed of an arm before it has done anything: by what its role is for, by what is usual, and by how arms
that share its role, its model or its pattern did. Pure.

All of it is weak: a few runs outweigh it. It says where to look first.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from alma.learning.posterior import PRIOR_WEIGHT, Posterior, prior

MIDDLE = 0.6  # what an answer of which nothing is known is worth: most are well received
REACH = 0.1  # how far from that a description can put an arm
ALIKE = 0.2  # of cosine, by which a role is clearly nearer to a task than the others are
USUAL = 0.05  # of reward, by which the usual arm is believed better: others have to show that they are
USUAL_WEIGHT = 2.0  # runs' worth of evidence, on top, that it is as good as that: its file was written by somebody
HALF = 8.0  # weight of evidence on a factor with which half of what it shows is believed of its arms
FACTOR_WEIGHT = 2.0  # runs' worth of evidence that a well-known factor adds


class Factor(Struct, frozen=True):
    """What was seen of other arms with the same role (or model, or pattern). `ahead`: by how much their mean reward is
    above that of all arms in the same tasks; `weight`: of the evidence behind it."""

    ahead: float
    weight: float


def described(similarities: Sequence[float]) -> list[Posterior]:
    """Of each role, by the cosine of its description (the nearest of its purpose and its `when` lines) to a task, or to
    the examples of a kind of tasks. Only differences count: where a task has many words, all cosines are high."""
    if not similarities:
        return []
    middle = sum(similarities) / len(similarities)
    return [prior(MIDDLE + REACH * min(max((one - middle) / ALIKE, -1.0), 1.0), PRIOR_WEIGHT) for one in similarities]


def usual(belief: Posterior) -> Posterior:
    """The same of the arm that does such tasks when nothing is learned."""
    return prior(belief.mean + USUAL, belief.weight + USUAL_WEIGHT)


def shrunk(belief: Posterior, factors: Sequence[Factor]) -> Posterior:
    """Shifted toward how its factors did (empirical Bayes): each by its lead, shrunk by n / (n + HALF). An arm's own
    evidence is no part of its factors', or it would count twice."""
    trusts = [one.weight / (one.weight + HALF) for one in factors]
    mean = belief.mean + sum(trust * one.ahead for trust, one in zip(trusts, factors, strict=True))
    weight = belief.weight + FACTOR_WEIGHT * sum(trusts)
    return prior(min(max(mean, 0.05), 0.95), weight)


def factors(arms: Sequence[tuple[str, float, float]]) -> dict[str, list[Factor]]:
    """By arm. `arms`: id (`role|model|pattern`), good, bad. A factor that all arms share tells nothing and is left
    out."""
    good, bad = sum(one[1] for one in arms), sum(one[2] for one in arms)
    if good + bad <= 0.0:
        return {id: [] for id, _, _ in arms}
    overall = good / (good + bad)
    parts = [id.split("|") for id, _, _ in arms]
    sums: dict[tuple[int, str], tuple[float, float, int]] = {}
    for words, (_, well, badly) in zip(parts, arms, strict=True):
        for factor in enumerate(words):
            before = sums.get(factor, (0.0, 0.0, 0))
            sums[factor] = (before[0] + well, before[1] + badly, before[2] + 1)
    found: dict[str, list[Factor]] = {}
    for words, (id, well, badly) in zip(parts, arms, strict=True):
        found[id] = []
        for factor in enumerate(words):
            good, bad, many = sums[factor]
            weight = good + bad - well - badly
            if 1 < many < len(arms) and weight > 1e-9:
                found[id].append(Factor((good - well) / weight - overall, weight))
    return found
