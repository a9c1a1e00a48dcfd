"""What a function takes, read from its annotations and its docstring: a JSON schema for the model, and arguments back.

A parameter annotated with `ToolContext` or with a kind of `Provided` is Alma's to fill and no business of the model.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, get_type_hints

import pydantic
from msgspec import Struct

from alma.tools.fault import ToolFault, ToolInvalid

MAX_ARGUMENTS = 200_000  # characters of JSON that a call may carry
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")  # what OpenAI's API takes


class ToolContext(Struct, frozen=True):
    """Who calls, and for what. `call_id`: unique per call and the same when a call is repeated, so it is a key for
    whatever must not happen twice."""

    owner: str
    thread_id: str
    run_id: str
    task_id: str
    call_id: str
    role: str


class Provided:
    """Base of what Alma gives to the tools that ask for it by annotation: a store, a reader, a runner. A tool whose
    need is not provided is off."""


class Signature:
    """One function's. `parameters`: JSON schema of its arguments. `needs`: what must be provided, by parameter.
    `context`: the parameters that take the `ToolContext`. Raises `ToolInvalid` for a function that is no tool."""

    def __init__(self, function: Callable[..., object], name: str | None = None) -> None:
        self.name = name or getattr(function, "__name__", "")
        if not _NAME.fullmatch(self.name):
            raise ToolInvalid(
                f"{self.name!r} cannot be a tool's name.", expected="letters, digits, _ and -, at most 64"
            )
        self._check_docstring(function)
        self.needs: dict[str, type[Provided]] = {}
        self.context: list[str] = []
        fields: dict[str, tuple[Any, Any]] = {}
        hints = self._hints(function)
        self.description, texts = _read_docstring(inspect.getdoc(function) or "", set(hints))
        for parameter in inspect.signature(function).parameters.values():
            hint = self._hint(parameter, hints)
            if hint is ToolContext:
                self.context.append(parameter.name)
            elif isinstance(hint, type) and issubclass(hint, Provided):
                self.needs[parameter.name] = hint
            else:
                fields[parameter.name] = (hint, _field(parameter, texts.get(parameter.name)))
        # The names of the fields are the model's own, because pydantic's classes have names of their own (json, copy).
        self._names = {f"field_{number}": parameter for number, parameter in enumerate(fields)}
        self._model = self._make_model(fields)
        self.parameters = _without_titles(self._model.model_json_schema())

    def _check_docstring(self, function: Callable[..., object]) -> None:
        if not (inspect.getdoc(function) or "").strip():
            raise ToolInvalid(
                f"The tool {self.name} has no docstring.",
                hint="The model is told what its docstring says: what it does, then a line `parameter: meaning` each.",
            )

    def _hints(self, function: Callable[..., object]) -> dict[str, Any]:
        try:
            hints = get_type_hints(function, include_extras=True)
        except NameError as error:
            raise ToolInvalid(
                f"An annotation of the tool {self.name} cannot be found: {error}.",
                hint="Import it outside of `if TYPE_CHECKING`.",
            ) from None
        hints.pop("return", None)
        return hints

    def _hint(self, parameter: inspect.Parameter, hints: Mapping[str, Any]) -> Any:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise ToolInvalid(
                f"The tool {self.name} takes {parameter}.",
                expected="parameters with a name each",
                actual=str(parameter),
            )
        if parameter.name not in hints:
            raise ToolInvalid(
                f"The parameter {parameter.name} of the tool {self.name} has no type.",
                expected=f"{parameter.name}: str, or another type",
            )
        return hints[parameter.name]

    def _make_model(self, fields: Mapping[str, tuple[Any, Any]]) -> type[pydantic.BaseModel]:
        try:
            return pydantic.create_model(
                self.name,
                __config__=pydantic.ConfigDict(extra="forbid", arbitrary_types_allowed=False),
                **{name: fields[parameter] for name, parameter in self._names.items()},  # type: ignore[reportCallIssue]
            )
        except pydantic.errors.PydanticUserError as error:
            raise ToolInvalid(f"A parameter of the tool {self.name} has a type with no JSON form: {error}") from None

    def read(self, arguments: str) -> dict[str, Any]:
        """The arguments of a call from JSON text. Raises `ToolFault` that says what was expected and what came."""
        if len(arguments) > MAX_ARGUMENTS:
            raise ToolFault(
                f"The arguments of {self.name} have {len(arguments):,} characters; at most {MAX_ARGUMENTS:,} are taken."
            )
        try:
            given: object = json.loads(arguments) if arguments.strip() else {}
        except (ValueError, RecursionError) as error:
            raise ToolFault(
                f"The arguments of {self.name} are not JSON ({error}). Expected {self}. Got: {_short(arguments)}"
            ) from None
        if not isinstance(given, dict):
            raise ToolFault(f"{self.name} takes a JSON object. Expected {self}. Got: {_short(arguments)}")
        try:
            model = self._model.model_validate(given)
        except pydantic.ValidationError as error:
            problems = "; ".join(_problem(item) for item in error.errors(include_url=False)[:5])
            raise ToolFault(f"Wrong arguments for {self.name}: {problems}. Expected {self}.") from None
        return {self._names[name]: getattr(model, name) for name in model.model_fields_set}

    def __str__(self) -> str:
        """As a model reads it: `{"expression": string, "digits"?: integer}`."""
        required = self.parameters.get("required", [])
        parts = [
            f'"{name}"{"" if name in required else "?"}: {_type_of(schema)}'
            for name, schema in self.parameters["properties"].items()
        ]
        return "{" + ", ".join(parts) + "}"


def _read_docstring(text: str, parameters: set[str]) -> tuple[str, dict[str, str]]:
    """What stands before, and the meaning of each parameter. A meaning may go on in lines that are indented."""
    description: list[str] = []
    meanings: dict[str, str] = {}
    current = ""
    for line in text.splitlines():
        name, colon, meaning = line.strip().partition(":")
        if colon and name.strip("`") in parameters:
            current = name.strip("`")
            meanings[current] = meaning.strip()
        elif current and line[:1].isspace() and line.strip():
            meanings[current] = f"{meanings[current]} {line.strip()}".strip()
        else:
            current = ""
            description.append(line)
    return "\n".join(description).strip(), meanings


def _field(parameter: inspect.Parameter, meaning: str | None) -> Any:
    default = ... if parameter.default is parameter.empty else parameter.default
    return pydantic.Field(default, alias=parameter.name, description=meaning)


def _without_titles(schema: Any) -> Any:
    """A copy without the titles that pydantic makes of names, and without nulls as defaults: tokens that say nothing.
    A property that is itself called `title` stays."""
    if isinstance(schema, list):
        return [_without_titles(item) for item in schema]  # type: ignore[reportUnknownVariableType]
    if not isinstance(schema, dict):
        return schema
    kept: dict[str, Any] = {}
    for key, value in schema.items():  # type: ignore[reportUnknownVariableType]
        if (key == "title" and isinstance(value, str)) or (key == "default" and value is None):
            continue
        kept[str(key)] = _without_titles(value)  # type: ignore[reportUnknownArgumentType]
    return kept


def _type_of(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema["enum"])
    if "anyOf" in schema:
        return " | ".join(_type_of(part) for part in schema["anyOf"])
    if schema.get("type") == "array":
        return f"[{_type_of(schema.get('items', {}))}]"
    return str(schema.get("type", "object" if "$ref" in schema else "any"))


def _problem(item: Any) -> str:
    place = ".".join(str(part) for part in item["loc"]) or "the object"
    if item["type"] == "missing":
        return f'"{place}" is missing'
    if item["type"] == "extra_forbidden":
        return f'"{place}" is not a parameter'
    return f'"{place}": {item["msg"]}, got {_short(repr(item["input"]))}'


def _short(text: str) -> str:
    return text if len(text) <= 120 else text[:120] + "…"
