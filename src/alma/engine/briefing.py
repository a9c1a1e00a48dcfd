"""What an agent is told when it takes up a task: made from the run's state, the same each time for the same state.

The page shows a prompt by making it again from the log; so nothing may flow into a task that the log does not hold.
"""

from __future__ import annotations

from alma.agent.plan_check import delegation
from alma.agent.task import Reply, Result, Task, ToolUse, Turn
from alma.engine.state import RunState, TaskState
from alma.events import MEMORY, AgentMessage, AttemptFailed
from alma.plan import MAIN


def brief(state: RunState, task: TaskState, history: list[Turn], older: int) -> Task:
    """The task as its agent gets it. `history` is used by the run's own task only."""
    started = state.started
    assert started is not None
    is_main = task.id == MAIN
    failure = task.last_failure
    return Task(
        run_id=state.run_id,
        thread_id=started.thread_id,
        owner=started.owner,
        request=started.text,
        task_id=task.id,
        spec=task.spec,
        role=task.role,
        model=task.model or started.model,
        assignment=task.assignment,
        history=history if is_main else [],
        older=older if is_main else 0,
        kind=started.kind,
        route=state.route if is_main else None,
        approve=started.approve,
        plan=task.plan.plan if task.plan is not None else None,
        declined=task.plan_declined,
        steps=dict(task.steps),
        attempts=dict(task.attempts),
        calls=[ToolUse(call.called, call.approved, call.returned) for call in task.calls.values()],
        replies=[Reply(asked, task.answers.get(key, "")) for key, asked in task.questions.items()],
        results=_results(state, task),
        mail=mail(state, task),
        board=dict(state.board),
        budget_tokens=max(task.budget_tokens - task.spent_tokens, 1) if task.budget_tokens else 0,
        next_child=task.next_child,
        memories=task.recalled.hits if task.recalled is not None else [],
        reminded_for=task.recalled.message_id if task.recalled is not None else "",
        reminded=frozenset(task.reminded),
        problem=failure.error.message if failure is not None and _is_to_mend(failure) else "",
        priority=started.priority,
        choices=task.choices,
        lessons=task.lessons,
        trial=started.trial,
        fresh=started.fresh or started.of_run_id is not None,
    )


def _is_to_mend(failure: AttemptFailed) -> bool:
    """Whether who failed is to be told what was wrong; who stands in for them did nothing wrong."""
    return failure.error.code == "output_invalid" and failure.retry_in_ms is not None


def results_for(state: RunState, task: TaskState) -> list[TaskState]:
    """Those that have ended of what it depends on, then of its own children but those that another task has replaced.
    In place of a verdict stands what was judged."""
    wanted: dict[str, None] = {}
    for task_id in task.depends_on:
        judged = _judged(state, task_id)
        wanted[judged or task_id] = None
    for task_id in task.children:
        if _judged(state, task_id) is None and state.tasks[task_id].replaced_by is None:
            wanted[task_id] = None
    found = (state.tasks.get(task_id) for task_id in wanted)
    return [other for other in found if other is not None and other.ended]


def _results(state: RunState, task: TaskState) -> list[Result]:
    found: list[Result] = []
    for other in results_for(state, task):
        title = (other.spec.title or other.spec.goal) if other.spec is not None else ""
        error = other.result.error if other.result is not None else None
        text = other.text if other.status == "completed" else ""
        outside = other.result.outside if other.result is not None else []
        found.append(Result(other.id, other.role, title, other.status, text, error, outside))
    return found


def _judged(state: RunState, task_id: str) -> str | None:
    """What a critic that has come to a verdict judged; None for every other task."""
    task = state.tasks.get(task_id)
    return task.spec.review_of if task is not None and task.spec is not None and task.status == "completed" else None


def mail(state: RunState, task: TaskState) -> list[tuple[int, AgentMessage]]:
    """The messages to a task, to everybody of its role, or to the whole team, with their `seq`; none of its own. What
    memory has to say of a change is written in the name of the task that it is for."""
    to = (task.id, task.role, "team")
    return [
        (seq, one)
        for seq, one in state.mail
        if one.recipient in to and (one.task_id != task.id or one.sender == MEMORY)
    ]


def delegations(state: RunState) -> set[str]:
    """All that was ever delegated in the run, and the request: what must not be delegated again."""
    assert state.started is not None
    found = {delegation(state.main.role, state.started.text)}
    found.update(delegation(task.spec.role, task.spec.goal) for task in state.tasks.values() if task.spec is not None)
    return found
