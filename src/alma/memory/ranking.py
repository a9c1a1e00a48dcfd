"""In which order found memories are given, and why: a sum of few reasons, each of which can be shown. Pure.

A score is in units of cosine. What a memory gains and loses beside its own cosine, and how much, was learnt on the
dialogues in `bench/data/dialogues/dev` (a linear softmax ranking, one dialogue left out at a time) and then rounded
towards smaller weights of the neighbours, since outside texts lean less on what was said before. The table of what each
one brings is in docs/decisions/0016-recall.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from alma.memory.embedding import Vector
from alma.memory.question import Question, answers, asks, only_asks
from alma.memory.records import USER, Reasons
from alma.memory.sameness import say_the_same
from alma.memory.words import words_in

WORDS = 0.25  # of having the words of the query as well as the best one has them
BESIDE_COSINE = {-1: 0.40, 1: 0.40, -2: 0.28, 2: 0.10}  # of the cosine of what stands so far beside it, above the floor
BESIDE_WORDS = {-1: 0.32, 1: 0.08, -2: 0.25}  # of its words
_BESIDE = [(step, weight, BESIDE_WORDS.get(step, 0.0)) for step, weight in BESIDE_COSINE.items()]
ASKS = -0.18  # a question is seldom an answer
SPEAKER = 0.20  # said by who is named in the query; where several are, by the first
STATED = 0.12  # a fact or a rule, which was stated to be kept; what an agent said by itself loses as much
ANSWER = 0.13  # has a time or a number, where the query asks for one
KEYED = 1.0  # is the very fact that is asked for: it comes before what has the words of the query
RECENCY = 0.03  # of what is new; half of it after HALF_LIFE
HALF_LIFE = 30 * 86400.0  # seconds
USED = 0.05  # of what was always used; as much less where it never was
UTILITY = 0.25  # of what is known to help, by what was thought of answers; as much less of what misled
PINNED = 0.05
ALIKE = 0.95  # the least cosine of two texts of which one is enough, if they say the same
LIKENESS = 0.75  # from this cosine on a memory loses to a better one that is like it,
LIKENESS_LOSS = 0.5  # this much for each 1.0 of cosine above
CROWD = 3  # so many pieces of one document lose nothing; each further one
CROWD_LOSS = 0.05  # loses this much more
WEAK = 0.36  # cosine: of the dev questions 90 % have something nearer, of greetings and the like 10 %
WEAK_BESIDE = 0.25  # score of what is only beside something near: of the dev questions no evidence has less than 0.35
WEAK_ALONE = 0.22  # of a fact, which is short and bare: questions about facts are at 0.2 to 0.6, others below 0.17
# Where nothing is known to stand beside a memory, this share of its own cosine above the floor, and of its words, is
# taken for it: as beside the ten best by themselves of each dev question (0.30 to 0.53, by how deep the floor is, and
# 0.23). So a fact that stands alone is not behind what was said in a conversation.
EXPECTED_COSINE = 0.4
EXPECTED_WORDS = 0.2
_ALONE_COSINE = EXPECTED_COSINE * sum(BESIDE_COSINE.values())
_ALONE_WORDS = EXPECTED_WORDS * sum(BESIDE_WORDS.values())


class Candidate(Struct, frozen=True):
    """A memory that an index found, or that stands beside one. `cosine` None: the vectors did not find it;
    `text_rank` 0: the words did not."""

    num: int
    text: str
    created_at: float = 0.0
    line: str = ""
    position: int = 0
    speaker: str = ""
    document: str = ""
    utility: float = 0.0
    pinned: bool = False
    cosine: float | None = None
    dense_rank: int = 0
    bm25: float = 0.0
    text_rank: int = 0
    kind: str = ""
    agent: str = ""
    key: str = ""
    strength: float = 0.0


class Ranked(Struct, frozen=True):
    """`score` is the sum of `reasons`: fused, neighbour, stated, speaker, answer, recency, utility, pinned, diversity.
    `near`: the number of the neighbour that it gained most from; 0: none. `nearest`: the best cosine among it and its
    neighbours; None: vectors took no part."""

    candidate: Candidate
    score: float
    reasons: Reasons
    near: int = 0
    nearest: float | None = None


def rank(question: Question, candidates: Sequence[Candidate], now: float, most: int | None = None) -> list[Ranked]:
    """The `most` best (None: all), best first; of equals the newer, then the one with the higher number. Each number
    must be there once."""
    field = _Field(question, candidates)
    weighed = [field.weigh(candidate, now) for candidate in candidates]
    weighed.sort(key=lambda one: (-one.score, -one.candidate.created_at, -one.candidate.num))
    return [field.ranked(one) for one in weighed[:most]]


class _Weighed(NamedTuple):
    score: float
    candidate: Candidate
    fused: float
    neighbour: float
    stated: float
    speaker: float
    answer: float
    recency: float
    utility: float
    near: int


class _Field:
    """The candidates of one query, and what they are measured by."""

    def __init__(self, question: Question, candidates: Sequence[Candidate]) -> None:
        self._question = question
        # What the vectors did not find is at most as near as the last that they found.
        self._by_vectors = any(one.cosine is not None for one in candidates)
        self._floor = min((one.cosine for one in candidates if one.cosine is not None), default=0.0)
        self._best = max((one.cosine for one in candidates if one.cosine is not None), default=0.0) - self._floor or 1.0
        self._most = max((one.bm25 for one in candidates), default=0.0) or 1.0  # its scale is the database's
        self._lines: dict[str, dict[int, Candidate]] = {}
        for one in sorted(candidates, key=lambda one: one.num):
            if one.line:
                self._lines.setdefault(one.line, {})[one.position] = one
        speakers = {one.speaker for one in candidates if one.speaker}
        named = {speaker: place for speaker in speakers if (place := question.place_of(speaker)) is not None}
        first = min(named.values(), default=-1)
        self._named = {speaker for speaker, place in named.items() if place == first}
        if question.own and not named:
            self._named = {USER}

    def weigh(self, candidate: Candidate, now: float) -> _Weighed:
        above = 0.0 if candidate.cosine is None else candidate.cosine - self._floor
        words = candidate.bm25 / self._most
        fused = self._floor + above + WORDS * words
        neighbour, near = self._neighbour(candidate, above, words)
        said = stated(candidate)
        speaker = SPEAKER if candidate.speaker in self._named else 0.0
        answer = ANSWER * answers(self._question, candidate.text) + (ASKS if asks(candidate.text) else 0.0)
        answer += KEYED if candidate.key in self._question.keys else 0.0
        recency = RECENCY * freshness(candidate, now)
        utility = self._utility(candidate, above, words)
        score = fused + neighbour + said + speaker + answer + recency + utility
        score += PINNED if candidate.pinned else 0.0
        return _Weighed(score, candidate, fused, neighbour, said, speaker, answer, recency, utility, near)

    def ranked(self, one: _Weighed) -> Ranked:
        candidate = one.candidate
        reasons = Reasons(
            cosine=candidate.cosine or 0.0,
            dense_rank=candidate.dense_rank,
            bm25=candidate.bm25,
            text_rank=candidate.text_rank,
            fused=one.fused,
            neighbour=one.neighbour,
            stated=one.stated,
            speaker=one.speaker,
            answer=one.answer,
            recency=one.recency,
            utility=one.utility,
            pinned=PINNED if candidate.pinned else 0.0,
        )
        return Ranked(candidate, one.score, reasons, one.near, self._nearest(candidate))

    def _utility(self, candidate: Candidate, above: float, words: float) -> float:
        """What has helped with other questions helps with this one as far as it has to do with it: most where it is
        the nearest of all."""
        if not candidate.strength:
            return USED * candidate.utility
        return UTILITY * candidate.utility * max(above / self._best, words)

    def _nearest(self, candidate: Candidate) -> float | None:
        line = self._lines.get(candidate.line, {})
        beside = [line.get(candidate.position + step) for step in BESIDE_COSINE]
        known = [one.cosine for one in (candidate, *beside) if one and one.cosine is not None]
        return max(known, default=0.0) if self._by_vectors else None

    def _neighbour(self, candidate: Candidate, above: float, words: float) -> tuple[float, int]:
        """What stands beside it adds, and which of that most. `above`: its own cosine above the floor."""
        line = self._lines.get(candidate.line, {})
        if len(line) < 2:
            return _ALONE_COSINE * above + _ALONE_WORDS * words, 0
        gained, best, near = 0.0, 0.0, 0
        for step, weight, of_words in _BESIDE:
            beside = line.get(candidate.position + step)
            if beside is None:
                gained += weight * EXPECTED_COSINE * above + of_words * EXPECTED_WORDS * words
                continue
            gain = of_words * beside.bm25 / self._most
            if beside.cosine is not None:
                gain += weight * (beside.cosine - self._floor)
            gained += gain
            if gain > best:
                best, near = gain, beside.num
        return gained, near


def is_bare_question(candidate: Candidate) -> bool:
    """What the user once asked tells nothing; what was answered may."""
    return candidate.kind == "episodic" and candidate.speaker == USER and only_asks(candidate.text)


def is_weak(one: Ranked, terms: Sequence[str], keys: Sequence[str] = ()) -> bool:
    """Whether it has little to do with the query, whose words are `terms`: neither it nor what stands beside it is near
    in meaning, and it has not all the words. Without vectors, half of the words will do. What is pinned never is, nor
    the very fact that is asked for (`keys`)."""
    found = one.candidate
    if found.pinned or (found.key and found.key in keys) or _is_near(one):
        return False
    enough = 1.0 if one.nearest is not None else 0.5
    return not found.text_rank or len(words_in(terms, found.text)) < enough * len(terms)


def _is_near(one: Ranked) -> bool:
    """In meaning; or beside what is, and then worth something itself: a thank-you beside an answer is not."""
    found = one.candidate
    if not found.line:
        return (one.nearest or 0.0) >= WEAK_ALONE
    return (found.cosine or 0.0) >= WEAK or ((one.nearest or 0.0) >= WEAK and one.score >= WEAK_BESIDE)


def stated(candidate: Candidate) -> float:
    """What the kind of a memory makes it worth. Speakers that are no agents neither gain nor lose."""
    if candidate.kind in ("semantic", "procedural") and not candidate.document:
        return STATED
    return -STATED if candidate.kind == "episodic" and candidate.agent and candidate.speaker == candidate.agent else 0.0


def freshness(candidate: Candidate, now: float) -> float:
    """From 1 (now, or pinned) towards 0; half after `HALF_LIFE`."""
    age = 0.0 if candidate.pinned else max(now - candidate.created_at, 0.0)
    return 0.5 ** (age / HALF_LIFE)


def total(reasons: Reasons) -> float:
    gained = reasons.fused + reasons.neighbour + reasons.stated + reasons.speaker + reasons.answer
    return gained + reasons.recency + reasons.utility + reasons.pinned + reasons.diversity


# ── which of them together ────────────────────────────────────────────────────────────────────────────────────────


def diversify(ranked: Sequence[Ranked], vectors: Mapping[int, Vector], most: int) -> tuple[list[Ranked], list[Ranked]]:
    """The `most` best, none of which says the same as one before it; and those passed over as alike. Maximal marginal
    relevance (Carbonell and Goldstein 1998), with a loss only where the likeness is great: what was said of one matter
    is often alike, and all of it wanted. Without a vector nothing is lost."""
    waiting = list(ranked)
    chosen: list[Ranked] = []
    alike: list[Ranked] = []
    nums = [one.candidate.num for one in ranked]
    rows = {num: row for row, num in enumerate(num for num in nums if num in vectors)}
    matrix = np.stack([vectors[num] for num in rows]) if rows else np.zeros((0, 0), np.float32)
    likeness = dict.fromkeys(nums, 0.0)
    crowds: dict[str, int] = {}

    def lessened(one: Ranked) -> Ranked:
        crowd = max(crowds.get(one.candidate.document, 0) - CROWD + 1, 0) if one.candidate.document else 0
        loss = LIKENESS_LOSS * max(likeness[one.candidate.num] - LIKENESS, 0.0) + CROWD_LOSS * crowd
        return _with_loss(one, loss)

    while waiting and len(chosen) < most:
        # A loss only lowers a score: who beats the next one's full score needs no comparison with the rest.
        best = 0
        best_one = lessened(waiting[0])
        for index in range(1, len(waiting)):
            if waiting[index].score <= best_one.score:
                break
            if (other := lessened(waiting[index])).score > best_one.score:
                best, best_one = index, other
        waiting.pop(best)
        num = best_one.candidate.num
        if likeness[num] >= ALIKE and _is_said_by(best_one, chosen):
            alike.append(best_one)
            continue
        chosen.append(best_one)
        if best_one.candidate.document:
            crowds[best_one.candidate.document] = crowds.get(best_one.candidate.document, 0) + 1
        if num in rows:
            for other_num, cosine in zip(rows, (matrix @ matrix[rows[num]]).tolist(), strict=True):
                likeness[other_num] = max(likeness[other_num], cosine)
    return chosen, alike


def _is_said_by(one: Ranked, others: Sequence[Ranked]) -> bool:
    """Word for word or nearly: to a vector `B-` is `B`, and what says another thing must be told."""
    return any(say_the_same(one.candidate.text, other.candidate.text) for other in others)


def _with_loss(one: Ranked, loss: float) -> Ranked:
    if not loss:
        return one
    reasons = replace(one.reasons, diversity=-loss)
    return replace(one, score=total(reasons), reasons=reasons)
