"""From the source of an HTML page to what a reader sees of it: headings, paragraphs, lists, tables, code. Pure."""

from __future__ import annotations

from html.parser import HTMLParser

from alma.memory.knowledge.blocks import Block, BlockKind, Composer, check_length

_HIDDEN = frozenset(["script", "style", "noscript", "template", "svg", "math", "iframe", "head", "select", "object"])
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_PARTS = "article aside body div footer form header html main nav section address blockquote figcaption figure hr p"
_BREAKS = frozenset([*_HEADINGS, *_PARTS.split(), "ul", "ol", "dl", "li", "dt", "dd", "pre", "table", "caption"])
_ITEMS = frozenset(["li", "dt", "dd"])
_CELLS = frozenset(["td", "th"])


def markup(source: str) -> tuple[str, list[Block]]:
    """The text of the page and its blocks. Where it has no heading of the first level, its title is that."""
    page = _Page()
    page.feed(source)
    page.close()
    page.flush()
    composer = Composer()
    title = " ".join("".join(page.title).split())
    if title and not any(kind == "heading" and level == 1 for kind, _, level, _ in page.found):
        composer.add("heading", title, level=1)
    for kind, text, level, head in page.found:
        composer.add(kind, text, level=level, head=head)
    return composer.text, composer.blocks


class _Page(HTMLParser):
    """Reads tags in order and keeps no tree, so that depth costs nothing."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[BlockKind, str, int, int]] = []
        self.title: list[str] = []
        self._text: list[str] = []
        self._length = 0
        self._hidden = ""  # the element that hides what is in it, and how deep in its like
        self._depth = 0
        self._in_title = False
        self._level = 0  # of the heading that is open
        self._pre = False
        self._items: list[str] = []
        self._tables = 0
        self._rows: list[list[str]] = []
        self._headed = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if tag == "title" and self._hidden in ("", "head"):
            self._in_title = not self.title
        elif tag == "body":
            self._hidden, self._depth, self._in_title = "", 0, False
        elif self._hidden:
            self._depth += tag == self._hidden
        elif tag in _HIDDEN:
            self._hidden, self._depth = tag, 1
        elif self._tables:
            self._start_in_table(tag)
        elif tag == "table":
            self.flush()
            self._tables, self._rows, self._headed = 1, [], False
        elif tag == "br":
            self._text.append("\n")
        elif tag in _BREAKS:
            self._break(tag)
            self._level = _HEADINGS.get(tag, 0)
            self._pre = tag == "pre"

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _HIDDEN:  # <svg/> hides nothing
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._in_title = False
        elif self._hidden:
            self._depth -= tag == self._hidden
            if not self._depth:
                self._hidden = ""
        elif self._tables:
            if tag == "table":
                self._tables -= 1
                if not self._tables:
                    self._end_table()
        elif tag in _BREAKS:
            self._break(tag)

    def handle_data(self, data: str) -> None:
        self._length += len(data)
        check_length(self._length)
        if self._in_title:
            self.title.append(data)
        elif self._hidden:
            return
        elif self._tables and self._rows and self._rows[-1]:
            self._rows[-1][-1] += data
        elif not (self._tables and not data.strip()):
            self._text.append(data if self._pre else data.replace("\n", " "))

    def parse_marked_section(self, i: int, report: bool = True) -> int:
        """`<![anything[`, on which the parser gives up: what ends at the next `>` is passed over."""
        try:
            return super().parse_marked_section(i, report)
        except AssertionError:
            return self.parse_bogus_comment(i)

    def flush(self) -> None:
        """Close the text that is open, and the list before it."""
        if self._tables:
            self._tables = 0
            self._end_table()
        self._end_text()
        self._end_list()

    def _break(self, tag: str) -> None:
        self._end_text()
        if tag not in _ITEMS and tag not in ("ul", "ol", "dl", "p", "div"):
            self._end_list()
        if tag in _ITEMS:
            self._items.append("")

    def _end_text(self) -> None:
        raw, self._text = "".join(self._text), []
        if self._pre:
            self._pre = False
            self._add("code", raw.strip("\n"))
            return
        text = "\n".join(" ".join(line.split()) for line in raw.split("\n")).strip()
        if not text:
            return
        if self._level:
            self._add("heading", " ".join(text.split()), level=self._level)
            self._level = 0
        elif self._items:
            self._items[-1] = f"{self._items[-1]} {text}".strip()
        else:
            self._add("paragraph", text)

    def _end_list(self) -> None:
        items, self._items = [" ".join(item.split()) for item in self._items if item.strip()], []
        if items:
            self._add("list", "\n".join(f"- {item}" for item in items))

    def _start_in_table(self, tag: str) -> None:
        if tag == "table":
            self._tables += 1
        elif self._tables > 1 or tag in ("br", "p", "div", "li"):  # a table in a cell is a part of its text
            if self._rows and self._rows[-1]:
                self._rows[-1][-1] += " "
        elif tag == "tr":
            self._rows.append([])
        elif tag in _CELLS:
            if not self._rows:
                self._rows.append([])
            self._headed = self._headed or (tag == "th" and len(self._rows) == 1)
            self._rows[-1].append("")

    def _end_table(self) -> None:
        self._end_text()
        lines = [row_line(row) for row in self._rows]
        lines = [line for line in lines if line]
        head = len(lines[0]) if self._headed and len(lines) > 1 else 0
        self._add("table", "\n".join(lines), head=head)

    def _add(self, kind: BlockKind, text: str, level: int = 0, head: int = 0) -> None:
        if text.strip():
            self.found.append((kind, text, level, head))


def row_line(cells: list[str]) -> str:
    """A row of a table as one line. Empty where all of its cells are."""
    tidy = [" ".join(cell.split()) for cell in cells]
    return " | ".join(tidy) if any(tidy) else ""
