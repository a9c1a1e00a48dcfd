"""The versions of each owner: made, tried, promoted, taken back. What is active is looked up without waiting.

A version acts for its owner's runs only. Where none is promoted, what acts is the file on disk (for notes and routes:
nothing). Who is promoted remembers who was active before, word for word, so that going back is exact. Which stage a
version has is decided elsewhere (`gatekeeper.py`, or its owner); here is seen that it may.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections.abc import Callable, Sequence

import sqlalchemy as sa
from msgspec.structs import replace

from alma.agent.role import Role
from alma.agent.roles import Roles
from alma.db.database import Database
from alma.db.tables import role_versions
from alma.errors import Conflict, NotFound
from alma.learned import Choice, LearnedNote, Option
from alma.learner import version_store as store
from alma.learner.version_content import check
from alma.learner.version_records import (
    LEAST_SHARE,
    MOST_SHARE,
    NEXT,
    TRIED,
    WHATS,
    MadeBy,
    Policy,
    Stage,
    Standing,
    Step,
    Version,
    What,
)
from alma.learner.version_refusals import same_as_base, too_many, trial_running, wrong_share, wrong_stage
from alma.learner.version_shelf import Place, Shelf

MOST_VERSIONS = 200  # of an owner, for one role, beside those that have acted and were followed by others
_MOST_RUNS = 2000  # that a version was made from, as far as they are kept
Moved = Callable[[Version], None]


class Versions:
    """`clock`: Unix seconds."""

    def __init__(self, database: Database, roles: Roles, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._roles = roles
        self._clock = clock
        self._shelf = Shelf()
        self._changing = asyncio.Lock()
        self._listeners: list[Moved] = []

    async def open(self) -> None:
        self._shelf.fill(await self._database.read(store.read_all))

    def listen(self, moved: Moved) -> None:
        """`moved` is called after each change of a version's stage."""
        self._listeners.append(moved)

    # ── what acts ─────────────────────────────────────────────────────────────────────────────────────────────────

    def choices(self, owner: str, role: str, unit: str, context: str) -> list[Choice]:
        """What acts for a task of `role`. While a candidate is in its canary, `unit` (the run) decides by a hash which
        of both it is, and both say which trial they are in. Nothing where all is as the file says."""
        if self._shelf.idle:
            return []
        found = [self._choice((owner, what, role), unit, context) for what in WHATS]
        return [choice for choice in found if choice is not None]

    def _choice(self, place: Place, unit: str, context: str) -> Choice | None:
        active, trial = self._shelf.active(place), self._shelf.on_trial(place)
        what = place[1]
        if trial is None or trial.stage != "canary":
            if active is None:
                return None
            return Choice(what=what, chosen=active.hash, context=context, version=active.id)
        share = trial.standing.share
        base = self.base_of(*place)
        mine = _drawn(trial.id, unit) < share
        return Choice(
            what=what,
            chosen=trial.hash if mine else base,
            propensity=share if mine else 1.0 - share,
            by="canary",
            context=context,
            options=[Option(base, share=1.0 - share), Option(trial.hash, share=share)],
            version=trial.id,
        )

    def role_of(self, owner: str, hash: str) -> Role | None:
        """The role of a prompt of this hash; None: the owner has none such."""
        return self._shelf.role(owner, hash)

    def notes_of(self, owner: str, hash: str) -> list[LearnedNote]:
        return self._shelf.notes(owner, hash)

    def policy_of(self, owner: str, hash: str) -> Policy | None:
        return self._shelf.policy(owner, hash)

    def base_of(self, owner: str, what: What, of: str) -> str:
        """The hash of what is active: of the file where no version is; empty for no notes, no policy."""
        active = self.active(owner, what, of)
        return active.hash if active is not None else self._file(what, of)

    # ── what there is ─────────────────────────────────────────────────────────────────────────────────────────────

    def get(self, owner: str, version_id: str) -> Version:
        """Raises `NotFound` (unknown_version), also for another owner's."""
        return self._shelf.get(owner, version_id)

    def find(self, version_id: str) -> Version | None:
        """Whoever's it is."""
        return self._shelf.find(version_id)

    def content(self, owner: str, version_id: str) -> str:
        return self._shelf.content(self.get(owner, version_id).id)

    async def base_content(self, owner: str, version_id: str) -> str:
        """What a version is compared with, word for word; empty where that is nothing."""
        version = self.get(owner, version_id)
        known = self._shelf.of_hash(owner, version.what, version.base)
        if known is not None or version.what != "prompt":
            return known or ""
        if version.base == self._file("prompt", version.of):
            return self._roles.get(version.of).source
        asked = sa.select(role_versions.c.source).where(role_versions.c.version == version.base)
        return await self._database.read(lambda connection: connection.execute(asked).scalar()) or ""

    def of_owner(self, owner: str, what: str = "", of: str = "") -> list[Version]:
        """The newest first."""
        return self._shelf.of_owner(owner, what, of)

    def everyone(self, *stages: Stage) -> list[Version]:
        """Of all owners, those in one of these stages."""
        return self._shelf.everyone(*stages)

    def active(self, owner: str, what: What, of: str) -> Version | None:
        return self._shelf.active((owner, what, of))

    def on_trial(self, owner: str, what: What, of: str) -> Version | None:
        return self._shelf.on_trial((owner, what, of))

    def file_changed(self, version: Version) -> bool:
        """Whether the role's file is another one than when this version was promoted or its trial began."""
        return version.standing.file != self._file(version.what, version.of)

    # ── making ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def draft(
        self,
        owner: str,
        what: What,
        of: str,
        content: str,
        *,
        title: str,
        made_by: MadeBy,
        reason: str,
        runs: Sequence[str] = (),
    ) -> Version:
        """`runs`: those it was made from, so that they never judge it. Raises `NotFound` (unknown_role),
        `InvalidRequest` (role_invalid, version_invalid, version_too_large), `Conflict` (too_many_versions)."""
        self._roles.get(of)
        hash = check(what, of, content)
        now = self._clock()
        async with self._changing:
            if sum(one.stage != "retired" for one in self.of_owner(owner, of=of)) >= MOST_VERSIONS:
                raise too_many(of, MOST_VERSIONS)
            version = Version(
                id=f"v_{int(now * 1000):011x}{secrets.token_hex(4)}",
                owner=owner,
                what=what,
                of=of,
                hash=hash,
                base=self.base_of(owner, what, of),
                title=title,
                made_by=made_by,
                reason=reason,
                stage="draft",
                created_at=now,
                changed_at=now,
                standing=Standing(runs=list(runs)[-_MOST_RUNS:]),
            )
            step = Step(0, now, "draft", owner if made_by == "hand" else made_by, reason)
            await self._database.write(lambda connection: store.insert(connection, version, content, step))
            self._shelf.fill([(version, content)])
        return version

    def lend(self, owner: str, what: What, of: str, content: str) -> str:
        """Let what is only tried, and never acts by itself, be found by its hash until this process ends; gives the
        hash. Raises `InvalidRequest` as `draft`."""
        hash = check(what, of, content)
        self._shelf.lend(owner, what, of, hash, content)
        return hash

    async def edit(self, owner: str, version_id: str, content: str, title: str | None = None) -> Version:
        """Of a draft. Raises as `draft`, `Conflict` (not_a_draft)."""
        async with self._changing:
            version = self.get(owner, version_id)
            if version.stage != "draft":
                raise Conflict(
                    "not_a_draft",
                    "This version was tried already; its content stays as it is.",
                    expected="a draft",
                    actual=version.stage,
                    hint="Make a new draft of it.",
                )
            hash = check(version.what, version.of, content)
            base = self.base_of(owner, version.what, version.of)
            title = version.title if title is None else title
            version = replace(version, hash=hash, base=base, title=title, changed_at=self._clock())
            await self._database.write(lambda connection: store.update(connection, version, content=content))
            self._shelf.fill([(version, content)])
        return version

    async def delete(self, owner: str, version_id: str) -> None:
        """Raises `Conflict` (version_in_use) for one that acts, is tried, or is what another goes back to."""
        async with self._changing:
            version = self.get(owner, version_id)
            if version.stage not in ("draft", "rolled_back"):
                raise Conflict(
                    "version_in_use",
                    "This version is in use.",
                    expected="a draft, or one that was rolled back",
                    actual=version.stage,
                    hint="Stop or revert it first.",
                )
            await self._database.write(lambda connection: store.delete(connection, version_id))
            self._shelf.drop(version_id)

    # ── stages ────────────────────────────────────────────────────────────────────────────────────────────────────
    # Who decides by evidence gives the version as they saw it (`seen`): where its owner has stopped it, or begun it
    # anew meanwhile, or what it is compared with is another, the decision is refused (wrong_stage).

    async def start(self, owner: str, version_id: str, stage: Stage = "replay", *, by: str, why: str = "") -> Version:
        """Begin a trial. Raises `Conflict` (trial_running, same_as_base, wrong_stage)."""
        async with self._changing:
            version = self.get(owner, version_id)
            if stage not in TRIED:
                raise wrong_stage(version, stage)
            other = self.on_trial(owner, version.what, version.of)
            if other is not None and other.id != version.id:
                raise trial_running(version, other)
            base = self.base_of(owner, version.what, version.of)
            if base == version.hash:
                raise same_as_base(version)
            if version.tried:
                return await self._move(version, stage, by, why)
            standing = replace(
                version.standing,
                trial=version.standing.trial + 1,
                began=self._clock(),
                file=self._file(version.what, version.of),
                tokens=0,
            )
            return await self._move(replace(version, base=base, standing=standing), stage, by, why, anew=True)

    async def advance(
        self, owner: str, version_id: str, stage: Stage, *, by: str, why: str, data: str, seen: Version | None = None
    ) -> Version:
        """To a later stage of its trial, or out of it without a change of what acts."""
        async with self._changing:
            version = self._as_seen(self.get(owner, version_id), seen, stage)
            if stage in ("promoted", "retired") or version.stage in ("promoted", "retired"):
                raise wrong_stage(version, stage)
            return await self._move(version, stage, by, why, data)

    async def promote(
        self, owner: str, version_id: str, *, by: str, why: str, data: str = "{}", seen: Version | None = None
    ) -> Version:
        """From now on it acts. Who acted before is retired, and what this one goes back to."""
        async with self._changing:
            version = self._as_seen(self.get(owner, version_id), seen, "promoted")
            if "promoted" not in NEXT[version.stage] or version.stage == "retired":
                raise wrong_stage(version, "promoted")
            before = self.active(owner, version.what, version.of)
            base = self.base_of(owner, version.what, version.of)
            if base == version.hash:
                raise same_as_base(version)
            if seen is not None and base != seen.base:
                raise wrong_stage(version, "promoted")
            standing = replace(
                version.standing,
                before=before.id if before is not None else "",
                file=self._file(version.what, version.of),
            )
            others: list[tuple[Version, str]] = []
            if before is not None:
                others.append((replace(before, stage="retired"), f"{version.title or version.id} acts instead"))
            return await self._move(replace(version, base=base, standing=standing), "promoted", by, why, data, others)

    async def revert(
        self,
        owner: str,
        version_id: str,
        *,
        by: str,
        why: str,
        data: str = "{}",
        to_file: bool = False,
        seen: Version | None = None,
    ) -> Version:
        """Take it back: what was active before it acts again, or with `to_file` the file (no notes, no policy). One on
        trial is stopped for good. Raises `Conflict` (wrong_stage) for one that does not act and is not tried."""
        async with self._changing:
            version = self._as_seen(self.get(owner, version_id), seen, "rolled_back")
            if version.stage != "promoted" and not version.tried:
                raise wrong_stage(version, "rolled_back")
            others: list[tuple[Version, str]] = []
            before = self._shelf.find(version.standing.before) if version.stage == "promoted" else None
            while before is not None and to_file:
                others.append((replace(before, stage="rolled_back"), "its owner went back to the file"))
                before = self._shelf.find(before.standing.before)
            if before is not None:
                others.append((replace(before, stage="promoted"), f"{version.title or version.id} was taken back"))
            return await self._move(version, "rolled_back", by, why, data, others)

    async def keep(self, owner: str, version_id: str) -> Version:
        """The role's file has changed under this one, and it is to act nevertheless."""
        version = self.get(owner, version_id)
        file = self._file(version.what, version.of)
        return await self._stand(owner, version_id, lambda one: replace(one, file=file))

    async def set_share(self, owner: str, version_id: str, share: float) -> Version:
        """Of tasks that are the candidate's in its canary."""
        if not LEAST_SHARE <= share <= MOST_SHARE:
            raise wrong_share(share)
        return await self._stand(owner, version_id, lambda one: replace(one, share=share))

    async def used(self, owner: str, version_id: str, tokens: int) -> Version:
        """A rehearsal of it has used so many."""
        return await self._stand(owner, version_id, lambda one: replace(one, tokens=one.tokens + tokens))

    def _as_seen(self, version: Version, seen: Version | None, stage: Stage) -> Version:
        if seen is not None and (version.stage, version.changed_at) != (seen.stage, seen.changed_at):
            raise wrong_stage(version, stage)
        return version

    async def _stand(self, owner: str, version_id: str, change: Callable[[Standing], Standing]) -> Version:
        async with self._changing:
            version = self.get(owner, version_id)
            version = replace(version, standing=change(version.standing))
            await self._database.write(lambda connection: store.update(connection, version))
            self._shelf.put(version)
        return version

    async def _move(
        self,
        version: Version,
        stage: Stage,
        by: str,
        why: str,
        data: str = "{}",
        others: Sequence[tuple[Version, str]] = (),
        *,
        anew: bool = False,
    ) -> Version:
        """Write it and the others that change with it at once. `anew`: what it was tried on in an earlier trial is
        forgotten; what came of that is in its history."""
        if stage not in NEXT[version.stage]:
            raise wrong_stage(version, stage)
        now = self._clock()
        moved = replace(version, stage=stage, changed_at=now)
        also = [(replace(other, changed_at=now), Step(0, now, other.stage, by, said)) for other, said in others]

        def write(connection: sa.Connection) -> None:
            if anew:
                store.drop_tried(connection, moved.id)
            if stage == "promoted":  # what is watched from now on
                store.drop_tried(connection, moved.id, "watch")
            store.update(connection, moved, Step(0, now, stage, by, why, data))
            for other, step in also:
                store.update(connection, other, step)

        await self._database.write(write)
        changed = [moved, *(other for other, _ in also)]
        self._shelf.put(*changed)
        for told in self._listeners:
            for one in changed:
                told(one)
        return moved

    def _file(self, what: What, of: str) -> str:
        """The version of the role's file, for a prompt; empty where there is none."""
        try:
            return self._roles.get(of).version if what == "prompt" else ""
        except NotFound:
            return ""


def _drawn(version_id: str, unit: str) -> float:
    """Between 0 and 1, always the same for the same two."""
    digest = hashlib.sha256(f"{version_id}\n{unit}".encode()).digest()
    return int.from_bytes(digest[:7], "big") / 2**56
