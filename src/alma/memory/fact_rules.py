"""The rules by which facts are found in a clause: a pattern from its beginning, and the sentence that it makes. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable

from msgspec import Struct

from alma.memory.fact_words import (
    DISEASES,
    FAMILY,
    IMPERATIVES,
    NATIONS,
    NOT_A_JOB,
    NOT_LIKED,
    NOT_USED,
    ONLY_ONE,
    PETS,
    TOOLS,
    TRAITS,
)
from alma.memory.records import Kind

Made = tuple[str, str]  # a fact and its key

LEAD = re.compile(
    r"(?:well|hi|hello|hey|hi there|hello there|btw|by the way|also|and|but|so|ok(?:ay)?|yes|yeah|yep|no|nope|nah"
    r"|actually|fyi|for your information|for context|for the record|as (?:you know|i said|mentioned)|oh|anyway|thanks"
    r"|thank you|sorry|please(?= (?:remember|note|keep|call|always|never|don't forget))|you know|in fact|to be honest|honestly|just so you know|one more thing"
    r"|correction|update|sure|great|good morning|good evening|currently|nowadays|these days|now|right now|personally"
    r"|because|since|although|though|then|today|recently|a bit about me|about me|as of (?:today|now)|note(?=,)"
    r"|alma(?=,)|remember(?=[,:]))(?=[\s,.:!–—-])(?! (?:i )?that\b)",
    re.IGNORECASE,
)
_I = r"(?:i|we)"
_AM = r"(?:i'm|i am|im)"
_NOW = r"(?: (?:just|now|currently|still|also|recently|really|actually|mostly|mainly|usually|always|only|generally|primarily|normally|typically|personally|absolutely|do|have|even|definitely|already|both|finally))*"
_TAIL = re.compile(
    r"(?:,? (?:now|nowadays|these days|at the moment|right now|currently|by the way|btw|too|as well|though|a lot"
    r"|very much|so much|any ?more|any longer|again|please|as you know|for now|for (?:\d+|two|three|many|some|a few|several) (?:years?|months?)"
    r"(?: now)?|since \d{4}|of course|actually|i think|already|to be honest))+$",
    re.IGNORECASE,
)
_CUT = re.compile(
    r",? (?:and|but|so) (?:i|i'm|my|we|he|she|it|they|you|that|can|could|then|also|what|how|please)\b.*"
    r"|,? (?:because|which|who|whom|when|while|although|though|as it|so that|where|until|unless)\b.*"
    r"|[,;:(] ?(?:please|can|could|what|how|but|so|i|he|she|they|it|and)\b.*|[;(…?!].*",
    re.IGNORECASE,
)
_ANY_MORE = r"(?:any ?more|any longer|these days|now)"


class Rule(Struct, frozen=True):
    """`make` gives the fact and its key of a match, or None where it is none after all."""

    pattern: re.Pattern[str]
    make: Callable[[re.Match[str]], Made | None]
    kind: Kind = "semantic"

    def fact(self, clause: str) -> Made | None:
        found = self.pattern.match(clause)
        return self.make(found) if found is not None else None


def value(text: str, most: int = 12) -> str:
    """What is said of the thing, without what is said around it; empty: nothing that can be kept."""
    text = _CUT.sub("", text).strip(" ,.'\"*_")
    text = _TAIL.sub("", text).strip(" ,.'\"*_")
    words = text.split()
    return text if words and len(words) <= most and "…" not in text else ""


def slug(text: str) -> str:
    """The value as part of a key."""
    return "_".join(re.findall(r"\w+", text.casefold()))[:60]


def _name(text: str, most: int = 3) -> str:
    """The words of a name at the beginning of the text."""
    found = re.match(r"[^\W\d_][\w'.-]*(?: (?:(?:van|de|von|der|da|dos|al|bin|la|le|di) )*[A-ZÀ-Þ][\w'.-]*)*", text)
    name = found[0].strip(" .'") if found is not None else ""
    return name if name and len(name.split()) <= most else ""


def _place(text: str) -> str:
    place = value(text, 6)
    first = place.split()[0].casefold() if place else ""
    if first == "the":
        return place if place[4:5].isupper() else ""
    if first in ("a", "an", "my", "this", "that", "fear", "constant", "here", "there", "hope", "it", "our", "your",
                 "peace", "one", "someone", "with", "for", "alone", "him", "her", "them", "sin", "and", "another"):  # fmt: skip
        return ""
    named = place[:1].isupper() or len(place.split()) <= 2
    return _titled(place) if named else ""


def _titled(place: str) -> str:
    return place if any(map(str.isupper, place)) else place.title()


def _rule(pattern: str, make: Callable[[re.Match[str]], Made | None], kind: Kind = "semantic") -> Rule:
    return Rule(re.compile(pattern, re.IGNORECASE), make, kind)


def _said(pattern: str, text: str, key: str = "", most: int = 12, kind: Kind = "semantic") -> Rule:
    """A rule whose last group is a value, put into `text` (and into `key`) for {v}."""

    def make(found: re.Match[str]) -> Made | None:
        what = value(found[found.lastindex or 0], most)
        return (text.format(v=what), key.format(v=slug(what))) if what else None

    return _rule(pattern, make, kind)


# ── who the user is ───────────────────────────────────────────────────────────────────────────────────────────────


def _named(text: str, key: str) -> Callable[[re.Match[str]], Made | None]:
    def make(found: re.Match[str]) -> Made | None:
        name = _name(value(found[1], 4))
        bad = name.casefold() in ("a", "an", "the", "not", "back", "when", "later", "if", "at", "on", "crazy", "old",
                                  "tomorrow", "maybe", "it", "that", "in", "by", "whatever", "irrelevant", "asap", "to")  # fmt: skip
        return (text.format(v=name if any(map(str.isupper, name)) else name.title()), key) if name and not bad else None

    return make


def _lives(found: re.Match[str]) -> Made | None:
    place = _place(found[1])
    return (f"The user lives in {place}.", "user.city") if place else None


def _has_left(found: re.Match[str]) -> Made | None:
    place = _place(found[1])
    return (f"The user no longer lives in {place}.", "user.city") if place else None


def _from(found: re.Match[str]) -> Made | None:
    place = _place(found[1])
    return (f"The user comes from {place}.", "user.origin") if place and place[:1].isupper() else None


def _employed(found: re.Match[str]) -> Made | None:
    name = value(found[1], 6)
    named = name[:1].isupper() or re.match(r"(?:an?|the) [\w -]*\b(?:company|bank|hospital|school|university|startup|start-up|agency|firm|lab|factory|bakery|shop|restaurant|library|museum|clinic|studio|government|ngo|hotel|airline|bookshop|pharmacy|farm)\b", name, re.I)  # fmt: skip
    return (f"The user works at {name}.", "user.employer") if named else None


def _works_as(found: re.Match[str]) -> Made | None:
    job = value(found[1], 8)
    article = re.match(r"(?:an?|the) ", job, re.I)
    return (
        (f"The user works as {job}.", "user.job") if article and job.split()[-1].casefold() not in NOT_A_JOB else None
    )


def _is_a(found: re.Match[str]) -> Made | None:
    """A job, by its last word: an engineer, a nurse."""
    whole = value(found[1], 9)
    noun = re.split(r" (?:at|for|in|from|by|with|of|on|who|working|based) ", whole, maxsplit=1)[0]
    last = noun.split()[-1].casefold() if noun else ""
    fits = re.search(r"(?:eer|er|or|ist|ian|ect|yst|ant|man|woman)$", last) or last in ONLY_ONE
    if not fits or last in NOT_A_JOB or len(noun.split()) > 5:
        return None
    return f"The user is {whole}.", "user.job"


def _trait(found: re.Match[str]) -> Made | None:
    words = value(found[1], 6).casefold()
    words = re.sub(r"^(?:a|an|strict|strictly|mostly|fully) ", "", re.sub(r"^(?:a|an) ", "", words))
    if (key := TRAITS.get(words)) is not None:
        article = (
            "a "
            if words in ("vegetarian", "pescatarian", "flexitarian", "christian", "smoker", "widow", "widower")
            else ""
        )
        return f"The user is {article}{words}.", key
    nation = words.title()
    return (f"The user is {nation}.", "user.nationality") if nation in NATIONS else None


def _no_longer(found: re.Match[str]) -> Made | None:
    words = re.sub(r"^(?:a|an) ", "", value(found[1], 6).casefold())
    return (f"The user is no longer {value(found[1], 6)}.", TRAITS.get(words, ""))


def _age(found: re.Match[str]) -> Made | None:
    return (f"The user is {found[1]} years old.", "user.age") if 3 <= int(found[1]) <= 119 else None


def _born(found: re.Match[str]) -> Made | None:
    what = value(found[2], 6)
    if re.search(r"\d{1,2}", what) and not re.fullmatch(r"\d{4}", what):
        return f"The user's birthday is {what}.", "user.birthday"
    if re.fullmatch(r"\d{4}", what):
        return f"The user was born in {what}.", "user.birth_year"
    return (f"The user was born in {what}.", "user.birthplace") if what[:1].isupper() else None


# ── whom and what the user has ────────────────────────────────────────────────────────────────────────────────────


def _relative(found: re.Match[str]) -> Made | None:
    relation, name = found[1].casefold(), _name(found[2])
    if not name or not name[0].isupper():
        return None
    one = relation.split()[-1] in ("wife", "husband", "partner", "mother", "mom", "mum", "father", "dad", "boss",
                                   "girlfriend", "boyfriend", "fiancé", "fiancée", "fiance", "fiancee", "manager")  # fmt: skip
    return f"The user's {relation} is called {name}.", f"user.family.{slug(relation)}" if one else ""


def _relative_called(found: re.Match[str]) -> Made | None:
    relation, name = found[1].casefold(), _name(value(found[2], 4))
    return _called(relation, name if any(map(str.isupper, name)) else name.title()) if name else None


def _called(relation: str, name: str) -> Made:
    return f"The user's {relation} is called {name}.", ""


def _has(found: re.Match[str]) -> Made | None:
    what = value(found[1], 10)
    return (f"The user has {what}.", "") if what else None


def _my_is(found: re.Match[str]) -> Made | None:
    what, how = " ".join(found[1].casefold().split()), value(found[3], 14)
    if not how or how.casefold().split()[0] in (
        "not",
        "broken",
        "slow",
        "wrong",
        "too",
        "unknown",
        "missing",
        "bad",
        "gone",
        "still",
    ):
        return None
    return f"The user's {what} {found[2].casefold().replace(chr(39) + 's', 'is')} {how}.", f"user.{slug(what)}"


def _drives(found: re.Match[str]) -> Made | None:
    what = value(found[2], 6)
    return (
        (f"The user {found[1].casefold()}s {what}.", "")
        if what and what.split()[0].casefold() not in NOT_USED - {"a", "an"}
        else None
    )


# ── what the user likes and uses ──────────────────────────────────────────────────────────────────────────────────


def _taste(verb: str) -> Callable[[re.Match[str]], Made | None]:
    def make(found: re.Match[str]) -> Made | None:
        what = value(found[found.lastindex or 0], 8)
        first = what.split()[0].casefold() if what else ""
        if not what or first in NOT_LIKED or re.search(r"\b(?:your|you|this|that|it)\b", what, re.I):
            return None
        return f"The user {verb} {what}.", f"user.taste.{slug(re.sub(r'^(?:to|the|a|an) ', '', what))}"

    return make


def _prefers(found: re.Match[str]) -> Made | None:
    what = value(found[1], 14)
    first = what.split()[0].casefold() if what else ""
    if not what or first in ("it", "this", "that", "your", "the", "not", "these", "those"):
        return None
    return f"The user prefers {what}.", ""


def _uses(found: re.Match[str]) -> Made | None:
    verb, what = found[2].casefold(), value(found[3], 8)
    first = what.split()[0] if what else ""
    if not what or first.casefold() in NOT_USED or re.search(r"\b(?:your|this|that|you)\b", what, re.I):
        return None
    known = first[0].isupper() or first.casefold() in TOOLS or bool(found[1].strip()) or " for " in what
    says = {"use": "uses", "work with": "works with", "code in": "codes in", "program in": "programs in",
            "develop in": "develops in", "write": "writes", "run": "runs"}[verb]  # fmt: skip
    return (f"The user {says} {what}.", "") if known else None


def _stopped(found: re.Match[str]) -> Made | None:
    verb, what = found[1].casefold(), value(found[2], 8)
    if not what:
        return None
    if verb in ("like", "love", "enjoy"):
        return f"The user no longer {verb}s {what}.", f"user.taste.{slug(what)}"
    if verb in ("work", "working"):
        return f"The user no longer works {what}.", "user.employer"
    third = {"do": "does", "go": "goes", "have": "has"}.get(verb, f"{verb}s")
    return f"The user no longer {third} {what}.", ""


def _not_eaten(found: re.Match[str]) -> Made | None:
    verb, what = found[1].casefold(), value(found[2], 6)
    if not what or what.split()[0].casefold() in (
        "it",
        "this",
        "that",
        "much",
        "enough",
        "what",
        "a",
        "any",
        "time",
        "well",
    ):
        return None
    return f"The user does not {verb} {what}.", f"user.taste.{slug(what)}"


# ── what the user asks for ────────────────────────────────────────────────────────────────────────────────────────


def _rule_kept(found: re.Match[str]) -> Made | None:
    what = value(found[1], 40)
    return (f"The user asked: {found[0][0].upper()}{found[0][1:].rstrip(' .!')}.", "") if what else None


def _to_remember(found: re.Match[str]) -> Made | None:
    what = found[1].strip(" ,.:!")
    if len(what.split()) < 2 or re.match(r"(?:when|the time|how|me|that time|last|this)\b", what, re.I):
        return None
    for rule in RULES[:-1]:
        if (made := rule.fact(what)) is not None:
            return made
    return f"The user asked to remember: {what[0].upper()}{what[1:]}.", ""


_X = r"(.+)$"
RULES: list[Rule] = [
    _rule(rf"my (?:full |first |given |real )?name(?:'s| is|s) {_X}", _named("The user's name is {v}.", "user.name")),
    _rule(rf"(?:call me|address me as|(?:everyone|everybody|people|friends|my friends) calls? me) {_X}", _named("The user wants to be called {v}.", "user.called")),
    _rule(rf"(?:i go by|you can call me|just call me|please call me) {_X}", _named("The user wants to be called {v}.", "user.called")),
    _rule(rf"(?:{_I}|i'm|i am|we're){_NOW} (?:live|reside|living|residing|based|am living|am based) in {_X}", _lives),
    _rule(rf"(?:{_I}|i've|we've){_NOW} (?:moved|relocated) (?:from [\w ]+? )?(?:back )?(?:to|into) {_X}", _lives),
    _rule(rf"my (?:home ?town|home city|city) is {_X}", _lives),
    _rule(rf"{_I}(?:(?: do not| don't| no longer) live|'ve left|'ve moved away from| moved away from| moved out of) (?:in )?{_X}", _has_left),
    _rule(rf"(?:{_AM}|{_I} come) (?:originally )?from {_X}", _from),
    _rule(rf"(?:i|i've){_NOW} (?:work|am working|'m working|started(?: working)?|started a (?:new )?job|got a (?:new )?job|joined|been working)(?: (?:at|for|with))? (?!in\b|on\b|as\b|with\b|from\b|to\b){_X}", _employed),
    _rule(rf"{_AM} (?:employed|working) (?:at|by|for) {_X}", _employed),
    _rule(rf"i{_NOW} work as {_X}", _works_as),
    _said(r"i(?:'ve)?(?: (?:just|recently|have))* (?:quit|left|resigned from) my job(?: at)? (.+)$", "The user no longer works at {v}.", "user.employer", 6),
    _rule(rf"(?:{_AM}) (?:no longer|not) (?!sure\b|going\b|able\b)(.+? {_ANY_MORE})$", _no_longer),
    _rule(rf"(?:{_AM}) no longer {_X}", _no_longer),
    _rule(rf"{_AM}{_NOW} {_X}", _trait),
    _rule(rf"{_AM} (\d{{1,3}})(?: years? old| y/?o)?$", _age),
    _rule(rf"{_AM}{_NOW} ((?:an?|the) {_X})", _is_a),
    _said(rf"i{_NOW} (?:study|major in) {_X}", "The user studies {v}.", "user.studies", 8),
    _said(rf"{_AM}{_NOW} (?:studying|majoring in) {_X}", "The user studies {v}.", "user.studies", 8),
    _said(rf"i{_NOW} teach {_X}", "The user teaches {v}.", "", 8),
    _rule(rf"(i) was born (?:on|in) {_X}", _born),
    _said(rf"{_AM} married to {_X}", "The user is married to {v}.", "user.marital_status", 5),
    _said(r"(?:i|we)(?: just| recently)? (got married|got divorced|got engaged)\b.*$", "The user {v}.", "user.marital_status", 3),
    # family and pets
    _rule(rf"my ((?:(?:older|younger|little|big|elder|new|ex|eldest|youngest|late)[ -])?(?:{FAMILY}|{PETS}))(?:'s name is| is called| is named|'s called|,? whose name is) {_X}", _relative_called),
    Rule(re.compile(rf"(?i:my) ((?:(?:older|younger|little|big|elder|new)[ -])?(?:{FAMILY}|{PETS})) (?:is )?([A-ZÀ-Þ][^\W\d_]+(?: [A-ZÀ-Þ][^\W\d_]+)*)(?:$|[ ,.])"), _relative),
    _rule(rf"{_I}(?:'ve got| have| own|'ve)(?: got)? ((?:an?|one|two|three|four|five|six|\d{{1,2}}|no) (?:[\w-]+ ){{0,3}}(?:{FAMILY}|{PETS}|child|children|kids?)(?:s|es)?\b.*)$", _has),
    _rule(rf"i (?:have|suffer from|was diagnosed with|live with) ((?:type [12] |mild |severe |chronic )?(?:{DISEASES}).*)$", _has),
    _rule(r"i(?:'ve got| have)(?: got)? ((?:an? |severe |mild )*(?:[\w-]+ ){0,2}(?:allergy|allergies|intolerance)\b.*)$", _has),
    _said(rf"{_AM}{_NOW} (?:severely |very |highly |deathly )?allergic to {_X}", "The user is allergic to {v}.", "", 8),
    _rule(rf"i (?:do not|don't|can't|cannot|can not|never|no longer) (eat|drink|tolerate) {_X}", _not_eaten),
    _said(rf"i{_NOW} (?:avoid) {_X}", "The user avoids {v}.", "user.taste.{v}", 6),
    _said(rf"i only eat {_X}", "The user only eats {v}.", "user.diet", 6),
    # what holds no longer
    _rule(rf"i (?:don't|do not) (like|love|enjoy|use|work|play|drive|eat|drink|watch|own|have|go) (.+?) {_ANY_MORE}$", _stopped),
    _rule(rf"i no longer (like|love|enjoy|use|work|play|drive|eat|drink|watch|own|have|go) {_X}", _stopped),
    _said(r"i(?:'ve| have)?(?: just| recently)? (?:quit|stopped|given up|gave up) (\w+ing\b.*)$", "The user has stopped {v}.", "", 6),
    # likes
    _rule(rf"i{_NOW} prefer {_X}", _prefers),
    _rule(rf"i(?:'d| would) rather (?:have|use|get|be given) {_X}", _prefers),
    _rule(rf"i{_NOW} (?:like|love|enjoy|adore) {_X}", _taste("likes")),
    _rule(rf"{_AM}{_NOW} (?:a (?:big |huge )?fan of|into|fond of|passionate about|crazy about|obsessed with) {_X}", _taste("likes")),
    _rule(rf"i{_NOW} (?:hate|dislike|loathe|detest|can't stand|cannot stand|despise) {_X}", _taste("dislikes")),
    _rule(rf"i (?:really |also )?(?:don't|do not)(?: really)? (?:like|love|enjoy) {_X}", _taste("dislikes")),
    _rule(rf"{_AM} not (?:a (?:big |huge )?fan of|into|fond of) {_X}", _taste("dislikes")),
    # tools, languages, habits
    _rule(rf"i({_NOW}) (use|work with|code in|program in|develop in) {_X}", _uses),
    _said(rf"(?:i|i've|we){_NOW} switched (?:from .+? )?to {_X}", "The user has switched to {v}.", "", 8),
    _said(rf"i{_NOW} speak ((?:a little |some |fluent |native )?[A-Z].*)$", "The user speaks {v}.", "", 10),
    _said(rf"{_AM}{_NOW} learning (?!how\b|about\b|a lot\b|that\b|to use\b){_X}", "The user is learning {v}.", "", 8),
    _said(rf"{_AM}{_NOW} (?:working on|writing) ((?:my|an?) (?:[\w-]+ ){{0,2}}(?:thesis|dissertation|novel|book|startup|phd|paper|memoir|master's thesis|bachelor's thesis|game|app)\b.*)$", "The user is working on {v}.", "", 12),
    _rule(rf"i{_NOW} (drive|play) {_X}", _drives),
    _said(rf"i{_NOW} collect {_X}", "The user collects {v}.", "", 6),
    _said(rf"{_AM} in (?:the )?((?:UTC|GMT|CET|CEST|EST|EDT|PST|PDT|CST|MST|IST|JST|BST|AEST)\b[+\-\d:]*)", "The user's time zone is {v}.", "user.time_zone", 3),
    # what is due
    _said(rf"(?:the|my) deadline (for .+? is .+|is .+)$", "The user's deadline {v}.", "", 14),
    _said(rf"my ((?:[\w'-]+ ){{0,3}}(?:is|are) due .+)$", "The user's {v}.", "", 14),
    _said(rf"i (?:have to|need to|must) ((?:submit|hand in|deliver|turn in|file|send in|finish) .+ (?:by|before|until) .*(?:\d|day|week|month|tomorrow|noon|midnight|{'|'.join(('january', 'february', 'march', 'april', 'may', 'june', 'july', 'august', 'september', 'october', 'november', 'december'))}).*)$", "The user has to {v}.", "", 16),
    _rule(rf"my ((?:favou?rite|preferred|main|native|first|second)(?: [\w-]+){{1,3}}?|birthday|birth date|date of birth|time ?zone|e-?mail(?: address)?|phone number|job(?: title)?|profession|occupation|nationality|mother tongue|pronouns|age|height|weight|blood type|star sign|zodiac sign|hobby|hobbies|address|employer|company|diet|shoe size|major|university|school|nickname|username|github(?: username)?|goal|operating system|editor|ide|os|religion|budget|allergy|allergies|middle name|last name|surname|family name) (is|are|'s) {_X}", _my_is),
    # what is asked for from now on
    _rule(rf"(?:from now on|going forward|in (?:the )?future|for all (?:your )?(?:future )?(?:answers|replies)|in all (?:your )?(?:future )?(?:answers|replies)|whenever you (?:answer|reply|write)|when(?:ever)? you (?:answer|reply)(?: me)?),? {_X}", _rule_kept, "procedural"),
    _rule(rf"(?:please )?(?:always|never) (?:{IMPERATIVES})\b(.*)$", _rule_kept, "procedural"),
    _rule(rf"(?:please )?(?:{IMPERATIVES})\b(.*\bfrom now on)$", _rule_kept, "procedural"),
    _rule(rf"(?:please )?(?:don't|do not|stop) (?:{IMPERATIVES}|\w+ing)\b(.*\b(?:again|ever|any ?more|from now on))$", _rule_kept, "procedural"),
    _rule(rf"(?:please )?(?:remember|note|keep in mind|don't forget|do not forget|make a note|bear in mind)(?: that|:|,)? {_X}", _to_remember),
]  # fmt: skip
