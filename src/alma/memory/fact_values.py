"""What a clause says of a thing, without what is said around it: values, names, places. Pure."""

from __future__ import annotations

import re

from alma.memory.fact_places import is_known
from alma.memory.fact_words import DAYS, DOES, NATIONS, NOT_STATES, RELIGIONS, SERVICES, STATES, TOOLS

_AFTER = (
    r"now|nowadays|these days|at the moment|right now|currently|by the way|btw|too|as well|though|a lot|very much"
    r"|so much|any ?more|any longer|again|please|as you know|for now|of course|actually|sadly|luckily"
    r"|unfortunately|i think|already|after all|once (?:more|again)|lately|either|for (?:years|ages)"
    r"|to be honest|thanks|thank you|since \d{4}|for (?:\d+|a|two|three|four|five|many"
    r"|some|a few|several) (?:years?|months?|weeks?)(?: now)?"
)
_TAIL = re.compile(rf"(?:,? (?:{_AFTER}))+$", re.IGNORECASE)
_ADVERBS = (
    r"(?!(?:early|family|jelly|friendly|curly|lovely|elderly|ugly|silly|daily|weekly|monthly|italy|lily"
    r"|july)\b)(?:\w+ly|only|just|now|then|still|often|sometimes|usually|even|not|never|rather|quite|very|especially"
    r"|recently|so|too|hence)"
)
_CUT = re.compile(
    r",? (?:and|but|so|or) (?:i|i'm|i've|my|we|he|she|it|they|you|that|so|can|could|then|also|what|how|please"
    r"|there)\b.*|,? (?:because|which|who|whom|when|while|although|though|as it|so that|where|until|unless|except)\b.*"
    r"|,? but\b.*"
    rf"|(?:,|,? (?:and|or|nor|so|then|yet|plus))(?: (?:to|then|also|i'll|i'd))* (?:{DOES}) (?=\w|[\"']).*"
    rf"|,? (?:and|or|nor|yet|plus),? (?:{_ADVERBS}|on|in|at|of|as|if|for|to be|with|without|from|by)\b.*"
    r"|[,;:(] ?(?:please|can|could|what|how|so|i|he|she|they|it|remember|right|ok|by the way|btw|not|no|especially"
    r"|mainly|mostly|particularly|such as|e\.g\.|thanks|thank you|lol|haha|at least|at most|if|even|though|only|just"
    r"|let's|like)\b.*|[;(…?!].*",
    re.IGNORECASE,
)
_MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
_SEASONS = f"{_MONTHS}|spring|summer|autumn|fall|winter"
_WEEK = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_WHEN = re.compile(
    r",? (?:(?:just |about |some )?(?:\d+|a|an|one|two|three|a few|several|some|many) (?:day|week|month|year)s? ago"
    rf"|(?:last|this|next) (?:week|month|year|night|weekend|{_WEEK}|{_SEASONS})|yesterday|today|recently|in \d{{4}}"
    rf"|in (?:early |late )?(?:{_SEASONS})(?: \d{{4}})?|back then|as a (?:child|kid))$",
    re.IGNORECASE,
)
FOR_NOW = re.compile(
    r"\b(?:today|tonight|tomorrow|this (?:week|weekend|month|morning|afternoon|evening|time|round|sprint|summer|winter"
    r"|spring|autumn|year|term|semester)|for now|right now|for the moment|temporarily|for a (?:few )?(?:days?|weeks?"
    r"|bit|while)|until|till|for the (?:day|week|weekend|summer))\b",
    re.IGNORECASE,
)
_NAME = re.compile(
    r"[^\W\d_][\w'.-]*(?: (?:(?:van|de|von|der|da|dos|al|bin|la|le|di) )*[A-ZÀ-Þ][\w'.-]*)*"  # in any case at first
)
_AFTER_NAME = re.compile(r"\s*(?:$|[,;:!?(–—-]|(?:and|but|from|or|so|by the way|btw|now|instead|too)\b)", re.IGNORECASE)
_NO_NAME = frozenset(
    re.findall(
        r"\w+",
        """a an the not back when later if at on crazy old tomorrow maybe it that in by whatever irrelevant asap to
        tonight today an anything names up off out nobody error null undefined none user
        admin root guest test unknown anonymous""",
    )
)
_NO_PLACE = frozenset(
    re.findall(
        r"\w+",
        """a an my this that fear constant here there hope it our your peace one someone with for alone him her them sin
        and another harmony luxury poverty silence what which""",
    )
)
_IN_A_HOUSE = re.compile(
    r"(?:building|apartment|apt|room|flat|unit|block|house|section|chapter|suite|floor|level)\b|.*\btime$",
    re.IGNORECASE,
)
_AROUND = re.compile(r",? (?:with|together with) (?:my|our|an?|the|two|three|some)\b.*", re.IGNORECASE)
_ON = re.compile(
    r",? (?:and|in an?|near|by|to (?:work|live|study|teach))\b .*|, (?![A-ZÀ-Þ][\w'-]*$).*"
)  # after a place
_PROPER = re.compile(
    r"(?:the )?[A-ZÀ-ÞĀ-Ž0-9][\w'’.&+-]*(?:,? (?:(?:of|the|de|da|do|dos|del|della|di|la|le|les|van|von|der|den|am|an"
    r"|auf|upon|on|sur|und|y|e|and|&) )*(?:the )?[A-ZÀ-ÞĀ-Ž0-9][\w'’.&+-]*)*"
)


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


def is_state(text: str) -> bool:
    """Whether it says how something is, not what: "misspelled", "boring", "not so good"."""
    word = first_word(text).strip(".,")
    if word in NOT_STATES:
        return False
    return word in STATES or re.search(r"(?:[^e]ed|ful|less|ous|able|ible|ly)$", word) is not None


def is_time(text: str) -> bool:
    return first_word(text).strip(".,") in DAYS


def proper(text: str, most: int = 6) -> str:
    """The name of a place or a firm, if nothing but a name is said; empty: it is none."""
    name = timeless(text, most)
    fits = _PROPER.fullmatch(name) is not None and not is_time(name.removeprefix("the "))
    return name if fits and name not in NATIONS and any(map(str.isalpha, name)) else ""


def name_in(text: str, most: int = 3, *, small: bool = True) -> str:
    """The name with which the text begins; one without capitals gets them, if nothing else is said (`small`)."""
    found = _NAME.match(text)
    name = found[0].strip(" .'") if found is not None else ""
    if found is None or not name or len(name.split()) > most or name.casefold() in _NO_NAME:
        return ""
    if not _AFTER_NAME.match(text, found.end()) or is_time(name) or name in NATIONS or name.casefold() in RELIGIONS:
        return ""
    if any(map(str.isupper, name)):
        return name if name[0].isupper() or not is_state(name) else ""
    return name.title() if small and name == text.strip(" .'") and not is_state(name) else ""


def place_in(text: str, *, known: bool = False) -> str:
    """A city, a region, a country; empty: something else that one can live in. `known`: no other than those on the
    list. One in small letters must be there too: "fear" and "peace" are lived in as well."""
    place = timeless(_AROUND.sub("", text), 8)
    whole = proper(place)
    place = whole if " and " in whole else _ON.sub("", place)
    small = place.islower()
    if FOR_NOW.search(text) or first_word(place) in _NO_PLACE or place.casefold() in TOOLS | SERVICES:
        return ""
    if _IN_A_HOUSE.match(place) or ((known or small) and not is_known(place)):
        return ""
    return place.title() if small else proper(place)
