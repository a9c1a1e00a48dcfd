"""Writing for people: colour where a terminal can show it, plain text everywhere else."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import Literal, TextIO

from alma.errors import AlmaError
from alma.security.text import visible

Style = Literal["bold", "dim", "red", "green", "yellow"]
_CODES: dict[Style, str] = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33"}
# Escape sequences in a model's answer could rewrite the screen: of all control characters only these two pass.
_UNSAFE = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0)])
_UNSAFE.pop(ord("\n"))
_UNSAFE.pop(ord("\t"))


def is_terminal(stream: TextIO) -> bool:
    return stream.isatty()


def styled(text: str, style: Style, stream: TextIO) -> str:
    """`text` in a style, where `stream` is a terminal and NO_COLOR is not set."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not is_terminal(stream)
    return text if plain else f"\x1b[{_CODES[style]}m{text}\x1b[0m"


def safe(text: str) -> str:
    """`text` without what a terminal would obey instead of show, and with what deceives written out."""
    return visible(text.translate(_UNSAFE))


def note(text: str) -> None:
    """A line beside the result: to standard error, so that standard output stays what was asked for."""
    print(styled(safe(text), "dim", sys.stderr), file=sys.stderr, flush=True)


def print_error(error: AlmaError) -> None:
    print(f"{styled('alma:', 'red', sys.stderr)} {safe(error.message)}", file=sys.stderr)
    for label, text in (("expected", error.expected), ("got", error.actual), ("→", error.hint)):
        if text:
            print(f"  {label} {safe(text)}", file=sys.stderr)


def print_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Columns as wide as their longest cell; the last one as long as it likes."""
    cells = [[safe(cell).replace("\n", " ") for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in [list(heads), *cells]) for column in range(len(heads))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in [heads, *cells]]
    print(styled(lines[0].rstrip(), "bold", sys.stdout))
    for line in lines[1:]:
        print(line.rstrip())


def confirmed(question: str) -> bool:
    """Ask on the terminal; without one the answer is no."""
    if not is_terminal(sys.stdin):
        return False
    return input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}
