"""Log entries as lines: JSON for programs, columns for people; structlog's processors, run by the log's own thread.

Whatever stands in an entry, a line of JSON is one line, and neither form can drive a terminal: control characters and
those that turn the direction of writing come out as escapes that one can see.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, cast

import msgspec

from alma.observability.redaction import Redactor

Entry = dict[str, Any]
Render = Callable[[Entry], str]
_LONGEST = 8_000  # characters of one text; a traceback is bounded where it is made
# C0 (but for what is layout), DEL, C1, line and paragraph separators, marks and overrides of direction, BOM.
_UNSEEN = "\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff"
_UNSAFE = re.compile(f"[\\x00-\\x1f{_UNSEEN}\ud800-\udfff]")
_UNSAFE_IN_JSON = re.compile(f"[{_UNSEEN}]")
_encode = msgspec.json.Encoder(enc_hook=str).encode


def load_structlog() -> Any:
    """The package, without `rich`, which it would load for tracebacks that are not printed with it: 5 MB, 40 ms."""
    hide = "rich" not in sys.modules
    if hide:
        sys.modules["rich"] = cast("Any", None)
    try:
        import structlog
    finally:
        if hide:
            del sys.modules["rich"]
    return structlog


def visible(text: str) -> str:
    """`text` in one line, with what would be unseen or obeyed written out."""
    return _UNSAFE.sub(_escaped, text)


def json_lines(redactor: Redactor) -> Render:
    """One object per line."""
    structlog = load_structlog()
    return _chained([_cut, _redact(redactor), _stamp, structlog.processors.JSONRenderer(serializer=to_json)])


def console_lines(redactor: Redactor, *, colors: bool) -> Render:
    """Columns: time, level, what happened, who says so, ids. A traceback follows, indented."""
    structlog = load_structlog()
    columns = structlog.dev.ConsoleRenderer(
        colors=colors, pad_event_to=0, sort_keys=False, exception_formatter=structlog.dev.plain_traceback
    )

    def columned(logger: Any, method: str, entry: Entry) -> str:
        trace = entry.pop("traceback", "")
        line = columns(logger, method, entry)
        return line + _indented(trace)

    return _chained([_cut, _redact(redactor), _clock_time, _flat, _seen, columned])


def plain_lines(redactor: Redactor) -> Render:
    """What happened and nothing else: for commands, whose own output it stands beside."""

    def plain(_logger: Any, _method: str, entry: Entry) -> str:
        return entry["event"] + _indented(entry.get("traceback", ""))

    return _chained([_cut, _redact(redactor), _flat, _seen, plain])


def _chained(processors: Sequence[Callable[..., Any]]) -> Render:
    def render(entry: Entry) -> str:
        done: Any = dict(entry)
        for processor in processors:
            done = processor(None, entry["level"], done)
        return done

    return render


def to_json(entry: Entry, **_options: Any) -> str:
    try:
        text = _encode(entry).decode()
    except (UnicodeEncodeError, TypeError, ValueError, RecursionError):  # lone surrogates; numbers that are none
        text = json.dumps(entry, default=str)
    return _UNSAFE_IN_JSON.sub(_escaped_in_json, text)


def _cut(_logger: Any, _method: str, entry: Entry) -> Entry:
    event = str(entry["event"])
    entry["event"] = event if len(event) <= _LONGEST else f"{event[:_LONGEST]}… ({len(event):,} characters)"
    return entry


def _redact(redactor: Redactor) -> Callable[[Any, str, Entry], Entry]:
    def redact(_logger: Any, _method: str, entry: Entry) -> Entry:
        return {name: redactor.value(value, name) for name, value in entry.items()}

    return redact


def _stamp(_logger: Any, _method: str, entry: Entry) -> Entry:
    at = datetime.fromtimestamp(entry["time"], UTC)
    entry["time"] = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return entry


def _clock_time(_logger: Any, _method: str, entry: Entry) -> Entry:
    entry["timestamp"] = datetime.fromtimestamp(entry.pop("time")).strftime("%H:%M:%S.%f")[:-3]
    return entry


def _flat(_logger: Any, _method: str, entry: Entry) -> Entry:
    """The parts of the error beside the rest; its type and message end its traceback."""
    error = entry.pop("error", None)
    if isinstance(error, dict):
        error = cast("dict[str, Any]", error)
        entry["traceback"] = error.get("traceback") or ""
        if not entry["traceback"]:
            entry["error"] = f"{error.get('type', '')}: {error.get('message', '')}"
        entry["fingerprint"] = error.get("fingerprint", "")
    return entry


def _seen(_logger: Any, _method: str, entry: Entry) -> Entry:
    return {
        name: value if name == "traceback" else visible(value) if isinstance(value, str) else value
        for name, value in entry.items()
    }


def _indented(trace: str) -> str:
    """Each line of a traceback, so that none can pass for a record."""
    return "".join(f"\n    {visible(line)}" for line in trace.split("\n")) if trace else ""


def _escaped(found: re.Match[str]) -> str:
    code = ord(found.group())
    short = {9: "\\t", 10: "\\n", 13: "\\r"}.get(code)
    return short or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def _escaped_in_json(found: re.Match[str]) -> str:
    return f"\\u{ord(found.group()):04x}"
