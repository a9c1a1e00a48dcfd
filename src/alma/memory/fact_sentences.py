"""The sentence that a rule makes of what it has matched, and its key; None where it is no fact after all. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable

from alma.memory.fact_values import first_word, name_in, place_in, slug, timeless, value
from alma.memory.fact_words import (
    FIRMS,
    JOBS,
    LANGUAGES,
    NATIONS,
    NEAREST,
    NO_ANSWER,
    NOT_A_JOB,
    NOT_EATEN,
    NOT_LIKED,
    NOT_USED,
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


def is_a(found: Found) -> Made | None:
    """A job, by its last word: an engineer, a nurse."""
    whole = timeless(found[1], 9)
    noun = re.split(r" (?:at|for|in|from|by|with|of|on|who|working|based) ", whole, maxsplit=1)[0]
    last = noun.split()[-1].casefold() if noun else ""
    fits = last in JOBS or re.search(r"(?:eer|er|or|ist|ian|ect|yst|ant|man|woman)$", last)
    if not fits or last in NOT_A_JOB or len(noun.split()) > 5:
        return None
    return f"The user is {whole}.", "user.job"


def trait(found: Found) -> Made | None:
    words = re.sub(r"^(?:an? )?(?:(?:strict|strictly|mostly|fully) )?", "", value(found[1], 6).casefold())
    if (key := TRAITS.get(words)) is not None:
        return f"The user is {'a ' if words in WITH_ARTICLE else ''}{words}.", key
    nation = words.title()
    return (f"The user is {nation}.", "user.nationality") if nation in NATIONS else None


def no_longer(found: Found) -> Made | None:
    what = value(found[1], 6)
    words = re.sub(r"^(?:an?) ", "", what.casefold())
    return (f"The user is no longer {what}.", TRAITS.get(words, "")) if what else None


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
    key = f"user.family.{slug(relation)}" if relation in NEAREST else ""
    return (f"The user's {relation} is called {name}.", key) if name else None


def has(found: Found) -> Made | None:
    what = timeless(found[1], 10)
    return (f"The user has {what}.", "") if what else None


def drives(found: Found) -> Made | None:
    verb, what = found[1].casefold(), value(found[2], 6)
    allowed = {"a", "an"} if verb == "drive" else {"the"}
    fits = what and first_word(what) not in NOT_USED - allowed and not re.search(r"\b(?:with|idea)\b", what)
    return (f"The user {verb}s {what}.", "") if fits else None


# ── what the user likes and uses ──────────────────────────────────────────────────────────────────────────────────


def taste(verb: str) -> Make:
    def make(found: Found) -> Made | None:
        what = value(found[1], 8)
        if not what or first_word(what) in NOT_LIKED or re.search(r"\b(?:you|your|this|that|it|why|how)\b", what, re.I):
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
    return (
        (f"The user does not {verb} {what}.", f"user.taste.{slug(what)}") if first_word(what) not in NOT_EATEN else None
    )


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


def wish(found: Found) -> Made | None:
    """For the time to come; in the user's own words."""
    whole = found[0].rstrip(" .!")
    return (f"The user asked: {whole[0].upper()}{whole[1:]}.", "") if value(found[1], 40) else None
