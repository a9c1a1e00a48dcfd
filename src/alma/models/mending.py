"""Characters that came broken: half of one, bytes that are no UTF-8, escapes of lone surrogates, NUL. Pure.

Some servers cut their text at bytes, or at the halves that JavaScript and JSON escapes make of an emoji, and send the
halves in two events; some send one half only. A half is held until the other one comes; what cannot be read becomes
U+FFFD, so that nothing invalid goes on to clients or the database. This is not the hot path: one broken event costs as
much as ten whole ones.
"""

from __future__ import annotations

import json
import re
from typing import Any, cast

import msgspec

# Bytes that are no UTF-8 are carried as U+DC80 to U+DCFF (Python's `surrogateescape`).
_HALF_AT_END = re.compile(
    "(?:[\ud800-\udbff]|[\udcc2-\udcdf]|[\udce0-\udcef][\udc80-\udcbf]?|[\udcf0-\udcf4][\udc80-\udcbf]{0,2})$"
)
_NO_BYTE = re.compile("[\ud800-\udc7f\udd00-\udfff]")
_STREAMED = frozenset(("content", "reasoning_content", "reasoning"))  # fields whose text goes on in the next event


class Mender:
    """Of one stream: it remembers the half that may be completed by the next event."""

    def __init__(self) -> None:
        self._halves: dict[str, str] = {}

    @property
    def waits(self) -> bool:
        """Whether it has a half whose other half has not come."""
        return bool(self._halves)

    def read(self, payload: bytes) -> Any:
        """The JSON in `payload`, all its text valid. Raises msgspec.DecodeError when it is no JSON."""
        try:
            value = json.loads(payload.decode("utf-8", "surrogateescape"))
        except ValueError as error:
            raise msgspec.DecodeError(str(error)) from None
        return self._walk(value, "")

    def _walk(self, value: Any, field: str) -> Any:
        if isinstance(value, str):
            return self._go_on(field, value) if field in _STREAMED else whole(value)
        if isinstance(value, list):
            return [self._walk(item, field) for item in cast("list[Any]", value)]
        if isinstance(value, dict):
            return {whole(name): self._walk(item, name) for name, item in cast("dict[str, Any]", value).items()}
        return value

    def _go_on(self, field: str, text: str) -> str:
        text = _paired(self._halves.pop(field, "") + text)
        if half := _HALF_AT_END.search(text):
            self._halves[field] = half[0]
            text = text[: half.start()]
        return whole(text)


def whole(text: str) -> str:
    """`text` with its halves joined, and what is none replaced; without NUL, which PostgreSQL cannot keep."""
    text = _NO_BYTE.sub("\ufffd", _paired(text)).replace("\0", "")
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _paired(text: str) -> str:
    """Two halves of UTF-16 next to one another are one character."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
