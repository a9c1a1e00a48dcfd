"""What the user works with, speaks, learns and has to do by when: the sentence that is kept. Pure."""

from __future__ import annotations

import re

from alma.memory.fact_sentences import Found, Made, Make
from alma.memory.fact_values import FOR_NOW, first_word, is_state, is_time, timeless, value
from alma.memory.fact_words import LANGUAGES, NOT_USED, PASTIMES, PLAYED, SUBJECTS, TOOLS

_HERE = re.compile(
    r"\b(?:your|this|that|these|those|you|it|here|below|above|project|script|function|class|file|query|loop|example)\b"
    r"|\b(?:for|in|to|as|on) the\b",
    re.IGNORECASE,
)
_HABITUAL = re.compile(r"\b(?:always|usually|mostly|mainly|generally|normally|typically|primarily)\b", re.IGNORECASE)
_TIME = (
    r"\b(?:\d|(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b|tomorrow|tonight|noon|midnight|next (?:week|month|year)"
    r"|end of|january|february|march|april|may|june|july|august|september|october|november|december)"
)


def uses(found: Found) -> Made | None:
    how, verb, what = found[1].strip(), found[2].casefold(), value(found[3], 8)
    if (
        not what
        or first_word(what) in NOT_USED
        or "'s " in what
        or _HERE.search(found[3])
        or is_time(what)
        or FOR_NOW.search(found[3])
    ):
        return None
    habitual = _HABITUAL.search(how) is not None and not is_state(what)
    if not (what[0].isupper() or first_word(what).strip(",") in TOOLS or habitual):
        return None
    first, _, rest = verb.partition(" ")
    return f"The user {first}s{' ' * bool(rest)}{rest} {what}.", ""


def switched(found: Found) -> Made | None:
    what = timeless(found[1], 5)
    named = what and (what[0].isupper() or first_word(what) in TOOLS) and not is_time(what)
    return (f"The user has switched to {what}.", "") if named and not _HERE.search(found[1]) else None


def speaks(found: Found) -> Made | None:
    what = value(found[1], 10)
    named = re.match(r"(?:(?:a little|some|a bit of|fluent|native|good|basic) )?([^\W\d_]+)", what)
    return (f"The user speaks {what}.", "") if named and named[1].casefold() in LANGUAGES else None


def learns(found: Found) -> Made | None:
    what = value(found[1], 6)
    first, *others = what.split() if what else [""]
    noun = re.sub(r"^the ", "", what.casefold())
    fits = (first.casefold() == "to" and bool(others) and others[0].casefold() in PASTIMES) or (
        first.casefold() in LANGUAGES | TOOLS | SUBJECTS
        or re.match(rf"(?:{PLAYED})\b", noun) is not None
        or (first[:1].isupper() and not is_time(first))
    )
    return (f"The user is learning {what}.", "") if fits and not _HERE.search(what) else None


def teaches(found: Found) -> Made | None:
    what = value(found[1], 8)
    first = first_word(what)
    fits = first in SUBJECTS | LANGUAGES | TOOLS or re.match(rf"(?:{PLAYED}|yoga|primary|secondary)\b", what)
    return (f"The user teaches {what}.", "") if fits and not FOR_NOW.search(found[1]) else None


_NOT_COLLECTED = re.compile(
    r"\b(?:data|logs?|metrics|feedback|information|inputs?|samples|results|errors|events|statistics|garbage|requests"
    r"|answers|taxes|payments|money|debts?|rent|votes|signatures|my|from|in|for|at|on|it|them)\b",
    re.IGNORECASE,
)


def collects(found: Found) -> Made | None:
    what = value(found[1], 4)
    return (f"The user collects {what}.", "") if what and not _NOT_COLLECTED.search(found[1]) else None


def by_when(text: str, most: int = 14) -> Make:
    """What has a date or a time: not "the deadline is tight"."""

    def make(found: Found) -> Made | None:
        what = value(found[found.lastindex or 0], most)
        fits = re.search(_TIME, what, re.IGNORECASE) and not re.search(r"\b(?:this|that|it|these|gate|not)\b", what)
        return (text.format(v=what), "") if fits else None

    return make
