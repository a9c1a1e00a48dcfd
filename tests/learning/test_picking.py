"""What is picked is like the task, has helped, is not all of one sort, and fits."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from alma.learning.picking import Candidate, Room, Vector, pick, same_words


def unit(*values: float) -> Vector:
    vector = np.asarray(values, np.float32)
    return vector / np.linalg.norm(vector)


TASK = unit(1, 0, 0)


def picked(candidates: list[Candidate], vectors: list[Vector], room: Room) -> list[str]:
    return [one.id for one in pick(TASK, candidates, np.stack(vectors), room).picks]


def test_the_nearest_comes_first_and_what_is_unlike_never() -> None:
    candidates = [Candidate("far", 10), Candidate("near", 10), Candidate("other", 10)]
    vectors = [unit(1, 1, 0), unit(1, 0.1, 0), unit(0, 1, 0)]
    found = pick(TASK, candidates, np.stack(vectors), Room(100, 5))
    assert [one.id for one in found.picks] == ["near", "far"]
    assert [(one.id, one.why) for one in found.passed] == [("other", "unlike")]


def test_what_has_helped_goes_before_what_is_a_little_nearer() -> None:
    vectors = [unit(1, 0.3, 0), unit(1, 0.4, 0)]
    assert picked([Candidate("a", 10), Candidate("b", 10, 0.8, 0.9)], vectors, Room(100, 1)) == ["b"]
    assert picked([Candidate("a", 10), Candidate("b", 10, 0.8, 0.0)], vectors, Room(100, 1)) == ["a"], "not known yet"


def test_what_made_answers_worse_is_not_told() -> None:
    found = pick(TASK, [Candidate("bad", 10, -0.9, 0.8)], np.stack([TASK]), Room(100, 3))
    assert not found.picks
    assert found.passed[0].why == "harmful"


def test_the_same_task_twice_is_told_once_and_variety_counts() -> None:
    vectors = [unit(1, 0.5, 0), unit(1, 0.5, 0), unit(1, 0, 0.52)]
    candidates = [Candidate("a", 10), Candidate("twin", 10), Candidate("c", 10)]
    found = pick(TASK, candidates, np.stack(vectors), Room(100, 3))
    assert [one.id for one in found.picks] == ["a", "c"]
    assert [(one.id, one.why) for one in found.passed] == [("twin", "alike")]


def test_one_task_in_other_words_is_told_twice_only_with_another_answer() -> None:
    vectors = [unit(1, 0.2, 0), unit(1, 0.5, 0), unit(1, 0, 0.6)]
    candidates = [Candidate("a", 10), Candidate("reworded", 10), Candidate("c", 10)]
    answers = ["Take the stairs to the left.", "take the stairs to the left", "Take the lift to the right."]

    def told(answers: list[str]) -> list[str]:
        found = pick(
            TASK, candidates, np.stack(vectors), Room(99, 3), lambda at, other: same_words(answers[at], answers[other])
        )
        return [one.id for one in found.picks]

    assert told(answers) == ["a", "c"]
    assert sorted(told([answers[0], answers[2], "No."])) == ["a", "c", "reworded"]
    assert not same_words("Take the stairs", "Take the lift")


def test_what_does_not_fit_gives_way_to_what_does() -> None:
    vectors = [unit(1, 0.1, 0), unit(1, 0.2, 0.2), unit(1, 0.5, 0)]
    candidates = [Candidate("long", 90), Candidate("short", 30), Candidate("last", 30)]
    found = pick(TASK, candidates, np.stack(vectors), Room(60, 1))
    assert [one.id for one in found.picks] == ["short"]
    assert {one.id: one.why for one in found.passed} == {"long": "tokens", "last": "enough"}


@given(
    st.lists(
        st.tuples(
            st.lists(st.floats(-1, 1), min_size=3, max_size=3).filter(lambda v: np.linalg.norm(v) > 0.1),
            st.floats(-1, 1),
            st.floats(0, 1),
            st.integers(1, 60),
        ),
        max_size=30,
    ),
    st.integers(0, 200),
    st.integers(0, 6),
)
def test_bounds_hold_whatever_there_is(
    rows: list[tuple[list[float], float, float, int]], tokens: int, most: int
) -> None:
    candidates = [Candidate(str(at), row[3], row[1], row[2]) for at, row in enumerate(rows)]
    vectors = np.stack([unit(*row[0]) for row in rows]) if rows else np.zeros((0, 3), np.float32)
    found = pick(TASK, candidates, vectors, Room(tokens, most))
    assert sum(one.tokens for one in found.picks) <= tokens
    assert len(found.picks) <= most
    assert all(one.similarity >= 0.35 for one in found.picks)
    ids = [one.id for one in (*found.picks, *found.passed)]
    assert len(set(ids)) == len(ids)
    assert pick(TASK, candidates, vectors, Room(tokens, most)) == found, "the same each time"
