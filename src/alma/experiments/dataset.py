"""Tasks to try variants on: lines of JSON, or the tasks of threads with the answers that stand in them. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, cast

import msgspec
from msgspec import Struct

from alma.errors import InvalidRequest
from alma.experiments.wording import kind_of

MOST_ROWS = 5000
MOST_SLICES = 50
_MOST_TASK = 100_000  # characters
_FIELDS = ("task", "expected", "slice", "note")
_SHOWN = 10


class Row(Struct, frozen=True, omit_defaults=True):
    """`expected`: what a right answer is, for evaluators that ask for it; `slice`: results are shown for each by
    itself; `note`: for who reads the file."""

    task: str
    expected: str | None = None
    slice: str = ""
    note: str = ""


def read_rows(text: str) -> list[Row]:
    """Raises `InvalidRequest` (data_set_invalid) with the lines of all that is wrong; for no rows too."""
    rows: list[Row] = []
    problems: list[str] = []
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        if not line.strip():
            continue
        try:
            rows.append(_row(line))
        except ValueError as error:
            problems.append(f"line {number}: {error}")
    if len(rows) > MOST_ROWS:
        problems.append(f"expected at most {MOST_ROWS:,} rows, came {len(rows):,}")
    if (slices := len({row.slice for row in rows})) > MOST_SLICES:
        problems.append(f"expected at most {MOST_SLICES} slices, came {slices:,}")
    if problems:
        more = [f"and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
        raise _invalid("The data set has lines that cannot be used.", "\n".join(problems[:_SHOWN] + more))
    if not rows:
        raise _invalid("The data set has no rows.", "0 rows")
    return rows


def of_threads(turns: Iterable[tuple[str, str]]) -> list[Row]:
    """Of tasks, each with its approved answer (empty: none). A task that was asked again counts once, with the newest
    of its approved answers."""
    rows: dict[str, str] = {}
    for task, answer in turns:
        if task.strip():
            rows[task] = answer or rows.get(task, "")
    if not rows:
        raise _invalid("There is no task in these threads.", "0 rows")
    return [Row(task, answer or None) for task, answer in rows.items()][:MOST_ROWS]


def written(rows: Iterable[Row]) -> str:
    """As lines of JSON."""
    return "".join(msgspec.json.encode(row).decode() + "\n" for row in rows)


def _row(line: str) -> Row:
    try:
        found = json.loads(line, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"this is no JSON: {error.msg} at character {error.colno}") from None
    if not isinstance(found, dict):
        raise ValueError(f'expected an object as {{"task": …}}, came {kind_of(found)}')
    given = cast("dict[str, Any]", found)
    if surplus := [name for name in given if name not in _FIELDS]:
        raise ValueError(f"there is no field {surplus[0][:40]!r}; there are {', '.join(_FIELDS)}")
    task = given.get("task")
    if task is None:
        raise ValueError("the field `task` is missing")
    if not isinstance(task, str) or not task.strip():
        raise ValueError("expected a text in `task`")
    if len(task) > _MOST_TASK:
        raise ValueError(f"expected at most {_MOST_TASK:,} characters in `task`, came {len(task):,}")
    expected = given.get("expected")
    if expected is not None and not isinstance(expected, str):
        expected = json.dumps(expected) if not isinstance(expected, bool) else str(expected).lower()
    for name in ("slice", "note"):
        if not isinstance(given.get(name, ""), str):
            raise ValueError(f"expected a text in `{name}`")
    for text in (task, expected or "", given.get("slice", ""), given.get("note", "")):
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError("it has half of a character in it") from None
    return Row(task, expected, given.get("slice", "")[:80], given.get("note", "")[:1000])


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


def _invalid(message: str, actual: str) -> InvalidRequest:
    return InvalidRequest(
        "data_set_invalid",
        message,
        expected='one JSON object a line: {"task": "…", "expected": "…", "slice": "…"}, only `task` is needed',
        actual=actual,
        hint="docs/experiments.md shows a data set.",
    )
