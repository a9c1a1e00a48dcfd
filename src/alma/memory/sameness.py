"""When two texts that a vector takes for the same do say the same. Pure.

They do when they have the same words in the same order, but for a few that only hold a sentence together (articles,
`that`, `and`, forms of `do`), for case and punctuation, for how something is written (`I'm`, `two`, `1,000`), and for
the s of a plural or a verb. Whatever else differs is a difference: a number, a sign, `before` and `after`, `like` and
`dislike`, who lent whom. It is better to keep two memories that say the same than to lose one that says another thing.
"""

from __future__ import annotations

import re
import unicodedata

_TOKEN = re.compile(r"\d+(?:[.,:]\d+)*(?:st|nd|rd|th)?(?![^\W\d_])|\d+(?:[.,:]\d+)*|[^\W\d_]+(?:'[^\W\d_]+)*|[^\w\s]")
_HALF_OF_DAY = re.compile(r"(?<=\d)\s*([ap])\.?\s?m\b\.?")
_SOME = re.compile(r"\ba (?=few\b|little\b)")  # few is not a few
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+")
_DASHES = str.maketrans({"’": "'", "ʼ": "'", "−": "-", "–": "-", "‑": "-"})

# English words without which a sentence says the same; of other languages none, since their articles say who does what.
_HOLDING = "a an the that of at and & do does really actually also please"
_EMPTY = frozenset(_HOLDING.split())
_NUMBERS = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen twenty"""
_ORDINALS = "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
_ORDINAL_ENDINGS = {1: "st", 2: "nd", 3: "rd"}
_ALIKE = {
    **{word: str(number) for number, word in enumerate(_NUMBERS.split())},
    **{word: f"{number}{_ORDINAL_ENDINGS.get(number, 'th')}" for number, word in enumerate(_ORDINALS.split())},
    "am": "be",
    "is": "be",
    "are": "be",
    "were": "was",
    "has": "have",
    "cannot": "can not",
}
_SHORTENED = {"won't": "will not", "can't": "can not", "shan't": "shall not", "let's": "let us"}
_ENDINGS = {"'m": " be", "'re": " be", "'ve": " have", "'ll": " will", "'d": " would"}
_PERSONS = "he she it that this there here what who where how when"
_BEFORE_IS = frozenset(_PERSONS.split())  # whose 's is no genitive
_SIGNS = frozenset("?#%@/")  # punctuation that says something
_QUOTES = frozenset("`´")
_LEAST = 3  # letters of a word that may have an s


def say_the_same(one: str, other: str) -> bool:
    """Whether the texts differ in nothing that matters."""
    these, those = _words(one), _words(other)
    return len(these) == len(those) and all(map(_alike, these, those))


def _words(text: str) -> list[str]:
    """What counts, in order, each in one way of writing it."""
    plain = unicodedata.normalize("NFC", text.casefold()).translate(_DASHES)
    plain = _HALF_OF_DAY.sub(r" \1-half ", _SOME.sub("some ", plain))
    found: list[str] = []
    for match in _TOKEN.finditer(plain):
        token = match.group()
        if token[0].isdecimal():
            found.append(token.replace(",", "") if _THOUSANDS.fullmatch(token) else token)
        elif token[0].isalnum():
            found += _spelled_out(token)
        elif _says_something(token, plain[match.end() : match.end() + 1]):
            found.append(token)
    return [word for word in found if word not in _EMPTY]


def _says_something(sign: str, after: str) -> bool:
    """A minus, a currency, an emoji, the mark of a vowel: not a comma or a bracket."""
    if sign in "-+":
        return sign == "+" or after.isdecimal()
    return sign in _SIGNS or (sign not in _QUOTES and not unicodedata.category(sign).startswith(("P", "C", "Z")))


def _spelled_out(word: str) -> list[str]:
    """Without short forms."""
    if word in _SHORTENED:
        return _SHORTENED[word].split()
    if word.endswith("n't"):
        return [_ALIKE.get(word[:-3], word[:-3]), "not"]
    for ending, meant in _ENDINGS.items():
        if word.endswith(ending):
            return (word.removesuffix(ending) + meant).split()
    if word.endswith("'s"):
        word = word[:-2]
        return [word, "be"] if word in _BEFORE_IS else [word]
    return _ALIKE.get(word, word).split()


def _alike(one: str, other: str) -> bool:
    return one == other or _is_plural(one, other) or _is_plural(other, one)


def _is_plural(word: str, longer: str) -> bool:
    """Or the third person."""
    if len(word) < _LEAST or not word.isalpha():
        return False
    if word.endswith("y") and longer == word[:-1] + "ies":
        return True
    if word.endswith(("s", "x", "z", "ch", "sh", "o")) and longer == word + "es":
        return True
    return not word.endswith("s") and longer == word + "s"
