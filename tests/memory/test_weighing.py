"""What is believed of memories becomes what they are worth in recall."""

from __future__ import annotations

import asyncio
from collections.abc import Generator

import pytest
from fakes import MemoryBench
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from alma.learner.weighing import Weighing, worth
from alma.learning.outcome import Outcome, Part, TaskOutcome
from alma.learning.reward import NEUTRAL
from alma.memory.question import read_question
from alma.memory.ranking import UTILITY, Candidate, rank
from alma.memory.records import NewMemory, Reader

shares = st.floats(0, 1)


@given(mean=shares, weight=st.floats(0, 1e6))
def test_worth_is_between_minus_one_and_one_and_says_nothing_without_evidence(mean: float, weight: float) -> None:
    assert -1.0 <= worth(mean, weight) <= 1.0
    assert worth(mean, 0.0) == 0.0
    assert worth(NEUTRAL, weight) == 0.0


@given(one=shares, other=shares, weight=st.floats(0.1, 1e6))
def test_what_came_out_better_is_worth_more(one: float, other: float, weight: float) -> None:
    low, high = sorted((one, other))
    assert worth(low, weight) <= worth(high, weight)


class Belief(Struct, frozen=True):
    mean: float
    weight: float


class Beliefs:
    def __init__(self) -> None:
        self.known: dict[tuple[str, str], Belief] = {}

    def belief(self, owner: str, item: str, context: str = "") -> Belief:
        del context
        return self.known.get((owner, item), Belief(NEUTRAL, 0.0))


@pytest.fixture
def memory(database_url: str) -> Generator[MemoryBench]:
    with MemoryBench(database_url) as bench:
        yield bench


def outcome(owner: str, *items: str) -> Outcome:
    return Outcome("r", owner, "t", 1.0, tasks=[TaskOutcome("main", "manager", parts=[Part(item) for item in items])])


async def test_what_an_outcome_names_is_weighed_for_its_owner_alone(memory: MemoryBench) -> None:
    added = await memory.memories.add([NewMemory(owner, "The museum opens at ten.") for owner in ("ann", "bob")])
    mine, other = (one.memory for one in added)
    beliefs = Beliefs()
    beliefs.known["ann", f"memory:{mine.id}"] = Belief(0.9, 4.0)
    weighing = Weighing(beliefs, memory.memories)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(weighing.run())
        weighing.told(None, outcome("ann", f"memory:{mine.id}", f"memory:{other.id}", "role:manager"))
        await weighing.settled()
        now = await memory.memories.get(Reader("ann"), mine.id)
        assert (now.utility, now.strength) == (pytest.approx(worth(0.9, 4.0)), 4.0)
        assert (now.version, len(await memory.memories.history(Reader("ann"), mine.id))) == (1, 1)
        assert (await memory.memories.get(Reader("bob"), other.id)).strength == 0.0
        beliefs.known.clear()  # the run speaks of it no more
        weighing.told(outcome("ann", f"memory:{mine.id}"), outcome("ann"))
        await weighing.settled()
        running.cancel()
    assert (await memory.memories.get(Reader("ann"), mine.id)).utility == 0.0


def test_what_helped_comes_first_as_far_as_it_has_to_do_with_the_question() -> None:
    question = read_question("When does the museum open?")
    near = Candidate(1, "The museum opens at ten.", cosine=0.8)
    helped = Candidate(2, "The museum opens at nine.", cosine=0.75, utility=0.5, strength=4.0)
    far = Candidate(3, "The bus leaves at four.", cosine=0.1, utility=1.0, strength=4.0)
    ranked = rank(question, [near, helped, far], 0.0)
    assert [one.candidate.num for one in ranked] == [2, 1, 3]
    utility = {one.candidate.num: one.reasons.utility for one in ranked}
    assert 0.0 < utility[2] < UTILITY * 0.5
    assert (utility[1], utility[3]) == (0.0, 0.0)
