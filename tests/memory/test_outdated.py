"""What is not recalled though it fits: words from before a change, bare questions; and what agents said comes last."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, cast

import pytest
from fakes import MemoryBench

from alma.memory.recall import Asked, Recall
from alma.memory.records import USER, NewMemory, Reader, Recalled, Source

ANN = Reader("ann", "manager")
PERSON = Reader("ann")
SAID = "I live in Porto near the river. I like tea."


@pytest.fixture
def memory(database_url: str) -> Generator[MemoryBench]:
    with MemoryBench(database_url) as bench:
        yield bench


async def add(memory: MemoryBench, text: str, **more: Any) -> str:
    (added,) = await memory.memories.add([NewMemory("ann", text, **more)])
    return added.memory.id


def said(run: str, start: int, end: int, task: str = "", message: str = "") -> dict[str, Any]:
    source = Source("t1", run, task, message, start=start, end=end)
    return {"kind": "episodic", "scope": "team", "agent": "manager", "speaker": USER, "source": source, "line": "t1"}


def fact(run: str, start: int, end: int, task: str = "", message: str = "") -> dict[str, Any]:
    source = Source("t1", run, task, message, start=start, end=end)
    return {"key": "user.city", "source": source, "agent": "manager"}


async def recall(
    memory: MemoryBench, query: str, reader: Reader = ANN, *, strict: bool = True, widen: bool = False
) -> Recalled:
    searching = Recall(memory.database, cast("Any", memory.dense))
    return await searching.recall(Asked(query, reader, strict=strict, widen=widen), 1_000_100.0)


def ids(recalled: Recalled) -> set[str]:
    return {hit.memory.id for hit in recalled.hits}


async def test_words_from_before_a_change_are_not_recalled(memory: MemoryBench) -> None:
    passage = await add(memory, SAID, **said("r1", 0, len(SAID)))
    await add(memory, "The user lives in Porto.", **fact("r1", 0, 31))
    assert passage in {hit.memory.id for hit in (await recall(memory, "I live in Porto near the river")).hits}
    new = await add(memory, "The user lives in Faro.", **fact("r2", 0, 10))
    found = await recall(memory, "I live in Porto near the river")
    assert passage not in {hit.memory.id for hit in found.hits}
    assert [one.id for one in found.missed if one.why == "outdated"] == [passage]
    assert new in {hit.memory.id for hit in (await recall(memory, "user lives in")).hits}
    assert passage not in ids(await recall(memory, "I live in Porto near the river", strict=False)), "nor by the tool"
    in_person = await recall(memory, "I live in Porto near the river", PERSON, strict=False)
    assert passage in ids(in_person), "a person who searches sees all"


async def test_what_was_forgotten_is_not_recalled_from_where_it_was_said(memory: MemoryBench) -> None:
    passage = await add(memory, SAID, **said("r1", 0, len(SAID)))
    other = await add(memory, "I live in Porto near the sea, said elsewhere", **said("r1", 60, 100))
    gone = await add(memory, "The user lives in Porto.", **fact("r1", 0, 31))
    await memory.memories.forget(Reader("ann"), gone)
    hits = {hit.memory.id for hit in (await recall(memory, "I live in Porto near the river")).hits}
    assert passage not in hits
    assert other in hits, "it says something else"


async def test_what_stands_beside_an_outdated_sentence_is_told_without_it(memory: MemoryBench) -> None:
    text = "We rent rooms. Our servers live in AWS. Passwords are rotated each May. Ask Ben."
    start = text.index("Our")
    passage = await add(memory, text, **said("r1", 100, 100 + len(text)))
    gone = await add(
        memory, "The user lives in AWS.", **fact("r1", 100 + start, 100 + start + len("Our servers live in AWS."))
    )
    await memory.memories.forget(PERSON, gone)
    (hit,) = [one for one in (await recall(memory, "which passwords are rotated")).hits if one.memory.id == passage]
    assert hit.text == "We rent rooms. … Passwords are rotated each May. Ask Ben."
    assert [one.id for one in (await recall(memory, "servers live in AWS")).missed if one.why == "outdated"] == [
        passage
    ]


async def test_only_a_question_is_left_beside_an_outdated_answer(memory: MemoryBench) -> None:
    text = "Which town do you live in?\nI live in Porto."
    asked = await add(memory, text, **said("r1", 0, len(text), "main", "r1.main.ask"))
    await add(memory, "The user lives in Porto.", **fact("r1", 27, len(text), "main", "r1.main.ask"))
    await add(memory, "The user lives in Faro.", **fact("r2", 0, 10))
    found = await recall(memory, "which town do I live in")
    assert asked not in ids(found)
    assert asked in {one.id for one in found.missed}


async def test_another_text_of_the_run_stays(memory: MemoryBench) -> None:
    """The places of two texts say nothing of each other."""
    budget = "My budget is 900 euros a month."
    whole = {"start": 0, "end": len(budget)}
    answers = [
        await add(memory, budget, **said("r1", **whole, task="main", message="r1.one")),
        await add(memory, budget + " At most.", **said("r1", **whole, task="main", message="r1.two")),
        await add(memory, budget + " Rather less.", **said("r1", **whole, task="1", message="")),
    ]
    await add(memory, "The user lives in Porto.", **fact("r1", 0, 16))
    await add(memory, "The user lives in Ulm.", **fact("r1", 0, 16, "main", "r1.two"), at=2_000_000.0)
    await add(memory, "The user lives in Faro.", **fact("r2", 0, 10), at=3_000_000.0)
    found = ids(await recall(memory, "my budget is 900 euros a month"))
    assert [one in found for one in answers] == [True, False, True]


async def test_what_was_said_again_is_outdated_wherever_it_was_said(memory: MemoryBench) -> None:
    other = "I live in Porto near the river, as you know."
    passages = [await add(memory, text, **said(run, 0, len(text))) for run, text in (("r1", SAID), ("r2", other))]
    old = await add(memory, "The user lives in Porto.", **fact("r1", 0, 31))
    assert old == await add(memory, "The user lives in Porto.", **fact("r2", 0, 31))
    assert {*passages} <= ids(await recall(memory, "I live in Porto near the river"))
    await add(memory, "The user lives in Faro.", **fact("r3", 0, 10))
    assert not {*passages} & ids(await recall(memory, "I live in Porto near the river"))


async def test_what_is_told_around_a_memory_is_without_what_is_outdated(memory: MemoryBench) -> None:
    await add(memory, SAID, **said("r1", 0, len(SAID)), position=0)
    await add(memory, "I live in Porto.", **said("r3", 0, 16), position=2)
    own = {"kind": "episodic", "scope": "team", "agent": "manager", "speaker": "manager", "line": "t1"}
    answer = await add(memory, "Sencha needs cooler water.", **own, position=1)
    await add(memory, "The user lives in Porto.", **fact("r1", 0, 31))
    await add(memory, "The user lives in Porto.", **fact("r3", 0, 16))
    await add(memory, "The user lives in Faro.", **fact("r4", 0, 10))
    found = await recall(memory, "sencha needs cooler water", widen=True)
    (hit,) = [one for one in found.hits if one.memory.id == answer]
    assert hit.text == "user: I like tea.\nmanager: Sencha needs cooler water."


async def test_a_text_that_was_edited_is_told_whole_or_not_at_all(memory: MemoryBench) -> None:
    passage = await add(memory, SAID, **said("r1", 0, len(SAID)))
    await memory.memories.edit(PERSON, passage, 1, text="Now I like tea. I live in Porto near the river.")
    await add(memory, "The user lives in Porto.", **fact("r1", 0, 31))
    assert passage in ids(await recall(memory, "like tea"))
    await add(memory, "The user lives in Faro.", **fact("r2", 0, 10))
    assert passage not in ids(await recall(memory, "like tea"))


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
