"""How the user wants things done from now on: the sentence that is kept, and a key by which the rule is known again.

The key has the words that say what is done, without those that say whether: "always use emojis" and "please don't use
emojis any more" have one, so that the later takes the earlier's place. Pure.
"""

from __future__ import annotations

import re

from alma.memory.fact_clauses import FROM_NOW
from alma.memory.fact_sentences import Found, Made
from alma.memory.fact_values import slug, value
from alma.memory.fact_words import IMPERATIVES, LANGUAGES

CALLED = "user.rule.call_me"
_MOST = 40  # words
_ONE_OFF = (
    r"answer|reply|respond|write|give|add|include|show|format|start|begin|end|put|round|explain|translate|return|tell"
    r"|ask|say|make|send|convert|quote|summari[sz]e|list|suggest|find|book|plan|help|check|look|create|fix|go|do|let"
    r"|run|compare|describe|recommend|calculate|solve|search|read|draft|generate|continue|draw|build|count|sort"
    r"|analy[sz]e"
)
_NO_WISH = re.compile(
    r"\b(?:is|are|was|were) (?:an?|the|my|what|how|not|good|bad|great|nice|terrible|said)\b|never say never"
    r"|\bgive (?:up|in)\b|\b(?:that|this|these|those)\b",
    re.I,
)
_STATEMENT = re.compile(
    r"(?:i|i'm|i'll|i'd|we|we'll|he|she|it|it's|they|there|this|that|my|our|his|her|their|who|what|when|where|how"
    r"|can|will|do|does|is|are|things|people|everything|everyone|life)\b"
    r"|the (?:[\w-]+ ){1,3}?\w+s\b"
    r"|(?:\S+ ){1,5}?(?:is|are|was|were|has|had|will|won't|would|can|could|may|might|am)\b",
    re.IGNORECASE,
)
_DEMAND = re.compile(
    rf"(?:please |just |always |never |only )*(?:{IMPERATIVES}|don't|do not|stop|no|you (?:must|should|will|are to))\b"
    r"|i(?:'d| would)? (?:want|like|prefer|need|expect) (?:you\b|all\b|your\b|\w+ (?:answers|replies)\b|answers\b)"
    r"|[^.]*\b(?:should|must)\b",
    re.IGNORECASE,
)
# What is asked for beside it, once: "and tell me about Rome", "and then book a table".
_ONCE = re.compile(
    rf"(?:,|,? (?:and|but)) (?:(?:then|also|now|please|kindly) )*(?:(?:{_ONE_OFF})\b(?! in\b)"
    r"|(?!(?:in|with|of|for|to|on|at|from|as|by|not|only|all|both|without|use|keep|be|avoid|cite|prefer)\b)[a-z]+"
    r" (?:me|us|it|them|this|that|the|an?|my|our|how|why|what|whether|about|for|into|up|out)\b).*",
    re.IGNORECASE,
)
_FROM_NOW = re.compile(rf"{FROM_NOW},?\s*", re.IGNORECASE)
_LATE = re.compile(r"\b(?:from now on|again|any ?more|ever)[ .!]*$", re.IGNORECASE)
_AND = re.compile(r"\b(?:and|but|then)\b", re.IGNORECASE)  # where both are said, it is not said of which
_WHETHER = re.compile(
    rf"\b(?:{FROM_NOW}|please|always|never|don't|do not|stop|ever|again|any ?more|any longer|remember to|just|again"
    r"|you (?:should|must|will|are to)|an?|the|any|your|kindly)\b|,",
    re.IGNORECASE,
)
_ABOUT_LANGUAGE = re.compile(
    rf"(?:answer|reply|respond|write|speak|talk)(?: back)?(?: (?:to|with) me| me)?(?: only)?(?: in)?"
    rf" (?:{'|'.join(sorted(LANGUAGES))})(?: (?:to|with) me| only)?",
    re.IGNORECASE,
)
_ABOUT_UNITS = re.compile(
    r"(?:use|answer in|reply in|respond in|give|write in|convert to)(?: \w+ in)? (?:metric|imperial|si|us|american)"
    r"(?: units?| system| measurements?)*",
    re.IGNORECASE,
)


def wish(found: Found) -> Made | None:
    """In the user's own words."""
    if not value(found[1], _MOST) or _NO_WISH.search(found[0]):
        return None
    lead = _FROM_NOW.match(found[0])
    begun = lead.end() if lead is not None else 0
    whole = found[0][:begun] + _ONCE.sub("", found[0][begun:]).rstrip(" ,.!")
    if len(whole.split()) < 2 or (_LATE.search(found[0]) and _AND.search(found[0])):
        return None
    key = key_of(whole)
    return (f"The user asked: {whole[0].upper()}{whole[1:]}.", key) if key != CALLED else None


def for_the_future(found: Found) -> Made | None:
    """Not what will happen: "in future, cars will fly"."""
    return None if _STATEMENT.match(found[1]) and not _DEMAND.match(found[1]) else wish(found)


def key_of(words: str) -> str:
    """Of a rule. The languages of answers share one, and so do the units: only one of them can hold."""
    what = " ".join(_WHETHER.sub(" ", words).split()).rstrip(" .!")
    what = re.sub(r"^no ", "use ", what, flags=re.IGNORECASE)
    first, _, rest = what.partition(" ")
    what = f"{_plain(first)} {rest}".strip()
    if _ABOUT_LANGUAGE.fullmatch(what):
        return "user.rule.language"
    if _ABOUT_UNITS.fullmatch(what):
        return "user.rule.units"
    return f"user.rule.{slug(what)}" if slug(what) else ""


def _plain(verb: str) -> str:
    """ "Using": use."""
    stem = verb.casefold().removesuffix("ing")
    return next((known for known in (stem, f"{stem}e", stem[:-1]) if known in _VERBS), verb) if stem != verb else verb


_VERBS = frozenset(IMPERATIVES.replace("summari[sz]e", "summarise|summarize").split("|"))
