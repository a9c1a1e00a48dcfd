"""Search by words: in many scripts, in code, and whatever a query has in it."""

from __future__ import annotations

import asyncio
from collections.abc import Generator

import pytest
from fakes import MemoryBench
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alma.memory.records import Filter, NewMemory, Reader
from alma.memory.words import WordHit, found_by_words, query_terms, terms_of, words_in

ANN = Reader("ann")
TEXTS = {
    "cello": "Ann has been playing the cello for years",
    "code": "The function readHttpFile in memory_words.py returns utf8 text",
    "chinese": "我们明天去北京看长城",
    "japanese": "昨日、新しいカメラを買いました。",
    "thai": "วันนี้อากาศดีมาก",
    "accents": "Le café de la gare est fermé",
    "russian": "Завтра мы едем на дачу",
    "hebrew": "אנחנו נפגשים בתחנה",
    "cat": "猫が好きです",
    "who": "Who are you and what is this",
    "number": "The invoice 2024-0071 is over 1,250.50 euros",
}


@pytest.fixture
def memory(database_url: str) -> Generator[MemoryBench]:
    with MemoryBench(database_url) as bench:
        yield bench


async def fill(memory: MemoryBench) -> dict[int, str]:
    added = await memory.memories.add([NewMemory("ann", text, key=name) for name, text in TEXTS.items()])
    return {one.memory.num: one.memory.key for one in added}


@pytest.mark.parametrize(
    ("query", "name", "words"),
    [
        ("who plays cellos?", "cello", ["plays", "cellos"]),
        ("readHttpFile", "code", ["readhttpfile", "read", "http", "file"]),
        ("http file", "code", ["http", "file"]),
        ("memory_words", "code", ["memorywords", "memory", "words"]),
        ("北京", "chinese", ["北京"]),
        ("カメラ", "japanese", ["カメ", "メラ"]),
        ("猫", "cat", ["猫"]),
        ("อากาศ", "thai", None),
        ("cafe FERME", "accents", ["cafe", "ferme"]),
        ("дачу", "russian", ["дачу"]),
        ("בתחנה", "hebrew", ["בתחנה"]),
        ("who are you?", "who", ["who", "are", "you"]),
        ("0071", "number", ["0071"]),
    ],
)
async def test_it_is_found(memory: MemoryBench, query: str, name: str, words: list[str] | None) -> None:
    names = await fill(memory)
    hits = await memory.database.read(lambda connection: found_by_words(connection, query, ANN, Filter(), 5))
    assert names[hits[0].num] == name
    assert hits[0].score > 0
    if words is not None:
        assert words_in(query_terms(query), TEXTS[name]) == words


async def test_rare_words_count_more_and_the_best_come_first(memory: MemoryBench) -> None:
    texts = [f"the garden has tree number {number}" for number in range(30)]
    added = await memory.memories.add([NewMemory("ann", text, line="x", position=n) for n, text in enumerate(texts)])
    query = "garden tree 17"
    hits = await memory.database.read(lambda connection: found_by_words(connection, query, ANN, Filter(), 3))
    assert hits[0].num == added[17].memory.num
    assert len(hits) == 3
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


@pytest.mark.parametrize("wanted", [Filter(), Filter(kinds=("semantic",)), Filter(not_runs=("r1",))])
async def test_among_many_the_same_are_found(
    memory: MemoryBench, monkeypatch: pytest.MonkeyPatch, wanted: Filter
) -> None:
    await memory.memories.add(
        [
            NewMemory(owner, f"{'cello ' * (number % 3)}piano {number}", kind=kind, line="x", position=number)
            for number in range(30)
            for owner in ("ann", "ben")
            for kind in ("semantic", "episodic")
        ]
    )

    async def found() -> list[list[WordHit]]:
        return await memory.database.read(
            lambda connection: [found_by_words(connection, "a cello, a piano", ANN, wanted, k) for k in (5, 12)]
        )

    among_few = await found()
    assert len(among_few[1]) == 12
    monkeypatch.setattr("alma.memory.words._FEW", 3)
    assert await found() == among_few


def test_stop_words_are_left_out_unless_nothing_else_is_there() -> None:
    assert query_terms("What is the name of the ship?") == ["name", "ship"]
    assert query_terms("To be or not to be") == ["to", "be", "or", "not"]
    assert query_terms("?!") == []


def test_identifiers_are_there_whole_and_in_parts() -> None:
    assert terms_of("HTTPServer load_all x2 Berlin NASA __init__") == [
        *("httpserver", "http", "server"),
        *("loadall", "load", "all"),
        "x2",
        "berlin",
        "nasa",
        "init",
    ]


PIECES = st.sampled_from(
    ['"', "'", "*", "NEAR(", "AND", "OR", "NOT", "(", ")", ":", "^", "-", "&", "|", "!", "<->", "\0", "\ud800", "cello"]
)


@settings(max_examples=60, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.lists(PIECES, max_size=8).map(" ".join), st.text(max_size=30)))
def test_no_query_is_a_mistake(memory: MemoryBench, query: str) -> None:
    async def ask() -> None:
        await memory.memories.add([NewMemory("ann", "cello")])
        hits = await memory.database.read(lambda connection: found_by_words(connection, query, ANN, Filter(), 5))
        assert bool(hits) or "cello" not in query.lower().split()

    asyncio.run(ask())
