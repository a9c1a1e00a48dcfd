"""From bytes to clean text, with care: the byte order mark, UTF-8, UTF-16, then Windows-1252; else it is no text."""

from __future__ import annotations

import codecs
import re

from alma.errors import InvalidRequest

# The longer marks first: that of UTF-32 begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LINE_ENDS = re.compile("\r\n?|\u2028|\u2029|\x0b|\x85")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ufeff\ufffe\uffff]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_MOST_CONTROLS = 0.005  # of all characters; more of them is no text that somebody wrote
_MOST_HIGH = 0.3  # of all bytes of a Windows-1252 text: Western languages have fewer letters with accents


def decoded(content: bytes, name: str) -> str:
    """Its text, cleaned. Raises `InvalidRequest` (not_text)."""
    text = _marked(content, name) or _utf8(content) or _utf16(content) or _windows(content)
    if text is None or _controls(text) > max(3, _MOST_CONTROLS * len(text)):
        raise _not_text(content, name)
    return cleaned(text)


def cleaned(text: str) -> str:
    """One kind of line end, no control characters, no halves of surrogate pairs: what every database can keep."""
    text = _CONTROLS.sub("", _LINE_ENDS.sub("\n", text).replace("\f", "\n"))
    if _SURROGATES.search(text):
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _marked(content: bytes, name: str) -> str | None:
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            try:
                return content[len(mark) :].decode(encoding, "surrogatepass")
            except UnicodeDecodeError:
                raise _not_text(content, name) from None
    return None


def _utf8(content: bytes) -> str | None:
    try:
        return content.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return None


def _utf16(content: bytes) -> str | None:
    """UTF-16 without a mark shows in its zeros: half of the bytes of Western text."""
    sample = content[:4096]
    if len(content) % 2 or sample.count(0) < len(sample) * 0.2:
        return None
    encoding = "utf-16-le" if sample[1::2].count(0) > sample[::2].count(0) else "utf-16-be"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return None


def _windows(content: bytes) -> str | None:
    if sum(byte > 0x7F for byte in content[:65536]) > 2 + _MOST_HIGH * min(len(content), 65536):
        return None
    try:
        return content.decode("cp1252")
    except UnicodeDecodeError:
        return None


def _controls(text: str) -> int:
    return sum(1 for _ in _CONTROLS.finditer(text)) if _CONTROLS.search(text) else 0


def _not_text(content: bytes, name: str) -> InvalidRequest:
    return InvalidRequest(
        "not_text",
        f"{name} is not text, and nothing else that can be read.",
        expected="text (UTF-8, UTF-16 or Windows-1252), a PDF or a Word document (.docx)",
        actual=f"binary data that begins with {content[:8].hex(' ')}",
        hint="Save it as text or PDF and try again.",
    )
