"""What a clause says of a thing, without what is said around it: values, names, places. Pure."""

from __future__ import annotations

import re

_AFTER = (
    r"now|nowadays|these days|at the moment|right now|currently|by the way|btw|too|as well|though|a lot|very much"
    r"|so much|any ?more|any longer|again|please|as you know|for now|of course|actually|sadly|luckily"
    r"|unfortunately|i think|already|to be honest"
    r"|since \d{4}|for (?:\d+|a|two|three|four|five|many|some|a few|several) (?:years?|months?|weeks?)(?: now)?"
)
_TAIL = re.compile(rf"(?:,? (?:{_AFTER}))+$", re.IGNORECASE)
_CUT = re.compile(
    r",? (?:and|but|so) (?:i|i'm|i've|my|we|he|she|it|they|you|that|so|can|could|then|also|what|how|please)\b.*"
    r"|,? (?:because|which|who|whom|when|while|although|though|as it|so that|where|until|unless)\b.*"
    r"|[,;:(] ?(?:please|can|could|what|how|but|so|i|he|she|they|it|remember|right|ok|by the way|btw)\b.*"
    r"|[;(…?!].*",
    re.IGNORECASE,
)
_MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
_SEASONS = f"{_MONTHS}|spring|summer|autumn|fall|winter"
_DAYS = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_WHEN = re.compile(
    r",? (?:(?:just |about |some )?(?:\d+|a|an|one|two|three|a few|several|some|many) (?:day|week|month|year)s? ago"
    rf"|(?:last|this|next) (?:week|month|year|night|weekend|{_DAYS}|{_SEASONS})|yesterday|today|recently|in \d{{4}}"
    rf"|in (?:early |late )?(?:{_SEASONS})(?: \d{{4}})?|back then|as a (?:child|kid))$",
    re.IGNORECASE,
)
_NAME = re.compile(
    r"[^\W\d_][\w'.-]*(?: (?:(?:van|de|von|der|da|dos|al|bin|la|le|di) )*[A-ZÀ-Þ][\w'.-]*)*"  # in any case at first
)
_NO_NAME = frozenset(
    re.findall(
        r"\w+",
        """a an the not back when later if at on crazy old tomorrow maybe it that in by whatever irrelevant asap to
        tonight today an anything""",
    )
)
_NO_PLACE = frozenset(
    re.findall(
        r"\w+",
        """a an my this that fear constant here there hope it our your peace one someone with for alone him her them sin
        and another harmony luxury poverty silence what which""",
    )
)


_AROUND = re.compile(r",? (?:with|together with) (?:my|our|an?|the|two|three|some)\b.*", re.IGNORECASE)
_AND_DOES = re.compile(r" (?:and|or|but) (?:work|live|study|have|do|don't|am|go)\b", re.IGNORECASE)


def value(text: str, most: int = 12) -> str:
    """At most so many words; empty: nothing that can be kept."""
    text = _CUT.sub("", text).strip(" ,.'\"*_")
    text = _TAIL.sub("", text).strip(" ,.'\"*_")
    words = text.split()
    return text if words and len(words) <= most and "…" not in text else ""


def timeless(text: str, most: int = 12) -> str:
    """The same without when it came about."""
    return _WHEN.sub("", value(text, most + 4)).strip(" ,") if len(value(text, most + 4).split()) <= most + 4 else ""


def first_word(text: str) -> str:
    return text.split()[0].casefold() if text else ""


def slug(text: str) -> str:
    """The value as part of a key."""
    return "_".join(re.findall(r"\w+", text.casefold()))[:60]


def name_in(text: str, most: int = 3) -> str:
    """The name with which the text begins; one without capitals gets them."""
    found = _NAME.match(text)
    name = found[0].strip(" .'") if found is not None else ""
    if not name or len(name.split()) > most or name.casefold() in _NO_NAME:
        return ""
    return name if any(map(str.isupper, name)) else name.title()


def place_in(text: str) -> str:
    """A city, a region, a country; empty: something else that one can live in."""
    place = timeless(_AROUND.sub("", text), 6)
    first = first_word(place)
    if _AND_DOES.search(place):
        return ""
    if first == "the":
        return place if place[4:5].isupper() else ""
    if first in _NO_PLACE or not place or (place[0].islower() and len(place.split()) > 2):
        return ""
    return place if any(map(str.isupper, place)) else place.title()
