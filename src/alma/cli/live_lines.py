"""Lines at the bottom of a terminal that are written anew in place. Knows nothing of what they say."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TextIO

from alma.cli.terminal import is_terminal, safe


def can_redraw(stream: TextIO) -> bool:
    return is_terminal(stream) and os.environ.get("TERM") != "dumb"


def size(stream: TextIO) -> os.terminal_size:
    """Columns and rows of the terminal; where they cannot be had, those of an old one."""
    try:
        found = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        return os.terminal_size((80, 24))
    return os.terminal_size((found.columns or 80, found.lines or 24))


class LiveLines:
    """The cursor stands below the lines. They must be no wider than the terminal, and fewer than its rows."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._drawn: list[str] = []

    def draw(self, lines: Sequence[str]) -> None:
        """Put these lines in place of those that are there."""
        shown = [safe(line).replace("\n", " ").replace("\t", " ") for line in lines]
        if shown != self._drawn:
            self._stream.write(self._up() + "".join(f"{line}\x1b[K\n" for line in shown))
            self._stream.flush()
            self._drawn = shown

    def erase(self) -> None:
        """Take them away, so that something can be written where they were."""
        if self._drawn:
            self._stream.write(self._up())
            self._stream.flush()
            self._drawn = []

    def leave(self) -> None:
        """Let them stand as they are; what is drawn next comes below."""
        self._drawn = []

    def _up(self) -> str:
        return f"\x1b[{len(self._drawn)}A\r\x1b[J" if self._drawn else ""
