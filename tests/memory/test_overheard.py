"""What is overheard is kept cheaply and goes without a trace; who adds waits for no embedder that is not ready."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Sequence
from typing import Any

import pytest
import sqlalchemy as sa
from fakes import MemoryBench

from alma.db.tables import memories, memory_history, memory_uses, memory_vectors, remembered_runs, runs
from alma.memory.memories import Use
from alma.memory.records import Change, Filter, NewMemory, Reader, Source
from alma.memory.words import found_by_words

ANN = Reader("ann")


@pytest.fixture
def memory(database_url: str) -> Generator[MemoryBench]:
    with MemoryBench(database_url) as bench:
        yield bench


def said(text: str, run: str = "r1", message: str = "m1", owner: str = "ann") -> NewMemory:
    source = Source("t1", run, "1", message, end=len(text))
    return NewMemory(owner, text, "working", "team", "writer", source=source, line=message)


async def begin(memory: MemoryBench, *run_ids: str) -> None:
    rows = [
        {"id": one, "thread_id": "t1", "owner": "ann", "text": "x", "head": 1, "created_at": 1.0} for one in run_ids
    ]
    await memory.database.write(lambda connection: connection.execute(runs.insert(), rows))


async def overhear(memory: MemoryBench, *new: NewMemory) -> None:
    vectors = await memory.memories.vectors_of([one.text for one in new])
    await memory.memories.overhear([*zip(new, vectors, strict=True)], by="alma")


async def count(memory: MemoryBench, table: sa.Table) -> int:
    asked = sa.select(sa.func.count()).select_from(table)
    return await memory.database.read(lambda connection: connection.execute(asked).scalar_one())


async def test_it_is_found_by_words_and_by_meaning_and_has_no_history(memory: MemoryBench) -> None:
    await begin(memory, "r1")
    heard: list[Sequence[Change]] = []
    memory.memories.listen(heard.append)
    await overhear(memory, said("The harbour freezes"), said("Ships wait outside"), said("Storks fly", owner="bob"))
    [hit] = await memory.database.read(lambda connection: found_by_words(connection, "harbour", ANN, Filter(), 5))
    assert memory.dense.held[hit.num][0].text == "The harbour freezes"
    assert (await count(memory, memory_vectors), await count(memory, memory_history)) == (3, 0)
    assert [[(change.what, change.owner) for change in some] for some in heard] == [
        [("added", "ann"), ("added", "bob")]
    ]


async def test_nothing_is_left_of_it(memory: MemoryBench) -> None:
    await begin(memory, "r1", "r2")
    await overhear(memory, said("The harbour freezes"), said("Ships wait", message="m2"), said("Storks", "r2", "m3"))
    await overhear(memory, said("Of a run that was deleted while this was on its way", "r3"))
    await memory.memories.put("ann", "team/plan", "On the board", 0, agent="writer")
    found, _, _ = await memory.memories.list(ANN, Filter(runs=("r1",)))
    await memory.memories.used([Use(one.id, "r9", "r9.main", "writer", 1.0, 1.0) for one in found])
    heard: list[Sequence[Change]] = []
    memory.memories.listen(heard.append)
    await memory.memories.unhear(messages=["m1"], by="alma")
    assert {one.source.message_id for one in (await memory.memories.list(ANN, Filter()))[0]} == {"m2", "m3", ""}
    await memory.memories.take_in([], runs=["r1", "r2"], by="alma")
    left, _, _ = await memory.memories.list(ANN, Filter(state="any"))
    assert [one.text for one in left] == ["On the board"]
    assert [await count(memory, table) for table in (memory_vectors, memory_uses)] == [1, 0]
    assert list(memory.dense.held) == [left[0].num]
    assert not await memory.database.read(lambda c: found_by_words(c, "harbour ships storks", ANN, Filter(), 5))
    assert heard == [], "nobody depends on it"


async def test_runs_are_taken_in_together_and_once(memory: MemoryBench) -> None:
    await begin(memory, "a", "b")
    new = [
        NewMemory("ann", f"{one} says this", "episodic", source=Source("t1", one, "", f"{one}.main"), line="t1")
        for one in "ab"
    ]
    for _ in range(2):  # the second time after a crash, say
        await memory.memories.take_in(new, runs=["a", "b", "deleted"], by="alma")
    taken = sa.select(remembered_runs.c.run_id).order_by(remembered_runs.c.run_id)
    assert await memory.database.read(lambda c: list(c.execute(taken).scalars())) == ["a", "b"]
    found, total, _ = await memory.memories.list(ANN, Filter())
    assert (total, {one.count for one in found}) == (2, {1})


async def test_who_adds_does_not_wait_for_an_embedder_that_is_not_ready(
    memory: MemoryBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(texts: list[str], *, urgent: bool = True) -> Any:
        await asyncio.Event().wait()

    monkeypatch.setattr(memory.embedding, "embed", never)
    monkeypatch.setattr(memory.memories._soon, "_seconds", 0.0)
    [added] = await memory.memories.add([NewMemory("ann", "Ann plays the cello")], urgent=True)
    assert (await memory.memories.get(ANN, added.memory.id)).text == "Ann plays the cello"
    assert memory.dense.told[-1].num == added.memory.num, "it gets its vector later"
    assert (await count(memory, memories), await count(memory, memory_vectors)) == (1, 0)


async def test_what_was_pinned_of_it_stays(memory: MemoryBench) -> None:
    await begin(memory, "r1")
    await overhear(memory, said("The harbour freezes"), said("Ships wait outside"))
    found, _, _ = await memory.memories.list(ANN, Filter())
    [pinned] = [one for one in found if one.text == "The harbour freezes"]
    await memory.memories.edit(ANN, pinned.id, pinned.version, pinned=True)
    await memory.memories.unhear(messages=["m1"], by="alma")
    await memory.memories.take_in([], runs=["r1"], by="alma")
    assert [one.text for one in (await memory.memories.list(ANN, Filter(state="any")))[0]] == ["The harbour freezes"]
