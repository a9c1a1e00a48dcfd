"""Text is cut into sentences as it comes: the same cuts however it comes, nothing lost, nothing twice."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from alma.memory.sentences import CODE, LONG, Cutter, cut


def units(text: str) -> list[str]:
    return [text[start:end] for start, end in cut(text)]


ONE = [
    "Dr. Meyer and Mrs. Lopez met Prof. Chen at St. Mary's on Monday.",
    "It weighs 3.5 kg, costs 1.299,00 euros and runs version 2.0.1 of the program.",
    "Read https://alma.example/a.b/c.html?x=1.5&y=2 before you open notes.final.txt today.",
    "Some tools, e.g. grep and sed, i.e. the old ones, are enough for it.",
    "J. R. R. Tolkien and C. S. Lewis were friends in Oxford for years.",
    "The U.S. government and the U.K. parliament met at 5 p.m. in the hall.",
    "Das gilt z. B. für Hunde bzw. Katzen, d. h. für Tiere usw. im Haus.",
    "Am 3. Mai 1985 wurde der 2. Weltkrieg im 3. Stock ausführlich besprochen.",
    "Siehe Abb. 4 und Nr. 7, vgl. auch Kap. 12 der Hrsg. Müller u. a. dazu.",
    "He waited... and waited... and then he went home without a word.",
    '"Is it you?" she asked, and nobody in the dark room gave an answer.',
    "See Fig. 3 and pp. 12 to 14 of vol. 2 for what was measured.",
]
TWO = [
    ("It was late in the evening already.", "We went home by the river."),
    ("He asked whether it works at all!", "Nobody in the room could tell."),
    ('She said to all: "I will not go there."', "Then she left the house at once."),
    ("They moved to the U.S. in the spring.", "The children liked it very much."),
    ("The meeting ended at about 5 p.m.", "The others stayed until midnight."),
    ("All of this happened in the year 2020.", "Then came the long winter after it."),
    ("i moved to berlin with my old bike.", "i like it here more than before."),
    ("Nobody knew what was to come…", "The door opened all of a sudden."),
    ("It is **really that important to us.**", "The rest can wait until tomorrow."),
    ("The harbour froze in that winter.[2]", "Ships stayed out until the spring."),
    ("Das Haus steht am Ende der Straße.", "Es gehört meiner Tante Ursula."),
    ("هل تعرف أين يقع هذا البيت القديم؟", "نعم أعرف أين يقع هذا البيت."),
    ("کیا آپ کل شام کو ہمارے گھر آئیں گے۔", "جی ہاں میں ضرور آپ کے گھر آؤں گا۔"),
    ("वह कल शाम को अपने घर वापस चला गया।", "उसकी बहन अगले सप्ताह आने वाली है।"),
]


@pytest.mark.parametrize("text", ONE)
def test_what_is_one_sentence_stays_one(text: str) -> None:
    assert units(f"{text} And this one comes after it as the last.")[0] == text


@pytest.mark.parametrize("pair", TWO)
def test_what_are_two_sentences_are_two(pair: tuple[str, str]) -> None:
    assert units(" ".join(pair)) == list(pair)


def test_scripts_without_spaces_between_sentences() -> None:
    text = "今日はとても天気がいいですね。公園へ散歩に行きましょうか？「何をしているの？」と彼は聞いた。"
    assert units(text) == [
        "今日はとても天気がいいですね。",
        "公園へ散歩に行きましょうか？",
        "「何をしているの？」と彼は聞いた。",
    ]
    thai = "วันนี้อากาศดีมาก ฉันอยากไปเดินเล่นที่สวนสาธารณะกับเพื่อนของฉัน " * 6
    assert all(60 < len(unit) < 200 for unit in units(thai))
    assert len(units(thai)) > 2


def test_blocks_of_markdown() -> None:
    text = """# How it is set up on Linux

First:

- apples and pears
- a longer one
  that goes on here
1. one
2) two

| name | price |
|------|-------|
| tea  | 3. Not 4 |

```python
x = 1.  # a. B

y = 2
```

It works. Then the work is over for today.
"""
    assert units(text) == [
        "# How it is set up on Linux",
        "First:\n\n- apples and pears",
        "- a longer one\n  that goes on here",
        "1. one",
        "2) two",
        "| name | price |",
        "|------|-------|\n| tea  | 3. Not 4 |",
        "```python\nx = 1.  # a. B\n\ny = 2\n```",
        "It works. Then the work is over for today.",
    ]


def test_long_code_is_cut_at_blank_lines() -> None:
    part = "\n".join(f"line_{number} = call(argument_{number})" for number in range(20))
    text = "```\n" + "\n\n".join([part] * 5) + "\n```\n\nAnd then comes a sentence after it."
    found = units(text)
    assert found[-1] == "And then comes a sentence after it."
    assert all(len(unit) <= CODE for unit in found)
    assert all(unit.removeprefix("```\n").startswith("line_0 ") for unit in found[:-2])


def test_a_fence_that_is_not_closed_and_one_in_a_line() -> None:
    assert units("```\nx = 1\n# a. B\ny = 2") == ["```\nx = 1\n# a. B\ny = 2"]
    assert (
        units("```x``` is what it says here. The next sentence stands alone.")[1] == "The next sentence stands alone."
    )


def test_nothing_is_longer_than_it_may_be() -> None:
    for text in ("word " * 1000, "x" * 5000, "字" * 2000, "- item without end " + "and more of it, " * 100):
        assert all(end - start <= LONG for start, end in cut(text))


def test_a_sentence_is_given_while_the_text_goes_on() -> None:
    text = "The first sentence is complete. The second is being written just now, and it goes on and on and on"
    assert Cutter().feed(text) == [(0, 31)]


# ── whatever comes ────────────────────────────────────────────────────────────────────────────────────────────────

MARKS = ". ! ? … 。 । ؟ ``` ~~~ | - * 1. # ## > \" ' ( ) [1] ... ?! **bold.** |---| \x00 \u200f \ud800 😀"
WORDS = "e.g. z. B. Dr. U.S. 3.5 am 5. 12. I. A. p.m. x word The the Straße 日本語 ไทย ไทย人 a.b.c file.txt"
PIECES = st.sampled_from([*MARKS.split(), *WORDS.split(), "\n", "\n\n", "\t", "\r\n", "longword" * 5])
TEXTS = st.one_of(
    st.lists(st.one_of(PIECES, st.just(" "), st.just(" ")), max_size=200).map("".join),
    st.text(st.characters(), max_size=400),
    st.lists(PIECES, max_size=400).map(" ".join),
)


def check(text: str, found: list[tuple[int, int]]) -> None:
    at = 0
    for start, end in found:
        assert start < end
        assert not text[at:start].strip()
        assert not text[start].isspace()
        assert not text[end - 1].isspace()
        assert end - start <= CODE
        at = end
    assert not text[at:].strip()


@settings(max_examples=400, deadline=None)
@given(TEXTS, st.lists(st.integers(1, 60), min_size=1, max_size=30))
@example("```\nx\n\n" * 50, [7])
@example("word " * 300, [1])
@example("\n" * 500 + "a. B", [3])
def test_the_cuts_do_not_depend_on_the_pieces(text: str, sizes: list[int]) -> None:
    whole = cut(text)
    check(text, whole)
    cutter, at, found = Cutter(), 0, []
    for number in range(len(text)):
        found += cutter.feed(text[:at])
        at += sizes[number % len(sizes)]
        if at >= len(text):
            break
    assert found == whole[: len(found)]
    assert [*found, *cutter.finish(text)] == whole


def test_a_character_is_looked_at_a_bounded_number_of_times() -> None:
    """A long text fed in small pieces: the work grows with the text, not with its square."""
    looked: list[int] = []

    class Counted(str):
        __slots__ = ()

        def __getitem__(self, key: object) -> str:
            looked[-1] += 1
            return super().__getitem__(key)  # type: ignore[index]

    for size in (20_000, 40_000):
        for text in ("A sentence of some words is here. " * (size // 34), " " * size, "```\n" + "x\n" * (size // 2)):
            looked.append(0)
            cutter = Cutter()
            for at in range(0, size, 100):
                cutter.feed(Counted(text[:at]))
    for small, large in zip(looked[:3], looked[3:], strict=True):
        assert large <= 2.5 * small + 100


def test_what_is_a_name_and_an_abbreviation_ends_a_sentence_as_a_name() -> None:
    text = "For some years now my name is Max. I live in Rome, at max. two hours from Siena."
    assert [text[start:end] for start, end in cut(text)] == [
        "For some years now my name is Max.",
        "I live in Rome, at max. two hours from Siena.",
    ]
