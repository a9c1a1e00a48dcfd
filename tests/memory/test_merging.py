"""What a memory's text is cleaned of, and how it is known again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alma.errors import InvalidRequest
from alma.memory.merging import check_worded, cleaned, hash_of
from alma.memory.records import MOST_CHARS


def test_control_characters_and_lone_surrogates_go_and_the_rest_stays() -> None:
    assert cleaned("a\x00b\x07\ud800c\td\r\ne\x85") == "abc\td\ne"
    assert cleaned("  שלום 👩‍🚀 e\u0301  ") == "שלום 👩‍🚀 é"


@pytest.mark.parametrize("text", ["", "   ", "\x00\x00", "\ud800", "\n\t"])
def test_nothing_is_no_memory(text: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        cleaned(text)
    assert refused.value.code == "empty_memory"


def test_a_memory_has_an_end() -> None:
    assert len(cleaned("x" * MOST_CHARS)) == MOST_CHARS
    with pytest.raises(InvalidRequest) as refused:
        cleaned("x" * (MOST_CHARS + 1))
    assert (refused.value.code, refused.value.actual) == ("memory_too_long", f"{MOST_CHARS + 1:,}")


@given(st.text())
def test_what_is_clean_stays_as_it_is(text: str) -> None:
    try:
        once = cleaned(text)
    except InvalidRequest:
        return
    assert cleaned(once) == once
    once.encode()


def test_capitals_of_words_and_white_space_and_accents_make_no_other_text() -> None:
    assert hash_of("Café  au\nLait") == hash_of("cafe\u0301 au lait")
    assert hash_of("café au lait") != hash_of("cafe au lait")


def test_another_unit_or_name_is_another_text() -> None:
    assert hash_of("The pump needs 5 mW") != hash_of("The pump needs 5 MW")
    assert hash_of("x = List") != hash_of("x = list")
    assert hash_of("if a:\n  b()\nc()") != hash_of("if a:\n  b()\n  c()")


@pytest.mark.parametrize("text", ["a", "7", "שלום", "寿司", "👍", "→ x", "½"])
def test_what_says_something_may_be_kept(text: str) -> None:
    check_worded(text)


@pytest.mark.parametrize("text", ["", " ", "!!!", "…", "---", "\x00", "“”", "==="])
def test_what_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        check_worded(text)
    assert refused.value.code == "empty_memory"
