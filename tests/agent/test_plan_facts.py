"""What a request names, read out of it: forms of lists, criteria, constraints; any text, at any length."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alma.agent.facts import MOST, Facts, read_facts
from alma.agent.sentences import ITEM, items_of, lists_in, sentences_in
from bounded import within

FORMS: list[tuple[str, list[str], list[str]]] = [
    (
        "Compare heating a house with gas and with a heat pump: cost, climate, comfort; recommend one",
        ["heating a house with gas", "heating a house with a heat pump"],
        ["cost", "climate", "comfort"],
    ),
    ("Compare apples with pears by taste and price", ["apples", "pears"], ["taste", "price"]),
    ("Apples vs. pears vs. plums: taste, price?", ["Apples", "pears", "plums"], ["taste", "price"]),
    ("Should I cycle or walk to work?", ["cycle", "walk to work"], []),
    ("Should our club rent a boat or buy one, given cost and upkeep?", ["rent a boat", "buy one"], ["cost", "upkeep"]),
    ("Which is best, Rust, Go or Zig, in terms of speed and tooling?", ["Rust", "Go", "Zig"], ["speed", "tooling"]),
    ("I hesitate between Łódź and Århus. Safety matters most.", ["Łódź", "Århus"], ["Safety"]),
    (
        "Evaluate bricks, straw, and clay with regard to price, warmth, and looks",
        ["bricks", "straw", "clay"],
        ["price"],
    ),
    ("Options:\n1) a ferry\n2) a bridge\nCriteria:\n- noise\n- cost", ["ferry", "bridge"], ["noise", "cost"]),
    ("We may (a) wait, (b) sell, or (c) rent it out. What is best?", ["wait", "sell", "rent it out"], []),
    ("Compare “War and Peace” and “Emma” regarding length", ["War and Peace", "Emma"], ["length"]),
    ("Choose one of these: tea, coffee or milk", ["tea", "coffee", "milk"], []),
    ("Pen or pencil? Take price and waste into account.", ["Pen", "pencil"], ["price", "waste"]),
    ("Pen or pencil? I care about price and waste.", ["Pen", "pencil"], ["price", "waste"]),
    ("Explain how tides work", [], []),
    ("Is it raining and cold or not", [], []),
]


@pytest.mark.parametrize(("text", "options", "criteria"), FORMS)
def test_options_and_criteria_in_the_requests_own_words(text: str, options: list[str], criteria: list[str]) -> None:
    facts = read_facts(text)
    assert facts.options == options
    assert facts.criteria[: len(criteria)] == criteria


@pytest.mark.parametrize(
    ("text", "constraint"),
    [
        ("Plan a trip to Bern with a budget of 500 euros", "budget of 500 euros"),
        ("Cook for a family of four", "family of four"),
        ("Renovate the kitchen within two weeks", "within two weeks"),
        ("Compare ants and bees in under 1,000 words", "under 1,000 words"),
        ("Plan a three-day course", "three-day"),
        ("Make a menu for twelve guests", "twelve guests"),
        ("Learn to swim in ten weeks", "ten weeks"),
        ("It must cost less than $40", "less than $40"),
        ("Train three times a week", "three times a week"),
        ("Compare A-levels and apprenticeships for a shy teenager", "shy teenager"),
    ],
)
def test_constraints(text: str, constraint: str) -> None:
    assert constraint in read_facts(text).constraints


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("Explain step by step how a lock works", "how a lock works"),
        ("What are the pros and cons of a four-day week?", "four-day week"),
        ("List arguments for and against school uniforms", "school uniforms"),
        ("What were the causes and effects of the Gold Rush?", "Gold Rush"),
        ("Plan a trip to Bern", "trip to Bern"),
    ],
)
def test_the_subject_is_what_it_is_about(text: str, subject: str) -> None:
    assert read_facts(text).subject == subject


def test_whether_a_choice_is_asked_for() -> None:
    assert read_facts("Compare tea and coffee; recommend one").wants_recommendation
    assert read_facts("Tea or coffee?").wants_recommendation
    assert not read_facts("Compare tea and coffee").wants_recommendation


@pytest.mark.parametrize(
    "text",
    [
        "Vergleiche Gas und Wärmepumpe nach Kosten, Klima und Komfort",
        "比较燃气供暖和热泵：成本、气候、舒适度",
        "قارن بين الغاز والمضخة الحرارية",
        "",
        "\x00\ud800\u202e",
        "?!.,;:",
        "or or or, and and",
        "between and",
        "(1)(2)(3)",
    ],
)
def test_other_languages_and_broken_text_give_fewer_facts_and_no_error(text: str) -> None:
    assert isinstance(read_facts(text), Facts)


@given(st.text(max_size=300) | st.lists(st.sampled_from(FORMS).map(lambda form: form[0])).map("\n".join))
def test_any_text_is_read_and_every_item_is_a_bounded_word_of_it(text: str) -> None:
    facts = read_facts(text)
    for items in (facts.options, facts.criteria, facts.constraints):
        assert len(items) <= MOST
        assert len({item.casefold() for item in items}) == len(items)
        assert all(item.strip() == item and item and "\n" not in item for item in items)
    assert all(len(item) <= 2 * ITEM for item in facts.options)


@pytest.mark.parametrize(
    "piece",
    ["a", "compare a and b by c, ", "or ", ", ", "by ", "taking ", "between ", "(1) ", "\n- x", "not ", " ", "字"],
)
def test_long_text_is_read_in_bounded_time(piece: str) -> None:
    assert within(1, lambda: read_facts(piece * (200_000 // len(piece))))


def test_code_is_no_sentence() -> None:
    prose, lists = lists_in("Why does it fail?\n\n    if a or b:\n        pass\n```\nx = a or b\n```\nThanks")
    assert (prose, lists) == ("Why does it fail? Thanks", [])


def test_sentences_end_where_they_end() -> None:
    assert sentences_in("Trains vs. cars. It costs 2.50 euros! Why?") == [
        "Trains vs. cars.",
        "It costs 2.50 euros!",
        "Why?",
    ]
    assert items_of("cost, the noise, and its view; recommend one") == ["cost", "noise", "view"]
