"""What can be seen of a text's tokens without its tokenizer: how many letters, digits, signs and foreign characters.

`calibration.py` weighs these; `estimate` is for who has nothing to calibrate with. Pure.
"""

from __future__ import annotations

import string
from collections import OrderedDict
from collections.abc import Callable, Hashable
from math import ceil
from typing import Generic, TypeVar

from alma.asked import Asked

Value = TypeVar("Value")


def _leads(*ranges: tuple[int, int]) -> bytes:
    return bytes(byte for first, last in ranges for byte in range(first, last + 1))


# A character's class is told by the first byte of its UTF-8, and counting bytes of a set is one pass in C.
_LETTERS = string.ascii_letters.encode()
_CAPITALS = string.ascii_uppercase.encode()
_DIGITS = string.digits.encode()
_SIGNS = string.punctuation.encode()
_FOREIGN = (
    _leads((0xC3, 0xC9)),  # Latin with accents
    _leads((0xCA, 0xCF)),  # Greek
    _leads((0xD0, 0xD3)),  # Cyrillic
    _leads((0xD4, 0xDF)),  # Armenian, Hebrew, Arabic
    _leads((0xE0, 0xE1)),  # Indic scripts, Thai, Georgian
    _leads((0xC2, 0xC2), (0xE2, 0xE2), (0xEF, 0xEF)),  # signs and dashes, full-width forms
    _leads((0xF0, 0xF4)),  # emoji
    _leads((0xE3, 0xE9)),  # kana, Han
    _leads((0xEA, 0xED)),  # Hangul
)
_NOTHING = (0,) * len(_FOREIGN)
FEATURES = 6 + len(_FOREIGN)
Features = tuple[int, ...]
_SAMPLE = 20_000  # characters of a piece that are looked at


def features(text: str) -> Features:
    """How often a text has what tokens are made of: lower-case letters, capitals, words, digits, signs, quarters of the
    white space that separates no words (indentation), then non-ASCII characters by script. About 10 ns a character."""
    data = text.encode("utf-8", "replace")
    size = len(data)
    words = len(data.split())
    capitals = size - len(data.translate(None, _CAPITALS))
    letters = size - len(data.translate(None, _LETTERS)) - capitals
    digits = size - len(data.translate(None, _DIGITS))
    signs = size - len(data.translate(None, _SIGNS))
    spare = max(0, data.count(b" ") + data.count(b"\n") - words + 1) // 4
    foreign = _NOTHING if text.isascii() else tuple(size - len(data.translate(None, leads)) for leads in _FOREIGN)
    return (letters, capitals, words, digits, signs, spare, *foreign)


def estimate(text: str) -> int:
    """Tokens of `text`, guessed on the safe side: 3 ASCII characters a token, and 1.2 tokens for every other character.

    English prose is nearer to 4 characters a token, source code to 3; Chinese and Japanese to 1 token a character. The
    guess is used to keep prompts inside a window, so it must not be low."""
    if text.isascii():
        return ceil(len(text) / 3)
    ascii_count = len(text.encode("ascii", "ignore"))
    return ceil(ascii_count / 3 + (len(text) - ascii_count) * 1.2)


class Live:
    """Counts the pieces of one stream as they come. A piece of at most `long` characters is a token, and nobody asks;
    longer ones are weighed, and what rounding took from one is given to the next. No piece is less than one token."""

    __slots__ = ("_carry", "_weigh", "long")

    def __init__(self, long: int, weigh: Callable[[str], float]) -> None:
        self.long = long
        self._weigh = weigh
        self._carry = 0.0

    def count(self, text: str) -> int:
        seen = text[:_SAMPLE]
        weight = self._weigh(seen) * (len(text) / len(seen)) + self._carry
        tokens = max(1, round(weight))
        self._carry = weight - tokens
        return tokens


class ByText(Generic[Value]):
    """What is known of texts; keeps the `size` used last. Of a text it keeps a hash and the length, so its size does
    not depend on theirs."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.asked = Asked()
        self._known: OrderedDict[Hashable, Value] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def get(self, text: str) -> Value | None:
        key = (hash(text), len(text))
        value = self._known.get(key)
        if value is not None:
            self._known.move_to_end(key)
            self.asked.hits += 1
        else:
            self.asked.missed(key)
        return value

    def put(self, text: str, value: Value) -> None:
        self._known[(hash(text), len(text))] = value
        while len(self._known) > self.size:
            self.asked.let_go(self._known.popitem(last=False)[0])

    def clear(self) -> None:
        self._known.clear()
