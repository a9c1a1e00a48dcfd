"""Editing, forgetting, bringing back, purging; boards; uses and counts; the map."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from fakes import MemoryBench

from alma.db.tables import (
    memories,
    memory_history,
    memory_uses,
    memory_vectors,
    runs,
    threads,
)
from alma.errors import Conflict, InvalidRequest, NotFound
from alma.memory.mapping import project
from alma.memory.memories import Use
from alma.memory.records import Filter, Memory, NewMemory, Reader, Source
from alma.memory.words import found_by_words

ANN = Reader("ann")
ALIVE = Filter()


@pytest.fixture
def memory(database_url: str) -> Generator[MemoryBench]:
    with MemoryBench(database_url) as bench:
        yield bench


async def add(memory: MemoryBench, text: str, **fields: Any) -> Memory:
    [added] = await memory.memories.add([NewMemory("ann", text, **fields)])
    return added.memory


async def ids(memory: MemoryBench, wanted: Filter = ALIVE) -> set[str]:
    return {one.id for one in (await memory.memories.list(ANN, wanted, limit=1000))[0]}


async def found(memory: MemoryBench, query: str, wanted: Filter = ALIVE) -> list[int]:
    hits = await memory.database.read(lambda connection: found_by_words(connection, query, ANN, wanted, 20))
    return [hit.num for hit in hits]


async def count(memory: MemoryBench, table: sa.Table) -> int:
    asked = sa.select(sa.func.count()).select_from(table)
    return await memory.database.read(lambda connection: connection.execute(asked).scalar_one())


# ── edits ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_edit_changes_words_and_vector_and_says_what_was(memory: MemoryBench) -> None:
    one = await add(memory, "Ann plays the cello")
    edited = await memory.memories.edit(ANN, one.id, 1, text="Ann bakes bread", pinned=True, kind="episodic")
    assert (await found(memory, "cello"), await found(memory, "bread")) == ([], [one.num])
    np.testing.assert_allclose(memory.dense.held[one.num][1], memory.embedding.of("Ann bakes bread"))
    last = (await memory.memories.history(ANN, one.id))[-1]
    assert last.before == {"text": "Ann plays the cello", "pinned": False, "kind": "semantic"}
    assert (edited.pinned, edited.kind) == (True, "episodic")


async def test_an_edit_that_changes_nothing_is_none(memory: MemoryBench) -> None:
    one = await add(memory, "Ann plays the cello")
    assert (await memory.memories.edit(ANN, one.id, 1, text=" Ann plays the cello ")).version == 1


async def test_an_edit_without_an_embedder_leaves_no_vector_of_the_old_text(memory: MemoryBench) -> None:
    one = await add(memory, "Ann plays the cello")
    memory.embedding.down = True
    await memory.memories.edit(ANN, one.id, 1, text="Ann bakes bread")
    assert await count(memory, memory_vectors) == 0


async def test_an_edited_key_takes_the_place_of_who_held_it(memory: MemoryBench) -> None:
    berlin = await add(memory, "The user lives in Berlin", key="user.city")
    other = await add(memory, "Home is Munich")
    await memory.memories.edit(ANN, other.id, 1, key="user.city")
    assert await ids(memory) == {other.id}
    assert (await memory.memories.get(ANN, berlin.id)).superseded_by == other.id


async def test_a_piece_of_a_file_keeps_the_words_of_its_file(memory: MemoryBench) -> None:
    piece = await add(
        memory, "The engine is a diesel.", source=Source(document_id="d_1", file="boat.md", place="Engine")
    )
    with pytest.raises(Conflict) as refused:
        await memory.memories.edit(ANN, piece.id, 1, text="The engine is electric.")
    assert (refused.value.code, refused.value.actual) == ("piece_of_file", "another text for boat.md, Engine")
    assert "Change the file" in (refused.value.hint or "")
    pinned = await memory.memories.edit(ANN, piece.id, 1, text="The engine is a diesel.", pinned=True)
    assert (pinned.text, pinned.pinned) == ("The engine is a diesel.", True)
    gone = await memory.memories.forget(ANN, piece.id)
    with pytest.raises(Conflict, match="piece of a file"):
        await memory.memories.edit(ANN, piece.id, gone.version, text="The engine is electric.")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"text": "\x00 "}, "empty_memory"),
        ({"text": "!!!"}, "empty_memory"),
        ({"kind": "dream"}, "unknown_kind"),
        ({"scope": "x"}, "unknown_scope"),
    ],
)
async def test_a_bad_edit_is_refused(memory: MemoryBench, change: Any, code: str) -> None:
    one = await add(memory, "Ann plays the cello")
    with pytest.raises(InvalidRequest) as refused:
        await memory.memories.edit(ANN, one.id, 1, **change)
    assert refused.value.code == code


async def test_two_who_edit_at_once_do_not_overwrite_each_other(memory: MemoryBench) -> None:
    one = await add(memory, "Ann plays the cello")

    async def edit(text: str) -> bool:
        try:
            await memory.memories.edit(ANN, one.id, 1, text=text)
        except Conflict:
            return False
        return True

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(edit(f"Ann plays {what}")) for what in ("chess", "tennis", "cards", "darts")]
    assert [task.result() for task in tasks].count(True) == 1
    assert (await memory.memories.get(ANN, one.id)).version == 2


# ── forgetting ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_bringing_back_the_old_one_ends_the_new_one(memory: MemoryBench) -> None:
    berlin = await add(memory, "The user lives in Berlin", key="user.city")
    munich = await add(memory, "The user lives in Munich", key="user.city")
    back = await memory.memories.restore(ANN, berlin.id, by="ann")
    assert back.alive
    assert await ids(memory) == {berlin.id}
    assert (await memory.memories.get(ANN, munich.id)).superseded_by == berlin.id
    assert set(memory.dense.held) == {berlin.num}


async def test_what_was_over_before_it_was_forgotten_is_over_again(memory: MemoryBench) -> None:
    berlin = await add(memory, "The user lives in Berlin", key="user.city")
    munich = await add(memory, "The user lives in Munich", key="user.city")
    await memory.memories.forget(ANN, berlin.id)
    assert not (await memory.memories.restore(ANN, berlin.id)).alive
    assert await ids(memory) == {munich.id}


async def test_forgetting_does_not_bring_back_what_it_had_superseded(memory: MemoryBench) -> None:
    await add(memory, "The user lives in Berlin", key="user.city")
    munich = await add(memory, "The user lives in Munich", key="user.city")
    await memory.memories.forget(ANN, munich.id)
    assert await ids(memory) == set()


async def test_what_is_purged_leaves_nothing(memory: MemoryBench) -> None:
    one = await add(memory, "Ann plays the cello")
    await memory.memories.used([Use(one.id, "r_1", "m_1", "writer", 0.5, 1.0)])
    await memory.memories.purge(ANN, one.id)
    for table in (memories, memory_history, memory_uses, memory_vectors):
        assert await count(memory, table) == 0
    assert await found(memory, "cello", Filter(state="any")) == []
    assert not memory.dense.held
    with pytest.raises(NotFound):
        await memory.memories.get(ANN, one.id)


@pytest.mark.parametrize("memory_id", ["", "m_0", "\0", "\ud800", "x" * 100_000, "'; DROP TABLE memories"])
async def test_an_id_that_is_none_is_not_found(memory: MemoryBench, memory_id: str) -> None:
    with pytest.raises(NotFound):
        await memory.memories.get(ANN, memory_id)


async def test_a_whole_thread_is_forgotten_and_another_owners_is_not(memory: MemoryBench) -> None:
    new = [NewMemory("ann", f"turn {n}", line="t", position=n, source=Source(thread_id="t_1")) for n in range(300)]
    await memory.memories.add([*new, NewMemory("bob", "turn", source=Source(thread_id="t_1"))])
    other = await add(memory, "elsewhere", source=Source(thread_id="t_2"))
    assert await memory.memories.forget_where("ann", Filter(threads=("t_1",)), by="ann") == 300
    assert await ids(memory) == {other.id}
    wanted = Filter(threads=("t_1",), state="any")
    assert await memory.memories.forget_where("ann", wanted, by="ann", purge=True) == 300
    assert await count(memory, memories) == 2
    assert (await memory.memories.counts("bob")).alive == 1


# ── boards ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_no_update_of_a_board_is_lost(memory: MemoryBench) -> None:
    reader = Reader("ann", "writer", ("team",))

    async def write(name: str) -> None:
        for number in range(6):
            while True:
                held = await memory.memories.at_key(reader, "board.")
                text = held[0].text if held else "start"
                seen = held[0].version if held else 0
                if await memory.memories.put("ann", "board.plan", f"{text} {name}{number}", seen, agent=name):
                    break

    async with asyncio.TaskGroup() as group:
        for name in ("a", "b", "c", "d", "e"):
            group.create_task(write(name))
    [board] = await memory.memories.at_key(reader, "board.")
    expected = {f"{name}{number}" for name in "abcde" for number in range(6)}
    words = board.text.split()
    assert (set(words) - {"start"}, len(words)) == (expected, 31)
    assert len(await memory.memories.history(ANN, board.id)) == 30


async def test_two_processes_write_one_board(database_url: str) -> None:
    """Two stores on one database: on SQLite each waits for the other's lock, on PostgreSQL too."""
    with MemoryBench(database_url) as one, MemoryBench(database_url) as other:

        async def write(bench: MemoryBench, name: str) -> None:
            for number in range(8):
                while True:
                    held = await bench.memories.at_key(ANN, "board.")
                    text, seen = (held[0].text, held[0].version) if held else ("start", 0)
                    if await bench.memories.put("ann", "board.plan", f"{text} {name}{number}", seen, agent=name):
                        break

        async with asyncio.TaskGroup() as group:
            group.create_task(write(one, "a"))
            group.create_task(write(other, "b"))
        [board] = await one.memories.at_key(ANN, "board.")
        assert len(board.text.split()) == 17


async def test_a_board_that_was_forgotten_is_not_taken_for_its_follower(memory: MemoryBench) -> None:
    first = await memory.memories.put("ann", "board", "one", 0, agent="writer")
    assert first is not None
    assert await memory.memories.put("ann", "board", "again", 0, agent="critic") is None
    await memory.memories.forget(ANN, first.id)
    assert await memory.memories.put("ann", "board", "two", first.version, agent="critic") is None
    second = await memory.memories.put("ann", "board", "two", 0, agent="critic")
    assert second is not None
    assert await memory.memories.put("ann", "board", "three", first.version, agent="writer") is None
    assert second.version > first.version


async def test_keys_are_found_by_how_they_begin(memory: MemoryBench) -> None:
    for key in ("a%", "a_b", "ab", "A", "b"):
        await memory.memories.put("ann", key, f"text of {key}", 0, agent="writer")

    async def keys(prefix: str) -> set[str]:
        return {one.key for one in await memory.memories.at_key(ANN, prefix)}

    assert await keys("a") == {"a%", "a_b", "ab"}
    assert await keys("a%") == {"a%"}
    assert await keys("") == {"a%", "a_b", "ab", "A", "b"}
    assert await keys("\0") == set()


# ── traces ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_uses_count_once_each_and_name_their_thread(memory: MemoryBench) -> None:
    one = await add(memory, "Ann plays the cello")

    def rows(connection: sa.Connection) -> None:
        connection.execute(
            threads.insert().values(id="t_1", owner="ann", title="Music", created_at=0.0, updated_at=0.0)
        )
        connection.execute(
            runs.insert().values(id="r_1", thread_id="t_1", owner="ann", text="?", head=0, created_at=0.0)
        )

    await memory.database.write(rows)
    uses = [
        Use(one.id, "r_1", "m_1", "writer", 0.5, 10.0),
        Use(one.id, "r_2", "m_2", "critic", 0.4, 20.0),
        Use("m_unknown", "r_2", "m_2", "critic", 0.4, 20.0),
    ]
    await memory.memories.used(uses)
    await memory.memories.used(uses)
    now = await memory.memories.get(ANN, one.id)
    assert (now.uses, now.used_at, now.version) == (2, 20.0, 1)
    told = await memory.memories.uses(ANN, one.id)
    assert [(use.run_id, use.thread_id, use.title) for use in told] == [("r_2", "", ""), ("r_1", "t_1", "Music")]


async def test_they_are_counted_by_state(memory: MemoryBench) -> None:
    await add(memory, "The user lives in Berlin", key="user.city")
    await add(memory, "The user lives in Munich", key="user.city", scope="owner")
    gone = await add(memory, "Ann plays the cello", kind="episodic")
    await memory.memories.forget(ANN, gone.id)
    counts = await memory.memories.counts("ann")
    assert (counts.alive, counts.superseded, counts.forgotten) == (1, 1, 1)
    assert (counts.by_kind, counts.by_scope, counts.by_agent) == ({"semantic": 1}, {"owner": 1}, {"user": 1})


async def test_the_map_lays_the_like_side_by_side(memory: MemoryBench) -> None:
    music = [await add(memory, f"cello violin orchestra {n} concert") for n in ("one", "two", "three")]
    bread = [await add(memory, f"flour yeast oven {n} dough") for n in ("four", "five", "six")]
    await memory.memories.used([Use(music[0].id, "r_1", "m_1", "writer", 0.5, 10.0)])
    drawn = await memory.memories.map(ANN, Filter(), 100, "r_1")
    side = {point.memory.id: point.x > 0 for point in drawn.points}
    assert len({side[one.id] for one in music}) == 1
    assert side[music[0].id] != side[bread[0].id]
    assert max(max(abs(point.x), abs(point.y)) for point in drawn.points) == pytest.approx(1.0)
    assert (drawn.total, drawn.of_run) == (6, [music[0].id])
    assert len((await memory.memories.map(ANN, Filter(), 2)).points) == 2
    assert (await memory.memories.map(Reader("bob"), Filter(), 2)).points == []


def test_a_map_does_not_depend_on_the_order() -> None:
    vectors = np.random.default_rng(1).standard_normal((40, 8)).astype(np.float32)
    order = np.random.default_rng(2).permutation(40)
    places, explained = project(vectors)
    again, same = project(vectors[order])
    np.testing.assert_allclose(again, places[order], atol=1e-9)
    assert 0 < explained < 1
    assert explained == pytest.approx(same)
    assert project(vectors[:1])[0].tolist() == [[0.0, 0.0]]


# ── reindexing ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_words_are_made_anew_from_the_rows(memory: MemoryBench) -> None:
    texts = [f"thing number {number} is kept" for number in range(300)]
    await memory.memories.add([NewMemory("ann", text, line="x", position=n) for n, text in enumerate(texts)])
    column = "rowid" if memory.database.is_sqlite else "num"

    def damage(connection: sa.Connection) -> None:
        connection.execute(sa.text(f"DELETE FROM memory_words WHERE {column} % 2 = 0"))
        words = "'nonsense'" if memory.database.is_sqlite else "to_tsvector('nonsense')"
        connection.execute(sa.text(f"INSERT INTO memory_words ({column}, words) VALUES (99999, {words})"))

    await memory.database.write(damage)
    await memory.memories.reindex()
    asked = sa.text("SELECT count(*) FROM memory_words")
    assert await memory.database.read(lambda connection: connection.execute(asked).scalar_one()) == 300
    assert all([await found(memory, str(number)) for number in (0, 1, 150, 299)])
    assert memory.dense.rebuilt == 1
