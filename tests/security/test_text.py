"""What a text from outside may be: pure functions, and the fields and Structs that use them."""

from __future__ import annotations

import unicodedata
from typing import Annotated

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct
from pydantic import BaseModel, ValidationError

from alma.security import text as forms
from alma.security.fields import Exact, Id, Line, Text
from alma.security.structs import LINE, WrongField, taken
from alma.security.structs import Id as StructId

_ANY = st.text(st.characters(codec=None, categories=None), max_size=60)  # lone surrogates too


@given(_ANY)
def test_a_text_that_is_taken_is_composed_has_no_controls_and_stays_as_it_is_when_it_is_taken_again(given: str) -> None:
    try:
        kept = forms.text(given)
    except forms.NotText as error:
        assert "\0" in given or any("\ud800" <= sign <= "\udfff" for sign in given)
        assert "U+" in error.said
        return
    assert unicodedata.is_normalized("NFC", kept)
    assert all(sign in "\n\t" or unicodedata.category(sign) != "Cc" for sign in kept)
    kept.encode()
    assert forms.text(kept) == kept


@given(_ANY)
def test_a_line_is_one_line_with_nothing_in_it_that_deceives(given: str) -> None:
    try:
        kept = forms.line(given)
    except forms.NotText:
        return
    assert len(kept.splitlines()) <= 1
    assert "\t" not in kept
    assert not any("\u202a" <= sign <= "\u202e" or "\u2066" <= sign <= "\u2069" for sign in kept)
    assert forms.line(kept) == kept


@pytest.mark.parametrize(
    ("came", "kept"),
    [
        ("a\r\nb\rc", "a\nb\nc"),
        ("a\x0cb\x0bc\x85d", "a\nb\nc\nd"),
        ("\x1b[31mred\x07", "[31mred"),
        ("e\u0301", "é"),
        ("سعر: \u2066100\u2069 \u200f", "سعر: \u2066100\u2069 \u200f"),  # marks of direction stay in a text
        ("👨\u200d👩\u200d👧 🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",) * 2,
        ("tab\tstays\n", "tab\tstays\n"),
    ],
)
def test_a_text_is_kept_as_it_reads(came: str, kept: str) -> None:
    assert forms.text(came) == kept


@pytest.mark.parametrize(
    ("came", "kept"),
    [
        ("invoice\u202efdp.exe", "invoice⟦U+202E⟧fdp.exe"),
        ("a\u2066b\u2069", "a⟦U+2066⟧b⟦U+2069⟧"),
        ("seen\U000e0068\U000e0069", "seen⟦U+E0068⟧⟦U+E0069⟧"),
        ("two\nlines\u2028three", "two lines three"),
        ("ltr\u200emark zwj\u200djoins", "ltr\u200emark zwj\u200djoins"),
        ("🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",) * 2,
    ],
)
def test_a_line_shows_what_can_deceive(came: str, kept: str) -> None:
    assert forms.line(came) == kept


def test_no_number_of_marks_on_one_letter_keeps_the_server_from_its_work() -> None:
    piled = "a" + "\u0301\u0316" * 100_000 + "b"
    kept = forms.text(piled)  # half a minute, where all of them are put in order
    assert 2 < len(kept) <= 34
    assert forms.text("n" + "\u0303\u0323" * 3) == unicodedata.normalize("NFC", "n" + "\u0303\u0323" * 3)
    assert forms.text("𝄞" * 100 + "😀" * 100) == "𝄞" * 100 + "😀" * 100  # which are no marks, and many


class _Part(Struct, frozen=True, rename="camel"):
    goal: str
    short_title: Annotated[str, LINE] = ""
    inputs: list[str] = []


class _Order(Struct, frozen=True):
    id: StructId
    parts: list[_Part] = []
    by: dict[StructId, _Part] = {}
    note: str | None = None


def test_every_text_in_a_struct_is_put_into_its_form_however_deep() -> None:
    came = _Order(
        "r_1", [_Part("e\u0301\r\n", "a\u202e", ["x\x07", "y"])], {"r_1": _Part("\u202e", "\u202e")}, note="\x1bz"
    )
    assert taken(came) == _Order(
        "r_1", [_Part("é\n", "a⟦U+202E⟧", ["x", "y"])], {"r_1": _Part("\u202e", "⟦U+202E⟧")}, note="z"
    )
    fine = _Order("r_1", [_Part("fine")])
    assert taken(fine) is fine


def test_a_text_that_is_refused_in_a_struct_is_named_by_its_place() -> None:
    with pytest.raises(WrongField, match=r"U\+0000.*character 2 - at `\$\.parts\[0\]\.inputs\[1\]`"):
        taken(_Order("r_1", [_Part("", "", ["fine", "a\0"])]))
    with pytest.raises(WrongField, match=r"at `\$\.parts\[0\]\.shortTitle`"):
        taken(_Order("r_1", [_Part("", "\0")]))


@pytest.mark.parametrize("bad", ["", "a b", "a/b", "..", "a\n", "é", "a\0", "x" * 201, "-a", "%2e"])
def test_an_id_is_of_few_characters(bad: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"id": bad}, _Order)
    with pytest.raises(ValidationError):
        _Body.model_validate({"id": bad})
    for good in ("r_0192a.1.2@3.answer.2#1!0", "m_1", "d-4:5"):
        assert msgspec.convert({"id": good}, _Order).id == good
        assert _Body.model_validate({"id": good}).id == good


class _Body(BaseModel):
    id: Id = "r"
    title: Annotated[str, Line(12, 1)] = "-"
    words: Annotated[str, Text(20)] | None = None
    path: Annotated[str, Exact(20)] = ""


def test_fields_take_a_text_in_their_form_and_say_what_is_wrong() -> None:
    body = _Body.model_validate({"title": "a\u202eb", "words": "e\u0301\r\n", "path": "e\u0301/ a"})
    assert (body.title, body.words, body.path) == ("a⟦U+202E⟧b", "é\n", "e\u0301/ a")
    for wrong in (
        {"title": ""},
        {"title": "x" * 13},
        {"title": "\u202e\u202e"},  # written out it is too long
        {"words": "\ud800"},
        {"words": "a\0"},
        {"path": "a\nb"},
        {"path": "a\x1bb"},
    ):
        with pytest.raises(ValidationError):
            _Body.model_validate(wrong)
    shown = _Body.model_json_schema()["properties"]["title"]
    assert (shown["minLength"], shown["maxLength"]) == (1, 12)
