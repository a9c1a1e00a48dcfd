"""Evaluators whose end nobody can promise: patterns, JSON schemas, functions of plug-ins. A process of its own, so that
one that never ends can be ended, and holds up nobody (`re` holds the interpreter while it searches).

A line of JSON for each answer comes on standard input, a line with the score goes out. Imports little, to start soon.
"""

from __future__ import annotations

import importlib.util
import json
import math
import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from alma.agent.output import OutputInvalid, check_output

MOST_SEARCHED = 20_000  # characters of an answer in which a pattern is looked for
_MOST_WHY = 500
Scored = tuple[float | None, str]  # None: there is no score, because of what is said
Function = Callable[[str, str | None, str], object]


class Unusable(Exception):
    """A plug-in that cannot be used, and why."""


def regex(pattern: str, answer: str) -> Scored:
    try:
        return float(re.search(pattern, answer[:MOST_SEARCHED]) is not None), ""
    except (re.error, RecursionError, OverflowError) as error:
        return None, f"What is expected is no regular expression: {error}"


def schema(wanted: dict[str, Any], answer: str) -> Scored:
    try:
        check_output(answer, wanted)
    except OutputInvalid as error:
        return 0.0, error.message
    return 1.0, ""


def plugin(path: Path, name: str, task: str, expected: str | None, answer: str) -> Scored:
    try:
        return of_plugin(load(path, name)(task, expected, answer))
    except Unusable as error:
        return None, f"The evaluator {path.name} cannot be used: {error}."
    except (Exception, SystemExit) as error:  # noqa: BLE001  # a plug-in's boundary
        return None, f"The evaluator raised {type(error).__name__}: {error}"


def load(path: Path, name: str) -> Function:
    """Read anew each time: who changes the file sees it at the next answer. Raises `Unusable`."""
    if not path.is_file():
        raise Unusable(f"there is no file {path.name} in the folder {path.parent.name}")
    spec = importlib.util.spec_from_file_location(f"alma_evaluator_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise Unusable("it is no Python file")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # a plug-in's boundary
        raise Unusable(f"it raised {type(error).__name__}: {error}") from error
    function = getattr(module, name, None)
    if not callable(function):
        raise Unusable(f"there is no function {name}(task, expected, answer) in it")
    return cast("Function", function)


def of_plugin(said: object) -> Scored:
    """A number, true or false, or one of these with a reason."""
    why = ""
    given: Any = said
    if isinstance(said, tuple) and len(cast("tuple[object, ...]", said)) == 2:
        given, why = cast("tuple[Any, object]", said)
    try:
        value = float(given) if not isinstance(given, str | bytes) else math.nan
    except (TypeError, ValueError, OverflowError):
        value = math.nan
    if not math.isfinite(value):
        return None, f"The evaluator gave {str(given)[:100]!r}, which is no number."
    if not 0 <= value <= 1:
        return None, f"The evaluator gave {value:g}, which is not from 0 to 1."
    return value, str(why)


def score(asked: dict[str, Any]) -> Scored:
    match asked["what"]:
        case "regex":
            return regex(asked["pattern"], asked["answer"])
        case "schema":
            return schema(asked["schema"], asked["answer"])
        case _:
            path = Path(asked["path"])
            return plugin(path, asked["function"], asked["task"], asked["expected"], asked["answer"])


def main() -> None:
    """Until standard input ends. What plug-ins print goes nowhere."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    print("ready", file=answers, flush=True)
    for line in sys.stdin.buffer:
        asked = json.loads(line)
        if hasattr(signal, "alarm"):
            signal.alarm(asked["seconds"])  # ends this process where nobody is left to do so
        try:
            value, why = score(asked)
        except Exception as error:  # noqa: BLE001  # whatever a schema or a pattern does marks its one score
            value, why = None, f"The evaluator raised {type(error).__name__}: {error}"
        if hasattr(signal, "alarm"):
            signal.alarm(0)
        print(json.dumps([value, why[:_MOST_WHY]]), file=answers, flush=True)


if __name__ == "__main__":
    main()
