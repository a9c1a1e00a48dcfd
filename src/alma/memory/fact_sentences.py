"""The sentence that a rule makes of what it has matched, and its key; None where it is no fact after all. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable

from alma.memory.fact_places import is_known
from alma.memory.fact_values import (
    FOR_NOW,
    first_word,
    is_state,
    is_time,
    name_in,
    place_in,
    proper,
    slug,
    timeless,
    value,
)
from alma.memory.fact_words import (
    BROAD_JOBS,
    DISEASES,
    FAMILY,
    FIRMS,
    GROUPS,
    JOBS,
    LANGUAGES,
    NATIONS,
    NEAREST,
    NOT_BY_TRADE,
    PETS,
    RELIGIONS,
    SERVICES,
    SUBJECTS,
    TITLES,
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
    """In small letters only where all is written so: "my name is wrong" is said as well."""

    def make(found: Found) -> Made | None:
        name = name_in(value(found[1], 20), small=found[0][0].islower())
        return (text.format(v=name), key) if name else None

    return make


def at_home(text: str, key: str = "user.city") -> Make:
    def make(found: Found) -> Made | None:
        place = place_in(found[1])
        return (text.format(v=place), key) if place else None

    return make


def moved(found: Found) -> Made | None:
    """Teams, services and dates are moved too: only to a place that is known."""
    place = place_in(found[1], known=True)
    return (f"The user lives in {place}.", "user.city") if place else None


def comes_from(found: Found) -> Made | None:
    """ "I'm from Sales", too."""
    place = place_in(found[2], known=not found[1])
    return (f"The user comes from {place}.", "user.origin") if place and not place.islower() else None


_FIRM = rf"(?:an?|the) (?:[\w'-]+ ){{0,3}}(?:{FIRMS})(?: (?:of|in) (?:the )?[A-ZÀ-Þ][\w'-]*)?"
_WITH_JOB = re.compile(r"^(.+?) (as an? .+)$")


def employed(found: Found) -> Made | None:
    if FOR_NOW.search(found[1]):
        return None
    said = timeless(found[1], 12)
    with_job = _WITH_JOB.match(said)
    name, job = (with_job[1], with_job[2]) if with_job is not None else (said, "")
    firm = firm_in(name)
    if firm.startswith("the ") and "working at" in found[0]:  # it may be where they sit
        return None
    job = f" {job}" if job and _is_job(job.removeprefix("as ")) else ""
    return (f"The user works at {firm}{job}.", "user.employer") if firm else None


def firm_in(name: str) -> str:
    """A name, or a firm of a kind; without what the user does there."""
    name = re.sub(r",? (?:and|in|on|near) .*|,.*", "", name) if not re.match(_FIRM, name) else name
    if re.fullmatch(_FIRM, name, re.IGNORECASE):
        return name
    return proper(name) if not is_state(name) and not name.endswith("'s") else ""


def works_as(found: Found) -> Made | None:
    job = _BESIDES.sub("", timeless(found[1], 10))
    noun = _noun_of(job)
    fits = first_word(job) in ("a", "an") and 1 < len(noun.split()) <= 5 and not is_state(noun.split()[1])
    where = _IN.search(job)
    fits = (
        fits
        and noun.split()[-1].casefold() not in GROUPS
        and (where is None or is_known(where[1]))
        and _AT_WORK.fullmatch(job, len(noun))
    )
    return (f"The user works as {job}.", "user.job") if fits and not FOR_NOW.search(found[1]) else None


_BESIDES = re.compile(r",.*| and (?!an? ).*", re.DOTALL)
_IN = re.compile(r" in ((?:the )?[A-ZÀ-ÞĀ-Ž].*)$")
_AT_WORK = re.compile(
    rf"(?: (?:at|for|in|from|of|with|based in|living in|working (?:at|for|in)) (?:(?!this\b)(?:an? |the )?"
    rf"(?:[A-ZÀ-ÞĀ-Ž][\w.'-]*|small|large|local|big)(?: [A-ZÀ-ÞĀ-Ž][\w.'-]*)*(?: (?:{FIRMS}))?|(?:an? "
    rf"|the )(?:[\w-]+ )?(?:{FIRMS})))*"
    r"|(?: by (?:trade|profession|day|training))"
)


def is_a(found: Found) -> Made | None:
    """A job, by its last word: an engineer, a nurse."""
    things = re.split(r" and (?=an? )", _BESIDES.sub("", timeless(found[1], 12)))
    jobs = [thing for thing in things if _is_job(thing)]
    fits = jobs and things[0] in jobs and not FOR_NOW.search(found[1])
    return (f"The user is {' and '.join(jobs)}.", "user.job") if fits else None


def _noun_of(thing: str) -> str:
    return re.split(r" (?:at|for|in|from|by|with|of|on|who|working|living|based) ", thing, maxsplit=1)[0]


def _is_job(thing: str) -> bool:
    noun = _noun_of(thing)
    article, *before, last = noun.casefold().split() if len(noun.split()) > 1 else ("", "")
    if article not in ("a", "an") and not (article == "the" and last in TITLES):
        return False
    boasts = any(word in NOT_BY_TRADE or word.endswith(("ful", "less", "some")) for word in before)
    fits = last in JOBS and not boasts and len(before) <= 4 and (last not in BROAD_JOBS or bool(before))
    where = _IN.search(thing)
    fits = fits and (where is None or is_known(where[1]))
    return fits and _AT_WORK.fullmatch(thing, len(noun)) is not None and not any(map(is_time, thing.split()))


def trait(found: Found) -> Made | None:
    words = re.sub(r"^(?:an? )?(?:(?:strict|strictly|mostly|fully) )?", "", value(found[1], 6).casefold())
    if (key := TRAITS.get(words)) is not None:
        said = words.title() if words in RELIGIONS else words
        return f"The user is {'a ' if words in WITH_ARTICLE else ''}{said}.", key
    nation = re.sub(r"\bAnd\b", "and", words.title())
    of_these = all(one in NATIONS for one in nation.split(" and "))
    return (f"The user is {nation}.", "user.nationality") if of_these else None


def aged(found: Found) -> Made | None:
    return (f"The user is {found[1]} years old.", "user.age") if 3 <= int(found[1]) <= 119 else None


_DATE = re.compile(
    r"\d{1,4}[./-]\d|\b(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)(?:\b|[a-z]*(?:ary|ch|il|st|ber)\b)",
    re.IGNORECASE,
)


def born(found: Found) -> Made | None:
    what = value(found[1], 6)
    when = next((part for part in re.split(r",? (?:in|on) ", what) if re.search(r"\d", part)), "")
    if re.fullmatch(r"\d{4}", when):
        return f"The user was born in {when}.", "user.birth_year"
    if when:
        return (f"The user's birthday is {when}.", "user.birthday") if _DATE.search(when) else None
    place = place_in(found[1])
    return (f"The user was born in {place}.", "user.birthplace") if place and what[:1].isupper() else None


def studies(found: Found) -> Made | None:
    """A subject: not "I study hard"."""
    what = timeless(_BESIDES.sub("", value(found[1], 10)), 6)
    subject = re.split(r" (?:at|in|with) (?=[A-ZÀ-ÞĀ-Ž])| on the side", what, maxsplit=1)[0]
    fits = _SUBJECT.fullmatch(subject) or (first_word(subject) in LANGUAGES and len(subject.split()) <= 2)
    return (f"The user studies {what}.", "user.studies") if fits and not FOR_NOW.search(found[1]) else None


_SUBJECT = re.compile(rf"(?:[\w-]+ ){{0,2}}(?:{'|'.join(sorted(SUBJECTS))}|[\w-]+ology|[a-z]+(?<!e)ics)", re.IGNORECASE)


def married_to(found: Found) -> Made | None:
    whom = value(found[1], 6)
    fits = re.match(r"an? ", whom) or (
        name_in(whom, small=False) == whom and not (TOOLS | SERVICES) & set(whom.casefold().split())
    )
    return (f"The user is married to {whom}.", "user.marital_status") if whom and fits else None


def got(found: Found) -> Made | None:
    """ "I got engaged", not "in a discussion"."""
    rest = timeless(f"{found[1]}{found[2]}", 8)
    fits = re.fullmatch(rf"{found[1]}(?: to (?:(?:my|our) .+|(?-i:[A-ZÀ-Þ])\w+))?", rest, re.IGNORECASE)
    fits = fits and rest.split()[-1].casefold() not in TOOLS
    return (f"The user {found[1].casefold()}.", "user.marital_status") if fits else None


def died(found: Found) -> Made | None:
    """Not "my dog Rex died his fur"."""
    relation, name = found[1].casefold(), found[2]
    over = timeless(f"so{found[3]}", 8) == "so"
    return (f"The user's {relation} {name} has died.", _key_of(relation, name)) if over else None


def parted(found: Found) -> Made | None:
    """From whom; not "I left my wife a note"."""
    whom = found[1].casefold()
    how = "divorced" if "divorc" in found[0].casefold() else "separated"
    over = timeless(f"so{found[2]}", 8) == "so"
    return (f"The user and their {whom} have {how}.", f"user.family.{slug(whom)}") if over else None


def married_no_more(found: Found) -> Made | None:
    said = parted(found)
    if said is None or not said[1].endswith(("wife", "husband")):
        return None
    return f"The user is {said[0].split()[-1]}", "user.marital_status"


# ── whom and what the user has ────────────────────────────────────────────────────────────────────────────────────


_NO_NAME = re.compile(r"^[A-ZÀ-Þ]{2,}$|(?:ian|ican|ese|ish|ist|crat)$|^(?:Dr|Mr|Mrs|Ms|Prof)\b")  # "my boss is OK"


def relative(found: Found) -> Made | None:
    relation, name = found[1].casefold(), name_in(value(found[2], 20), small=found[0][0].islower())
    bare = found[0][: found.start(2) - found.start()].endswith(" is ")
    if bare and not re.match(r"$|[,.;!]| (?:and|but)\b", found.string[found.start(2) :][len(name) :]):
        return None
    if bare and _NO_NAME.search(name):
        return None
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


_NAMES = r"[A-ZÀ-ÞĀ-Ž][\w'-]*(?:(?:, | and |, and )[A-ZÀ-ÞĀ-Ž][\w'-]*)*"
_SO_MANY = r"(?:an?|one|two|three|four|five|six|\d+|no)"
_KIN = rf"(?:{FAMILY}|{PETS}|child|kid)(?:s|es|ren)?|ponies|puppies|wives"
_HAS_NAMED = re.compile(rf"an? (?:[\w-]+ )*?({FAMILY}|{PETS}) (?:called|named) (.+)")
_HAS_SO_MANY = re.compile(rf"{_SO_MANY} ({FAMILY}|{PETS}|child|kid)(?:s|es|ren)?")
_HAS_KIN = re.compile(
    rf"{_SO_MANY} (?:(?:{_KIN})|(?!{_KIN})(?:[\w-]+ ){{1,3}}?(?:{_KIN}))(?:,? (?:called|named) (?:{_NAMES}|\w+)"
    rf"|[,:] {_NAMES})?",
    re.IGNORECASE,
)
_HAS_ILLNESS = re.compile(rf"(?:type [12] |mild |severe )?({DISEASES})", re.IGNORECASE)
_HAS_ALLERGY = re.compile(
    r"(?:(?:an?|severe|mild) )*((?:[\w-]+ ){1,2})(?:allergy|allergies|intolerance)", re.IGNORECASE
)


def has(found: Found) -> Made | None:
    """Somebody, or something of one's body, and nothing more: not "two cats in this picture"."""
    whole = timeless(found[1], 12)
    if re.match(r"no (?:\w+ )?allerg", whole, re.IGNORECASE):
        return None  # it is of all of them, and each has its own key
    for what in (whole, re.split(r",? (?:and|with) |, ", whole, maxsplit=1)[0]):
        if any(shape.fullmatch(what) for shape in (_HAS_KIN, _HAS_ILLNESS, _HAS_ALLERGY)) and not FOR_NOW.search(
            found[1]
        ):
            return f"The user has {what}.", _key_of_own(what)
    return None


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
    if allergy is not None and what.endswith("intolerance"):
        return f"user.intolerance.{slug(allergy[1])}"
    return f"user.allergy.{slug(allergy[1])}" if allergy is not None else ""


# ── any of it ─────────────────────────────────────────────────────────────────────────────────────────────────────


def said(text: str, key: str = "", most: int = 12) -> Make:
    """The last group, put into `text` (and into `key`) for {v}."""

    def make(found: Found) -> Made | None:
        what = value(found[found.lastindex or 0], most)
        return (text.format(v=what), key.format(v=slug(what))) if what and first_word(what) not in VAGUE else None

    return make
