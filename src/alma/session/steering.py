"""What a user can say to a run under way: stop, pause, go on, yes or no to a plan or a tool call, an answer.

Each word is checked against the run as its log has it, written durably, and then acted on by the engine. A word that
comes too late is refused with the state that it met.
"""

from __future__ import annotations

import re
from typing import Protocol

from alma.agent.facts import read_facts
from alma.agent.plan_check import PlanLimits, check, sanitise
from alma.db.database import Database
from alma.engine.fold import fold
from alma.engine.runner import Engine
from alma.engine.state import RunState, TaskState
from alma.errors import Conflict, InvalidRequest, NotFound
from alma.events import Fork, JournalEntry, PauseRequested, PlanDecided, QuestionAnswered, ResumeRequested, ToolDecided
from alma.plan import MAIN, MANAGER, Plan, PlanTask
from alma.session.evidence import read_journal

MOST_ANSWER = 20_000  # characters
_NUMBER = re.compile(r"[1-9][0-9]{0,5}")


class RoleNames(Protocol):
    def names(self) -> list[str]: ...


class Steering:
    def __init__(self, database: Database, engine: Engine, limits: PlanLimits, roles: RoleNames) -> None:
        self._database = database
        self._engine = engine
        self._limits = limits
        self._roles = roles

    async def stop(self, owner: str, run_id: str, task_id: str | None = None) -> str:
        """Stop a run, or one task of it with all below; returns its thread. What has ended stays as it is."""
        state = await self._state(owner, run_id)
        if task_id is not None:
            self._task(state, task_id)
        thread_id = _thread(state)
        await self._engine.stop(run_id, thread_id, task_id or MAIN)
        return thread_id

    async def pause(self, owner: str, run_id: str) -> str:
        """Begin nothing new in this run. Pausing a paused run changes nothing."""
        state = await self._going(owner, run_id)
        return _thread(state) if state.paused else await self._tell(state, PauseRequested(at=self._engine.clock()))

    async def resume(self, owner: str, run_id: str) -> str:
        state = await self._going(owner, run_id)
        return await self._tell(state, ResumeRequested(at=self._engine.clock())) if state.paused else _thread(state)

    async def decide_plan(
        self, owner: str, run_id: str, task_id: str, *, approved: bool, tasks: list[PlanTask] | None
    ) -> str:
        """Approve the plan that a task waits with, or (with `tasks`) another one in its place, or turn it down."""
        state = await self._going(owner, run_id)
        task = self._task(state, task_id)
        if not task.plan_open:
            raise Conflict(
                "plan_decided",
                "This plan does not wait for a decision.",
                actual="it was decided before" if task.plan is not None else "there is no plan",
                hint="Stop the run, or ask again, to have another plan.",
            )
        tasks = self._checked(state, task, tasks) if approved and tasks is not None else None
        return await self._tell(
            state, PlanDecided(at=self._engine.clock(), task_id=task_id, approved=approved, tasks=tasks)
        )

    async def decide_tool(self, owner: str, run_id: str, call_id: str, *, approved: bool) -> str:
        """Allow or refuse a tool call that waits for it."""
        state = await self._going(owner, run_id)
        for task in state.tasks.values():
            call = task.calls.get(call_id)
            if call is not None and call.called.needs_approval and call.approved is None and not task.ended:
                decided = ToolDecided(at=self._engine.clock(), task_id=task.id, call_id=call_id, approved=approved)
                return await self._tell(state, decided)
        raise Conflict("call_decided", f"No tool call {call_id!r} waits for leave.", hint="It was decided, or is gone.")

    async def answer(self, owner: str, run_id: str, question_id: str, text: str) -> str:
        """Answer what an agent asked."""
        if not text.strip() or len(text) > MOST_ANSWER:
            expected = f"1 to {MOST_ANSWER:,} characters"
            raise InvalidRequest("invalid_field", "The answer is out of bounds.", expected=expected)
        state = await self._going(owner, run_id)
        for task in state.tasks.values():
            if question_id in task.questions and question_id not in task.answers and not task.ended:
                answer = QuestionAnswered(at=self._engine.clock(), task_id=task.id, question_id=question_id, text=text)
                return await self._tell(state, answer)
        hint = "It was answered before, or its task has ended."
        raise Conflict("question_gone", f"No question {question_id!r} waits for an answer.", hint=hint)

    def check_fork(self, fork: Fork) -> None:
        """Raises `NotFound` (unknown_role), and `InvalidRequest` for another role of the run's own task."""
        if fork.role is None:
            return
        if fork.task_id == MAIN:
            raise InvalidRequest("invalid_field", f"The run's own task is the {MANAGER}'s.", expected="no role")
        if fork.role not in (names := self._roles.names()):
            hint = f"There are: {', '.join(names)}."
            raise NotFound("unknown_role", f"There is no role named {fork.role[:80]!r}.", hint=hint)

    # ── inside ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _state(self, owner: str, run_id: str) -> RunState:
        log = await self._database.read(lambda connection: read_journal(connection, owner, run_id))
        return fold(run_id, log)

    async def _going(self, owner: str, run_id: str) -> RunState:
        state = await self._state(owner, run_id)
        if state.finished is not None or state.started is None:
            raise _over(run_id)
        return state

    async def _tell(self, state: RunState, entry: JournalEntry) -> str:
        thread_id = _thread(state)
        if not await self._engine.tell(thread_id, state.run_id, entry):
            raise _over(state.run_id)
        return thread_id

    def _task(self, state: RunState, task_id: str) -> TaskState:
        task = state.tasks.get(task_id)
        if task is None:
            raise NotFound("unknown_task", f"Run {state.run_id} has no task {task_id!r}.")
        return task

    def _checked(self, state: RunState, task: TaskState, tasks: list[PlanTask]) -> list[PlanTask]:
        assert state.started is not None
        if len(tasks) > self._limits.tasks:
            problems = [f"at most {self._limits.tasks} tasks are allowed, these are {len(tasks):,}"]
        else:
            plan = sanitise(Plan(tasks, source="user"), self._limits)
            tasks = plan.tasks
            problems = [
                *_wrong_ids(task, tasks),
                *check(plan, " ".join(one.goal for one in tasks), read_facts(""), self._roles.names(), self._limits),
            ]
        if problems:
            raise InvalidRequest(
                "invalid_plan", "The plan cannot be used.", actual=" ".join(problems), hint="Change it and try again."
            )
        return tasks


def _wrong_ids(task: TaskState, tasks: list[PlanTask]) -> list[str]:
    prefix = "" if task.id == MAIN else f"{task.id}."
    return [
        f"task {one.id[:40]!r} needs an id such as {prefix}1"
        for one in tasks
        if not (one.id.startswith(prefix) and _NUMBER.fullmatch(one.id.removeprefix(prefix)))
    ]


def _thread(state: RunState) -> str:
    assert state.started is not None
    return state.started.thread_id


def _over(run_id: str) -> Conflict:
    return Conflict("run_finished", f"Run {run_id} has ended.", hint="Ask again to have another one.")
