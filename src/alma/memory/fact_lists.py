"""Things that are named together ("jazz, old maps and red and white wine"), each for itself. Pure.

Where it is not certain that a list is meant, the words stay together: one memory that holds two things is better than
one that says what nobody said.
"""

from __future__ import annotations

import re
from itertools import takewhile

from alma.memory.fact_values import first_word, is_state, value
from alma.memory.fact_words import ADJECTIVES, NATIONS, PAIRS

_MOST_WORDS = 40  # of a list
_SHORT = 3  # words of a thing, where nothing but commas stands between them
_AND = re.compile(r"(?:,\s*)?\s+(?:and(?: also| even)?|as well as|&|plus)\s+(?:the (?=odd\b))?", re.IGNORECASE)
_AND_OR = re.compile(r"(?:,\s*)?\s+(?:and|or|nor|and/or|as well as|&)\s+", re.IGNORECASE)
_COMMA = re.compile(r",\s+")
_PAIR = re.compile(rf"\b(?:{PAIRS})\b", re.IGNORECASE)
_GLUE = "\x01"  # stands for the "and" within a pair
_PREPOSITION = re.compile(
    r"\b(?:about|of|with|from|in|by|for|on|between|without|against|under|near|than|as|at|like|to|over|more|less)\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"\b(?:is|are|was|were|isn't|aren't|will|would|can|could|has|does|did|don't|doesn't)\b", re.I)
_OTHERWISE = re.compile(r"(?:\w+ly to|that|so|then|not|never|and|or|but)\b", re.IGNORECASE)  # "... and mildly to soy"
# A verb that goes on: "carry an EpiPen", "meditate daily", "sing".
_DOES = re.compile(
    r"(?!both|half|such|all|not|even|also)[a-z]+ (?:an?|the|my|our|your|his|her|it|them|me|this|that)\b"
    r"|(?:sing|swim|cook|bake|read|write|knit|sew|hike|smoke|itch|sneeze|cough|faint|vomit)$"
)
_SO = re.compile(r"\w (?:\w+ly|late|often|well|fast|every (?:day|week|morning|night)|a lot|at all)$", re.IGNORECASE)
_COUNT = r"(?:an?|no|one|two|three|four|five|six|\d{1,2})"
_NEXT_COUNTED = re.compile(rf"(?:,\s*)?\s+and\s+(?:also )?(?={_COUNT} )|,\s+(?={_COUNT} )", re.IGNORECASE)


def all_of(text: str) -> list[str]:
    """ "A, B and C": three; "A or B": one."""
    return _members(text, _AND)


def any_of(text: str) -> list[str]:
    """Of what is denied: "A or B" are two."""
    return _members(text, _AND_OR)


def counted(text: str) -> list[str]:
    """ "Two cats and a dog called Rex": two. "Two kids, Ben and Mia": one."""
    return [part.strip(" ,") for part in _NEXT_COUNTED.split(value(text, _MOST_WORDS)) if part.strip(" ,")]


def _members(text: str, joint: re.Pattern[str]) -> list[str]:
    whole = value(text, _MOST_WORDS)
    glued = _PAIR.sub(lambda pair: re.sub(r"\s+(?:and|&)\s+", _GLUE, pair[0], flags=re.IGNORECASE), whole)
    *before, last = joint.split(glued)
    things = [thing for part in before for thing in _COMMA.split(part)]
    if not things:
        things = _COMMA.split(glued)
        is_list = len(things) > 2 and all(len(thing.split()) <= _SHORT for thing in things)
        return [_unglued(thing) for thing in takewhile(_may_be_listed, things)] if is_list else [whole]
    things = [thing for thing in [*things, last] if thing.strip()]
    things[0] = re.sub(r"^both ", "", things[0], flags=re.IGNORECASE)
    if not _is_list(things):
        return [whole]
    if first_word(things[0]) != "to":
        things = list(takewhile(_may_be_listed, things)) or things[:1]
    things = _with_noun(_with_to(things))
    if any(_may_need_a_noun(thing) for thing in things[:-1]) and len(things[-1].split()) > 1:
        return [whole]
    return [_unglued(thing) for thing in things]


def _may_be_listed(thing: str) -> bool:
    """Not what the sentence goes on with: "on weekends", "tired of it"."""
    prepared = _PREPOSITION.match(thing) is not None and first_word(thing) != "to"
    if _CLAUSE.search(thing) or _OTHERWISE.match(thing) or prepared:
        return False
    if _DOES.match(thing) or _SO.search(thing):
        return False
    return not is_state(thing) or (len(thing.split()) > 1 and not _PREPOSITION.match(thing.split()[1]))


def _may_need_a_noun(thing: str) -> bool:
    """ "Thick" in "thick or thin crust"."""
    return len(thing.split()) == 1 and thing.islower() and not re.search(r"(?:s|ing)$", thing)


def _is_list(things: list[str]) -> bool:
    """Not where the second may depend on a word before the first: films about trains and planes, baking bread and
    cakes, to cook pasta and rice."""
    first, *others = things
    if first_word(first) == "to":
        return all(first_word(thing) == "to" for thing in others) or all(
            len(thing.split()) == 1 for thing in [first[3:], *others]
        )
    doings = all(first_word(thing).endswith("ing") for thing in things)
    if doings:
        return True
    if first_word(first).endswith("ing") and len(first.split()) > 1:
        return False
    return not any(_PREPOSITION.search(thing) for thing in things[:-1])


def _with_to(things: list[str]) -> list[str]:
    """ "To cook and bake": to cook, to bake."""
    if not things or first_word(things[0]) != "to":
        return things
    return [thing if first_word(thing) == "to" else f"to {thing}" for thing in things]


def _with_noun(things: list[str]) -> list[str]:
    """ "Red and white wine": red wine, white wine."""
    if not things:
        return things
    adjective, _, noun = things[-1].partition(" ")
    if not noun or not _is_adjective(adjective):
        return things
    return [f"{thing} {noun}" if _is_adjective(thing) else thing for thing in things]


def _is_adjective(word: str) -> bool:
    return word.casefold() in ADJECTIVES or word.title() in NATIONS


def _unglued(thing: str) -> str:
    return thing.replace(_GLUE, " and ").strip(" ,")
