"""Chunks of documents: all of the text, in order, within the bound, cut at the document's own joints."""

from __future__ import annotations

import itertools
import re

from hypothesis import given
from hypothesis import strategies as st

from alma.memory.knowledge import prose
from alma.memory.knowledge.blocks import Block, Composer, Counted, Reading
from alma.memory.knowledge.chunks import BOUND, OVERLAP, Chunk, chunks_of, weight
from alma.memory.knowledge.decoding import cleaned
from alma.memory.knowledge.grid import grid
from alma.memory.knowledge.markup import markup

_SAMPLES = """Alma reads the file. A dog! Dr. Smith said 3.5 ok? 記憶は大切です。 שלום עולם 👩‍👩‍👧‍👦 é zürich e.g. this
| a | b |
- item # head ``` 1. one | --- | --- |"""
_WORDS = st.sampled_from(_SAMPLES.split())
_LINES = st.lists(st.lists(_WORDS, max_size=40).map(" ".join), max_size=60).map("\n".join)
_ANY = st.one_of(_LINES, st.text(max_size=3000), st.lists(st.text(max_size=60), max_size=60).map("\n\n".join))


def _md(text: str) -> list[Chunk]:
    return chunks_of(Reading("md", text, prose.markdown(text), "line"))


def check(reading: Reading) -> list[Chunk]:
    """What holds for the chunks of any document."""
    chunks = chunks_of(reading)
    text, before = reading.text, 0
    previous = 0
    for chunk in chunks:
        assert before <= chunk.own < chunk.end <= len(text)
        assert not text[before : chunk.own].strip()  # nothing is left out
        assert previous <= chunk.start <= chunk.own  # what it repeats is of its neighbour
        assert weight(text[chunk.start : chunk.own]) <= OVERLAP
        assert weight(chunk.of(text)) <= BOUND
        assert chunk.of(text).endswith(text[chunk.start : chunk.end])
        before, previous = chunk.end, chunk.own
    assert not text[before:].strip()
    sections = [chunk.section for chunk in chunks]
    assert sections == sorted(sections)
    return chunks


@given(_ANY)
def test_chunks_of_markdown_cover_the_text_in_order_within_the_bound(source: str) -> None:
    text = cleaned(source)
    check(Reading("md", text, prose.markdown(text), "line"))


@given(_ANY)
def test_chunks_of_plain_text_and_code_do_so_too(source: str) -> None:
    text = cleaned(source)
    check(Reading("txt", text, prose.plain(text), "line"))
    check(Reading("py", text, prose.code(text), "line"))


_NUMBERED = st.lists(st.tuples(st.integers(1, 30), st.sampled_from(["", "", "", "\n", "- "])), min_size=1, max_size=80)


@given(_NUMBERED)
def test_the_place_has_every_line_that_the_chunk_has_whole(lines: list[tuple[int, str]]) -> None:
    """Also those with which it begins because the chunk before ends with them."""
    text = "".join(f"{before}{'Alma reads on. ' * count}\n" for count, before in lines)
    numbered = [(line.strip(), number) for number, line in enumerate(text.split("\n"), 1)]
    for blocks in (prose.plain(text), prose.code(text)):
        for chunk in check(Reading("txt", text, blocks, "line")):
            first, last = (re.findall(r"\d+", chunk.place) * 2)[:2]
            begin = text.count("\n", 0, chunk.start) + 1
            if text[: chunk.start].rpartition("\n")[2].strip():  # it begins within a line
                own = text.count("\n", 0, chunk.own) + 1
                begin = next((number for line, number in numbered[begin:] if line and number < own), own)
            assert (int(first), int(last)) == (begin, text.count("\n", 0, chunk.end) + 1)


def test_a_line_that_stands_in_two_chunks_is_in_the_place_of_both() -> None:
    text = "".join(f"{number}: The harbour froze in that winter, and no ship came.\n" for number in range(1, 60))
    chunks = check(Reading("txt", text, prose.plain(text), "line"))
    for chunk in chunks:
        lines = chunk.of(text).split("\n")
        assert chunk.place == f"lines {lines[0].split(':')[0]} to {lines[-1].split(':')[0]}"
    assert any(chunk.start < chunk.own for chunk in chunks)


@given(_ANY)
def test_chunks_of_tables_and_pages_do_so_too(source: str) -> None:
    text, blocks = grid(cleaned(source).replace("'", '"'), "csv")
    check(Reading("csv", text, blocks, "row"))
    text, blocks = markup(cleaned(source).replace("|", "<p>").replace("-", "<li>").replace("#", "<table><tr><td>"))
    check(Reading("html", text, blocks))


@given(st.lists(st.tuples(st.sampled_from(["heading", "paragraph", "list", "table", "code"]), _LINES, st.booleans())))
def test_chunks_of_any_blocks_on_any_pages_do_so_too(parts: list[tuple[str, str, bool]]) -> None:
    composer, page = Composer(), 1
    for kind, text, turn in parts:
        page += turn
        composer.add(kind, cleaned(text), level=1 + page % 3, page=page, head=max(0, text.find("\n")))  # type: ignore[arg-type]
    check(Reading("pdf", composer.text, composer.blocks))


def test_the_place_is_the_path_of_headings() -> None:
    text = "# Setup\n\nFirst this.\n\n## Linux\n\nThen that.\n\n# Use\n\nGo on.\n"
    assert [(one.place, one.of(text)) for one in _md(text)] == [
        ("Setup", "# Setup\n\nFirst this."),
        ("Setup › Linux", "## Linux\n\nThen that."),
        ("Use", "# Use\n\nGo on."),
    ]


def test_a_heading_without_text_goes_with_what_follows() -> None:
    text = "# Setup\n\n## Linux\n\nThen that.\n"
    assert [(one.place, one.of(text)) for one in _md(text)] == [("Setup › Linux", text.strip())]


def test_running_text_is_cut_between_sentences_and_repeats_the_last_one() -> None:
    sentences = [f"Dr. Smith wrote sentence number {number} about the weather in town." for number in range(60)]
    text = " ".join(sentences)
    chunks = check(Reading("txt", text, prose.plain(text), "line"))
    assert len(chunks) > 4
    for one, other in itertools.pairwise(chunks):
        assert text[one.start : one.end].endswith(".")
        assert text[other.start : other.own].strip() in sentences  # exactly one
        assert text[other.start : other.own].strip() in text[one.own : one.end]


def test_a_table_repeats_its_header_and_says_its_rows() -> None:
    rows = "".join(f'"Town {number}","{number * 1000}","a note, with a comma"\n' for number in range(200))
    text, blocks = grid(f"name,people,note\n{rows}", "csv")
    chunks = check(Reading("csv", text, blocks, "row"))
    assert all(one.of(text).startswith("name | people | note\n") for one in chunks)
    assert chunks[0].place.startswith("rows 2 to ")
    assert chunks[-1].place.endswith(" to 201")
    row = int(chunks[1].place.split()[1])
    assert chunks[1].of(text).split("\n")[1] == f"Town {row - 2} | {(row - 2) * 1000} | a note, with a comma"


def test_code_is_cut_between_definitions_where_they_fit() -> None:
    body = "".join(f"    value_{line} = compute({line})\n" for line in range(14))
    text = "".join(f"@cached\ndef function_{number}():\n{body}\n" for number in range(10))
    chunks = check(Reading("py", text, prose.code(text), "line"))
    assert [one.of(text).split("\n")[1] for one in chunks] == [f"def function_{number}():" for number in range(10)]
    assert chunks[1].place == "lines 18 to 33"


def test_a_sentence_over_the_bound_is_cut_between_words() -> None:
    text = "word " * 1000 + "end."
    chunks = check(Reading("txt", text, prose.plain(text), "line"))
    assert all(one.of(text).split()[0] in ("word", "end.") for one in chunks)


def test_an_emoji_is_not_cut() -> None:
    family = "👩‍👩‍👧‍👦"
    text = family * 300
    for one in check(Reading("txt", text, prose.plain(text), "line")):
        assert text[one.own : one.end].count("👩") * len(family) // 2 == one.end - one.own


def test_ten_thousand_headings_are_ten_thousand_sections() -> None:
    text = "".join(f"## Part {number}\n\nIt says {number}.\n\n" for number in range(10_000))
    chunks = _md(text)
    assert len(chunks) == 10_000
    assert chunks[4711].place == "Part 4711"
    assert chunks[4711].of(text) == "## Part 4711\n\nIt says 4711."


def test_pages_are_named_with_the_headings_on_them() -> None:
    composer = Composer()
    composer.add("heading", "Costs", level=1, page=3)
    composer.add("paragraph", "It costs much.", page=3)
    composer.add("paragraph", "It goes on over the page.", page=3, last_page=4)
    composer.add("paragraph", "Another page.", page=5)
    places = [one.place for one in check(Reading("pdf", composer.text, composer.blocks))]
    assert places == ["pages 3 to 4 › Costs", "page 5 › Costs"]


def test_blocks_and_what_is_counted_are_data() -> None:
    counted: Counted = "line"
    assert chunks_of(Reading("txt", "a", [Block("paragraph", 0, 1)], counted))[0].place == "line 1"


_TAGS = """<p> </p>
<h1> </h2> <li> <ul> </ul> <table> </table> <tr> <td> <th> <pre> </pre> <title> <body> <head> <script>
</script> <svg/> <template> <![foo[ <![if IE]> <![endif]> <!-- --> <! </ < & &#127; &#xd800; &#0; ]]> ]> <?x"""


@given(st.lists(st.sampled_from(_TAGS.split()) | st.text(max_size=8)).map("".join))
def test_a_page_may_be_as_wrong_as_it_likes(source: str) -> None:
    text, blocks = markup(cleaned(source))
    check(Reading("html", text, blocks))
