"""The rules by which facts are found in a clause: each a pattern, from the clause's beginning, and what it makes. Pure.

The first rule that matches and makes something counts, so the narrower ones come first.
"""

from __future__ import annotations

import re

from msgspec import Struct

from alma.memory import fact_sentences as make
from alma.memory.fact_sentences import Found, Made, Make
from alma.memory.fact_words import DISEASES, FAMILY, IMPERATIVES, PETS
from alma.memory.records import Kind


class Rule(Struct, frozen=True):
    pattern: re.Pattern[str]
    make: Make
    kind: Kind = "semantic"

    def fact(self, clause: str) -> Made | None:
        """The fact and its key."""
        found = self.pattern.match(clause)
        made = self.make(found) if found is not None else None
        if made is None or self.kind == "procedural":
            return made
        return _MINE.sub(lambda mine: _THEIRS[mine[0].casefold()], made[0]), made[1]


_THEIRS = {"my": "their", "our": "their", "me": "them", "myself": "themselves", "us": "them"}
_MINE = re.compile(r"\b(?:my|our|me|myself)\b")
_AM = r"(?:i'm|i am|im)"
_NOW = (
    r"(?: (?:just|now|currently|still|also|recently|really|actually|mostly|mainly|usually|always|only|generally"
    r"|primarily|normally|typically|personally|absolutely|do|have|even|definitely|already|both|finally))*"
)
_ANY_MORE = r"(?:any ?more|any longer|these days|now)"
_AGED = r"(?:(?:older|younger|little|big|elder|new|ex|eldest|youngest|late)[ -])?"
_NUMBER = r"(?:an?|one|two|three|four|five|six|\d{1,2}|no)"
_ADJECTIVES = r"(?:(?!about|of|with|for|in|on|to|and|questions?|problems?|issues?)[\w-]+ ){0,3}"
_HOW_BAD = "an? |severe |mild "
_MONTH = "january|february|march|april|may|june|july|august|september|october|november|december"
_OWN = (
    r"(?:favou?rite|preferred|main|native|first|second)(?: [\w-]+){1,3}?|birthday|birth date|date of birth|time ?zone"
    r"|e-?mail(?: address)?|phone number|job(?: title)?|profession|occupation|nationality|mother tongue|pronouns|age"
    r"|height|weight|blood type|star sign|zodiac sign|hobby|hobbies|address|employer|company|diet|shoe size|major"
    r"|university|school|nickname|username|github(?: username)?|goal|operating system|editor|ide|os|religion|budget"
    r"|allergy|allergies|middle name|last name|surname|family name"
)
_ALL = r"(?:for|in) all (?:your |my )?(?:future )?(?:answers|replies)"
_FROM_NOW = rf"(?:from now on|going forward|in (?:the )?future|{_ALL}|when(?:ever)? you (?:answer|reply|write)(?: me)?)"
_X = r"(.+)$"


def _rule(pattern: str, make: Make, kind: Kind = "semantic") -> Rule:
    return Rule(re.compile(pattern, re.IGNORECASE), make, kind)


_WHO = [
    _rule(
        rf"my (?:full |first |given |real )?name(?:'s| is|s) {_X}", make.named("The user's name is {v}.", "user.name")
    ),
    _rule(
        rf"(?:(?:you can |just |please )?call me|address me as|i go by|(?:everyone|everybody|people|(?:my )?friends)"
        rf" calls? me) {_X}",
        make.named("The user wants to be called {v}.", "user.called"),
    ),
    _rule(
        rf"(?:i|we|i'm|i am|we're|i've|we've){_NOW} (?:live|reside|living|been living|residing|based) in {_X}",
        make.at_home("The user lives in {v}."),
    ),
    _rule(rf"(?:i|we){_NOW} live near {_X}", make.at_home("The user lives near {v}.")),
    _rule(rf"i grew up in {_X}", make.at_home("The user grew up in {v}.", "user.grew_up_in")),
    _rule(
        rf"(?:i|we|i've|we've){_NOW} (?:moved|relocated) (?:from [\w ]+? )?(?:back )?to {_X}",
        make.at_home("The user lives in {v}."),
    ),
    _rule(rf"my (?:home ?town|home city|city) is {_X}", make.at_home("The user's home town is {v}.", "user.home_town")),
    _rule(
        rf"i(?:(?: do not| don't| no longer) live in|(?:'ve| have)? (?:left|moved away from|moved out of)) {_X}",
        make.at_home("The user no longer lives in {v}."),
    ),
    _rule(rf"(?:{_AM}|i come) (?:originally )?from {_X}", make.comes_from),
    _rule(
        rf"(?:i|i've|{_AM}){_NOW} (?:started a (?:new )?job|got a (?:new )?job|started working|been working|working"
        rf"|employed|work|joined)(?: (?:at|for|by))? (?!in\b|on\b|as\b|with\b|from\b|to\b){_X}",
        make.employed,
    ),
    _rule(rf"i{_NOW} work (?:part[- ]time |full[- ]time )?as {_X}", make.works_as),
    _rule(rf"i(?:'ve)?(?: (?:just|recently|have))* (?:quit|left|resigned from) my job(?: at)? {_X}", make.left),
    _rule(rf"{_AM} (?:no longer|not) (?!sure\b|going\b|able\b)(.+? {_ANY_MORE})$", make.no_longer),
    _rule(rf"{_AM} no longer {_X}", make.no_longer),
    _rule(rf"{_AM}{_NOW} {_X}", make.trait),
    _rule(rf"{_AM} (\d{{1,3}})(?: years? old| y/?o)?$", make.aged),
    _rule(rf"{_AM}{_NOW} ((?:an?|the) .+)$", make.is_a),
    _rule(rf"i{_NOW} (?:study|major in) (?!the\b){_X}", make.said("The user studies {v}.", "user.studies", 8)),
    _rule(rf"{_AM}{_NOW} (?:studying|majoring in) {_X}", make.said("The user studies {v}.", "user.studies", 8)),
    _rule(rf"i{_NOW} teach {_X}", make.said("The user teaches {v}.", "", 8)),
    _rule(rf"i was born (?:on|in) {_X}", make.born),
    _rule(rf"{_AM} married to (?!the\b|my\b){_X}", make.said("The user is married to {v}.", "user.marital_status", 6)),
    _rule(
        r"(?:i|we)(?: just| recently)? (got married|got divorced|got engaged)\b",
        make.said("The user {v}.", "user.marital_status", 3),
    ),
]
_HAS = [
    _rule(
        rf"(?:my|our) ({_AGED}(?:{FAMILY}|{PETS}))(?:'s name is| is called| is named|'s called|,? whose name is) {_X}",
        make.relative,
    ),
    Rule(
        re.compile(
            rf"(?i:my|our) ({_AGED}(?:{FAMILY}|{PETS})) (?:is )?"
            r"([A-ZÀ-Þ][^\W\d_]+(?: [A-ZÀ-Þ][^\W\d_]+)*)(?:$|[ ,.])"
        ),
        make.relative,
    ),
    _rule(
        rf"(?:i|we)(?:'ve got| have| own|'ve)(?: got)?"
        rf" ({_NUMBER} {_ADJECTIVES}(?:{FAMILY}|{PETS}|child|children|kid)(?:s|es)?\b(?! too| in\b| on\b).*)$",
        make.has,
    ),
    _rule(
        rf"i (?:have|suffer from|was diagnosed with|live with) ((?:type [12] |mild |severe )?(?:{DISEASES}).*)$",
        make.has,
    ),
    _rule(rf"i(?:'ve got| have)(?: got)? ((?:{_HOW_BAD})*(?:[\w-]+ ){{0,2}}(?:allerg|intoleranc)\w+.*)$", make.has),
    _rule(
        rf"{_AM}{_NOW} (?:severely |very |highly |deathly )?allergic to {_X}",
        make.said("The user is allergic to {v}.", "user.allergy.{v}", 8),
    ),
    _rule(rf"i (?:do not|don't|can't|cannot|can not|never|no longer) (eat|drink|tolerate) {_X}", make.not_eaten),
    _rule(rf"i{_NOW} avoid {_X}", make.said("The user avoids {v}.", "user.taste.{v}", 6)),
    _rule(rf"i only eat {_X}", make.said("The user only eats {v}.", "user.diet", 6)),
]
_WAS = "like|love|enjoy|use|work|play|drive|eat|drink|watch|own|have|go"
_LIKES = [
    _rule(rf"i (?:don't|do not) ({_WAS}) (.+?) {_ANY_MORE}$", make.gave_up),
    _rule(rf"i no longer ({_WAS}) {_X}", make.gave_up),
    _rule(rf"i(?:'ve| have)?{_NOW} (?:quit|stopped|given up|gave up) (\w+ing\b.*)$", make.stopped),
    _rule(rf"i{_NOW} prefer {_X}", make.prefers),
    _rule(rf"i(?:'d| would) rather (?:have|use|get|be given) {_X}", make.prefers),
    _rule(rf"i{_NOW} (?:like|love|enjoy|adore) {_X}", make.taste("likes")),
    _rule(rf"{_AM}{_NOW} (?:a (?:big |huge )?fan of|into|fond of|passionate about) {_X}", make.taste("likes")),
    _rule(rf"i{_NOW} (?:hate|dislike|loathe|detest|can't stand|cannot stand|despise) {_X}", make.taste("dislikes")),
    _rule(
        rf"i (?:really |also )?(?:don't|do not)(?: really)? (?:like|love|enjoy) {_X}",
        make.taste("dislikes"),
    ),
    _rule(rf"{_AM} not (?:a (?:big |huge )?fan of|into|fond of) {_X}", make.taste("dislikes")),
]
_DOES = [
    _rule(rf"(?:i|we)({_NOW}) (use|work with|code in|program in|develop in) {_X}", make.uses),
    _rule(
        rf"(?:i|i've|we){_NOW} switched (?:from .+? )?to (?!the\b|a\b|another\b){_X}",
        make.said("The user has switched to {v}.", "", 8),
    ),
    _rule(rf"i{_NOW} speak {_X}", make.speaks),
    _rule(
        rf"{_AM}{_NOW} learning (?!how\b|about\b|a lot\b|that\b|to use\b|nothing\b|from\b){_X}",
        make.said("The user is learning {v}.", "", 8),
    ),
    _rule(
        rf"{_AM}{_NOW} (?:working on|writing) ((?:my|an?) (?:[\w'-]+ ){{0,2}}"
        r"(?:thesis|dissertation|novel|book|startup|phd|paper|memoir|game|app)\b.*)$",
        make.said("The user is working on {v}."),
    ),
    _rule(rf"i{_NOW} (drive|play) {_X}", make.drives),
    _rule(rf"{_AM}{_NOW} training for {_X}", make.said("The user is training for {v}.", "", 8)),
    _rule(rf"i{_NOW} collect (?!the\b|all\b){_X}", make.said("The user collects {v}.", "", 6)),
    _rule(
        rf"{_AM} in (?:the )?((?:UTC|GMT|CET|CEST|EST|EDT|PST|PDT|CST|MST|IST|JST|BST|AEST)\b[+\-\d:]*)",
        make.said("The user's time zone is {v}.", "user.time_zone", 3),
    ),
    _rule(r"(?:the|my) deadline (for .+? is .+|is .+)$", make.said("The user's deadline {v}.", "", 14)),
    _rule(
        r"my ((?:[\w'-]+ ){0,2}(?:exam|interview|wedding|appointment|flight|surgery|trip|defen[cs]e) is (?:on|at) .+)$",
        make.said("The user's {v}."),
    ),
    _rule(r"my ((?:[\w'-]+ ){0,3}(?:is|are) due .+)$", make.said("The user's {v}.", "", 14)),
    _rule(
        r"i (?:have to|need to|must) ((?:submit|hand in|deliver|turn in|file|send in|finish) .+ (?:by|before|until) .*"
        rf"(?:\d|day|week|month|tomorrow|noon|midnight|{_MONTH}).*)$",
        make.said("The user has to {v}.", "", 16),
    ),
    _rule(rf"my ({_OWN}) (is|are|'s) {_X}", make.my_is),
]
_WISHES = [
    _rule(rf"{_FROM_NOW},? {_X}", make.wish, "procedural"),
    _rule(rf"(?:please )?(?:always|never) (?:{IMPERATIVES})\b(.*)$", make.wish, "procedural"),
    _rule(
        rf"(?:please )?(?:remember|don't forget) to (?:always |never )?(?:{IMPERATIVES})\b(.*)$",
        make.wish,
        "procedural",
    ),
    _rule(rf"(?:please )?(?:{IMPERATIVES})\b(.*\bfrom now on)$", make.wish, "procedural"),
    _rule(
        rf"(?:please )?(?:don't|do not|stop) (?:{IMPERATIVES}|\w+ing)\b(.*\b(?:again|ever|any ?more|from now on))$",
        make.wish,
        "procedural",
    ),
]


def _remember(found: Found) -> Made | None:
    what = found[1].strip(" ,.:!")
    if len(what.split()) < 2 or re.match(r"(?:when|the time|how|me|that time|last|this|to)\b", what, re.IGNORECASE):
        return None
    for rule in RULES[:-1]:
        if (made := rule.fact(what)) is not None:
            return made
    return f"The user asked to remember: {what[0].upper()}{what[1:]}.", ""


_KEEP = (
    r"(?:please )?(?:(?:remember|don't forget|do not forget)(?: that|:|,)?"
    r"|(?:note|make a note|keep in mind|bear in mind)(?: that|:|,))"
)
RULES: list[Rule] = [*_WHO, *_HAS, *_LIKES, *_DOES, *_WISHES, _rule(rf"{_KEEP} {_X}", _remember)]
