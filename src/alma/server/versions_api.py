"""Versions over HTTP: what learning would change, the evidence, and the one click that takes it back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Literal

from fastapi import APIRouter

from alma.db.database import Database
from alma.learner.judging import Watched
from alma.learner.version_evidence import Dossier, Evidence, dossier
from alma.learner.version_records import Tried, Version
from alma.learner.versions import Versions
from alma.security.fields import Exact, Id
from alma.server.asking import Owner
from alma.server.versions_bodies import (
    CoursePoint,
    EvidenceReply,
    GuardReply,
    NewVersion,
    Reasoned,
    Revert,
    Share,
    StepReply,
    TrialStart,
    TriedReply,
    VersionChange,
    VersionDossier,
    VersionList,
    VersionReply,
    WatchReply,
    WhatName,
)

_MOST_TRIED = 200  # tasks that are listed of a stage


def routes(database: Database, versions: Versions, delete: Callable[[str, str], Awaitable[None]]) -> APIRouter:
    """`delete`: a version of an owner, with what was rehearsed for it."""
    router = APIRouter(prefix="/api/learning/versions", tags=["learning"])

    def reply(version: Version) -> VersionReply:
        known = version.stage not in ("draft", "rolled_back")
        return _reply(version, file_changed=known and versions.file_changed(version))

    @router.get("")
    async def list_versions(
        owner: Owner, what: WhatName | Literal[""] = "", of: Annotated[str, Exact(40)] = ""
    ) -> VersionList:
        """The newest first; `of`: a role."""
        return VersionList(versions=[reply(one) for one in versions.of_owner(owner, what, of)])

    @router.post("", status_code=201)
    async def make_version(owner: Owner, body: NewVersion) -> VersionReply:
        """A draft by hand: nothing acts on it before it is started or promoted."""
        made = await versions.draft(
            owner, body.what, body.of, body.content, title=body.title, made_by="hand", reason=""
        )
        return reply(made)

    @router.get("/{version_id}")
    async def get_version(owner: Owner, version_id: Id) -> VersionDossier:
        """With its content, what it changes, its history, and the evidence of each stage."""
        return _dossier(await dossier(database, versions, owner, version_id))

    @router.put("/{version_id}")
    async def change_version(owner: Owner, version_id: Id, body: VersionChange) -> VersionReply:
        """Of a draft only: what was tried stays as it is."""
        return reply(await versions.edit(owner, version_id, body.content, body.title))

    @router.delete("/{version_id}", status_code=204)
    async def delete_version(owner: Owner, version_id: Id) -> None:
        """A draft, or one that was rolled back."""
        await delete(owner, version_id)

    @router.post("/{version_id}/start")
    async def start_trial(owner: Owner, version_id: Id, body: TrialStart) -> VersionReply:
        """Try it, from the replay on or from a later stage. One version of a role's is on trial at a time."""
        return reply(await versions.start(owner, version_id, body.stage, by=owner, why=""))

    @router.post("/{version_id}/stop")
    async def stop_trial(owner: Owner, version_id: Id, body: Reasoned) -> VersionReply:
        """It is a draft again."""
        stopped = await versions.advance(owner, version_id, "draft", by=owner, why=body.why, data="{}")
        return reply(stopped)

    @router.post("/{version_id}/promote")
    async def promote_version(owner: Owner, version_id: Id, body: Reasoned) -> VersionReply:
        """By hand, whatever the evidence; the history says that the gate had not decided."""
        why = body.why or "by hand, before the gate had decided"
        return reply(await versions.promote(owner, version_id, by=owner, why=why))

    @router.post("/{version_id}/revert")
    async def revert_version(owner: Owner, version_id: Id, body: Revert) -> VersionReply:
        """Take it back: what was active before acts again, to the byte."""
        taken = await versions.revert(owner, version_id, by=owner, why=body.why, to_file=body.to == "file")
        return reply(taken)

    @router.post("/{version_id}/keep")
    async def keep_version(owner: Owner, version_id: Id) -> VersionReply:
        """The role's file has changed since, and this one is to act nevertheless."""
        return reply(await versions.keep(owner, version_id))

    @router.put("/{version_id}/share")
    async def set_share(owner: Owner, version_id: Id, body: Share) -> VersionReply:
        """Of tasks that are the candidate's in its canary."""
        return reply(await versions.set_share(owner, version_id, body.share))

    return router


def _reply(version: Version, *, file_changed: bool) -> VersionReply:
    found = VersionReply.model_validate(version)
    standing = version.standing
    return found.model_copy(update={"share": standing.share, "tokens": standing.tokens, "file_changed": file_changed})


def _dossier(found: Dossier) -> VersionDossier:
    head = _reply(found.version, file_changed=found.file_changed)
    return VersionDossier(
        **head.model_dump(),
        content=found.content,
        base_content=found.base_content,
        diff=found.diff,
        history=[StepReply.model_validate(one) for one in found.history],
        stages=[_evidence(one, found) for one in found.stages],
        watch=_watch(found.watch, found) if found.watch is not None else None,
    )


def _evidence(found: Evidence, of: Dossier) -> EvidenceReply:
    judged, judgement = found.judgement.judged, found.judgement
    return EvidenceReply(
        stage=judgement.phase,
        verdict=judged.verdict,
        why=judged.why,
        tasks=judged.at,
        candidate=judged.candidate,
        base=judged.base,
        difference=judged.difference,
        error=judged.error,
        low=judged.low,
        high=judged.high,
        better=judged.better,
        worse=judged.worse,
        waiting_candidate=judgement.waiting[0],
        waiting_base=judgement.waiting[1],
        errors_candidate=judgement.errors[0],
        errors_base=judgement.errors[1],
        guards=[GuardReply.model_validate(one) for one in judgement.guards],
        course=[CoursePoint(tasks=tasks, low=low, high=high) for tasks, low, high in found.course],
        tried=_tried(found.tried, of),
    )


def _watch(watch: Watched, found: Dossier) -> WatchReply:
    return WatchReply(
        tasks=watch.tasks,
        mean=watch.mean,
        level=watch.level,
        odds=watch.odds,
        drifted=watch.drifted,
        tried=_tried(found.watch_tried, found),
    )


def _tried(tried: Sequence[Tried], of: Dossier) -> list[TriedReply]:
    """The newest, each with its conversation."""
    shown = tried[-_MOST_TRIED:]
    return [
        TriedReply.model_validate(one).model_copy(update={"thread_id": of.threads.get(one.run_id, "")}) for one in shown
    ]
