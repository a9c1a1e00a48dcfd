"""The sentence that a rule makes of what it has matched, and its key; None where it is no fact after all. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable

from alma.memory.fact_values import first_word, name_in, place_in, slug, timeless, value
from alma.memory.fact_words import (
    ANIMAL_FOODS,
    DISEASES,
    FAMILY,
    FIRMS,
    JOBS,
    LANGUAGES,
    MEALS,
    NATIONS,
    NEAREST,
    NO_ANSWER,
    NOT_A_JOB,
    NOT_EATEN,
    NOT_LIKED,
    NOT_USED,
    PETS,
    TOOLS,
    TRAITS,
    VAGUE,
    WITH_ARTICLE,
)

Made = tuple[str, str]  # a fact and its key
Found = re.Match[str]
Make = Callable[[Found], Made | None]

# ── who the user is ───────────────────────────────────────────────────────────────────────────────────────────────


def named(text: str, key: str) -> Make:
    def make(found: Found) -> Made | None:
        name = name_in(value(found[1], 20))
        return (text.format(v=name), key) if name else None

    return make


def at_home(text: str, key: str = "user.city") -> Make:
    def make(found: Found) -> Made | None:
        place = place_in(found[1])
        return (text.format(v=place), key) if place else None

    return make


def comes_from(found: Found) -> Made | None:
    place = place_in(found[1])
    return (f"The user comes from {place}.", "user.origin") if place and found[1][:1].isupper() else None


def employed(found: Found) -> Made | None:
    name = timeless(found[1], 8)
    is_firm = name[:1].isupper() or re.match(rf"(?:an?|the) [\w -]*\b(?:{FIRMS})\b", name, re.IGNORECASE)
    return (f"The user works at {name}.", "user.employer") if is_firm else None


def left(found: Found) -> Made | None:
    name = timeless(found[1], 6)
    return (f"The user no longer works at {name}.", "user.employer") if name else None


def works_as(found: Found) -> Made | None:
    job = timeless(found[1], 8)
    fits = first_word(job) in ("a", "an", "the") and job.split()[-1].casefold() not in NOT_A_JOB
    return (f"The user works as {job}.", "user.job") if fits else None


_OF_SOMEBODY = re.compile(r" (?:of|with|for|to|by|and) (?:an?|the|my)\b", re.IGNORECASE)


def is_a(found: Found) -> Made | None:
    """A job, by its last word: an engineer, a nurse."""
    things = re.split(r" and (?=an? )", timeless(found[1], 12))
    if not _is_job(things[0]) and _OF_SOMEBODY.search(things[0]):
        return None
    jobs = [thing for thing in things if _is_job(thing)]
    return (f"The user is {' and '.join(jobs)}.", "user.job") if jobs else None


def _is_job(thing: str) -> bool:
    noun = re.split(r" (?:at|for|in|from|by|with|of|on|who|working|living|based) ", thing, maxsplit=1)[0]
    last = noun.split()[-1].casefold() if noun else ""
    fits = last in JOBS or re.search(r"(?:eer|er|or|ist|ian|ect|yst|ant|man|woman)$", last)
    return bool(fits) and last not in NOT_A_JOB and len(noun.split()) <= 5


def trait(found: Found) -> Made | None:
    words = re.sub(r"^(?:an? )?(?:(?:strict|strictly|mostly|fully) )?", "", value(found[1], 6).casefold())
    if (key := TRAITS.get(words)) is not None:
        return f"The user is {'a ' if words in WITH_ARTICLE else ''}{words}.", key
    nation = re.sub(r"\bAnd\b", "and", words.title())
    of_these = all(one in NATIONS for one in nation.split(" and "))
    return (f"The user is {nation}.", "user.nationality") if of_these else None


def no_longer(found: Found) -> Made | None:
    what = value(found[1], 6)
    words = re.sub(r"^(?:an?) ", "", what.casefold())
    key = f"user.allergy.{slug(words[12:])}" if words.startswith("allergic to ") else TRAITS.get(words, "")
    return (f"The user is no longer {what}.", key) if what else None


def aged(found: Found) -> Made | None:
    return (f"The user is {found[1]} years old.", "user.age") if 3 <= int(found[1]) <= 119 else None


def born(found: Found) -> Made | None:
    what = value(found[1], 6)
    if re.fullmatch(r"\d{4}", what):
        return f"The user was born in {what}.", "user.birth_year"
    if re.search(r"\d", what):
        return f"The user's birthday is {what}.", "user.birthday"
    return (f"The user was born in {what}.", "user.birthplace") if what[:1].isupper() else None


def my_is(found: Found) -> Made | None:
    """ "My favourite colour is teal": the rule knows the things of which this can be said."""
    what, how = " ".join(found[1].casefold().split()), value(found[3], 14)
    if not how or first_word(how) in VAGUE or first_word(how) in NO_ANSWER:
        return None
    return f"The user's {what} {'are' if found[2].casefold() == 'are' else 'is'} {how}.", f"user.{slug(what)}"


# ── whom and what the user has ────────────────────────────────────────────────────────────────────────────────────


def relative(found: Found) -> Made | None:
    relation, name = found[1].casefold(), name_in(value(found[2], 20))
    return (f"The user's {relation} is called {name}.", _key_of(relation, name)) if name else None


def of_relative(found: Found, made: Made) -> Made:
    """What is made of a user, said of somebody whom they name."""
    relation, name = found[1].casefold(), found[2]
    key = f"{_key_of(relation, name)}{made[1].removeprefix('user')}" if made[1] else ""
    return f"The user's {relation} {name}{made[0].removeprefix('The user')}", key


def _key_of(relation: str, name: str) -> str:
    relation = re.sub(r"^(?:older|younger|little|big|elder|twin|eldest|youngest)[ -]", "", relation)
    if re.fullmatch(PETS, relation):
        return f"user.pet.{slug(name)}"
    return f"user.family.{slug(relation)}" if relation in NEAREST else f"user.family.{slug(relation)}.{slug(name)}"


_HAS_NAMED = re.compile(rf"an? (?:[\w-]+ )*?({FAMILY}|{PETS}) (?:called|named) (.+)")
_HAS_SO_MANY = re.compile(rf"(?:an?|one|two|three|four|five|six|\d+|no) ({FAMILY}|{PETS}|child|kid)(?:s|es|ren)?")
_HAS_ILLNESS = re.compile(rf"(?:type [12] |mild |severe )?({DISEASES})$")
_HAS_ALLERGY = re.compile(r"(?:(?:an?|severe|mild) )*((?:[\w-]+ ){1,2})(?:allergy|allergies)")


def has(found: Found) -> Made | None:
    what = timeless(found[1], 10)
    return (f"The user has {what}.", _key_of_own(what)) if what else None


def _key_of_own(what: str) -> str:
    if (named := _HAS_NAMED.fullmatch(what)) is not None and (name := name_in(named[2])):
        return _key_of(named[1].casefold(), name)
    if (counted := _HAS_SO_MANY.fullmatch(what.casefold())) is not None:
        if counted[1] in NEAREST:
            return ""  # the key is for the name
        of = "pet" if re.fullmatch(PETS, counted[1]) else "family"
        return f"user.{of}.{'child' if counted[1] == 'kid' else slug(counted[1])}"
    if (illness := _HAS_ILLNESS.match(what.casefold())) is not None:
        return f"user.health.{slug(illness[1])}"
    allergy = _HAS_ALLERGY.fullmatch(what.casefold())
    return f"user.allergy.{slug(allergy[1])}" if allergy is not None else ""


def drives(found: Found) -> Made | None:
    verb, what = found[1].casefold(), value(found[2], 6)
    allowed = {"a", "an"} if verb == "drive" else {"the"}
    fits = (
        what
        and first_word(what) not in NOT_USED - allowed
        and not re.search(r"\b(?:with|idea)\b|^(?:there|here|back|home|around|along|by|away)\b", what)
    )
    return (f"The user {verb}s {what}.", "") if fits else None


# ── what the user likes and uses ──────────────────────────────────────────────────────────────────────────────────


_POINTS = re.compile(
    r"\b(?:you|your|this|that|it|why|how)\b"
    r"|^the (?:first|second|third|last|next|other|previous|latter|former|one|idea|way|fact|answer|result|new one)\b"
    r"|^to (?:think|know|say|believe|hear|see|point)\b",
    re.IGNORECASE,
)

_SUCH_AS = re.compile(r"\w (?:who|whose|that)\b", re.IGNORECASE)  # not all of the kind


def taste(verb: str) -> Make:
    def make(found: Found) -> Made | None:
        what = "" if _SUCH_AS.search(found[1]) else value(found[1], 8)
        if not what or first_word(what) in NOT_LIKED or _POINTS.search(what):
            return None
        return f"The user {verb} {what}.", f"user.taste.{slug(re.sub(r'^(?:to|the|a|an) ', '', what))}"

    return make


def prefers(found: Found) -> Made | None:
    what = value(found[1], 14)
    vague = first_word(what) in VAGUE or first_word(what) in ("the", "not")
    return (f"The user prefers {what}.", "") if what and not vague else None


def uses(found: Found) -> Made | None:
    how, verb, what = found[1].strip(), found[2].casefold(), value(found[3], 8)
    if not what or first_word(what) in NOT_USED or re.search(r"\b(?:your|this|that|you)\b", what, re.IGNORECASE):
        return None
    if not (what[0].isupper() or first_word(what) in TOOLS or how or " for " in what):
        return None
    first, _, rest = verb.partition(" ")
    return f"The user {first}s{' ' * bool(rest)}{rest} {what}.", ""


def gave_up(found: Found) -> Made | None:
    verb, what = found[1].casefold(), value(found[2], 8)
    if not what or first_word(what) in VAGUE:
        return None
    key = f"user.taste.{slug(what)}" if verb in ("like", "love", "enjoy") else "user.employer" * (verb == "work")
    third = {"go": "goes", "have": "has", "watch": "watches"}.get(verb, f"{verb}s")
    return f"The user no longer {third} {what}.", key


def stopped(found: Found) -> Made | None:
    what = timeless(found[1], 6)
    return (f"The user has stopped {what}.", "") if what else None


def not_eaten(found: Found) -> Made | None:
    verb, what = found[1].casefold(), value(found[2], 6)
    fits = what and first_word(what) not in NOT_EATEN
    return (f"The user does not {verb} {what}.", f"user.taste.{slug(what)}") if fits else None


def eats(found: Found) -> Made | None:
    """What is eaten now, or again. It may end a diet, if it comes of animals."""
    what = value(found[1], 6)
    if not what or first_word(what) in NOT_EATEN - {"anything"} or first_word(what) in (*VAGUE - {"anything"}, *MEALS):
        return None
    of_animals = any(word in ANIMAL_FOODS for word in what.casefold().split())
    return f"The user eats {what}.", "user.diet" if of_animals else f"user.taste.{slug(what)}"


def speaks(found: Found) -> Made | None:
    what = value(found[1], 10)
    named = re.match(r"(?:(?:a little|some|fluent|native|good|basic) )?[A-Z]", what)
    return (f"The user speaks {what}.", "") if named or first_word(what) in LANGUAGES else None


# ── any of it ─────────────────────────────────────────────────────────────────────────────────────────────────────


def said(text: str, key: str = "", most: int = 12) -> Make:
    """The last group, put into `text` (and into `key`) for {v}."""

    def make(found: Found) -> Made | None:
        what = value(found[found.lastindex or 0], most)
        return (text.format(v=what), key.format(v=slug(what))) if what and first_word(what) not in VAGUE else None

    return make
