"""Which kind a task is, told by its nearest neighbours among example sentences in embedding space.

The examples come from the role's file and from what users corrected. A weak chat model guesses; MiniLM over two dozen
sentences does not (see docs/decisions/0002-routing-by-examples.md). Pure: vectors come in as arguments.
"""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from alma.events import KINDS, Kind, Neighbour

Vectors = NDArray[np.float32]  # (n, 384), rows of length 1
_NEIGHBOURS = 5
# How fast a neighbour's vote fades with its distance: at 0.1 one that is 0.1 less similar counts e times less.
_TEMPERATURE = 0.1


class Example(Struct, frozen=True):
    """A sentence of a known kind. `correction`: a user said so."""

    text: str
    kind: Kind
    correction: bool = False


class Verdict(Struct, frozen=True):
    """`scores` sum to 1 over the kinds; `neighbours` are those that voted, nearest first."""

    kind: Kind
    scores: dict[str, float]
    neighbours: list[Neighbour]


def classify(task: Vectors, examples: list[Example], vectors: Vectors) -> Verdict:
    """Let the nearest of `examples` (whose vectors are the rows of `vectors`) vote on `task` (one vector)."""
    similarity = vectors @ task
    nearest = np.argsort(-similarity, kind="stable")[:_NEIGHBOURS]
    votes = np.exp((similarity[nearest] - similarity[nearest[0]]) / _TEMPERATURE)
    votes /= votes.sum()
    scores: dict[str, float] = dict.fromkeys(KINDS, 0.0)
    neighbours: list[Neighbour] = []
    for index, vote in zip(nearest, votes, strict=True):
        example = examples[int(index)]
        scores[example.kind] += float(vote)
        source = "correction" if example.correction else "role"
        neighbours.append(Neighbour(example.text, example.kind, round(float(similarity[index]), 3), source))
    kind = max(KINDS, key=lambda k: scores[k])
    return Verdict(kind, {k: round(s, 3) for k, s in scores.items()}, neighbours)
