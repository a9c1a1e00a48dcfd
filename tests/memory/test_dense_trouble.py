"""What is in the way of the index of vectors passes, and never ends the server: a full disk, a silent server, a text
that cannot be embedded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
import sqlalchemy as sa
from fakes import Clock, FakeEmbedding

from alma.db.database import Database
from alma.errors import EmbedderUnavailable, StorageFailure
from alma.memory.dense import Dense
from alma.memory.embedding import Vector
from alma.memory.memories import Memories
from alma.memory.recall import Asked, Recall
from alma.memory.vectors import waiting
from alma.memory.vectors.usearch_index import UsearchIndex
from alma.mind import Choice, Mind
from alma.session.notices import Notices
from memory.test_dense import ANN, TEXTS, House

T = TypeVar("T")


class TroubledDatabase(Database):
    """`full`: it can neither be read nor written. `refused`: how often that was felt."""

    full = False
    refused = 0

    def begin_write(self, work: Callable[[sa.Connection], T]) -> asyncio.Future[T]:
        self._check()
        return super().begin_write(work)

    async def read(self, work: Callable[[sa.Connection], T], *, slow: bool = False) -> T:
        self._check()
        return await super().read(work, slow=slow)

    def _check(self) -> None:
        if self.full:
            self.refused += 1
            raise StorageFailure("The database could not do it.", actual="database or disk is full")


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> House:
    return House(database_url, tmp_path / "memory")


def make_troubled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memory.test_dense.Database", TroubledDatabase)
    monkeypatch.setattr("alma.memory.dense._FIRST_PAUSE_S", 0.01)


async def test_a_full_disk_is_waited_for(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    make_troubled(monkeypatch)
    house.embedding.down = True
    async with house.open():
        database = house.database
        assert isinstance(database, TroubledDatabase)
        [ladder] = await house.add("a ladder of twelve rungs")
        database.full = True
        house.embedding.down = False
        await house.until(lambda: database.refused > 3)
        assert "could not do it" in house.dense.problem
        database.full = False
        await house.until(lambda: house.dense.waiting == 0)
        assert await house.found("twelve rungs") == [ladder.num]
        assert house.dense.problem == ""


async def test_it_closes_while_the_disk_is_full(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    make_troubled(monkeypatch)
    async with house.open():
        memories = await house.add(*TEXTS)
        assert isinstance(house.database, TroubledDatabase)
        house.database.full = True
    async with house.open():
        assert await house.found("who plays the cello") == [memories[0].num]


async def test_it_opens_while_the_database_cannot_be_read(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    make_troubled(monkeypatch)
    monkeypatch.setattr(TroubledDatabase, "full", True)
    async with house.open():
        assert isinstance(house.database, TroubledDatabase)
        assert "could not do it" in house.dense.problem
        house.database.full = False
        await house.until(lambda: house.dense.problem == "")


async def test_pages_are_told_of_changes_when_the_database_can_be_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alma.mind._TOLD_EVERY_S", 0.01)
    monkeypatch.setattr("alma.mind._PAUSE_S", 0.01)
    database = TroubledDatabase(f"sqlite:///{tmp_path / 'alma.db'}")
    notices = Notices()
    told: list[object] = []
    notices.subscribe("ann", told.append)
    choice = Choice(tmp_path / "memory", "usearch", "", None, None, None, None, None, 1000)
    mind = Mind(database, FakeEmbedding(), notices, choice, "ann", Clock())  # type: ignore[arg-type]
    await asyncio.to_thread(database.open)
    try:
        async with asyncio.TaskGroup() as group:
            telling = group.create_task(mind._tell())
            mind._untold = {"ann": {"m_1": None}}
            database.full = True
            mind._news.set()
            async with asyncio.timeout(120):
                while database.refused < 2:
                    await asyncio.sleep(0.005)
                database.full = False
                while not told:
                    await asyncio.sleep(0.005)
            telling.cancel()
    finally:
        await asyncio.to_thread(database.close)
    assert "m_1" in str(told)


# ── a server that does not answer ─────────────────────────────────────────────────────────────────────────────────


class SilentIndex(UsearchIndex):
    """Answers nothing until `speaks`."""

    speaks = asyncio.Event()

    async def open(self) -> int:
        await self.speaks.wait()
        return await super().open()

    async def close(self, stamp: int) -> None:
        await self.speaks.wait()
        await super().close(stamp)


async def test_a_silent_server_holds_up_neither_the_start_nor_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alma.memory.dense._SERVER_S", 0.05)
    monkeypatch.setattr("alma.memory.dense._FIRST_PAUSE_S", 0.01)
    SilentIndex.speaks = asyncio.Event()
    database, embedding = Database(f"sqlite:///{tmp_path / 'alma.db'}"), FakeEmbedding()
    await asyncio.to_thread(database.open)
    try:
        dense = Dense(database, embedding, lambda m, d: SilentIndex(tmp_path, m, d), "qdrant")
        memories = Memories(database, embedding, dense, Recall(database, dense), Clock())
        async with asyncio.timeout(120):
            await dense.open()
            assert "qdrant" in dense.problem
            async with asyncio.TaskGroup() as group:
                running = group.create_task(dense.run())
                SilentIndex.speaks.set()
                while dense.problem:
                    await asyncio.sleep(0.005)
                assert not (await memories.indexes())[0].missing
                SilentIndex.speaks.clear()
                running.cancel()
            await dense.close()
        SilentIndex.speaks.set()
    finally:
        await asyncio.to_thread(database.close)


# ── a question that takes longer than the model that it is asked of ───────────────────────────────────────────────


class Slow(FakeEmbedding):
    """Answers a query when it `may`. `queries`: how many wait, or have waited."""

    def __init__(self) -> None:
        super().__init__()
        self.may = asyncio.Event()
        self.queries = 0

    async def embed(self, texts: list[str], *, urgent: bool = True) -> Vector:
        self.queries += 1
        await self.may.wait()
        return await super().embed(texts, urgent=urgent)


async def test_a_search_that_began_before_another_model_took_over_finds_what_it_would_after(house: House) -> None:
    async with house.open():
        cello, *_ = await house.add(*TEXTS)
    slow = house.previous = Slow()
    house.embedding = FakeEmbedding("other", 48)
    async with house.open(running=False):
        recall = Recall(house.database, house.dense)
        async with asyncio.TaskGroup() as group:
            searching = group.create_task(house.found("who plays the cello"))
            recalling = group.create_task(recall.recall(Asked("who plays the cello", ANN), 2_000_000.0))
            await house.until(lambda: slow.queries == 2)
            running = group.create_task(house.dense.run())
            while set(await house.stored_models()) != {"other"}:
                await asyncio.sleep(0.005)
            slow.may.set()
            await recalling
            running.cancel()
        assert searching.result() == [cello.num]
        assert recalling.result().dense
        assert recalling.result().hits[0].memory.num == cello.num
        assert house.dense.problem == ""


async def test_a_search_that_began_before_the_end_falls_back_on_words(house: House) -> None:
    house.embedding = slow = Slow()
    slow.may.set()
    async with house.open():
        cello, *_ = await house.add(*TEXTS)
        slow.may.clear()
        slow.queries = 0
        recall = Recall(house.database, house.dense)
        async with asyncio.TaskGroup() as group:
            recalling = group.create_task(recall.recall(Asked("who plays the cello", ANN), 2_000_000.0))
            await house.until(lambda: slow.queries == 1)
            await house.dense.close()
            slow.may.set()
        assert not recalling.result().dense
        assert recalling.result().hits[0].memory.num == cello.num


# ── a text that cannot be embedded ────────────────────────────────────────────────────────────────────────────────


class Choking(FakeEmbedding):
    """Cannot embed what speaks of whales. `tries`: how often it was asked to."""

    tries = 0

    async def embed(self, texts: list[str], *, urgent: bool = True) -> Vector:
        if any("whales" in text for text in texts):
            self.tries += 1
            raise EmbedderUnavailable("It chokes.")
        return await super().embed(texts, urgent=urgent)


async def test_a_text_that_cannot_be_embedded_holds_up_nothing_else(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alma.memory.dense._FIRST_PAUSE_S", 0.01)
    async with house.open():
        await house.add(*TEXTS)
    house.embedding = choking = Choking("other", 48)
    async with house.open():
        async with asyncio.timeout(120):
            while set(await house.stored_models()) != {"other"} or not [*house.folder.glob("*.head")]:
                await asyncio.sleep(0.005)
        assert house.dense.waiting == 1
        tries = choking.tries
        house.dense._wake.set()
        await house.add("seven swans on the lake")
        await house.until(lambda: house.dense.waiting == 1)
        assert choking.tries == tries


def test_what_is_to_blame_is_tried_at_growing_pauses() -> None:
    waits = waiting.Waiting()
    waits.add([1, 2])
    waits.blame(1, now=0.0)
    assert (len(waits), waits.ready, waits.some(9)) == (2, True, [2])
    waits.drop([2])
    assert (len(waits), waits.ready, waits.due(59.0)) == (1, False, False)
    assert waits.due(60.0)
    assert (len(waits), waits.some(9)) == (1, [1])
    waits.blame(1, now=60.0)
    assert not waits.due(179.0)
    assert waits.due(180.0)
    waits.drop([1])
    assert (len(waits), waits.ready) == (0, False)
