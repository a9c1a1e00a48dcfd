"""A sentence cut into clauses that stand alone: "I live in X and work as Y" becomes two, each with its subject. Pure.

A clause is divided where "and", "but" or a comma is followed by what can only go on with the same subject, and
nothing before it makes that doubtful: a wish ("I want to live in X and work as Y"), somebody else ("I know a man who
lives in X and works as Y"), a denial. Where there is doubt it stays whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from msgspec import Struct

from alma.memory.fact_words import FAMILY, NATIONS, PETS, TRAITS

AM = r"(?:i'm|i am|im)"
NOW = (
    r"(?: (?:just|now|currently|still|also|recently|really|actually|mostly|mainly|usually|always|only|generally"
    r"|primarily|normally|typically|personally|absolutely|do|have|even|definitely|already|both|finally))*"
)
FROM_NOW = (
    r"(?:from now on|going forward|in (?:the )?future|(?:for|in) all (?:your |my )?(?:future )?(?:answers|replies)"
    r"|when(?:ever)? you (?:answer|reply|write)(?: (?:to )?me)?(?=,| (?:please|always|never|use|be|keep)\b))"
)
KEEP = (
    r"(?:please )?(?:(?:remember|don't forget|do not forget)(?: that|:|,)?"
    r"|(?:note|make a note|keep in mind|bear in mind)(?: that|:|,))"
)
AGED = r"(?:(?:older|younger|little|big|elder|twin|new|ex|eldest|youngest|late)[ -])?"
BELOVED = "wife|husband|partner|girlfriend|boyfriend|fiancée|fiancé|fiancee|fiance"
PARTED = (
    r"(?:(?:'ve|are|have|just|recently|finally|now|got|a) )*(?:divorced?|separated|broke up|broken up|split up"
    r"|no longer together|not together)"
)

_LEAD = re.compile(
    r"(?:well|hi|hello|hey|hi there|hello there|btw|by the way|also|and|but|so|ok(?:ay)?|yes|yeah|yep|no|nope|nah"
    r"|actually|fyi|for your information|for context|for the record|as (?:you know|i said|mentioned)|oh|anyway|thanks"
    r"|thank you|sorry|you know|in fact|to be honest|honestly|just so you know|one more thing|correction|update|sure"
    r"|great|good morning|good evening|currently|nowadays|these days|now|right now|personally|because|since|although"
    r"|though|then|today|recently|(?:it )?turn(?:s|ed) out(?: that)?"
    r"|a bit about me|about me|as of (?:today|now)|note(?=,)|alma(?=,)|remember(?=[,:])"
    r"|from now on(?=,? (?:i'm|i am|i live|i work)\b)"
    r"|please(?= (?:remember|note|keep|call|always|never|don't forget)))(?=[\s,.:!–—-])(?! (?:i )?that\b)",
    re.IGNORECASE,
)
_CLAUSES = re.compile(
    r"(?:,\s*|\s+)(?:and|but|so|though|although|yet|because|since|while|where|plus)\s+(?=(?:i|i'm|i've|my|we|our)\b)"
    r"|;\s+|,\s+(?=(?:i|i'm|i've|my|we live|we moved)\b)|\s+[-–—]+\s+|:\s+(?=i\b|i'm\b|my\b)|\s+\((?=i\b|i'm\b|my\b)",
    re.IGNORECASE,
)
_FROM_NOW_I = re.compile(rf"\b({FROM_NOW}),(?= i\b)", re.IGNORECASE)
_KEEP_MINE = re.compile(rf"{KEEP} (?=(?:i|i'm|i've|we|my)\b)", re.IGNORECASE)
_TWO_PARTED = re.compile(rf"\bmy ({BELOVED}) and i ({PARTED})\b", re.IGNORECASE)
# Of what follows somebody else is the speaker, or it is not so: "she said, I'm vegan".
_OF_OTHERS = re.compile(
    r"\b(?:(?<!\bi )says?|(?<!\bi )said|thinks?|thought|told \w+|tells? \w+|writes?|wrote|asks?|asked|claims?"
    r"|claimed|believes?|replie[sd]"
    r"|sings?|goes|was like|is like|are like|doubt|not true|untrue|false|a lie|pretended|lied)(?: that)?$",
    re.IGNORECASE,
)
_JOINT = re.compile(r"(?:,\s*|\s+)(?P<by>and|but|or|nor)\s+(?:then )?|,\s+", re.IGNORECASE)
_OFTEN = r"(?:(?:also|now|still|really|currently|mostly|usually|always|only|even|absolutely|recently|just|both) )*"
_ENDS = r"(?=$|[,;]| (?:and|but|now|again|too|as well|since|for|from|by)\b)"

# ── I live in X and work as Y ─────────────────────────────────────────────────────────────────────────────────────

_VERBS = (
    "live|work|study|teach|run|own|have|speak|play|drive|use|like|love|hate|enjoy|prefer|dislike|adore|detest|loathe"
    "|eat|drink|collect|come|code|program|avoid"
)
_PAST = "moved|relocated|grew up|was born|studied|retired|graduated|switched|joined|got married|started|stopped|quit"
# After a word that may be a noun too: "I like long walks and study groups".
_NOUNS = (
    r"(?<=study )(?:groups?|sessions?|trips?|rooms?|halls?)\b|(?<=love )(?:songs?|stor(?:y|ies)|letters?|poems?)\b"
    r"|(?<=play )(?:dates?|lists?)\b|(?<=use )cases?\b|(?<=run )clubs?\b|(?<=drive )(?:through|ins?)\b"
)
_VERB_PHRASE = re.compile(
    rf"{_OFTEN}(?:live (?:in|near|with)\b|work (?:at|for|as|in|with|on|part|full)\b|(?:code|program) in\b|come from\b"
    rf"|(?:am|study|teach|run|own|have|speak|play|drive|use|like|love|hate|enjoy|prefer|dislike|adore|detest|loathe|eat"
    rf"|drink|collect|avoid|can't|cannot|don't|do not|never|no longer) (?!{_NOUNS})\w"
    r"|(?:moved|grew up|was born|switched|quit) \w)",
    re.IGNORECASE,
)
_I_DO = re.compile(rf"(?:i|we|i've|we've){NOW} (?:{_VERBS}|{_PAST})\b", re.IGNORECASE)
_I_DID = re.compile(
    rf"i{NOW} (?:used to \w|was\b|lived\b|worked\b|don't\b|do not\b|can't\b|no longer\b)", re.IGNORECASE
)
_I_DO_NOT = re.compile(r"(i (?:don't|do not|can't|cannot|never)) (?:eat|drink|like|use|play|drive|enjoy)\b", re.I)
_I_HAVE = re.compile(r"i (?:also )?have\b(?! to\b)", re.IGNORECASE)
_ALLERGY = re.compile(r"an? (?:[\w-]+ ){1,3}(?:allergy|intolerance)\b", re.IGNORECASE)
_DOUBTFUL = re.compile(
    r"\b(?:who|that|which|whose|whom|where|when|why|how|what|whether|he|she|they|you|is|are|were|will|would|could"
    r"|should|says?|said|thinks?|told|because|until|as if)\b"
    r"|\b(?:want|like|love|hate|prefer|hope|plan|try|need|have|decided|started|able|ready|how|happy)(?:ing|ed|s)? to\b",
    re.IGNORECASE,
)

# ── I'm a vegetarian and allergic to hazelnuts ────────────────────────────────────────────────────────────────────

_TRAIT = rf"(?:an? )?(?:(?:strict|mostly|fully) )?(?:{'|'.join(map(re.escape, [*TRAITS, *NATIONS]))}){_ENDS}"
_I_AM = re.compile(
    rf"{AM}{NOW} (?!(?!living|working|studying|learning|training)\w+ing\b)(?!glad\b|sure\b|afraid\b|told\b|happy\b"
    r"|sorry\b|aware\b|certain\b|convinced\b|worried\b|surprised\b|proud\b|about\b|supposed\b|not\b|neither\b|no\b"
    r"|with\b|at\b|in\b|on\b|for\b|like\b|near\b)\w",
    re.IGNORECASE,
)
_I_AM_NOT = re.compile(rf"{AM} (?:not|no longer)\b", re.IGNORECASE)
_I_AM_SUCH = re.compile(rf"{AM}{NOW} (?:(?!an? |the )|{_TRAIT})", re.IGNORECASE)
_PREDICATE = re.compile(
    rf"{_OFTEN}(?:(?:(?:severely|very|highly|deathly) )?allergic to \w|{_TRAIT}|based in\b|living in\b"
    r"|(?:originally )?from (?-i:[A-Z])|working (?:as|at|for)\b|studying \w|learning \w|married to\b)",
    re.IGNORECASE,
)
_SUCH_A = re.compile(r"(?:also )?an? (?!bit\b|lot\b|little\b|few\b)\w", re.IGNORECASE)
_OF_SOMEBODY = re.compile(r"\b(?:of|with|for|to|by|like|as) (?:an?|the|my|our|someone|somebody|people)\b", re.I)

# ── My sister Oda is a carpenter and lives in Trondheim ───────────────────────────────────────────────────────────

RELATIVE = (
    rf"(?i:my|our) ((?i:{AGED}(?:{FAMILY}|{PETS})))"
    r"(?:(?: is)? |, (?=[^,]+,))([A-ZÀ-Þ][^\W\d_]+(?: [A-ZÀ-Þ][^\W\d_]+)*)"
)
_RELATIVE_DOES = re.compile(rf"({RELATIVE}),? (?:is|lives|works|studies|teaches|speaks) ")
_DOES = re.compile(r"(?:also |now )?(?:is|lives|works|studies|teaches|speaks) \w", re.IGNORECASE)

# ── Always answer in German and keep it short ─────────────────────────────────────────────────────────────────────

_WISH = re.compile(rf"((?:{FROM_NOW},?|(?:please )?always) )(?:please |always )?(?:\w+ ){{2,}}?\w+$", re.IGNORECASE)
_ANY_WISH = re.compile(rf"(?:{FROM_NOW},?|(?:please )?(?:always|never)|(?:please )?call me) \w", re.IGNORECASE)
# How something is to be done, not what: "always answer in English and tell me about Rome" asks for Rome once.
_WISHED = re.compile(
    r"(?:please )?(?:(?:use|be|avoid|cite|prefer|call me|address me) \w|keep (?:it|them|your|answers|replies|things"
    r"|everything)\b|answer in\b|write in\b|(?:don't|do not) (?:use|be|write|add|mention|start|end|include)\b)",
    re.IGNORECASE,
)
_WISHED_WHOLE = re.compile(r"(?:please )?(?:(?:always|never) \w+ \w|call me \w)", re.IGNORECASE)
_DENIED = re.compile(
    r"i (?:really )?(?:don't|do not|can't|cannot|never|no longer) (?:like|love|enjoy|eat|drink|use)\b", re.I
)
_INSTEAD = re.compile(r"(?:really |absolutely |much )?(?:prefer|love|adore|like|hate|dislike|detest) (?!to\b)\w", re.I)
_NOT_A_THING = re.compile(
    r"(?:today|tomorrow|tonight|now|yet|here|there|always|often|really|everyone|everybody|in|on|at|as|for|from|with|by"
    r"|when|enough|all|any|all of|most|this|that|these|those|the|your|my|\w+ly)\b",
    re.IGNORECASE,
)
_LIKED = re.compile(rf"i{NOW} ((?:like|love|enjoy|eat|drink|use|speak))\b", re.IGNORECASE)
_NOT = re.compile(r"(?:not|no) (?!only\b|too\b|so\b|very\b|much\b|more\b|to\b|if\b|when\b)", re.IGNORECASE)


def clauses(sentence: str) -> Iterator[str]:
    """Each without what people say before they say something. What is to be remembered is so in each."""
    said = _TWO_PARTED.sub(r"I \2 my \1", _FROM_NOW_I.sub(r"\1", sentence.rstrip(".!? ")))
    for clause in _CLAUSES.split(said):
        if _OF_OTHERS.search(clause):
            return
        said = _stripped(clause)
        kept = _KEEP_MINE.match(said)
        before = kept[0] if kept is not None else ""
        yield from (before + part for part in _divided(said.removeprefix(before)))


def _stripped(clause: str) -> str:
    said = clause.strip(" ,.!")
    while (lead := _LEAD.match(said)) is not None and lead.end():
        said = said[lead.end() :].lstrip(" ,.!:-–—")
    return said


def _divided(clause: str) -> Iterator[str]:
    """At the first joint that is one; what follows may have more."""
    for joint in _JOINT.finditer(clause):
        place = _Place(clause[: joint.start()].strip(" ,"), (joint["by"] or ",").casefold(), clause[joint.end() :])
        again = next((whole for same in _SUBJECTS if (whole := same(place)) is not None), None)
        if again is not None:
            yield place.before
            yield from _divided(again)
            return
    yield clause


class _Place(Struct, frozen=True):
    """Where a clause may be divided. `joint`: and, but, or, nor, a comma."""

    before: str
    joint: str
    after: str


def _i_do(place: _Place) -> str | None:
    doing = _VERB_PHRASE.match(place.after)
    if doing is None or place.joint in ("or", "nor"):
        return None
    if _DENIED.match(place.before) and _INSTEAD.match(place.after) and not _DOUBTFUL.search(place.before):
        return f"I {place.after}"
    by_but = place.joint == "but" or place.after.casefold().startswith("now ")
    if by_but and (_I_DID.match(place.before) or _I_AM_NOT.match(place.before)):
        return f"I {place.after}"
    begun = _I_DO.match(place.before) or _I_AM.match(place.before)
    if begun is None or _DOUBTFUL.search(place.before):
        return None
    return f"I {place.after}"


def _i_have(place: _Place) -> str | None:
    """ "I have asthma and a peanut allergy"."""
    begun = _I_HAVE.match(place.before)
    fits = place.joint in ("and", ",") and _ALLERGY.match(place.after)
    return f"{begun[0]} {place.after}" if begun is not None and fits else None


def _i_do_not(place: _Place) -> str | None:
    """ "I don't eat meat or drink wine"."""
    begun = _I_DO_NOT.match(place.before)
    fits = place.joint in ("or", "nor") and re.match(r"(?:eat|drink|like|use|play|drive|enjoy) \w", place.after, re.I)
    return f"{begun[1]} {place.after}" if begun is not None and fits else None


def _i_like_but_not(place: _Place) -> str | None:
    """ "I like cats but not dogs"."""
    liked, denied = _LIKED.match(place.before), _NOT.match(place.after)
    if liked is None or denied is None or place.joint != "but" or _DOUBTFUL.search(place.before):
        return None
    what = place.after[denied.end() :]
    return None if _NOT_A_THING.match(what) or len(what.split()) > 3 else f"I don't {liked[1]} {what}"


def _i_am(place: _Place) -> str | None:
    before = place.before
    if place.joint in ("or", "nor") or _DOUBTFUL.search(before) or _OF_SOMEBODY.search(before):
        return None
    begun = _I_AM.match(before) or (place.joint == "but" and _I_AM_NOT.match(before))
    if not begun:
        return None
    if _PREDICATE.match(place.after) and not _two_nations(place):
        return f"I'm {place.after}"
    return f"I'm {place.after}" if _SUCH_A.match(place.after) and _I_AM_SUCH.match(before) else None


def _two_nations(place: _Place) -> bool:
    """Somebody who is both has one memory of it, not the second alone."""
    last, first = place.before.split()[-1].title(), place.after.split()[0].strip(",").title()
    return last in NATIONS and first in NATIONS


def _relative_does(place: _Place) -> str | None:
    whose = _RELATIVE_DOES.match(place.before)
    if whose is None or place.joint in ("or", "nor") or _DOUBTFUL.search(place.before[whose.end() :]):
        return None
    if _DOES.match(place.after):
        return f"{whose[1]} {place.after}"
    return f"{whose[1]} is {place.after}" if _PREDICATE.match(place.after) else None


def _wishes(place: _Place) -> str | None:
    if place.joint not in ("and", "but", ","):
        return None
    if _ANY_WISH.match(place.before) and _WISHED_WHOLE.match(place.after):
        return place.after
    wish = _WISH.match(place.before)
    return f"{wish[1]}{place.after}" if wish is not None and _WISHED.match(place.after) else None


# How a clause may go on: each gives what follows with its subject, or nothing.
_SUBJECTS: list[Callable[[_Place], str | None]] = [
    _i_like_but_not,
    _i_do_not,
    _i_have,
    _i_do,
    _i_am,
    _relative_does,
    _wishes,
]
