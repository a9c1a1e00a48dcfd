"""The text files of a thread: a folder for each thread in the data folder, and nothing in it that is not a plain file.

Names and ids come from users and are trusted with nothing. All functions block for as long as the disk does: call them
in a thread. Who may see a thread is its caller's to check.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import stat
from pathlib import Path

from msgspec import Struct

from alma.errors import InvalidRequest, NotFound
from alma.security.text import UNSEEN, composed, visible
from alma.tools.passages import Passage, search
from alma.tools.signature import Provided

MAX_BYTES = 1_000_000
MAX_FILES = 50
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_NOT_IN_NAMES = re.compile(rf'[\x00-\x1f\x7f-\x9f/\\:*?"<>|{UNSEEN}\ud800-\udfff]')
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[\d¹²³]) *(\..*)?", re.IGNORECASE)  # on Windows
_MOST_NAME = 200  # bytes
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")  # form feed, vertical tab and ESC occur in texts
# Windows would else translate line ends; elsewhere a link that appears after the check is not followed.
_FLAGS = getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


class FileInfo(Struct, frozen=True):
    """`modified`: Unix seconds."""

    name: str
    bytes: int
    modified: float


class ThreadFiles(Provided):
    """`root`: the folder that holds a folder for each thread. A thread has at most `max_files` files of at most
    `max_bytes` each."""

    def __init__(self, root: Path, max_bytes: int = MAX_BYTES, max_files: int = MAX_FILES) -> None:
        self.root = root
        self.max_bytes = max_bytes
        self.max_files = max_files

    def list(self, thread_id: str) -> list[FileInfo]:
        """The thread's files, by name."""
        found: list[FileInfo] = []
        try:
            paths = sorted(self._folder(thread_id).iterdir())
        except FileNotFoundError:
            return []
        for path in paths:
            with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
                facts = path.stat(follow_symlinks=False)
                if stat.S_ISREG(facts.st_mode) and not path.name.startswith("."):
                    found.append(FileInfo(path.name, facts.st_size, facts.st_mtime))
        return found

    def put(self, thread_id: str, name: str, content: bytes) -> FileInfo:
        """Write a file, in place of one of that name. It is on the disk, whole, when this returns. Raises
        `InvalidRequest` for a bad name, too much of anything, and what is not text."""
        name = checked_name(name)
        if len(content) > self.max_bytes:
            raise InvalidRequest(
                "file_too_large",
                f"{name} is too large.",
                expected=f"at most {self.max_bytes:,} bytes",
                actual=f"{len(content):,} bytes",
            )
        decoded(content, name)
        folder = self._folder(thread_id)
        there = {file.name for file in self.list(thread_id)}
        if name not in there and len(there) >= self.max_files:
            raise InvalidRequest(
                "too_many_files",
                "The conversation has as many files as it may have.",
                expected=f"at most {self.max_files} files",
                hint="Delete one that is no longer needed.",
            )
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder, name, content)
        facts = (folder / name).stat(follow_symlinks=False)
        return FileInfo(name, facts.st_size, facts.st_mtime)

    def read(self, thread_id: str, name: str) -> str:
        """The text of a file. Raises `NotFound`, also for what is no plain file."""
        name = checked_name(name)
        path = self._folder(thread_id) / name
        try:
            if not stat.S_ISREG(path.stat(follow_symlinks=False).st_mode):
                raise _not_found(name)
            with os.fdopen(os.open(path, os.O_RDONLY | _FLAGS), "rb") as file:
                content = file.read(self.max_bytes + 1)
        except OSError:
            raise _not_found(name) from None
        return decoded(content, name)

    def delete(self, thread_id: str, name: str) -> None:
        """Raises `NotFound`."""
        name = checked_name(name)
        try:
            (self._folder(thread_id) / name).unlink()
        except OSError:
            raise _not_found(name) from None

    def delete_all(self, thread_id: str) -> None:
        """With the thread, its files go."""
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self._folder(thread_id))

    def search(self, thread_id: str, query: str, most: int = 5) -> list[Passage]:
        """The passages of the thread's files that fit the query best, best first. A file that cannot be read (any
        longer) is passed over."""
        texts: dict[str, str] = {}
        for file in self.list(thread_id):
            with contextlib.suppress(NotFound, InvalidRequest):
                texts[file.name] = self.read(thread_id, file.name)
        return search(texts, query, most)

    def _folder(self, thread_id: str) -> Path:
        if not _ID.fullmatch(thread_id):
            raise InvalidRequest(
                "bad_thread_id", "That is no thread's id.", expected="letters, digits, _ and -", actual=thread_id[:80]
            )
        folder = self.root / thread_id
        if folder.is_symlink():
            raise InvalidRequest("bad_thread_id", "The thread's folder is a link to another place, which is not used.")
        return folder


def checked_name(name: str) -> str:
    """A file's name as it is stored: composed (NFC), without a path, safe on every system. Raises `InvalidRequest`."""
    name = composed(name)
    wrong = (
        not name.strip()
        or name != name.strip()
        or name.startswith(".")
        or name.endswith(".")
        or visible(name) != name
        or _NOT_IN_NAMES.search(name) is not None
        or _RESERVED.fullmatch(name) is not None
        or len(name.encode(errors="replace")) > _MOST_NAME
    )
    if wrong:
        raise InvalidRequest(
            "bad_file_name",
            "A file cannot be named so.",
            expected='a name without / \\ : * ? " < > |, no dot or space at either end, at most 200 bytes',
            actual=repr(name[:80]),
        )
    return name


def decoded(content: bytes, name: str) -> str:
    """The text of a file. Raises `InvalidRequest` for bytes that are not UTF-8 text."""
    found = _CONTROL.search(content)
    try:
        if found is None:
            return content.removeprefix(b"\xef\xbb\xbf").decode()
        where = found.start()
    except UnicodeDecodeError as error:
        where = error.start
    raise InvalidRequest(
        "not_text",
        f"{name} is not text.",
        expected="a text file in UTF-8: notes, Markdown, CSV, code",
        actual=f"byte {where + 1:,} is 0x{content[where]:02x}",
        hint="Save it as plain text in UTF-8 and try again.",
    )


def _write(folder: Path, name: str, content: bytes) -> None:
    """Beside first, then in place: a reader, and a crash, meet the old file or the new one."""
    beside = folder / f".{secrets.token_hex(8)}"
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(folder / name)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    if os.name == "posix":
        for path in (folder, folder.parent):  # the names are on the disk too
            directory = os.open(path, os.O_RDONLY)
            os.fsync(directory)
            os.close(directory)


def _not_found(name: str) -> NotFound:
    return NotFound("no_such_file", f"The conversation has no file {name!r}.")
