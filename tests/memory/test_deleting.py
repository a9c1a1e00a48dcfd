"""What a deleted thread leaves behind: nothing of its words, and all that was said elsewhere or held before it."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
import sqlalchemy as sa
from fakes import MemoryBench

from alma.db.tables import memory_history
from alma.memory.memories import Added
from alma.memory.records import Filter, Memory, NewMemory, Reader, Source

ANN = Reader("ann")


@pytest.fixture
def memory(database_url: str) -> Generator[MemoryBench]:
    with MemoryBench(database_url) as bench:
        yield bench


async def say(memory: MemoryBench, text: str, thread: str = "", **fields: Any) -> Added:
    source = Source(f"t_{thread}", f"r_{thread}", message_id=f"m_{thread}") if thread else Source()
    [added] = await memory.memories.add([NewMemory("ann", text, source=source, **fields)])
    return added


async def delete(memory: MemoryBench, *threads: str) -> None:
    runs = tuple(f"r_{thread}" for thread in threads)
    await memory.memories.forget_where("ann", Filter(runs=runs, pinned=False, state="any"), by="ann", purge=True)


async def left(memory: MemoryBench, state: Any = "any") -> list[Memory]:
    found, _, _ = await memory.memories.list(ANN, Filter(state=state), limit=1000)
    return sorted(found, key=lambda one: one.num)


async def histories(memory: MemoryBench) -> str:
    asked = sa.select(memory_history.c.before)
    return "\n".join(await memory.database.read(lambda connection: [*connection.execute(asked).scalars()]))


async def test_what_was_also_said_elsewhere_stays_and_is_of_there(memory: MemoryBench) -> None:
    first = await say(memory, "The user lives in Porto.", "one", key="user.city")
    await say(memory, "the user lives in porto.", "two", key="user.city")
    await say(memory, "The user  lives in porto.", "three", key="user.city")
    await delete(memory, "one")
    [city] = await left(memory)
    assert (city.id, city.text, city.count) == (first.memory.id, "the user lives in porto.", 2)
    assert city.source == Source("t_two", "r_two", message_id="m_two")
    assert "r_one" not in await histories(memory)
    assert [one.num for one in (await memory.memories.list(ANN, Filter(runs=("r_two",))))[0]] == [city.num]
    await delete(memory, "two")
    [city] = await left(memory)
    assert (city.source.run_id, city.text, city.count) == ("r_three", "The user  lives in porto.", 1)
    await delete(memory, "three")
    assert await left(memory) == []


async def test_what_the_owner_said_in_person_stays_theirs(memory: MemoryBench) -> None:
    await say(memory, "The user likes tea.", "one")
    await say(memory, "The user likes tea.")
    await delete(memory, "one")
    [tea] = await left(memory)
    assert (tea.source, tea.count) == (Source(), 1)


async def test_all_threads_that_said_it_go_together(memory: MemoryBench) -> None:
    await say(memory, "The user likes tea.", "one")
    await say(memory, "The user likes tea.", "two")
    await delete(memory, "one", "two")
    assert await left(memory) == []


async def test_what_was_edited_keeps_the_words_of_who_edited_it(memory: MemoryBench) -> None:
    first = await say(memory, "The user likes green tea.", "one")
    await say(memory, "the user likes Green tea.", "two")
    await memory.memories.edit(ANN, first.memory.id, 2, text="The user likes white tea.")
    await delete(memory, "one")
    [tea] = await left(memory)
    assert (tea.text, tea.source.run_id) == ("The user likes white tea.", "r_two")
    assert "green" not in (await histories(memory)).casefold()


async def test_no_history_keeps_words_of_a_deleted_thread(memory: MemoryBench) -> None:
    first = await say(memory, "The user likes tea.", "one")
    await say(memory, "the user Likes tea.", "two")
    await say(memory, "the User likes tea.", "three")
    await delete(memory, "two")
    [tea] = await left(memory)
    assert (tea.id, tea.text, tea.count, tea.source.run_id) == (first.memory.id, "The user likes tea.", 2, "r_one")
    told = await histories(memory)
    assert ("Likes" in told, "r_two" in told, "User" in told) == (False, False, True)


async def test_what_held_before_holds_again(memory: MemoryBench) -> None:
    await say(memory, "The user lives in Porto.", "one", key="user.city", at=100.0)
    await say(memory, "The user lives in Lisbon.", "two", key="user.city", at=200.0)
    await delete(memory, "two")
    [city] = await left(memory)
    assert (city.text, city.alive, city.superseded_by, city.valid_to) == ("The user lives in Porto.", True, "", None)
    assert memory.dense.held[city.num][0].alive


async def test_what_held_between_two_leaves_the_first_to_the_last(memory: MemoryBench) -> None:
    await say(memory, "The user lives in Porto.", "one", key="user.city", at=100.0)
    await say(memory, "The user lives in Lisbon.", "two", key="user.city", at=200.0)
    last = await say(memory, "The user lives in Faro.", "three", key="user.city", at=300.0)
    await delete(memory, "two")
    porto, faro = await left(memory)
    assert (porto.superseded_by, porto.valid_to, faro.alive) == (last.memory.id, 300.0, True)
    await delete(memory, "three")
    [porto] = await left(memory)
    assert porto.alive


async def test_a_whole_chain_goes_at_once(memory: MemoryBench) -> None:
    await say(memory, "The user lives in Porto.", "one", key="user.city", at=100.0)
    await say(memory, "The user lives in Lisbon.", "two", key="user.city", at=200.0)
    await say(memory, "The user lives in Faro.", "three", key="user.city", at=300.0)
    await delete(memory, "two", "three")
    [porto] = await left(memory)
    assert porto.alive


async def test_what_was_forgotten_brings_nothing_back(memory: MemoryBench) -> None:
    await say(memory, "The user lives in Porto.", "one", key="user.city", at=100.0)
    lisbon = await say(memory, "The user lives in Lisbon.", "two", key="user.city", at=200.0)
    await memory.memories.forget(ANN, lisbon.memory.id)
    await delete(memory, "two")
    assert await left(memory, "alive") == []


async def test_a_board_goes_with_the_thread_that_wrote_it_last(memory: MemoryBench) -> None:
    async def put(text: str, seen: int, thread: str) -> Memory:
        source = Source(f"t_{thread}", f"r_{thread}") if thread else Source()
        written = await memory.memories.put("ann", "team/plan", text, seen, agent="writer", source=source)
        assert written is not None
        return written

    first = await put("Ship on Monday", 0, "one")
    second = await put("Ship on Tuesday", first.version, "two")
    assert second.source.run_id == "r_two"
    assert [one.text for one in (await memory.memories.list(ANN, Filter(runs=("r_two",))))[0]] == ["Ship on Tuesday"]
    await memory.memories.take_in([], runs=["r_two"], by="alma")
    await delete(memory, "one")
    assert [one.text for one in await left(memory)] == ["Ship on Tuesday"]
    assert "Monday" not in await histories(memory)
    third = await put("Ship on Friday", second.version, "")
    await delete(memory, "two")
    assert [one.text for one in await left(memory)] == ["Ship on Friday"]
    assert "Tuesday" not in await histories(memory)
    fourth = await put("Ship never", third.version, "four")
    assert fourth.version == 4
    await delete(memory, "four")
    assert await left(memory) == []
