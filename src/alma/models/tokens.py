"""Counting tokens where no tokenizer is at hand."""

from __future__ import annotations

from collections import OrderedDict
from math import ceil


def estimate(text: str) -> int:
    """Tokens of `text`, guessed on the safe side: 3 ASCII characters a token, and 1.2 tokens for every other character.

    English prose is nearer to 4 characters a token, source code to 3; Chinese and Japanese to 1 token a character. The
    guess is used to keep prompts inside a window, so it must not be low."""
    if text.isascii():
        return ceil(len(text) / 3)
    ascii_count = len(text.encode("ascii", "ignore"))
    return ceil(ascii_count / 3 + (len(text) - ascii_count) * 1.2)


class CountCache:
    """Token counts by text; keeps the `size` texts used last. Long texts are kept by their hash."""

    def __init__(self, size: int = 512) -> None:
        self._size = size
        self._counts: OrderedDict[str | int, int] = OrderedDict()

    def get(self, text: str) -> int | None:
        key = _key(text)
        count = self._counts.get(key)
        if count is not None:
            self._counts.move_to_end(key)
        return count

    def put(self, text: str, count: int) -> None:
        self._counts[_key(text)] = count
        if len(self._counts) > self._size:
            self._counts.popitem(last=False)


def _key(text: str) -> str | int:
    return text if len(text) <= 4096 else hash(text)
