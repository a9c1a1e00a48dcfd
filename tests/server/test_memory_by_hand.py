"""A fact that the user adds by hand takes the place of what was true before, as one does that they say."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from alma.memory.facts import facts_in
from alma.memory.records import NewMemory
from memory.fakes import MemoryBench
from server.test_memory_api import Api


@pytest.fixture
def api(database_url: str) -> Generator[Api]:
    with MemoryBench(database_url) as bench:
        yield Api(bench)


@pytest.mark.parametrize(
    ("said", "added", "key"),
    [
        ("I live in Lund.", "I live in Kiruna.", "user.city"),
        ("I live in Lund.", "The user lives in Kiruna.", "user.city"),
        ("I live in Lund.", "I live in Kiruna with my wife", "user.city"),
        ("I live in Lund.", "I don't live in Lund any more.", "user.city"),
        ("My name is Vera.", "The user's name is Wera.", "user.name"),
        ("Call me Vee.", "The user wants to be called Wee.", "user.rule.call_me"),
        ("I study law.", "The user studies medicine.", "user.studies"),
        ("I'm 34.", "I'm 35", "user.age"),
        ("I'm vegan.", "The user is no longer vegan.", "user.diet"),
        ("I like coffee.", "The user does not drink coffee.", "user.taste.coffee"),
        ("I have asthma.", "The user no longer has asthma.", "user.health.asthma"),
        ("Always use metric units.", "The user asked: Always use imperial units.", "user.rule.units"),
    ],
)
async def test_it_takes_the_place_of_what_was_said(api: Api, said: str, added: str, key: str) -> None:
    (fact,) = facts_in(said)
    (old,) = await api.bench.memories.add([NewMemory("me", fact.text, fact.kind, key=fact.key)])
    status, answer = await api.call("POST", "/api/memories", {"text": added})
    assert (status, answer["superseded"]) == (201, [old.memory.id])
    assert (answer["memory"]["text"], answer["memory"]["key"]) == (added, key)


@pytest.mark.parametrize(
    ("added", "more"),
    [
        ("I live in Kiruna and my sister's recipe needs three eggs.", {}),
        ("I live in Kiruna. The train leaves at six.", {}),
        ("Ada lives in Kiruna.", {}),
        ("The user interface is in Swedish.", {}),
        ("The user has an account in Kiruna.", {}),
        ("Do I live in Kiruna?", {}),
        ("I live in Kiruna.", {"scope": "team"}),
        ("I live in Kiruna.", {"kind": "episodic"}),
        ("I no longer live in Lund, Oregon.", {}),
    ],
)
async def test_what_is_not_one_fact_about_the_user_has_no_key(api: Api, added: str, more: dict[str, str]) -> None:
    await api.add("The user lives in Lund.", key="user.city")
    status, answer = await api.call("POST", "/api/memories", {"text": added, **more})
    assert (status, answer["superseded"], answer["memory"]["key"]) == (201, [], "")


async def test_a_key_that_is_given_stays(api: Api) -> None:
    assert (await api.add("I live in Kiruna.", key="home"))["key"] == "home"
