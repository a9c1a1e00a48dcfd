"""One agent's loop: what is to be done now, the prompt, the model's stream, its tools, until the task has its result.

It acts only through its desk and knows neither the journal nor the network. What an earlier activation has done is in
the task: a step that is there is never done again.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from alma.agent import planning
from alma.agent.acts import read_more
from alma.agent.call import Call, Stream
from alma.agent.caller import caller
from alma.agent.context import Prompt, Trim, build
from alma.agent.output import OutputInvalid, check_output
from alma.agent.planner import Strength, decide, patterns, read_decision, strength
from alma.agent.prompt import Material, Mode, Part, gather
from alma.agent.reminding import MemoryDoor, Reminding
from alma.agent.role import Role
from alma.agent.router import Router
from alma.agent.synthesis import closing
from alma.agent.task import Answer, Desk, Failed, Grant, Outcome, Task, Wait
from alma.agent.teaching import DIRECT, Teacher, arm_of
from alma.agent.tooling import Tooling, Using, can_use_tools
from alma.errors import AlmaError, ContextOverflow, ModelUnavailable, NotFound
from alma.events import ChoicesMade, ContextTrimmed, JournalEntry, MessageFinished, MessageStarted
from alma.model_call import Sampling, Section, SentMessage
from alma.models.chat import ChatMessage, ChatModel, ChatRequest, ToolSpec
from alma.models.probe import ProbeReport
from alma.models.remote import ModelInfo
from alma.plan import MAIN, MANAGER

Schema = dict[str, Any]
# A weak model writes 100 tokens a second and reads 250: long texts of its agents cost more than they say.
_WEAK_PART = 160
_WEAK_WHOLE = 320


class Models(Protocol):
    """Where an agent's model comes from."""

    def resolve(self, model_id: str | None) -> tuple[ChatModel, ModelInfo]: ...

    def report(self, model_id: str) -> ProbeReport | None: ...


class Roles(Protocol):
    """Where an agent's role comes from."""

    def get(self, name: str) -> Role: ...


class Who(Struct, frozen=True):
    """Who does the task now: its role, the model that answers, and what that can do."""

    role: Role
    model: ChatModel
    info: ModelInfo
    strength: Strength
    tools: bool  # it can call tools

    @property
    def weak(self) -> bool:
        return self.strength.level == "weak"


class Agent:
    """`router` decides the kind of the run's own task, `models` answer. `clock` gives Unix seconds. `memories` None:
    agents remember nothing. `teacher` None: nothing is learned."""

    def __init__(
        self,
        roles: Roles,
        router: Router,
        models: Models,
        tooling: Tooling,
        clock: Callable[[], float] = time.time,
        memories: MemoryDoor | None = None,
        teacher: Teacher | None = None,
    ) -> None:
        self._roles = roles
        self._router = router
        self._models = models
        self._tooling = tooling
        self._clock = clock
        self._reminding = Reminding(memories, clock)
        self._teacher = teacher

    async def run(self, task: Task, desk: Desk) -> Outcome:
        """Carry the task on, as far as it goes without waiting for others."""
        try:
            new: list[JournalEntry] = []  # written together with the first entry that follows
            if task.task_id == MAIN and task.route is None:
                route = await self._router.route(task.request, task.owner, task.kind, self._clock())
                new.append(route)
                task = msgspec.structs.replace(task, route=route)
            if (made := await self._choose(task)) is not None:
                new.append(made)
                task = msgspec.structs.replace(task, choices=made.choices)
            who = self._who(task)
            if self._is_to_plan(task, who) and (outcome := await self._plan(task, who, desk, new)) is not None:
                return outcome
            return await self._answer(task, who, desk, new)
        except AlmaError as error:
            return Failed(error, retryable=isinstance(error, ModelUnavailable | OutputInvalid))

    async def _choose(self, task: Task) -> ChoicesMade | None:
        """What learning chooses for a task that begins."""
        if self._teacher is None or task.choices or task.steps or task.plan is not None or task.replies:
            return None
        role = self._roles.get(task.role or MANAGER)

        def patterns_open() -> list[str]:
            if task.task_id != MAIN or task.route is None or task.route.kind != "analytical" or not role.delegates_to:
                return []
            return patterns(planning.ask(task, role, strong=False))

        return await self._teacher.choose(task, role, patterns_open)

    def _who(self, task: Task) -> Who:
        role = self._roles.get(task.role or MANAGER)
        if self._teacher is not None:
            role = self._teacher.role(task, role)
        model, info = self._model(task, role)
        report = self._models.report(info.id)
        return Who(role, model, info, strength(info, report), can_use_tools(info, report))

    def _model(self, task: Task, role: Role) -> tuple[ChatModel, ModelInfo]:
        """The one that was asked for, else the one that learning chose, as long as it is there, else the role's."""
        if not task.model and (chosen := arm_of(task.choices).model):
            with contextlib.suppress(NotFound, ModelUnavailable):
                return self._models.resolve(chosen)
        return self._models.resolve(task.model or role.model)

    # ── planning ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _is_to_plan(self, task: Task, who: Who) -> bool:
        return (
            task.task_id == MAIN
            and task.route is not None
            and task.route.kind == "analytical"
            and task.plan is None
            and not task.declined
            and not any(step.startswith("answer") for step in task.steps)
            and bool(who.role.delegates_to)
            and arm_of(task.choices).pattern != DIRECT
        )

    async def _plan(self, task: Task, who: Who, desk: Desk, new: list[JournalEntry]) -> Outcome | None:
        """Decide whether to delegate; None: answer directly. By pattern that costs no model call; a strong one is
        asked, told what is wrong with its plan, and in the end the pattern decides."""
        ask = planning.ask(task, who.role, strong=not who.weak)
        told: list[str] = []
        last = ""
        pattern = arm_of(task.choices).pattern
        for step in planning.steps(task) if not who.weak and not pattern else ():
            message = task.steps.get(step)
            fresh = message is None
            if message is None:
                if told and desk.paused():
                    return Wait()
                spoken = await self._ask_planner(
                    task, who, desk, step, new, planning.messages(ask, who.role, self._purposes(who), told, last)
                )
                if isinstance(spoken, Failed):
                    return spoken
                message = spoken
                new.clear()
            decision = read_decision(message.text, ask, told)
            entries = [] if isinstance(decision, list) else planning.entries(task, decision, self._clock())
            if fresh:
                await desk.record(message, *entries)
                desk.close(message.message_id)
            elif entries:
                await desk.record(*entries)
            if not isinstance(decision, list):
                return Wait() if entries else None
            told, last = decision, message.text
        entries = planning.entries(task, decide(ask, pattern), self._clock())
        if entries:
            await desk.record(*new, *entries)
        return Wait() if entries else None

    async def _ask_planner(
        self, task: Task, who: Who, desk: Desk, step: str, new: list[JournalEntry], messages: list[ChatMessage]
    ) -> MessageFinished | Failed:
        parts = [Part("plan", one.content, trusted=True) for one in messages]
        prompt = await build(
            who.model,
            Material([], [], parts),
            window=who.info.context_window,
            max_tokens=planning.SAMPLING.max_tokens,
        )
        prompt = msgspec.structs.replace(prompt, messages=messages)
        granted = await desk.reserve(prompt.tokens, prompt.max_tokens, who.info.price)
        sampling = msgspec.structs.replace(planning.SAMPLING, max_tokens=granted.max_tokens)
        request = self._request(task, who, prompt, sampling, [], planning.schema(who.role))
        return await self._call(task, who, desk, step, prompt, request, new, granted, sent=True)

    def _purposes(self, who: Who) -> dict[str, str]:
        return {name: self._roles.get(name).purpose for name in who.role.delegates_to}

    # ── answering ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def _answer(self, task: Task, who: Who, desk: Desk, new: list[JournalEntry]) -> Outcome:
        """Rounds of speaking and using tools; the last one only speaks."""
        joins = task.plan is not None and not task.declined
        mode: Mode = "answer" if not joins else "notes" if who.weak and task.task_id == MAIN else "synthesis"
        using = Using(task, who.role, desk, who.tools)
        number = 1
        while True:
            step = "answer" if number == 1 else f"answer.{number}"
            message = using.task.steps.get(step)
            if message is None:
                if number > 1 and desk.paused():
                    return Wait()
                using.heard()
                spoken = await self._speak(using, who, mode, step, new)
                if isinstance(spoken, Failed):
                    return spoken
                new = []
                if using.exhausted and spoken.tool_calls:
                    if not spoken.text.strip():
                        return Failed(OutputInvalid("It went on calling tools and gave no answer."), step)
                    spoken = msgspec.structs.replace(spoken, tool_calls=[], finish_reason="stop")
                if not spoken.tool_calls:
                    return Answer(spoken)
                await desk.record(spoken)
                desk.close(spoken.message_id)
                using.said(spoken)
                message = spoken
            if not message.tool_calls:
                return Answer(message)
            if not await self._tooling.use(using, step, message):
                return Wait()
            number += 1

    async def _speak(
        self, using: Using, who: Who, mode: Mode, step: str, new: list[JournalEntry]
    ) -> MessageFinished | Failed:
        """One model call of the task, with the tools it may use."""
        window, trial = who.info.context_window, using.task.trial
        if trial is None or trial.memory:
            told = await self._reminding.remind(using.task, who.role, step, window, weak=who.weak)
            if told is not None:
                using.remembered(told)
                new = [*new, told]
        if self._teacher is not None:
            taught = await self._teacher.lessons(using.task, who.role, step, window, weak=who.weak)
            if taught is not None:
                using.taught(taught)
                new = [*new, taught]
        task = using.task
        sampling = self._sampling(task, who, mode)
        prompt, specs = await self._prompt(using, who, mode, sampling.max_tokens, step, new)
        schema = who.role.output_schema if mode == "answer" else None
        granted = await using.desk.reserve(prompt.tokens, prompt.max_tokens, who.info.price)
        sampling = msgspec.structs.replace(sampling, max_tokens=granted.max_tokens)
        request = self._request(task, who, prompt, sampling, specs, schema)
        tail = closing(task) if mode != "answer" else ""
        spoken = await self._call(task, who, using.desk, step, prompt, request, new, granted, tail=tail)
        if isinstance(spoken, MessageFinished) and schema is not None and not spoken.tool_calls:
            try:
                check_output(spoken.text, schema)
            except OutputInvalid as error:
                return Failed(error, step, spoken.text, retryable=True, message=spoken)
        return spoken

    async def _prompt(
        self, using: Using, who: Who, mode: Mode, max_tokens: int, step: str, new: list[JournalEntry]
    ) -> tuple[Prompt, list[ToolSpec]]:
        """The prompt, and the tools that are offered with it. Where a text had to be shortened, it can be read on;
        where the tools leave no room for the task, it is asked without them."""
        task, specs = using.task, self._tooling.offered(using)
        material = gather(task, who.role, mode)
        if who.weak:  # what is expected of it only leads it astray: it answers that instead
            material.last[:] = [part for part in material.last if part.name != "expected"]

        async def built() -> Prompt:
            window = who.info.context_window - self._tooling.tokens(specs)
            return await build(who.model, material, window=window, max_tokens=max_tokens)

        try:
            prompt = await built()
            if using.able and not using.exhausted and any(trim.rung == "results" for trim in prompt.trims):
                specs = [*specs, read_more()]
                prompt = await built()
        except ContextOverflow:
            names, specs = [spec.name for spec in specs], []
            try:
                prompt = await built()
            except ContextOverflow as error:
                await using.desk.record(*new, self._trimmed(task, step, Trim("refused", 0, [], error.message)))
                raise
            prompt.trims.append(Trim("results", 0, names, "tools had no room beside the task"))
        if specs:
            names = ",".join(spec.name for spec in specs)
            prompt.sections.insert(1, Section("tools", self._tooling.tokens(specs), names))
        return prompt, specs

    def _trimmed(self, task: Task, step: str, trim: Trim) -> ContextTrimmed:
        return ContextTrimmed(
            at=self._clock(),
            task_id=task.task_id,
            message_id=task.message_id(step),
            rung=trim.rung,
            tokens=trim.tokens,
            refs=trim.refs,
            detail=trim.detail,
        )

    def _sampling(self, task: Task, who: Who, mode: Mode) -> Sampling:
        sampling = self._usual_sampling(task, who.role)
        if task.trial is not None and task.trial.temperature is not None:
            sampling = msgspec.structs.replace(sampling, temperature=task.trial.temperature)
        if who.weak and who.info.kind != "scripted" and (mode != "answer" or task.task_id != MAIN):
            most = _WEAK_WHOLE if mode != "answer" else _WEAK_PART
            return msgspec.structs.replace(sampling, max_tokens=min(sampling.max_tokens, most))
        return sampling

    @staticmethod
    def _usual_sampling(task: Task, role: Role) -> Sampling:
        """As the task was routed; where learning or a trial put another file in its role's place, as that one says."""
        if task.route is None:
            return role.sampling
        if role.version == task.route.prompt_version or not (task.choices or task.trial):
            return task.route.sampling
        return role.kinds[task.route.kind].sampling if task.route.kind in role.kinds else role.sampling

    # ── calling ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def _call(
        self,
        task: Task,
        who: Who,
        desk: Desk,
        step: str,
        prompt: Prompt,
        request: ChatRequest,
        new: list[JournalEntry],
        granted: Grant,
        *,
        tail: str = "",
        sent: bool = False,
    ) -> MessageFinished | Failed:
        started = MessageStarted(
            at=self._clock(),
            task_id=task.task_id,
            message_id=task.message_id(step),
            attempt=task.attempts.get(step, 0) + 1,
            role=who.role.name,
            model=who.info.id,
            endpoint=who.info.endpoint,
            prompt_version=who.role.version,
            sections=prompt.sections,
            turns=prompt.turns,
            answered=prompt.answered,
            left_out_turns=prompt.left_out,
            context_window=who.info.context_window,
            reserve=prompt.reserve,
            step=step,
            sent=[SentMessage(one.role, one.content) for one in prompt.messages] if sent else [],
        )
        trimmed = [self._trimmed(task, step, trim) for trim in prompt.trims]
        recorded = desk.record(*new, *trimmed, started)
        most = granted.max_tokens if granted.held else 0
        call = Call(started, recorded, tail, most, granted.by is not None, who.info.price)
        return await Stream(task, desk, call).run(who.model, request)

    @staticmethod
    def _request(
        task: Task, who: Who, prompt: Prompt, sampling: Sampling, tools: list[ToolSpec], schema: Schema | None
    ) -> ChatRequest:
        return ChatRequest(
            model=who.info.name,
            messages=prompt.messages,
            sampling=sampling,
            tools=tools,
            json_schema=schema,
            caller=caller(task, who.role, prompt.messages),
            seed=task.trial.seed if task.trial is not None and task.trial.of == "experiment" else None,
        )
