"""What reading a file gives: one text, and the blocks that it is made of. Frozen data; offsets count code points."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from alma.errors import InvalidRequest

BlockKind = Literal["heading", "paragraph", "list", "table", "code"]
Counted = Literal["", "line", "row"]
MOST_TEXT = 5_000_000  # characters that a file may have: about 2,000 pages


class Block(Struct, frozen=True, omit_defaults=True):
    """`text[start:end]` is of one kind. `level`: a heading's, from 1. `page`, `last_page`: where it begins and ends, 0
    where there are no pages. `head`: how many characters of a table, from its start, are its header."""

    kind: BlockKind
    start: int
    end: int
    level: int = 0
    page: int = 0
    last_page: int = 0
    head: int = 0


class Reading(Struct, frozen=True):
    """A file, read. Blocks are in order and do not overlap; between them is white space. `counted`: what the lines of
    the text are in the file, if that is a good way to name a place."""

    format: str
    text: str
    blocks: list[Block]
    counted: Counted = ""


class Composer:
    """Puts a text together from blocks, for files whose own text is not what a person sees."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self.blocks: list[Block] = []

    def add(self, kind: BlockKind, text: str, level: int = 0, page: int = 0, last_page: int = 0, head: int = 0) -> None:
        """Nothing is added for a text that is empty. Raises `InvalidRequest` (too_much_text)."""
        text = text.rstrip() if kind == "code" else text.strip()
        if not text.strip():
            return
        if self._parts:
            self._parts.append("\n\n")
            self._length += 2
        start = self._length
        self._parts.append(text)
        self._length += len(text)
        check_length(self._length)
        self.blocks.append(Block(kind, start, self._length, level, page, last_page or page, min(head, len(text))))

    @property
    def text(self) -> str:
        return "".join(self._parts)


def check_length(characters: int) -> None:
    if characters > MOST_TEXT:
        raise InvalidRequest(
            "too_much_text",
            "The file has more text than is taken from one file.",
            expected=f"at most {MOST_TEXT:,} characters",
            actual=f"{characters:,} characters or more",
            hint="Split it into several files.",
        )
