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
_FITTED = 600  # the plane is fitted to so many examples, the nearest, whatever a user corrected in a year
_STEPS, _CLOSE = 20, 1e-5  # of the solution: at most so many, and until so near
_EVEN = 1.0 / len(KINDS)


def classify(task: Vectors, examples: list[Example], vectors: Vectors) -> Verdict:
    """The kind of `task` (one vector) by `examples`, whose vectors are the rows of `vectors`. `neighbours` are those
    that voted for the first voice. Half a millisecond for 240 examples, on the caller's thread."""
    near = by_neighbours(task, examples, vectors)
    if len(examples) > _FITTED:
        nearest = np.argpartition(-(vectors @ task), _FITTED)[:_FITTED]
        examples, vectors = [examples[int(at)] for at in nearest], vectors[nearest]
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
    """What ridge regression of `wanted` on `vectors` says at `task`.

    Conjugate gradients (Hestenes and Stiefel, 1952) on the one system this task needs: a dozen products with the
    vectors, where a factorisation takes cubic time and, on a busy machine, a hundred milliseconds.
    """
    residual = vectors @ task
    weights = np.zeros_like(residual)
    direction, left = residual, float(residual @ residual)
    for _ in range(_STEPS):
        if left < _CLOSE:
            break
        ahead = vectors @ (direction @ vectors) + _RIDGE * direction
        step = left / float(direction @ ahead)
        weights = weights + step * direction
        residual = residual - step * ahead
        before, left = left, float(residual @ residual)
        direction = residual + (left / before) * direction
    return (weights @ wanted).astype(np.float32)
