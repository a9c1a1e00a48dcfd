"""A document's blocks to chunks: pieces that fit the embedding model, cut at the document's own joints. Pure.

Sentences, rows and lines are never cut, unless one alone is over the bound. A chunk stays in its section, and in its
table. In running text a chunk begins with the last sentence of the one before, so that what hangs together over the cut
is found from both sides; in a table it begins with the table's header.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from msgspec import Struct

from alma.memory.knowledge.blocks import Block, Counted, Reading
from alma.memory.sentence_ends import ENDS, ends_sentence

BOUND = 720  # quarters of a token: 180 tokens; MiniLM reads 256, and counts of tokens are estimates
OVERLAP = 200  # at most, of the chunk before
_ENOUGH = 60  # of overlap: with so much no further sentence is added
_STOP = re.compile(f"[{ENDS}]")
_MARKS = b"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
_DIGITS = [b"%d" % digit for digit in range(10)]
_LINE_END = re.compile("\n")
_TITLE = 80  # characters of a heading in a place
_BETWEEN = " › "


class Chunk(Struct, frozen=True):
    """Its text is `head` and `text[start:end]`; up to `own` that is the end of the chunk before. `place`: in words;
    `section`: number of the section that it is part of."""

    start: int
    own: int
    end: int
    section: int
    place: str
    head: str = ""

    def of(self, text: str) -> str:
        own = text[self.start : self.end]
        return f"{self.head}\n{own}" if self.head else own


class _Piece(Struct, frozen=True):
    start: int
    end: int
    block: Block
    section: int


def weight(text: str) -> int:
    """Quarters of a token, by a guess that is seldom too low: four Latin letters are a token, or two digits, or two
    letters of another alphabet, or one mark, one sign of Chinese and its like, or one emoji."""
    if text.isascii():
        bare = text.encode().translate(None, _MARKS)
        return len(text) + 2 * (len(text) - len(bare)) + sum(map(bare.count, _DIGITS))
    return sum(weight(sign) if sign < "\x80" else _foreign(sign) for sign in text)


def _foreign(sign: str) -> int:
    if sign < "\u0250" or "\u2000" <= sign <= "\u206f":
        return 1
    return 2 if sign < "\u2e80" else 4


def chunks_of(reading: Reading) -> list[Chunk]:
    """In order; together they have all of the text but white space."""
    return _Cutter(reading).run()


class _Cutter:
    def __init__(self, reading: Reading) -> None:
        self._text = reading.text
        self._blocks = reading.blocks
        self._places = _Places(reading.text, reading.counted)
        self._chunks: list[Chunk] = []
        self._pieces: list[_Piece] = []  # of the chunk that is open
        self._before: list[_Piece] = []  # of the chunk before
        self._start = 0
        self._head = ""
        self._weight = 0

    def run(self) -> list[Chunk]:
        section, page = 0, 0
        for block in self._blocks:
            if block.kind == "heading" or block.page > page:
                section += 1
            page = max(block.last_page, page)
            if block.kind == "heading":
                self._places.enter(section, self._text[block.start : block.end], block.level)
            else:
                self._places.stay(section)
            self._begin(block, section)
            for start, end in _pieces(self._text, block):
                self._take(_Piece(start, end, block, section))
        self._flush()
        return self._chunks

    def _begin(self, block: Block, section: int) -> None:
        """Whether the open chunk ends before a block: it is another section or table, or the block fits into a chunk
        of its own, and not into what is left of this one."""
        if not self._pieces or self._only_headings():
            return
        last = self._pieces[-1]
        table = block.kind == "table" or last.block.kind == "table"
        if section != last.section or (table and block is not last.block):
            self._flush()
        elif self._weight > BOUND // 2:
            whole = weight(self._text[last.end : min(block.end, last.end + BOUND + 1)])
            if self._weight + whole > BOUND:
                self._flush()

    def _only_headings(self) -> bool:
        return all(piece.block.kind == "heading" for piece in self._pieces)

    def _take(self, piece: _Piece) -> None:
        if self._pieces:
            added = weight(self._text[self._pieces[-1].end : piece.end])
            if self._weight + added <= BOUND:
                self._pieces.append(piece)
                self._weight += added
                return
            self._flush()
        self._head = self._header(piece)
        own = weight(self._text[piece.start : piece.end]) + (weight(self._head) + 1 if self._head else 0)
        if self._head and own > BOUND:
            self._head, own = "", own - weight(self._head) - 1
        self._start, lead = self._overlap(piece, BOUND - own)
        self._weight = own + lead
        self._pieces = [piece]

    def _header(self, piece: _Piece) -> str:
        block = piece.block
        header = self._text[block.start : block.start + block.head]
        return header if piece.start >= block.start + block.head > block.start and weight(header) < BOUND // 2 else ""

    def _overlap(self, piece: _Piece, room: int) -> tuple[int, int]:
        """Where the chunk begins with the end of the one before, and how much that adds."""
        start, lead = piece.start, 0
        if not self._before or self._before[-1].section != piece.section or not _flows(piece):
            return start, lead
        for earlier in reversed(self._before[1:]):
            added = weight(self._text[earlier.start : piece.start])
            if not _flows(earlier) or added > min(room, OVERLAP) or lead >= _ENOUGH:
                break
            start, lead = earlier.start, added
        return start, lead

    def _flush(self) -> None:
        if not self._pieces:
            return
        said = next((piece for piece in self._pieces if piece.block.kind != "heading"), self._pieces[0])
        own, end = self._pieces[0].start, self._pieces[-1].end
        place = self._places.of(said, self._pieces, self._start)
        self._chunks.append(Chunk(self._start, own, end, said.section, place, self._head))
        self._before, self._pieces = self._pieces, []
        self._head, self._weight = "", 0


def _flows(piece: _Piece) -> bool:
    return piece.block.kind in ("paragraph", "list")


class _Places:
    """How the place of a chunk is said: `page 3 › Costs`, `Setup › Linux`, `rows 2 to 40`, `lines 10 to 55`."""

    def __init__(self, text: str, counted: Counted) -> None:
        self._text = text
        self._counted = counted
        self._line_ends = [found.start() for found in _LINE_END.finditer(text)] if counted else []
        self._path: list[tuple[int, str]] = []
        self._paths: dict[int, str] = {}

    def enter(self, section: int, title: str, level: int) -> None:
        while self._path and self._path[-1][0] >= level:
            self._path.pop()
        plain = " ".join(title.split("\n")[0].strip().strip("#").split())
        self._path.append((level, plain if len(plain) <= _TITLE else plain[: _TITLE - 1].rstrip() + "…"))
        self.stay(section)

    def stay(self, section: int) -> None:
        self._paths[section] = _BETWEEN.join(title for _, title in self._path if title)

    def of(self, said: _Piece, pieces: Sequence[_Piece], begin: int) -> str:
        """`begin`: where the overlap begins; of lines, the first that the chunk has from its beginning counts."""
        path = self._paths[said.section]
        first, last = said.block.page, max(piece.block.last_page for piece in pieces)
        if first:
            pages = f"page {first}" if first == last else f"pages {first} to {last}"
            return f"{pages}{_BETWEEN}{path}" if path else pages
        if path or not self._counted:
            return path
        start = self._whole_line(begin, pieces[0].start)
        if self._counted == "row" and start < (rows := said.block.start + said.block.head) < pieces[-1].end:
            start = rows + 1
        one, other = self._number(start), self._number(pieces[-1].end)
        return f"{self._counted} {one}" if one == other else f"{self._counted}s {one} to {other}"

    def _whole_line(self, begin: int, own: int) -> int:
        """Where the first line begins that is not begun before `begin`; at the latest at `own`."""
        before = self._text.rfind("\n", 0, begin) + 1
        if self._text[before:begin].strip():
            begin = self._text.find("\n", begin, own) + 1 or own
        while begin < own and self._text[begin].isspace():
            begin += 1
        return begin

    def _number(self, at: int) -> int:
        return bisect_right(self._line_ends, at - 1) + 1


def _pieces(text: str, block: Block) -> Iterator[tuple[int, int]]:
    """What is not to be cut any further, without white space around it; cut all the same where it is over the bound."""
    for start, end in _whole(text, block):
        while start < end and text[start].isspace() and block.kind != "code":
            start += 1
        while start < end and text[end - 1].isspace():
            end -= 1
        yield from _bounded(text, start, end)


def _whole(text: str, block: Block) -> Iterator[tuple[int, int]]:
    match block.kind:
        case "heading":
            yield block.start, block.end
        case "paragraph":
            yield from _sentences(text, block.start, block.end)
        case "list":
            for start, end in _lines(text, block.start, block.end):
                if end - start > BOUND // 4:
                    yield from _sentences(text, start, end)
                else:
                    yield start, end
        case "table":
            if block.head:
                yield block.start, block.start + block.head
            yield from _lines(text, block.start + block.head, block.end)
        case "code":
            yield from _lines(text, block.start, block.end)


def _sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    at = start
    for stop in _STOP.finditer(text, start, end):
        if stop.start() < at:
            continue
        after = ends_sentence(text, stop.start())
        if after is not None and after < end:
            yield at, after
            at = after
    yield at, end


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end:
        stop = text.find("\n", start, end)
        stop = end if stop < 0 else stop
        yield start, stop
        start = stop + 1


def _bounded(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Pieces within the bound: cut after white space where there is any, else anywhere but within a sign."""
    while end > start:
        if end - start <= BOUND and weight(text[start:end]) <= BOUND:
            yield start, end
            return
        limit, left = start, BOUND
        while limit < end and left >= (cost := weight(text[limit])):
            left -= cost
            limit += 1
        cut = max(text.rfind(" ", start + 1, limit), text.rfind("\n", start + 1, limit))
        if cut <= start + (limit - start) // 2:
            cut = limit
            while cut > start + 1 and _joins(text, cut):
                cut -= 1
        stop = cut
        while text[stop - 1].isspace():
            stop -= 1
        yield start, stop
        start = cut
        while start < end and text[start].isspace():
            start += 1


def _joins(text: str, at: int) -> bool:
    """Whether the sign at a place belongs to the one before it: an accent, or a part of an emoji."""
    joiners = ("\u200d", "\ufe0f")
    return (
        unicodedata.combining(text[at]) > 0
        or text[at] in joiners
        or text[at - 1] == "\u200d"
        or "\U0001f3fb" <= text[at] <= "\U0001f3ff"
    )
