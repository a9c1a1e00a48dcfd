"""Keeps the knowledge base equal to a folder: looks into it every few seconds and says what is new, changed or gone.

A file that was changed a moment ago waits: somebody may still be writing it. Files that are all gone at once, from a
folder that may be another one than before (a disk that was unmounted leaves an empty folder), are given a grace.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from alma.errors import AlmaError
from alma.events import ErrorFacts
from alma.memory.knowledge.documents import Shelved
from alma.memory.knowledge.folder import MOST_FILES, Entry, Scan, hash_of_file, scan
from alma.memory.knowledge.originals import FileTooLarge

if TYPE_CHECKING:
    from alma.memory.knowledge.library import Library

log = logging.getLogger(__name__)
_YOUNG_S = 1.0
_REST = 5  # times as long as a look takes nobody looks: a large folder on a slow disk costs no more than a sixth
_TOLD = 50  # documents of one look of which others are told at once; of the rest when they are read


class Watching:
    """`note`: a file in which it remembers which folder it was. `grace_s`: how long files that are all gone at once are
    kept. `problem`: what keeps it from its work."""

    def __init__(self, library: Library, folder: Path, note: Path, owner: str, poll_s: float, grace_s: float) -> None:
        self._library = library
        self._folder = folder
        self._owner = owner
        self._poll_s = poll_s
        self._grace_s = grace_s
        self._stamps: dict[str, tuple[int, int]] = {}  # of what was looked into, by origin
        self._restless: dict[str, tuple[int, int]] = {}  # of what waits, as it was last
        self._paths: dict[str, Path] = {}
        self._note = note
        self._identity = ""  # of the folder when it last was as it should be
        self._missed_since: float | None = None
        self._compared = False  # whether all that was seen was compared with what is known
        self.problem = ""

    async def run(self) -> None:
        """Until cancelled."""
        self._identity = await asyncio.to_thread(self._remembered)
        while True:
            began = time.monotonic()
            try:
                await self.look()
            except AlmaError as error:  # the database; the next look sees the same
                log.warning("the watched folder has to wait: %s", error)
                self._compared = False
            await asyncio.sleep(max(self._poll_s, _REST * (time.monotonic() - began)))

    def path(self, origin: str) -> Path:
        return self._paths.get(origin, self._folder / origin)

    async def has(self, origin: str) -> bool:
        """Whether this is a file in the folder now."""
        return origin in self._paths and await asyncio.to_thread(os.path.lexists, self._paths[origin])

    async def look(self) -> None:
        """Once, now."""
        try:
            found = await asyncio.to_thread(scan, self._folder)
        except OSError as error:
            self._say(f"The watched folder {self._folder} cannot be read ({error.strerror}); its files are kept.")
            return
        if self._is_as_before(found):
            return
        known = await self._library.in_folder(self._owner)
        gone = [one for origin, one in known.items() if origin not in found.entries and not found.hides(origin)]
        self._paths = {origin: entry.path for origin, entry in found.entries.items()}
        changed = [entry for entry in found.entries.values() if self._stamps.get(entry.origin) != entry.stamp]
        for number, entry in enumerate(changed):
            if self._is_settled(entry):
                await self._admit(entry, known.get(entry.origin), gone, quiet=number >= _TOLD)
        self._say(self._misses(found, known, gone))
        if gone and self._missed_since is None:
            for one in gone:
                self._stamps.pop(one.document.origin, None)
                await self._library.remove(one.document)
        self._compared = True

    def _is_as_before(self, found: Scan) -> bool:
        """Whether there is nothing to do: mostly, and then it costs no look into the database."""
        if not self._compared or self._missed_since is not None or len(found.entries) != len(self._stamps):
            return False
        if self._identity_of(found) != self._identity:
            return False
        self._compared = all(self._stamps.get(origin) == entry.stamp for origin, entry in found.entries.items())
        return self._compared and not self.problem

    def _misses(self, found: Scan, known: dict[str, Shelved], gone: Sequence[Shelved]) -> str:
        """What is to be said of the folder. Sets since when files are missed that are not yet taken for deleted."""
        identity = self._identity_of(found)
        if gone and len(gone) == len(known) and identity != self._identity:
            self._missed_since = self._missed_since or time.monotonic()
            if time.monotonic() - self._missed_since < self._grace_s:
                return (
                    f"The watched folder {self._folder} is another one than before, without any of its files; was "
                    f"something unmounted? What was read of them is kept for {self._grace_s / 60:g} minutes."
                )
        self._missed_since = None
        if identity != self._identity:
            self._identity = identity
            self._remember(identity)
        if found.left:
            return f"The watched folder has more than {MOST_FILES:,} files; {found.left:,} of them are not read."
        if found.unread:
            return f"In the watched folder, {found.unread[0]} cannot be read."
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
        size, digest, error = entry.stamp[1], b"", entry.error
        if error is None and size > self._library.max_bytes:
            facts = FileTooLarge(entry.name, size, self._library.max_bytes).facts()
            error = msgspec.convert(facts, ErrorFacts)
        if error is None:
            try:
                digest = await asyncio.to_thread(hash_of_file, entry.path)
            except FileNotFoundError:
                return
            except OSError as refused:
                error = _unreadable(entry.name, refused)
        if error is None or error.code != "file_unreadable":  # a permission changes without a stamp
            self._stamps[entry.origin] = entry.stamp
        if known is not None and _is_same(known, digest, error):
            return
        if known is None and digest and (moved := next((one for one in gone if one.hash == digest), None)):
            gone.remove(moved)
            known = moved
            self._stamps.pop(moved.document.origin, None)
        document = self._library.seen(known, self._owner, entry.name, entry.origin, size)
        if error is not None:
            document = msgspec.structs.replace(document, state="failed", error=error)
        await self._library.shelve(document, digest, quiet=quiet)

    def _identity_of(self, found: Scan) -> str:
        return f"{self._folder}\n{found.identity}"

    def _remembered(self) -> str:
        try:
            return self._note.read_text()
        except (OSError, ValueError):
            return ""

    def _remember(self, identity: str) -> None:
        with contextlib.suppress(OSError):  # the next start then gives a grace where none is needed
            self._note.write_text(identity)

    def _say(self, problem: str) -> None:
        if problem and problem != self.problem:
            log.warning("%s", problem)
        self.problem = problem


def _is_same(known: Shelved, digest: bytes, error: ErrorFacts | None) -> bool:
    """Whether nothing is to be done about a file."""
    if error is not None:
        return known.document.error == error
    return known.hash == digest and known.hash != b""


def _unreadable(name: str, error: OSError) -> ErrorFacts:
    return ErrorFacts(
        "file_unreadable",
        f"{name} cannot be opened.",
        expected="a file that Alma may read",
        actual=error.strerror or str(error),
        hint="Look at its permissions; when that is mended, it is read by itself.",
    )
