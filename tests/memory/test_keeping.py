"""Memories are kept, found, changed, forgotten and brought back, on both databases."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from fakes import MemoryBench

from alma.errors import Conflict, NotFound
from alma.memory.records import Filter, NewMemory, Reader

ANN = Reader("ann")


@pytest.fixture
def memory(database_url: str) -> Generator[MemoryBench]:
    with MemoryBench(database_url) as bench:
        yield bench


async def test_it_is_kept_and_listed_newest_first_page_by_page(memory: MemoryBench) -> None:
    for number in range(5):
        await memory.memories.add([NewMemory("ann", f"fact {number} about {'abcde'[number] * 9}")])
    first, total, more = await memory.memories.list(ANN, Filter(), limit=3)
    rest, _, end = await memory.memories.list(ANN, Filter(), limit=3, before=more or "")
    assert [one.text[:6] for one in first + rest] == [f"fact {number}" for number in (4, 3, 2, 1, 0)]
    assert (total, end) == (5, None)


async def test_edit_needs_the_newest_version(memory: MemoryBench) -> None:
    [added] = await memory.memories.add([NewMemory("ann", "Ann lives in Berlin")])
    edited = await memory.memories.edit(ANN, added.memory.id, 1, text="Ann lives in Munich", by="ann")
    assert (edited.version, edited.text) == (2, "Ann lives in Munich")
    with pytest.raises(Conflict) as refused:
        await memory.memories.edit(ANN, added.memory.id, 1, text="Ann lives in Rome")
    assert refused.value.code == "changed_meanwhile"
    assert "edited by ann" in (refused.value.actual or "")


async def test_what_is_forgotten_is_not_listed_until_it_is_restored(memory: MemoryBench) -> None:
    [added] = await memory.memories.add([NewMemory("ann", "Ann likes tea")])
    await memory.memories.forget(ANN, added.memory.id)
    assert (await memory.memories.list(ANN, Filter()))[1] == 0
    assert not memory.dense.held
    await memory.memories.restore(ANN, added.memory.id)
    assert (await memory.memories.list(ANN, Filter()))[1] == 1
    with pytest.raises(NotFound):
        await memory.memories.get(Reader("bob"), added.memory.id)
