"""By what the same error is known again: its type and the way through Alma's own code, or the words of the record.

Line numbers, ids and values are left out, so that the next version of a file has the same error as the last.
"""

from __future__ import annotations

import hashlib
import logging
import re
import traceback
from types import CodeType, TracebackType
from typing import cast

from msgspec import Struct

_OURS = "alma."
_VARIES = re.compile(r"0x[0-9a-fA-F]+|\b[0-9a-f]{8,}\b|\d+")
_MOST_KNOWN = 2_000
_LONGEST_TRACE = 16_000
_known: dict[object, Fingerprint] = {}


class Fingerprint(Struct, frozen=True):
    """`place`: where in Alma's code it comes from, or who logged it."""

    id: str
    place: str


def fingerprint_of(record: logging.LogRecord) -> Fingerprint:
    """Of a log record; found out once, and kept with the record."""
    known = record.__dict__.get("alma_fingerprint")
    if isinstance(known, Fingerprint):
        return known
    error = record.exc_info[1] if record.exc_info else None
    found = of_error(error) if error is not None else _of_words(record.name, said_by(record.msg))
    record.__dict__["alma_fingerprint"] = found
    return found


def of_error(error: BaseException) -> Fingerprint:
    """Cheap for an error that was seen before: a storm of them must not be one of work as well."""
    error = leaf(error)
    types = tuple(_named(one) for one in _chain(error))
    codes = _codes(error.__traceback__)
    key = (types, codes)
    if (known := _known.get(key)) is not None:
        return known
    # Where it was raised counts too, whosever code that is; without any of ours on the way, the last steps.
    ours = [one for one in codes[:-1] if one[0].startswith(_OURS)]
    steps: list[str] = []
    for module, code in [*ours, *codes[-1 if ours else -3 :]]:
        step = f"{module}.{code.co_qualname}"
        if not steps or steps[-1] != step:  # a recursion is one step, however deep
            steps.append(step)
    place = next((step for step in reversed(steps) if step.startswith(_OURS)), steps[-1] if steps else "")
    return _keep(key, Fingerprint(_digest([*types, *steps]), place))


def leaf(error: BaseException) -> BaseException:
    """The first error in a group of groups: what really went wrong."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return error


def said_by(value: object) -> str:
    """Its `str`, whatever that does."""
    try:
        return str(value)
    except Exception as failed:  # noqa: BLE001  # somebody else's `__str__`
        return f"({type(value).__name__} cannot be shown: {type(failed).__name__})"


def message_of(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:  # noqa: BLE001  # wrong arguments, somebody else's `__str__`: the words alone will do
        return f"{said_by(record.msg)} ({type(error).__name__} in its arguments)"


def traceback_of(error: BaseException) -> str:
    """As Python prints it; of a long one, the beginning and the end."""
    try:
        text = "".join(traceback.format_exception(error)).rstrip()
    except Exception as failed:  # noqa: BLE001  # somebody else's `__str__`: a record must not fail on it
        text = f"{type(error).__name__}, whose traceback cannot be shown ({type(failed).__name__})"
    if len(text) > _LONGEST_TRACE:
        half = _LONGEST_TRACE // 2
        text = f"{text[:half]}\n  … {len(text) - 2 * half:,} characters left out …\n{text[-half:]}"
    return text


def _of_words(logger: str, template: str) -> Fingerprint:
    template = template[:500]
    key = (logger, template)
    if (known := _known.get(key)) is not None:
        return known
    return _keep(key, Fingerprint(_digest([logger, _VARIES.sub("#", template)]), logger))


def _keep(key: object, found: Fingerprint) -> Fingerprint:
    if len(_known) >= _MOST_KNOWN:
        _known.clear()
    _known[key] = found
    return found


def _chain(error: BaseException) -> list[BaseException]:
    """The error and what it was raised from, at most four of them."""
    found = [error]
    while (cause := found[-1].__cause__) is not None and len(found) < 4:
        found.append(leaf(cause))
    return found


def _named(error: BaseException) -> str:
    kind = type(error)
    return f"{kind.__module__}.{kind.__qualname__}:{getattr(error, 'code', '') if _is_ours(kind) else ''}"


def _is_ours(kind: type) -> bool:
    return kind.__module__.startswith(_OURS)


def _codes(trace: TracebackType | None) -> tuple[tuple[str, CodeType], ...]:
    found: list[tuple[str, CodeType]] = []
    while trace is not None and len(found) < 200:
        frame = trace.tb_frame
        found.append((str(frame.f_globals.get("__name__", "")), frame.f_code))
        trace = trace.tb_next
    return tuple(found)


def _digest(parts: list[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "backslashreplace")).hexdigest()[:16]
