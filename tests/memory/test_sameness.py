"""Which texts that are near to each other say the same, and which do not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alma.memory.sameness import say_the_same

SAME = [
    ("The user likes tea", "The user likes tea."),
    ("The user likes tea", "the  user likes\nTea"),
    ("Berlin is nice", "berlin is nice"),
    ("It is nice", "it is nice"),
    ('"Berlin" is (Also) nice', '"berlin" is (also) nice'),
    ("I'm vegan", "I am vegan"),
    ("I’m vegan", "I'm vegan"),
    ("We're in Porto", "We are in Porto"),
    ("I've two sons", "I have two sons"),
    ("I'll come on Monday", "I will come on Monday"),
    ("The user doesn't eat fish", "The user does not eat fish"),
    ("Don't eat fish", "do not eat fish"),
    ("I can't swim", "I cannot swim"),
    ("I cannot swim", "I can not swim"),
    ("Ana won't come", "Ana will not come"),
    ("The user isn't at home", "The user is not at home"),
    ("The user has two children.", "The user has 2 children"),
    ("Two children are here", "2 children are here"),
    ('The user calls it "the shed"', "The user calls it “the shed”"),
    ("It is −5 °C", "It is -5 °C"),
    ("Read pages 3–5", "Read pages 3-5"),
    ("Прямой путь", "прямой путь."),
    ("東京に住んでいます", "東京に住んでいます。"),
    ("if (a == b):\n  return", "if (a == b):\n  return"),
]

OTHER = [
    ("The user likes tea", "The user does not like tea"),
    ("The user likes tea", "The user doesn't like tea"),
    ("I like tea, but I do not like coffee", "I do not like tea, but I like coffee"),
    ("The user likes tea but does not like coffee.", "The user does not like tea but likes coffee."),
    ("Send the reports in the morning, not in the evening.", "Send the reports in the evening, not in the morning."),
    ("The temperature must stay above -5 degrees.", "The temperature must stay above 5 degrees."),
    ("The user has two children.", "The user has three children."),
    ("The meeting is at 3 pm.", "The meeting is at 3 am."),
    ("The user's mother lent Ana 50 euros.", "The user's father lent Ana 50 euros."),
    ("Ana lent Ben 50 euros.", "Ben lent Ana 50 euros."),
    ("Ana is older than Ben", "Ben is older than Ana"),
    ("The loan costs $500 a month.", "The loan costs €500 a month."),
    ("The user's budget is 500 euros a month.", "The user's budget is 500 euros a year."),
    ("Always answer before the user asks.", "Always answer after the user asks."),
    ("The left valve must be opened first.", "The right valve must be opened first."),
    ("Turn the heating on at 7.", "Turn the heating off at 7."),
    ("The user is allergic to peanuts.", "The user is allergic to peanut butter."),
    ("The user stopped eating meat.", "The user started eating meat."),
    ("Answer with short sentences.", "Answer with shorter sentences."),
    ("Prices are without tax.", "Prices are with tax."),
    ("The user lives on the first floor.", "The user lives on the second floor."),
    ("The user can eat nuts.", "The user can't eat nuts."),
    ("The user is unable to travel on fridays.", "The user is able to travel on fridays."),
    ("The user dislikes long answers.", "The user likes long answers."),
    ("The user works in north Porto.", "The user works in south Porto."),
    ("Version 1.2 is the stable one, version 1.3 is not.", "Version 1.2 is not the stable one, version 1.3 is."),
    ("The user can't eat gluten but can eat lactose.", "The user can eat gluten but can't eat lactose."),
    ("The file limit is 5 MB.", "The file limit is 5 GB."),
    ("Der Nutzer isst Fleisch, aber keinen Fisch.", "Der Nutzer isst Fisch, aber kein Fleisch."),
    ("Der Hund beißt den Mann", "Den Hund beißt der Mann"),
    ("We meet at 10:30", "We meet at 10:45"),
    ("We meet on 3 May", "We meet on 13 May"),
    ("She lives in Berlin", "She lives in Munich"),
    ("the API is down", "the CLI is down"),
    ("The user is a teacher", "The user was a teacher"),
    ("The user has few friends", "The user has a few friends"),
    ("Nobody but Ana likes it", "Nobody and Ana likes it"),
    ("The user likes tea", "The user likes tea?"),
    ("The user writes C++", "The user writes C#"),
    ("The train goes from Porto to Faro", "The train goes from Faro to Porto"),
    ("It is 5 to 7", "It is 5 past 7"),
    ("Ana feels 😀", "Ana feels 😢"),
    ("The field has 5 m²", "The field has 5 m³"),
    ("The user only drinks tea", "The user drinks tea"),
    ("The user never drinks tea", "The user often drinks tea"),
    ("मेरी की", "मेरी कि"),
    ("10% of all", "10 of all"),
    ("tea or coffee", "tea and coffee"),
    ("The dose is .5 mg", "The dose is 5 mg"),
    ("The dose is 1,5 mg", "The dose is 15 mg"),
    ("The blood type is B-", "The blood type is B"),
    ("The blood type is B-.", "The blood type is B."),
    ("The build runs if status != done", "The build runs if status = done"),
    ("The menu is shown if (!admin)", "The menu is shown if (admin)"),
    ("The user takes vitamin A", "The user takes vitamin"),
    ("The user takes option a first", "The user takes option first"),
    ("Ana is in charge of Ben", "Ana is in the charge of Ben"),
    ("Llama a Juan", "Llama Juan"),
    ("The user likes cats", "The user likes cat"),
    ("The user needs glasses", "The user needs glass"),
    ("The user's boss is William", "The user's boss is Williams"),
    ("No, coffee", "No coffee"),
    ("No one likes it", "No 1 likes it"),
    ("Ana's brother", "Ana brother"),
    ("The pump needs 5 mW", "The pump needs 5 MW"),
    ("The line has 5 Mb", "The line has 5 MB"),
    ("Call it with -v", "Call it with -V"),
    ("Ask the US", "Ask the us"),
    ("The function is readFile", "The function is readfile"),
    ("2 * (3 + 4)", "2 * 3 + 4"),
    ("5! is a number", "5 is a number"),
    ("Quit with :wq!", "Quit with :wq"),
    ("Go up with ..", "Go up with ."),
    ("The path is src/", "The path is src"),
    ("x = List", "x = list"),
    ("if a:\n  b()\nc()", "if a:\n  b()\n  c()"),
    ("The mail is a@b.org", "The mail is ab.org"),
    ("The price is 5 %", "The price is 5 ‰"),
    ("~5 people come", "5 people come"),
    ("Between 3-5 km", "Between 3 5 km"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_what_is_only_written_in_another_way_says_the_same(one: str, other: str) -> None:
    assert say_the_same(one, other)
    assert say_the_same(other, one)


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_what_differs_in_a_word_that_counts_says_another_thing(one: str, other: str) -> None:
    assert not say_the_same(one, other)
    assert not say_the_same(other, one)


WORDS = st.sampled_from(
    [
        "The",
        "user",
        "not",
        "never",
        "likes",
        "two",
        "tea",
        "No,",
        "A",
        "dose",
        "of",
        "5",
        ".5",
        "B-",
        "status",
        "done",
        "I'm",
        "can't",
        "Porto.",
        "and",
    ]
)
SIGNS = st.sampled_from("!?,;:-+*/=<>≠≤~^|&%$€#@_'\"()[]{}\\`°²½✓😀.")
TEXTS = st.lists(WORDS, min_size=1, max_size=8).map(" ".join)


@given(TEXTS, SIGNS, st.data())
def test_a_sign_more_says_another_thing(text: str, sign: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(text) if sign != "." else len(text) - 1))
    other = text[:at] + sign + text[at:]
    assert not say_the_same(text, other)
    assert not say_the_same(other, text)


@given(TEXTS, WORDS | st.from_regex(r"[a-z]{1,6}", fullmatch=True), st.data())
def test_a_word_more_says_another_thing(text: str, word: str, data: st.DataObject) -> None:
    words = text.split()
    words.insert(data.draw(st.integers(0, len(words))), word)
    assert not say_the_same(text, " ".join(words))


@given(st.text())
def test_every_text_says_what_it_says(text: str) -> None:
    assert say_the_same(text, text)
    assert say_the_same(f"  {text} ", text)
