"""What is to become of memories: decided without a database."""

from __future__ import annotations

from typing import Any

import pytest

from alma.memory.instructions import instructions_in
from alma.memory.records import USER, Memory, Source
from alma.memory.refinement import (
    Repetition,
    at_odds,
    faded,
    lowered,
    may_change,
    merges,
    raised,
    settled,
    states_fact,
    undecided,
)

NOW = 5_000.0


def memory(num: int, text: str = "The museum opens at ten.", **fields: Any) -> Memory:
    given: dict[str, Any] = {
        "num": num,
        "id": f"m_{num}",
        "owner": "ann",
        "agent": "researcher",
        "kind": "semantic",
        "scope": "team",
        "text": text,
        "created_at": float(num),
        "seen_at": float(num),
        "valid_from": float(num),
    }
    return Memory(**given | fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"agent": USER},
        {"speaker": USER},
        {"pinned": True},
        {"source": Source(document_id="d")},
        {"key": "team/plan", "kind": "semantic"},
        {"kind": "working"},
        {"forgotten_at": 1.0},
        {"archived_at": 1.0},
    ],
)
def test_what_is_not_an_agents_own_is_never_changed(fields: dict[str, Any]) -> None:
    assert may_change(memory(1))
    assert not may_change(memory(1, **fields))


def test_of_what_says_the_same_the_owners_stays() -> None:
    same = [memory(1, key="user.x"), memory(2, agent="writer"), memory(3, speaker=USER, agent="manager")]
    (act,) = merges(same, NOW)
    assert (act.memories[0].id, [step.id for step in act.steps]) == ("m_3", ["m_2"])  # m_1 has a key of its own
    assert act.steps[0].fields == {"archived_at": NOW, "superseded_by": "m_3"}


def test_what_others_may_not_read_is_not_merged_into_what_they_may() -> None:
    assert not list(merges([memory(1), memory(2, scope="private"), memory(3, scope="owner")], NOW))
    assert not list(merges([memory(1, line="t", kind="episodic"), memory(2, line="u", kind="episodic")], NOW))


def test_a_newer_word_of_the_owner_settles_what_agents_say() -> None:
    told = [
        memory(1, "The user lives in Porto.", key="user.city"),
        memory(2, "The user lives in Lund.", key="user.city", scope="owner", speaker=USER),
    ]
    (group,) = at_odds(told)
    act = settled(group)
    assert act is not None
    assert [(step.id, step.what, step.fields["superseded_by"]) for step in act.steps] == [("m_1", "superseded", "m_2")]
    assert undecided(group) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"speaker": USER}, {}),  # an agent says something newer than the owner did
        ({"speaker": USER}, {"agent": USER, "scope": "owner"}),  # both are the owner's
        ({}, {"valid_from": 1.0}),  # two agents at the same moment
    ],
)
def test_where_it_cannot_be_told_the_owner_is_asked(one: dict[str, Any], other: dict[str, Any]) -> None:
    (group,) = at_odds([memory(1, "A.", key="user.city", **one), memory(2, "B.", key="user.city", **other)])
    assert settled(group) is None
    found = undecided(group)
    assert found is not None
    assert len(found.memories) == 2


def test_agents_own_notes_of_one_key_are_no_contradiction() -> None:
    private: dict[str, Any] = {"scope": "private", "key": "task.state"}
    assert not at_odds([memory(1, "A.", **private), memory(2, "B.", agent="writer", **private)])
    assert not at_odds([memory(1, "It is so.", key="user.x"), memory(2, "It is so", key="user.x", scope="owner")])


HELPED: dict[str, Any] = {"uses": 4, "utility": 0.6, "strength": 3.0, "kind": "episodic"}


def test_what_helped_again_and_again_becomes_a_fact() -> None:
    act = raised(memory(1, **HELPED))
    assert act is not None
    assert act.steps[0].fields == {"kind": "semantic"}
    for less in ({"uses": 2}, {"utility": 0.1}, {"strength": 1.0}, {"pinned": True}):
        assert raised(memory(1, **HELPED | less)) is None
    assert raised(memory(1, "It opens at ten.", **HELPED)) is None


def test_a_fact_that_says_how_and_helped_becomes_a_rule_and_one_that_misled_a_fact_again() -> None:
    rule = memory(1, "Always give prices in euros.", **HELPED | {"kind": "semantic"})
    act = raised(rule)
    assert act is not None
    assert (act.what, act.steps[0].fields) == ("promote", {"kind": "procedural"})
    for other in (
        memory(1, "The museum opens at ten.", **HELPED | {"kind": "semantic"}),
        memory(1, rule.text, source=Source(place="after a web page"), **HELPED | {"kind": "semantic"}),
        memory(1, rule.text, pinned=True, **HELPED | {"kind": "semantic"}),
    ):
        assert raised(other) is None
    down = lowered(memory(1, rule.text, kind="procedural", utility=-0.5, strength=4.0))
    assert down is not None
    assert (down.what, down.steps[0].fields) == ("demote", {"kind": "semantic"})


def test_of_what_the_owner_said_the_facts_are_kept_and_the_words_stay() -> None:
    said = memory(1, "Oh well. I live in Porto.", speaker=USER, source=Source(run_id="r", start=10, end=35), **HELPED)
    act = raised(said)
    assert act is not None
    assert not act.steps
    (new,) = act.new
    assert (new.text, new.key, new.speaker) == ("The user lives in Porto.", "user.city", USER)
    assert (new.source.start, new.source.end) == (19, 35)


@pytest.mark.parametrize(
    "text",
    [
        "Is it open?",
        "They close at six.",
        "Ten.",
        "The inn is full. The mill is closed. The road is blocked.",
        "A line\nand another.",
    ],
)
def test_what_needs_what_stood_before_it_is_no_fact(text: str) -> None:
    assert not states_fact(text)


def test_what_misled_is_stated_no_more() -> None:
    assert lowered(memory(1, utility=-0.5, strength=4.0)) is not None
    assert lowered(memory(1, utility=-0.5, strength=1.0)) is None
    assert lowered(memory(1, utility=-0.5, strength=4.0, speaker=USER)) is None


def test_what_fades_is_archived_but_rules() -> None:
    assert faded(memory(1), lambda _memory, _now: 0.01, NOW) is not None
    assert faded(memory(1), lambda _memory, _now: 0.5, NOW) is None
    assert faded(memory(1, kind="procedural"), lambda _memory, _now: 0.01, NOW) is None


def said(num: int, text: str, run: str) -> Memory:
    return memory(num, text, kind="episodic", speaker=USER, agent="manager", source=Source(run_id=run))


def notes_of(*texts: tuple[str, str]) -> list[tuple[str, int]]:
    heard = Repetition()
    for num, (text, run) in enumerate(texts, 1):
        heard.hear(said(num, text, run))
    return [(act.new[0].text, len(act.new)) for act in heard.notes()]


def test_what_is_asked_for_in_three_runs_becomes_a_note() -> None:
    asked = "Write a parser. Always use type hints."
    three = [(asked, "r1"), ("Build a page. Always use type hints.", "r2"), (asked, "r3")]
    assert notes_of(*three) == [("The user asked: Always use type hints.", 3)]
    assert notes_of(*three[:2], (asked, "r2")) == []  # two runs
    assert notes_of(*three, ("Never use type hints.", "r4")) == []  # it was taken back


def test_corrections_count_from_the_second_on() -> None:
    assert notes_of(("I told you not to use emojis.", "r1"), ("Stop using emojis!", "r2")) == [
        ("The user asked: Never use emojis.", 2)
    ]
    assert notes_of(("I told you not to use emojis.", "r1")) == []


@pytest.mark.parametrize("text", ["Did I always use it?", "He said: never use tabs.", "Use metric units please.", ""])
def test_what_is_no_instruction_gives_none(text: str) -> None:
    assert instructions_in(text) == []
