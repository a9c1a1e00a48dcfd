"""Recall: by meaning and by words, fused; then what neighbours, time, use and diversity make of it, with its reasons.

This module asks the indexes and the database; what it makes of their answers is `ranking.py`, which is pure. Every
statement carries the access rule and the filter, so that nothing has to be taken out of an answer afterwards.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

import sqlalchemy as sa
from msgspec import Struct
from msgspec.structs import replace

from alma.db.database import Database
from alma.errors import EmbedderUnavailable
from alma.memory.embedding import Vector
from alma.memory.merging import tidy
from alma.memory.outdated import left_of
from alma.memory.packing import Packed, around, is_known, pack, plain, widened
from alma.memory.question import Question, parts_of, read_question
from alma.memory.ranking import Candidate, Ranked, diversify, is_bare_question, is_weak, rank
from alma.memory.records import (
    Filter,
    Hit,
    Memory,
    Missed,
    Reader,
    Recalled,
    Why,
    outside_of,
)
from alma.memory.statements import ask, one_of, rule_of
from alma.memory.store import by_nums
from alma.memory.vectors.index import Near
from alma.memory.words import WordHit, found_by_words, query_terms, words_in

FROM_VECTORS = 100  # candidates
FROM_WORDS = 40
FROM_PART = 40  # by each method for each part of a query that asks for several things
BESIDE = 10  # of the best by each method: also what stands beside them
SPAN = 2  # places before and after
_LISTED = 20  # most that are told of as missed
_TOLD_CHARS = 160  # of each
_COMPARED = 4  # times as many as are wanted are compared with each other, at least 24
_SPARE = 50  # and so many more are ranked, for those that are known or weak


class _Row(NamedTuple):
    """What is read of a candidate; up to `pinned` in the order of `Candidate`."""

    num: int
    text: str
    created_at: float
    line: str
    position: int
    speaker: str
    document_id: str
    utility: float
    pinned: bool
    id: str
    kind: str
    agent: str
    key: str
    strength: float


_FACTS = ", ".join(_Row._fields)


class Nearest(Protocol):
    """What recall needs of `Dense`."""

    async def search(self, query: str, k: int, reader: Reader, wanted: Filter) -> list[Near]: ...

    def vectors(self, connection: sa.Connection, nums: Sequence[int]) -> dict[int, Vector]: ...


class Asked(Struct, frozen=True):
    """`k`: at most so many hits; `tokens`: that they may take together (0: no bound), by `records.tokens_of`, each with
    `beside` more for what is put before it. `known`: texts that the asker has before it anyway. `widen`: give the
    sentences around a piece of a document or conversation, where the budget allows it. `strict`: leave out what has
    little to do with the query; else the best are given, however weak."""

    query: str
    reader: Reader
    wanted: Filter = Filter()
    k: int = 10
    tokens: int = 0
    beside: int = 0
    known: tuple[str, ...] = ()
    widen: bool = False
    strict: bool = False


class _Found(Struct, frozen=True):
    """The best candidates in order, of how many, the id of each number, the words of the query and those of each of
    its parts."""

    ranked: list[Ranked]
    considered: int
    ids: dict[int, str]
    terms: list[str]
    parts: list[list[str]]


class _Searched(Struct, frozen=True):
    """What the indexes found for a query, or for a part of it. `near` None: vectors could not be asked."""

    text: str
    near: list[Near] | None
    words: list[WordHit]


class Recall:
    def __init__(self, database: Database, dense: Nearest) -> None:
        self._database = database
        self._dense = dense

    async def recall(self, asked: Asked, now: float) -> Recalled:
        """Never raises for want of vectors: then words alone are searched."""
        began = time.perf_counter()
        asked = replace(asked, query=tidy(asked.query).strip())
        if asked.k <= 0 or not asked.query:
            return Recalled([], dense=False)
        question = read_question(asked.query)
        if asked.strict and question.small_talk:
            return Recalled([])
        searched = await self._search_all(asked)

        def give(connection: sa.Connection) -> Recalled:
            found = _weigh(connection, asked, question, searched, now)
            chosen, missed = self._choose(connection, asked, question, found)
            hits, unpacked = _pack(connection, asked, found, chosen)
            return Recalled(hits, [*missed, *unpacked][:_LISTED], found.considered, searched[0].near is not None)

        recalled = await self._database.read(give)
        return replace(recalled, ms=(time.perf_counter() - began) * 1000)

    async def _search_all(self, asked: Asked) -> list[_Searched]:
        """For the whole query, then for each of its parts, at the same time."""
        texts = [asked.query, *parts_of(asked.query)]
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._search(asked, text, whole=not at)) for at, text in enumerate(texts)]
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None  # the caller waits for one thing and wants to hear of one
        return [task.result() for task in tasks]

    async def _search(self, asked: Asked, text: str, *, whole: bool) -> _Searched:
        """By vectors and by words, at the same time."""

        async def by_meaning() -> list[Near] | None:
            try:
                return await self._dense.search(text, FROM_VECTORS if whole else FROM_PART, asked.reader, asked.wanted)
            except EmbedderUnavailable:
                return None

        def by_words(connection: sa.Connection) -> list[WordHit]:
            most = FROM_WORDS if whole else FROM_PART
            return found_by_words(connection, text, asked.reader, asked.wanted, most)

        try:
            async with asyncio.TaskGroup() as group:
                near = group.create_task(by_meaning())
                words = group.create_task(self._database.read(by_words))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        return _Searched(text, near.result(), words.result())

    def _choose(
        self, connection: sa.Connection, asked: Asked, question: Question, found: _Found
    ) -> tuple[list[Ranked], list[Missed]]:
        """Those that are wanted, each once, as different as they are good; more than `k`, since some may not fit."""
        missed: list[Missed] = []
        kept: list[Ranked] = []
        most = _most_compared(asked)
        left = _left_of(connection, asked, [one.candidate.num for one in found.ranked])
        for one in found.ranked:
            if len(kept) == most:
                break
            text = left.get(one.candidate.num)
            told = one if text is None else replace(one, candidate=replace(one.candidate, text=text))
            if why := _why_not(told, asked, question, found, cut=text is not None):
                missed.append(_missed(found, one, why))
            else:
                kept.append(told)
        vectors = self._dense.vectors(connection, [one.candidate.num for one in kept]) if len(kept) > 1 else {}
        chosen, alike = diversify(kept, vectors, asked.k if not asked.tokens else most)
        missed += [_missed(found, one, "alike") for one in alike]
        return chosen, sorted(missed, key=lambda one: -one.score)[:_LISTED]


def _left_of(connection: sa.Connection, asked: Asked, nums: Sequence[int]) -> dict[int, str]:
    """Agents are told nothing that was replaced or forgotten; the owner in person looks through all."""
    return {} if asked.reader.role is None else left_of(connection, nums)


def _why_not(one: Ranked, asked: Asked, question: Question, found: _Found, *, cut: bool) -> Why | None:
    """Why it is left out. `cut`: an outdated sentence was taken out of it. What it was found for may have been that
    one: so the rest must have a word of the query."""
    if cut and not words_in(found.terms, one.candidate.text):
        return "outdated"
    if asked.strict and (_only_asks_else(one, asked) or all(is_weak(one, part, question.keys) for part in found.parts)):
        return "weak"
    return "known" if is_known(one.candidate.text, asked.known) else None


def _only_asks_else(one: Ranked, asked: Asked) -> bool:
    """A bare question, but not the one of now: that it was asked before tells the asker which answer it had."""
    return is_bare_question(one.candidate) and plain(one.candidate.text) != plain(asked.query)


def _missed(found: _Found, one: Ranked, why: Why) -> Missed:
    return Missed(found.ids[one.candidate.num], one.score, why, one.candidate.text[:_TOLD_CHARS])


def _most_compared(asked: Asked) -> int:
    return max(asked.k * _COMPARED, 24)


# ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _weigh(
    connection: sa.Connection, asked: Asked, question: Question, searched: Sequence[_Searched], now: float
) -> _Found:
    """The candidates, what stands beside the best of them, and their order."""
    dense, text = _nearest(searched), _by_words(searched)
    named = _nums_at(connection, asked, question.keys)
    rows = _rows(connection, asked, [*dict.fromkeys([*dense, *text, *named])])
    best = [rows[num] for found in (dense, text) for num, one in found.items() if one[1] <= BESIDE and num in rows]
    beside = _nums_beside(connection, {(row.line, row.position) for row in best}, SPAN)
    rows |= _rows(connection, asked, [num for num in beside if num not in rows])
    candidates = [_candidate(row, dense.get(num), text.get(num)) for num, row in rows.items()]
    return _Found(
        rank(question, candidates, now, _most_compared(asked) + _SPARE),
        len(candidates),
        {num: row.id for num, row in rows.items()},
        query_terms(asked.query),
        [query_terms(one.text) for one in searched],
    )


def _nearest(searched: Sequence[_Searched]) -> dict[int, tuple[float, int]]:
    """Cosine and rank of each, by the part of the query that it is nearest to."""
    found: dict[int, tuple[float, int]] = {}
    for one in searched:
        for place, near in enumerate(one.near or (), 1):
            cosine, best = found.get(near.num, (near.cosine, place))
            found[near.num] = max(cosine, near.cosine), min(best, place)
    return found


def _by_words(searched: Sequence[_Searched]) -> dict[int, tuple[float, int]]:
    """Score and rank of each, by the part whose words it has best. Scores compare only within one answer: so those for
    a part are stretched to the best of the whole."""
    found: dict[int, tuple[float, int]] = {}
    top = _top(searched[0])
    for one in searched:
        stretch = top / _top(one)
        for place, hit in enumerate(one.words, 1):
            score, best = found.get(hit.num, (0.0, place))
            found[hit.num] = max(score, hit.score * stretch), min(best, place)
    return found


def _top(one: _Searched) -> float:
    return max((hit.score for hit in one.words), default=0.0) or 1.0


def _nums_at(connection: sa.Connection, asked: Asked, keys: Sequence[str]) -> list[int]:
    """The facts with these keys; who may read them is asked with their rows."""
    if not keys:
        return []
    statement = "SELECT num FROM memories WHERE owner = :owner AND {rule}"
    return [num for (num,) in ask(connection, statement, {"owner": asked.reader.owner}, one_of("key", keys))]


def _rows(connection: sa.Connection, asked: Asked, nums: Sequence[int]) -> dict[int, _Row]:
    """By number, of those that the reader may read and the filter lets through."""
    rule = rule_of(connection.dialect.name, asked.reader, asked.wanted)
    statement = f"SELECT {_FACTS} FROM memories WHERE num {{among}} AND {{rule}} IS TRUE"
    return {row.num: row for row in map(_Row._make, ask(connection, statement, {}, rule, nums))}


def _nums_beside(connection: sa.Connection, places: Collection[tuple[str, int]], span: int) -> list[int]:
    """The numbers of what stands at these places (line, position) and up to `span` before and after. In a statement of
    its own: beside the access rule, SQLite would not use the index of lines."""
    near: list[str] = []
    values: dict[str, str | int] = {}
    for index, (line, position) in enumerate(sorted(place for place in places if place[0])):
        near.append(f"(line = :l{index} AND position BETWEEN :a{index} AND :b{index})")
        values |= {f"l{index}": line, f"a{index}": position - span, f"b{index}": position + span}
    if not near:
        return []
    return [num for (num,) in ask(connection, "SELECT num FROM memories WHERE " + " OR ".join(near), values)]


def _candidate(row: _Row, dense: tuple[float, int] | None, text: tuple[float, int] | None) -> Candidate:
    cosine, dense_rank = dense or (None, 0)
    bm25, text_rank = text or (0.0, 0)
    return Candidate(
        *row[:9],
        cosine=cosine,
        dense_rank=dense_rank,
        bm25=bm25,
        text_rank=text_rank,
        kind=row.kind,
        agent=row.agent,
        key=row.key,
        strength=row.strength,
    )


# ── giving ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _pack(
    connection: sa.Connection, asked: Asked, found: _Found, chosen: Sequence[Ranked]
) -> tuple[list[Hit], list[Missed]]:
    """As many as fit, read whole; widened, where that is wanted and there is room."""
    texts = [(one.candidate.num, one.candidate.text) for one in chosen]
    packed, left_out = pack(texts, asked.k, asked.tokens, asked.beside, found.terms)
    scores = {one.candidate.num: one for one in chosen}
    missed = [_missed(found, scores[num], "budget") for num in left_out]
    kept = by_nums(connection, [one.num for one in packed], asked.reader, asked.wanted)
    whole = [(one, kept[one.num]) for one in packed if one.num in kept]  # else it was forgotten just now
    if asked.widen:
        whole = _widen(connection, asked, whole)
    return [_hit(one, memory, scores[one.num], found) for one, memory in whole], missed


def _widen(
    connection: sa.Connection, asked: Asked, whole: Sequence[tuple[Packed, Memory]]
) -> list[tuple[Packed, Memory]]:
    nums = _nums_beside(connection, {(memory.line, memory.position) for _, memory in whole}, 1)
    near = by_nums(connection, nums, asked.reader, asked.wanted)
    left = _left_of(connection, asked, nums)
    near = {num: replace(one, text=left.get(num, one.text)) for num, one in near.items() if left.get(num) != ""}
    hit = {memory.num for _, memory in whole}
    room = asked.tokens - sum(one.tokens + asked.beside for one, _ in whole) if asked.tokens else None
    wide: list[tuple[Packed, Memory]] = []
    for one, memory in whole:
        pair = around(memory, [other for other in near.values() if memory.line and other.line == memory.line])
        before, after = (None if other is None or other.num in hit else other for other in pair)
        more = widened(one, replace(memory, text=one.text), before, after, room)
        if room is not None:
            room -= more.tokens - one.tokens
        wide.append((more, memory))
    return wide


def _hit(packed: Packed, memory: Memory, ranked: Ranked, found: _Found) -> Hit:
    reasons = replace(
        ranked.reasons,
        words=words_in(found.terms, memory.text) if ranked.candidate.text_rank else [],
        near=found.ids.get(ranked.near, "") if ranked.near else "",
    )
    return Hit(memory, ranked.score, reasons, packed.text, packed.tokens, packed.outside or outside_of(memory))
