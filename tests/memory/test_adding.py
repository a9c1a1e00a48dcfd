"""Adding: what is known counts once more, what is newer takes over, what is late is over already."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from fakes import MemoryBench

from alma.db.tables import memories, memory_vectors
from alma.errors import InvalidRequest
from alma.memory.memories import Added
from alma.memory.records import Change, Filter, Memory, NewMemory, Reader, Source
from alma.memory.words import found_by_words

ANN = Reader("ann")


@pytest.fixture
def memory(database_url: str) -> Generator[MemoryBench]:
    with MemoryBench(database_url) as bench:
        yield bench


async def add(memory: MemoryBench, text: str, **fields: Any) -> Added:
    [added] = await memory.memories.add([NewMemory("ann", text, **fields)])
    return added


async def alive(memory: MemoryBench) -> list[Memory]:
    return (await memory.memories.list(ANN, Filter(), limit=1000))[0]


async def rows(memory: MemoryBench, asked: sa.Select[Any]) -> list[Any]:
    return await memory.database.read(lambda connection: [*connection.execute(asked)])


# ── the same again ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_same_counts_once_more_and_its_new_source_is_kept(memory: MemoryBench) -> None:
    first = await add(memory, "Ann plays the cello", source=Source(message_id="m_1"), at=10.0)
    again = await add(memory, "ann plays  the Cello", source=Source(message_id="m_2"), at=20.0)
    assert (first.merged, again.merged) == (False, True)
    assert again.memory.id == first.memory.id
    assert (again.memory.count, again.memory.seen_at, again.memory.version) == (2, 20.0, 2)
    assert again.memory.text == "Ann plays the cello"
    added, merged = await memory.memories.history(ANN, first.memory.id)
    assert (added.what, merged.what) == ("added", "merged")
    assert merged.before["source"] == msgspec.to_builtins(Source(message_id="m_2"))
    assert merged.before["text"] == "ann plays  the Cello"


async def test_the_same_in_one_batch_is_stored_once(memory: MemoryBench) -> None:
    outcome = await memory.memories.add([NewMemory("ann", "Ann plays chess"), NewMemory("ann", "Ann plays chess")])
    assert [one.merged for one in outcome] == [False, True]
    assert [one.count for one in await alive(memory)] == [2]


async def test_nearly_the_same_is_merged_unless_the_facts_differ(memory: MemoryBench) -> None:
    words = "the meeting of the group that plans the garden is held every week in the old hall by the river near"
    first = await add(memory, f"{words} mill at 10")
    near = await add(memory, f"{words} mill at ten.")
    other = await add(memory, f"{words} mill at 11")
    assert near.memory.id == first.memory.id
    assert other.memory.id != first.memory.id
    batch = f"{words} bridge at 12"
    both = await memory.memories.add([NewMemory("ann", batch), NewMemory("ann", batch + ".")])
    assert [one.merged for one in both] == [False, True]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The dose is .5 mg", "The dose is 5 mg"),
        ("The blood type is B-", "The blood type is B"),
        ("The build runs if status != done", "The build runs if status = done"),
        ("The pump needs 5 mW", "The pump needs 5 MW"),
    ],
)
async def test_what_only_a_sign_tells_apart_is_kept_apart(memory: MemoryBench, one: str, other: str) -> None:
    """Their vectors are the same."""
    await add(memory, one)
    assert not (await add(memory, other)).merged
    assert {kept.text for kept in await alive(memory)} == {one, other}


async def test_for_a_key_whatever_is_said_in_other_words_takes_over(memory: MemoryBench) -> None:
    text = "The user works every day of the week but for Sunday in the north of the old town by the river"
    first = await add(memory, text, key="user.place")
    other = await add(memory, text + "!", key="user.place")
    again = await add(memory, text.replace("The", "the") + "!", key="user.place")
    assert other.superseded == (first.memory.id,)
    assert (other.merged, again.merged, again.memory.id) == (False, True, other.memory.id)
    assert [one.text for one in await alive(memory)] == [text + "!"]


async def test_another_scope_kind_agent_or_owner_is_another_memory(memory: MemoryBench) -> None:
    text = "Ann plays the cello"
    outcome = await memory.memories.add(
        [
            NewMemory("ann", text),
            NewMemory("bob", text),
            NewMemory("ann", text, "episodic"),
            NewMemory("ann", text, scope="private"),
            NewMemory("ann", text, agent="writer"),
        ]
    )
    assert not any(one.merged for one in outcome)
    assert len({one.memory.id for one in outcome}) == 5


async def test_a_place_in_a_line_is_never_lost(memory: MemoryBench) -> None:
    def said(text: str, position: int, line: str = "t_1") -> NewMemory:
        return NewMemory("ann", text, "episodic", line=line, position=position, source=Source(thread_id=line))

    turns = [said("ok", 0), said("shall we go?", 1), said("ok", 2), said("ok", 2), said("ok", 0, "t_2")]
    outcome = await memory.memories.add(turns)
    assert [one.merged for one in outcome] == [False, False, False, True, False]
    middle = outcome[1].memory
    assert [one.position for one in await memory.memories.around(ANN, middle)] == [0, 2]
    assert await memory.memories.around(ANN, (await add(memory, "of no line")).memory) == []


async def test_chunks_of_two_documents_are_two(memory: MemoryBench) -> None:
    one = await add(memory, "Terms and conditions", source=Source(document_id="d_1"))
    other = await add(memory, "Terms and conditions", source=Source(document_id="d_2"))
    assert one.memory.id != other.memory.id


async def test_words_that_are_read_twice_are_kept_once_and_stay_forgotten(memory: MemoryBench) -> None:
    source = Source(run_id="r_1", message_id="m_1", start=3, end=20)
    first = await add(memory, "Ann moved to Bergen", source=source)
    again = await add(memory, "Ann moved to Bergen", source=source)
    assert (again.memory.count, again.memory.version) == (1, 1)
    await memory.memories.forget(ANN, first.memory.id)
    await add(memory, "Ann moved to Bergen", source=source)
    assert await alive(memory) == []
    said_anew = await add(memory, "Ann moved to Bergen", source=Source(run_id="r_2", message_id="m_9"))
    assert [one.id for one in await alive(memory)] == [said_anew.memory.id]


# ── keys ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_newer_takes_the_place_and_the_older_is_kept(memory: MemoryBench) -> None:
    berlin = await add(memory, "The user lives in Berlin", key="user.city", at=10.0)
    munich = await add(memory, "The user lives in Munich", key="user.city", at=20.0)
    assert munich.superseded == (berlin.memory.id,)
    assert [one.id for one in await alive(memory)] == [munich.memory.id]
    old = await memory.memories.get(ANN, berlin.memory.id)
    assert (old.valid_to, old.superseded_by) == (20.0, munich.memory.id)
    assert [one.id for one in await memory.memories.superseded_by(ANN, munich.memory.id)] == [berlin.memory.id]
    assert [one.what for one in await memory.memories.history(ANN, old.id)] == ["added", "superseded"]
    assert set(memory.dense.held) == {munich.memory.num}
    back = await add(memory, "The user lives in Berlin", key="user.city", at=30.0)
    assert (back.merged, back.superseded) == (False, (munich.memory.id,))


async def test_in_one_batch_the_last_word_holds(memory: MemoryBench) -> None:
    said = ["The user lives in Berlin", "The user lives in Munich", "The user lives in Berlin"]
    keyed = [NewMemory("ann", text, key="user.city", at=10.0 + at) for at, text in enumerate(said)]
    outcome = await memory.memories.add([*keyed, NewMemory("ann", said[1])])
    assert [one.merged for one in outcome] == [False] * 4
    first, second, third, unkeyed = (one.memory.id for one in outcome)
    assert {one.id for one in await alive(memory)} == {third, unkeyed}
    assert (await memory.memories.get(ANN, first)).superseded_by == second
    assert (await memory.memories.get(ANN, second)).superseded_by == third


async def test_a_late_statement_is_over_already(memory: MemoryBench) -> None:
    rome = await add(memory, "The user lives in Rome", key="user.city", at=5.0)
    munich = await add(memory, "The user lives in Munich", key="user.city", at=20.0)
    late = await add(memory, "The user lives in Berlin", key="user.city", at=10.0)
    assert (late.memory.valid_to, late.memory.superseded_by) == (20.0, munich.memory.id)
    assert [one.id for one in await alive(memory)] == [munich.memory.id]
    first = await memory.memories.get(ANN, rome.memory.id)
    assert (first.valid_to, first.superseded_by) == (10.0, late.memory.id)


async def test_the_same_said_of_a_key_merges_whoever_says_it(memory: MemoryBench) -> None:
    first = await add(memory, "The user lives in Berlin", key="user.city", agent="writer")
    again = await add(memory, "the user lives in berlin", key="user.city", agent="critic")
    assert (again.merged, again.memory.id) == (True, first.memory.id)


async def test_a_key_is_each_agents_own_where_it_is_private(memory: MemoryBench) -> None:
    await add(memory, "The plan is to wait", key="plan", scope="private", agent="writer")
    await add(memory, "The plan is to begin", key="plan", scope="private", agent="critic")
    await add(memory, "The plan is to rest", key="plan", scope="team", agent="critic")
    assert len(await alive(memory)) == 3


async def test_what_was_known_without_a_key_takes_it_on(memory: MemoryBench) -> None:
    first = await add(memory, "The user lives in Berlin")
    again = await add(memory, "The user lives in Berlin", key="user.city")
    assert (again.merged, again.memory.id, again.memory.key) == (True, first.memory.id, "user.city")
    moved = await add(memory, "The user lives in Munich", key="user.city")
    assert moved.superseded == (first.memory.id,)


# ── one transaction, vectors, words ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("new", "code"),
    [
        (NewMemory("ann", "\x00"), "empty_memory"),
        (NewMemory("ann", "x" * 9000), "memory_too_long"),
        (NewMemory("ann", "x", "dream"), "unknown_kind"),  # pyright: ignore[reportArgumentType]
        (NewMemory("ann", "x", scope="world"), "unknown_scope"),  # pyright: ignore[reportArgumentType]
        (NewMemory("ann", "x", at=float("nan")), "bad_time"),
        (NewMemory("ann", "x", position=2**40), "bad_position"),
        (NewMemory("ann", "x", key="k" * 201), "key_too_long"),
    ],
)
async def test_one_that_cannot_be_kept_keeps_none_of_its_batch(memory: MemoryBench, new: NewMemory, code: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await memory.memories.add([NewMemory("ann", "a good one"), new])
    assert refused.value.code == code
    assert await alive(memory) == []


async def test_vectors_are_made_once_for_the_same_text(memory: MemoryBench) -> None:
    await add(memory, "Ann plays the cello")
    memory.embedding.asked.clear()
    await memory.memories.add([NewMemory("ann", "ann plays the  Cello", "episodic", line="t_1")], urgent=True)
    assert memory.embedding.asked == []
    stored = await rows(memory, sa.select(memory_vectors.c.model, memory_vectors.c.vector))
    assert [(row.model, len(row.vector)) for row in stored] == [("fake", 128)] * 2


async def test_without_an_embedder_they_are_found_by_words(memory: MemoryBench) -> None:
    memory.embedding.down = True
    added = await add(memory, "Ann plays the cello")
    await memory.memories.edit(ANN, added.memory.id, 1, text="Ann plays the viola")
    assert await rows(memory, sa.select(memory_vectors)) == []
    [hit] = await memory.database.read(lambda connection: found_by_words(connection, "violas?", ANN, Filter(), 5))
    assert hit.num == added.memory.num


async def test_stamps_rise_with_every_change(memory: MemoryBench) -> None:
    seen = [0]

    async def newest() -> None:
        [row] = await rows(memory, sa.select(sa.func.max(memories.c.stamp)))
        seen.append(row[0])

    one = await add(memory, "Ann plays the cello")
    await newest()
    await memory.memories.forget(ANN, one.memory.id)
    await newest()
    await memory.memories.restore(ANN, one.memory.id)
    await newest()
    await memory.memories.purge(ANN, one.memory.id)
    await add(memory, "Ann plays chess")
    await newest()
    assert seen == sorted(set(seen))


async def test_listeners_hear_of_it_after_the_index(memory: MemoryBench) -> None:
    heard: list[Change] = []

    def told(changes: Any) -> None:
        heard.extend(changes)
        held.append(sorted(memory.dense.held))

    held: list[list[int]] = []
    end = memory.memories.listen(told)
    old = await add(memory, "The user lives in Berlin", key="user.city")
    new = await add(memory, "The user lives in Munich", key="user.city")
    await memory.memories.purge(ANN, old.memory.id)
    end()
    await memory.memories.forget(ANN, new.memory.id)
    assert [(change.what, change.id) for change in heard] == [
        ("added", old.memory.id),
        ("added", new.memory.id),
        ("superseded", old.memory.id),
        ("purged", old.memory.id),
    ]
    assert held == [[old.memory.num], [new.memory.num], [new.memory.num]]


async def test_what_others_have_does_not_hide_what_is_nearly_the_same(memory: MemoryBench) -> None:
    agents = [f"agent{number}" for number in range(20)]
    await memory.memories.add([NewMemory("ann", "The cello is brown", agent=agent) for agent in agents])
    for agent in agents:
        [added] = await memory.memories.add([NewMemory("ann", "The cello is brown.", agent=agent)])
        assert (added.merged, added.memory.agent) == (True, agent)
