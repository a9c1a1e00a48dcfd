"""Running text cut into sentences while it is still being written.

A unit is a sentence of prose, an item of a list, a row of a table, a heading, or a block of code. `Cutter` gives each
as soon as nothing that may follow can change it: every decision looks at a bounded piece of text and waits until that
is there, so that the cuts do not depend on the pieces in which the text came. Each character is looked at a bounded
number of times. Which points end a sentence is `sentence_ends.py`'s. Offsets count code points.
"""

from __future__ import annotations

import re
from typing import Literal

from alma.memory.sentence_ends import AHEAD, ENDS, WIDE_ENDS, ends_sentence

Cut = tuple[int, int]
_Block = Literal["prose", "heading", "item", "row", "code"]
SHORT = 25  # characters of a sentence that is joined with the next one,
_SHORT_WIDE = 10  # and of one in Chinese or Japanese
LONG = 600  # of one that is cut though it has no end
CODE = 1200  # of a block of code that is cut
_PHRASES = 80  # of Thai, Lao, Khmer or Burmese, after which a space ends the unit: a space is all they have
_LINE = 48  # characters by which a line shows what it is

_KIND = re.compile(
    r"(?P<code>```[^`\n]*(?=\n|$)|~~~)|(?P<heading>#{1,6}[ \t]+\S)|(?P<row>\|)"
    r"|(?P<item>(?:[-*+•–·]|\(?\d{1,3}[.)]|\(?[a-zA-Z]\))[ \t]+\S)"
)
_STOP = re.compile(f"[{ENDS}]|\n|(?<=[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]) ")
_EMPTY_ROW = re.compile(r"[^\w\n]*$")
_BLANK_LINE = re.compile(r"\n[ \t]*\n")


def cut(text: str) -> list[Cut]:
    """All units of a text that is complete."""
    cutter = Cutter()
    return [*cutter.feed(text), *cutter.finish(text)]


class Cutter:
    """Of one text that grows at its end. Give it the whole text each time; it gives what is new."""

    def __init__(self) -> None:
        self._start: int | None = None  # of the open unit
        self._at = 0  # all before was looked at
        self._fresh = True  # a line begins where the next unit does
        self._block: _Block = "prose"
        self._fence = ""  # of the open block of code
        self._possible = 0  # in the open unit, the last place where a long one may be cut

    @property
    def done(self) -> int:
        """All before this was given."""
        return self._at if self._start is None else self._start

    def feed(self, text: str) -> list[Cut]:
        """Units (start, end) that have become certain, in order."""
        return self._cuts(text, whole=False)

    def finish(self, text: str) -> list[Cut]:
        """The rest: nothing more will come."""
        return self._cuts(text, whole=True)

    @property
    def _in_code(self) -> bool:
        return self._block == "code"

    def _cuts(self, text: str, *, whole: bool) -> list[Cut]:
        found: list[Cut] = []
        while (end := self._next(text, whole)) is not None:
            assert self._start is not None
            stripped = end
            while text[stripped - 1].isspace():
                stripped -= 1
            found.append((self._start, stripped))
            self._start, self._at, self._possible = None, end, 0
            self._fresh = text[end - 1] == "\n"
        return found

    def _next(self, text: str, whole: bool) -> int | None:
        """Where the open unit ends; None: that is not certain yet, or there is none."""
        if self._start is None and not self._begin(text, whole):
            return None
        assert self._start is not None
        if self._in_code:
            return self._code_end(text, whole)
        limit = self._start + LONG
        for stop in _STOP.finditer(text, self._at, min(len(text), limit)):
            if stop.start() < self._at:
                continue  # before the line that was entered
            if not whole and stop.end() + max(AHEAD, _LINE) > len(text):
                self._at = stop.start()
                return None
            if (end := self._ends(text, stop.start())) is not None:
                return end
            if self._in_code:
                return self._code_end(text, whole)
        if len(text) >= limit:
            return self._forced(text, limit)
        self._at = max(self._at, len(text) - 1) if not whole else self._at
        return len(text) if whole else None

    def _begin(self, text: str, whole: bool) -> bool:
        """Go to the first character of the next unit."""
        at = self._at
        while at < len(text) and text[at].isspace():
            at += 1
        self._fresh = self._fresh or "\n" in text[self._at : at]
        self._at = at
        if at == len(text) or (not whole and at + _LINE > len(text)):
            return False
        if self._fresh and not self._in_code:
            self._enter(text, at, _kind(text, at, at + _LINE))
        self._start = at
        return True

    def _enter(self, text: str, line: int, block: _Block) -> None:
        """A line begins here that is not the continuation of another one."""
        self._block, self._at = block, line
        if block == "code":
            self._fence = text[line : line + 3]

    def _ends(self, text: str, at: int) -> int | None:
        """Where the unit ends, if it does so at this stop."""
        assert self._start is not None
        if text[at] == "\n":
            return self._line_ends(text, at)
        end = _phrase_end(text, at, self._start) if text[at] == " " else ends_sentence(text, at)
        least = _SHORT_WIDE if text[at] in WIDE_ENDS else SHORT
        if end is None or end - self._start < least or self._block in ("heading", "row"):
            return None
        if self._block == "item":
            self._possible = end
            return None
        return end

    def _line_ends(self, text: str, at: int) -> int | None:
        assert self._start is not None
        begins = _text_begins(text, at + 1)
        blank = begins is None or "\n" in text[at + 1 : begins]
        kind: _Block = "prose" if begins is None else _kind(text, begins, at + 1 + _LINE)
        indented = begins is not None and not blank and begins - at > 2
        goes_on = not blank and kind == "prose" and (self._block == "prose" or (self._block == "item" and indented))
        if goes_on:
            return None
        stands = self._block == "item" or (self._block == "row" and not _EMPTY_ROW.match(text, self._start, at))
        if stands or at - self._start >= SHORT:
            return at + 1
        if begins is not None:  # too short to stand alone: it goes before what follows
            self._enter(text, begins, kind)
        return None

    def _forced(self, text: str, limit: int) -> int:
        """Where a unit without an end is cut: after a possible end, else after a space, else anywhere."""
        assert self._start is not None
        if self._possible > self._start:
            return self._possible
        space = max(text.rfind(mark, self._start + LONG // 2, limit) for mark in (" ", "\n", "\t"))
        return limit if space < 0 else space + 1

    def _code_end(self, text: str, whole: bool) -> int | None:
        """After the line that closes the block; or where it is cut for being long."""
        assert self._start is not None
        limit = self._start + CODE
        at = self._at
        while (at := text.find("\n", at, limit)) >= 0:
            if not whole and at + 1 + _LINE > len(text):
                self._at = at
                return None
            begins = _text_begins(text, at + 1)
            if begins is not None and text.startswith(self._fence, begins):
                seen = min(at + 1 + _LINE, len(text))
                line_end = text.find("\n", begins, seen)
                line_end = seen if line_end < 0 else line_end
                if not text[begins + 3 : line_end].strip(self._fence[0] + " \t\r"):
                    self._block = "prose"
                    return line_end
            at += 1
        if len(text) >= limit:
            blank = [found.start() for found in _BLANK_LINE.finditer(text, self._start + SHORT, limit)]
            line = text.rfind("\n", self._start + SHORT, limit)
            return blank[-1] + 1 if blank else line + 1 if line > 0 else limit
        return len(text) if whole else None


def _kind(text: str, line: int, horizon: int) -> _Block:
    """Of the line whose first character is at `line`, by what it has before the `horizon`."""
    found = _KIND.match(text, line, horizon)
    if found is None:
        return "prose"
    kind: _Block = found.lastgroup  # pyright: ignore[reportAssignmentType]  # the groups are named so
    return kind


def _text_begins(text: str, line: int) -> int | None:
    """The first character that is not white, of what can be seen from here."""
    at, end = line, min(line + _LINE, len(text))
    while at < end:
        if not text[at].isspace():
            return at
        at += 1
    return None


def _phrase_end(text: str, at: int, start: int) -> int | None:
    """After a space between two phrases of a script that ends its sentences so."""
    follows = text[at + 1 : at + 2]
    return at + 1 if at - start >= _PHRASES and "\u0e00" <= follows <= "\u17ff" else None
