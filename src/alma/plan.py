"""Plans: which tasks a piece of work is split into, who does each, and what waits for what. Frozen data.

A task's id says where it stands: the children of the run's own task (`main`) are "1", "2", …; those of task "2" are
"2.1", "2.2", …. Ids are given by Alma, never by a model, and are never used twice in a run.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

MAIN = "main"
MANAGER = "manager"  # the role of the run's own task


class PlanTask(Struct, frozen=True, omit_defaults=True):
    """One task. `goal` stands by itself: its agent sees nothing of the request but this and what flows to it.

    `inputs`: the request's own words that this task is about (an option, a criterion, a constraint). `depends_on`: ids
    in the same plan whose results it gets. `tokens`, `seconds`: its budget; 0 takes a share of its parent's.
    `review_of`: the task that this one judges and may send back; `round` counts how often that happened.
    """

    id: str
    role: str
    goal: str
    title: str = ""
    depends_on: list[str] = []
    inputs: list[str] = []
    expected: str = ""
    done_when: str = ""
    model: str | None = None
    tokens: int = 0
    seconds: float = 0.0
    priority: int = 0
    review_of: str | None = None
    round: int = 0


class Plan(Struct, frozen=True, omit_defaults=True):
    """`source`: who made it. `pattern`: by which plan pattern, where it was one. `reason`: why so, in a sentence.
    `problems`: what was wrong with the earlier tries that the model was told about."""

    tasks: list[PlanTask]
    source: Literal["model", "pattern", "agent", "user"]
    pattern: str = ""
    reason: str = ""
    problems: list[str] = []


def parent_of(task_id: str) -> str | None:
    """Whose plan the task is in; None for the run's own task."""
    if task_id == MAIN:
        return None
    head, _, _ = task_id.rpartition(".")
    return head or MAIN


def child_id(parent: str, number: int) -> str:
    return str(number) if parent == MAIN else f"{parent}.{number}"


def depth_of(task_id: str) -> int:
    """0 for the run's own task, 1 for its children, and so on."""
    return 0 if task_id == MAIN else task_id.count(".") + 1


def message_id(run_id: str, task_id: str, assignment: int, step: str) -> str:
    """Of the message of a step: the same for every attempt at it, another one after a reassignment."""
    of = task_id if assignment == 1 else f"{task_id}@{assignment}"
    return f"{run_id}.{of}" if step == "answer" else f"{run_id}.{of}.{step}"
