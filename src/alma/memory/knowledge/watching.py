"""Keeps the knowledge base equal to a folder: looks into it every few seconds and says what is new, changed or gone.

A file that was changed a moment ago waits: somebody may still be writing it. A file is taken for gone only when two
looks in a row miss it: one may fall between its going and its coming, where it is moved or written anew. What is
missing from a folder that is another one than before (a disk that was unmounted leaves an empty folder, there or in it)
is given a grace.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from alma.errors import AlmaError, NotFound
from alma.events import ErrorFacts
from alma.memory.knowledge.documents import PAGE, Shelved
from alma.memory.knowledge.folder import MOST_FILES, Disks, Entry, Scan, hash_of_file, is_gone, path_of, scan
from alma.memory.knowledge.originals import FileTooLarge

if TYPE_CHECKING:
    from alma.memory.knowledge.library import Library

log = logging.getLogger(__name__)
_UNREADABLE = "file_unreadable"
_YOUNG_S = 1.0
_REST = 5  # times as long as a look takes nobody looks: a large folder on a slow disk costs no more than a sixth
_TOLD = 50  # documents of one look of which others are told at once; of the rest when they are read


class Watching:
    """`note`: a file in which it remembers which folder it was. `grace_s`: how long files that another folder lacks are
    kept. `problem`: what keeps it from its work."""

    def __init__(self, library: Library, folder: Path, note: Path, owner: str, poll_s: float, grace_s: float) -> None:
        self._library = library
        self._folder = folder
        self._owner = owner
        self._poll_s = poll_s
        self._grace_s = grace_s
        self._stamps: dict[str, tuple[int, int]] = {}  # of what was looked into, by origin
        self._restless: dict[str, tuple[int, int]] = {}  # of what waits, as it was last
        self._doubtful: set[str] = set()  # what is to be looked into again, whatever its stamp
        self._missing: set[str] = set()  # what the last look missed
        self._note = note
        self._disks: Disks = {}  # of the folder when it last was as it should be
        self._missed_since: float | None = None
        self._compared = False  # whether all that was seen was compared with what is known
        self.problem = ""

    async def run(self) -> None:
        """Until cancelled."""
        self._disks = await asyncio.to_thread(self._remembered)
        while True:
            began = time.monotonic()
            try:
                await self.look()
            except AlmaError as error:  # the database; the next look sees the same
                log.warning("the watched folder has to wait: %s", error)
                self._compared = False
            await asyncio.sleep(max(self._poll_s, _REST * (time.monotonic() - began)))

    async def has(self, origin: str) -> bool:
        """Whether this is a file in the folder now."""
        return origin != PAGE and await asyncio.to_thread(os.path.lexists, path_of(self._folder, origin))

    def forget(self, origin: str) -> None:
        """What was seen of this file does not hold any more; the next look looks into it again."""
        self._doubtful.add(origin)

    async def look(self) -> None:
        """Once, now."""
        for origin in self._doubtful:  # at the beginning: a look that goes on may know what was before
            self._stamps.pop(origin, None)
        self._doubtful.clear()
        missed, self._missing = self._missing, set()
        try:
            found = await asyncio.to_thread(scan, self._folder)
        except OSError as error:
            self._say(f"The watched folder {self._folder} cannot be read ({error.strerror}); its files are kept.")
            return
        if not missed and self._is_as_before(found):
            return
        known = await self._library.in_folder(self._owner)
        gone = await asyncio.to_thread(self._gone, found, known)
        changed = [entry for entry in found.entries.values() if self._stamps.get(entry.origin) != entry.stamp]
        for number, entry in enumerate(changed):
            if self._is_settled(entry):
                await self._admit(entry, known.get(entry.origin), gone, quiet=number >= _TOLD)
        self._say(self._misses(found, gone))
        self._missing = {one.document.origin for one in gone}
        for one in gone:
            if self._missed_since is None and one.document.origin in missed:
                with contextlib.suppress(NotFound):  # somebody has just deleted it on the page
                    await self._library.remove(one.document)
        self._compared = True

    def _gone(self, found: Scan, known: Mapping[str, Shelved]) -> list[Shelved]:
        """What is known and not in the folder. Blocks."""
        unseen = [one for origin, one in known.items() if origin not in found.entries]
        if found.is_whole:
            return unseen
        return [one for one in unseen if is_gone(path_of(self._folder, one.document.origin))]

    def _is_as_before(self, found: Scan) -> bool:
        """Whether there is nothing to do: mostly, and then it costs no look into the database."""
        if not self._compared or self._missed_since is not None or len(found.entries) != len(self._stamps):
            return False
        if self._disks_of(found) != self._disks:
            return False
        self._compared = all(self._stamps.get(origin) == entry.stamp for origin, entry in found.entries.items())
        return self._compared and not self.problem

    def _misses(self, found: Scan, gone: Sequence[Shelved]) -> str:
        """What is to be said of the folder. Sets since when files are missed that are not yet taken for deleted."""
        disks = self._disks_of(found)
        if gone and disks != self._disks:
            self._missed_since = self._missed_since or time.monotonic()
            if time.monotonic() - self._missed_since < self._grace_s:
                return (
                    f"The watched folder {self._folder} is another one than before; {len(gone):,} files are "
                    f"missing; was something unmounted? What was read of them stays for {self._grace_s / 60:g} minutes."
                )
        self._missed_since = None
        if disks != self._disks:
            self._disks = disks
            self._remember(disks)
        if found.left:
            return f"The watched folder has more than {MOST_FILES:,} files; {found.left:,} of them are not read."
        if found.unread:
            place = found.unread[0] or self._folder.name
            return f"In the watched folder, {place} cannot be read, or not all of it; what was read there is kept."
        return ""

    def _is_settled(self, entry: Entry) -> bool:
        """Whether nobody seems to write it. A time in the future says nothing; then it is to stay as it is."""
        age = time.time() - entry.stamp[0] / 1e9
        settled = age >= _YOUNG_S or self._restless.get(entry.origin) == entry.stamp
        if settled:
            self._restless.pop(entry.origin, None)
        else:
            self._restless[entry.origin] = entry.stamp
        return settled

    async def _admit(self, entry: Entry, known: Shelved | None, gone: list[Shelved], *, quiet: bool) -> None:
        """Take up a file that is new or has changed."""
        try:
            digest, error = await self._looked_into(entry)
        except (FileNotFoundError, NotADirectoryError):
            return
        is_unreadable = error is not None and error.code == _UNREADABLE
        if known is None or not _is_same(known, digest, error):
            if known is None and digest:
                known = self._moved(digest, gone)
            document = self._library.seen(known, self._owner, entry.name, entry.origin, entry.stamp[1])
            if error is not None:
                document = msgspec.structs.replace(document, state="failed", error=error)
            if is_unreadable and known is not None:
                digest = known.hash  # it may be moved before it can be read again
            await self._library.shelve(document, digest, quiet=quiet)
        if is_unreadable:  # a permission changes without a stamp
            self._stamps.pop(entry.origin, None)
        else:
            self._stamps[entry.origin] = entry.stamp

    async def _looked_into(self, entry: Entry) -> tuple[bytes, ErrorFacts | None]:
        """The SHA-256 of a file, or why it is not to be read. Raises `OSError` where it is gone."""
        if entry.error is not None:
            return b"", entry.error
        if entry.stamp[1] > self._library.max_bytes:
            facts = FileTooLarge(entry.name, entry.stamp[1], self._library.max_bytes).facts()
            return b"", msgspec.convert(facts, ErrorFacts)
        try:
            return await asyncio.to_thread(hash_of_file, entry.path), None
        except (FileNotFoundError, NotADirectoryError):
            raise
        except OSError as refused:
            return b"", _unreadable(entry.name, refused)

    def _moved(self, digest: bytes, gone: list[Shelved]) -> Shelved | None:
        """The document of what was elsewhere in the folder with this content; it is not gone then."""
        moved = next((one for one in gone if one.hash == digest), None)
        if moved is not None:
            gone.remove(moved)
            self._stamps.pop(moved.document.origin, None)
        return moved

    def _disks_of(self, found: Scan) -> Disks:
        """What cannot be read just now may be a disk that failed, and is unmounted next: it counts as it was."""
        return {place: disk for place, disk in self._disks.items() if place in found.unread} | found.disks

    def _remembered(self) -> Disks:
        try:
            folder, disks = msgspec.json.decode(self._note.read_bytes(), type=tuple[str, Disks])
        except (OSError, msgspec.MsgspecError):
            return {}
        return disks if folder == str(self._folder) else {}

    def _remember(self, disks: Disks) -> None:
        with contextlib.suppress(OSError, ValueError):  # the next start then gives a grace where none is needed
            self._note.write_bytes(msgspec.json.encode((str(self._folder), disks)))

    def _say(self, problem: str) -> None:
        if problem and problem != self.problem:
            log.warning("%s", problem)
        self.problem = problem


def _is_same(known: Shelved, digest: bytes, error: ErrorFacts | None) -> bool:
    """Whether nothing is to be done about a file."""
    now = known.document.error
    if error is not None:
        return now == error
    was_away = now is not None and now.code == _UNREADABLE  # it was when it was to be read; it is there again
    return known.hash == digest and known.hash != b"" and not was_away


def _unreadable(name: str, error: OSError) -> ErrorFacts:
    return ErrorFacts(
        _UNREADABLE,
        f"{name} cannot be opened.",
        expected="a file that Alma may read",
        actual=error.strerror or str(error),
        hint="Look at its permissions; when that is mended, it is read by itself.",
    )
