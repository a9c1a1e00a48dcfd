"""The text of a memory as it is kept, and when two of them say the same. Pure."""

from __future__ import annotations

import hashlib
import re
import unicodedata

from alma.errors import InvalidRequest
from alma.memory.records import MOST_CHARS

NEAR = 0.95  # the least cosine of two texts that are taken for the same
_UNKEPT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_SENTENCE_START = re.compile(r"(?:^|[.!?…:]\s+|\n\s*|[\"“(*•-]\s*)$")
_NEGATING = """no not never none nobody nothing neither nor without cannot hardly nein nicht kein keine keinen keiner
nie niemals ohne non ne pas jamais sans nunca nadie sin не нет никогда"""
_NEGATIONS = frozenset(_NEGATING.split())


def cleaned(text: str) -> str:
    """Composed (NFC), without what no database keeps: control characters but newline and tab, and lone surrogates.
    Raises `InvalidRequest` (empty_memory, memory_too_long)."""
    text = tidy(text.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if not text:
        raise InvalidRequest("empty_memory", "There is nothing to remember.", expected="a text with a word in it")
    if len(text) > MOST_CHARS:
        raise InvalidRequest(
            "memory_too_long",
            f"A memory has at most {MOST_CHARS:,} characters.",
            expected=f"at most {MOST_CHARS:,} characters",
            actual=f"{len(text):,}",
            hint="Keep what matters of it, or put it into the knowledge base as a file.",
        )
    return text


def tidy(text: str) -> str:
    """As `cleaned`, of any length, and no text at all too."""
    return unicodedata.normalize("NFC", _UNKEPT.sub("", text))


def hash_of(text: str) -> bytes:
    """Equal for texts that differ only in case, white space and how accents are written. 16 bytes."""
    plain = " ".join(unicodedata.normalize("NFC", text.casefold()).split())
    return hashlib.blake2b(plain.encode(), digest_size=16).digest()


def same_facts(one: str, other: str) -> bool:
    """Whether two texts of like meaning agree in what a vector hardly tells apart: numbers, negations and names."""
    return _facts(one) == _facts(other)


def _facts(text: str) -> tuple[list[str], list[str], set[str]]:
    """Numbers in order; negations; words with a capital that do not begin a sentence."""
    numbers = _NUMBER.findall(text)
    negations: list[str] = []
    names: set[str] = set()
    for found in _WORD.finditer(text):
        word = found.group()
        low = word.casefold().replace("’", "'")
        if low in _NEGATIONS or low.endswith("n't"):
            negations.append("not" if low != "without" else low)
        elif word[0].isupper() and ((len(word) > 1 and word.isupper()) or not _begins(text, found.start())):
            names.add(low)
    return numbers, negations, names


def _begins(text: str, at: int) -> bool:
    return _SENTENCE_START.search(text[max(0, at - 8) : at]) is not None
