"""Recall on both databases: what it finds, what it leaves out and why, and that nobody sees more than they may."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, get_args

import pytest
from fakes import MemoryBench
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alma.memory.access import may_read, passes
from alma.memory.recall import Asked, Recall
from alma.memory.records import Filter, Kind, NewMemory, Reader, Recalled, Scope, Source, State

OWNER = Reader("ann")
NOW = 1_000_100.0


class RecallBench(MemoryBench):
    """Memories with the real recall over the fake index of vectors."""

    def __init__(self, url: str, malicious: bool = False) -> None:
        super().__init__(url, malicious)
        self.recall = Recall(self.database, self.dense)

    async def add(self, text: str, **fields: Any) -> str:
        added = await self.memories.add([NewMemory("ann", text, **fields)])
        return added[0].memory.id

    async def line(self, *texts: str, **fields: Any) -> list[str]:
        return [
            await self.add(text, kind="episodic", line="t", position=place, **fields)
            for place, text in enumerate(texts)
        ]

    async def ask(self, query: str, reader: Reader = OWNER, **fields: Any) -> Recalled:
        return await self.recall.recall(Asked(query, reader, **fields), NOW)


@pytest.fixture
async def memory(database_url: str) -> AsyncGenerator[RecallBench]:
    with RecallBench(database_url) as bench:
        yield bench


def ids(recalled: Recalled) -> list[str]:
    return [hit.memory.id for hit in recalled.hits]


def why(recalled: Recalled) -> dict[str, str]:
    return {missed.id: missed.why for missed in recalled.missed}


async def test_the_best_comes_first_with_its_reasons(memory: RecallBench) -> None:
    boat = await memory.add("The sailing boat is called Vega and lies in Bergen")
    await memory.add("Cheese is in the second drawer")
    recalled = await memory.ask("What is the sailing boat called?")
    hit = recalled.hits[0]
    assert hit.memory.id == boat
    assert (hit.text, hit.tokens) == (hit.memory.text, 13)
    assert hit.reasons.words == ["sailing", "boat", "called"]
    assert hit.reasons.dense_rank == hit.reasons.text_rank == 1
    assert hit.reasons.cosine > 0.3
    assert recalled.dense
    assert recalled.considered == 2


async def test_the_shown_reasons_are_the_whole_score(memory: RecallBench) -> None:
    await memory.line("Where is the boat?", "It lies in Bergen.", "Since when?", "Since May.", speaker="Ana")
    await memory.add("The boat is blue", pinned=True)
    for hit in (await memory.ask("When did Ana see the boat?")).hits:
        one = hit.reasons
        parts = (
            one.fused,
            one.neighbour,
            one.stated,
            one.speaker,
            one.answer,
            one.recency,
            one.utility,
            one.pinned,
            one.diversity,
        )
        assert hit.score == pytest.approx(sum(parts))


async def test_an_answer_is_found_by_the_question_before_it(memory: RecallBench) -> None:
    for number in range(30):
        await memory.add(f"Remark {number} on herring and {number * 7} barrels")
    said = await memory.line("What does the harbour ask for a berth?", "Nine hundred, with water.", "Fair enough.")
    recalled = await memory.ask("What does a berth in the harbour cost?", k=6)
    assert ids(recalled)[0] == said[0]
    assert said[1] in ids(recalled)
    answer = next(hit for hit in recalled.hits if hit.memory.id == said[1])
    assert answer.reasons.near == said[0]
    assert answer.reasons.neighbour > 0


async def test_without_vectors_words_alone_are_searched(memory: RecallBench) -> None:
    boat = await memory.add("The boat lies in Bergen")
    memory.embedding.down = True
    recalled = await memory.ask("Where is the boat?")
    assert ids(recalled) == [boat]
    assert not recalled.dense
    assert recalled.hits[0].reasons.dense_rank == 0


async def test_what_is_superseded_or_forgotten_does_not_come(memory: RecallBench) -> None:
    old = await memory.add("Ann lives in Oslo", key="user.city")
    new = await memory.add("Ann lives in Bergen now", key="user.city")
    gone = await memory.add("Ann lives on a farm with goats")
    await memory.memories.forget(OWNER, gone)
    assert ids(await memory.ask("Where does Ann live? lives")) == [new]
    of_old = await memory.ask("Where does Ann live? lives", wanted=Filter(state="superseded"))
    assert ids(of_old) == [old]


async def test_a_greeting_recalls_nothing_when_strict(memory: RecallBench) -> None:
    await memory.add("Good morning is how the boat's crew greets")
    assert ids(await memory.ask("Good morning, how are you?", strict=True)) == []
    assert len(ids(await memory.ask("Good morning, how are you?"))) == 1


async def test_what_has_little_to_do_with_it_is_weak_when_strict(memory: RecallBench) -> None:
    boat = await memory.add("The boat lies in Bergen")
    cheese = await memory.add("Cheese belongs into another drawer")
    assert set(ids(await memory.ask("boat in Bergen"))) == {boat, cheese}
    strict = await memory.ask("boat in Bergen", strict=True)
    assert ids(strict) == [boat]
    assert why(strict) == {cheese: "weak"}


async def test_each_part_of_a_question_is_looked_up_by_itself(memory: RecallBench) -> None:
    city = await memory.add("Where I live now: in Gothenburg", kind="semantic", key="user.city")
    walnuts = await memory.add("Never must I eat walnuts", kind="semantic", key="user.allergy.walnuts")
    await memory.add("Cheese belongs into another drawer", kind="semantic")
    parts = ["Where do I live now", "what must I never eat?"]
    recalled = await memory.ask(", and ".join(parts), strict=True)
    assert set(ids(recalled)) == {city, walnuts}
    assert memory.embedding.asked[-3:] == [", and ".join(parts), *parts]
    both = {hit.memory.id: hit.reasons.cosine for hit in recalled.hits}
    for part, found in zip(parts, (city, walnuts), strict=True):
        alone = await memory.ask(part)
        assert both[found] == pytest.approx(alone.hits[0].reasons.cosine)
        assert alone.hits[0].memory.id == found


async def test_who_has_the_words_of_a_part_has_enough_of_them(memory: RecallBench) -> None:
    memory.embedding.down = True
    keys = await memory.add("The keys hang behind the blue door")
    recalled = await memory.ask("Where are my keys, and who sails the old grey boat to Bergen?", strict=True)
    assert ids(recalled) == [keys]


async def test_one_question_is_one_search(memory: RecallBench) -> None:
    await memory.add("The boat lies in Bergen")
    memory.embedding.asked.clear()
    await memory.ask("Where is the boat?")
    assert memory.embedding.asked == ["Where is the boat?"]


async def test_who_asks_how_they_are_called_is_told_their_name_first(memory: RecallBench) -> None:
    for who, name in [("wife", "Ines"), ("sister", "Kaja"), ("dog", "Rex")]:
        await memory.add(f"The user's {who} is called {name}", kind="semantic")
    old = await memory.add("Zacharias", kind="semantic", key="user.name")
    name = await memory.add("Ben", kind="semantic", key="user.name")
    rule = await memory.add("Lou", kind="procedural", key="user.rule.call_me")
    recalled = await memory.ask("What should you call me?", strict=True)
    assert set(ids(recalled)[:2]) == {name, rule}
    assert old not in ids(recalled)
    assert name not in ids(await memory.ask("Where is the boat?", strict=True))
    assert name not in ids(await memory.ask("What should you call me?", Reader("bob"), strict=True))
    assert name not in ids(await memory.ask("What should you call me?", Reader("ann", "cook", ("team",)), strict=True))


async def test_what_the_asker_knows_is_not_said_again(memory: RecallBench) -> None:
    boat = await memory.add("The boat lies in Bergen")
    other = await memory.add("The boat has a red sail")
    recalled = await memory.ask("boat", known=("I told you that the boat lies  in Bergen, you fool.",))
    assert ids(recalled) == [other]
    assert why(recalled) == {boat: "known"}


async def test_a_budget_is_kept_and_what_did_not_fit_is_told(memory: RecallBench) -> None:
    long = await memory.add("The boat " + "is a fine old wooden ship and " * 20)
    short = await memory.add("The boat is blue")
    recalled = await memory.ask("boat", tokens=20)
    assert ids(recalled) == [short]
    assert sum(hit.tokens for hit in recalled.hits) <= 20
    assert why(recalled) == {long: "budget"}


async def test_what_is_put_before_each_hit_counts_too(memory: RecallBench) -> None:
    await memory.line("One boat.", "Two boats.", "Three boats.")
    assert len(ids(await memory.ask("boats", tokens=9))) == 3
    assert len(ids(await memory.ask("boats", tokens=9, beside=2))) == 1
    wide = await memory.ask("boats", k=1, tokens=9, beside=6, widen=True)
    assert wide.hits[0].tokens == 3


async def test_a_hit_is_widened_as_far_as_there_is_room(memory: RecallBench) -> None:
    await memory.line("One apple.", "Two boats.", "Three chairs.")
    assert (await memory.ask("boats", k=1, widen=True)).hits[0].text == "One apple.\nTwo boats.\nThree chairs."
    tight = (await memory.ask("boats", k=1, widen=True, tokens=6)).hits[0]
    assert tight.text == "One apple.\nTwo boats."
    assert tight.tokens == 6
    assert (await memory.ask("boats", k=1, widen=True, tokens=3)).hits[0].text == "Two boats."


async def test_overlapping_pieces_of_a_document_are_joined_once(memory: RecallBench) -> None:
    text = "The mast is of pine. The sail is red. The hull is oak."
    for place, (start, end) in enumerate([(0, 37), (21, 54)]):
        source = Source(document_id="d", start=start, end=end)
        await memory.add(text[start:end], line="d", position=place, source=source)
    assert (await memory.ask("hull oak", k=1, widen=True)).hits[0].text == text


async def test_who_speaks_is_said_when_several_do(memory: RecallBench) -> None:
    await memory.add("Where are the boats?", line="t", position=0, speaker="Ana")
    await memory.add("In Bergen.", line="t", position=1, speaker="Ben")
    recalled = await memory.ask("Where are the boats?", k=1, widen=True)
    assert recalled.hits[0].text == "Ana: Where are the boats?\nBen: In Bergen."


async def test_passages_of_a_turn_are_widened_with_the_nearest(memory: RecallBench) -> None:
    async def turn(position: int, run: str, *passages: str, at: float) -> None:
        for number, text in enumerate(passages):
            source = Source("t", run, message_id=f"{run}:{position}", start=100 * number, end=100 * number + len(text))
            await memory.add(text, kind="episodic", line="t", position=position, source=source, at=at)

    await turn(0, "r1", "One apple.", "Two boats.", "Three chairs.", at=1.0)
    await turn(1, "r1", "Four drums.", "Five eggs.", "Six forks.", at=2.0)
    await turn(1, "r2", "Seven gloves.", "Eight hats.", at=3.0)
    await turn(2, "r3", "Nine inks.", "Ten jars.", at=4.0)

    async def wide(query: str) -> str:
        return (await memory.ask(query, k=1, widen=True)).hits[0].text

    assert await wide("eggs") == "Four drums.\nFive eggs.\nSix forks."
    assert await wide("drums") == "Three chairs.\nFour drums.\nFive eggs."
    assert await wide("chairs") == "Two boats.\nThree chairs.\nFour drums."
    assert await wide("apple") == "One apple.\nTwo boats."
    assert await wide("inks") == "Eight hats.\nNine inks.\nTen jars."


async def test_a_neighbour_that_may_not_be_read_neither_comes_nor_widens(memory: RecallBench) -> None:
    await memory.add("What is the safe's number?", line="t", position=0, scope="team", agent="clerk")
    await memory.add("4711, do not tell", line="t", position=1, scope="private", agent="clerk")
    recalled = await memory.ask("What is the safe's number?", Reader("ann", "cook"), widen=True)
    assert [hit.text for hit in recalled.hits] == ["What is the safe's number?"]
    assert recalled.hits[0].reasons.near == ""
    everything = await memory.ask("What is the safe's number?", widen=True)
    assert len(everything.hits) == 2


@pytest.mark.parametrize("query", ["", "   ", "\x00", '"', "AND OR NOT", "\ud800", "*" * 5000, "船はどこ"])
async def test_any_query_is_answered(memory: RecallBench, query: str) -> None:
    await memory.add("The boat lies in Bergen")
    recalled = await memory.ask(query)
    assert len(recalled.hits) <= 1


async def test_nothing_is_wanted(memory: RecallBench) -> None:
    await memory.add("The boat lies in Bergen")
    assert (await memory.ask("boat", k=0)).hits == []


# ── nobody sees more than they may ────────────────────────────────────────────────────────────────────────────────

some = st.sampled_from
kept = st.fixed_dictionaries(
    {
        "owner": some(["ann", "bob"]),
        "agent": some(["user", "cook", "clerk"]),
        "scope": some(list(get_args(Scope))),
        "kind": some(list(get_args(Kind))),
        "line": some(["", "t"]),
        "position": st.integers(0, 6),
    }
)
readers = st.builds(
    Reader,
    some(["ann", "bob", "eve"]),
    some([None, "user", "cook", "clerk"]),
    st.lists(some(list(get_args(Scope))), unique=True).map(tuple),
)
filters = st.builds(
    Filter,
    kinds=st.lists(some(list(get_args(Kind))), max_size=2).map(tuple),
    scopes=st.lists(some(list(get_args(Scope))), max_size=2).map(tuple),
    agents=st.lists(some(["cook", "user"]), max_size=1).map(tuple),
    state=some(list(get_args(State))),
    pinned=some([None, None, True]),
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    rows=st.lists(kept, min_size=1, max_size=10),
    asks=st.lists(st.tuples(readers, filters, st.booleans()), min_size=1, max_size=6),
)
def test_an_index_that_gives_everything_away_gives_nothing_away(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], asks: list[tuple[Reader, Filter, bool]]
) -> None:
    async def play() -> None:
        url = f"sqlite:///{tmp_path_factory.mktemp('recall') / 'alma.db'}"
        with RecallBench(url, malicious=True) as memory:
            texts = [f"boat number {number} in harbour {number * number}" for number in range(len(rows))]
            await memory.memories.add([NewMemory(text=text, **row) for text, row in zip(texts, rows, strict=True)])
            for reader, wanted, widen in asks:
                recalled = await memory.ask("boat in harbour", reader, wanted=wanted, widen=widen)
                seen = {line for hit in recalled.hits for line in hit.text.split("\n")}
                for hit in recalled.hits:
                    assert may_read(reader, hit.memory)
                    assert passes(wanted, hit.memory)
                held = {memory.text: memory for memory, _ in memory.dense.held.values()}
                assert all(may_read(reader, held[text]) and passes(wanted, held[text]) for text in seen)
                known = {one.id: one for one in held.values()}
                assert all(may_read(reader, known[missed.id]) for missed in recalled.missed)

    asyncio.run(play())
