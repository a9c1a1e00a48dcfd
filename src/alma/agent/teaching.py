"""What learning does for a task, as its agent sees it: who does it and how, and what it is told of what was learned.

The agent asks its `Teacher` once before a task's first step, and once before each message. What came of it is in the
journal, so that a task that is taken up again is not chosen for again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct

from alma.agent.role import Role
from alma.agent.task import Task
from alma.events import ChoicesMade, LessonsTold
from alma.learned import Choice

DIRECT = "direct"  # the pattern of not splitting


class Arm(Struct, frozen=True):
    """Who does a task and how; each is empty where it is as usual."""

    role: str = ""
    model: str = ""
    pattern: str = ""

    @property
    def id(self) -> str:
        return f"{self.role}|{self.model}|{self.pattern}"


def read_arm(id: str) -> Arm:
    role, model, pattern = (*id.split("|"), "", "", "")[:3]
    return Arm(role, model, pattern)


def arm_of(choices: Sequence[Choice]) -> Arm:
    """What was chosen; as usual where nothing was."""
    return next((read_arm(one.chosen) for one in choices if one.what == "arm"), Arm())


class Teacher(Protocol):
    async def choose(self, task: Task, role: Role, patterns: Callable[[], Sequence[str]]) -> ChoicesMade | None:
        """Choose for a task that begins; None: there is nothing to choose. `patterns`: by which it could be split, as
        far as that is its agent's to decide, with `direct` among them."""
        ...

    def role(self, task: Task, role: Role) -> Role:
        """The role as the task's choices have it: a variant, or another version of its file."""
        ...

    async def lessons(self, task: Task, role: Role, step: str, window: int, *, weak: bool) -> LessonsTold | None:
        """What is told with the message of `step`; None: nothing, or nothing but what was told before."""
        ...
