"""What is not recalled though it fits: words from before a change, bare questions; and what agents said comes last."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, cast

import pytest
from fakes import MemoryBench

from alma.memory.recall import Asked, Recall
from alma.memory.records import USER, NewMemory, Reader, Recalled, Source

ANN = Reader("ann", "manager")
SAID = "I live in Porto near the river. I like tea."


@pytest.fixture
def memory(database_url: str) -> Generator[MemoryBench]:
    with MemoryBench(database_url) as bench:
        yield bench


async def add(memory: MemoryBench, text: str, **more: Any) -> str:
    (added,) = await memory.memories.add([NewMemory("ann", text, **more)])
    return added.memory.id


def said(run: str, start: int, end: int) -> dict[str, Any]:
    source = Source("t1", run, "main", start=start, end=end)
    return {"kind": "episodic", "scope": "team", "agent": "manager", "speaker": USER, "source": source, "line": "t1"}


def fact(run: str, start: int, end: int) -> dict[str, Any]:
    return {"key": "user.city", "source": Source("t1", run, "main", start=start, end=end), "agent": "manager"}


async def recall(memory: MemoryBench, query: str, *, strict: bool = True) -> Recalled:
    searching = Recall(memory.database, cast("Any", memory.dense))
    return await searching.recall(Asked(query, ANN, strict=strict), 1_000_100.0)


async def test_words_from_before_a_change_are_not_recalled(memory: MemoryBench) -> None:
    passage = await add(memory, SAID, **said("r1", 0, len(SAID)))
    await add(memory, "The user lives in Porto.", **fact("r1", 0, 31))
    assert passage in {hit.memory.id for hit in (await recall(memory, "I live in Porto near the river")).hits}
    new = await add(memory, "The user lives in Faro.", **fact("r2", 0, 10))
    found = await recall(memory, "I live in Porto near the river")
    assert passage not in {hit.memory.id for hit in found.hits}
    assert [one.id for one in found.missed if one.why == "outdated"] == [passage]
    assert new in {hit.memory.id for hit in (await recall(memory, "user lives in")).hits}
    loose = await recall(memory, "I live in Porto near the river", strict=False)
    assert passage in {hit.memory.id for hit in loose.hits}, "a person who searches sees all"


async def test_what_was_forgotten_is_not_recalled_from_where_it_was_said(memory: MemoryBench) -> None:
    passage = await add(memory, SAID, **said("r1", 0, len(SAID)))
    other = await add(memory, "I live in Porto near the sea, said elsewhere", **said("r1", 60, 100))
    gone = await add(memory, "The user lives in Porto.", **fact("r1", 0, 31))
    await memory.memories.forget(Reader("ann"), gone)
    hits = {hit.memory.id for hit in (await recall(memory, "I live in Porto near the river")).hits}
    assert passage not in hits
    assert other in hits, "it says something else"


async def test_bare_questions_tell_nothing(memory: MemoryBench) -> None:
    asked = await add(memory, "Where in Porto is the tea house?", **said("r1", 0, 30))
    told = await add(memory, "Porto has a tea house. Do you know where in Porto?", **said("r2", 0, 50))
    hits = {hit.memory.id for hit in (await recall(memory, "where in Porto is the tea house")).hits}
    assert told in hits
    assert asked not in hits
    again = await recall(memory, "Where in Porto is  the TEA house?")
    assert asked in {hit.memory.id for hit in again.hits}, "who asks the same again can tell which answer was its own"


async def test_what_was_stated_comes_before_what_an_agent_said_by_itself(memory: MemoryBench) -> None:
    text = "The tea house in Porto is closed on {}."
    own = {"kind": "episodic", "scope": "team", "agent": "manager", "speaker": "manager"}
    await add(memory, text.format("Mondays"), **own)
    fact_id = await add(memory, text.format("Fridays"), scope="team", agent=USER)
    best, second = (await recall(memory, "tea house in Porto closed")).hits[:2]
    assert best.memory.id == fact_id
    assert best.reasons.stated > 0 > second.reasons.stated
