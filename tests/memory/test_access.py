"""Whatever is asked, through whichever door: nobody gets a memory that they may not read."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any, TypeVar

import pytest
from fakes import MemoryBench
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from alma.errors import NotFound
from alma.memory.access import may_read, passes
from alma.memory.memories import Use
from alma.memory.recall import Asked, Recall
from alma.memory.records import KINDS, SCOPES, Filter, Kind, Memory, NewMemory, Reader, Scope, Source
from alma.memory.store import by_nums
from alma.memory.words import found_by_words

T = TypeVar("T")
OWNERS = ("ann", "bob")
AGENTS = ("user", "researcher", "writer", "")
NASTY = ("\0", "\ud800", "' OR 1=1 --", "%", "nobody")
TOPICS = ("harbour", "cathedral", "timetable", "recipe")


class Crowd:
    def __init__(self, bench: MemoryBench, runner: asyncio.Runner, everything: list[Memory]) -> None:
        self.bench = bench
        self.runner = runner
        self.all = everything

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)


@pytest.fixture
def crowd(database_url: str) -> Generator[Crowd]:
    """Memories of two owners, of every agent, scope, kind and state; with an index that gives anything to anybody."""
    with MemoryBench(database_url, malicious=True) as bench, asyncio.Runner() as runner:
        yield Crowd(bench, runner, runner.run(fill(bench)))


async def fill(bench: MemoryBench) -> list[Memory]:
    kinds = [(owner, agent, scope, kind) for owner in OWNERS for agent in AGENTS for scope in SCOPES for kind in KINDS]
    added = await bench.memories.add([one(number, *of) for number, of in enumerate(kinds, 1)])
    everything: list[Memory] = []
    for number, outcome in enumerate(added, 1):
        if number % 8 == 0:
            await bench.memories.forget(Reader(outcome.memory.owner), outcome.memory.id)
    for owner in OWNERS:
        found, _, _ = await bench.memories.list(Reader(owner), Filter(state="any"), limit=1000)
        everything += found
    await bench.memories.used([Use(one.id, "r_1", "m_1", "writer", 0.5, 1.0) for one in everything])
    return everything


def one(number: int, owner: str, agent: str, scope: Scope, kind: Kind) -> NewMemory:
    topic = TOPICS[number % len(TOPICS)]
    document = "d_1" if number % 7 == 0 else ""
    return NewMemory(
        owner,
        f"the {topic} has number {number} for everybody",
        kind,
        scope,
        agent,
        key=f"key.{number % 5}" if number % 3 == 0 else "",
        source=Source(thread_id=f"t_{number % 3}", run_id=f"r_{number % 4}", document_id=document),
        at=1000.0 + number,
        line="line" if number % 2 else "",
        speaker="user" if number % 5 == 0 else "",
        position=number,
        pinned=number % 6 == 0,
    )


some = st.lists
readers = st.builds(
    Reader,
    st.sampled_from([*OWNERS, "carl", "\0"]),
    st.sampled_from([None, *AGENTS, "critic", "\ud800"]),
    st.lists(st.sampled_from(SCOPES), unique=True).map(tuple),
)
filters = st.builds(
    Filter,
    kinds=some(st.sampled_from(KINDS), max_size=2).map(tuple),
    scopes=some(st.sampled_from(SCOPES), max_size=2).map(tuple),
    agents=some(st.sampled_from([*AGENTS, *NASTY]), max_size=2).map(tuple),
    threads=some(st.sampled_from(["t_0", "t_1", *NASTY]), max_size=2).map(tuple),
    runs=some(st.sampled_from(["r_0", "r_1", *NASTY]), max_size=2).map(tuple),
    documents=some(st.sampled_from(["d_1", *NASTY]), max_size=1).map(tuple),
    not_runs=some(st.sampled_from(["r_0", "r_2", *NASTY]), max_size=2).map(tuple),
    key=st.sampled_from(["", "", "", "key.0", "key.3", *NASTY]),
    since=st.sampled_from([None, None, 1010.0, float("nan"), float("-inf")]),
    until=st.sampled_from([None, None, 1050.0, float("nan"), float("inf")]),
    authors=some(st.sampled_from([*AGENTS, *NASTY]), max_size=2).map(tuple),
    pinned=st.sampled_from([None, None, True, False]),
    files=st.sampled_from([None, None, True, False]),
    state=st.sampled_from(["alive", "superseded", "forgotten", "any"]),
)
queries = st.sampled_from(
    ["harbour number", "the", 'recipe" OR "cathedral', "timetable NEAR(", "\0\ud800", "everybody"]
)
many = settings(
    max_examples=60, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def allowed(reader: Reader, memory: Memory) -> bool:
    """The rule once more, in the words of the documentation."""
    if memory.owner != reader.owner:
        return False
    if reader.role is None:
        return True
    mine = memory.agent == reader.role and memory.agent != "user"
    return memory.scope in reader.scopes and (memory.scope != "private" or mine)


@many
@given(reader=readers, wanted=filters, query=queries)
def test_no_door_gives_what_the_asker_may_not_read(crowd: Crowd, reader: Reader, wanted: Filter, query: str) -> None:
    memories, database = crowd.bench.memories, crowd.bench.database
    nums = [memory.num for memory in crowd.all]
    right = {memory.id for memory in crowd.all if allowed(reader, memory) and passes(wanted, memory)}
    found, total, _ = crowd.run(memories.list(reader, wanted, limit=1000))
    assert ({one.id for one in found}, total) == (right, len(right))
    fetched = crowd.run(database.read(lambda connection: by_nums(connection, nums, reader, wanted)))
    assert {one.id for one in fetched.values()} == right
    id_of = {memory.num: memory.id for memory in crowd.all}
    words = crowd.run(database.read(lambda connection: found_by_words(connection, query, reader, wanted, 500)))
    assert {id_of[hit.num] for hit in words} <= right
    asked = Asked(query, reader, wanted, k=500)
    recalled = crowd.run(memories.recall(asked))
    assert {hit.memory.id for hit in recalled.hits} <= right
    really = crowd.run(Recall(database, crowd.bench.dense).recall(replace(asked, widen=True), 2000.0))
    assert {hit.memory.id for hit in really.hits} | {one.id for one in really.missed} <= right
    secrets = [one.text for one in crowd.all if not allowed(reader, one)]
    assert not any(secret in hit.text for hit in really.hits for secret in secrets)
    drawn = crowd.run(memories.map(reader, wanted, 500, "r_1"))
    assert {point.memory.id for point in drawn.points} <= right
    assert set(drawn.of_run) == {memory.id for memory in crowd.all if allowed(reader, memory)}


@many
@given(reader=readers, which=st.integers(0, 10_000))
def test_what_belongs_to_one_memory_is_only_for_who_may_read_it(crowd: Crowd, reader: Reader, which: int) -> None:
    memories = crowd.bench.memories
    memory = crowd.all[which % len(crowd.all)]
    around = crowd.run(memories.around(reader, memory, 5))
    board = crowd.run(memories.at_key(reader, "key."))
    assert all(allowed(reader, one) and one.alive for one in [*around, *board])
    if allowed(reader, memory):
        assert crowd.run(memories.get(reader, memory.id)).id == memory.id
        assert crowd.run(memories.history(reader, memory.id))
        assert [use.run_id for use in crowd.run(memories.uses(reader, memory.id))] == ["r_1"]
        assert all(allowed(reader, one) for one in crowd.run(memories.superseded_by(reader, memory.id)))
        return
    for door in (
        memories.get(reader, memory.id),
        memories.history(reader, memory.id),
        memories.uses(reader, memory.id),
        memories.superseded_by(reader, memory.id),
        memories.forget(reader, memory.id),
        memories.restore(reader, memory.id),
        memories.purge(reader, memory.id),
        memories.edit(reader, memory.id, memory.version, text="taken over"),
    ):
        with pytest.raises(NotFound) as refused:
            crowd.run(door)
        assert refused.value.code == "unknown_memory"


def test_an_export_is_the_owners_alone(crowd: Crowd) -> None:
    async def lines() -> bytes:
        return b"".join([part async for part in crowd.bench.memories.export("ann", "any", files=True)])

    exported = crowd.run(lines()).decode()
    for memory in crowd.all:
        assert (f'"{memory.id}"' in exported) == (memory.owner == "ann")


@many
@given(reader=readers, wanted=filters)
def test_the_rule_in_python_is_the_rule_in_sql(crowd: Crowd, reader: Reader, wanted: Filter) -> None:
    nums = [memory.num for memory in crowd.all]
    fetched = crowd.run(crowd.bench.database.read(lambda connection: by_nums(connection, nums, reader, wanted)))
    assert set(fetched) == {one.num for one in crowd.all if may_read(reader, one) and passes(wanted, one)}
