"""How an agent uses tools: intent before, result after, leave where it is needed, and never twice by accident.

A call whose result is in the journal is not made again. One that a crash cut off is made again only where the tool says
that this is harmless; else the user is asked.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from math import ceil

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from alma.agent.acts import ACTS, ASK_USER, Doing, act, offered, offered_of_memory
from alma.agent.reminding import MemoryDoor
from alma.agent.role import Role
from alma.agent.task import Desk, Task, ToolUse
from alma.events import (
    BudgetReached,
    JournalEntry,
    LessonsTold,
    MemoriesRecalled,
    MessageFinished,
    QuestionAsked,
    ToolCalled,
    ToolReturned,
)
from alma.model_call import CallFacts
from alma.models.chat import ToolSpec
from alma.models.probe import ProbeReport
from alma.models.remote import ModelInfo
from alma.plan import MAIN
from alma.tools.signature import ToolContext
from alma.tools.toolbox import Toolbox

_MOST_ACTS = 12  # rounds of a task besides those in which it uses tools
_AGAIN, _WITHOUT = "Call it again", "Go on without it"


def can_use_tools(info: ModelInfo, report: ProbeReport | None) -> bool:
    """Whether tools are offered to the model: by its probe's grade, else by its size."""
    if report is not None:
        return any(one.name == "tools" and one.grade in ("A", "B", "C") for one in report.grades)
    return not info.tiny


class Using(Struct):
    """A task while its agent speaks and uses tools; `task` grows with what is done."""

    task: Task
    role: Role
    desk: Desk
    able: bool  # the model can call tools

    def said(self, message: MessageFinished) -> None:
        self.task = replace(self.task, steps={**self.task.steps, message.step: message}, problem="")

    def heard(self) -> None:
        """Take in what others have said and written meanwhile."""
        self.task = replace(self.task, mail=self.desk.mail(), board=dict(self.desk.board()))

    def remembered(self, told: MemoriesRecalled) -> None:
        """Take in what the agent was reminded of: for its next message, or by its own call."""
        ids = self.task.reminded.union(hit.id for hit in told.hits)
        if told.call_id:
            self.task = replace(self.task, reminded=ids)
        else:
            self.task = replace(self.task, memories=told.hits, reminded_for=told.message_id, reminded=ids)

    def taught(self, told: LessonsTold) -> None:
        """Take in what was learned and is told with its next messages."""
        self.task = replace(self.task, lessons=told)

    def used(self, call_id: str) -> ToolUse | None:
        return next((use for use in self.task.calls if use.called.call_id == call_id), None)

    async def record(self, *entries: JournalEntry) -> None:
        """Write, and take into the task what it says of calls."""
        await self.desk.record(*entries)
        uses = {use.called.call_id: use for use in self.task.calls}
        for entry in entries:
            if isinstance(entry, ToolCalled):
                before = uses.get(entry.call_id)
                uses[entry.call_id] = ToolUse(entry, before.approved if before else None)
            elif isinstance(entry, ToolReturned):
                uses[entry.call_id] = replace(uses[entry.call_id], returned=entry)
            elif isinstance(entry, MemoriesRecalled):
                self.remembered(entry)
        self.task = replace(self.task, calls=list(uses.values()))

    @property
    def exhausted(self) -> bool:
        """Whether it has gone on so often that it has to come to an end."""
        return len(self.task.steps) >= self.role.budgets.tool_calls + _MOST_ACTS

    @property
    def spent(self) -> bool:
        """Whether the task has made as many tool calls as it may."""
        return sum(use.called.name not in ACTS for use in self.task.calls) >= self.role.budgets.tool_calls


class Tooling:
    """`toolbox`: what tools there are. `memory` None: it is switched off. `clock` gives Unix seconds."""

    def __init__(
        self, toolbox: Toolbox, clock: Callable[[], float] = time.time, memory: MemoryDoor | None = None
    ) -> None:
        self._toolbox = toolbox
        self._memory = memory
        self._clock = clock
        self._sizes: dict[str, int] = {}
        self._offers: dict[str, list[ToolSpec]] = {}

    def offered(self, using: Using) -> list[ToolSpec]:
        """What the model is offered now: nothing when it cannot call tools or has to come to an end."""
        if not using.able or using.exhausted:
            return []
        specs = [] if using.spent else self._specs(using.role)
        return [*specs, *(offered(using.task, using.role) if using.task.task_id != MAIN else [])]

    def at_first(self, task: Task, role: Role) -> list[ToolSpec]:
        """What a model that can call tools is offered for a task that begins."""
        return [*self._specs(role), *(offered(task, role) if task.task_id != MAIN else [])]

    def _specs(self, role: Role) -> list[ToolSpec]:
        """Of the role's tools, and of what it may do with memory; put together once for every version of it."""
        specs = self._offers.get(role.version)
        if specs is None:
            specs = [ToolSpec(**spec) for spec in self._toolbox.specs(role.tools)]
            specs += offered_of_memory(role) if self._memory is not None else []
            self._offers[role.version] = specs
        return specs

    def tokens(self, specs: list[ToolSpec]) -> int:
        """About how many tokens of the prompt the specs take."""
        for spec in specs:
            if spec.name not in self._sizes:
                self._sizes[spec.name] = ceil(len(msgspec.json.encode(spec)) / 3)
        return sum(self._sizes[spec.name] for spec in specs)

    async def use(self, using: Using, step: str, message: MessageFinished) -> bool:
        """Carry out what the message asks for, one call after the other. False: the task has to wait."""
        for number, call in enumerate(message.tool_calls, 1):
            call_id = using.task.call_id(step, number)
            use = using.used(call_id)
            if use is not None and use.returned is not None:
                continue
            if using.desk.paused():
                return False
            go_on = await (self._act if call.name in ACTS else self._call)(using, step, call, call_id)
            if not go_on:
                return False
        return True

    async def _act(self, using: Using, step: str, call: CallFacts, call_id: str) -> bool:
        reply = next((one.text for one in using.task.replies if one.asked.question_id == call_id), None)
        doing = Doing(using.task, using.role, using.desk, step, call, call_id, self._clock(), self._memory, reply)
        if reply is not None and call.name == ASK_USER:
            await using.record(doing.returned(reply))
            return True
        entries = await act(doing)
        await using.record(*entries)
        waits = any(entry.__struct_config__.tag in ("question_asked", "plan_made") for entry in entries)
        return not waits

    async def _call(self, using: Using, step: str, call: CallFacts, call_id: str) -> bool:
        use = using.used(call_id)
        tool = self._toolbox.get(call.name)
        if tool is not None and not Toolbox.allowed(using.role.tools, call.name):
            tool = None  # it is refused, and whether it acts is nobody's concern
        because = using.desk.outside() if tool is not None and tool.acts else []
        asks = tool is not None and (tool.needs_approval or bool(because))
        begun = use.called.attempt if use is not None else 0
        intent = ToolCalled(
            at=self._clock(),
            task_id=using.task.task_id,
            call_id=call_id,
            name=call.name,
            arguments=call.arguments,
            step=step,
            attempt=0 if asks and use is None else begun + 1,
            needs_approval=asks if use is None else use.called.needs_approval,
            idempotent=tool is not None and tool.idempotent,
            outside=tool.outside if tool is not None else "",
            because=because,
        )
        if use is None and using.spent:
            return await self._refuse(using, intent)
        if use is None and asks:
            await using.record(intent)
            return False
        if use is not None and use.approved is False:
            await using.record(self._returned(using, call_id, False, "The user did not allow this call."))
            return True
        if use is not None and use.approved is None and use.called.needs_approval:
            return False
        if begun and not intent.idempotent:
            return await self._cut_off(using, intent)
        if asks and use is not None and use.approved is None:  # a crash cut it off, and by now it needs leave
            await using.record(replace(intent, attempt=begun, needs_approval=True))
            return False
        await using.record(intent)
        await self._run(using, intent)
        return True

    async def _run(self, using: Using, intent: ToolCalled) -> None:
        task = using.task
        context = ToolContext(task.owner, task.thread_id, task.run_id, task.task_id, intent.call_id, using.role.name)
        outcome = await self._toolbox.call(intent.name, intent.arguments, context, allowed=using.role.tools)
        returned = self._returned(using, intent.call_id, outcome.ok, outcome.text, outcome.ms, outcome.left_out)
        await using.record(returned)

    async def _cut_off(self, using: Using, intent: ToolCalled) -> bool:
        """The call was under way when the process died: it may have had its effect. Only the user can say."""
        question_id = f"{intent.call_id}!{intent.attempt - 1}"
        reply = next((one for one in using.task.replies if one.asked.question_id == question_id), None)
        if reply is None:
            text = (
                f"The call of {intent.name} was cut off by a crash. It may have had its effect already."
                f" Its arguments: {intent.arguments[:500]}"
            )
            await using.record(
                QuestionAsked(
                    at=self._clock(),
                    task_id=using.task.task_id,
                    question_id=question_id,
                    text=text,
                    options=[_AGAIN, _WITHOUT],
                )
            )
            return False
        if reply.text != _AGAIN:
            told = f"It was cut off by a crash and not called again. The user says: {reply.text}"
            await using.record(self._returned(using, intent.call_id, False, told))
            return True
        await using.record(intent)
        await self._run(using, intent)
        return True

    async def _refuse(self, using: Using, intent: ToolCalled) -> bool:
        limit = using.role.budgets.tool_calls
        told = f"You have used all {limit} tool calls of this task. Answer now with what you have."
        note = BudgetReached(at=intent.at, task_id=using.task.task_id, what="tool_calls", limit=limit, used=limit)
        await using.record(intent, note, self._returned(using, intent.call_id, False, told))
        return True

    def _returned(
        self, using: Using, call_id: str, ok: bool, text: str, ms: float = 0.0, left_out: int = 0
    ) -> ToolReturned:
        return ToolReturned(
            at=self._clock(),
            task_id=using.task.task_id,
            call_id=call_id,
            ok=ok,
            text=text,
            ms=ms,
            left_out=left_out,
        )
