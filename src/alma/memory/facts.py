"""Facts and preferences in what a user said about themselves, found by rules (English). Pure.

A message is cut into sentences and these into clauses (`fact_clauses.py`). A rule (`fact_rules.py`) must match a clause
from its beginning, so that what others say or do, and what stands inside something else, is not taken for the user's
own word. Left out beforehand: code, quotations, text that the user only wants worked on, questions, suppositions, parts
that are played. What is found is a sentence that stands alone, with the place of the sentence it was found in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from alma.memory.fact_clauses import clauses
from alma.memory.fact_rules import made_of
from alma.memory.records import Kind
from alma.memory.sentence_ends import ENDS, ends_sentence
from alma.memory.sentences import cut

MOST = 8  # facts of one text
_LOOKED_AT = 20_000  # characters of a text that are read
_LONGEST = 240  # characters of a fact


class Fact(Struct, frozen=True):
    """`key`: what it is about, where only one such thing can be true at a time, as `user.city`. `start`, `end`: of the
    sentence that says so, in code points of the text."""

    text: str
    key: str
    kind: Kind
    start: int
    end: int


# A part that is played, or a text that is made: nothing in such a message is the user's own.
_PLAYED = re.compile(
    r"\b(?:pretend|imagine|role[- ]?play|act as|you are (?:a|an|the|now)|you're (?:a|an|the) (?!bit)|suppose|let's say"
    r"|hypothetical(?:ly)?|what if|in the voice of|from the perspective of)\b",
    re.IGNORECASE,
)
# A task on a text that follows: all after the colon (or below the line) is material.
_MATERIAL = re.compile(
    r"\b(?:translat\w*|proofread|rewrite|rephrase|reword|paraphrase|correct|fix|edit|summari[sz]e|improve|shorten"
    r"|continue|analy[sz]e|explain|classify|parse|convert|check|review|polish|complete|reply to|respond to|answer"
    r"|describe|imagine|write|compose|draft|tweet|quote|text|sentence|paragraph|example|lyrics|email|message|says?|said|wrote|reads?"
    r")\b[^.!?\n]{0,80}:(?=\s)[\s\S]*",
    re.IGNORECASE,
)
_MAKES = re.compile(
    r"\b(?:write|compose|draft|make up|invent|tell me|generate|create)\b[^.!?\n]{0,60}\b(?:story|poem|song|letter|email"
    r"|e-mail|dialogue|monologue|joke|novel|tweet|post|caption|script|speech|haiku|limerick|sentence)s?\b",
    re.IGNORECASE,
)
_SUPPOSED = re.compile(
    r"\b(?:if|unless|as though|wish|assume|assuming|supposing|for example|for instance|e\.g\.|would have|were to"
    r"|in case|say i|whether|someday|one day|just kidding|joking|in (?:my|a|the) dreams?)\b"
    r"|, (?:he|she|they|it|\w+ \w+) (?:said|says|asked|told|thinks|thought|wrote)$",
    re.IGNORECASE,
)
_IF_POSSIBLE = re.compile(r"\bif (?:possible|you can|you don't mind|that's ok(?:ay)?)\b", re.IGNORECASE)
_QUOTED = re.compile(
    r"\"[^\"\n]{1,400}\"|“[^”\n]{1,400}”|„[^“”\n]{1,400}[“”]|«[^»\n]{1,400}»|(?<![\w])'[^'\n]{1,300}'(?!\w)|`[^`\n]*`"
)
_ASKED_TO_KEEP = re.compile(
    r"(?:(?:can|could|will|would) you (?:please )?|i(?:'d| would) like you to |i want you to |you should "
    r"|you (?:can|may) )(?=(?:remember|note|keep in mind|make a note|call me|address me|always|never)\b)",
    re.IGNORECASE,
)
_TAG = re.compile(r", ?(?:remember|right|you know|ok(?:ay)?|got it)\?+$", re.IGNORECASE)
_STOP = re.compile(f"[{ENDS}]|\n")


def facts_in(text: str) -> list[Fact]:
    """At most `MOST`, in the order in which they are said; of several with one key the last."""
    found: dict[str, Fact] = {}
    for start, end in own_words(text):
        for fact in _of_sentence(text, start, end):
            name = fact.key or fact.text.casefold()
            found.pop(name, None)
            found[name] = fact
    return list(found.values())[-MOST:]


def own_words(text: str) -> Iterator[tuple[int, int]]:
    """The places of the sentences in which the user may speak of themselves, without code, material and parts."""
    text = text[:_LOOKED_AT]
    if _PLAYED.search(text):
        return
    material = _MATERIAL.search(text)
    limit = material.start() if material is not None else len(text)
    for start, end in cut(text[:limit]):
        unit = text[start:end]
        if unit.startswith(("```", "~~~", ">", "|", "    ", "\t")) or "```" in unit:
            continue
        yield from _sentences(text, start, end)


def _sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """A unit may hold several short ones."""
    at = start
    unit = text[:end]
    for stop in _STOP.finditer(unit, start, end):
        ends = stop.end() if stop[0] == "\n" else ends_sentence(unit, stop.start())
        if ends is not None and ends > at:
            if unit[at:ends].strip():
                yield at, ends
            at = ends
    if unit[at:end].strip():
        yield at, end


def _of_sentence(text: str, start: int, end: int) -> Iterator[Fact]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    sentence = _ASKED_TO_KEEP.sub("", _QUOTED.sub(_without_quotation, text[start:end])).replace("’", "'")
    sentence = sentence.lstrip("-*•0123456789.) \t")
    asks = text[start:end].rstrip("\"'”’) ").endswith(("?", "？", "؟"))
    asks = asks and not _TAG.search(text[start:end])
    keeps = _ASKED_TO_KEEP.search(text[start:end].replace("’", "'")) is not None
    supposed = _SUPPOSED.search(_IF_POSSIBLE.sub("", sentence.rstrip(" .!"))) is not None
    if (asks and not keeps) or supposed or _MAKES.search(sentence):
        return
    for clause in clauses(sentence):
        for fact, key, kind in made_of(clause):
            yield Fact(fact[:_LONGEST], key, kind, start, end)


def _without_quotation(quoted: re.Match[str]) -> str:
    """A name may be set in quotation marks; what somebody says is left out."""
    inner = quoted[0][1:-1]
    short = len(inner.split()) <= 3 and not re.search(r"\b(?:i|i'm|my|me|we)\b", inner, re.IGNORECASE)
    return inner if short and quoted[0][0] != "`" else " … "
