"""What is wrong with a line of an import, in words for who wrote it. Knows the decoder's sentences; pure."""

from __future__ import annotations

import re

from alma.memory.records import KINDS, SCOPES

_MOST_CHARS = 300
_CHOICES = {"kind": KINDS, "scope": SCOPES}
_ENUM = re.compile(r"Invalid enum value ['\"]?(.*?)['\"]?", re.DOTALL)
_EXPECTED = re.compile(r"Expected `(.+?)`(?: (>=|<=|>|<) (\S+?))?(?:, got `(.+?)`)?")
_MISSING = re.compile(r"Object missing required field `(.+)`")
_TYPES = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "object": "a JSON object",
    "array": "a list",
    "null": "nothing (null)",
}
_BOUNDS = {">=": "at least", "<=": "at most", ">": "above", "<": "below"}


def in_words(wrong: Exception) -> str:
    """Which field, what was expected, and what came."""
    if isinstance(wrong, RecursionError):
        return "It is nested too deeply."
    if isinstance(wrong, UnicodeError):
        return "It is not text in UTF-8."
    said, _, place = str(wrong).partition(" - at `$")
    field = place.removesuffix("`").lstrip(".")
    return f"{field}: {_said(said, field)}"[:_MOST_CHARS] if field else _said(said, "")[:_MOST_CHARS]


def _said(said: str, field: str) -> str:
    if enum := _ENUM.fullmatch(said):
        return f"expected {_one_of(_CHOICES.get(field, ()))}, came '{enum[1]}'"
    if missing := _MISSING.fullmatch(said):
        return f"expected a field {missing[1]}, which is not there" if field else f"It has no {missing[1]}."
    if expected := _EXPECTED.fullmatch(said):
        return _expected(*expected.groups(), is_field=bool(field))
    if said == "Number out of range":
        return "expected a number that is not so large"
    if said.startswith("JSON is malformed") or said == "Input data was truncated":
        return f"It is no JSON: {'it ends too early' if 'truncated' in said else said.partition(': ')[2]}."
    return said if field else f"It cannot be read: {said}."


def _expected(types: str, bound: str | None, value: str | None, came: str | None, is_field: bool) -> str:
    wanted = " or ".join(_TYPES.get(one.strip(), one.strip()) for one in types.split("|"))
    if bound is not None:
        wanted += f" of {_BOUNDS[bound]} {value}"
    actual = "" if came is None else f", came {_TYPES.get(came, came)}"
    return f"{'e' if is_field else 'E'}xpected {wanted}{actual}{'' if is_field else '.'}"


def _one_of(choices: tuple[str, ...]) -> str:
    return f"one of {', '.join(choices)}" if choices else "another word"
