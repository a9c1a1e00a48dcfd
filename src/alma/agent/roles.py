"""The roles at hand: the files that ship, the user's over them, followed while Alma runs.

A file with errors harms no other: its last good version stays, else the one that ships, else the role is absent; what
is wrong is in `problems`. Knows nothing of what is done with a role.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from alma.agent.front_matter import guess, line_of
from alma.agent.role import Role, read_role, shipped_folder
from alma.errors import AlmaError, NotFound, RoleInvalid, RoleProblem

log = logging.getLogger(__name__)
OnChange = Callable[[list[Role]], Awaitable[None] | None]
_SETTLED_S = 0.1  # a file that stayed the same for so long is not being written any more
_MOST_LOOKS = 20


class _Stamp(NamedTuple):
    """Changes when a file does."""

    changed_ns: int
    size: int
    inode: int


class _Folder(NamedTuple):
    """What is in a folder; `trouble`: why that cannot be known."""

    path: Path
    stamps: dict[Path, _Stamp]
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class _File:
    """A file as it was read. `role`: its last good version."""

    stamp: _Stamp
    role: Role | None
    problems: list[RoleProblem]


@dataclass(frozen=True, slots=True)
class _State:
    """All that was read at one time."""

    folders: list[_Folder] = field(default_factory=list[_Folder])
    files: dict[Path, _File] = field(default_factory=dict[Path, _File])
    paths: dict[str, Path] = field(default_factory=dict[str, Path])
    problems: list[RoleProblem] = field(default_factory=list[RoleProblem])

    def role(self, name: str) -> Role | None:
        path = self.paths.get(name)
        return None if path is None else self.files[path].role


class Roles:
    """`folder`: the user's role files; None: only those that ship."""

    def __init__(self, folder: Path | None = None) -> None:
        shipped = shipped_folder()
        own = [folder] if folder is not None and folder.resolve() != shipped.resolve() else []
        self._folders = [shipped, *own]
        self._state = self._read(_State())
        self._variants: tuple[_State, dict[str, list[Role]]] | None = None  # by whose they are, as of a state

    # ── what there is ─────────────────────────────────────────────────────────────────────────────────────────────

    def get(self, name: str) -> Role:
        """Raises `NotFound` (unknown_role)."""
        role = self._state.role(name)
        if role is None:
            names = self.names()
            hint = f"There are: {', '.join(names)}{guess(name, names)}"
            raise NotFound("unknown_role", f"There is no role named {name[:80]!r}.", hint=hint)
        return role

    def all(self) -> list[Role]:
        return [self.get(name) for name in self.names()]

    def names(self) -> list[str]:
        return sorted(self._state.paths)

    def variants(self, name: str) -> list[Role]:
        """Those that may do the tasks of role `name` in its place, by name; of a variant there are none."""
        if self._variants is None or self._variants[0] is not self._state:
            found: dict[str, list[Role]] = {}
            for role in self.all():
                base = self._state.role(role.variant_of) if role.variant_of is not None else None
                if base is not None and base.variant_of is None:
                    found.setdefault(base.name, []).append(role)
            self._variants = self._state, found
        return list(self._variants[1].get(name, ()))

    def file(self, name: str) -> Path:
        """Where a role was read. Raises `NotFound` (unknown_role)."""
        self.get(name)
        return self._state.paths[name]

    def problems(self) -> list[RoleProblem]:
        """What is wrong in the files themselves."""
        return self._state.problems

    def check(self, tools: Collection[str] | None = None) -> list[RoleProblem]:
        """What is wrong between files: roles that name others which are not there, and, given the names of all tools,
        tools that are not there. Whoever is named so is passed over; the role works on."""
        found = [(role, str(self.file(role.name))) for role in self.all()]
        return cross_check(found, {role.name: role for role, _ in found}, tools)

    # ── change ────────────────────────────────────────────────────────────────────────────────────────────────────

    def reload(self) -> list[str]:
        """Read what changed. Returns the names of roles that are new, other than before, or gone."""
        before, self._state = self._state, self._read(self._state)
        return _changed(before, self._state)

    async def run(self, on_change: OnChange, interval: float = 1.0) -> None:
        """Look every `interval` seconds, for ever. `on_change` gets the roles that are new or other than before (none,
        when one is gone or only the problems changed) *before* they are used, so that it can keep a version that a run
        will name; when it raises an `AlmaError` they are not used, and it is tried again at the next look."""
        while True:
            await asyncio.sleep(interval)
            if await self._moved():
                await self._follow(on_change)

    async def _moved(self) -> bool:
        """Whether files changed, and have come to rest."""
        seen = await asyncio.to_thread(self._look)
        if seen == self._state.folders:
            return False
        for _ in range(_MOST_LOOKS):
            await asyncio.sleep(_SETTLED_S)
            before, seen = seen, await asyncio.to_thread(self._look)
            if seen == before:
                break
        return True

    async def _follow(self, on_change: OnChange) -> None:
        before = self._state
        after = await asyncio.to_thread(self._read, before)
        names = _changed(before, after)
        if names or after.problems != before.problems:
            roles = [role for name in names if (role := after.role(name)) is not None]
            try:
                told = on_change(roles)
                if inspect.isawaitable(told):
                    await told
            except AlmaError as error:
                log.warning("changed roles could not be kept and are not used yet: %s", error)
                return
        self._state = after
        if names:
            log.info("roles changed: %s", ", ".join(names))
        for problem in after.problems if after.problems != before.problems else ():
            log.warning("%s", problem)

    # ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _look(self) -> list[_Folder]:
        return [_look(folder) for folder in self._folders]

    def _read(self, before: _State) -> _State:
        folders = self._look()
        files: dict[Path, _File] = {}
        paths: dict[str, Path] = {}
        problems: list[RoleProblem] = []
        for folder in folders:
            stamps = folder.stamps
            if folder.trouble:
                problems.append(RoleProblem(str(folder.path), 0, "", folder.trouble))
                stamps = {path: file.stamp for path, file in before.files.items() if path.parent == folder.path}
            for path, stamp in stamps.items():
                last = before.files.get(path)
                file = files[path] = last if last is not None and last.stamp == stamp else _read(path, stamp, last)
                problems += file.problems
                if file.role is not None:
                    paths[file.role.name] = path
        return _State(folders, files, paths, problems)


def cross_check(
    found: Iterable[tuple[Role, str]], roles: Mapping[str, Role], tools: Collection[str] | None = None
) -> list[RoleProblem]:
    """What roles, each with its file, name without its being there: no role of `roles`, no tool of `tools`; and
    variants of a variant."""
    problems: list[RoleProblem] = []
    for role, file in found:
        if role.variant_of is not None and (message := _no_base(role.variant_of, roles)):
            problems.append(RoleProblem(file, line_of(role.source, "variant_of"), "variant_of", message))
        for listed, known, what in (
            ("delegates_to", roles, "role"),
            ("stand_ins", roles, "role"),
            ("tools", None if tools is None else {*tools, "*"}, "tool"),
        ):
            for at, name in enumerate(getattr(role, listed)):
                if known is not None and name not in known:
                    message = f"there is no {what} named {name!r}{guess(name, known)}"
                    problems.append(RoleProblem(file, line_of(role.source, listed, at), f"{listed}[{at}]", message))
    return problems


def _no_base(name: str, roles: Mapping[str, Role]) -> str:
    """Why no role can be a variant of `name`; empty: it can."""
    if (base := roles.get(name)) is None:
        return f"there is no role named {name!r}{guess(name, roles)}"
    if base.variant_of is not None:
        return f"{name!r} is itself a variant, of {base.variant_of!r}; name that one"
    return ""


def role_files(folder: Path) -> list[Path]:
    """The role files of a folder, by name. A README, and files that begin with a dot or underscore, are none."""
    return list(_look(folder).stamps)


def _look(folder: Path) -> _Folder:
    stamps: dict[Path, _Stamp] = {}
    try:
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda one: one.name):
                if entry.name.endswith(".md") and entry.name[0] not in "._" and entry.name.lower() != "readme.md":
                    stamps[folder / entry.name] = _stamp(entry)
    except OSError as error:
        return _Folder(folder, {}, f"the folder cannot be read: {error.strerror}; what was read before stays")
    return _Folder(folder, stamps)


def _stamp(entry: os.DirEntry[str]) -> _Stamp:
    try:
        status = entry.stat()
    except OSError:  # a link that leads nowhere
        status = entry.stat(follow_symlinks=False)
    return _Stamp(status.st_mtime_ns, status.st_size, status.st_ino)


def _read(path: Path, stamp: _Stamp, last: _File | None) -> _File:
    try:
        return _File(stamp, read_role(path), [])
    except RoleInvalid as error:
        return _File(stamp, last.role if last is not None else None, error.problems)


def _changed(before: _State, after: _State) -> list[str]:
    """A role is another when its file's bytes are. The same bytes in another place are no change."""
    names = before.paths.keys() | after.paths.keys()
    return sorted(name for name in names if before.role(name) != after.role(name))
