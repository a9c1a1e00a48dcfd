"""When two texts say the same. Pure.

A vector cannot tell: it hardly sees a sign, a number or a `not`, and "the dose is .5 mg" and "the dose is 5 mg" have a
cosine of 0.996. So a sign or a word counts wherever it stands, commas too ("no, coffee" is not "no coffee"), and only
what cannot change a meaning is passed over: white space, the capital that a plain word begins with, how quotation marks
and dashes are drawn, short forms (`don't`), number words, the full stop at the end. Code has to be the same to the
letter. It is better to keep two memories that say the same than to lose one that says another thing.
"""

from __future__ import annotations

import re
import unicodedata

# Signs that prose does not have, a name before a bracket, lines that are set in: there, case and spaces count.
_CODE = re.compile(r"[=<>{}\[\]\\|^~`_*]|(?<=\w)\(|\n[ \t]")
_MAYBE_CODE = re.compile(r"[=<>{}\[\]\\|^~`_*(\n]")  # looked for first: it takes a fraction of the time
_AROUND_WORDS = ".,;:!?\"'()"
_LEAST = 3  # letters of a word whose capital says nothing: `Mb`, `US` and vitamin A are other things in small letters
_DRAWN = str.maketrans({"’": "'", "ʼ": "'", "“": '"', "”": '"', "„": '"', "−": "-", "–": "-", "‑": "-"})
_SHORT = re.compile(r"(?<![\w'])(\w+?)(n't|'m|'re|'ve|'ll)(?![\w'])", re.IGNORECASE)
_MEANT = {
    "n't": "not",
    "'m": "am",
    "'re": "are",
    "'ve": "have",
    "'ll": "will",
}  # not 's and 'd, which mean several things
_STEMS = {"ca": "can", "wo": "will", "sha": "shall"}  # before n't
_CANNOT = re.compile(r"\bcannot\b", re.IGNORECASE)
_FROM_TWO = "two three four five six seven eight nine ten eleven twelve"  # no one is not No. 1
_NUMBERS = {word: str(number) for number, word in enumerate(_FROM_TWO.split(), 2)}
_NUMBER = re.compile(rf"(?<![\w'.-])(?:{'|'.join(_NUMBERS)})(?![\w'-])")
_BEFORE_STOP = re.compile(r"[\w)\"'%]")


def say_the_same(one: str, other: str) -> bool:
    """Whether the texts differ in nothing that matters."""
    return in_one_way(one) == in_one_way(other)


def in_one_way(text: str) -> str:
    """As everybody would write it who says this."""
    text = unicodedata.normalize("NFC", text).strip()
    if _MAYBE_CODE.search(text) and _CODE.search(text):
        return text
    text = text.translate(_DRAWN)
    if "'" in text:
        text = _SHORT.sub(_spelled_out, text)
    if "cannot" in text.lower():
        text = _CANNOT.sub("can not", text)
    words = text.split()
    text = " ".join([word if word.islower() else _without_capital(word, at == 0) for at, word in enumerate(words)])
    text = _NUMBER.sub(lambda found: _NUMBERS[found[0]], text)
    return text[:-1] if text.endswith((".", "。")) and _BEFORE_STOP.match(text[-2:-1]) else text


def _without_capital(word: str, first: bool) -> str:
    letters = word.strip(_AROUND_WORDS)
    least = 2 if first else _LEAST
    return word.replace(letters, letters.lower()) if _is_capitalised(letters) and len(letters) >= least else word


def _is_capitalised(letters: str) -> bool:
    return letters.isalpha() and letters[0].isupper() and letters[1:].islower()


def _spelled_out(short: re.Match[str]) -> str:
    stem, ending = short[1], short[2].lower()
    if ending == "n't":
        stem = _STEMS.get(stem.lower(), stem)
    return f"{stem} {_MEANT[ending]}"
