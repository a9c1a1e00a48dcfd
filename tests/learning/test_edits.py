"""What edits have in common becomes a note in words; one edit alone says nothing."""

from __future__ import annotations

import pytest

from alma.learning.edits import Edit, language, regularities

LONG = "The tower stands in the old town and was built long ago by people who liked towers very much indeed."


@pytest.mark.parametrize(
    ("answer", "wanted", "note"),
    [
        (LONG, "It stands in town.", "Keep answers short: about 5 words."),
        ("Sure! It is 5.", "It is 5.", "Begin with the answer itself, without a greeting."),
        ("It is 5. Let me know if you need more!", "It is 5.", "End with the answer, without an offer of more help."),
        ("Tea and milk.", "- tea\n- milk", "Answer as a list, one point a line."),
        ("- tea\n- milk", "Tea and milk.", "Answer in sentences, not as a list."),
        ("The house is in the town.", "Das Haus ist in der Stadt und nicht auf der Wiese.", "Answer in German."),
        ("It is 5 miles.", "It is 8 km.", "Give figures in km, not in miles."),
        ("It costs $5.", "It costs 5 euros.", "Give figures in euros, not in dollars."),
    ],
)
def test_two_edits_of_a_kind_are_a_regularity(answer: str, wanted: str, note: str) -> None:
    both = [Edit("r1", answer, wanted), Edit("r2", answer, wanted)]
    assert [(one.text, one.runs) for one in regularities(both)] == [(note, ["r1", "r2"])]
    assert regularities(both[:1]) == []
    assert regularities([both[0], both[0]]) == [], "two edits of one run are one voice"


def test_what_only_few_edits_say_is_none() -> None:
    few = [Edit(f"r{at}", "Sure! It is 5.", "It is 5.") for at in range(2)]
    others = [Edit(f"s{at}", "It is 5.", "It is 6.") for at in range(3)]
    assert regularities([*few, *others]) == []


def test_a_language_that_cannot_be_told_is_none() -> None:
    assert language("5 x 6") == ""
    assert language("Where is the key of the house?") == "English"
