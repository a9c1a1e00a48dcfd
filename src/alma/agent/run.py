"""One agent's loop: route the task, build the prompt, stream the model, return a value.

It acts only through its desk and knows neither the journal nor the network. A stop cancels it; what had streamed is
then journaled by the engine.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Protocol

from alma.agent.prompt import Prompt, build
from alma.agent.role import Role
from alma.agent.router import Router
from alma.agent.task import Answer, Desk, Failed, Outcome, Task
from alma.errors import AlmaError, EndpointError, EndpointGarbled, ModelUnavailable
from alma.events import Delta, MessageFinished, MessageStarted, RouteChosen, Timing, Usage
from alma.models.chat import ChatModel, ChatRequest, Chunk
from alma.models.remote import ModelInfo


class Models(Protocol):
    """Where an agent's model comes from."""

    def resolve(self, model_id: str | None) -> tuple[ChatModel, ModelInfo]: ...


class Agent:
    """`role` speaks, `router` decides the kind, `models` answer. `clock` gives Unix seconds."""

    def __init__(self, role: Role, router: Router, models: Models, clock: Callable[[], float] = time.time) -> None:
        self._role = role
        self._router = router
        self._models = models
        self._clock = clock

    async def run(self, task: Task, desk: Desk) -> Outcome:
        """Make one attempt at `task`."""
        try:
            route = task.route
            if route is None:
                route = await self._router.route(task.text, task.owner, task.kind, self._clock())
            model, info = self._models.resolve(task.model)
            prompt = await build(
                model,
                self._role.kinds[route.kind].prompt,
                task.history,
                task.text,
                window=info.context_window,
                max_tokens=route.sampling.max_tokens,
            )
        except AlmaError as error:
            return Failed(error, retryable=isinstance(error, ModelUnavailable))
        started = self._started(task, info, prompt)
        new = (started,) if task.route is not None else (route, started)
        recorded = desk.record(*new)
        return await _Stream(task, desk, started, recorded).run(model, _request(info, prompt, route))

    def _started(self, task: Task, info: ModelInfo, prompt: Prompt) -> MessageStarted:
        return MessageStarted(
            at=self._clock(),
            message_id=task.message_id,
            attempt=task.attempt,
            role=self._role.name,
            model=info.id,
            endpoint=info.endpoint,
            prompt_version=self._role.version,
            sections=prompt.sections,
            turns=[turn.run_id for turn in prompt.turns],
            answered=[turn.run_id for turn in prompt.turns if turn.answer],
            left_out_turns=prompt.left_out + task.older,
            context_window=info.context_window,
        )


def _request(info: ModelInfo, prompt: Prompt, route: RouteChosen) -> ChatRequest:
    sampling = route.sampling
    if prompt.max_tokens < sampling.max_tokens:
        sampling = type(sampling)(sampling.temperature, sampling.top_p, prompt.max_tokens)
    return ChatRequest(model=info.name, messages=prompt.messages, sampling=sampling)


class _Stream:
    """One model call under way. The call is sent while the start is being journaled; text is shown only after."""

    def __init__(self, task: Task, desk: Desk, started: MessageStarted, recorded: Awaitable[object]) -> None:
        self._task = task
        self._desk = desk
        self._started = started
        self._recorded = recorded
        self._opened = False
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._n = 0
        self._reasoning_n = 0
        self._pieces = 0

    async def run(self, model: ChatModel, request: ChatRequest) -> Outcome:
        begun = time.perf_counter()
        first: float | None = None
        last = Chunk()
        try:
            async with aclosing(model.stream(request)) as chunks:
                async for chunk in chunks:
                    if not self._opened:
                        await self._open()
                    if chunk.tokens:
                        first = first or time.perf_counter()
                        self._show(chunk)
                    if chunk.finish_reason is not None:
                        last = chunk
            if not self._n:
                raise EndpointGarbled("The model ended its answer without any text.", endpoint=model.endpoint)
        except EndpointError as error:
            await self._open()
            after = None if error.retry_after is None else error.retry_after * 1000
            return Failed(error, "".join(self._text), error.retryable, after)
        ended = time.perf_counter()
        timing = Timing(round(((first or ended) - begun) * 1000, 2), round((ended - begun) * 1000, 2))
        return Answer(self._finished(last, timing))

    async def _open(self) -> None:
        if not self._opened:
            await self._recorded
            self._opened = True
            self._desk.open(self._started)

    def _show(self, chunk: Chunk) -> None:
        task = self._task
        self._pieces += chunk.tokens
        if chunk.reasoning:
            self._reasoning.append(chunk.reasoning)
            self._reasoning_n += len(chunk.reasoning)
            self._desk.stream(
                Delta(
                    task.thread_id,
                    task.run_id,
                    task.message_id,
                    task.attempt,
                    self._reasoning_n,
                    chunk.reasoning,
                    chunk.tokens,
                    "reasoning",
                )
            )
        if chunk.text:
            self._text.append(chunk.text)
            self._n += len(chunk.text)
            self._desk.stream(
                Delta(task.thread_id, task.run_id, task.message_id, task.attempt, self._n, chunk.text, chunk.tokens)
            )

    def _finished(self, last: Chunk, timing: Timing) -> MessageFinished:
        prompt_tokens = sum(section.tokens for section in self._started.sections)
        return MessageFinished(
            at=self._started.at + timing.total_ms / 1000,
            message_id=self._task.message_id,
            attempt=self._task.attempt,
            text="".join(self._text),
            reasoning="".join(self._reasoning),
            finish_reason=last.finish_reason or "stop",
            usage=last.usage or Usage(prompt_tokens, self._pieces, estimated=True),
            timing=timing,
            model=last.model,
        )
