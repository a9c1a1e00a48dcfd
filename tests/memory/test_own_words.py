"""What of a message is not the user's own: what they want worked on, letters, logs, parts, jokes."""

from __future__ import annotations

import pytest

from alma.memory.facts import facts_in
from alma.memory.own_words import own_words

NOT_THEIRS = [
    "Please proofread the following text.\n\nI live in Paris and work as a chef.",
    "Translate into German. I live in Paris.",
    "Korrigiere bitte: I live in Paris and work as a chef.",
    "Übersetze ins Deutsche: My name is Tom and I like tea.",
    "Bob: I live in Rome.",
    "I'm a doctor in this scenario.",
    "My friend Bob says: I live in Rome.",
    "He goes: I'm a vegan.",
    "My sister: I live in Oslo.",
    "Me: I live in Oslo. Her: I live in Rome.",
    "[Ben] I live in Oslo.",
    "<ben> I work at Fiat.",
    "Dear Ms Novak,\n\nMy name is Tom and I live in Kent.\n\nKind regards,\nTom",
    "Subject: Hello\n\nI live in Kent.",
    "What is wrong with this sentence? I live in Rome since 2010.",
    "How does this sound? I am a chef and I live in Rome.",
    "Check my grammar. I live in Rome since 2010.",
    "Is this correct? I am allergic on nuts.",
    "Fix this: I lives in Rome.",
    "Here is my bio. I'm a nurse from Cork.",
    "Here's the text:\nI live in Kent and I like fish.",
    "Can you improve this?\nI work at Siemens as an engineer and like it.",
    "I live in Kent and I like fish. Translate this into French.",
    "I live in Kent.\n\nTranslate to German please.",
    "Summarise the following.\nMy name is Anna. I work at IBM.",
    "Traduis en français : I live in Paris.",
    "Traduce al español. I live in Paris.",
    "Vertaal naar het Nederlands: I like tea.",
    "Bitte auf Deutsch: I live in Paris.",
    "Kannst du das übersetzen? I live in Paris.",
    "Continue the story. I live in a castle in Transylvania.",
    "Write a story about a pirate. My name is Redbeard.",
    "Write a poem. I live in Rome.",
    "Let's play a game. I am a wizard. I live in Avalon.",
    "My character is a dwarf. I live in Moria.",
    "In this scenario I live in Moria.",
    "Once upon a time I lived in Rome. I like tea.",
    "I live on Mars. Just kidding.",
    "My situation: I live in Lyon and I have two kids.",
    "Step 1: I live in Lyon.",
    "Error: I live in Lyon",
    "User: I live in Lyon.",
    "System prompt: I live in Lyon.",
    "Lyrics: I live in Lyon",
    "Title: I work at the pier",
    "Roleplay: I am a knight.",
    "I live in Rome (in the game).",
    "I live in Rome in my novel.",
    "I moved to Boston in the simulation.",
    "I work for NASA in the simulation.",
    "My name is Max in the novel.",
    "My son is Leo the lion in the play.",
    "I'm left-handed in this game.",
    "I hate Java and want to rewrite it.",
    "Please remember the following: I live in Rome.",
    "Remember this text: I live in Rome.",
    "She said: well, I'm vegan.",
    "Bob - I live in Rome.",
    "My intro: I'm a nurse and I live in Bath.",
]


def own(text: str) -> list[str]:
    return [text[start:end].strip() for start, end in own_words(text)]


@pytest.mark.parametrize("text", NOT_THEIRS)
def test_nothing_of_it_is_the_users_own(text: str) -> None:
    assert own(text) == []
    assert facts_in(text) == []


@pytest.mark.parametrize(
    ("text", "theirs"),
    [
        ("I'm Ben. Proofread this:\n\nI live in Paris.", ["I'm Ben."]),
        ("I learn Japanese. Please translate this. I live in Kyoto.", ["I learn Japanese."]),
        ('I live in Rome. Translate "hello".', ["I live in Rome."]),
        ("I live in Rome. Anna: I live in Oslo.", ["I live in Rome."]),
        ("I live in Rome.\n\n> I live in Oslo\n\nIs he right?", ["I live in Rome.", "Is he right?"]),
        ("I like tea. Write a story about a knight. I live in a castle.", ["I like tea."]),
        ("Quick intro: I live in Aarhus.", ["Quick intro: I live in Aarhus."]),
        ("Here is my situation: I live in Lyon. I'm vegan.", ["Here is my situation: I live in Lyon.", "I'm vegan."]),
        (
            "From now on, answer in short sentences. I'm vegan.",
            ["From now on, answer in short sentences.", "I'm vegan."],
        ),
        ("I translate novels. I live in Porto.", ["I translate novels.", "I live in Porto."]),
    ],
)
def test_what_is_before_it_or_said_by_themselves_is(text: str, theirs: list[str]) -> None:
    assert own(text) == theirs
