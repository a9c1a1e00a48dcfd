"""Every door says how much it takes: no text, number, list or object of a request is without bounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from alma.server import commands, schema

DOCUMENT = schema.document()
# Bounded by settings instead, with codes of their own (prompt_too_long, invalid_field), and by the frame's size.
BY_SETTINGS = {"StartRun.text", "RetryRun.text", "ForkRun.goal", "PreviewRoute.text", "AnswerQuestion.text"}
_TEXT = ("maxLength", "pattern", "enum", "const")


def unbounded(facts: dict[str, Any], where: str, parts: dict[str, Any], seen: frozenset[str]) -> Iterator[str]:
    """Places in a JSON schema that take anything of any size."""
    if "$ref" in facts:
        name = facts["$ref"].rpartition("/")[2]
        if name not in seen:
            yield from unbounded(parts[name], where, parts, seen | {name})
        return
    for kind in ("anyOf", "oneOf", "allOf"):
        for one in facts.get(kind, ()):
            yield from unbounded(one, where, parts, seen)
    match facts.get("type"):
        case "string" if not any(key in facts for key in _TEXT) and facts.get("format") != "binary":
            yield where
        case "number" | "integer" if "enum" not in facts:
            low = "minimum" in facts or "exclusiveMinimum" in facts
            if not low or ("maximum" not in facts and "exclusiveMaximum" not in facts):
                yield where
        case "array":
            if "maxItems" not in facts:
                yield f"{where}[]"
            yield from unbounded(facts["items"], f"{where}[]", parts, seen)
        case "object":
            rest = facts.get("additionalProperties", True)
            if rest is not False and "maxProperties" not in facts and ("properties" not in facts or rest is not True):
                yield f"{where}{{}}"
            if isinstance(rest, dict):
                yield from unbounded(rest, f"{where}{{}}", parts, seen)
            for name, one in facts.get("properties", {}).items():
                yield from unbounded(one, f"{where}.{name}", parts, seen)
        case _:
            pass


ROUTES = [
    (f"{method.upper()} {path}", route)
    for path, methods in DOCUMENT["paths"].items()
    for method, route in methods.items()
]


@pytest.mark.parametrize(("name", "route"), ROUTES, ids=[name for name, _ in ROUTES])
def test_all_that_a_route_takes_has_bounds(name: str, route: dict[str, Any]) -> None:
    parts = DOCUMENT["components"]["schemas"]
    found = [
        place
        for one in route.get("parameters", ())
        for place in unbounded(one["schema"], one["name"], parts, frozenset())
    ]
    for kind, body in route.get("requestBody", {}).get("content", {}).items():
        if kind == "application/json":
            found += unbounded(body["schema"], "body", parts, frozenset())
    assert found == [], name


@pytest.mark.parametrize("command", commands.ALL, ids=lambda one: one.__name__)
def test_all_that_a_command_takes_has_bounds(command: type[commands.Command]) -> None:
    (facts,), parts = msgspec.json.schema_components([command], ref_template="#/{name}")
    found = [place for place in unbounded(facts, command.__name__, parts, frozenset()) if place not in BY_SETTINGS]
    assert found == []
