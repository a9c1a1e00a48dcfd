"""Which kind a task is, by two voices: its nearest examples, and a plane fitted between the kinds in embedding space.

Neighbours alone follow the topic: a question about tomatoes lies beside a tongue twister about tomatoes. The plane
(ridge regression on the same vectors) follows what all examples of a kind share, which is how they ask. The neighbours
keep a voice, so that a correction is heard on what is like it. Figures: docs/decisions/0006-plans-by-pattern.md. Pure.
"""

from __future__ import annotations

import numpy as np

from alma.agent.route import Example, Vectors, Verdict
from alma.agent.route import classify as by_neighbours
from alma.events import KINDS

_RIDGE = 1.0  # how much the plane is kept from following single examples
_NEAR = 0.25  # share of the neighbours' voice
_HEED = 2.0  # a correction's row counts the square of this
_EVEN = 1.0 / len(KINDS)


def classify(task: Vectors, examples: list[Example], vectors: Vectors) -> Verdict:
    """The kind of `task` (one vector) by `examples`, whose vectors are the rows of `vectors`. `neighbours` are those
    that voted for the first voice. Takes a few milliseconds for 200 examples, and for thousands."""
    near = by_neighbours(task, examples, vectors)
    wanted = np.array([[float(example.kind == kind) - _EVEN for kind in KINDS] for example in examples], np.float32)
    heed = np.array([[_HEED if example.correction else 1.0] for example in examples], np.float32)
    side = np.clip(_plane(task, wanted * heed, vectors * heed) + _EVEN, 0.0, None)
    side = side / (float(side.sum()) or 1.0)
    scores = {
        str(kind): round(_NEAR * near.scores[kind] + (1 - _NEAR) * float(of_kind), 3)
        for kind, of_kind in zip(KINDS, side, strict=True)
    }
    return Verdict(max(KINDS, key=lambda kind: scores[kind]), scores, near.neighbours)


def _plane(task: Vectors, wanted: Vectors, vectors: Vectors) -> Vectors:
    """What ridge regression of `wanted` on `vectors` says at `task`, solved on the smaller side."""
    count, dimensions = vectors.shape
    by_example = count <= dimensions
    gram = vectors @ vectors.T if by_example else vectors.T @ vectors
    gram = gram + _RIDGE * np.eye(len(gram), dtype=np.float32)
    said = (
        (vectors @ task) @ np.linalg.solve(gram, wanted)
        if by_example
        else task @ np.linalg.solve(gram, vectors.T @ wanted)
    )
    return said.astype(np.float32)
