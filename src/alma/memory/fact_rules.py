"""The rules by which facts are found in a clause: each a pattern, from the clause's beginning, and what it makes. Pure.

The first rule that matches and makes something counts, so the narrower ones come first. Where a rule's things may be
several ("I like A and B"), it makes one fact of each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from alma.memory import fact_doings as doing
from alma.memory import fact_rulings as ruling
from alma.memory import fact_sentences as make
from alma.memory import fact_tastes as taste
from alma.memory.fact_clauses import AGED, AM, BELOVED, FROM_NOW, KEEP, NOW, PARTED, RELATIVE
from alma.memory.fact_denials import ANY_MORE, denial_of, denied_in, is_all_said
from alma.memory.fact_lists import all_of, any_of, counted
from alma.memory.fact_own import my_is
from alma.memory.fact_sentences import Found, Made, Make
from alma.memory.fact_values import FOR_NOW, value
from alma.memory.fact_words import DISEASES, FAMILY, IMPERATIVES, PETS
from alma.memory.records import Kind


class Rule(Struct, frozen=True):
    """`each`: divides what the pattern's last group has found, the end of the clause, into several things."""

    pattern: re.Pattern[str]
    make: Make
    kind: Kind = "semantic"
    each: Callable[[str], list[str]] | None = None

    def facts(self, clause: str) -> list[Made]:
        """Facts and their keys. None of them if the first thing is none that the rule is for."""
        made: list[Made] = []
        for at, said in enumerate(self._each(clause)):
            found = self.pattern.match(said)
            fact = self.make(found) if found is not None else None
            if fact is not None:
                made.append(fact if self.kind == "procedural" else (_theirs(fact[0]), fact[1]))
            elif at == 0:
                break
        return made

    def _each(self, clause: str) -> list[str]:
        """The clause, once with each of its things."""
        found = self.pattern.match(clause) if self.each is not None else None
        if found is None or self.each is None or found.lastindex is None:
            return [clause]
        said = found[found.lastindex]
        things = self.each(said)
        if len(things) < 2 and things == [value(said, 40)]:
            return [clause]
        return [clause[: found.start(found.lastindex)] + thing for thing in things if not FOR_NOW.search(said)]


class Finding(Struct, frozen=True):
    """A fact and its key. `denies`: it is a denial, and ends only what has these words and its key."""

    text: str
    key: str
    kind: Kind = "semantic"
    denies: str = ""


def made_of(clause: str, *, limited: bool = False) -> Iterator[Finding]:
    """The facts in it. `limited`: what follows it says that it is not always so."""
    kept = _KEPT.pattern.match(clause)
    if kept is not None and (known := list(made_of(kept[1].strip(" ,.:!"), limited=limited))):
        yield from known
        return
    limit = LIMITS.search(clause)
    if limit is not None and not limited:
        yield from _limited(clause[: limit.start()].rstrip(" ,"), clause[limit.start() :])
    limited = limited or limit is not None
    denials = [] if limited else list(_denials_in(clause))
    yield from denials
    for rule in RULES:
        if (limited and rule.kind == "semantic" and rule is not _KEPT) or (denials and rule not in _GO_ON):
            continue
        if made := rule.facts(clause):
            for text, key in made:
                yield Finding(text, key, rule.kind)
            if rule not in _GO_ON:
                return


def _limited(clause: str, limit: str) -> Iterator[Finding]:
    """One fact with its exception: "The user is vegan except for honey"."""
    facts = list(made_of(clause))
    plain = len(limit.split()) <= 6 and not _SAYS_MORE.search(limit)
    if plain and len(facts) == 1 and facts[0].kind == "semantic" and not facts[0].denies:
        yield replace(facts[0], text=f"{facts[0].text.removesuffix('.')} {limit}.")


def _denials_in(clause: str) -> Iterator[Finding]:
    denied = denied_in(clause)
    if denied is None:
        return
    instead = list(made_of(denied.instead)) if denied.instead else []
    said = next(((rule, made) for rule in _STATED if (made := rule.facts(denied.sentence))), None)
    if said is not None and is_all_said(said[1][-1][0], denied):
        for text, key in said[1]:
            denial = denial_of(text, key, denied)
            if denial is not None and all(one.key != key for one in instead):
                yield Finding(denial[0], key, said[0].kind, denial[1])
    yield from instead


def _theirs(text: str) -> str:
    return _MINE.sub(lambda mine: _THEIRS[mine[0].casefold()], text)


_THEIRS = {"my": "their", "our": "their", "me": "them", "myself": "themselves", "us": "them"}
_MINE = re.compile(r"\b(?:my|our|me|myself)\b")
_SAYS_MORE = re.compile(r"\b(?:i|i'm|my|me|we|our|you|he|she|it|they|and)\b|[,;:(]", re.IGNORECASE)
# With such words it is not always so, and a fact without them would be another one.
LIMITS = re.compile(
    r"\b(?:except(?:ing)?|unless|(?:apart from|aside from|other than)(?! (?:that|this)\b)|save for|excluding"
    r"|with the exception|but only"
    r"|only (?:when|if|on|at|in the|during|after|before|for)|rarely|hardly|seldom|barely|scarcely|almost never)\b"
    r"|(?<=\w )besides\b",
    re.IGNORECASE,
)
_NUMBER = r"(?:an?|one|two|three|four|five|six|\d{1,2}|no)"
_ADJECTIVES = r"(?:(?!called|named|about|of|with|for|in|on|to|and|questions?|problems?|issues?)[\w-]+ ){0,3}"
_NO_PET = (
    r"(?! too| in\b| on\b| (?:problem|issue|question|trainer|sitter|walker|owner|lover|person|food|bed|toy|picture"
    r"|photo|video|show|name|house|hair)s?\b)"
)
_HOW_BAD = "an? |severe |mild "
_MONTH = "january|february|march|april|may|june|july|august|september|october|november|december"
_X = r"(.+)$"


def _rule(pattern: str, make: Make, kind: Kind = "semantic", *, each: Callable[[str], list[str]] | None = None) -> Rule:
    return Rule(re.compile(pattern, re.IGNORECASE), make, kind, each)


_WHO = [
    _rule(
        rf"(?:my (?:full |first |given |real |new )?name(?:'s| is|s)|i(?:'ve| have)? changed my name to) {_X}",
        make.named("The user's name is {v}.", "user.name"),
    ),
    _rule(
        rf"(?:(?:{FROM_NOW},? )?(?:you can |just |please |always )*call me|address me as|i go by"
        rf"|(?:everyone|everybody|people|(?:my )?friends) calls? me) {_X}",
        make.named("The user wants to be called {v}.", ruling.CALLED),
        "procedural",
    ),
    _rule(
        rf"(?:i|we|i'm|i am|we're|i've|we've){NOW} (?:live|reside|living|been living|residing|based) in {_X}",
        make.at_home("The user lives in {v}."),
    ),
    _rule(rf"(?:i|we){NOW} live near {_X}", make.at_home("The user lives near {v}.")),
    _rule(rf"i grew up in {_X}", make.at_home("The user grew up in {v}.", "user.grew_up_in")),
    _rule(
        rf"(?:i|we|i've|we've){NOW} (?:moved|relocated) (?:from [\w ]+? )?(?:back )?to {_X}",
        make.moved,
    ),
    _rule(rf"my (?:home ?town|home city|city) is {_X}", make.at_home("The user's home town is {v}.", "user.home_town")),
    _rule(rf"(?:{AM}|i come) (originally )?from {_X}", make.comes_from),
    _rule(
        rf"(?:i|i've|{AM}){NOW} (?:started a (?:new )?job|got a (?:new )?job|started working|been working|working"
        rf"|employed|work) (?:at|for|by) {_X}",
        make.employed,
    ),
    _rule(rf"i(?:'ve| have)?{NOW} joined (.+ as an? .+)$", make.employed),
    _rule(rf"i{NOW} work (?:part[- ]time |full[- ]time )?as {_X}", make.works_as),
    _rule(rf"{AM}{NOW} {_X}", make.trait),
    _rule(rf"(?:we're|we are){NOW} ((?:married|divorced|separated|engaged)(?: now)?)$", make.trait),
    _rule(rf"{AM} (\d{{1,3}})(?: years? old| y/?o)?$", make.aged),
    _rule(rf"{AM}{NOW} ((?:an?|the) .+)$", make.is_a),
    _rule(rf"(?:i{NOW} (?:study|major in)|{AM}{NOW} (?:studying|majoring in)) {_X}", make.studies),
    _rule(rf"i{NOW} teach {_X}", doing.teaches),
    _rule(rf"i was born (?:on|in) {_X}", make.born),
    _rule(rf"{AM} married to {_X}", make.married_to),
    _rule(r"(?:i|we)(?: just| recently)? (got married|got divorced|got engaged)\b(.*)$", make.got),
]
_NAMED = Rule(re.compile(rf"{RELATIVE}(?:$|[ ,.])"), make.relative)
_AS_I = {
    "is": "i'm",
    "lives": "i live",
    "works": "i work",
    "studies": "i study",
    "teaches": "i teach",
    "speaks": "i speak",
}


def _of_relative(found: Found) -> Made | None:
    """What is said of somebody named, found by the rules for what a user says of themselves."""
    said = f"{_AS_I.get(found[4], f'i {found[4][:-1]}')} {found[5]}"
    made = next((fact for rule in [*_WHO, *_ALLERGIES] for fact in rule.facts(said)), None)
    return make.of_relative(found, made) if made is not None else None


_OF_RELATIVE = Rule(re.compile(rf"{RELATIVE}(,?) (is|lives|works|studies|teaches|speaks) (.+)$"), _of_relative)
_ALLERGIES = [
    _rule(
        rf"{AM}{NOW} (?:severely |very |highly |deathly )?allergic to {_X}",
        taste.allergic,
        each=all_of,
    ),
    _rule(
        rf"i(?:'ve)?{NOW}(?: have| got) (?:(?:{_HOW_BAD}))*(?:allergy|allergies) to {_X}",
        taste.allergic,
        each=all_of,
    ),
]
_PARTED = rf"i (?:have )?{PARTED} (?:from |with )?my ({BELOVED})\b(.*)$"
_PARTINGS = [_rule(_PARTED, make.parted), _rule(_PARTED, make.married_no_more)]
_DIED = Rule(re.compile(rf"{RELATIVE}(?: has)?(?: just| recently)? (?:died|passed away)\b(.*)$"), make.died)
_GO_ON = (_NAMED, _PARTINGS[0])  # after which another rule may find more in a clause
_HAS = [
    *_ALLERGIES,
    *_PARTINGS,
    _rule(
        rf"(?:my|our) ({AGED}(?:{FAMILY}|{PETS}))(?:'s name is| is called| is named|'s called|,? whose name is) {_X}",
        make.relative,
    ),
    _DIED,
    _NAMED,
    _OF_RELATIVE,
    _rule(
        rf"(?:i|we)(?:'ve)?{NOW} (?:got|have|own|adopted)(?: also| got)?"
        rf" ({_NUMBER} {_ADJECTIVES}(?:{FAMILY}|{PETS}|child|children|kid|ponies|puppies)(?:s|es)?\b{_NO_PET}.*)$",
        make.has,
        each=counted,
    ),
    _rule(
        rf"i (?:have|suffer from|was diagnosed with|live with) ((?:type [12] |mild |severe )?(?:{DISEASES}).*)$",
        make.has,
    ),
    _rule(rf"i(?:'ve got| have)(?: got)? ((?:{_HOW_BAD})*(?:[\w-]+ ){{0,2}}(?:allerg|intoleranc)\w+.*)$", make.has),
    _rule(
        rf"i (?:do not|don't|can't|cannot|can not|never|no longer) (eat|drink|tolerate) {_X}",
        taste.not_eaten,
        each=any_of,
    ),
    _rule(rf"i{NOW} avoid {_X}", taste.avoids, each=any_of),
    _rule(rf"(?:{FROM_NOW},? )i(?: will|'ll)? eat {_X}", taste.eats),
    _rule(rf"i(?: (?:also|do|even|just))* now(?: (?:also|do|even))* eat {_X}", taste.eats),
    _rule(
        r"i(?: (?:also|do|even|can))* eat (.+?)(?:,? (?:now|again|these days|nowadays|once more|any ?more))+$",
        taste.eats,
    ),
    _rule(rf"i(?:'ve| have)?(?: (?:just|now|recently|also))* (?:started|begun|gone back to) eating {_X}", taste.eats),
    _rule(rf"{AM}(?: now)? eating (.+) again(?: now)?$", taste.eats),
    _rule(rf"i only eat {_X}", taste.only_eats),
]
_WAS = "like|love|enjoy|use|play|drive|eat|drink|own"
_LIKED, _DISLIKED = taste.taste("likes"), taste.taste("dislikes")
_LIKES = [
    _rule(rf"i (?:don't|do not) ({_WAS}) (.+?) {ANY_MORE}$", taste.gave_up),
    _rule(rf"i no longer ({_WAS}) {_X}", taste.gave_up),
    _rule(rf"i(?:'ve| have)?{NOW} (?:quit|stopped|given up|gave up) (\w+ing\b.*)$", taste.stopped),
    _rule(rf"i{NOW} prefer {_X}", taste.prefers),
    _rule(
        r"i(?:'d| would) rather (?:have|get|be given)"
        r" ((?:[\w-]+ ){0,2}(?:answers|replies|explanations|examples|summaries|responses)\b.*)$",
        taste.prefers,
    ),
    _rule(
        rf"i{NOW}(?:(?:'ve| have) (?:come|grown|learned|learnt) to)? (?:like|love|enjoy|adore) {_X}",
        _LIKED,
        each=all_of,
    ),
    _rule(rf"{AM}{NOW} (?:a (?:big |huge )?fan of|into|fond of|passionate about) {_X}", _LIKED, each=all_of),
    _rule(
        rf"i{NOW} (?:hate|dislike|loathe|detest|can't stand|cannot stand|despise) {_X}",
        _DISLIKED,
        each=any_of,
    ),
    _rule(
        rf"i (?:really |also )?(?:don't|do not)(?: really)? (?:like|love|enjoy) {_X}",
        _DISLIKED,
        each=any_of,
    ),
    _rule(rf"{AM} not (?:a (?:big |huge )?fan of|into|fond of) {_X}", _DISLIKED, each=any_of),
]
_DOES = [
    _rule(rf"(?:i|we)({NOW}) (use|work with|code in|program in|develop in) {_X}", doing.uses),
    _rule(
        rf"(?:i|i've|we){NOW} switched (?:from .+? )?to (?!the\b|a\b|another\b){_X}",
        doing.switched,
    ),
    _rule(rf"i{NOW} speak {_X}", doing.speaks),
    _rule(
        rf"{AM}{NOW} learning {_X}",
        doing.learns,
    ),
    _rule(
        rf"{AM}{NOW} (?:working on|writing) ((?:my|an?) (?:[\w'-]+ ){{0,2}}"
        r"(?:thesis|dissertation|novel|book|startup|phd|paper|memoir|game|app)\b"
        r"(?: (?:about|on|called|named|for|in|at)\b.*)?)$",
        make.said("The user is working on {v}."),
    ),
    _rule(rf"i{NOW} (drive|play) {_X}", taste.plays),
    _rule(rf"{AM}{NOW} training for {_X}", make.said("The user is training for {v}.", "", 8)),
    _rule(rf"i{NOW} collect (?!the\b|all\b){_X}", doing.collects),
    _rule(
        rf"{AM} in (?:the )?((?:UTC|GMT|CET|CEST|EST|EDT|PST|PDT|CST|MST|IST|JST|BST|AEST)\b[+\-\d:]*)(?:$|,| (?:time"
        rf"|time ?zone)\b)",
        make.said("The user's time zone is {v}.", "user.time_zone", 3),
    ),
    _rule(r"(?:the|my) deadline (for .+? is .+|is .+)$", doing.by_when("The user's deadline {v}.")),
    _rule(
        r"my ((?:[\w'-]+ ){0,2}(?:exam|interview|wedding|appointment|flight|surgery|trip|defen[cs]e) is (?:on|at) .+)$",
        doing.by_when("The user's {v}."),
    ),
    _rule(r"my ((?:[\w'-]+ ){0,3}(?:is|are) due .+)$", doing.by_when("The user's {v}.")),
    _rule(
        r"i (?:have to|need to|must) ((?:submit|hand in|deliver|turn in|file|send in|finish) .+ (?:by|before|until) .*"
        rf"(?:\d|day|week|month|tomorrow|noon|midnight|{_MONTH}).*)$",
        doing.by_when("The user has to {v}.", 16),
    ),
    _rule(rf"my ((?:[\w-]+ ){{0,4}}?[\w-]+?) ?(\bis|\bare|'s) {_X}", my_is),
]
_WISHES = [
    _rule(rf"{FROM_NOW},? {_X}", ruling.for_the_future, "procedural"),
    _rule(rf"(?:please )?(?:always|never) (?:{IMPERATIVES})\b(.*)$", ruling.wish, "procedural"),
    _rule(
        rf"(?:please )?(?:remember|don't forget) to (?:always|never) (?:{IMPERATIVES})\b(.*)$",
        ruling.wish,
        "procedural",
    ),
    _rule(rf"(?:please )?(?:{IMPERATIVES})\b(.*\bfrom now on)$", ruling.wish, "procedural"),
    _rule(
        rf"(?:please )?(?:don't|do not|stop) (?:(?:ever )?(?:{IMPERATIVES})|\w+ing)\b"
        r"(.*\b(?:again|ever|any ?more|from now on))$",
        ruling.wish,
        "procedural",
    ),
    _rule(rf"(?:please )?(?:don't|do not) ever (?:{IMPERATIVES})\b(.*)$", ruling.wish, "procedural"),
]
_OF_THE_USER = re.compile(r"\b(?:i|i'm|i've|i'll|i'd|my|me|mine|myself|we|we're|we've|our|ours|us)\b", re.IGNORECASE)


def _remember(found: Found) -> Made | None:
    what = found[1].strip(" ,.:!")
    if len(what.split()) < 3 or re.match(r"(?:when|the time|how|me|that time|last|this|to)\b", what, re.IGNORECASE):
        return None
    key = f"user.note.{make.slug(what)}" if _OF_THE_USER.search(what) else ""
    return f"The user asked to remember: {what[0].upper()}{what[1:]}.", key


_KEPT = _rule(rf"{KEEP} {_X}", _remember)
RULES: list[Rule] = [*_WHO, *_HAS, *_LIKES, *_DOES, *_WISHES, _KEPT]
_STATED = [rule for rule in RULES if rule not in (*_GO_ON, *_WISHES, _KEPT)]
