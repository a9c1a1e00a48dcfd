"""What is believed of memories becomes what they are worth in recall."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator
from pathlib import Path

import pytest
from fakes import MemoryBench
from hypothesis import given
from hypothesis import strategies as st

from alma.learner.weighing import Weighing, worth
from alma.learning.outcome import Outcome, Part, TaskOutcome
from alma.learning.posterior import prior
from alma.learning.reward import NEUTRAL
from alma.learning.tally import Sums
from alma.memory.question import read_question
from alma.memory.ranking import UTILITY, Candidate, rank
from alma.memory.records import NewMemory, Reader
from alma.schooling import Choice as Learning
from alma.schooling import Schooling
from session_bench import SessionBench

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


class Beliefs:
    """Good and bad of each owner's items."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], Sums] = {}

    @property
    def owners(self) -> list[str]:
        return [*{owner for owner, _ in self.known}]

    def items(self, owner: str, what: str = "", context: str | None = None) -> list[tuple[str, str]]:
        assert (what, context) == ("memory", "")
        return [(item, "") for of, item in self.known if of == owner]

    def tally(self, owner: str, item: str, context: str) -> Sums:
        del context
        return self.known.get((owner, item), Sums())


GOOD = Sums(good=4.0, bad=0.0, count=4)
WEIGHED = (pytest.approx(worth(prior(NEUTRAL).with_(4.0, 0.0).mean, 4.0)), 4.0)


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
    beliefs.known["ann", f"memory:{mine.id}"] = GOOD
    weighing = Weighing(beliefs, memory.memories, lambda _owner: True)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(weighing.run())
        weighing.told(None, outcome("ann", f"memory:{mine.id}", f"memory:{other.id}", "role:manager"))
        await weighing.settled()
        now = await memory.memories.get(Reader("ann"), mine.id)
        assert (now.utility, now.strength) == WEIGHED
        assert (now.version, len(await memory.memories.history(Reader("ann"), mine.id))) == (1, 1)
        assert (await memory.memories.get(Reader("bob"), other.id)).strength == 0.0
        beliefs.known.clear()  # the run speaks of it no more
        weighing.told(outcome("ann", f"memory:{mine.id}"), outcome("ann"))
        await weighing.settled()
        running.cancel()
    assert (await memory.memories.get(Reader("ann"), mine.id)).utility == 0.0


async def test_all_is_compared_at_the_start_and_when_learning_is_turned_off_and_on(tmp_path: Path) -> None:
    """What a crash came between is written, what rests on deleted runs goes, and who does not learn has none of it."""
    with MemoryBench(f"sqlite:///{tmp_path / 'alma.db'}") as bench:
        added = await bench.memories.add([NewMemory(owner, f"{n}.") for owner in ("ann", "bob") for n in (1, 2)])
        mine, gone, other, _ = (one.memory for one in added)
        await bench.memories.weigh("ann", {gone.id: (0.9, 3.0)})
        await bench.memories.weigh("bob", {other.id: (0.9, 3.0)})
        beliefs, learns = Beliefs(), {"ann"}
        beliefs.known["ann", f"memory:{mine.id}"] = GOOD
        beliefs.known["bob", f"memory:{other.id}"] = GOOD
        weighing = Weighing(beliefs, bench.memories, learns.__contains__)

        async def weights() -> list[tuple[float, float]]:
            found = [await bench.memories.get(Reader(one.owner), one.id) for one in (mine, gone, other)]
            return [(one.utility, one.strength) for one in found]

        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            running = group.create_task(weighing.run())
            while await weights() != [WEIGHED, (0.0, 0.0), (0.0, 0.0)]:
                await asyncio.sleep(0)
            weighing.told(None, outcome("bob", f"memory:{other.id}"))
            learns.add("bob")
            learns.remove("ann")
            weighing.anew("ann")
            await weighing.settled()
            assert await weights() == [(0.0, 0.0), (0.0, 0.0), (0.0, 0.0)]
            weighing.anew("bob")
            await weighing.settled()
            running.cancel()
        assert await weights() == [(0.0, 0.0), (0.0, 0.0), WEIGHED]


async def test_deleted_runs_and_an_owners_choice_are_heard(quick: SessionBench) -> None:
    memories = MemoryBench("", database=quick.database).memories
    schooling = Schooling(quick.database, quick.roles, quick.models, quick.embedder, memories, Learning(), time.time)
    assert schooling.weighing is not None
    (added,) = await memories.add([NewMemory("ada", "The museum opens at ten.")])
    memory_id = added.memory.id

    async def strength() -> float:
        assert schooling.weighing is not None
        await schooling.weighing.settled()
        return (await memories.get(Reader("ada"), memory_id)).strength

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        running = group.create_task(schooling.weighing.run())
        await memories.weigh("ada", {memory_id: (0.9, 3.0)})
        await schooling.forget("ada", ["r_gone"])
        assert await strength() == 0.0
        await memories.weigh("ada", {memory_id: (0.9, 3.0)})
        await schooling.preferences.set("ada", on=False, exploration=None, weights={})
        assert await strength() == 0.0
        running.cancel()


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
