"""Outside conversations: whatever shape they come in, they are kept apart, and the real model finds what was said."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeEmbedding
from msgspec import Struct

from alma.errors import EmbedderUnavailable, InvalidRequest
from alma.memory.conversation_search import ConversationSearch, ModelProcess
from alma.memory.outside_documents import Document, pieces_of, seconds_of, turns_of
from alma.models.fetch import embedding_dir

TALK = [
    ("1", "Where did you moor the boat in the end?", "Ana", "2025-03-04 19:20"),
    ("2", "In Bergen, by the fish market. It costs nine hundred a year.", "Ben", "2025-03-04 19:20"),
    ("3", "My sister has begun to keep bees on her roof.", "Ana", "2025-03-04 19:20"),
    ("4", "I sold the car on Monday, by the way.", "Ben", "2025-04-01 08:00"),
]


@pytest.fixture
def search() -> Generator[ConversationSearch]:
    with ConversationSearch(FakeEmbedding()) as ready:
        yield ready


@pytest.mark.slow
def test_the_real_model_finds_what_answers(data_dir: Path) -> None:
    with ConversationSearch(embedding_dir(data_dir)) as search:
        assert search.index("talk", TALK) == 4
        assert search.search("talk", "What does the berth cost?", 2)[0] == "2"
        assert search.search("talk", "Whose family likes insects?", 1) == ["3"]
        assert search.search("talk", "When did Ben get rid of his vehicle?", 1) == ["4"]


def test_conversations_are_kept_apart(search: ConversationSearch) -> None:
    search.index("one", [("a", "The boat lies in Bergen")])
    search.index("two", [("b", "The boat lies in Oslo")])
    assert search.search("one", "Where is the boat?") == ["a"]
    assert search.search("two", "Where is the boat?") == ["b"]
    assert search.search("three", "Where is the boat?") == []


def test_indexing_again_takes_the_place_of_what_was_there(search: ConversationSearch) -> None:
    search.index("one", TALK)
    assert search.index("one", [("x", "The boat sank")]) == 1
    assert search.search("one", "boat") == ["x"]
    assert search.index("one", []) == 0
    assert search.search("one", "boat") == []


def test_as_many_as_are_asked_for_are_given_also_of_equal_ones(search: ConversationSearch) -> None:
    search.index("one", [(str(number), "Yes, the boat.") for number in range(20)])
    found = search.search("one", "boat", 12)
    assert len(found) == len(set(found)) == 12


def test_it_says_why(search: ConversationSearch) -> None:
    search.index("one", TALK)
    hit = search.recall("one", "Where is the boat in Bergen?", 1).hits[0]
    assert hit.memory.source.message_id in ("1", "2")
    assert hit.reasons.words


def test_it_can_be_used_where_an_event_loop_runs(search: ConversationSearch) -> None:
    async def play() -> list[str]:
        search.index("one", TALK)
        return search.search("one", "bees", 1)

    assert asyncio.run(play()) == ["3"]


def test_a_long_document_is_found_by_any_part_of_it(search: ConversationSearch) -> None:
    filler = "The weather was fine and the road went on and on. " * 40
    assert search.index("one", [("long", filler + "A lighthouse burned down. " + filler), ("short", "Bees.")]) > 3
    assert search.search("one", "lighthouse", 2)[0] == "long"


def test_a_model_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with ConversationSearch(tmp_path) as search, pytest.raises(EmbedderUnavailable):
        search.index("one", TALK)


def test_a_model_that_ended_is_said_to_have_ended_and_starts_again(data_dir: Path) -> None:
    model = ModelProcess(embedding_dir(data_dir))
    try:
        vectors = model._embed(["The boat lies in Bergen"])
        assert model._child is not None
        model._child.kill()
        model._child.wait()
        with pytest.raises(EmbedderUnavailable, match="ended"):
            model._embed(["The boat lies in Bergen"])
        assert (model._embed(["The boat lies in Bergen"]) == vectors).all()
    finally:
        model.close()


def test_a_model_that_ends_in_the_middle_of_its_answer_is_said_to_have_ended(tmp_path: Path) -> None:
    code = (
        "import struct, sys\nsys.stdin.buffer.read(4)\nsys.stdout.buffer.write(struct.pack('>II', 1, 1536) + b'half')"
    )
    model = ModelProcess(tmp_path)
    model._child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with pytest.raises(EmbedderUnavailable, match="ended"):
        model._embed(["The boat lies in Bergen"])
    assert model._child is None


# ── the shapes of documents ───────────────────────────────────────────────────────────────────────────────────────


class Said(Struct):
    dia_id: str
    speaker: str
    text: str


@pytest.mark.parametrize(
    "given",
    [
        ("D1:3", "Hello there", "Ana"),
        {"dia_id": "D1:3", "speaker": "Ana", "text": "Hello there"},
        {"id": "D1:3", "role": "Ana", "content": "Hello there", "other": 4},
        Said("D1:3", "Ana", "Hello there"),
        Document("D1:3", "Hello there", "Ana"),
    ],
)
def test_a_document_may_come_in_many_shapes(given: Any) -> None:
    (turn,) = turns_of([given])
    assert (turn.id, turn.text, turn.speaker) == ("D1:3", "Hello there", "Ana")


@pytest.mark.parametrize("given", ["text", 4, {}, {"id": "x"}, {"text": "x"}, ("x",), (1, 2, 3, 4, 5), None])
def test_what_is_no_document_is_refused(given: Any) -> None:
    with pytest.raises(InvalidRequest):
        turns_of([given])


@pytest.mark.parametrize(
    ("at", "seconds"),
    [
        (1683554160, 1683554160.0),
        ("1683554160", 1683554160.0),
        ("2023-05-08T13:56:00", 1683554160.0),
        ("2023-05-08T15:56:00+02:00", 1683554160.0),
        ("2023-05-08 13:56", 1683554160.0),
        ("1:56 pm on 8 May, 2023", 1683554160.0),
        ("2023/05/08 (Mon) 13:56", 1683554160.0),
        ("some day", None),
        (None, None),
    ],
)
def test_a_time_may_be_written_in_many_ways(at: str | float | None, seconds: float | None) -> None:
    assert seconds_of(at) == seconds


def places(documents: list[Any]) -> list[tuple[int, int]]:
    return [(turn.session, turn.position) for turn in turns_of(documents)]


def test_sessions_are_told_by_name_by_pause_or_by_id() -> None:
    assert places(TALK) == [(0, 0), (0, 1), (0, 2), (1, 0)]
    assert places([("D1:1", "a"), ("D1:2", "b"), ("D2:1", "c")]) == [(0, 0), (0, 1), (1, 0)]
    named = [{"id": number, "text": "a", "session": number // 2} for number in range(4)]
    assert places(named) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert places([("a", "x"), ("b", ""), ("c", "y")]) == [(0, 0), (0, 1)]


def test_who_speaks_may_stand_before_the_text() -> None:
    turns = turns_of([("1", "Ana: Hello"), ("2", "Ben: Note: it rains")])
    assert [turn.speaker for turn in turns] == ["Ana", "Ben"]
    assert [turn.speaker for turn in turns_of([("1", "Note: rain"), ("2", "It rains")])] == ["", ""]


def test_nothing_of_a_long_text_is_lost() -> None:
    text = "One two three. " * 300 + "x" * 5000
    assert "".join("".join(pieces_of(text)).split()) == "".join(text.split())
    assert max(map(len, pieces_of(text))) <= 1800
