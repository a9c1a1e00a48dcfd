"""Facts and preferences in what a user said about themselves, found by rules (English). Pure.

A message is cut into sentences and these into clauses (`fact_clauses.py`). A rule (`fact_rules.py`) must match a clause
from its beginning, so that what others say or do, and what stands inside something else, is not taken for the user's
own word. Left out beforehand: code, quotations, text that the user only wants worked on, questions, suppositions, parts
that are played. What is found is a sentence that stands alone, with the place of the sentence it was found in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from msgspec import Struct

from alma.memory.fact_clauses import FROM_NOW, clauses
from alma.memory.fact_rules import made_of
from alma.memory.own_words import QUOTED, own_words
from alma.memory.records import Kind

MOST = 8  # facts of one text
_LOOKED_AT = 20_000  # characters of a text in which work may be asked for
_LONGEST = 240  # characters of a fact


class Fact(Struct, frozen=True):
    """`key`: what it is about, where only one such thing can be true at a time, as `user.city`. `denies`: it says that
    something is not so, and takes the place only of what has these words and its key. `start`, `end`: of the sentence
    that says so, in code points of the text."""

    text: str
    key: str
    kind: Kind
    start: int
    end: int
    denies: str = ""


_MAKES = re.compile(
    r"\b(?<!always )(?<!never )(?:write|compose|draft|make up|invent|tell me|generate|create)\b[^.!?\n]{0,60}"
    r"\b(?:story|poem|song|letter|email|e-mail|dialogue|monologue|joke|novel|tweet|post|caption|script|speech|haiku|limerick|sentence)s?\b",
    re.IGNORECASE,
)
_SUPPOSED = re.compile(
    r"\b(?:if|unless|as though|wish|assume|assuming|supposing|for example|for instance|e\.g\.|would have|were to"
    r"|in case|say i|whether|someday|one day|joking|lol|lmao|rofl|ha(?:ha)+|jk|not really|technically|supposedly"
    r"|allegedly|sort of|kind of|or something|or so|or at least|in theory|on paper"
    r"|according to|more or less|in (?:my|a|the) dreams?)\b"
    r"|, (?:he|she|they|it|\w+ \w+) (?:said|says|asked|told|thinks|thought|wrote)$",
    re.IGNORECASE,
)
_IF_POSSIBLE = re.compile(r"\bif (?:possible|you can|you don't mind|that's ok(?:ay)?)\b", re.IGNORECASE)
_ASKED_TO_KEEP = re.compile(
    r"(?:(?:can|could|will|would) you (?:please )?|i(?:'d| would) like you to |i want you to |you should "
    r"|you (?:can|may) )(?=(?:remember|note|keep in mind|make a note|call me|address me|always|never)\b)",
    re.IGNORECASE,
)
# A piece of work: what is always or never to be in it is not said of other work.
_TASK = re.compile(
    r"(?:^|[.!?:\n]\s*)(?:(?:please|can you|could you|now|then|help me|let's|i need you to|i want you to"
    r"|i'd like you to) )*"
    r"(?:write|implement|create|build|generate|design|refactor|add|fix|draft|compose|develop|make|set up|code|prepare"
    r"|plan|port|i need an?|i want an?|the (?:function|script|class|program|method|page|app|api)) ",
    re.IGNORECASE,
)
_FOR_ALL = re.compile(
    rf"{FROM_NOW}|\b(?:call me|from now on|any ?more|answer|reply|respond|speak|talk)\b", re.IGNORECASE
)
# What follows, in the sentence or after it: "I don't eat meat. Except at Christmas."
_BUT_NOT_ALWAYS = re.compile(
    r"(?:but )?(?:except(?:ing)?|unless|only (?:when|on|at|during|in the))\b(?! (?:for )?(?:that|this)\b)",
    re.IGNORECASE,
)
_TAG = re.compile(r", ?(?:remember|right|you know|ok(?:ay)?|got it)\?+$", re.IGNORECASE)


def facts_in(text: str) -> list[Fact]:
    """At most `MOST`, in the order in which they are said; of several with one key the last, and what is denied."""
    found: dict[str, Fact] = {}
    in_work = _TASK.search(text[:_LOOKED_AT]) is not None
    for start, end in own_words(text):
        for fact in _of_sentence(text, start, end):
            if in_work and fact.kind == "procedural" and not _FOR_ALL.search(text[start:end]):
                continue
            name = fact.text.casefold() if fact.denies else fact.key or fact.text.casefold()
            found.pop(name, None)
            found[name] = fact
    return list(found.values())[-MOST:]


def _of_sentence(text: str, start: int, end: int) -> Iterator[Fact]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    sentence = _ASKED_TO_KEEP.sub("", QUOTED.sub(_without_quotation, text[start:end])).replace("’", "'")
    sentence = sentence.lstrip("-*•0123456789.) \t")
    asks = text[start:end].rstrip("\"'”’) ").endswith(("?", "？", "؟"))
    asks = asks and not _TAG.search(text[start:end])
    keeps = _ASKED_TO_KEEP.search(text[start:end].replace("’", "'")) is not None
    supposed = _SUPPOSED.search(_IF_POSSIBLE.sub("", sentence.rstrip(" .!"))) is not None
    if (asks and not keeps) or supposed or _MAKES.search(sentence):
        return
    for clause, following in pairwise([*clauses(sentence), text[end:].lstrip(" \n-–—(")]):
        for one in made_of(clause, limited=_BUT_NOT_ALWAYS.match(following) is not None):
            yield Fact(one.text[:_LONGEST], one.key, one.kind, start, end, one.denies)


def _without_quotation(quoted: re.Match[str]) -> str:
    """A name may be set in quotation marks; what somebody says is left out."""
    inner = quoted[0][1:-1]
    short = len(inner.split()) <= 3 and not re.search(r"\b(?:i|i'm|my|me|we)\b", inner, re.IGNORECASE)
    return inner if short and quoted[0][0] != "`" else " … "
