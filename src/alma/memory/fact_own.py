"""What can be said of what is the user's: "my blood type is A positive". Pure.

Each thing has a shape of what it can be, since "my editor is slow" and "my diet is terrible" are said as well, and what
has a key takes the place of what was true.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from alma.memory.fact_values import FOR_NOW, first_word, is_state, name_in, proper, slug, value
from alma.memory.fact_words import DAYS, LANGUAGES, NATIONS, NO_ANSWER, RELIGIONS, TOOLS, VAGUE

Shape = Callable[[str], object]
_MONTH = r"(?:jan|feb|mar|apr|may|june?|july?|aug|sep|oct|nov|dec)\w*"
_SIGNS = "aries|taurus|gemini|cancer|leo|virgo|libra|scorpio|sagittarius|capricorn|aquarius|pisces"
_DIETS = (
    r"(?:(?:strictly|mostly|mainly|fully) )?(?:vegan|vegetarian|pescatarian|flexitarian|keto|ketogenic|paleo|carnivore"
    r"|kosher|halal|mediterranean|low[- ]carb|gluten[- ]free|dairy[- ]free|lactose[- ]free|plant[- ]based|low[- ]fat)"
)


def _like(pattern: str) -> Shape:
    return re.compile(pattern, re.IGNORECASE).fullmatch


def _has(pattern: str) -> Shape:
    return re.compile(pattern, re.IGNORECASE).search


def _word(how: str) -> bool:
    """One that is made up: "kestrel42"; "taken" and "wrong" are said of it too."""
    return len(how.split()) == 1 and re.search(r"[\dA-ZÀ-Þ_@-]", how) is not None and not is_state(how)


def _name(how: str) -> bool:
    return name_in(how, small=False) == how.strip(" .") and not is_state(how)


def _proper(how: str) -> bool:
    return bool(proper(how)) and not is_state(how)


def _tool(how: str) -> bool:
    return how.casefold().split(",")[0].split()[0] in TOOLS


def _language(how: str) -> bool:
    return first_word(how).strip(",") in LANGUAGES


def _activity(how: str) -> bool:
    """What is done; not "boring"."""
    return first_word(how).strip(",").endswith("ing") and not is_state(how)


def _thing(how: str) -> bool:
    return not is_state(how) and not first_word(how).endswith(("ing", "ive")) and first_word(how) not in NATIONS


_OWN: dict[str, Shape] = {
    "birthday|birth date|date of birth": _has(rf"\d|\b{_MONTH}\b"),
    "time ?zone": _has(r"^(?:(?:UTC|GMT|CET|CEST|EST|EDT|PST|PDT|CST|MST|IST|JST|BST|AEST)\b|[A-Z]\w+/[A-Z]\w+)"),
    "e-?mail(?: address)?": _like(r"\S+@\S+\.\S+"),
    "phone number": _like(r"[+(]?\d[\d ()/-]{4,}"),
    "age|height|weight|shoe size": _has(r"\d"),
    "blood type": _like(r"(?:a|b|ab|o|0)(?: ?[+-]|[- ](?:positive|negative))?"),
    "star sign|zodiac sign": _like(_SIGNS),
    "nationality": lambda how: how.title() in NATIONS,
    "religion": lambda how: how.casefold() in RELIGIONS or _like(r"islam|christianity|judaism|buddhism|hinduism")(how),
    "pronouns": _like(r"\w+/\w+(?:/\w+)?"),
    "employer|company|university|school": _proper,
    "nickname|username|github(?: username)?": _word,
    "(?:middle|last|family) name|surname": _name,
    "address": _like(r".*\d.*"),
    "diet": _like(_DIETS),
    "hobby|hobbies": _activity,
    "operating system|editor|ide|os": _tool,
    "mother tongue|(?:native|first|second) language": _language,
    "(?:main|preferred) language": lambda how: _language(how) or _tool(how),
    "(?:main|preferred) (?:programming language|editor|ide|browser|framework|database|shell)": _tool,
    "allergy|allergies": _like(r"(?:to )?(?:[\w-]+s|milk|soy|wheat|latex|pollen|dust)"),
}
_WORKS = (
    "book|novel|author|writer|poet|poem|film|movie|show|tv show|series|song|album|band|singer|artist|painter|composer"
    "|musician"
    "|actor|actress|director|podcast|team|football team|city|town|country|restaurant|character|opera|play|comic|brand"
    "|player"
    "|director|magazine|newspaper|website"
)
_KINDS = (
    "colou?r|food|dish|meal|cuisine|drink|drinks|snack|dessert|fruit|vegetable|cheese|wine|beer|tea|coffee|cake|spice"
    "|animal"
    "|bird|dog breed|flower|tree|season|month|number|subject|genre|music|kind of music|instrument|game|board game"
    "|video game"
    "|font|ice cream(?: flavou?r)?|flavou?r|holiday|pasta|soup|sauce|foods|colou?rs|pizza|herb"
)
_FAVOURITES: dict[str, Shape] = {
    _WORKS: _proper,
    f"{_KINDS}": _thing,
    "sport|sports|hobby|pastime|activity|exercise": lambda how: _thing(how) or _activity(how),
    "day|day of the week|month|season": lambda how: first_word(how) in DAYS,
    "editor|programming language|framework|library|browser|operating system|shell|ide|database|language|tool": _tool,
}
_SHAPES: list[tuple[re.Pattern[str], Shape]] = [
    *((re.compile(rf"(?:{what})", re.IGNORECASE), shape) for what, shape in _OWN.items()),
    *((re.compile(rf"favou?rite (?:{what})", re.IGNORECASE), shape) for what, shape in _FAVOURITES.items()),
]
_VERB = re.compile(r"\b(?:is|are|was|were|has|have|will|would|can|do|does)\b")


def my_is(found: re.Match[str]) -> tuple[str, str] | None:
    """ "My favourite colour is teal": only of things of which it is known what they can be."""
    what, how = " ".join(found[1].casefold().split()), value(found[3], 14)
    shape = next((shape for pattern, shape in _SHAPES if pattern.fullmatch(what)), None)
    if shape is None or not how or first_word(how) in VAGUE or first_word(how) in NO_ANSWER:
        return None
    if FOR_NOW.search(found[3]) or _VERB.search(how) or not shape(how):
        return None
    return f"The user's {what} {'are' if found[2].casefold() == 'are' else 'is'} {how}.", f"user.{slug(what)}"
