"""What is purged is in no file of the index any more, and leaves the indexes of other processes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from alma.memory.records import NewMemory, Source
from alma.memory.vectors.usearch_index import UsearchIndex
from memory.test_dense import ANN, TEXTS, House
from memory.test_vectors import DIMENSIONS, found, memory, put, some_vectors


def files(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


async def test_no_word_and_no_vector_of_what_was_purged_is_in_the_snapshot(tmp_path: Path) -> None:
    house = House(f"sqlite:///{tmp_path / 'alma.db'}", tmp_path / "memory")
    async with house.open():
        secret = NewMemory(
            "ann", "The user has diabetes", key="user.illness.diabetes", source=Source("t_secret", "r_secret")
        )
        [told] = await house.memories.add([secret])
        memories = await house.add(*TEXTS)
        vector = house.embedding.of(secret.text).astype("<f2").tobytes()
        await house.dense._present.save()  # type: ignore[union-attr]
        assert vector in files(house.folder)
        await house.memories.purge(ANN, told.memory.id)
    left = files(house.folder)
    assert (vector in left, b"diabetes" in left, b"secret" in left) == (False, False, False)
    async with house.open():
        for one in memories:
            assert await house.found(one.text) == [one.num]


async def test_an_index_finds_what_is_left_after_a_purge(tmp_path: Path) -> None:
    vectors = some_vectors(6000)
    index = UsearchIndex(tmp_path, "model", DIMENSIONS)
    await index.open()
    await put(index, [memory(num) for num in range(1, 6001)], vectors)
    await index.remove([*range(1, 1001)])
    await index.close(7)
    data = files(tmp_path)
    rows = vectors.astype(np.float16)
    assert not any(row.tobytes() in data for row in rows[:1000:50])
    assert all(row.tobytes() in data for row in rows[1000::500])
    again = UsearchIndex(tmp_path, "model", DIMENSIONS)
    assert await again.open() == 7
    hits = [num in await found(again, vectors[num - 1]) for num in range(1001, 6001, 100)]
    assert sum(hits) >= 48
    await again.close(7)


async def test_the_words_of_runs_that_are_gone_take_no_room(tmp_path: Path) -> None:
    index = UsearchIndex(tmp_path, "model", DIMENSIONS)
    await index.open()
    vectors = some_vectors(1)
    for number in range(3000):
        await put(index, [memory(1, run_id=f"r_{number}")], vectors)
    assert len(index._columns._tables["run_id"]) < 2000
    await index.save(1)
    assert list(index._columns._tables["run_id"]) == ["r_2999"]
    await index.close(1)


async def test_what_another_process_purges_is_noticed(database_url: str, tmp_path: Path) -> None:
    here, there = House(database_url, tmp_path / "here"), House(database_url, tmp_path / "there")
    async with here.open(running=False), there.open(running=False):
        new = await here.add(*TEXTS)
        assert await there.dense._step()
        assert (await there.dense.state())[0].entries == 6
        for one in new[:4]:
            await here.memories.purge(ANN, one.id)
        assert await there.dense._step()
        assert set(await there.found("anything", 9)) == {one.num for one in new[4:]}
        assert await here.dense._step()
        assert set(await here.found("anything", 9)) == {one.num for one in new[4:]}


async def test_its_own_purges_are_no_reason_to_compare_everything(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(database_url, tmp_path / "memory")
    async with house.open(running=False):
        new = await house.add(*TEXTS)
        assert await house.dense._step()
        compared: list[object] = []
        monkeypatch.setattr("alma.memory.vectors.stored.compare", lambda *args: compared.append(args))
        await house.memories.purge(ANN, new[0].id)
        [late] = await house.add("seven swans on the lake")
        await house.memories.purge(ANN, late.id)
        assert await house.dense._step()
        assert compared == []
