"""How the user wants things done, told again and again: rules in single sentences, also in those that correct. Pure.

What is said once, in a message that asks for a piece of work, is for that work (`facts.py`). Said in several runs, it
is meant for all; a correction ("I told you not to use emojis") says so the second time.
"""

from __future__ import annotations

import re

from msgspec import Struct

from alma.memory.facts import facts_in
from alma.memory.own_words import own_words

_MAY_BE = re.compile(r"\b(?:always|never|stop|again|told you|asked you|said|don't|do not|from now on)\b", re.IGNORECASE)
_LEAD = re.compile(
    r"(?:(?:no|again|but|and|well|please|look|hey|once more|like i said"
    r"|as i(?:'ve| have)?(?: already)? said(?: before)?)\b[,:!.]* *)+",
    re.IGNORECASE,
)
_SAID_BEFORE = re.compile(r"\b(?:as i(?:'ve| have)?(?: already)? said|like i said)\b", re.IGNORECASE)
_TOLD = re.compile(
    r"(?:i|we)(?:'ve| have)?(?: (?:already|just|repeatedly))* (?:told|asked) you(?: (?:already|before|twice))*"
    r" (?P<not>not )?to (?:(?:always|never) )?(?P<rule>.+)",
    re.IGNORECASE,
)
_NEVER = re.compile(r"\bto never\b", re.IGNORECASE)
_STOP = re.compile(r"stop (?P<verb>\w+ing)\b(?P<rest>.+)", re.IGNORECASE)
_VERBS = {
    "using": "use",
    "writing": "write",
    "adding": "add",
    "giving": "give",
    "asking": "ask",
    "repeating": "repeat",
    "showing": "show",
    "putting": "put",
    "answering": "answer",
    "calling": "call",
    "starting": "start",
    "ending": "end",
    "inserting": "insert",
    "including": "include",
}


class Instruction(Struct, frozen=True):
    """`text`: the note that it makes; `key`: what it is about; `corrects`: it complains that it was not done.
    `start`, `end`: of its sentence."""

    text: str
    key: str
    corrects: bool
    start: int
    end: int


def instructions_in(text: str) -> list[Instruction]:
    if not _MAY_BE.search(text):
        return []
    found: dict[str, Instruction] = {}
    for start, end in own_words(text):
        sentence = text[start:end].strip().replace("’", "'")
        rule, corrects = as_rule(sentence)
        for fact in facts_in(rule):
            if fact.kind == "procedural" and fact.key:
                found[fact.key] = Instruction(fact.text, fact.key, corrects, start, end)
    return list(found.values())


def as_rule(sentence: str) -> tuple[str, bool]:
    """The rule that a correction repeats, and whether it is one: "No, I told you to use euros": "Always use euros"."""
    lead = _LEAD.match(sentence)
    rest = sentence[lead.end() :] if lead else sentence
    if told := _TOLD.match(rest):
        never = told["not"] or _NEVER.search(rest[: told.start("rule")])
        return f"{'Never' if never else 'Always'} {told['rule']}", True
    if (stop := _STOP.match(rest)) and stop["verb"].lower() in _VERBS:
        return f"Never {_VERBS[stop['verb'].lower()]}{stop['rest']}", True
    if lead and rest and _SAID_BEFORE.search(lead[0]) and not re.match(r"(?:always|never|don't|do not)\b", rest, re.I):
        return f"Always {rest}", True
    return rest[:1].upper() + rest[1:], lead is not None and bool(_SAID_BEFORE.search(lead[0]))
