"""Which questions are told apart that sound alike, and which are not; and the set of pairs as a whole."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest
from cache_stand import Stand, source_of, text_of
from hypothesis import given
from hypothesis import strategies as st

from alma.memory.minilm import MiniLM
from alma.models.answers import Alike
from alma.models.fetch import embedding_dir
from alma.models.nearby import MOST_OF_ONE, Context, Nearby
from alma.models.script import Rule
from alma.models.semantic import difference
from bounded import within

PAIRS = Path(__file__).parent / "paraphrases"


@pytest.mark.parametrize(
    ("one", "other", "rule"),
    [
        ("Give me three ideas for lunch", "Give me 5 ideas for lunch", "numbers"),
        ("What is 7 minus 10?", "What is 10 minus 7?", "numbers"),
        ('Who said "I have a dream"?', 'Who said "Veni, vidi, vici"?', "quotes"),
        ("What does `ls -l` do?", "What does `ls -a` do?", "code"),
        ("When is parse_date called?", "When is parse_time called?", "code"),
        ("Where was Mozart born?", "Where was Haydn born?", "names"),
        ("what grows in may", "what grows in june", "dates"),
        ("How hot is it in celsius?", "How hot is it in fahrenheit?", "units"),
        ("What can I do in 3 days?", "What can I do in 3 weeks?", "units"),
        ("Which birds can fly?", "Which birds can't fly?", "negation"),
        ("Who built the bridge?", "When was the bridge built?", "asking"),
        ("How do I raise the volume?", "How do I reduce the volume?", "opposites"),
        ("How do I subscribe to the list?", "How do I unsubscribe from the list?", "opposites"),
        ("How do I drive from Bern to Basel?", "How do I drive from Basel to Bern?", "direction"),
        ("How do I drive from Bern to Basel?", "How do I drive to Bern from Basel?", "direction"),
        ("Do dogs chase cats?", "Do cats chase dogs?", "direction"),
        ("How do I peel a mango?", "How do I peel a pineapple?", "replaced"),
        ("Explain gravity", "Explain gravity with an example", "added"),
    ],
)
def test_a_difference_has_a_name(one: str, other: str, rule: str) -> None:
    assert difference(one, other) == rule
    assert difference(other, one) == rule


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("How do I peel a mango?", "how do i peel a mango"),
        ("Give me three ideas for lunch", "Can you give me 3 ideas for lunch?"),
        ("Should I rent or buy?", "Should I buy or rent?"),
        ("Where was Mozart born?", "where was mozart born"),
        ("What is a monad?", "Please explain what a monad is."),
        ("Pros and cons of tea", "What are the advantages and disadvantages of tea?"),
        ("Write a letter to my aunt", "Draft a letter to my aunt"),
    ],
)
def test_the_same_in_other_words_is_no_difference(one: str, other: str) -> None:
    assert difference(one, other) is None
    assert difference(other, one) is None


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_two_texts_can_be_compared(one: str, other: str) -> None:
    assert difference(one, one) is None
    assert (difference(one, other) is None) == (difference(other, one) is None)


def test_the_pairs_are_what_they_claim_to_be() -> None:
    halves = [(PAIRS / f"{name}.tsv").read_text().splitlines() for name in ("looked_at", "held_out")]
    rows = [line.split("\t") for half in halves for line in half]
    assert all(len(row) == 4 and row[0] in ("same", "different") for row in rows)
    asked = [frozenset(row[2:]) for row in rows]
    assert len(asked) == len(set(asked)) >= 150, "no pair is in both halves"
    assert all(len(pair) == 2 for pair in asked)


@pytest.mark.slow
def test_no_pair_that_was_looked_at_is_taken_for_the_same_by_mistake(data_dir: Path) -> None:
    from alma.settings import Settings

    threshold = Settings.model_fields["cache_threshold"].default
    model = MiniLM(embedding_dir(data_dir))
    rows = [line.split("\t") for line in (PAIRS / "looked_at.tsv").read_text().splitlines()]
    scores = (model.embed([row[2] for row in rows]) * model.embed([row[3] for row in rows])).sum(axis=1)
    hits = [row for row, score in zip(rows, scores, strict=True) if score >= threshold and not difference(*row[2:])]
    assert [row for row in hits if row[0] == "different"] == []
    assert len(hits) >= 50


def vector(*numbers: float) -> bytes:
    row = np.zeros(384, np.float32)
    row[: len(numbers)] = numbers
    return (row / np.linalg.norm(row)).tobytes()


def test_the_nearest_question_comes_first() -> None:
    context = Context([Alike(b"far", vector(0, 1)), Alike(b"near", vector(1, 0.1)), Alike(b"same", vector(1))])
    assert [key for key, _ in context.nearest(vector(1), 0.9)] == [b"same", b"near"]
    assert Context([]).nearest(vector(1), 0.0) == []


def test_a_full_context_is_made_without_holding_up_the_others() -> None:
    rows = [Alike(b"%d" % at, vector(1, at)) for at in range(MOST_OF_ONE)]
    assert within(0.05, lambda: Context([*rows, Alike(b"7", vector(0, 1))]))
    context = Context([*rows, Alike(b"7", vector(0, 1))])
    assert len(context) == MOST_OF_ONE, "of two with one key, the first"
    assert context.nearest(rows[7].vector, 0.0)[0][0] == b"7"


def test_contexts_are_kept_within_bounds() -> None:
    nearby = Nearby()
    for number in range(20):
        nearby.put(b"%d" % number, Context(Alike(b"%d" % at, vector(1)) for at in range(MOST_OF_ONE - 1)))
    assert nearby.get(b"0") is None
    assert nearby.get(b"19") is not None
    for at in range(3):
        nearby.add(b"19", Alike(b"new %d" % at, vector(1)))
    assert nearby.get(b"19") is None, "a full one is read anew, the newest first"


async def embed(text: str) -> list[float]:
    """As if every question sounded like every other."""
    return [1.0] + [0.0] * 383


def asking(question: str, context: str = "c", **changes: object) -> dict[str, dict[str, object]]:
    return {"caller": {"question": question, "context": context, **changes}}


@pytest.fixture
async def tmp_stand(tmp_path: Path) -> Stand:
    return Stand(tmp_path, {"semantic": True, "embed": embed})


async def test_only_the_same_context_role_and_owner_are_near(tmp_stand: Stand) -> None:
    async with tmp_stand.running() as stand:
        stand.model.script = [Rule(match="mango", answer="With a knife.")]
        await stand.ask("How do I peel a mango?", **asking("How do I peel a mango?"))
        for other, changes in (
            ("How does one peel a mango?", {"context": "d"}),
            ("How should I peel a mango?", {"role": "writer"}),
            ("How would you peel a mango?", {"owner": "bob"}),
        ):
            assert source_of(await stand.ask(other, **asking(other, **changes))) == "", changes
        near = "How can I peel a mango?"
        hit = await stand.ask(near, **asking(near))
        assert (source_of(hit), text_of(hit)) == ("semantic", "With a knife.")
        assert hit[-1].cache is not None
        assert (hit[-1].cache.question, hit[-1].cache.score) == ("How do I peel a mango?", 1.0)
        other = "How do I peel a pineapple?"
        assert source_of(await stand.ask(other, **asking(other))) == ""


async def test_a_question_of_before_is_found_after_a_restart(tmp_stand: Stand) -> None:
    async with tmp_stand.running() as stand:
        await stand.ask("How do I peel a mango?", **asking("How do I peel a mango?"))
    tmp_stand.open()
    async with tmp_stand.running() as stand:
        near = "How can I peel a mango?"
        assert source_of(await stand.ask(near, **asking(near))) == "semantic"
        await stand.cache.clear("ada")
        near = "How does one peel a mango?"
        assert source_of(await stand.ask(near, **asking(near))) == ""


async def test_what_was_asked_before_it_was_turned_on_is_found_too(tmp_path: Path) -> None:
    from alma.models.answers import Choice

    embedded = asyncio.Event()

    async def telling(text: str) -> list[float]:
        embedded.set()
        return await embed(text)

    async with Stand(tmp_path, {"embed": telling}).running() as stand:
        await stand.ask("How do I peel a mango?", **asking("How do I peel a mango?"))
        assert not embedded.is_set(), "nobody embeds what nobody looks for"
        await stand.cache.choose("ada", Choice(semantic=True))
        await embedded.wait()
        await stand.cache.flush()
        near = "How can I peel a mango?"
        vectors = "SELECT count(vector) FROM cached_answers"
        while not await stand.database.read(lambda connection: connection.exec_driver_sql(vectors).scalar()):
            await asyncio.sleep(0)
        assert source_of(await stand.ask(near, **asking(near))) == "semantic"


async def test_words_that_a_tool_was_called_with_serve_no_other_question(tmp_stand: Stand) -> None:
    from alma.models.chat import ToolCall

    async with tmp_stand.running() as stand:
        stand.model.script = [Rule(tool_calls=(ToolCall("c", "search", '{"q": "mango"}'),), finish_reason="tool_calls")]
        await stand.ask("How do I peel a mango?", **asking("How do I peel a mango?"))
        near = "How can I peel a mango?"
        assert source_of(await stand.ask(near, **asking(near))) == ""


async def test_long_questions_are_only_the_same_when_they_are(tmp_stand: Stand) -> None:
    async with tmp_stand.running() as stand:
        long = "How do I peel a mango? " + "I have many of them. " * 40
        await stand.ask(long, **asking(long))
        near = long.replace("How do I", "How can I")
        assert source_of(await stand.ask(near, **asking(near))) == ""
        assert source_of(await stand.ask(long, **asking(long))) == "exact"
