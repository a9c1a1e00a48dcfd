"""All that is known of a version: what it would change, what became of it, and the tasks that speak for or against."""

from __future__ import annotations

import asyncio
import difflib

from msgspec import Struct

from alma.db.database import Database
from alma.learner import version_store as store
from alma.learner.judging import Judgement, Watched, interval_course, judgement, watched
from alma.learner.version_records import Phase, Step, Tried, Version
from alma.learner.versions import Versions

_PHASES: tuple[Phase, ...] = ("replay", "shadow", "canary")
_MOST_DIFF_LINES = 5000


class Evidence(Struct, frozen=True):
    """Of one stage. `course`: after how many tasks, in which interval the difference lay; `tried`: its tasks."""

    judgement: Judgement
    course: list[tuple[int, float, float]]
    tried: list[Tried]


class Dossier(Struct, frozen=True):
    """`diff`: by lines, from what it is compared with to it; `file_changed`: the role's file is not any more the one
    that its owner knew when they promoted or tried it; `watch`: since its promotion; `threads`: by run, the
    conversation of each task that it was tried on."""

    version: Version
    content: str
    base_content: str
    diff: str
    file_changed: bool
    history: list[Step]
    stages: list[Evidence]
    watch: Watched | None
    watch_tried: list[Tried]
    threads: dict[str, str]


async def dossier(database: Database, versions: Versions, owner: str, version_id: str) -> Dossier:
    """Raises `NotFound` (unknown_version)."""
    version = versions.get(owner, version_id)
    content = versions.content(owner, version_id)
    base = await versions.base_content(owner, version_id)
    history = await database.read(lambda connection: store.history(connection, version_id))
    tried = await database.read(lambda connection: {one: store.tried(connection, version_id, one) for one in _PHASES})
    threads = await database.read(lambda connection: store.threads_tried(connection, version_id))
    since = await database.read(lambda connection: store.tried(connection, version_id, "watch"))
    known = version.stage not in ("draft", "rolled_back")
    return Dossier(
        version=version,
        content=content,
        base_content=base,
        diff=await asyncio.to_thread(_diff, base, content, version.of),
        file_changed=known and versions.file_changed(version),
        history=history,
        stages=[await asyncio.to_thread(_evidence, phase, tried[phase]) for phase in _PHASES if tried[phase]],
        watch=watched(tried["canary"], since) if version.stage == "promoted" else None,
        watch_tried=since,
        threads=threads,
    )


def _evidence(phase: Phase, tried: list[Tried]) -> Evidence:
    return Evidence(judgement(phase, tried), interval_course(phase, tried), tried)


def _diff(base: str, content: str, of: str) -> str:
    """Unified; lines keep their ends, so that a missing one shows."""
    before, after = base.splitlines(keepends=True), content.splitlines(keepends=True)
    if len(before) + len(after) > _MOST_DIFF_LINES:
        return ""
    lines = list(difflib.unified_diff(before, after, f"{of} (base)", f"{of} (version)"))
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end\n" for line in lines)
