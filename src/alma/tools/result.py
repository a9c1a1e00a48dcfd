"""From what a tool returned to the text that a model reads: any value, any size, any bytes. Pure.

The text is short, has a head and a tail where it was cut, and holds nothing that a database or a terminal chokes on.
"""

from __future__ import annotations

import re

import msgspec
from pydantic import BaseModel

_SURROGATE = re.compile("[\ud800-\udfff]")
# C0 and C1 but for tab, line feed and carriage return: NUL is refused by Postgres, ESC commands a terminal.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
HEAD_SHARE = 0.7  # of what is kept of a text that is too long


def text_of(value: object) -> str:
    """`value` as text, whole. Text stays as it is, bytes are described, other values become JSON. Raises what an
    object's own conversion raises."""
    match value:
        case str():
            return value
        case None:
            return "(nothing was returned)"
        case bytes() | bytearray():
            return f"(binary, {len(value):,} bytes)"
        case float():
            return repr(value)  # JSON has no word for infinity
        case _:
            return msgspec.json.encode(value, enc_hook=_plain).decode()


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return str(value)


def clean(text: str) -> str:
    """`text` without what is not text: lone surrogates and control characters become U+FFFD."""
    if text.isascii() and text.isprintable():
        return text
    return _CONTROL.sub("�", _SURROGATE.sub("�", text))


def cut(text: str, max_chars: int) -> tuple[str, int]:
    """At most about `max_chars` of `text`, clean: its head and its tail with a line between that says how much is
    missing; and that number. Looks only at what is kept, so 10 MB cost no more than 10 KB."""
    left_out = len(text) - max_chars
    if left_out <= 0:
        return clean(text), 0
    head = int(max_chars * HEAD_SHARE)
    tail = max_chars - head
    marker = f"\n[… {left_out:,} characters left out …]\n"
    return clean(text[:head]) + marker + clean(text[len(text) - tail :]), left_out
