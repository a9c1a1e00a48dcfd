"""What a user says is not so, or no more, or only sometimes: it ends the fact that says otherwise, and no other."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from fakes import MemoryBench

from alma.memory.facts import facts_in
from alma.memory.records import USER, Filter, NewMemory, Reader

ANN = Reader("ann")


@pytest.fixture
def memory(database_url: str) -> Generator[MemoryBench]:
    with MemoryBench(database_url) as bench:
        yield bench


async def say(memory: MemoryBench, text: str, at: float) -> None:
    facts = facts_in(text)
    new = [NewMemory("ann", one.text, one.kind, key=one.key, at=at, speaker=USER, denies=one.denies) for one in facts]
    if new:
        await memory.memories.add(new)


async def texts(memory: MemoryBench, state: str = "alive") -> list[str]:
    found, _, _ = await memory.memories.list(ANN, Filter(state=state), limit=100)  # type: ignore[arg-type]
    return sorted(one.text for one in found)


ENDED: list[tuple[str, str]] = [
    ("I live in Kalmar.", "I don't live in Kalmar any more."),
    ("I live in Kalmar.", "That's wrong, I don't live in Kalmar."),
    ("I live in Kalmar.", "I've never lived in Kalmar."),
    ("I live in Kalmar.", "We moved away from Kalmar in May."),
    ("I live in Kalmar.", "I don't live in Kalmar but in Lund."),
    ("I live in Porto, Portugal.", "I no longer live in Porto."),
    ("My name is Vera.", "My name is not Vera, it's Wera."),
    ("My name is Vera.", "I'm not called Vera."),
    ("Call me Vee.", "Please don't call me Vee."),
    ("Call me Vee.", "I no longer go by Vee."),
    ("I'm vegan.", "I'm not a vegan any longer."),
    ("I'm vegan.", "I've stopped being vegan."),
    ("I'm a nurse.", "No, I'm not a nurse."),
    ("I work as a nurse.", "I'm no longer a nurse."),
    ("I'm a nurse.", "I quit my job as a nurse."),
    ("I work at Nokia as an engineer.", "I no longer work for Nokia."),
    ("I work at Nokia.", "I got fired from Nokia."),
    ("I study law.", "I don't study law any more."),
    ("I'm from Sweden.", "I'm not from Sweden but from Norway."),
    ("I work at Nokia.", "I haven't worked at Nokia for years."),
    ("I work at Nokia.", "I stopped working at Nokia."),
    ("I study law.", "I've given up studying law."),
    ("I like coffee.", "I stopped drinking coffee."),
    ("I dislike jazz.", "I've come to like jazz."),
    ("My name is Vera.", "I changed my name to Wera."),
    ("Call me Al.", "Don't call me Al, call me Albert."),
    ("I'm married.", "I'm not married to Anna any more."),
    ("I'm a nurse.", "I'm no nurse."),
    ("I'm married to Marco.", "My husband and I divorced."),
    ("I'm married.", "We're divorced."),
    ("My wife is called Anna.", "My wife and I broke up last month."),
    ("My girlfriend is called Mia.", "I split up with my girlfriend."),
    ("My wife is called Anna.", "My wife is not called Anna, she's called Hanna."),
    ("My dog is called Rex.", "My dog Rex died last week."),
    ("I'm allergic to walnuts.", "Actually I'm not allergic to walnuts or pollen."),
    ("I'm allergic to walnuts.", "It turned out that I'm not allergic to walnuts after all."),
    ("I have asthma.", "I no longer have asthma."),
    ("I dislike jazz.", "I do like jazz after all."),
    ("I dislike jazz.", "I don't dislike jazz any more."),
    ("I like jazz.", "I don't like jazz any more, actually."),
    ("My favourite colour is teal.", "My favourite colour isn't teal any more, it's red."),
]


@pytest.mark.parametrize(("said", "denied"), ENDED)
async def test_what_is_denied_holds_no_more(memory: MemoryBench, said: str, denied: str) -> None:
    await say(memory, said, 10.0)
    (known,) = await texts(memory)
    await say(memory, denied, 20.0)
    assert known not in await texts(memory)
    assert known in await texts(memory, "superseded")


STAYS: list[tuple[str, str]] = [
    ("I live in Lund.", "I don't live in Kalmar any more."),
    ("I live in Lund.", "I live in Lund, I don't live in Kalmar."),
    ("I'm a nurse and a teacher.", "I'm no longer a teacher."),
    ("I'm a vegetarian.", "I'm not vegan."),
    ("My name is Wera.", "My name is not Vera."),
    ("I work at Nokia.", "I don't work at Nokia on Fridays."),
    ("I work at Nokia.", "I don't always work at Nokia."),
    ("I'm allergic to walnuts.", "I'm not allergic to anything any more."),
    ("I'm vegan.", "I'm not only vegan but also gluten intolerant."),
    ("I live in Kalmar.", "He doesn't live in Kalmar any more."),
    ("I live in Kalmar.", "I don't live in Kalmar, do I?"),
    ("I live in Kalmar.", "I never said I live in Kalmar."),
    ("I'm married.", "My wife and I separated the laundry."),
    ("I like coffee.", "I hardly ever drink coffee."),
    ("I like coffee.", "I don't drink coffee when I'm pregnant."),
]


@pytest.mark.parametrize(("said", "denied"), STAYS)
async def test_what_is_not_denied_holds_on(memory: MemoryBench, said: str, denied: str) -> None:
    await say(memory, said, 10.0)
    (known,) = await texts(memory)
    await say(memory, denied, 20.0)
    assert known in await texts(memory)


async def test_a_denial_of_what_nothing_says_has_no_key(memory: MemoryBench) -> None:
    await say(memory, "I don't live in Kalmar.", 10.0)
    assert await memory.memories.at_key(ANN, "user.city") == []
    await say(memory, "I live in Lund.", 20.0)
    await say(memory, "I don't live in Kalmar.", 30.0)
    assert [one.text for one in await memory.memories.at_key(ANN, "user.city")] == ["The user lives in Lund."]


async def test_a_denial_that_comes_late_ends_what_held_when_it_was_said(memory: MemoryBench) -> None:
    await say(memory, "I live in Kalmar.", 10.0)
    await say(memory, "I live in Lund.", 30.0)
    await say(memory, "I don't live in Kalmar any more.", 20.0)
    assert await texts(memory) == ["The user lives in Lund."]
    found, _, _ = await memory.memories.list(ANN, Filter(state="superseded"))
    assert {one.text: one.valid_to for one in found} == {
        "The user lives in Kalmar.": 20.0,
        "The user no longer lives in Kalmar.": 30.0,
    }


def test_one_message_may_deny_and_say_in_any_order() -> None:
    for said in ("I live in Lund. I don't live in Kalmar.", "I don't live in Kalmar. I live in Lund."):
        assert {fact.text for fact in facts_in(said)} == {
            "The user does not live in Kalmar.",
            "The user lives in Lund.",
        }


@pytest.mark.parametrize(
    ("said", "fact"),
    [
        ("I never drink coffee except on Sundays.", "The user does not drink coffee except on Sundays."),
        ("I don't drink coffee other than decaf.", "The user does not drink coffee other than decaf."),
        ("I live in Kalmar, but only in summer.", "The user lives in Kalmar but only in summer."),
        ("Remember that I never eat fish except on Fridays.", "The user does not eat fish except on Fridays."),
    ],
)
def test_an_exception_is_kept_with_its_fact(said: str, fact: str) -> None:
    assert [one.text for one in facts_in(said)] == [fact]


@pytest.mark.parametrize(
    "said",
    [
        "I don't drink coffee. Except on Sundays.",
        "I don't eat meat - except at Christmas.",
        "I rarely drink coffee these days.",
        "I like all kinds of tea except green tea, which I hate.",
        "I don't eat meat a lot.",
        "I don't eat meat every day.",
        "I don't drink coffee when I'm pregnant.",
        "I'm not allergic to anything any more.",
        "I have no allergies.",
        "I'm not a nurse or a doctor.",
        "I'm not in Kalmar right now.",
        "I don't live in Kalmar yet.",
        "I don't live far from Kalmar.",
        "I don't live in Kalmar most of the year.",
        "I might not live in Kalmar any more soon.",
        "I wish I didn't live in Kalmar.",
        "Don't call me at work.",
        "I'm no expert.",
        "My city is not safe.",
        "I'm not as vegan as I was.",
        "I left my wife at the station.",
    ],
)
def test_what_is_so_only_sometimes_or_of_all_at_once_is_no_fact(said: str) -> None:
    assert facts_in(said) == []


def test_what_only_goes_on_limits_nothing() -> None:
    for said in ("I live in Lund. Other than that, all is well.", "I live in Lund. Apart from that I like it here."):
        assert [fact.text for fact in facts_in(said)] == ["The user lives in Lund."]


@pytest.mark.parametrize("tail", ["after all", "again", "now", "these days", "actually", "too", "as well", "once more"])
def test_what_people_add_at_the_end_is_no_part_of_it(tail: str) -> None:
    (fact,) = facts_in(f"I do like jazz, {tail}.")
    assert (fact.text, fact.key) == ("The user likes jazz.", "user.taste.jazz")
    assert facts_in(f"I do like jazz {tail}.")[0].key == "user.taste.jazz"
