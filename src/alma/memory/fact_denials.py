"""What a user says is not so, or no more: "I don't live in Porto any more". Pure.

A denial is read as the sentence that it denies ("I live in Porto"), and the rules say what fact that would be. It ends
that fact, and no other of its key: who does not live in Porto may well live in Lisbon.
"""

from __future__ import annotations

import re

from msgspec import Struct

from alma.memory.fact_clauses import AM, RELATIVE
from alma.memory.fact_values import timeless

ANY_MORE = r"(?:any ?more|any longer|these days|now)"
_NOT = r"(?:do not|don't|no longer|never|haven't|have not)"
_ISNT = r"(?:is not|isn't|'s not|are not|aren't|is no longer|are no longer|'s no longer)"
_HALF = r"(?!only\b|just\b|merely\b|always\b|even\b|exactly\b|necessarily\b|simply\b|usually\b|currently\b)"
_HAVE = r"i(?:'ve)?(?: (?:just|recently|have))*"
_WE = r"(?:i'm|i am|im|we're|we are)"


def _like(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


# A denial, and how the sentence begins that it denies; what follows is the last group.
_DENIALS: list[tuple[re.Pattern[str], str]] = [
    (
        _like(rf"(i|we)(?:'ve| have)? {_NOT} (?:actually )?(live|work|study|come|have|dislike|hate)(?:d|ed)? (.+)$"),
        r"\1 \2",
    ),
    (_like(r"i (?:was not|wasn't) born (.+)$"), "i was born"),
    (_like(rf"{AM} (?:not|no longer) called (.+)$"), "my name is"),
    (_like(r"(?:please )?(?:don't|do not|never|stop) call(?:ing)? me (.+)$"), "call me"),
    (_like(rf"i {_NOT} go by (.+)$"), "i go by"),
    (_like(rf"{_WE} (?:not|no longer) {_HALF}(.+)$"), "i'm"),
    (_like(rf"{AM} no (?!longer\b)([\w-]+)$"), "i'm a"),
    (re.compile(rf"({RELATIVE}) (?:no longer|never) (lives|works|studies|teaches) (.+)$"), r"\1 \4"),
    (re.compile(rf"({RELATIVE}) (?:does not|doesn't) (live|work) (.+)$"), r"\1 \4s"),
    (_like(rf"(my [\w' -]+?) ?{_ISNT} {_HALF}(.+)$"), r"\1 is"),
]
# The same in other words.
_OVER: list[tuple[re.Pattern[str], str]] = [
    (_like(r"(?:i|we)(?:'ve| have)? moved (?:away from|out of) (.+)$"), "i live in"),
    (_like(rf"{_HAVE} (?:quit|left|resigned from|lost) my job (at|as) (.+)$"), r"i work \1"),
    (_like(rf"{_HAVE} (?:got|been|was) (?:fired|laid off|sacked|let go) (?:from|by|at) (.+)$"), "i work at"),
    (_like(rf"{_HAVE} (?:stopped|quit|gave up|given up) being (.+)$"), "i'm"),
    (_like(rf"{_HAVE} (?:stopped|quit|gave up|given up) (working|studying|living) (.+)$"), r"i'm \1"),
]
_LONGER = _like(rf"\bno longer\b|\b{ANY_MORE}[ .!]*$|\b{ANY_MORE}(?=,? but\b|, )")
_INSTEAD = re.compile(
    r"(?:,? but|,? it's|,? it is|,? s?he's|,? s?he is|, call me)(?: (?:actually|rather|in fact|now))? ", re.IGNORECASE
)
_ALLERGIC = re.compile(r"(?:\w+ )?allergic to ", re.IGNORECASE)  # "to nuts or milk": to neither
_OR = re.compile(r",? (?:or|nor) ", re.IGNORECASE)
_JOINED = re.compile(r" (?:and|or|nor) ", re.IGNORECASE)
_ALL = _like(r"\b(?:any(?:thing|one|body|where)?|every\w*|(?<!after )all|nothing)\b(?! ?more| longer)")
_FACT = re.compile(r"(The user(?:'s .+?)?) (is|are|was|lives|works|studies|teaches|comes|has|dislikes|wants) (.+)\.$")
_BEFORE_VALUE = re.compile(r"^(?:(?:in|near|at|as|from|called|born in|born on|to be called) )?(?:(?:an?|the) )?")
_NAMED_BY_KEY = ("user.allergy.", "user.intolerance.", "user.health.", "user.taste.")
_INFINITIVES = {"has": "have", "studies": "study", "teaches": "teach"}


class Denied(Struct, frozen=True):
    """`sentence`: what is denied. `longer`: it was so, and is no more. `instead`: the sentence that is so, if one is
    said."""

    sentence: str
    longer: bool
    instead: str = ""


def denied_in(clause: str) -> Denied | None:
    """None where nothing is denied, or all of a kind at once ("not allergic to anything"): that is no one fact."""
    for over, patterns in ((False, _DENIALS), (True, _OVER)):
        for pattern, begin in patterns:
            if (found := pattern.match(clause)) is None:
                continue
            lead, rest = found.expand(begin), found[found.lastindex or 0]
            what, *others = _INSTEAD.split(rest, maxsplit=1)
            if _ALL.search(what):
                return None
            return Denied(
                f"{lead} {_OR.sub(' and ', what) if _ALLERGIC.match(what) else what}",
                over or _LONGER.search(clause) is not None,
                f"{lead} {others[0]}" if others else "",
            )
    return None


def is_all_said(fact: str, denied: Denied) -> bool:
    """Who does not work at Nokia on Fridays works there."""
    said = (timeless(part, 30) for part in (denied.sentence, denied.sentence.rpartition(",")[0]))
    last = fact.rstrip(".").casefold().split()[-1]
    return any(one.casefold().split()[-1:] == [last] for one in said)


def denial_of(fact: str, key: str, denied: Denied) -> tuple[str, str] | None:
    """What is kept, and the words of the fact that it ends (none: any of the key). None: it is of no one fact."""
    found = _FACT.match(fact)
    if found is None or not key:
        return None
    who, verb, what = found.groups()
    among_others = _JOINED.search(denied.sentence) and " and " not in what and not key.startswith(_NAMED_BY_KEY)
    if among_others or (key.startswith("user.taste.") and verb != "dislikes"):
        return None
    if verb in ("is", "are", "was"):
        text = f"{who} {verb} {'no longer' if denied.longer else 'not'} {what}."
    elif denied.longer:
        text = f"{who} no longer {verb} {what}."
    else:
        text = f"{who} does not {_INFINITIVES.get(verb, verb[:-1])} {what}."
    if denied.longer and key == "user.marital_status":
        return text, what.split()[0]  # nobody is married to another then
    any_of_it = key.startswith(_NAMED_BY_KEY) or (key.startswith("user.pet.") and what.startswith("a "))
    return text, "" if any_of_it else _BEFORE_VALUE.sub("", what)
