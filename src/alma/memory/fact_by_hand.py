"""The fact that a memory is which the user adds by hand, so that it takes the place of what was true before. Pure."""

from __future__ import annotations

import re

from msgspec.structs import replace

from alma.memory.facts import Fact, facts_in
from alma.memory.records import NewMemory

_MOST = 300  # characters: what is longer is no one fact
_MOST_AFTER = 3  # words after the fact, as in "with my wife"
_GOES_ON = re.compile(r"\b(?:and|but|or|so)\b|[,;:]")
# Facts are written of the user, and read as said by them.
_AS_SAID: list[tuple[re.Pattern[str], str]] = [
    (re.compile(r"^the user asked(?: to remember)?: ", re.IGNORECASE), ""),
    (re.compile(r"^the user wants to be called ", re.IGNORECASE), "Call me "),
    (re.compile(r"^the user's ", re.IGNORECASE), "My "),
    (re.compile(r"^the user (?:is|am)\b", re.IGNORECASE), "I am"),
    (re.compile(r"^the user (no longer )?has\b", re.IGNORECASE), r"I \1have"),
    (re.compile(r"^the user does not\b", re.IGNORECASE), "I do not"),
    (re.compile(r"^the user (was|got|grew)\b", re.IGNORECASE), r"I \1"),
    (re.compile(r"^the user ((?:no longer |only |also |now )?)(\w+[^aeious])ies\b", re.IGNORECASE), r"I \1\2y"),
    (re.compile(r"^the user ((?:no longer |only |also |now )?)(\w+(?:ch|sh))es\b", re.IGNORECASE), r"I \1\2"),
    (re.compile(r"^the user ((?:no longer |only |also |now )?)(\w+)s\b", re.IGNORECASE), r"I \1\2"),
]


def with_key(new: NewMemory) -> NewMemory:
    """As it is written, with the key of the one fact that it is; as it was where it has a key, or is something else."""
    about_user = new.scope == "owner" and new.kind in ("semantic", "procedural")
    fact = _fact_of(new.text.strip()) if about_user and not new.key and len(new.text) <= _MOST else None
    return replace(new, key=fact.key, denies=fact.denies) if fact is not None else new


def _fact_of(text: str) -> Fact | None:
    said = _said(text)
    facts = facts_in(said)
    if len(facts) != 1 or not facts[0].key or said[facts[0].start : facts[0].end] != said:
        return None
    after = said.casefold().rpartition(facts[0].text.rstrip(".").casefold().split()[-1])[2]
    return facts[0] if len(after.split()) <= _MOST_AFTER and not _GOES_ON.search(after) else None


def _said(text: str) -> str:
    for pattern, words in _AS_SAID:
        said, found = pattern.subn(words, text)
        if found:
            return said
    return text
