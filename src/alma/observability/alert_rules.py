"""When there is to be an alert: rules as data, those that Alma brings and the user's own in a TOML file.

A table of the file is a rule. One that has the name of a rule that Alma brings changes what it names of it, and
`enabled = false` switches it off. What is wrong in the file is said with line and field; the rest of it holds.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
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
_OF_ERRORS = frozenset([NEW_ERRORS, "errors", "request_errors"])
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
        return _placed(self.message, f"line {self.line}" if self.line else "", self.field)

    @property
    def whole(self) -> str:
        """With the rule."""
        return _placed(
            self.message, f"rule {self.rule}" if self.rule else "", f"line {self.line}" if self.line else "", self.field
        )


def _placed(message: str, *places: str) -> str:
    return ": ".join(part for part in (", ".join(filter(None, places)), message) if part)


class Rules(Struct, frozen=True):
    rules: tuple[Rule, ...]
    problems: tuple[RuleProblem, ...] = ()

    def problem_of(self, name: str) -> str:
        return " ".join(str(one) for one in self.problems if one.rule == name)


def link_of(metric: str) -> str:
    """Where the page, from its root, has more on what a rule looks at."""
    if metric in _OF_ERRORS:
        return "/?page=health&part=errors"
    return "/?page=health" if metric.startswith("health.") else "/?page=dashboard"


class _Given(Struct):
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


_FORMS = {
    **dict.fromkeys(("summary", "hint"), "a text in quotes"),
    "severity": f"one of {', '.join(get_args(Severity))}, in quotes",
    "metric": "the name of a metric, in quotes",
    **dict.fromkeys(("above", "below", "clear", "for_s", "window_s"), "a number"),
    "channels": f"a list of names out of {', '.join(CHANNELS)}, each in quotes",
    "enabled": "true or false",
}


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
        return Rules(before.rules, (RuleProblem("", 0, "", f"It cannot be read: {error}."),))
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
        if not isinstance(table, dict) or not _NAME.fullmatch(name):
            wrongs = [_Wrong("", "expected a table [name] with a name of small letters, digits, - and _")]
        else:
            given, wrongs = _read(cast("dict[str, Any]", table))
            wrongs += _wrongs(given, rules.get(name), {one.field for one in wrongs})
            if not wrongs and given.enabled:
                rules[name] = _rule(name, given, rules.get(name), own)
            elif not wrongs:
                rules.pop(name, None)
        problems += [RuleProblem(name, _line(text, name, wrong.field), wrong.field, wrong.message) for wrong in wrongs]
    return Rules(tuple(rules.values()), tuple(problems))


class _Wrong(Struct, frozen=True):
    field: str
    message: str


def _read(table: Mapping[str, Any]) -> tuple[_Given, list[_Wrong]]:
    """Each field by itself, so that one that is wrong does not hide the next."""
    given, wrongs = _Given(), list[_Wrong]()
    for field, value in table.items():
        if field not in _Given.__struct_fields__:
            wrongs.append(_Wrong(field, f"there is no such field; there are {', '.join(_Given.__struct_fields__)}"))
            continue
        try:
            setattr(given, field, getattr(msgspec.convert({field: value}, _Given), field))
        except msgspec.ValidationError:
            wrongs.append(_Wrong(field, f"expected {_FORMS[field]}, got {_shown(value)}"))
    return given, wrongs


def _shown(value: object) -> str:
    """A value of the file in words: what it is, and the beginning of it."""
    said = f"{value}".lower() if isinstance(value, bool) else f"{value!r:.60}"
    match value:
        case str():
            what = "the text"
        case bool():
            return said
        case int() | float():
            what = "the number"
        case list():
            what = "the list"
        case dict():
            return "a table"
        case _:
            what = "the time"  # all else that there is in TOML
    return f"{what} {said}"


def _wrongs(given: _Given, known: Rule | None, told: Collection[str]) -> Iterator[_Wrong]:
    """What is wrong with values that are of the right kind. `told`: fields of which something is said already."""
    if not given.enabled:
        return
    if given.above is not None and given.below is not None:
        yield _Wrong("below", "give above or below, not both")
    if given.metric is not None and given.metric not in METRICS:
        yield _Wrong("metric", f"there is no metric {given.metric!r}; docs/operations.md names them")
    for field in ("above", "below", "clear"):
        if not math.isfinite(getattr(given, field) or 0.0):
            yield _Wrong(field, "expected a number")
    for field, most in (("for_s", _MOST_S), ("window_s", 3600.0)):
        value = getattr(given, field)
        if value is not None and not 0 <= value <= most:
            yield _Wrong(field, f"expected 0 to {most:g} seconds, got {value:g}")
    if known is None:
        missing = [field for field in ("summary", "metric") if getattr(given, field) is None]
        if given.above is None and given.below is None and "below" not in told:
            missing.append("above")
        for field in missing:
            if field not in told:
                yield _Wrong(field, "it is missing")
    above, threshold, clear = _bounds(given, known)
    if threshold is not None and clear is not None and (clear > threshold if above else clear < threshold):
        yield _Wrong("clear", f"it must not be {'above' if above else 'below'} the threshold {threshold:g}")


def _bounds(given: _Given, known: Rule | None) -> tuple[bool, float | None, float | None]:
    """Above or below what it fires, and where it ends."""
    bound = given.above if given.above is not None else given.below
    if bound is None and known is not None:
        return known.above, known.threshold, known.clear if given.clear is None else given.clear
    return given.above is not None, bound, bound if given.clear is None else given.clear


def _rule(name: str, given: _Given, known: Rule | None, own: bool) -> Rule:
    """Of what is not wrong."""
    above, threshold, clear = _bounds(given, known)
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
