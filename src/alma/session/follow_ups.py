"""Whether a message says that the answer before it was wrong. Pure; English, and only what is surely so.

A correction stands at the beginning of a message, and comes soon. A wrong one would count against a good answer, so
what can be meant otherwise is passed over.
"""

from __future__ import annotations

import re

SOON_S = 900.0  # seconds after the answer
_START_CHARS = 160  # of a message that are looked at
_NOT = re.compile(
    r"^\W*no\W+(?:problem|worries|thanks|thank you|need|rush|doubt|"
    r"that(?:'s| is) (?:fine|all|it|ok|okay|right|great)\b)",
    re.I,
)
_FIRST = r"^\W*(?:(?:no|sorry|but|actually|hm+|well)\W+)*"  # what may come before it
_EVEN = r"(?:\ (?:just|simply|still|not|all|completely|totally))*"
_ASKED = r"what\ i(?:'d|'ve|\ had|\ have|\ was|\ am)?\ (?:asked|meant|wanted|said|asking|requested)\b"
_SAYS = re.compile(
    rf"""
    ^\W*(?:no|nope|wrong|incorrect|not\ quite)\b[\s,.!:;–—-]+(?:but\ )?
        (?:i\ (?:meant|mean|said|asked|wanted)|that|this|it|you|wrong|not)\b
  | ^\W*(?:wrong|incorrect|nope|no,?\ wrong)\s*[.!]*\s*$
  | {_FIRST}i\ (?:meant|(?:didn't|did\ not)\ (?:mean|ask))\b
  | \b(?:that|this|it|which)(?:'s\ not|\ (?:is|was)\ not|\ (?:isn't|wasn't)){_EVEN}\ {_ASKED}
  | ^\W*not\ {_ASKED}
  | {_FIRST}(?:that|this|it|your\ answer)(?:'s|\ is|\ was){_EVEN}
        \ (?:wrong|incorrect|false|right|correct|true)\b(?!\ with)
  | {_FIRST}(?:that|this|it)\ (?:isn't|wasn't)\ (?:right|correct|true)\b
  | {_FIRST}you\ (?:misunderstood|misread|got\ (?:it|that|this|me)\ wrong|missed\ (?:the|my)\ (?:point|question)
        |(?:didn't|did\ not|haven't|have\ not)\ answer|ignored|made\ an?\ (?:mistake|error))\b
    """,
    re.I | re.X,
)
_RIGHT = re.compile(
    rf"{_FIRST}(?:that|this|it|your\ answer)(?:'s|\ is|\ was)(?:{_EVEN}\ not{_EVEN}\ (?:wrong|incorrect|false)"
    r"|(?:\ (?:just|simply|still|all|completely|totally))*\ (?:right|correct|true))\b",
    re.I | re.X,
)


def corrects(text: str, seconds: float) -> bool:
    """`seconds`: since the answer before it."""
    if not 0.0 <= seconds <= SOON_S:
        return False
    start = text[:_START_CHARS].replace("\u2019", "'")
    sentence = re.split(r"(?<=[.!?\n])\s", start.strip(), maxsplit=1)[0]
    return says_wrong(start) and not sentence.rstrip().endswith("?")


def says_wrong(start: str) -> bool:
    """By its words alone."""
    start = " ".join(start[:_START_CHARS].replace("\u2019", "'").split())
    fine = _NOT.search(start) or _RIGHT.search(start)
    return not fine and _SAYS.search(start) is not None
