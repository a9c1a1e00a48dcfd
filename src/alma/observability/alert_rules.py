"""When there is to be an alert: rules as data, those that Alma brings and the user's own in a TOML file.

A table of the file is a rule. One that has the name of a rule that Alma brings changes what it names of it, and
`enabled = false` switches it off. What is wrong in the file is said with line and field; the rest of it holds.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Literal, cast, get_args

import msgspec
from msgspec import Struct

from alma.observability.catalog import BY_NAME
from alma.observability.health import metric_of
from alma.observability.health_checks import NAMES

Severity = Literal["info", "warning", "critical"]
ChannelName = Literal["page", "log", "webhook", "mail"]
CHANNELS: tuple[ChannelName, ...] = get_args(ChannelName)
LOGGER = "alma.alerts"  # what it logs tells of something, and is itself no error
NEW_ERRORS = "error_group.new"  # groups of errors that were first seen in the last five minutes
METRICS = frozenset([*BY_NAME, *map(metric_of, NAMES), NEW_ERRORS])
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
_MOST_S = 7 * 86_400.0


class Rule(Struct, frozen=True):
    """It fires when `metric` has been above (or below) `threshold` for `for_s` seconds, and ends when it comes to
    `clear` or beyond. `window_s`: over how many seconds the metric is taken, 0: its newest value; see
    `Windows`. `own`: it is of the user's file."""

    name: str
    summary: str
    metric: str
    above: bool
    threshold: float
    clear: float
    hint: str = ""
    severity: Severity = "warning"
    for_s: float = 0.0
    window_s: float = 0.0
    channels: tuple[ChannelName, ...] = CHANNELS
    own: bool = False


class RuleProblem(Struct, frozen=True):
    """`line` counts from 1, 0: the file as such. `rule` is empty where it is about none."""

    rule: str
    line: int
    field: str
    message: str

    def __str__(self) -> str:
        place = f"line {self.line}: " if self.line else ""
        return f"{place}{self.field}: {self.message}" if self.field else f"{place}{self.message}"


class Rules(Struct, frozen=True):
    rules: tuple[Rule, ...]
    problems: tuple[RuleProblem, ...] = ()

    def problem_of(self, name: str) -> str:
        return " ".join(str(one) for one in self.problems if one.rule == name)


class _Given(Struct, forbid_unknown_fields=True):
    """A table of the file, as it is written."""

    summary: str | None = None
    hint: str | None = None
    severity: Severity | None = None
    metric: str | None = None
    above: float | None = None
    below: float | None = None
    clear: float | None = None
    for_s: float | None = None
    window_s: float | None = None
    channels: list[ChannelName] | None = None
    enabled: bool = True


def shipped() -> Rules:
    text = resources.files("alma.observability").joinpath("alert_rules.toml").read_text("utf-8")
    return merged((), text, own=False)


def load(path: Path, before: Rules) -> Rules:
    """Those that Alma brings with the user's changes. Where the file cannot be read at all, the rules are those of
    `before`."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return shipped()
    except (OSError, UnicodeDecodeError) as error:
        return Rules(before.rules, (RuleProblem("", 0, "", f"{path} cannot be read: {error}."),))
    try:
        return merged(shipped().rules, text)
    except (ValueError, RecursionError) as error:  # numbers too long and lists too deep are no TOMLDecodeError
        line = re.search(r"at line (\d+)", str(error))
        return Rules(before.rules, (RuleProblem("", int(line[1]) if line else 0, "", f"It is not TOML: {error}."),))


def merged(known: Sequence[Rule], text: str, *, own: bool = True) -> Rules:
    """`known` with what `text` says. Raises `ValueError`, `RecursionError` for what is not TOML."""
    rules = {rule.name: rule for rule in known}
    problems: list[RuleProblem] = []
    for name, table in tomllib.loads(text).items():
        try:
            if not isinstance(table, dict) or not _NAME.fullmatch(name):
                raise _Wrong("", "expected a table [name] with a name of small letters, digits, - and _")
            given = _read(cast("dict[str, Any]", table))
            if not given.enabled:
                rules.pop(name, None)
                continue
            rules[name] = _rule(name, given, rules.get(name), own)
        except _Wrong as wrong:
            problems.append(RuleProblem(name, _line(text, name, wrong.field), wrong.field, wrong.message))
    return Rules(tuple(rules.values()), tuple(problems))


class _Wrong(Exception):
    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


def _read(table: Mapping[str, Any]) -> _Given:
    try:
        return msgspec.convert(table, _Given)
    except msgspec.ValidationError as error:
        said = str(error)
        unknown = re.search(r"unknown field `(\w[\w-]*)`", said)
        at = re.search(r" - at `\$\.(\w+)", said)
        field = unknown[1] if unknown else at[1] if at else ""
        if unknown:
            said = f"there is no such field; there are {', '.join(_Given.__struct_fields__)}"
        raise _Wrong(field, said.partition(" - at ")[0]) from None


def _rule(name: str, given: _Given, known: Rule | None, own: bool) -> Rule:
    if given.above is not None and given.below is not None:
        raise _Wrong("below", "give above or below, not both")
    if given.metric is not None and given.metric not in METRICS:
        raise _Wrong("metric", f"there is no metric {given.metric!r}; docs/operations.md names them")
    for field in ("above", "below", "clear"):
        if not math.isfinite(getattr(given, field) or 0.0):
            raise _Wrong(field, "expected a number")
    for field, most in (("for_s", _MOST_S), ("window_s", 3600.0)):
        value = getattr(given, field)
        if value is not None and not 0 <= value <= most:
            raise _Wrong(field, f"expected 0 to {most:g} seconds, came {value:g}")
    bound = given.above if given.above is not None else given.below
    if known is None:
        for field, value in (("summary", given.summary), ("metric", given.metric), ("above", bound)):
            if value is None:
                raise _Wrong(field, "it is missing")
    above = known.above if bound is None and known else given.above is not None
    threshold = known.threshold if bound is None and known else cast("float", bound)
    clear = given.clear if given.clear is not None else known.clear if bound is None and known else threshold
    if clear > threshold if above else clear < threshold:
        raise _Wrong("clear", f"it must not be {'above' if above else 'below'} the threshold {threshold:g}")
    plain: dict[str, Any] = {
        field: value
        for field in ("summary", "metric", "hint", "severity", "for_s", "window_s")
        if (value := getattr(given, field)) is not None
    }
    if given.channels is not None:
        plain["channels"] = tuple(dict.fromkeys(given.channels))
    new: dict[str, Any] = {**plain, "above": above, "threshold": threshold, "clear": clear, "own": own}
    return msgspec.structs.replace(known, **new) if known else Rule(name, **new)


def _line(text: str, name: str, field: str) -> int:
    """Where a field of a table is; else the table; 0: neither is found."""
    table = 0
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(rf"\s*\[\s*[\"']?{re.escape(name)}[\"']?\s*\]", line) or re.match(
            rf"\s*{re.escape(name)}\s*=", line
        ):
            table = number
        elif table and re.match(r"\s*\[", line):
            break
        elif table and field and re.match(rf"\s*[\"']?{re.escape(field)}[\"']?\s*=", line):
            return number
    return table
