"""CSV and TSV to one table: the dialect is found out, each row becomes a line, the header is known. Pure."""

from __future__ import annotations

import csv
import io
import re
import sys

from alma.memory.knowledge.blocks import Block, Composer
from alma.memory.knowledge.markup import row_line

_SAMPLE = 16_384  # characters that the dialect is guessed from
_NUMBER = re.compile(r"[-+(]?[\s$€£¥%]*\d[\d\s.,:/%-]*[)%€$]?$")


def grid(text: str, format_: str) -> tuple[str, list[Block]]:
    """One line for each row, also for those that are empty, so that the number of a line is that of its row."""
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    rows = list(csv.reader(io.StringIO(text, newline=""), _dialect(text, format_)))
    while rows and not any(cell.strip() for cell in rows[-1]):
        rows.pop()
    lines = [row_line(row) for row in rows]
    composer = Composer()
    head = len(lines[0]) if len(lines) > 1 and _is_header(rows) else 0
    if lines and not lines[0]:
        lines[0] = "(empty)"  # so that the first line is the first row
    composer.add("table", "\n".join(lines), head=head)
    return composer.text, composer.blocks


def _dialect(text: str, format_: str) -> type[csv.Dialect]:
    """By what parts the first rows most evenly outside of quotes; `csv.Sniffer` is fooled by quoted line ends."""
    best, delimiter = 0.0, "\t" if format_ == "tsv" else ","
    for candidate in (delimiter, ",", ";", "\t", "|"):
        widths = [len(row) for row in csv.reader(io.StringIO(text[:_SAMPLE], newline=""), delimiter=candidate)][:50]
        widths = [width for width in widths if width]
        if not widths or max(widths) < 2:
            continue
        usual = max(set(widths), key=widths.count)
        evenness = widths.count(usual) / len(widths) if usual > 1 else 0.0
        if evenness > best:
            best, delimiter = evenness, candidate

    class Found(csv.excel):
        pass

    Found.delimiter = delimiter
    return Found


def _is_header(rows: list[list[str]]) -> bool:
    """Names, each once and none a number, over rows that are not all so."""
    first = [cell.strip() for cell in rows[0]]
    named = [cell for cell in first if cell]
    if not named or len(named) < len(first) / 2 or len(set(named)) < len(named):
        return False
    return not any(_NUMBER.match(cell) for cell in named) and max(map(len, named)) <= 80
