"""All versions in memory: which acts, which is on trial, and what each says. Knows no database."""

from __future__ import annotations

import zlib
from collections import OrderedDict

from alma.agent.role import Role
from alma.errors import NotFound
from alma.learned import LearnedNote
from alma.learner.version_content import read_notes, read_policy, read_prompt
from alma.learner.version_records import Policy, Stage, Version, What

_ROLES_READ = 64  # that are kept parsed
Place = tuple[str, What, str]  # owner, what, of


class Shelf:
    """Contents are kept compressed, for there may be many that nobody asks for."""

    def __init__(self) -> None:
        self._all: dict[str, Version] = {}
        self._contents: dict[str, bytes] = {}
        self._active: dict[Place, str] = {}
        self._trials: dict[Place, str] = {}
        self._hashes: dict[tuple[str, What, str], str] = {}  # owner, what, hash: the newest of that content
        self._lent: dict[tuple[str, What, str], tuple[str, str]] = {}  # of what, and what it says
        self._read: OrderedDict[str, Role] = OrderedDict()

    # ── which there are ───────────────────────────────────────────────────────────────────────────────────────────

    def find(self, version_id: str) -> Version | None:
        return self._all.get(version_id)

    def get(self, owner: str, version_id: str) -> Version:
        """Raises `NotFound` (unknown_version), also for another owner's."""
        found = self._all.get(version_id)
        if found is None or found.owner != owner:
            raise NotFound(
                "unknown_version",
                "There is no such version.",
                expected="the id of a version",
                actual=ascii(version_id[:64]),
            )
        return found

    def of_owner(self, owner: str, what: str = "", of: str = "") -> list[Version]:
        """The newest first."""
        found = [one for one in self._all.values() if one.owner == owner and what in ("", one.what)]
        return sorted((one for one in found if of in ("", one.of)), key=lambda one: (-one.created_at, one.id))

    def everyone(self, *stages: Stage) -> list[Version]:
        """Of all owners, those in one of these stages."""
        return [one for one in self._all.values() if one.stage in stages]

    @property
    def idle(self) -> bool:
        """Whether no version of anybody acts or is tried."""
        return not self._active and not self._trials

    def active(self, place: Place) -> Version | None:
        return self._all.get(self._active.get(place, ""))

    def on_trial(self, place: Place) -> Version | None:
        return self._all.get(self._trials.get(place, ""))

    # ── what they say ─────────────────────────────────────────────────────────────────────────────────────────────

    def content(self, version_id: str) -> str:
        return zlib.decompress(self._contents[version_id]).decode()

    def of_hash(self, owner: str, what: What, hash: str) -> str | None:
        """The content of that hash, if the owner has it."""
        found = self._hashes.get((owner, what, hash))
        if found is not None:
            return self.content(found)
        return self._lent.get((owner, what, hash), ("", None))[1]

    def role(self, owner: str, hash: str) -> Role | None:
        found, lent = self._hashes.get((owner, "prompt", hash)), self._lent.get((owner, "prompt", hash))
        if found is None and lent is None:
            return None
        role = self._read.get(hash)
        if role is None:
            of, content = (self._all[found].of, self.content(found)) if found is not None else lent or ("", "")
            role = self._read[hash] = read_prompt(of, content)
            if len(self._read) > _ROLES_READ:
                self._read.popitem(last=False)
        self._read.move_to_end(hash)
        return role

    def notes(self, owner: str, hash: str) -> list[LearnedNote]:
        content = self.of_hash(owner, "notes", hash)
        return [LearnedNote(note.id, note.text, hash) for note in read_notes(content)] if content is not None else []

    def policy(self, owner: str, hash: str) -> Policy | None:
        content = self.of_hash(owner, "policy", hash)
        return read_policy(content) if content is not None else None

    def lend(self, owner: str, what: What, of: str, hash: str, content: str) -> None:
        """Let `content` be found by its hash, though it is no version and in no list."""
        self._lent[owner, what, hash] = (of, content)

    # ── change ────────────────────────────────────────────────────────────────────────────────────────────────────

    def put(self, *versions: Version) -> None:
        for version in versions:
            self._all[version.id] = version
        self._index()

    def fill(self, versions: list[tuple[Version, str]]) -> None:
        """With what each says."""
        for version, content in versions:
            self._contents[version.id] = zlib.compress(content.encode(), 1)
        self.put(*(version for version, _ in versions))

    def drop(self, version_id: str) -> None:
        del self._all[version_id], self._contents[version_id]
        self._index()

    def _index(self) -> None:
        self._active, self._trials, self._hashes = {}, {}, {}
        for one in self._all.values():
            place: Place = (one.owner, one.what, one.of)
            self._hashes[one.owner, one.what, one.hash] = one.id
            if one.stage == "promoted":
                self._active[place] = one.id
            elif one.tried:
                self._trials[place] = one.id
