"""The files of a thread: what is put in comes out, nothing leads out of the folder, and passages are found."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alma.errors import InvalidRequest, NotFound
from alma.tools.files import ThreadFiles, checked_name
from alma.tools.passages import PARAGRAPH, search, words_of
from alma.tools.signature import ToolContext
from alma.tools.toolbox import SHIPPED, Toolbox
from bounded import within

HEATING = """# Heating

Gas is cheap to install.
It heats at once.

A heat pump costs more at first,
but the costs of a year are lower.

Both need a chimney sweep, says nobody.
"""


@pytest.fixture
def files(tmp_path: Path) -> ThreadFiles:
    return ThreadFiles(tmp_path / "files", max_bytes=2000, max_files=3)


def test_what_is_put_in_comes_out(files: ThreadFiles) -> None:
    assert files.list("t1") == []
    info = files.put("t1", "Ünïcode notes.md", "héllo\n".encode())
    assert (info.name, info.bytes) == ("Ünïcode notes.md", 7)
    assert files.read("t1", "Ünïcode notes.md") == "héllo\n"
    files.put("t1", "Ünïcode notes.md", b"\xef\xbb\xbfagain")
    assert files.read("t1", "Ünïcode notes.md") == "again"
    files.put("t1", "a.csv", b"1,2\r\n")
    assert [file.name for file in files.list("t1")] == ["a.csv", "Ünïcode notes.md"]
    assert files.list("t2") == []
    files.delete("t1", "a.csv")
    with pytest.raises(NotFound):
        files.delete("t1", "a.csv")
    files.delete_all("t1")
    files.delete_all("t1")
    assert files.list("t1") == []


def test_there_are_bounds(files: ThreadFiles) -> None:
    with pytest.raises(InvalidRequest) as too_large:
        files.put("t1", "big.txt", b"x" * 2001)
    assert too_large.value.facts()["expected"] == "at most 2,000 bytes"
    for number in range(3):
        files.put("t1", f"{number}.txt", b"x")
    files.put("t1", "0.txt", b"y")
    with pytest.raises(InvalidRequest, match="as many files as it may"):
        files.put("t1", "3.txt", b"x")


@pytest.mark.parametrize("content", [b"PK\x03\x04\x00", b"caf\xe9", b"\xff\xfea\x00", b"%PDF-1.7\n\x80\x81", b"a\x00"])
def test_what_is_not_text_is_refused_with_a_sentence(content: bytes, files: ThreadFiles) -> None:
    with pytest.raises(InvalidRequest) as refused:
        files.put("t1", "it.bin", content)
    assert refused.value.message == "it.bin is not text."
    assert "0x" in str(refused.value.actual)
    assert files.list("t1") == []


BAD_NAMES = [
    "",
    " ",
    ".",
    "..",
    "../x",
    "a/b",
    "a\\b",
    "/etc/passwd",
    ".hidden",
    "a\x00b",
    "a\nb",
    "C:x",
    "con",
    "NUL.txt",
]
BAD_NAMES += ["x" * 201, "end.", "end ", " a", "a\u202egpj.exe", "a\ud800", "*"]
BAD_NAMES += [f"a{unseen}b.md" for unseen in "\u061c\u00ad\u034f\u180e\u3164\u200b\u2063\ufeff\ufff9\U000e0100"]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_bad_name_is_refused_everywhere(name: str, files: ThreadFiles) -> None:
    for use in (lambda: files.put("t1", name, b"x"), lambda: files.read("t1", name), lambda: files.delete("t1", name)):
        with pytest.raises(InvalidRequest) as refused:
            use()
        assert refused.value.code == "bad_file_name"
    assert not files.root.exists()


@pytest.mark.parametrize("thread", ["", "..", "a/b", "../t", ".t", "t\x00", "t" * 101, "t\n"])
def test_a_bad_thread_is_refused_everywhere(thread: str, files: ThreadFiles) -> None:
    for use in (lambda: files.list(thread), lambda: files.put(thread, "a.txt", b"x"), lambda: files.delete_all(thread)):
        with pytest.raises(InvalidRequest) as refused:
            use()
        assert refused.value.code == "bad_thread_id"


@given(st.text(max_size=40))
def test_no_name_that_is_taken_leads_out_of_the_folder(name: str) -> None:
    try:
        name = checked_name(name)
    except InvalidRequest:
        return
    assert Path("/files/t1", name).parent == Path("/files/t1")
    assert os.path.normpath(f"/files/t1/{name}") == f"/files/t1/{name}"


def test_links_and_pipes_are_not_followed(files: ThreadFiles, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("key")
    files.put("t1", "a.txt", b"x")
    folder = files.root / "t1"
    (folder / "link.txt").symlink_to(secret)
    os.mkfifo(folder / "pipe.txt")
    (folder / "folder.txt").mkdir()
    (files.root / "t2").symlink_to(tmp_path)
    assert [file.name for file in files.list("t1")] == ["a.txt"]
    for name in ("link.txt", "pipe.txt", "folder.txt"):
        with pytest.raises(NotFound):
            files.read("t1", name)
    assert files.search("t1", "key") == []
    with pytest.raises(InvalidRequest):
        files.read("t2", "secret.txt")
    files.put("t1", "link.txt", b"mine")
    assert secret.read_text() == "key"
    assert files.read("t1", "link.txt") == "mine"


# ── search ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_passage_is_found_with_its_place() -> None:
    best, *_ = search({"other.md": "Cats sleep.", "heating.md": HEATING}, "What does the heat pump cost?")
    assert (best.file, best.first_line, best.last_line) == ("heating.md", 6, 7)
    assert best.text == "A heat pump costs more at first,\nbut the costs of a year are lower."


def test_rare_words_weigh_more_than_common_ones_and_short_passages_more_than_long_ones() -> None:
    texts = {"a": "solar panel\n\n" + "panel roof\n\n" * 20, "b": "solar " + "words and more " * 30}
    found = search(texts, "solar panel", most=30)
    assert found[0].text == "solar panel"
    assert found[1].file == "b"
    assert len(found) == 22


@pytest.mark.parametrize(
    ("text", "query", "hit"),
    [
        ("read_config(path)", "config", True),
        ("Die Wärmepumpe ist LAUT", "laut", True),
        ("STRASSE", "straße", True),
        ("価格は高い", "価格", True),
        ("costume", "cost", False),
        ("the glass is full", "glasses", False),
        ("what is this", "what is this", True),
        ("c++ (99%)", "c++", True),
        ("nothing", "?!", False),
    ],
)
def test_words_are_found_whole_in_any_case_and_script(text: str, query: str, hit: bool) -> None:
    assert bool(search({"f": text}, query)) is hit


@given(st.text(st.sampled_from("ab \n\r\f—é価s"), max_size=3000), st.integers(1, 20))
def test_every_passage_stands_where_it_says(text: str, most: int) -> None:
    found = search({"f": text}, "a b 価", most)
    assert len(found) <= most
    assert [passage.score for passage in found] == sorted((passage.score for passage in found), reverse=True)
    for passage in found:
        lines = text.split("\n")[passage.first_line - 1 : passage.last_line]
        assert passage.text in "\n".join(lines)
        assert len(passage.text) <= PARAGRAPH


def test_a_long_line_is_divided() -> None:
    passage, *_ = search({"f": "word " * 100_000 + "needle " + "word " * 1000}, "needle")
    assert "needle" in passage.text
    assert passage.first_line == passage.last_line == 1


def test_a_query_is_bounded() -> None:
    assert len(words_of(" ".join(f"w{number}" for number in range(100_000)))) == 32


def test_ten_megabytes_are_searched_in_seconds() -> None:
    text = "The quick brown fox jumps over the lazy dog, and the pump pumps.\n\n" * 15_000
    files = {str(number): text for number in range(10)}
    assert within(8, lambda: search(files, "the heat pump of the fox"))


async def test_the_tool_answers_in_words(files: ThreadFiles, context: ToolContext) -> None:
    box = Toolbox(provided=[files])
    assert box.load_folder(SHIPPED) == []
    assert "search_files" in box.names()

    async def ask(query: str) -> str:
        return (await box.call("search_files", f'{{"query": "{query}"}}', context)).text

    assert await ask("pump") == "This conversation has no files."
    files.put(context.thread_id, "heating.md", HEATING.encode())
    assert (await ask("chimney")) == "heating.md, lines 9-9:\nBoth need a chimney sweep, says nobody."
    assert await ask("solar") == "Nothing about solar in this conversation's files: heating.md."
    assert "no word" in await ask("?")
