"""How settings are read, and what each is called and expects.

A value comes, the first one wins, from the command line, the environment, or `.env` in the working directory; an empty
one counts as not given. All that is wrong is said at once. The settings themselves are in
`settings.py`.
"""

from __future__ import annotations

import difflib
import functools
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from dotenv.main import DotEnv
from dotenv.parser import parse_stream
from pydantic import ValidationError

from alma.errors import SettingsInvalid
from alma.settings import Settings

PREFIX = "ALMA_"


# ── what a setting is called and what it expects: for messages and for the pages made from them ───────────────────


@dataclass(frozen=True)
class Described:
    """A setting as people know it. `expected`: type and bounds in words, `reason`: why, where one may wonder;
    `default`: as one would write it in `.env`."""

    name: str
    variable: str
    expected: str
    reason: str
    default: str
    description: str


@functools.cache
def described() -> dict[str, Described]:
    """Every setting by field name, from the schema."""
    result: dict[str, Described] = {}
    for name, schema in Settings.model_json_schema()["properties"].items():
        # An optional field's schema is `anyOf` of the real one and null.
        schema: dict[str, Any] = {**schema, **(schema["anyOf"][0] if "anyOf" in schema else {})}
        result[name] = Described(
            name=name,
            variable=schema.get("variable", PREFIX + name.upper()),
            expected=_expected(schema),
            reason=schema.get("reason", ""),
            default=written(schema.get("default")),
            description=schema["description"],
        )
    return result


def written(value: object) -> str:
    """A value as it would stand in `.env`; empty where there is none."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case list():
            return ",".join(map(str, cast("list[object]", value)))
        case _:
            return str(value)


def _expected(schema: Mapping[str, Any]) -> str:
    if "expected" in schema:
        return schema["expected"]
    if "enum" in schema:
        return "one of " + ", ".join(schema["enum"])
    if "minimum" in schema:
        kind = "whole number" if schema["type"] == "integer" else "number"
        return f"a {kind} from {schema['minimum']} to {schema['maximum']}"
    if schema["type"] == "boolean":
        return "true or false"
    return "a path" if schema.get("format") == "path" else "a text"


def variable(name: str) -> str:
    """The environment variable of a field: `port` → `ALMA_PORT`."""
    return described()[name].variable


# ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Given:
    """A value as it was found: `label` is what the person who gave it would call it."""

    label: str
    value: object


def environment(environ: Mapping[str, str] | None = None, dotenv: Path = Path(".env")) -> dict[str, str]:
    """The process's environment, with what only `.env` has."""
    from_file = DotEnv(dotenv).dict() if dotenv.is_file() else {}
    return {name: value for name, value in from_file.items() if value} | dict(
        os.environ if environ is None else environ
    )


def load_settings(
    overrides: Mapping[str, object] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    dotenv: Path = Path(".env"),
    check_models: Callable[[Path], list[str]] | None = None,
) -> Settings:
    """Read the settings. `overrides`: what the command line says, by field name; None counts as not given.
    `check_models`: names the problems of the file of endpoints, so that they are said together with the others.

    Raises SettingsInvalid with every problem: of each variable, of `.env` itself, and of the file of endpoints.
    """
    environ = os.environ if environ is None else environ
    problems = _dotenv_problems(dotenv)
    from_file = {} if problems else {name: value for name, value in DotEnv(dotenv).dict().items() if value is not None}
    given: dict[str, Given] = {}
    for source, suffix in ((from_file, f" in {dotenv}"), (environ, "")):
        problems += _unknown(source, suffix)
        for name in Settings.model_fields:
            if source.get(variable(name), "").strip():
                given[name] = Given(variable(name) + suffix, source[variable(name)].strip())
    for name, value in (overrides or {}).items():
        if value is not None:
            given[name] = Given("--" + name.replace("_", "-"), value)
    models_file = Path(str(given["models_file"].value)) if "models_file" in given else Path("models.toml")
    models_problems = check_models(models_file) if check_models and models_file.is_file() else []
    try:
        settings = Settings.model_validate({name: item.value for name, item in given.items()})
    except ValidationError as error:
        problems += _invalid(error, given)
    else:
        problems += _contradictions(settings, given)
        if not problems and not models_problems:
            return settings
    raise SettingsInvalid(problems + models_problems)


def _dotenv_problems(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8") as stream:
            broken = [binding.original for binding in parse_stream(stream) if binding.error]
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        return [f"{path}: expected a readable text file in UTF-8, got {error}"]
    return [f"{path} line {line.line}: expected NAME=value, got {line.string.strip()!r}" for line in broken]


def _unknown(source: Mapping[str, str], suffix: str) -> list[str]:
    known = {variable(name) for name in Settings.model_fields}
    by_rest = {name.removeprefix(PREFIX): name for name in known}  # the prefix that all share makes none alike
    problems: list[str] = []
    for name in source:
        if name.upper().startswith(PREFIX) and name not in known:
            near = difflib.get_close_matches(name.upper().removeprefix(PREFIX), by_rest, n=1, cutoff=0.6)
            advice = f"did you mean {by_rest[near[0]]}?" if near else "see docs/settings.md"
            problems.append(f"{name}{suffix}: expected a variable that Alma knows, got an unknown one; {advice}")
    return problems


def _invalid(error: ValidationError, given: Mapping[str, Given]) -> list[str]:
    problems: list[str] = []
    for name in dict.fromkeys(str(detail["loc"][0]) for detail in error.errors()):
        setting, found = described()[name], given[name]
        problem = f"{found.label}: expected {setting.expected}, got {_shown(found.value)}"
        problems.append(f"{problem}. {setting.reason}" if setting.reason else problem)
    return problems


def _contradictions(settings: Settings, given: Mapping[str, Given]) -> list[str]:
    """What is right by itself and wrong together."""
    problems: list[str] = []
    if settings.max_frame_bytes < 4 * settings.max_prompt_chars:
        name = "max_prompt_chars" if "max_prompt_chars" in given else "max_frame_bytes"
        frame, prompt = variable("max_frame_bytes"), variable("max_prompt_chars")
        problems.append(
            f"{given[name].label}: expected {frame} to be at least four times {prompt}, so that the longest task fits"
            f" into a frame, got {settings.max_frame_bytes} and {settings.max_prompt_chars}"
        )
    if settings.models_file != Settings().models_file and not settings.models_file.is_file():
        problems.append(f"{given['models_file'].label}: expected a file that exists, got '{settings.models_file}'")
    return problems


def _shown(value: object) -> str:
    """The value as it came, without the password of a URL, and not endless."""
    text = re.sub(r"(://[^:/@\s]*):[^@\s]*@", r"\1:…@", str(value))
    return repr(text if len(text) <= 120 else text[:119] + "…")
