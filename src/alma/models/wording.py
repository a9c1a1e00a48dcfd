"""A question taken apart into what rules compare: words without their endings, numbers, names, quotes, code. Pure.

The reduction of words is crude (endings, a few irregular forms) and made for comparing two questions in English, not
for anything else: `write` and `writing` become the same, whatever that is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from msgspec import Struct

Word = str  # in small letters, without endings

_WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:['’][^\W\d_]+)?")
_STARTS = re.compile(r"(?:^|[.?!:;\n])[\s\"'“”‘’(\[-]*([^\W_]+)")
_QUOTED = re.compile(r"\"([^\"]+)\"|“([^”]+)”|«([^»]+)»|(?<!\w)['‘]([^'’]+)['’](?!\w)")
_CODE = re.compile(
    r"`[^`]+`"  # marked as such
    r"|(?<!\S)--?\w[\w-]*"  # a flag
    r"|\w+\([^)\s]*\)"  # a call
    r"|\b\w*[a-z][A-Z]\w*\b"  # camelCase
    r"|\b\w+(?:[_/]\w+)+\b"  # snake_case, paths
    r"|\b[a-z]\w*(?:\.[a-z]\w*)+\b"  # dotted
    r"|(?<!\S)[^\w\s\"'“”‘’«»`,;:.?()–—-]{1,3}(?!\S)"  # operators
)
_IRREGULAR = {
    "children": "child", "wrote": "write", "written": "write", "people": "person", "men": "man",
    "women": "woman", "mice": "mouse", "went": "go", "fell": "fall", "cannot": "not", "grew": "grow", "bought": "buy",
    "sold": "sell", "spoken": "speak", "spent": "spend", "made": "make", "heaviest": "heavy", "largest": "large",
    "biggest": "big", "smallest": "small", "highest": "high", "lowest": "low", "tallest": "tall", "longest": "long",
    "shortest": "short", "fastest": "fast", "cheapest": "cheap", "oldest": "old", "newest": "new", "heavier": "heavy",
    "larger": "large", "smaller": "small", "taller": "tall", "longer": "long", "shorter": "short", "faster": "fast",
    "cheaper": "cheap", "older": "old", "easier": "easy", "easiest": "easy", "healthier": "healthy",
}  # fmt: skip
_NUMBERS = {
    "zero": 0, "first": 1, "two": 2, "second": 2, "twice": 2, "double": 2, "three": 3, "third": 3, "triple": 3,
    "four": 4, "fourth": 4, "five": 5, "fifth": 5, "six": 6, "sixth": 6, "seven": 7, "seventh": 7, "eight": 8,
    "eighth": 8, "nine": 9, "ninth": 9, "ten": 10, "tenth": 10, "eleven": 11, "twelve": 12, "dozen": 12,
    "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19,
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "eighty": 80, "hundred": 100, "thousand": 1000,
    "half": 0.5,
}  # fmt: skip  # not `one`, which is mostly no number
_ORDINAL = re.compile(r"(?:st|nd|rd|th)\b")


def stem(word: str) -> Word:
    """`word`, in small letters, without the endings of plural and verb."""
    word = _IRREGULAR.get(word, word)
    cut = next((word.removesuffix(ending) for ending in ("ing", "ed") if word.endswith(ending)), "")
    if len(cut) > 2 and re.search("[aeiouy]", cut):
        word = cut[:-1] if len(cut) > 3 and cut[-1] == cut[-2] and cut[-1] not in "ls" else cut
    elif len(word) > 4 and word.endswith("ies"):
        word = word[:-3] + "y"
    elif len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-2] if word.endswith(("ches", "shes", "xes", "sses")) else word[:-1]
    return word.removesuffix("e") if len(word) > 3 else word


def stems(words: str) -> frozenset[Word]:
    return frozenset(map(stem, words.split()))


# Words that say how something is asked, not what.
_LIGHT = stems(
    "a an the i you we they he she it me my your our their his her its us them this that these those some any every"
    " each all is are was were be been being am do does did done doing have has had having can could will would shall"
    " should may might must of in on at to for with by from about as into onto and or but if whether so than then"
    " there here what which who whom whose when where why how please tell give explain describe know need get want"
    " make something anything way mean say think good best right one would let help also just really very much many"
    " able i'm hi hello"
)
_ALIKE = [
    stems(group)
    for group in (
        "write author draft compose", "large big", "small little", "quick fast", "fix repair mend", "begin start",
        "end finish", "buy purchase", "child kid", "film movie", "holiday vacation", "car automobile",
        "picture image", "error mistake", "delete remove", "create build", "convert turn change transform export save",
        "show display list", "answer reply", "happen occur cause", "sick ill", "flat apartment", "present gift",
        "idea suggestion", "suggest recommend", "difference differ", "cause reason", "use apply", "find locate",
        "schedule plan", "stop prevent",
    )
]  # fmt: skip


class Question(Struct, frozen=True):
    """`words`: all, in order. `names`: those that are written like names. `numbers`: in order, also where they are
    written out. `counted`: what stands behind a number. `quoted`, `code`: as they stand there."""

    words: tuple[Word, ...]
    names: frozenset[Word]
    numbers: tuple[float, ...]
    counted: frozenset[Word]
    quoted: frozenset[str]
    code: frozenset[str]

    @classmethod
    def read(cls, text: str) -> Question:
        starts = {match.start(1) for match in _STARTS.finditer(text)}
        words: list[Word] = []
        names: set[Word] = set()
        numbers: list[float] = []
        counted: set[Word] = set()
        behind = False  # a number
        for match in _WORD.finditer(text):
            raw = match.group()
            number = _number(raw)
            parts = _parts(raw)
            if number is not None:
                numbers.append(number)
            elif not _ORDINAL.fullmatch(raw):
                words += parts
                if behind:
                    counted.add(parts[0])
                if raw[0].isupper() and raw[:2] not in ("I", "I'") and (match.start() not in starts or _acronym(raw)):
                    names.add(parts[0])
            behind = number is not None
        quoted = frozenset(next(filter(None, match.groups())).casefold() for match in _QUOTED.finditer(text))
        code = frozenset(match.group().strip("`") for match in _CODE.finditer(text))
        return cls(tuple(words), frozenset(names), tuple(numbers), frozenset(counted), quoted, code)


def contents(words: Iterable[Word]) -> frozenset[Word]:
    """The words that say what a question is about."""
    return frozenset(words) - _LIGHT


def alike(one: Word, other: Word) -> bool:
    """Whether two words mean the same in everyday questions."""
    return any(one in group and other in group for group in _ALIKE)


def gist(a: Sequence[Word], b: Sequence[Word]) -> tuple[Sequence[Word], Sequence[Word], Sequence[Word]]:
    """What only `a` has and what only `b` has in the one place where they differ, and what they share around it."""
    most = min(len(a), len(b))
    head = next((at for at in range(most) if a[at] != b[at]), most)
    tail = next((at for at in range(most - head) if a[-1 - at] != b[-1 - at]), most - head)
    return a[head : len(a) - tail], b[head : len(b) - tail], (*a[:head], *a[len(a) - tail :])


def _parts(raw: str) -> list[Word]:
    """Mostly one; `isn't` is two."""
    word = raw.casefold().replace("’", "'")
    if word.endswith("n't"):
        return [stem(word[:-3] or "can"), "not"]
    return [stem(word.split("'")[0])]


def _number(raw: str) -> float | None:
    if raw[0].isdecimal():
        digits = raw.replace(",", "")
        return float(digits) if digits.count(".") < 2 else float(digits.replace(".", ""))
    return _NUMBERS.get(raw.casefold())


def _acronym(raw: str) -> bool:
    return len(raw) > 1 and raw.isupper()
