"""Which messages say that the answer before them was wrong."""

from __future__ import annotations

import pytest

from alma.session.follow_ups import SOON_S, corrects


@pytest.mark.parametrize(
    "text",
    [
        "No, I meant the other one.",
        "no that's wrong",
        "No. That is not what I asked.",
        "That's wrong, it is Canberra.",
        "That\u2019s not what I asked for",
        "Sorry, that is incorrect.",
        "Wrong.",
        "Actually, I meant the river",
        "You misunderstood me. I want a list.",
        "You didn't answer the question",
        "not what I wanted",
        "This isn't what I asked. Again, please?",
        "It's still not right",
    ],
)
def test_a_correction(text: str) -> None:
    assert corrects(text, 30.0)
    assert not corrects(text, SOON_S + 1), "long after, it may be about something else"


@pytest.mark.parametrize(
    "text",
    [
        "No problem, thanks!",
        "No, that's fine.",
        "Thanks, that's right.",
        "That's not wrong",
        "Is that wrong?",
        "Now write it in French.",
        "I know what I asked for",
        "What is wrong with my code?",
        "That's wrong with so many plans, tell me more",
        "Note what I meant to say",
        "",
        "No",
    ],
)
def test_no_correction(text: str) -> None:
    assert not corrects(text, 30.0)
