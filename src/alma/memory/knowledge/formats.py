"""What a file is: by what is in it first, by its name where that leaves a choice."""

from __future__ import annotations

from pathlib import PurePath

from alma.errors import InvalidRequest

MARKDOWN = ("md", "markdown")
PLAIN = ("txt", "text", "log", "rst", "adoc", "org", "tex", "srt", "vtt")
HTML = ("html", "htm", "xhtml")
TABLES = ("csv", "tsv")
_LANGUAGES = """py pyi js mjs cjs jsx ts tsx go rs java kt scala c h cpp cc hpp cs rb php swift lua pl r jl sh bash zsh
ps1 sql json jsonl yaml yml toml ini cfg conf xml css scss vue svelte proto graphql tf mk"""
CODE = tuple(_LANGUAGES.split())
READ = ("pdf", "docx", *MARKDOWN, *PLAIN, *HTML, *TABLES, *CODE)
_PDF = b"%PDF-"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OTHERS = (
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"II*\x00", "a TIFF image"),
    (b"MM\x00*", "a TIFF image"),
    (b"RIFF", "a picture, sound or video (RIFF)"),
    (b"ID3", "sound (MP3)"),
    (b"OggS", "sound or video (Ogg)"),
    (b"\x1aE\xdf\xa3", "a video (Matroska)"),
    (b"\x7fELF", "a program (ELF)"),
    (b"MZ\x90", "a program (Windows)"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"{\\rtf", "a rich text document (RTF)"),
    (b"%!PS", "a PostScript document"),
    (b"wOFF", "a font"),
    (b"wOF2", "a font"),
)


def ending(name: str) -> str:
    return PurePath(name).suffix.lower().removeprefix(".")


def format_of(beginning: bytes, name: str) -> str:
    """`pdf`, `zip` (to be looked into), or the ending that says how text is to be read. `beginning`: its first bytes.
    Raises `InvalidRequest` (unsupported_file, encrypted_file, not_what_it_says)."""
    named = ending(name)
    start = beginning.lstrip(b"\xef\xbb\xbf \t\r\n\x00")
    if start.startswith(_PDF) or (named == "pdf" and _PDF in beginning[:1024]):
        return "pdf"
    if beginning.startswith(_ZIP):
        return "zip"
    if beginning.startswith(_OLE):
        raise _ole(beginning, name)
    for magic, what in _OTHERS:
        if beginning.startswith(magic):
            raise unsupported(name, what)
    if named in ("pdf", "docx"):
        raise InvalidRequest(
            "not_what_it_says",
            f"{name} is not what its name says.",
            expected="a PDF" if named == "pdf" else "a Word document (a ZIP archive)",
            actual=f"a file that begins with {_shown(beginning)}",
            hint="Was it saved under a wrong name, or only in part?",
        )
    if named in READ:
        return "html" if named in PLAIN and _is_page(start) else named
    return "html" if _is_page(start) else "txt"


def unsupported(name: str, what: str) -> InvalidRequest:
    said = f" (it is called {ending(name).upper()})" if ending(name) in READ else ""
    return InvalidRequest(
        "unsupported_file",
        f"{name} is {what}, which is not read.",
        expected="text, Markdown, HTML, CSV, code, PDF or a Word document (.docx)",
        actual=what + said,
        hint="Save its text as plain text (.txt), Markdown (.md), PDF or Word (.docx), and put that in.",
    )


def _shown(beginning: bytes) -> str:
    """Words where it begins with such, else the bytes."""
    words = beginning[:80].decode("utf-8", "ignore").split()
    said = " ".join(words)
    if said.isprintable() and said:
        return f"“{said[:40].rstrip()}{'…' if len(said) > 40 or len(beginning) > 80 else ''}”"
    return f"the bytes {beginning[:8].hex(' ')}"


def _ole(beginning: bytes, name: str) -> InvalidRequest:
    if "EncryptedPackage".encode("utf-16-le") in beginning:
        return InvalidRequest(
            "encrypted_file",
            f"{name} is protected by a password.",
            expected="a document that opens without one",
            actual="an encrypted Office document",
            hint="Save a copy of it without a password.",
        )
    return unsupported(name, "an Office document of the old kind (.doc, .xls, .ppt)")


def _is_page(start: bytes) -> bool:
    return start[:15].lower().startswith((b"<!doctype html", b"<html"))
