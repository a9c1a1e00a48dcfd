"""The promises, as rules over a run's log: what may be written next, given what is there. Pure.

`broken` is asked for every entry in the moment in which it becomes durable, with the run's state as it was before.
"""

from __future__ import annotations

from alma.engine.state import RunState, TaskState
from alma.events import (
    AttemptFailed,
    BoardWritten,
    JournalEntry,
    MessageFinished,
    MessageStarted,
    PlanAmended,
    PlanDecided,
    PlanMade,
    QuestionAsked,
    RouteCorrected,
    RunFinished,
    RunStarted,
    Signaled,
    TaskFinished,
    TaskStarted,
    ToolCalled,
    ToolReturned,
)
from alma.plan import depth_of, parent_of

AGAIN = "Call it again"  # the user's word that a call which a crash cut off may be made once more
MOST_DEPTH = 4
MOST_TASKS = 24  # in one plan, with what it grew by


class Memory:
    """What of a run's log is not in its state any more."""

    def __init__(self) -> None:
        self.finished: set[str] = set()  # messages
        self.started: dict[str, int] = {}  # by message: its last attempt
        self.failed: set[tuple[str, int]] = set()
        self.begun: set[tuple[str, int]] = set()  # task, assignment
        self.intents: dict[str, int] = {}  # by call: how often it was allowed to run
        self.returned: set[str] = set()  # calls


def broken(state: RunState, entry: JournalEntry, memory: Memory) -> str:
    """What promise this entry breaks, if it is written after what is in `state`; empty: none."""
    if isinstance(entry, RunStarted):
        return "a run was begun twice" if state.started is not None else ""
    if state.finished is not None:
        return "" if isinstance(entry, RouteCorrected | Signaled) else "something was written after the run's end"
    task = state.tasks.get(entry.task_id)
    if task is None:
        return ""  # of a plan that was turned down
    match entry:
        case RunFinished():
            return _run_finished(state, entry)
        case PlanMade() | PlanAmended() | PlanDecided():
            return _plan(state, task, entry)
        case BoardWritten():
            there = state.board.get(entry.key)
            seen = there.version if there is not None else 0
            return "" if entry.version == seen + 1 else f"the board's {entry.key} went from {seen} to {entry.version}"
        case _:
            return _of_task(state, task, entry, memory)


def _run_finished(state: RunState, entry: RunFinished) -> str:
    if entry.error is not None and entry.error.code == "internal":
        return f"a run failed on a bug: {entry.error.message}"
    if open_tasks := [task.id for task in state.unfinished()]:
        return f"a run ended ({entry.status}) with unfinished tasks {open_tasks}"
    if entry.status == "completed" and state.main.answer is None:
        return "a run was completed without an answer"
    return ""


def _plan(state: RunState, task: TaskState, entry: PlanMade | PlanAmended | PlanDecided) -> str:
    if task.ended:
        return f"the plan of task {task.id} changed after its end"
    match entry:
        case PlanMade():
            if task.plan is not None:
                return f"task {task.id} was planned twice"
            new = entry.plan.tasks
        case PlanDecided():
            return ""
        case PlanAmended():
            new = entry.add
    for spec in new:
        if spec.id in state.tasks:
            return f"task {spec.id} was added twice"
        if depth_of(spec.id) > MOST_DEPTH:
            return f"task {spec.id} is too deep"
    if len(task.children) + len(new) > MOST_TASKS:
        return f"the plan of task {task.id} has grown to {len(task.children) + len(new)} tasks"
    return ""


def _of_task(state: RunState, task: TaskState, entry: JournalEntry, memory: Memory) -> str:
    match entry:
        case TaskStarted():
            key = (task.id, entry.assignment)
            if key in memory.begun:
                return f"assignment {entry.assignment} of task {task.id} was begun twice"
            memory.begun.add(key)
            return _may_begin(state, task)
        case MessageStarted():
            before = memory.started.get(entry.message_id, 0)
            memory.started[entry.message_id] = entry.attempt
            if entry.message_id in memory.finished:
                return f"message {entry.message_id} was begun again after it was finished"
            if entry.attempt <= before:
                return f"attempt {entry.attempt} of message {entry.message_id} came after attempt {before}"
            return _may_begin(state, task)
        case MessageFinished():
            if entry.message_id in memory.finished:
                return f"message {entry.message_id} was finished twice"
            memory.finished.add(entry.message_id)
            if memory.started.get(entry.message_id) != entry.attempt:
                return f"attempt {entry.attempt} of message {entry.message_id} was finished, but not begun"
            return f"message {entry.message_id} came after its task's end" if task.ended else ""
        case AttemptFailed():
            key = (entry.message_id, entry.attempt)
            if key in memory.failed:
                return f"attempt {entry.attempt} of message {entry.message_id} failed twice"
            memory.failed.add(key)
            return ""
        case TaskFinished():
            return f"task {task.id} ended twice" if task.ended else ""
        case ToolCalled() | ToolReturned():
            return _tool(task, entry, memory)
        case QuestionAsked():
            return f"question {entry.question_id} was asked twice" if entry.question_id in task.questions else ""
        case _:
            return ""


def _may_begin(state: RunState, task: TaskState) -> str:
    """Results flow along dependencies: whoever works has what it waits for."""
    parent = state.tasks.get(parent_of(task.id) or "")
    if task.ended:
        return f"task {task.id} was worked on after its end"
    if task.waiting_for:
        return f"task {task.id} did not wait for {sorted(task.waiting_for)}"
    if task.open_children:
        return f"task {task.id} did not wait for its own plan"
    if parent is not None and parent.plan_open:
        return f"task {task.id} did not wait for its plan to be approved"
    return ""


def _tool(task: TaskState, entry: ToolCalled | ToolReturned, memory: Memory) -> str:
    if entry.call_id in memory.returned:
        return f"call {entry.call_id} went on after it had returned"
    known = task.calls.get(entry.call_id)
    if isinstance(entry, ToolReturned):
        memory.returned.add(entry.call_id)
        return ""
    if entry.attempt == 0:
        return ""
    runs = memory.intents.get(entry.call_id, 0)
    memory.intents[entry.call_id] = runs + 1
    if entry.needs_approval and (known is None or known.approved is not True):
        return f"call {entry.call_id} needs the user's leave and did not wait for it"
    if runs and not entry.idempotent and task.answers.get(f"{entry.call_id}!{runs}") != AGAIN:
        return f"call {entry.call_id} is not idempotent and was made again without the user's word"
    return ""


def may_flow(state: RunState, task_id: str) -> set[str]:
    """The tasks whose results may be in the prompts of this one."""
    task = state.tasks.get(task_id)
    if task is None:
        return set()
    planned = task.spec.depends_on if task.spec is not None else []
    return {task_id, *planned, *task.depends_on, *task.children}
