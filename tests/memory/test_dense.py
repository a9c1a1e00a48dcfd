"""The index follows the database, whatever happens: restarts, damage, another model, an endpoint that changes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from fakes import Clock, FakeEmbedding

from alma.db.database import Database
from alma.db.tables import memory_vectors
from alma.errors import EmbedderUnavailable, IndexUnavailable
from alma.memory.dense import Dense
from alma.memory.embedding import Embedding
from alma.memory.memories import Memories
from alma.memory.recall import Recall
from alma.memory.records import Filter, Memory, NewMemory, Reader
from alma.memory.vectors.index import VectorIndex
from alma.memory.vectors.usearch_index import UsearchIndex

ANN = Reader("ann")
TEXTS = [
    "Ann plays the cello",
    "the ferry leaves at noon",
    "bread needs salt",
    "whales sing in the deep",
    "a ladder of twelve rungs",
    "Bob paints his boat red",
]


class House:
    """Memories with a dense index on a real database, that can be closed and opened again."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.embedding: FakeEmbedding = FakeEmbedding()
        self.previous: Embedding | None = None
        self.broken = False

    def make_index(self, model: str, dimensions: int) -> VectorIndex:
        if self.broken:
            raise IndexUnavailable("The server does not answer.")
        return UsearchIndex(self.folder, model, dimensions)

    @contextlib.asynccontextmanager
    async def open(self, *, running: bool = True) -> AsyncGenerator[House]:
        self.database = Database(self.url)
        await asyncio.to_thread(self.database.open)
        self.dense = Dense(self.database, self.embedding, self.make_index, "usearch", self.previous)
        self.memories = Memories(
            self.database, self.embedding, self.dense, Recall(self.database, self.dense), Clock(2_000_000.0)
        )
        try:
            await self.dense.open()
            async with asyncio.TaskGroup() as group:
                task = group.create_task(self.dense.run()) if running else None
                yield self
                if task is not None:
                    task.cancel()
            await self.dense.close()
        finally:
            await asyncio.to_thread(self.database.close)

    async def add(self, *texts: str) -> list[Memory]:
        return [one.memory for one in await self.memories.add([NewMemory("ann", text) for text in texts])]

    async def found(self, query: str, k: int = 1) -> list[int]:
        return [near.num for near in await self.dense.search(query, k, ANN, Filter())]

    async def with_vectors(self, memories: list[Memory]) -> set[int]:
        nums = [memory.num for memory in memories]
        return set(await self.database.read(lambda connection: self.dense.vectors(connection, nums)))

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(120):
            while not true():
                await asyncio.sleep(0.005)

    async def stored_models(self) -> dict[str, int]:
        asked = sa.select(memory_vectors.c.model, sa.func.count()).group_by(memory_vectors.c.model)
        return {row[0]: row[1] for row in await self.database.read(lambda c: c.execute(asked).all())}


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> House:
    return House(database_url, tmp_path / "memory")


async def test_what_is_added_is_found_at_once_and_what_is_forgotten_is_not(house: House) -> None:
    async with house.open():
        cello, ferry, *_ = await house.add(*TEXTS)
        assert await house.found("who plays the cello") == [cello.num]
        await house.memories.forget(ANN, cello.id)
        assert cello.num not in await house.found("who plays the cello", 10)
        await house.memories.restore(ANN, cello.id)
        assert await house.found("who plays the cello") == [cello.num]
        await house.memories.purge(ANN, ferry.id)
        assert ferry.num not in await house.found("the ferry leaves at noon", 10)


async def test_an_edited_text_is_found_by_its_new_words(house: House) -> None:
    async with house.open():
        memory, *others = await house.add(*TEXTS)
        edited = await house.memories.edit(ANN, memory.id, 1, text="she repairs violins now")
        assert await house.found("repairs violins") == [memory.num]
        await house.memories.edit(ANN, memory.id, edited.version, pinned=True)
        found = await house.dense.search("repairs violins", 10, ANN, Filter(pinned=True))
        assert [near.num for near in found] == [memory.num]
        assert others


async def test_it_is_equal_to_the_database_after_a_restart(house: House) -> None:
    async with house.open():
        memories = await house.add(*TEXTS)
    house.embedding.asked.clear()
    async with house.open():
        for memory in memories:
            assert await house.found(memory.text) == [memory.num]
        assert house.embedding.asked == [memory.text for memory in memories]  # the queries, and nothing embedded anew


async def test_what_happened_while_it_was_not_looking_is_seen_at_the_start(house: House) -> None:
    async with house.open():
        cello, ferry, bread, *_ = await house.add(*TEXTS)
    for file in house.folder.iterdir():
        file.rename(file.with_suffix(file.suffix + ".kept"))
    async with house.open():
        await house.memories.forget(ANN, cello.id)
        await house.memories.purge(ANN, ferry.id)
        await house.memories.edit(ANN, bread.id, 1, pinned=True)
        [new] = await house.add("seven swans on the lake")
    for file in house.folder.iterdir():
        if file.suffix != ".kept":
            file.unlink()
    for file in house.folder.iterdir():
        file.rename(file.with_suffix(""))
    async with house.open():
        everything = await house.found("anything", 20)
        assert cello.num not in everything
        assert ferry.num not in everything
        assert await house.found("swans on the lake") == [new.num]
        assert [n.num for n in await house.dense.search("salt", 9, ANN, Filter(pinned=True))] == [bread.num]


@pytest.mark.parametrize("damage", ["truncated", "garbage", "gone"])
async def test_a_damaged_snapshot_costs_nothing_but_time(tmp_path: Path, damage: str) -> None:
    house = House(f"sqlite:///{tmp_path / 'alma.db'}", tmp_path / "memory")
    async with house.open():
        memories = await house.add(*TEXTS)
    [head] = house.folder.glob("*.head")
    data = head.read_bytes()
    if damage == "gone":
        head.unlink()
    else:
        head.write_bytes(data[: len(data) // 2] if damage == "truncated" else b"\x93NUMPY" * 100)
    async with house.open():
        assert house.dense.problem == ""
        for memory in memories:
            assert await house.found(memory.text) == [memory.num]


async def test_what_could_not_be_embedded_is_embedded_later(house: House) -> None:
    async with house.open():
        house.embedding.down = True
        memories = await house.add(*TEXTS)
        await house.until(lambda: "down" in house.dense.problem)
        assert house.dense.waiting == len(TEXTS)
        assert not house.dense.busy
        house.embedding.down = False
        await house.until(lambda: house.dense.waiting == 0)
        assert not all(house.embedding.urgent)
        assert await house.found("whales sing") == [memories[3].num]
        assert house.dense.problem == ""
        assert await house.with_vectors(memories) == {memory.num for memory in memories}


async def test_while_the_embedder_is_down_words_are_searched(house: House) -> None:
    async with house.open():
        await house.add(*TEXTS)
        house.embedding.down = True
        with pytest.raises(EmbedderUnavailable):
            await house.found("cello")


async def test_another_model_takes_over_while_both_serve(house: House) -> None:
    async with house.open():
        memories = await house.add(*TEXTS)
    house.previous, house.embedding = house.embedding, FakeEmbedding("other", 48)
    async with house.open(running=False):
        assert await house.found("who plays the cello") == [memories[0].num]
        [new] = await house.add("seven swans on the lake")
        assert await house.found("swans on the lake") == [new.num]
        assert await house.found("whales sing in the deep", 2) == [new.num, memories[3].num]  # they take turns
        assert await house.found("the ferry leaves at noon", 2) == [new.num, memories[1].num]
        building, leaving = await house.dense.state()
        assert (building.model, building.dimensions, building.role, building.missing) == ("other", 48, "building", 6)
        assert (leaving.model, leaving.dimensions, leaving.role) == ("fake", 64, "leaving")
    async with house.open():
        async with asyncio.timeout(120):
            while [one.role for one in await house.dense.state()] != ["serving"]:
                await asyncio.sleep(0.005)
        assert await house.stored_models() == {"other": 7}
        [state] = await house.dense.state()
        assert (state.model, state.role, state.entries, state.missing) == ("other", "serving", 7, 0)
        for memory in memories:
            assert await house.found(memory.text) == [memory.num]


async def test_without_the_old_model_words_serve_until_the_new_one_has_filled(house: House) -> None:
    async with house.open():
        memories = await house.add(*TEXTS)
    house.embedding = FakeEmbedding("other", 48)
    async with house.open():
        await house.until(lambda: house.dense.waiting == 0)
        assert await house.found("who plays the cello") == [memories[0].num]


async def test_vectors_of_another_dimension_are_a_problem_and_are_never_mixed(house: House) -> None:
    async with house.open():
        memories = await house.add(*TEXTS)
        house.embedding.dimensions = 32
        with pytest.raises(EmbedderUnavailable) as raised:
            await house.found("cello")
        assert "32" in raised.value.message
        assert "64" in house.dense.problem
        [late] = await house.add("seven swans on the lake")
        assert await house.with_vectors([late, memories[0]]) == {memories[0].num}
        house.embedding.dimensions = 64
        assert await house.found("who plays the cello") == [memories[0].num]
        await house.until(lambda: house.dense.waiting == 0)
        assert await house.found("swans on the lake") == [late.num]
        assert house.dense.problem == ""


async def test_a_vector_of_another_length_is_never_stored(house: House) -> None:
    async with house.open():
        [cello] = await house.add("Ann plays the cello")
    house.embedding = FakeEmbedding(dimensions=48)
    async with house.open(running=False):
        same = await house.memories.add([NewMemory("ann", "Ann plays the cello", "episodic")])
        await house.add("whales sing in the deep")
        await house.memories.edit(ANN, cello.id, 1, text="she repairs violins now")
        await house.memories.put("ann", "team/plan", "Ship on Monday", 0, agent="writer")
        heard = NewMemory("ann", "the ferry leaves", "working")
        vectors = await house.memories.vectors_of([heard.text])
        await house.memories.overhear([(heard, vectors[0])], by="alma")
        asked = sa.select(memory_vectors.c.num, sa.func.length(memory_vectors.c.vector))
        stored = await house.database.read(lambda connection: [tuple(row) for row in connection.execute(asked)])
        assert stored == [(same[0].memory.num, 128)]
        assert "48" in house.dense.problem


async def test_reindexing_takes_the_new_dimension(house: House) -> None:
    async with house.open():
        await house.add(*TEXTS)
    house.embedding.dimensions = 32
    async with house.open():
        assert "32" in house.dense.problem
        await house.dense.rebuild()
        await house.until(lambda: house.dense.problem == "" and house.dense.waiting == 0)
        assert len(await house.found("cello", 10)) == 6


async def test_rebuilding_fills_the_index_from_the_database(house: House) -> None:
    async with house.open():
        memories = await house.add(*TEXTS)
        await house.dense._present.index.clear()  # type: ignore[union-attr]
        house.embedding.asked.clear()
        await house.dense.rebuild()
        with pytest.raises(EmbedderUnavailable):
            await house.found("cello")
        await house.until(lambda: house.dense.problem == "")
        assert house.embedding.asked == []
        assert await house.found("who plays the cello") == [memories[0].num]


async def test_a_backend_that_is_away_is_a_problem_until_it_is_back(house: House) -> None:
    house.broken = True
    async with house.open():
        memories = await house.add(*TEXTS)
        assert house.dense.problem == "The server does not answer."
        with pytest.raises(IndexUnavailable):
            await house.found("cello")
        house.broken = False
        await house.until(lambda: house.dense.problem == "")
        assert await house.found("who plays the cello") == [memories[0].num]
