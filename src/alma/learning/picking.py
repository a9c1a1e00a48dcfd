"""Which answers of before are told with a task: those of tasks like it that have helped, and not all of one sort. Pure.

A candidate's worth is its similarity to the task (cosine) times what is believed of its use. They are taken one by one
by maximal marginal relevance (Carbonell and Goldstein, 1998): its worth, less what an example that was taken already
says as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Vector = NDArray[np.float32]
Why = Literal["unlike", "harmful", "alike", "tokens", "enough"]
LEAST_LIKE = 0.35  # of similarity: below it an answer of before is about something else; see docs/learning.md
DIVERSITY = 0.15  # how much being like one that was taken counts against being like the task
_SWAY = 0.5  # by which utility that is sure makes a candidate worth more, or less
_HARMFUL = -0.35  # of utility times certainty: below it an example has made answers worse
_ALIKE = 0.995  # of similarity of two candidates: they are the same task
_REWORDED = 0.9  # the same: it is the same task in other words, where what was answered is the same
_SAME_WORDS = 0.7  # of the words of two answers, that are in both
_LOOKED_AT = 64  # of the worthiest; the others cannot be taken before these
_TOLD = 8  # of those passed over
_WORD = re.compile(r"\w+")


class Candidate(Struct, frozen=True):
    """`utility`: the mean of what is believed, −1 to 1; `certainty`: 0 (nothing is known) to 1; `tokens`: that it takes
    in a prompt."""

    id: str
    tokens: int
    utility: float = 0.0
    certainty: float = 0.0


class Room(Struct, frozen=True):
    """`tokens`: for all of them together; `most`: how many; `least`: the similarity that each must have."""

    tokens: int
    most: int
    least: float = LEAST_LIKE


class Pick(Struct, frozen=True):
    """`score`: its worth, less what is said already; `diversity`: what that took off."""

    id: str
    score: float
    similarity: float
    utility: float
    diversity: float
    tokens: int


class Passed(Struct, frozen=True):
    """`unlike`: not enough like the task; `harmful`: it made answers worse; `alike`: one that was taken says the same;
    `tokens`: it does not fit; `enough`: as many as may be were worth more."""

    id: str
    score: float
    similarity: float
    why: Why


class Picks(Struct, frozen=True):
    """`picks`: the worthiest first; `passed`: of the others the worthiest, with why."""

    picks: list[Pick]
    passed: list[Passed]


def worth(similarity: float, utility: float, certainty: float) -> float:
    return similarity * (1.0 + _SWAY * utility * certainty)


def same_words(one: str, other: str) -> bool:
    """Whether two answers say nearly the same."""
    words, others = (set(_WORD.findall(text.casefold())) for text in (one, other))
    return len(words & others) >= _SAME_WORDS * len(words | others)


def pick(
    task: Vector,
    candidates: Sequence[Candidate],
    vectors: Vector,
    room: Room,
    same: Callable[[int, int], bool] = lambda _one, _other: False,
) -> Picks:
    """`task`: (d,), `vectors`: (len(candidates), d), all of length 1. `same`: whether the answers of two candidates say
    the same."""
    if not candidates:
        return Picks([], [])
    similar = np.clip(vectors @ task, -1.0, 1.0)
    swayed = np.fromiter((_SWAY * one.utility * one.certainty for one in candidates), np.float32, len(candidates))
    worths = similar * (1.0 + swayed)
    order = [int(at) for at in np.argsort(-worths, kind="stable")[:_LOOKED_AT]]
    passed: dict[int, Why] = {}
    able: list[int] = []
    for at in order:
        one = candidates[at]
        if float(similar[at]) < room.least:
            passed[at] = "unlike"
        elif one.utility * one.certainty < _HARMFUL:
            passed[at] = "harmful"
        else:
            able.append(at)
    picks: list[Pick] = []
    taken: list[int] = []
    left = room.tokens
    while able and len(picks) < room.most:
        near = {at: _nearest(vectors, at, taken) for at in able}
        scores = {at: (1.0 - DIVERSITY) * float(worths[at]) - DIVERSITY * near[at] for at in able}
        best = max(able, key=lambda at: scores[at])
        able.remove(best)
        one = candidates[best]
        reworded = near[best] >= _REWORDED and any(
            vectors[best] @ vectors[at] >= _REWORDED and same(best, at) for at in taken
        )
        if near[best] >= _ALIKE or reworded:
            passed[best] = "alike"
        elif one.tokens > left:
            passed[best] = "tokens"
        else:
            taken.append(best)
            left -= one.tokens
            off = DIVERSITY * (near[best] + float(worths[best]))
            picks.append(Pick(one.id, scores[best], float(similar[best]), one.utility, off, one.tokens))
    passed.update(dict.fromkeys(able, "enough"))
    over = [
        Passed(candidates[at].id, float(worths[at]), float(similar[at]), passed[at]) for at in order if at in passed
    ]
    return Picks(picks, over[:_TOLD])


def _nearest(vectors: Vector, at: int, taken: Sequence[int]) -> float:
    """Similarity to the one it is most like of those taken; 0 while there is none."""
    return max((max(float(vectors[at] @ vectors[other]), 0.0) for other in taken), default=0.0)
