"""The text of a memory as it is kept, and how it is known again. Pure."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from functools import lru_cache

from alma.errors import InvalidRequest
from alma.memory.records import MOST_CHARS
from alma.memory.sameness import in_one_way
from alma.security.text import composed

_UNKEPT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


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


def check_worded(text: str) -> None:
    """What somebody asks to keep says something: it has a letter, a digit, or a sign such as an emoji. Not asked of
    what is kept as it was said or stands in a file, where a message may be `???` and a passage a row of dashes.
    Raises `InvalidRequest` (empty_memory)."""
    if not any(unicodedata.category(sign)[0] in "LN" or unicodedata.category(sign) == "So" for sign in text):
        raise InvalidRequest("empty_memory", "There is nothing to remember.", expected="a text with a word in it")


def tidy(text: str) -> str:
    """As `cleaned`, of any length, and no text at all too."""
    return composed(_UNKEPT.sub("", text))


@lru_cache(1024)  # each is asked for when it is prepared, kept and looked for in its batch
def hash_of(text: str) -> bytes:
    """Equal for texts that say the same: see `sameness.py`. 16 bytes."""
    return hashlib.blake2b(in_one_way(text).encode(), digest_size=16).digest()
