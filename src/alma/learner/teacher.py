"""What learning does for an agent's task, put together: who does it (`choosing.py`), by which version of what was
written for it, and what it is told of what was learned.

What was chosen is in the task, so all but the choice itself is the same for a task that is taken up again. A trial is
told what to choose, and nothing is learned of it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from alma.agent.role import Role
from alma.agent.roles import Roles
from alma.agent.task import Task
from alma.agent.teaching import Arm, arm_of, read_arm
from alma.db.database import Database
from alma.engine.role_files import keep_role
from alma.errors import NotFound
from alma.events import ChoicesMade, LessonsTold
from alma.learned import Choice, ChoiceWhat, LearnedNote, Trial
from alma.learner.choosing import Choosing
from alma.learner.version_records import Policy
from alma.learning.outcome import context_of
from alma.plan import MAIN

log = logging.getLogger(__name__)


class Versions(Protocol):
    """What is needed of `learner.versions.Versions`."""

    def choices(self, owner: str, role: str, unit: str, context: str) -> list[Choice]: ...

    def role_of(self, owner: str, hash: str) -> Role | None: ...

    def notes_of(self, owner: str, hash: str) -> list[LearnedNote]: ...

    def policy_of(self, owner: str, hash: str) -> Policy | None: ...


class Lessons(Protocol):
    """What is needed of `learner.lessons.Lessons`."""

    async def told(
        self, task: Task, role: Role, step: str, window: int, *, weak: bool, notes: list[LearnedNote]
    ) -> LessonsTold | None: ...


class LearnerTeacher:
    """`lessons` None: nothing that was learned is told. `on`: whether an owner wants to learn."""

    def __init__(
        self,
        database: Database,
        roles: Roles,
        choosing: Choosing,
        versions: Versions,
        lessons: Lessons | None,
        *,
        on: Callable[[str], bool],
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._roles = roles
        self._choosing = choosing
        self._versions = versions
        self._lessons = lessons
        self._on = on
        self._clock = clock
        self._kept: set[str] = set()  # versions of roles that are in the database

    async def choose(self, task: Task, role: Role, patterns: Callable[[], Sequence[str]]) -> ChoicesMade | None:
        """See `agent.teaching`. Who took a task over because another failed does it as usual: no arm is chosen."""
        if task.trial is not None:
            choices = _of_trial(task, role, task.trial)
        elif self._on(task.owner):
            choices = await self._learned(task, role, patterns)
        else:
            return None
        if not choices:
            return None
        made = ChoicesMade(at=self._clock(), task_id=task.task_id, role=role.name, choices=choices)
        await self._keep(task.owner, choices)
        return made

    async def _learned(self, task: Task, role: Role, patterns: Callable[[], Sequence[str]]) -> list[Choice]:
        """The policy of the role decides between the arms, and who does it between the versions of its file."""
        context = context_of(task.task_id, role.name, task.route.kind if task.route is not None else "")
        found = self._versions.choices(task.owner, role.name, task.run_id, context)
        policy = next((one for one in found if one.what == "policy"), None)
        routes = self._versions.policy_of(task.owner, policy.chosen) if policy is not None else None
        arm = None
        if task.assignment == 1:
            arm = await self._choosing.choose(task, role, patterns, routes or Policy())
        if arm is not None and (doer := read_arm(arm.chosen).role):
            found = self._versions.choices(task.owner, doer, task.run_id, context)
        told = [one for one in found if one.what != "policy"]
        return [one for one in (arm, policy, *told) if one is not None]

    async def _keep(self, owner: str, choices: Sequence[Choice]) -> None:
        """The file of a version must be there before a prompt is made of it."""
        for choice in choices:
            if choice.what != "prompt" or choice.chosen in self._kept:
                continue
            if (role := self._versions.role_of(owner, choice.chosen)) is not None:
                kept = role
                await self._database.write(lambda connection, kept=kept: keep_role(connection, kept))
                self._kept.add(choice.chosen)

    def role(self, task: Task, role: Role) -> Role:
        """See `agent.teaching`. What is gone meanwhile, a variant or a version, is done without."""
        arm = arm_of(task.choices)
        if arm.role:
            try:
                role = self._roles.get(arm.role)
            except NotFound:
                log.warning("the role %s, chosen for %s of %s, is gone", arm.role, task.task_id, task.run_id)
        version = next((one.chosen for one in task.choices if one.what == "prompt"), role.version)
        if version == role.version:
            return role
        found = self._versions.role_of(task.owner, version)
        if found is None or found.name != role.name:
            log.warning("version %s of %s, chosen for %s, is gone", version, role.name, task.run_id)
            return role
        return found

    async def lessons(self, task: Task, role: Role, step: str, window: int, *, weak: bool) -> LessonsTold | None:
        """See `agent.teaching`."""
        if self._lessons is None or (task.trial is None and not self._on(task.owner)):
            return None
        version = next((one.chosen for one in task.choices if one.what == "notes"), "")
        notes = self._versions.notes_of(task.owner, version) if version else []
        return await self._lessons.told(task, role, step, window, weak=weak, notes=notes)


def _of_trial(task: Task, role: Role, trial: Trial) -> list[Choice]:
    """What the trial names for a task of this role."""
    doer = trial.stand_in.get(role.name, "")
    arm = Arm(doer, "", trial.pattern if task.task_id == MAIN else "")
    kind = task.route.kind if task.route is not None else ""
    context = context_of(task.task_id, role.name, kind)
    named: list[tuple[ChoiceWhat, str]] = [("arm", arm.id)] if arm != Arm() else []
    name = doer or role.name
    if version := trial.roles.get(name):
        named.append(("prompt", version))
    if name in trial.notes:
        named.append(("notes", trial.notes[name]))
    return [Choice(what, chosen, by="trial", context=context, version=trial.id) for what, chosen in named]
