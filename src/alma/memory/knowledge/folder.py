"""The watched folder: which files are in it. Blocks; knows no document.

Left out: hidden files and folders, what programs keep for themselves (`node_modules`, `__pycache__`, half-written
downloads), pictures, sound, video and fonts. A link that stays in the folder is left out as well: what it leads to is
read where it is, and links in circles lead nowhere. A link that leads out is not followed, and said.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path, PurePosixPath

from msgspec import Struct

from alma.events import ErrorFacts
from alma.memory.knowledge.documents import PAGE

MOST_FILES = 5000
_MOST_LISTED = 20_000  # of one folder: listing a million holds up all others
_JUNK = frozenset(["node_modules", "__pycache__", "venv", "site-packages", "__MACOSX", "Thumbs.db", "desktop.ini"])
_TEMPORARY = (".tmp", ".temp", ".part", ".partial", ".crdownload", ".download", ".swp", ".lock", ".pyc", "~")
_MEDIA_ENDINGS = """png jpg jpeg gif bmp webp svg ico tif tiff heic avif psd mp3 m4a wav flac ogg opus aac mp4 m4v mov
avi mkv webm ttf otf woff woff2"""
_MEDIA = frozenset(_MEDIA_ENDINGS.split())
_PIECE = 1 << 20


class Entry(Struct, frozen=True):
    """A file. `origin`: its path in the folder, with `/`; `stamp`: time of change (ns) and size; `error`: why it is not
    to be read."""

    origin: str
    path: Path
    stamp: tuple[int, int]
    error: ErrorFacts | None = None

    @property
    def name(self) -> str:
        return PurePosixPath(self.origin).name


class Scan(Struct, frozen=True):
    """`identity`: device and number of the folder itself: another file system at its place has another. `unread`:
    folders in it that could not be listed: what is in them is not known. `left`: how many files were too many, as far
    as they were counted."""

    identity: tuple[int, int]
    entries: dict[str, Entry]
    unread: list[str]
    left: int = 0

    def hides(self, origin: str) -> bool:
        return any(origin.startswith(f"{folder}/") for folder in self.unread)


def scan(folder: Path, most: int = MOST_FILES) -> Scan:
    """Raises `OSError` where the folder itself cannot be listed."""
    root = os.path.realpath(folder)
    facts = Path(root).stat()
    unread: list[str] = []
    entries: dict[str, Entry] = {}
    left = 0
    for entry in _entries(root, unread):
        if len(entries) < most:
            entries[entry.origin] = entry
        else:
            left += 1
        if left > most:  # somebody's whole disk: to count it would take longer than to look again
            break
    return Scan((facts.st_dev, facts.st_ino), entries, unread, left)


def is_inside(path: Path, folder: Path) -> bool:
    root, real = os.path.realpath(folder), os.path.realpath(path)
    return real == root or real.startswith(root.rstrip(os.sep) + os.sep)


def hash_of_file(path: Path) -> bytes:
    """SHA-256, a piece at a time. Raises `OSError`."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.digest()


def _entries(root: str, unread: list[str]) -> Iterator[Entry]:
    waiting = [("", root)]
    while waiting:
        inside, folder = waiting.pop()
        try:
            with os.scandir(folder) as listing:
                found = sorted(islice(listing, _MOST_LISTED), key=lambda one: one.name)
        except OSError:
            if not inside:
                raise
            unread.append(inside)
            continue
        folders: list[tuple[str, str]] = []
        for one in found:
            if _is_junk(one.name):
                continue
            origin = f"{inside}/{_shown(one.name)}" if inside else _shown(one.name)
            try:
                if one.is_symlink():
                    if not is_inside(Path(one.path), Path(root)):
                        yield _leads_out(one, origin)
                elif one.is_dir(follow_symlinks=False):
                    folders.append((origin, one.path))
                elif one.is_file(follow_symlinks=False) and not _is_media(one.name):
                    facts = one.stat(follow_symlinks=False)
                    stamp = (facts.st_mtime_ns, facts.st_size)
                    yield Entry(f"./{origin}" if origin == PAGE else origin, Path(one.path), stamp)
            except OSError:  # gone meanwhile
                continue
        waiting += reversed(folders)


def _is_junk(name: str) -> bool:
    return name.startswith((".", "~$")) or name in _JUNK or name.lower().endswith(_TEMPORARY)


def _is_media(name: str) -> bool:
    return name.rpartition(".")[2].lower() in _MEDIA


def _shown(name: str) -> str:
    """A name that is not in the system's encoding, as something that can be written down."""
    return os.fsencode(name).decode("utf-8", "replace").translate(_CONTROLS)


_CONTROLS = dict.fromkeys([*range(32), 127], "\ufffd")


def _leads_out(one: os.DirEntry[str], origin: str) -> Entry:
    facts = one.stat(follow_symlinks=False)
    target = _shown(str(Path(one.path).readlink()))
    error = ErrorFacts(
        "link_leads_out",
        f"{PurePosixPath(origin).name} is a link that leads out of the watched folder; it is not followed.",
        expected="files in the folder itself",
        actual=f"a link to {target[:200]}",
        hint="Copy what it leads to into the folder.",
    )
    return Entry(origin, Path(one.path), (facts.st_mtime_ns, facts.st_size), error)
