"""Word documents (.docx) to text: a ZIP archive that is looked at before it is unpacked, then mammoth, then HTML."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any, cast

from alma.errors import InvalidRequest
from alma.memory.knowledge.blocks import Reading
from alma.memory.knowledge.decoding import cleaned
from alma.memory.knowledge.formats import unsupported
from alma.memory.knowledge.markup import markup

_MOST_BYTES = 256 * 2**20  # unpacked, all together
_MOST_TEXT_BYTES = 64 * 2**20  # of one part that is parsed; the memory that this takes is a multiple of it
_MOST_ENTRIES = 10_000
_MOST_RATIO = 200  # unpacked to packed; text seldom gets beyond 30
_RATIO_FROM = 2**20  # bytes; a small archive does no harm whatever its ratio
_KINDS = (
    ("xl/", "an Excel workbook (.xlsx)"),
    ("ppt/", "a PowerPoint presentation (.pptx)"),
    ("META-INF/container.xml", "an e-book (.epub)"),
    ("content.xml", "an OpenDocument file (.odt, .ods)"),
    ("AndroidManifest.xml", "an Android app"),
    ("META-INF/MANIFEST.MF", "a Java archive"),
)


def word(path: Path, name: str) -> Reading:
    """Raises `InvalidRequest`: unsupported_file, zip_bomb, damaged_file, encrypted_file, no_text."""
    check_archive(path, name)
    import mammoth  # pyright: ignore[reportMissingTypeStubs]  # it ships none

    convert = cast(Any, mammoth).convert_to_html

    try:
        with path.open("rb") as file:
            source: str = convert(file, convert_image=_no_image).value
    except (MemoryError, InvalidRequest):
        raise
    except Exception as error:  # a plugin's boundary: mammoth's parsers raise whatever they meet
        raise _damaged(name, str(error) or type(error).__name__) from error
    text, blocks = markup(cleaned(source))
    if not blocks:
        raise InvalidRequest(
            "no_text", f"{name} has no text in it.", expected="a document with text", actual="a document without any"
        )
    return Reading("docx", text, blocks)


def check_archive(path: Path, name: str) -> None:
    """By the archive's own list, before anything is unpacked."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise _damaged(name, str(error)) from error
    names = {entry.filename for entry in entries}
    if "word/document.xml" not in names:
        raise unsupported(name, next((what for mark, what in _KINDS if _has(names, mark)), "a ZIP archive"))
    unpacked = sum(entry.file_size for entry in entries)
    packed = max(1, path.stat().st_size)
    parts = max((entry.file_size for entry in entries if entry.filename.endswith((".xml", ".rels"))), default=0)
    if len(entries) > _MOST_ENTRIES:
        raise _bomb(name, f"at most {_MOST_ENTRIES:,} parts", f"{len(entries):,} parts")
    if unpacked > _MOST_BYTES or parts > _MOST_TEXT_BYTES:
        raise _bomb(name, f"at most {_MOST_BYTES:,} bytes unpacked", f"{unpacked:,} bytes unpacked")
    if unpacked > _RATIO_FROM and unpacked / packed > _MOST_RATIO:
        raise _bomb(name, f"at most {_MOST_RATIO} times its size unpacked", f"{unpacked / packed:,.0f} times its size")
    if any(_leads_out(entry.filename) for entry in entries):
        raise _bomb(name, "parts that stay within the document", "parts with absolute paths")
    if any(entry.flag_bits & 1 for entry in entries):
        raise InvalidRequest(
            "encrypted_file",
            f"{name} is protected by a password.",
            expected="a document that opens without one",
            actual="an encrypted archive",
            hint="Save a copy of it without a password.",
        )


def _has(names: set[str], mark: str) -> bool:
    return mark in names or (mark.endswith("/") and any(one.startswith(mark) for one in names))


def _leads_out(name: str) -> bool:
    return name.startswith(("/", "\\")) or name[1:2] == ":" or ".." in name.replace("\\", "/").split("/")


def _no_image(_image: object) -> list[object]:
    return []


def _bomb(name: str, expected: str, actual: str) -> InvalidRequest:
    return InvalidRequest(
        "zip_bomb",
        f"{name} is refused: it would unpack to something that no document is.",
        expected=expected,
        actual=actual,
        hint="Is it really a document? If so, save it anew, or as PDF.",
    )


def _damaged(name: str, actual: str) -> InvalidRequest:
    return InvalidRequest(
        "damaged_file",
        f"{name} cannot be read: it is damaged or not whole.",
        expected="a Word document that Word opens",
        actual=(actual.strip().splitlines() or ["it cannot be opened"])[0][:200],
        hint="Open it in another program and save it anew.",
    )
