"""The watched folder: which files are in it. Blocks; knows no document.

Left out: hidden files and folders, what programs keep for themselves (`node_modules`, `__pycache__`, half-written
downloads), pictures, sound, video and fonts. A link that stays in the folder is left out as well: what it leads to is
read where it is, and links in circles lead nowhere. A link that leads out is not followed, and said.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path, PurePosixPath

import msgspec
from msgspec import Struct

from alma.events import ErrorFacts
from alma.memory.knowledge.documents import PAGE

MOST_FILES = 5000
Disks = dict[str, tuple[int, int]]
_MOST_LISTED = 20_000  # of one folder: listing a million holds up all others
_JUNK = frozenset(["node_modules", "__pycache__", "venv", "site-packages", "__MACOSX", "Thumbs.db", "desktop.ini"])
_TEMPORARY = (".tmp", ".temp", ".part", ".partial", ".crdownload", ".download", ".swp", ".lock", ".pyc", "~")
_MEDIA_ENDINGS = """png jpg jpeg gif bmp webp svg ico tif tiff heic avif psd mp3 m4a wav flac ogg opus aac mp4 m4v mov
avi mkv webm ttf otf woff woff2"""
_MEDIA = frozenset(_MEDIA_ENDINGS.split())
_PIECE = 1 << 20
_GONE = (FileNotFoundError, NotADirectoryError)  # any other trouble says nothing of whether a file is there
_UNWRITABLE = re.compile(r"[\\\x00-\x1f\x7f\udc80-\udcff]")
_ESCAPED = re.compile(rb"\\x([0-9a-f]{2})")


class Entry(Struct, frozen=True):
    """A file. `origin`: its path in the folder, with `/`, as `path_of` takes it; `stamp`: time of change (ns) and size;
    `error`: why it is not to be read."""

    origin: str
    path: Path
    stamp: tuple[int, int]
    error: ErrorFacts | None = None

    @property
    def name(self) -> str:
        return PurePosixPath(self.origin).name


class Scan(Struct, frozen=True):
    """`disks`: device and number of the folder itself, and of each folder in it at whose place there is another file
    system: where one was unmounted, they are others. `unread`: files and folders in it (the folder itself: empty) that
    could not be looked at, or not whole: what is there is not known. `left`: how many files were too many, as far as
    they were counted."""

    disks: Disks
    entries: dict[str, Entry]
    unread: list[str]
    left: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether a file that was not seen is not there."""
        return not self.left and not self.unread


def scan(folder: Path, most: int = MOST_FILES) -> Scan:
    """Raises `OSError` where the folder itself cannot be listed."""
    root = os.path.realpath(folder)
    facts = Path(root).stat()
    found = Scan({"": (facts.st_dev, facts.st_ino)}, {}, [])
    left = 0
    for entry in _entries(root, found):
        if len(found.entries) < most:
            found.entries[entry.origin] = entry
        else:
            left += 1
        if left > most:  # somebody's whole disk: to count it would take longer than to look again
            break
    return msgspec.structs.replace(found, left=left)


def path_of(folder: Path, origin: str) -> Path:
    """Where the file of this origin is, or would be."""
    name = _ESCAPED.sub(lambda byte: bytes([int(byte[1], 16)]), origin.encode("utf-8", "surrogatepass"))
    return folder / os.fsdecode(name)


def is_gone(path: Path) -> bool:
    """Whether nothing of this name is there, for certain."""
    try:
        path.lstat()
    except _GONE:
        return True
    except OSError:
        return False
    return False


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


def _entries(root: str, found: Scan) -> Iterator[Entry]:
    """The files; what else is to be said of the folders goes into `found`."""
    waiting = [("", root, found.disks[""][0])]
    while waiting:
        inside, folder, device = waiting.pop()
        folders: list[tuple[str, str, int]] = []
        for one in _listed(inside, folder, found.unread):
            origin = f"{inside}/{_shown(one.name)}" if inside else _shown(one.name)
            try:
                if one.is_dir(follow_symlinks=False):
                    facts = one.stat(follow_symlinks=False)
                    folders.append((origin, one.path, facts.st_dev))
                    if facts.st_dev != device:
                        found.disks[origin] = (facts.st_dev, facts.st_ino)
                elif (entry := _entry(one, origin, root)) is not None:
                    yield entry
            except _GONE:
                continue
            except OSError:
                found.unread.append(origin)
        waiting += reversed(folders)


def _listed(inside: str, folder: str, unread: list[str]) -> list[os.DirEntry[str]]:
    """What is in a folder, but for junk, by name."""
    try:
        with os.scandir(folder) as listing:
            found = list(islice(listing, _MOST_LISTED))
            if next(listing, None) is not None:
                unread.append(inside)
    except OSError as error:
        if not inside:
            raise
        if not isinstance(error, _GONE):
            unread.append(inside)
        return []
    return sorted((one for one in found if not _is_junk(one.name)), key=lambda one: one.name)


def _entry(one: os.DirEntry[str], origin: str, root: str) -> Entry | None:
    """None: it is nothing that is read. Raises `OSError`."""
    if one.is_symlink():
        return None if is_inside(Path(one.path), Path(root)) else _leads_out(one, origin)
    if not one.is_file(follow_symlinks=False) or _is_media(one.name):
        return None
    facts = one.stat(follow_symlinks=False)
    stamp = (facts.st_mtime_ns, facts.st_size)
    return Entry(f"./{origin}" if origin == PAGE else origin, Path(one.path), stamp)


def _is_junk(name: str) -> bool:
    return name.startswith((".", "~$")) or name in _JUNK or name.lower().endswith(_TEMPORARY)


def _is_media(name: str) -> bool:
    return name.rpartition(".")[2].lower() in _MEDIA


def _shown(name: str) -> str:
    """A name as something that can be written down, and no other name can be mistaken for: bytes that are not text,
    control characters, and the backslashes that would look like these, as `\\xff`."""
    text = os.fsencode(name).decode("utf-8", "surrogateescape")
    return _UNWRITABLE.sub(lambda sign: f"\\x{ord(sign[0]) & 0xFF:02x}", text)


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
