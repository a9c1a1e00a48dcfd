"""PDF to text, page by page. Runs in the reading process: pypdf is slow, and a PDF may be made to hurt it."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any, cast

from alma.errors import InvalidRequest
from alma.memory.knowledge.blocks import Composer, Reading
from alma.memory.knowledge.decoding import cleaned

_BULLET = re.compile(r"(?:[-•–▪◦*]|\d{1,3}[.)])\s+\S")
_ENDS = (".", "!", "?", ":", ";", "…", "”", '"', "»", ")", "。", "！", "？")
_NUMBERING = re.compile(r"^\s*(?:\d+\.?)+\s+(?=\S)")
_MOST_HEADINGS = 2000
_KEPT = 2000  # objects of the file: fonts and the like are needed again on each page
Titles = dict[int, dict[str, int]]  # of a page (from 1): title → level


def pdf(path: Path, name: str) -> Reading:
    """Raises `InvalidRequest`: encrypted_file, damaged_file, no_text, too_much_text."""
    from pypdf import PdfReader
    from pypdf.errors import DependencyError, PyPdfError

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = PdfReader(path)
        if reader.is_encrypted and not reader.decrypt(""):
            raise _encrypted(name, "a PDF that asks for a password")
        pages = len(reader.pages)
    except DependencyError:
        raise _encrypted(name, "a PDF that is encrypted with AES") from None
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError, OSError) as error:
        raise _damaged(name, str(error)) from error
    composer = Composer()
    titles = _titles(reader)
    writer = _PageWriter(composer)
    broken = 0
    for number in range(1, pages + 1):
        try:
            text = cleaned(reader.pages[number - 1].extract_text())
        except (MemoryError, InvalidRequest):
            raise
        except Exception:  # noqa: BLE001  # a page's boundary: whatever pypdf makes of it, the other pages can be read
            broken += 1
            text = f"[Page {number} could not be read.]"
        writer.page(number, text, titles.get(number, {}))
        _forget(reader)
    writer.close()
    if broken == pages:
        raise _damaged(name, "no page of it can be read")
    if not composer.blocks:
        raise InvalidRequest(
            "no_text",
            f"{name} has no text in it.",
            expected="a PDF with text",
            actual=f"{pages} page{'' if pages == 1 else 's'} without text; probably scanned",
            hint="Run it through text recognition (OCR) first, and put that in.",
        )
    return Reading("pdf", composer.text, composer.blocks)


def _forget(reader: Any) -> None:
    """pypdf keeps what it has read of the pages before: a long document would fill the memory."""
    if len(reader.resolved_objects) > _KEPT:
        reader.resolved_objects.clear()


class _PageWriter:
    """Paragraphs of pages to blocks. A paragraph that goes on over the page's end stays one."""

    def __init__(self, composer: Composer) -> None:
        self._composer = composer
        self._open = ""  # the last paragraph of the page before
        self._page = 0  # where that began
        self._last = 0

    def page(self, number: int, text: str, titles: dict[str, int]) -> None:
        lines: list[str] = []
        for line in text.split("\n"):
            level = titles.pop(_plain(line), 0) if titles else 0
            if level or not line.strip() or (_BULLET.match(line.strip()) and lines):
                self._paragraph(lines, number)
                lines = []
            if level:
                self.close()
                self._composer.add("heading", " ".join(line.split()), level=level, page=number)
            elif line.strip():
                lines.append(line.strip())
        self._paragraph(lines, number)

    def close(self) -> None:
        self._composer.add("paragraph", self._open, page=self._page, last_page=self._last)
        self._open = ""

    def _paragraph(self, lines: list[str], number: int) -> None:
        if not lines:
            return
        text = joined(lines)
        if self._open and self._last < number and text[0].islower() and not self._open.endswith(_ENDS):
            self._open = joined([self._open, text])
        else:
            self.close()
            self._open, self._page = text, number
        self._last = number


def joined(lines: list[str]) -> str:
    """Lines of one paragraph; a word that was parted at a line's end is whole again."""
    text = lines[0]
    for line in lines[1:]:
        parted = text.endswith("-") and len(text) > 1 and text[-2].islower() and line[:1].islower()
        text = text[:-1] + line if parted else f"{text} {line}"
    return text


def _titles(reader: Any) -> Titles:
    """The document's own table of contents: which lines on which page are headings."""
    found: Titles = {}
    count = 0

    def walk(items: list[Any], level: int) -> None:
        nonlocal count
        for item in items:
            if isinstance(item, list):
                walk(cast("list[Any]", item), level + 1)
                continue
            count += 1
            if count > _MOST_HEADINGS:
                return
            number = reader.get_destination_page_number(item)
            if number is not None and number >= 0:
                found.setdefault(number + 1, {})[_plain(str(item.title))] = min(level, 6)

    try:
        walk(reader.outline, 1)
    except (MemoryError, KeyboardInterrupt):
        raise
    except Exception:  # noqa: BLE001  # a broken table of contents takes nothing from the text
        return {}
    return found


def _plain(line: str) -> str:
    """A title as tables of contents and pages both have it: without its number."""
    return " ".join(_NUMBERING.sub("", line).split()).casefold()


def _encrypted(name: str, actual: str) -> InvalidRequest:
    return InvalidRequest(
        "encrypted_file",
        f"{name} is encrypted.",
        expected="a document that opens without a password",
        actual=actual,
        hint="Save a copy without encryption (print it to PDF, for example) and put that in.",
    )


def _damaged(name: str, actual: str) -> InvalidRequest:
    return InvalidRequest(
        "damaged_file",
        f"{name} cannot be read: it is damaged or not whole.",
        expected="a PDF that other programs open",
        actual=(actual.strip().splitlines() or ["it cannot be opened"])[0][:200],
        hint="Open it in another program and save it anew.",
    )
