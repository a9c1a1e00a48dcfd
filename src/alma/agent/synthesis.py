"""What Alma itself adds to a joined answer, so that it does not depend on how good a model is. Pure."""

from __future__ import annotations

from alma.agent.task import Task


def closing(task: Task) -> str:
    """The lines after a joined answer: what it is based on, and what is missing in it and why."""
    based = [f"[{result.task_id}] {result.title}".rstrip() for result in task.results if result.status == "completed"]
    missing = [
        f"[{result.task_id}] {result.title} ({result.error.message.rstrip('.') if result.error else result.status})"
        for result in task.results
        if result.status != "completed"
    ]
    lines = [f"*Based on* {' · '.join(based)}"] if based else []
    lines += [f"*Missing:* {' · '.join(missing)}"] if missing else []
    return "\n\n" + "\n\n".join(lines) if lines else ""


def as_found(task: Task, why: str) -> str:
    """What the tasks of a plan have found, one after the other, when no model may join it any more. Empty: nothing."""
    found = [
        f"**{result.title or f'Task {result.task_id}'}**\n\n{result.text.strip()}"
        for result in task.results
        if result.status == "completed" and result.text.strip()
    ]
    if not found:
        return ""
    first = f"*{why} before the results could be joined. This is what was found.*"
    return "\n\n".join([first, *found]) + closing(task)
