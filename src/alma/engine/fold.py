"""Folds a run's entries into its state. Pure: no I/O, no clock, no randomness.

A run is folded once and then grows with each entry, at a cost that does not depend on how many tasks there are: what
can run now (`ready`) and what has to end (`ending`) is kept up to date, so that nobody ever looks through all tasks.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from alma.engine.budget import spent_by
from alma.engine.state import Call, RunState, TaskState
from alma.events import (
    MEMORY,
    AgentMessage,
    AttemptFailed,
    BoardWritten,
    BudgetReached,
    ChoicesMade,
    ContextTrimmed,
    JournalEntry,
    LessonsTold,
    MemoriesRecalled,
    MessageFinished,
    MessageStarted,
    PauseRequested,
    PlanAmended,
    PlanDecided,
    PlanMade,
    QuestionAnswered,
    QuestionAsked,
    Recorded,
    ResumeRequested,
    RouteChosen,
    RouteCorrected,
    RunFinished,
    RunStarted,
    Signaled,
    StopRequested,
    TaskFinished,
    TaskReused,
    TaskStarted,
    ToolCalled,
    ToolDecided,
    ToolReturned,
)
from alma.model_call import Paid
from alma.plan import MAIN, MANAGER, PlanTask, parent_of

_CHARS_A_TOKEN = 4  # of an attempt that failed nobody sends the usage


def fold(run_id: str, entries: Iterable[Recorded]) -> RunState:
    state = RunState(run_id)
    for recorded in entries:
        apply(state, recorded)
    return state


def apply(state: RunState, recorded: Recorded) -> None:
    """Take one more entry into `state`, in place; entries must come in order, one already seen is ignored."""
    if recorded.seq <= state.head:
        return
    state.head = recorded.seq
    entry = recorded.entry
    if isinstance(entry, RunStarted):
        state.started = entry
        state.clock_from = entry.at
        state.tasks[MAIN] = TaskState(MAIN, role=MANAGER, model=entry.model, budget_tokens=entry.tokens)
        _refresh(state, state.main)
        return
    if (spent := spent_by(entry)) is not None:
        state.spent += spent[1]
    state.outside = state.outside or _is_from_outside(entry)
    task = state.tasks.get(entry.task_id)
    if task is None:
        return  # of a task that an amendment took out again; it means nothing any more
    match entry:
        case AgentMessage():
            state.mail.append((recorded.seq, entry))
        case BoardWritten():
            state.board[entry.key] = entry
        case RouteChosen():
            state.route = entry
        case RouteCorrected() | Signaled():
            pass  # for the next runs; this one goes on as it was
        case PauseRequested():
            state.paused = True
        case ResumeRequested():
            state.paused = False
            state.clock_from = entry.at
        case RunFinished():
            state.finished = entry
            state.ready.clear()
            state.ending.clear()
        case PlanMade() | PlanDecided() | PlanAmended():
            _apply_plan(state, task, entry)
        case _:
            _apply_to_task(state, task, entry)
    _refresh(state, task)


def _is_from_outside(entry: JournalEntry) -> bool:
    match entry:
        case (
            ToolCalled() | AgentMessage() | BoardWritten() | TaskFinished() | TaskReused() | PlanMade() | PlanAmended()
        ):
            return bool(entry.outside)
        case MemoriesRecalled():
            return any(hit.outside for hit in entry.hits)
        case _:
            return False


# ── plans ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _apply_plan(state: RunState, task: TaskState, entry: PlanMade | PlanDecided | PlanAmended) -> None:
    match entry:
        case PlanMade():
            task.plan = entry
            task.plan_open = entry.needs_approval
            task.status = "working"
            _add(state, task, entry.plan.tasks, entry.outside)
        case PlanDecided():
            if not task.plan_open:
                return  # two words at the same time: the first one counts
            task.plan_open = False
            state.clock_from = entry.at
            if not entry.approved or entry.tasks is not None:
                _drop_children(state, task)
                task.plan_declined = not entry.approved
            if entry.approved and entry.tasks is not None:
                _add(state, task, entry.tasks, task.plan.outside if task.plan is not None else ())
        case PlanAmended():
            _add(state, task, entry.add, entry.outside)
            for old, new in entry.replace.items():
                _replace(state, old, new)
            for gone in entry.cancel:
                _stop(state, state.tasks.get(gone))
    for child in task.children:
        _refresh(state, state.tasks[child])


def _add(state: RunState, parent: TaskState, specs: list[PlanTask], outside: Iterable[str]) -> None:
    """`outside`: what from outside stood in the context of whoever made them. A task that is there stays as it is."""
    specs = [spec for spec in specs if spec.id not in state.tasks]
    for spec in specs:
        task = TaskState(spec.id, role=spec.role, model=spec.model, spec=spec, depends_on=list(spec.depends_on))
        task.stop_requested = parent.stop_requested
        task.outside = dict.fromkeys(outside)
        state.tasks[spec.id] = task
        parent.children.append(spec.id)
        parent.open_children += 1
    for spec in specs:
        task = state.tasks[spec.id]
        for other in spec.depends_on:
            _wait(state, task, other)
        for early in state.named_early.pop(spec.id, ()):
            task = state.tasks.get(early)  # it may be another meanwhile: its plan was changed
            if task is not None and spec.id in task.depends_on and not task.begun and not task.ended:
                _wait(state, task, spec.id)
                _refresh(state, task)


def _wait(state: RunState, task: TaskState, other_id: str) -> None:
    other = state.tasks.get(other_id)
    if other is None:
        state.named_early.setdefault(other_id, []).append(task.id)
    elif not other.ended:
        task.waiting_for.add(other_id)
        other.dependents.append(task.id)


def _drop_children(state: RunState, task: TaskState) -> None:
    """The plan was turned down or changed before anything of it began."""
    for child in task.children:
        state.tasks.pop(child, None)
        state.ready.pop(child, None)
        state.ending.pop(child, None)
    task.children.clear()
    task.open_children = 0


def _replace(state: RunState, old_id: str, new_id: str) -> None:
    """Whoever waits for the one now waits for the other, and gets its result; the new one itself does not."""
    old = state.tasks.get(old_id)
    if old is None or new_id not in state.tasks:
        return
    old.replaced_by = new_id
    for task in state.tasks.values():
        if task.id != new_id and old_id in task.depends_on and not task.ended and not task.begun:
            task.depends_on = [new_id if other == old_id else other for other in task.depends_on]
            task.waiting_for.discard(old_id)
            _wait(state, task, new_id)
            _refresh(state, task)


# ── one task ──────────────────────────────────────────────────────────────────────────────────────────────────────

_OfTask = (
    TaskStarted
    | TaskFinished
    | TaskReused
    | BudgetReached
    | ContextTrimmed
    | MemoriesRecalled
    | ChoicesMade
    | LessonsTold
    | MessageStarted
    | AttemptFailed
    | MessageFinished
    | ToolCalled
    | ToolDecided
    | ToolReturned
    | QuestionAsked
    | QuestionAnswered
    | StopRequested
)


def _apply_to_task(state: RunState, task: TaskState, entry: _OfTask) -> None:
    match entry:
        case TaskStarted():
            task.status = "working"
            task.begun = entry.assignment
            task.started_at = task.started_at or entry.at
            task.budget_tokens, task.budget_seconds = entry.tokens, entry.seconds
        case ContextTrimmed():
            pass  # said for whoever looks; the start that follows has what the prompt is made of
        case MemoriesRecalled():
            task.reminded.update(hit.id for hit in entry.hits)
            task.outside.update((hit.outside, None) for hit in entry.hits if hit.outside)
            if not entry.call_id:
                task.recalled = entry
        case ChoicesMade():
            task.choices = entry.choices
        case LessonsTold():
            task.lessons = entry
        case MessageStarted():
            task.status = "working"
            task.attempts[entry.step] = entry.attempt
            lost = entry.lost or task.asked  # of an attempt that a crash cut off
            task.spent_tokens += lost.tokens if lost is not None else 0
            task.asked = Paid(entry.model, sum(section.tokens for section in entry.sections), cost=entry.cost)
        case AttemptFailed():
            if entry.to_role is not None:  # what memory told this role may be private to it
                state.mail = [one for one in state.mail if one[1].sender != MEMORY or one[1].recipient != task.id]
            _failed(task, entry)
        case MessageFinished():
            task.failures = 0
            task.last_failure = None
            task.steps[entry.step] = entry
            task.spent_tokens += entry.usage.input_tokens + entry.usage.output_tokens if entry.cache is None else 0
            task.asked = None
            task.spent_ms += entry.timing.total_ms
        case ToolCalled():
            known = task.calls.get(entry.call_id)
            task.calls[entry.call_id] = Call(entry, known.approved if known else None)
        case ToolDecided():
            if (call := task.calls.get(entry.call_id)) is not None and call.approved is None:
                call.approved = entry.approved
            state.clock_from = entry.at
        case ToolReturned():
            if (call := task.calls.get(entry.call_id)) is not None:
                call.returned = entry
                if call.called.outside and call.approved is not False:
                    task.outside[call.called.outside] = None
            task.spent_ms += entry.ms
        case QuestionAsked():
            task.questions[entry.question_id] = entry
        case QuestionAnswered():
            if entry.question_id in task.questions:
                task.answers.setdefault(entry.question_id, entry.text)
            state.clock_from = entry.at
        case BudgetReached():
            task.reached.append(entry)
            if entry.scope != "task":
                state.reached.add((entry.scope, entry.what, entry.warning))
        case StopRequested():
            _stop(state, task)
        case TaskFinished():
            message = next((one for one in task.steps.values() if one.message_id == entry.message_id), None)
            _end(state, task, entry, message.text if message is not None else entry.text)
        case TaskReused():
            task.reused = True
            end = TaskFinished(at=entry.at, task_id=task.id, status=entry.status, outside=entry.outside)
            _end(state, task, end, entry.text)
        case _:
            assert_never(entry)


def _failed(task: TaskState, entry: AttemptFailed) -> None:
    task.failures += 1
    if entry.paid is not None:
        task.spent_tokens += entry.paid.tokens
    else:  # it was written before attempts said what they had used
        task.spent_tokens += len(entry.text) // _CHARS_A_TOKEN + (task.asked.tokens if task.asked is not None else 0)
    task.asked = None
    begun = task.attempts.get(entry.step, 0)
    task.attempts[entry.step] = max(begun, entry.attempt)  # it may have failed before its message was begun
    task.last_failure = entry
    if entry.to_role is not None or entry.to_model is not None:
        task.role = entry.to_role or task.role
        task.model = entry.to_model or task.model
        task.assignment += 1
        task.failures = 0
        task.attempts.clear()
        task.steps.clear()
        task.calls.clear()
        task.choices = []
        task.lessons = None
        task.recalled = None  # another role may not know all that this one knew
        task.reminded.clear()


def _stop(state: RunState, task: TaskState | None) -> None:
    """The task and all below it are to end."""
    if task is None or task.ended:
        return
    task.stop_requested = True
    for child in task.children:
        _stop(state, state.tasks[child])
        _refresh(state, state.tasks[child])
    _refresh(state, task)


def _end(state: RunState, task: TaskState, finished: TaskFinished, text: str) -> None:
    if task.ended:
        return
    task.status = finished.status
    task.result = finished
    task.spent_tokens += finished.lost.tokens if finished.lost is not None else 0
    task.asked = None
    task.text = text
    for dependent in task.dependents:
        if (other := state.tasks.get(dependent)) is not None and task.id in other.waiting_for:
            other.waiting_for.discard(task.id)
            _refresh(state, other)
    parent = state.tasks.get(parent_of(task.id) or "")
    if parent is not None:
        parent.open_children -= 1
        parent.spent_tokens += task.spent_tokens
        _refresh(state, parent)


def _refresh(state: RunState, task: TaskState) -> None:
    """Bring `ready` and `ending` up to what the task is now."""
    if task.ended or state.finished is not None:
        state.ready.pop(task.id, None)
        state.ending.pop(task.id, None)
        return
    if task.stop_requested or task.doomed or has_nothing(state, task):
        state.ready.pop(task.id, None)
        state.ending[task.id] = None
        return
    state.ending.pop(task.id, None)  # what it had nothing of may come yet: its plan was amended
    parent = state.tasks.get(parent_of(task.id) or "")
    asks = task.waits_for_user
    if asks:
        task.status = "input_required"
    elif task.status == "input_required":
        task.status = "working"
    if asks or task.waiting_for or task.open_children or (parent is not None and parent.plan_open):
        state.ready.pop(task.id, None)
    else:
        state.ready[task.id] = None


def has_nothing(state: RunState, task: TaskState) -> bool:
    """It was not begun, and everything that it depends on has ended, and nothing of it came out well."""
    if task.waiting_for or not task.depends_on or task.begun:
        return False
    return all((other := state.tasks.get(one)) is None or other.status != "completed" for one in task.depends_on)
