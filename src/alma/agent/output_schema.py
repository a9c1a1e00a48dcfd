"""Checks the JSON schema that a role's answers must obey: an object, of keywords that JSON Schema knows."""

from __future__ import annotations

import yaml

from alma.agent.front_matter import Check, Notes, choice, guess, is_a, items, keys_of, list_of, text

_TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")
_BY_NAME = ("properties", "patternProperties", "$defs")  # keyword → name → schema
_SCHEMAS = ("items", "additionalProperties", "not", "contains")  # keyword → schema
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")  # keyword → schemas
_NAMES: Check = list_of(text(200), 200, distinct=True)
_KEYWORDS = (
    *("type", "required", "enum", "const", "title", "description", "default", "examples", "format", "pattern", "$ref"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength"),
    *("minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties"),
    *(*_BY_NAME, *_SCHEMAS, *_LISTS),
)


def object_schema(node: yaml.Node, field: str, notes: Notes) -> None:
    """A check: the schema of an object with named properties."""
    if not isinstance(node, yaml.MappingNode):
        notes.wrong(node, field, "a JSON schema: a mapping with type and properties")
        return
    _schema(node, field, notes)
    found = _by_keyword(node)
    kind = found.get("type")
    if kind is None or kind.value != "object":
        said = "is missing: expected object" if kind is None else f"expected object, came {kind.value!r}"
        notes.say(kind or node, f"{field}.type", said)
    properties = found.get("properties")
    if properties is None or not properties.value:
        notes.say(properties or node, f"{field}.properties", "is missing: expected the fields of an answer")


def _schema(node: yaml.Node, field: str, notes: Notes) -> None:
    if is_a(node, "bool"):
        return
    for key, value in keys_of(node, field, notes) or ():
        path = f"{field}.{key.value}"
        if key.value not in _KEYWORDS:
            notes.say(key, path, f"unknown keyword of JSON Schema{guess(key.value, _KEYWORDS)}")
        elif key.value in _BY_NAME:
            for name, schema in keys_of(value, path, notes) or ():
                _schema(schema, f"{path}.{name.value}", notes)
        elif key.value in _SCHEMAS:
            _schema(value, path, notes)
        elif key.value in _LISTS:
            list_of(_schema, 200)(value, path, notes)
        else:
            _keyword(key.value, value, path, notes)
    if isinstance(node, yaml.MappingNode):
        _required(_by_keyword(node), field, notes)


def _keyword(name: str, value: yaml.Node, path: str, notes: Notes) -> None:
    if name == "type":
        one = choice(*_TYPES)
        (list_of(one, len(_TYPES)) if isinstance(value, yaml.SequenceNode) else one)(value, path, notes)
    elif name == "required":
        _NAMES(value, path, notes)
    elif name == "enum" and not (isinstance(value, yaml.SequenceNode) and value.value):
        notes.wrong(value, path, "a list of the values that may be")
    else:
        _json(value, path, notes)


def _required(found: dict[str, yaml.Node], field: str, notes: Notes) -> None:
    """What must be there must be described, or the model could never write it."""
    needed, described = found.get("required"), found.get("properties")
    if not isinstance(needed, yaml.SequenceNode) or not isinstance(described, yaml.MappingNode):
        return
    names = [str(key.value) for key, _ in keys_of(described, field, Notes("")) or ()]
    for at, item in enumerate(items(needed)):
        if item.value not in names:
            near = guess(str(item.value), names)
            notes.say(item, f"{field}.required[{at}]", f"{item.value!r} is not among the properties{near}")


def _json(node: yaml.Node, field: str, notes: Notes) -> None:
    if isinstance(node, yaml.MappingNode):
        for key, value in keys_of(node, field, notes) or ():
            _json(value, f"{field}.{key.value}", notes)
    elif isinstance(node, yaml.SequenceNode):
        for at, item in enumerate(items(node)):
            _json(item, f"{field}[{at}]", notes)
    elif not is_a(node, "str", "int", "float", "bool", "null"):
        notes.wrong(node, field, "a JSON value; put dates in quotes")


def _by_keyword(node: yaml.MappingNode) -> dict[str, yaml.Node]:
    return {str(key.value): value for key, value in node.value}
