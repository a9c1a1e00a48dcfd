"""Reading a file: what it is, and from there to its text and blocks. Blocks; runs in the reading process."""

from __future__ import annotations

import contextlib
import os
import re
import zipfile
from pathlib import Path

from alma.errors import InvalidRequest
from alma.memory.knowledge import formats, prose
from alma.memory.knowledge.blocks import Block, Counted, Reading, check_length
from alma.memory.knowledge.decoding import decoded
from alma.memory.knowledge.grid import grid
from alma.memory.knowledge.markup import markup
from alma.memory.knowledge.pdf import pdf
from alma.memory.knowledge.word import word

_BEGINNING = 65_536  # bytes that show what a file is
_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)


def read(path: Path, name: str) -> Reading:
    """`name`: what the file is called, wherever it lies. Raises `InvalidRequest` with what is wrong with it."""
    size = path.stat().st_size
    if size == 0:
        raise _empty(name, "a file of 0 bytes")
    with path.open("rb") as file:
        beginning = file.read(_BEGINNING)
    kind = formats.format_of(beginning, name)
    if kind == "pdf":
        _check_single(path, name)
        return pdf(path, name)
    if kind == "zip":
        return word(path, name)
    check_length(size // 4)  # no encoding takes more bytes for a character
    content = path.read_bytes()
    text = _page(content, name) if kind in formats.HTML else decoded(content, name)
    check_length(len(text))
    text, blocks, counted = _blocks(text, kind)
    if not blocks:
        raise _empty(name, "a file with nothing but white space" if kind not in formats.HTML else "a page without text")
    return Reading(kind, text, blocks, counted)


def _blocks(text: str, kind: str) -> tuple[str, list[Block], Counted]:
    if kind in formats.HTML:
        return *markup(text), ""
    if kind in formats.TABLES:
        return *grid(text, kind), "row"
    if kind in formats.MARKDOWN:
        return text, prose.markdown(text), "line"
    if kind in formats.CODE:
        return text, prose.code(text), "line"
    return text, prose.plain(text), "line"


def _page(content: bytes, name: str) -> str:
    """A page may say itself how it is encoded."""
    named = _CHARSET.search(content[:2048])
    if named is not None and not content.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")):
        with contextlib.suppress(LookupError, ValueError):  # unknown to Python, or untrue
            content = content.decode(named[1].decode("ascii")).encode("utf-8", "surrogatepass")
    return decoded(content, name)


def _check_single(path: Path, name: str) -> None:
    """A file that is a PDF from its front and an archive from its back is read as what its name says, or not at all."""
    if formats.ending(name) != "pdf" and zipfile.is_zipfile(path):
        raise InvalidRequest(
            "not_what_it_says",
            f"{name} is two things at once.",
            expected="a file of one kind",
            actual=f"a PDF from its front and a ZIP archive from its back, called {os.fspath(name)}",
            hint="Call it .pdf if the PDF is what you want to be read.",
        )


def _empty(name: str, actual: str) -> InvalidRequest:
    return InvalidRequest("empty_file", f"{name} is empty.", expected="a file with text in it", actual=actual)
