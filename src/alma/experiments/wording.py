"""What a validator says of a file, in the words of who wrote it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9 _.-]{0,59}$"
HASH_PATTERN = "^[0-9a-f]{12}$"
_FORMS = {
    NAME_PATTERN: "a name of letters, digits, spaces, _ . - (at most 60), a letter or digit first",
    HASH_PATTERN: "a hash of 12 characters, 0 to 9 and a to f",
}
_KINDS: dict[type[object], str] = {
    type(None): "nothing",
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "fields",
}
_EXPECTED = {  # by the type of an error: what it should have been; filled with the error's context
    "string_type": "a text",
    "string_too_short": "a text that is not empty",
    "string_too_long": "at most {max_length} characters",
    "float_type": "a number",
    "float_parsing": "a number",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "finite_number": "a number that is not infinite",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "dict_type": "fields",
    "model_type": "fields",
    "model_attributes_type": "fields",
    "literal_error": "{expected}",
    "greater_than": "a number above {gt}",
    "greater_than_equal": "a number of at least {ge}",
    "less_than_equal": "a number of at most {le}",
    "union_tag_invalid": "a type, one of {expected_tags}",
}
_SHOWN = 60


def kind_of(value: object) -> str:
    """`a list`, `nothing`: what stands there, without what is in it."""
    return _KINDS.get(type(value), type(value).__name__)


def said(error: ErrorDetails) -> str:
    type, context, given = error["type"], error.get("ctx", {}), error["input"]
    match type:
        case "extra_forbidden":
            return "there is no such field"
        case "missing":
            return "this is missing"
        case "union_tag_not_found":
            return "the field `type` is missing"
        case "too_short":
            return f"expected at least {context['min_length']}, came {context['actual_length']}"
        case "too_long":
            return f"expected at most {context['max_length']}, came more"
        case "string_pattern_mismatch":
            wanted = _FORMS.get(context["pattern"], f"a text as {context['pattern']} matches it")
            return f"expected {wanted}, came {_brief(given)}"
        case _ if type in _EXPECTED:
            return f"expected {_EXPECTED[type].format(**context)}, came {_shown(type, given, context)}"
        case _:
            return error["msg"].removeprefix("Value error, ")


def _shown(type: str, given: object, context: dict[str, Any]) -> str:
    if type == "union_tag_invalid":
        return repr(context.get("tag"))
    if type == "string_too_long" and isinstance(given, str):
        return f"{len(given):,}"
    return _brief(given)


def _brief(given: object) -> str:
    if given == "":
        return "none"
    if isinstance(given, str | int | float):
        text = repr(given)
        return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return kind_of(given)
