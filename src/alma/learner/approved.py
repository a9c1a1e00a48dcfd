"""Which answers of a run its owner approved, out of its journal alone. Pure.

A lesson is what one agent answered by itself: nothing that was joined from results or made with tools, for an example
would teach to do without them; nothing that knew of content from outside, which must not speak in later prompts as if
its owner had; nothing of a trial.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from alma.engine.fold import fold
from alma.engine.state import RunState, TaskState
from alma.events import Recorded, Signaled
from alma.models.tokens import estimate
from alma.observability.redaction import Redactor
from alma.plan import MAIN

How = Literal["thumb", "edited", "preferred", "hand"]
MOST_TOKENS = 2000  # of a task with its answer: more has no room beside any task
_BESIDE = 16  # tokens that a chat template puts around the two messages
_REDACTOR = Redactor()


class Approved(Struct, frozen=True):
    """`id`: of the lesson, the same each time; `tokens`: of task and answer in a prompt, estimated."""

    id: str
    role: str
    kind: str
    task_id: str
    thread_id: str
    task: str
    answer: str
    how: How
    tokens: int


def approved(run_id: str, log: Sequence[Recorded]) -> list[Approved]:
    """By task; of the signals of a task the newest of each kind counts."""
    signals: dict[str, dict[str, Signaled]] = {}
    for recorded in log:
        if isinstance(entry := recorded.entry, Signaled):
            signals.setdefault(entry.task_id, {})[entry.signal] = entry
    if not signals:
        return []
    state = fold(run_id, log)
    if state.started is None or state.started.trial is not None:
        return []
    found: list[Approved] = []
    for task_id, said in signals.items():
        task = state.tasks.get(task_id)
        one = _approved(state, task, said) if task is not None else None
        if one is not None:
            found.append(one)
    return found


def _approved(state: RunState, task: TaskState, said: dict[str, Signaled]) -> Approved | None:
    judged = _judged(task, said)
    ended = state.finished if task.id == MAIN else task.result
    if judged is None or ended is None or ended.status != "completed" or not _alone(task):
        return None
    answer, how = judged
    started = state.started
    assert started is not None
    goal = started.text if task.id == MAIN or task.spec is None else task.spec.goal
    tokens = size(goal, answer)
    if not answer.strip() or not goal.strip() or tokens > MOST_TOKENS or has_secret(f"{goal}\n{answer}"):
        return None
    kind = state.route.kind if task.id == MAIN and state.route is not None else ""
    key = "\0".join((started.owner, state.run_id, task.id, answer))
    id = f"x_{hashlib.sha256(key.encode('utf-8', 'replace')).hexdigest()[:20]}"
    return Approved(id, task.role, kind, task.id, started.thread_id, goal, answer, how, tokens)


def _judged(task: TaskState, said: dict[str, Signaled]) -> tuple[str, How] | None:
    """The answer as it should be, and by what that is known. A thumb down outweighs a preference: that was the better
    of two."""
    edited, thumb, preferred = said.get("edited"), said.get("thumb"), said.get("preferred")
    if edited is not None and edited.value != 0 and edited.text.strip():
        return edited.text, "edited"
    text = task.text or (task.answer.text if task.answer is not None else "")
    if thumb is not None and thumb.value != 0:
        return (text, "thumb") if thumb.value > 0 else None
    if preferred is not None and preferred.value > 0:
        return text, "preferred"
    return None


def _alone(task: TaskState) -> bool:
    """Whether its agent did it by itself, with nothing from outside."""
    if task.calls or (task.plan is not None and not task.plan_declined):
        return False
    return not knew_of_outside(task)


def knew_of_outside(task: TaskState) -> bool:
    """Whether content from outside stood in its context: by its tools, in what was said before, or in its results."""
    ended = task.result is not None and bool(task.result.outside)
    return ended or bool(task.outside) or any(message.outside for message in task.steps.values())


def has_secret(text: str) -> bool:
    """Whether there is something in it that looks like a password or a key."""
    return _REDACTOR.text(text) != text


def size(task: str, answer: str) -> int:
    """Tokens that an example takes in a prompt."""
    return estimate(task) + estimate(answer) + _BESIDE
