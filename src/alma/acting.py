"""What acts for an owner, as experiments ask for it: roles and notes as they stand, or as promoted versions of them."""

from __future__ import annotations

import msgspec

from alma.agent.role import Role
from alma.experiments.variants import Acting
from alma.schooling import Schooling


class ActingRoles:
    """Where an owner does not follow what was learned, the roles' own files act, and no notes."""

    def __init__(self, schooling: Schooling) -> None:
        self._schooling = schooling
        self._versions = schooling.versions
        self._roles = schooling.roles

    def active(self, owner: str, name: str) -> Role:
        """Raises `NotFound` (unknown_role)."""
        return self._schooling.active(owner, name) if self._schooling.follows(owner) else self._roles.get(name)

    def acting(self, owner: str) -> Acting:
        prompts: dict[str, str] = {}
        notes: dict[str, str] = {}
        if not self._schooling.follows(owner):
            return Acting()
        for name in self._roles.names():
            if self._versions.active(owner, "prompt", name) is not None:
                prompts[name] = self._schooling.active(owner, name).source
            told = self._versions.active(owner, "notes", name)
            if told is not None and (content := self.notes(owner, told.hash)) is not None:
                notes[name] = content
        return Acting(prompts, notes)

    def file(self, owner: str, hash: str) -> str | None:
        found = self._versions.role_of(owner, hash)
        return found.source if found is not None else None

    def notes(self, owner: str, hash: str) -> str | None:
        found = self._versions.notes_of(owner, hash)
        return msgspec.json.encode([{"id": one.id, "text": one.text} for one in found]).decode() if found else None
