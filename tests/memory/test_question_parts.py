"""What of a query is looked up by itself: its questions that can be understood alone; in doubt nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alma.memory.question import parts_of

CITY_AND_DIET = "Which city do I live in, and what must I not eat?"
NAME_AND_DINNER = "Tell me my name and suggest a dinner for Ana and Ben."


@pytest.mark.parametrize(
    ("query", "parts"),
    [
        (CITY_AND_DIET, ["Which city do I live in", "what must I not eat?"]),
        ("Where do I live now and what do I work as?", ["Where do I live now", "what do I work as?"]),
        ("What is my name, where do I live and am I old?", ["What is my name", "where do I live", "am I old?"]),
        ("Who is my wife? And what's my job?", ["Who is my wife?", "what's my job?"]),
        ("Who is my wife?\nwhat's my job?", ["Who is my wife?", "what's my job?"]),
        (NAME_AND_DINNER, ["Tell me my name", "suggest a dinner for Ana and Ben."]),
        ("When does Ana leave, and what does Olof eat?", ["When does Ana leave", "what does Olof eat?"]),
        ("I have guests. What can I cook, and what must I not?", ["What can I cook", "what must I not?"]),
    ],
)
def test_each_question_that_can_be_understood_alone_is_a_part(query: str, parts: list[str]) -> None:
    assert parts_of(query) == parts


@pytest.mark.parametrize(
    ("query", "part"),
    [
        ("Where do I live now, and what is the weather there?", "Where do I live now"),
        ("How are you and where do I live?", "where do I live?"),
        ("Hi, how are you? What is my name?", "What is my name?"),
        ("What did I say of cats and dogs, and where are they?", "What did I say of cats and dogs"),
    ],
)
def test_a_question_about_who_asks_is_a_part_beside_whatever_else(query: str, part: str) -> None:
    assert parts_of(query) == [part]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "What is my name?",
        "Where and when did Ana buy it?",
        "When did Ana buy the boat, and what did she pay?",
        "What did Ben, who is the captain, say and do?",
        "What did the boat, which is red, cost?",
        "Does Ben live in Porto and work at the port?",
        "What are the pros and cons of Go?",
        "I live in Porto and I work as a teacher.",
        "My name is Ben. What is the capital of France?",
        "Wo wohne ich, und was esse ich?",
        "Who is my wife? Who is my boss? Who is my son? Who is my friend? Who is my aunt?",
        "What is my name and where do I live? " * 20,
    ],
)
def test_one_question_or_a_doubtful_one_has_no_parts(query: str) -> None:
    assert parts_of(query) == []


@given(st.text(max_size=420))
def test_any_text_has_at_most_four_parts_that_stand_in_it(query: str) -> None:
    parts = parts_of(query)
    assert len(parts) <= 4
    assert all(part in query for part in parts)
