"""A run as its events tell it: the plan, how each task stands, what waits for the user, what it all cost. Pure.

Knows nothing of how it is shown. Fed with every event of one run, in order, also with those of long ago.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from alma.cli.following import Event
from alma.events import TaskStatus
from alma.plan import MAIN, Plan, PlanTask, parent_of
from alma.session.wire import (
    Custom,
    PlanAmendment,
    PlanDecision,
    PlanEvent,
    Question,
    QuestionReply,
    ReasoningMessageContent,
    Reused,
    RunErrorEvent,
    RunFinishedEvent,
    RunStartedEvent,
    SubagentError,
    SubagentFinished,
    SubagentStarted,
    TextMessageContent,
    TextMessageEnd,
    TextMessageStart,
    ToolCallResult,
    ToolCallStart,
    ToolDecision,
)

ENDED: frozenset[TaskStatus] = frozenset(("completed", "failed", "canceled", "rejected"))
_KEPT = 400  # characters of a task's text: its last words are shown


@dataclass
class TaskView:
    """One task. `began`, `ended`: Unix milliseconds, 0 when not yet. `tokens`: written so far, of the open message as
    they come. `words`: the end of what it has written. `writing`: the step of its open message. `calls`: tool calls
    under way."""

    id: str
    role: str = ""
    title: str = ""
    depends_on: list[str] = field(default_factory=list[str])
    status: TaskStatus = "submitted"
    model: str = ""
    began: int = 0
    ended: int = 0
    tokens: int = 0
    words: str = ""
    writing: str = ""
    calls: set[str] = field(default_factory=set[str])
    reused: bool = False
    open_tokens: int = 0

    @property
    def over(self) -> bool:
        return self.status in ENDED


@dataclass(frozen=True)
class Ask:
    """Something that waits for the user's word. `key`: the question's or the tool call's id, or whose plan it is."""

    kind: Literal["question", "plan", "tool"]
    task_id: str
    key: str
    text: str
    options: tuple[str, ...] = ()
    plan: Plan | None = None
    because: tuple[str, ...] = ()  # of a tool call: what from outside is in its agent's context


@dataclass
class Costs:
    """`first_word_ms`: from the task's start to the first token of text that anybody wrote; None before it came."""

    input_tokens: int = 0
    output_tokens: int = 0
    calls: int = 0
    cached: int = 0  # calls whose answer was not made anew
    first_word_ms: float | None = None


class RunView:
    def __init__(self) -> None:
        self.main = TaskView(MAIN, "manager")
        self.tasks: dict[str, TaskView] = {}
        self.asks: dict[str, Ask] = {}
        self.costs = Costs()
        self.paused = False
        self.began = 0
        self.ended = 0
        self._opened: dict[str, tuple[int, str]] = {}  # by message: when it was begun, and its step

    def task(self, task_id: str) -> TaskView:
        if task_id in ("", MAIN):
            return self.main
        return self.tasks.setdefault(task_id, TaskView(task_id))

    def take(self, event: Event) -> None:
        task = self.task(event.subagent_run_id)
        match event:
            case RunStartedEvent():
                self.began = self.main.began = event.timestamp
                self.main.status = "working"
            case TextMessageStart():
                task.writing, task.words, task.open_tokens = event.step, "", 0
                task.role = task.role or event.name
                task.model = event.model
                self._opened[event.message_id] = (event.timestamp, event.step)
            case TextMessageContent():
                task.words = (task.words + event.delta)[-_KEPT:]
                task.open_tokens += event.tokens
            case ReasoningMessageContent():
                task.open_tokens += event.tokens
            case TextMessageEnd():
                self._count(task, event)
            case SubagentStarted():
                task.status, task.role, task.model = "working", event.name, event.model or task.model
                task.began = task.began or event.timestamp
            case SubagentFinished():
                self._end(task, event.status, event.timestamp)
            case SubagentError():
                self._end(task, event.status, event.timestamp)
            case ToolCallStart():
                task.calls.add(event.tool_call_id)
                if event.needs_approval:
                    text = f"{event.tool_call_name} {event.arguments}"
                    self._ask(Ask("tool", task.id, event.tool_call_id, text, because=tuple(event.because)))
            case ToolCallResult():
                task.calls.discard(event.tool_call_id)
                self.answered(event.tool_call_id)
            case RunFinishedEvent() | RunErrorEvent():
                self.ended = event.timestamp
                self.asks.clear()
            case Custom():
                self._note(task, event.name, event.value)

    def answered(self, key: str) -> None:
        """The user has spoken on this; also before the run's own event says so."""
        ask = self.asks.pop(key, None)
        if ask is not None and not any(other.task_id == ask.task_id for other in self.asks.values()):
            self.task(ask.task_id).status = "working"

    # ── what may be asked of it ───────────────────────────────────────────────────────────────────────────────────

    @property
    def stuck(self) -> bool:
        """Nothing goes on before the user has spoken: answered what is asked, or let a paused run go on."""
        return bool(self.asks or self.paused) and not any(map(self._moves, [self.main, *self.tasks.values()]))

    def open_tasks(self) -> Iterator[TaskView]:
        return (task for task in self.tasks.values() if not task.over)

    def _moves(self, task: TaskView) -> bool:
        """Somebody works on it now, or soon will."""
        if task.over or any(ask.task_id == task.id for ask in self.asks.values()):
            return False
        if self.paused:
            return bool(task.writing or task.calls)
        parent = parent_of(task.id)
        if any(ask.kind == "plan" and ask.task_id == parent for ask in self.asks.values()):
            return False
        if any(parent_of(other.id) == task.id for other in self.open_tasks()):
            return False
        return all(self.tasks[one].over for one in task.depends_on if one in self.tasks)

    # ── inside ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _note(self, task: TaskView, name: str, value: Any) -> None:
        match name:
            case "alma.plan":
                said = msgspec.convert(value, PlanEvent)
                self._plan(said.plan.tasks)
                if said.needs_approval:
                    self._ask(Ask("plan", task.id, task.id, said.plan.reason, plan=said.plan))
            case "alma.plan_decided":
                self._decided(task, msgspec.convert(value, PlanDecision))
            case "alma.plan_amended":
                self._amend(msgspec.convert(value, PlanAmendment))
            case "alma.task_reused":
                reused = msgspec.convert(value, Reused)
                task.status, task.role, task.reused, task.words = reused.status, reused.role, True, reused.text[-_KEPT:]
            case "alma.question":
                asked = msgspec.convert(value, Question)
                self._ask(Ask("question", task.id, asked.question_id, asked.text, tuple(asked.options)))
            case "alma.question_answered":
                self.answered(msgspec.convert(value, QuestionReply).question_id)
            case "alma.tool_decided":
                self.answered(msgspec.convert(value, ToolDecision).tool_call_id)
            case "alma.attempt_failed":
                task.writing, task.open_tokens = "", 0
            case "alma.paused":
                self.paused = True
            case "alma.resumed":
                self.paused = False
            case _:
                pass

    def _plan(self, tasks: list[PlanTask]) -> None:
        for one in tasks:
            self.tasks[one.id] = TaskView(one.id, one.role, one.title or one.goal, list(one.depends_on))

    def _decided(self, task: TaskView, decision: PlanDecision) -> None:
        ask = self.asks.get(task.id)
        self.answered(task.id)
        if ask is None or ask.plan is None or (decision.approved and decision.tasks is None):
            return
        for one in ask.plan.tasks:
            self.tasks.pop(one.id, None)
        self._plan(decision.tasks or [])

    def _amend(self, amendment: PlanAmendment) -> None:
        self._plan(amendment.add)
        for task in self.tasks.values():
            task.depends_on = [amendment.replace.get(one, one) for one in task.depends_on]

    def _ask(self, ask: Ask) -> None:
        self.asks[ask.key] = ask
        self.task(ask.task_id).status = "input_required"

    def _end(self, task: TaskView, status: TaskStatus, at: int) -> None:
        task.status, task.ended, task.writing = status, at, ""
        self.asks = {key: ask for key, ask in self.asks.items() if ask.task_id != task.id}

    def _count(self, task: TaskView, event: TextMessageEnd) -> None:
        task.writing, task.open_tokens = "", 0
        task.tokens += event.usage.output_tokens
        costs = self.costs
        costs.calls += 1
        costs.cached += event.cache is not None
        costs.input_tokens += event.usage.input_tokens
        costs.output_tokens += event.usage.output_tokens
        opened, step = self._opened.pop(event.message_id, (0, ""))
        if opened and self.began and event.n and not step.startswith("decide"):
            first = opened - self.began + event.timing.first_token_ms
            costs.first_word_ms = first if costs.first_word_ms is None else min(costs.first_word_ms, first)
