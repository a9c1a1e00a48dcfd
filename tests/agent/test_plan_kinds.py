"""The two voices that tell a task's kind: what is near it, and on which side of the plane it lies."""

from __future__ import annotations

import numpy as np
import pytest

from alma.agent.boundary import classify
from alma.agent.route import Example, Vectors
from alma.events import KINDS
from bounded import within


def unit(*parts: float) -> Vectors:
    vector = np.zeros(384, np.float32)
    vector[: len(parts)] = parts
    return vector / np.linalg.norm(vector)


# The first three axes are how one asks; each of the others is a topic.
ASKED = [
    (kind, topic, unit(*(0.5 * (axis == at) for axis in range(3)), *(float(topic == one) for one in range(20))))
    for topic in range(20)
    for at, kind in enumerate(KINDS)
    if topic or kind == "creative"  # on topic 0 there is only a creative example
]
EXAMPLES = [Example(f"{kind} {topic}", kind) for kind, topic, _ in ASKED]
VECTORS = np.array([vector for _, _, vector in ASKED])


def test_how_one_asks_outweighs_the_topic() -> None:
    task = unit(0, 0, 0.5, 1)  # asks analytically on topic 0
    verdict = classify(task, EXAMPLES, VECTORS)
    assert verdict.neighbours[0].text == "creative 0"
    assert verdict.kind == "analytical"
    assert sum(verdict.scores.values()) == pytest.approx(1, abs=0.01)


def test_a_correction_wins_on_its_own_text() -> None:
    task = unit(0, 0, 0.5, 1)
    corrected = [*EXAMPLES, Example("mine", "chat", correction=True)]
    verdict = classify(task, corrected, np.vstack([VECTORS, task]))
    assert verdict.kind == "chat"
    assert verdict.neighbours[0].source == "correction"


def test_thousands_of_corrections_do_not_hold_up_the_loop() -> None:
    random = np.random.default_rng(7)
    vectors = random.normal(size=(3000, 384)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    examples = [Example(str(at), KINDS[at % 3], correction=True) for at in range(3000)]
    assert classify(vectors[4], examples, vectors).kind == KINDS[1]
    assert within(0.1, lambda: classify(vectors[4], examples, vectors))
