"""What owners said of a role's tasks, as prompts and notes are made from it: reasons, edits, failures.

Of past runs one half judges what is made from the other (`learning/holdout.py`); here is only the other.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct
from msgspec.structs import replace

from alma.db.learning_tables import outcomes
from alma.engine.fold import fold
from alma.engine.journal import read_entries
from alma.events import Recorded, Signaled
from alma.learner import lesson_store
from alma.learner.approved import has_secret, knew_of_outside
from alma.learning.holdout import held_out
from alma.learning.outcome import Outcome, TaskOutcome
from alma.models.chat import ChatMessage
from alma.plan import MAIN

# Asks a model, in the name of an owner whose budgets it counts in; the schema is of the JSON that is wanted.
Ask = Callable[[str, Sequence[ChatMessage], "dict[str, Any] | None"], Awaitable[str]]
LOOKED_AT = 2000  # of the newest runs
_FAILED = 0.45  # a reward below it: what nobody speaks of has 0.5
_LEAST_WEIGHT = 0.2  # that this must rest on
_OUTCOME = msgspec.json.Decoder(Outcome)


class Said(Struct, frozen=True):
    """A task and what was said of its answer. `wanted`: the answer as its owner would have it, where they wrote it;
    `error`: the code of what it failed with; `failed`: it was not what was wanted."""

    run_id: str
    task_id: str
    task: str
    answer: str
    reasons: list[str]
    wanted: str = ""
    error: str = ""
    failed: bool = False


def said_of_role(connection: sa.Connection, owner: str, role: str, most: int) -> list[Said]:
    """Of the newest runs in which the role's tasks failed or were spoken of in words, at most so many. Where its owner
    deleted the lesson of a task, the answer that they wrote is no example here either."""
    gone = lesson_store.deleted(connection, owner)
    row = outcomes.c
    asked = sa.select(row.data).where(row.owner == owner).order_by(row.num.desc()).limit(LOOKED_AT)
    found: list[Said] = []
    for data in connection.execute(asked).scalars():
        outcome = _OUTCOME.decode(data)
        tasks = [task for task in outcome.tasks if task.role == role and "@" not in task.task_id and _speaks(task)]
        if not tasks or held_out(outcome.run_id):
            continue
        found += said_in(outcome.run_id, read_entries(connection, {outcome.run_id: 0})[outcome.run_id], tasks)
        if len(found) >= most:
            break
    return [replace(one, wanted="") if (one.run_id, one.task_id) in gone else one for one in found[:most]]


def _speaks(task: TaskOutcome) -> bool:
    return _failed(task) or any(one.name in ("thumb", "edited", "corrected") for one in task.signals)


def _failed(task: TaskOutcome) -> bool:
    low = task.reward is not None and task.reward < _FAILED and task.weight >= _LEAST_WEIGHT
    return low or bool(task.error)


def said_in(run_id: str, log: Sequence[Recorded], tasks: Sequence[TaskOutcome]) -> list[Said]:
    """What was said of these tasks of a run; nothing of those that knew of content from outside, which is not to speak
    in a prompt as if their owner had."""
    state = fold(run_id, log)
    signals: dict[str, dict[str, Signaled]] = {}
    for recorded in log:
        if isinstance(entry := recorded.entry, Signaled):
            signals.setdefault(entry.task_id, {})[entry.signal] = entry
    found: list[Said] = []
    for outcome in tasks:
        task = state.tasks.get(outcome.task_id)
        if task is None or state.started is None or knew_of_outside(task):
            continue
        goal = state.started.text if task.id == MAIN or task.spec is None else task.spec.goal
        said = [one for one in signals.get(task.id, {}).values() if one.value]
        wanted = next((one.text for one in said if one.signal == "edited"), "")
        reasons = [one.reason.strip() for one in said if one.value < 0 or one.signal in ("edited", "corrected")]
        one = Said(
            run_id,
            task.id,
            goal,
            task.text or (task.answer.text if task.answer is not None else ""),
            [reason for reason in reasons if reason],
            wanted,
            outcome.error,
            _failed(outcome),
        )
        if not has_secret("\n".join((one.task, one.answer, one.wanted, *one.reasons))):
            found.append(one)
    return found
