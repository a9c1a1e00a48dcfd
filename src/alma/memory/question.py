"""What a query asks for, as far as its words tell: in how many parts, whom it names, what kind of answer it waits for.
Pure.

English only; in another language nothing is recognised, and ranking goes by meaning, words and neighbours alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from alma.memory.words import STOP_WORDS

_WORD = re.compile(r"\w+")
_ORDINALS = """first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth
fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"""
_TIMES = f"""{_ORDINALS} january february march april may june july august september october november december monday
tuesday wednesday thursday friday saturday sunday yesterday today tomorrow tonight last next ago week weeks weekend
weekends month months year years day days clock noon morning evening spring summer autumn fall winter christmas easter
since until"""
_NUMBERS = """one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand half dozen percent double"""
_TIME_WORDS = frozenset(_TIMES.split())
_NUMBER_WORDS = frozenset(_NUMBERS.split())
_DATE = re.compile(r"\b(?:\d{4}|\d{1,2}(?:st|nd|rd|th))\b")
_DIGIT = re.compile(r"\d")
_ASKS_WHEN = re.compile(
    r"\b(?:when|how long|how often|on what|(?:what|which) (?:days?|dates?|months?|years?|weeks?|time))\b", re.IGNORECASE
)
_ASKS_NUMBER = re.compile(
    r"\b(?:how (?:much|many|large|big|long|old|heavy|high|far|fast|tall|wide|often)"
    r"|costs?|price|pay|paid|points|rent|salary|number|percent|time)\b",
    re.IGNORECASE,
)

_OWN = re.compile(r"\b(?:i|me|my|mine|myself)\b", re.IGNORECASE)
_ASKS_NAME = re.compile(
    r"\b(?:what|how|which|who)\b[^.!?\n]{0,40}\b(?:call|address|greet|name) me\b"
    r"|\bmy (?:(?:first|last|full|real|own) )?(?:nick)?name\b|\bwho (?:am i|i am)\b",
    re.IGNORECASE,
)
NAME_KEYS = ("user.name", "user.rule.call_me")
_ONLY_ASKS = re.compile(r"(?:[^.!?\n]+\?\s*)+")

_SMALL = """hi hello hey hiya greetings good morning afternoon evening night day bye goodbye welcome thanks thank thx
cheers ok okay yes yeah yep no nope sure fine great nice cool perfect super wonderful lovely well sorry please alright
hallo moin servus danke bitte guten tag abend ja nein gut bonjour salut merci oui non hola gracias buenos dias si
ciao grazie"""
_SMALL_TALK = frozenset(_SMALL.split())


_MOST_PARTS = 4
_MOST_SPLIT = 400  # characters: a longer text is a task with its material
_LEAST_WORDS = 3  # of a part: in "What did I say and do?" is only one
# A plain comma counts only before what no relative clause begins with.
_JOINT = re.compile(
    r"(?<=[.?!])\s+|\s*[;\n]\s*|,?\s+(?:and|or)\s+|,\s+(?=(?:what|how|why)\b|(?:where|when|which|who)\b[^,]*?\b"
    r"(?:do|does|did|am|should|can|must) (?:i|my|we)\b)",
    re.IGNORECASE,
)
_BEGINS = re.compile(
    r"(?:(?:and|or|also|then|please|so|but)[ ,]+)*(?P<part>(?:what|who|whom|whose|which|where|when|how|why|do|does|did"
    r"|am|is|are|was|were|can|could|should|would|will|must|may|might|have|has|had|tell|give|list|name|show|say|remind"
    r"|suggest|recommend|explain|write|plan|find|describe|compare|summari[sz]e|help)\b.*)",
    re.IGNORECASE | re.DOTALL,
)
_LEANS = re.compile(
    r"\b(?:he|she|it|they|him|her|them|his|its|their|this|that|these|those|there|then|ones?|so)\b", re.IGNORECASE
)
_NAMES = re.compile(r"\W[A-Z]\w")


class Question(Struct, frozen=True):
    """`text`: the query in lower case. `own`: who asks speaks of themselves. `when`, `number`: it waits for
    a time, for a number. `keys`: of the facts that it asks for, which no likeness tells from others (to a vector, a
    sister's name is as near to "What should you call me?" as the user's)."""

    text: str
    when: bool = False
    number: bool = False
    own: bool = False
    keys: tuple[str, ...] = ()

    @property
    def small_talk(self) -> bool:
        """A greeting, thanks, or a nod, and nothing else: there is nothing to remember for it."""
        words = re.findall(r"\w+", self.text)
        small = [word for word in words if word in _SMALL_TALK]
        return bool(small) and len(words) <= 8 and all(word in small or word in STOP_WORDS for word in words)

    def names(self, speaker: str) -> bool:
        """Whether the query speaks of this speaker, by whole name or by the first part of it."""
        return self.place_of(speaker) is not None

    def place_of(self, speaker: str) -> int | None:
        """Where in the query the speaker is named first."""
        name = speaker.strip().lower()
        for form in dict.fromkeys((name, name.split(" ")[0])):
            if len(form) > 1 and (found := re.search(rf"(?<!\w){re.escape(form)}(?!\w)", self.text)):
                return found.start()
        return None


def read_question(query: str) -> Question:
    own = bool(_OWN.search(query))
    keys = NAME_KEYS if _ASKS_NAME.search(query) else ()
    return Question(query.lower(), bool(_ASKS_WHEN.search(query)), bool(_ASKS_NUMBER.search(query)), own, keys)


def parts_of(query: str) -> list[str]:
    """What of a query is to be looked up by itself too, at most four: each of several questions and requests that can
    be understood alone, and a question about who asks beside whatever else. The vector of two things at once lies
    between them, and is near to neither."""
    if len(query) > _MOST_SPLIT:
        return []
    whole = query.strip()
    begun = [_BEGINS.match(clause) for clause in _clauses(whole) if clause != whole]
    parts = [begins["part"] for begins in begun if begins and _stands_alone(begins["part"])]
    enough = len(parts) > 1 or any(map(_OWN.search, parts))
    return parts if enough and len(parts) <= _MOST_PARTS else []


def _clauses(query: str) -> Iterator[str]:
    """Cut before each clause that begins as a question or a request does, and between sentences."""
    start = 0
    for joint in _JOINT.finditer(query):
        if not joint[0].strip(" ,").isalpha() or _BEGINS.match(query, joint.end()):
            yield query[start : joint.start()]
            start = joint.end()
    yield query[start:]


def _stands_alone(part: str) -> bool:
    """In doubt it does not: "and what did it cost?" leans on what stands before it, and so may all that speaks neither
    of who asks nor of anything by name."""
    of_something = _OWN.search(part) or _NAMES.search(part)
    return bool(of_something) and not _LEANS.search(part) and len(part.split()) >= _LEAST_WORDS


def answers(question: Question, text: str) -> int:
    """How many of the kinds of answer that the question waits for (a time, a number) are in the text: 0 to 2."""
    if not (question.when or question.number):
        return 0
    words = _WORD.findall(text.lower())
    when = question.when and (not _TIME_WORDS.isdisjoint(words) or bool(_DATE.search(text)))
    number = question.number and (not _NUMBER_WORDS.isdisjoint(words) or bool(_DIGIT.search(text)))
    return int(when) + int(number)


def only_asks(text: str) -> bool:
    """Whether it is a question, or some, and says nothing besides."""
    return _ONLY_ASKS.fullmatch(text.strip()) is not None


def asks(text: str) -> bool:
    """Whether there is a question in it, in any script that marks questions."""
    return "?" in text or (not text.isascii() and ("？" in text or "؟" in text))
