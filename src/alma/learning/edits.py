"""What edits of answers have in common, as notes: shorter, no greeting, a list, a language, a unit. Pure.

Each rule looks at one answer and what its owner made of it, and says a note that would have brought the one to the
other, or nothing. What most edits say, and at least two, is a regularity.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Sequence

from msgspec import Struct

LEAST = 2  # edits that must say the same,
SHARE = 0.5  # and of all of them that part
_SHORTER = 0.6  # of its words are left
_GREETING = re.compile(
    r"\s*(?:hi|hello|hey|dear|greetings|good (?:morning|day|evening)|sure|certainly|of course)\b", re.I
)
_OFFER = re.compile(
    r"(?:let me know|i hope (?:this|that)|feel free|happy to help|anything else|further questions)[^\n]*\s*\Z", re.I
)
_ITEM = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+\S", re.M)
_WORD = re.compile(r"[^\W\d_]+")
_LANGUAGES = {
    "English": "the and is are of to in that it with for you not this",
    "German": "der die das und ist sind nicht ein eine mit für auf zu von sie",
    "French": "le la les et est sont des une dans pour pas que avec vous",
    "Spanish": "el los las y es son una en para no que con por se",
    "Italian": "il gli e è sono una per non che con di della nel si",
    "Portuguese": "o os as e é são uma em para não que com do da",
    "Dutch": "de het en is zijn een niet met voor op van dat te",
}
_STOP = {name: frozenset(words.split()) for name, words in _LANGUAGES.items()}
_UNITS = {
    "km": r"km|kilomet(?:re|er)s?",
    "miles": r"mi|miles?",
    "kg": r"kg|kilograms?|kilos?",
    "pounds": r"lbs?|pounds?",
    "°C": r"°\s?C|degrees? celsius",
    "°F": r"°\s?F|degrees? fahrenheit",
    "cm": r"cm|centimet(?:re|er)s?",
    "inches": r"inch(?:es)?",
    "metres": r"m|met(?:re|er)s?",
    "feet": r"ft|feet|foot",
}
_UNIT = {
    **{name: re.compile(rf"\d\s?(?:{forms})(?!\w)") for name, forms in _UNITS.items()},
    "euros": re.compile(r"€\s?\d|\d\s?(?:€|EUR\b|euros?\b)"),
    "dollars": re.compile(r"\$\s?\d|\d\s?(?:\$|USD\b|dollars?\b)"),
}


class Edit(Struct, frozen=True):
    """An answer, and what its owner made of it."""

    run_id: str
    answer: str
    wanted: str


class Regularity(Struct, frozen=True):
    """`runs`: whose edits say so."""

    text: str
    runs: list[str]


def _shorter(edit: Edit) -> str:
    before, after = len(edit.answer.split()), len(edit.wanted.split())
    return "shorter" if before >= 12 and after <= _SHORTER * before else ""


def _no_greeting(edit: Edit) -> str:
    gone = _GREETING.match(edit.answer) and not _GREETING.match(edit.wanted)
    return "Begin with the answer itself, without a greeting." if gone else ""


def _no_offer(edit: Edit) -> str:
    gone = _OFFER.search(edit.answer) and not _OFFER.search(edit.wanted)
    return "End with the answer, without an offer of more help." if gone else ""


def _list(edit: Edit) -> str:
    before, after = len(_ITEM.findall(edit.answer)), len(_ITEM.findall(edit.wanted))
    if before < 2 <= after:
        return "Answer as a list, one point a line."
    return "Answer in sentences, not as a list." if after < 2 <= before else ""


def language(text: str) -> str:
    """By its commonest small words; empty where it cannot be told."""
    words = [word.casefold() for word in _WORD.findall(text)]
    counts = {name: sum(word in small for word in words) for name, small in _STOP.items()}
    best, second = sorted(counts, key=lambda name: -counts[name])[:2]
    return best if counts[best] >= 2 and counts[best] > counts[second] else ""


def _language(edit: Edit) -> str:
    before, after = language(edit.answer), language(edit.wanted)
    return f"Answer in {after}." if after and before and before != after else ""


def _unit(edit: Edit) -> str:
    before = {name for name, form in _UNIT.items() if form.search(edit.answer)}
    after = {name for name, form in _UNIT.items() if form.search(edit.wanted)}
    gone, come = sorted(before - after), sorted(after - before)
    return f"Give figures in {come[0]}, not in {gone[0]}." if len(gone) == 1 and len(come) == 1 else ""


_RULES: tuple[Callable[[Edit], str], ...] = (_shorter, _no_greeting, _no_offer, _list, _language, _unit)


def regularities(edits: Sequence[Edit]) -> list[Regularity]:
    """What most of them say, what the most say first."""
    found: dict[str, list[Edit]] = {}
    for rule in _RULES:
        for edit in edits:
            if text := rule(edit):
                found.setdefault(text, []).append(edit)
    kept = {text: by for text, by in found.items() if len({one.run_id for one in by}) >= LEAST}
    kept = {text: by for text, by in kept.items() if len(by) >= SHARE * len(edits)}
    ordered = sorted(kept.items(), key=lambda one: -len(one[1]))
    return [Regularity(_worded(text, by), list(dict.fromkeys(one.run_id for one in by))) for text, by in ordered]


def _worded(text: str, edits: Sequence[Edit]) -> str:
    if text != "shorter":
        return text
    words = statistics.median(len(one.wanted.split()) for one in edits)
    return f"Keep answers short: about {max(5 * round(words / 5), 5)} words."
