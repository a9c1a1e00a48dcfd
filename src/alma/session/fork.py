"""Forks: a run repeated from one task on, with another goal, role or model for it. Pure.

What does not follow from that task is not done again: the new run's log begins with the results of the old one.
"""

from __future__ import annotations

from msgspec.structs import replace

from alma.engine.state import RunState, TaskState
from alma.errors import Conflict, NotFound
from alma.events import Fork, JournalEntry, PlanAmended, PlanMade, TaskReused
from alma.plan import MAIN, Plan, PlanTask, parent_of


def forked(state: RunState, fork: Fork, at: float) -> list[JournalEntry]:
    """The entries, after its start, with which the fork of `state` begins. Raises `NotFound` (unknown_task)."""
    if state.route is None or not state.main.children:
        raise Conflict("no_plan", "This run has no tasks to fork from.", hint="Answer it again instead.")
    if fork.task_id not in state.tasks:
        raise NotFound("unknown_task", f"Run {state.run_id} has no task {fork.task_id!r}.")
    again = _affected(state, fork.task_id)
    entries: list[JournalEntry] = [replace(state.route, at=at)]
    parents = [task for task in state.tasks.values() if task.children and (task.id == MAIN or task.id in again)]
    for parent in parents:
        if parent.id != MAIN and parent.id != fork.task_id and not _is_above(parent.id, fork.task_id):
            continue  # it is done again from its start, its plan with it
        if parent.id == fork.task_id and parent.id != MAIN:
            continue
        assert parent.plan is not None
        specs = [_spec(state.tasks[child], fork) for child in parent.children]
        plan = Plan(specs, source=parent.plan.plan.source, pattern=parent.plan.plan.pattern, reason="Taken over.")
        outside = dict.fromkeys(phrase for child in parent.children for phrase in state.tasks[child].outside)
        entries.append(PlanMade(at=at, task_id=parent.id, plan=plan, outside=[*outside]))
        replaced = {one: other for one in parent.children if (other := state.tasks[one].replaced_by) is not None}
        if replaced:
            entries.append(PlanAmended(at=at, task_id=parent.id, replace=replaced, reason="Taken over."))
        entries += [
            _reused(state, state.tasks[child], at)
            for child in parent.children
            if child not in again and state.tasks[child].ended
        ]
    return entries


def _spec(task: TaskState, fork: Fork) -> PlanTask:
    """As the task was last, not as it was first planned: with who had it, and what it waited for."""
    assert task.spec is not None
    spec = replace(task.spec, role=task.role, model=task.model, depends_on=list(task.depends_on))
    if task.id != fork.task_id:
        return spec
    return replace(spec, goal=fork.goal or spec.goal, role=fork.role or spec.role, model=fork.model or spec.model)


def _reused(state: RunState, task: TaskState, at: float) -> TaskReused:
    status = task.status if task.status in ("failed", "canceled", "rejected") else "completed"
    return TaskReused(
        at=at,
        task_id=task.id,
        from_run_id=state.run_id,
        role=task.role,
        text=task.text,
        status=status,
        outside=task.result.outside if task.result is not None else [],
    )


def _affected(state: RunState, task_id: str) -> set[str]:
    """The task, what depends on it, and what is above any of these."""
    found: set[str] = set()
    waiting = [task_id]
    while waiting:
        one = waiting.pop()
        if one in found or one not in state.tasks:
            continue
        found.add(one)
        waiting += [task.id for task in state.tasks.values() if one in task.depends_on]
        if (parent := parent_of(one)) is not None:
            waiting.append(parent)
    return found


def _is_above(task_id: str, other: str) -> bool:
    return other.startswith(f"{task_id}.")
