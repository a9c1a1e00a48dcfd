"""One streamed model call: from the request to the whole message, or to what went wrong.

The call is sent while its start is being journaled; text is shown only after. A stop cancels it; what had streamed is
then journaled by the engine.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable
from contextlib import aclosing

from msgspec import Struct

from alma.agent.task import Desk, Failed, Task
from alma.errors import EndpointError, EndpointGarbled
from alma.events import Delta, MessageFinished, MessageStarted
from alma.model_call import CallFacts, Timing, Usage
from alma.models.chat import ChatModel, ChatRequest, Chunk
from alma.models.endpoints import Price
from alma.rope import Rope


class Call(Struct, frozen=True):
    """`started`: its entry, on its way to the journal with `recorded`. `tail`: text that Alma adds to the answer.
    `most`: tokens that budgets have left for the answer, which ends there whatever the model was told; 0: as it may.
    `cut`: they made it shorter.
    `price`: of the model."""

    started: MessageStarted
    recorded: Awaitable[object]
    tail: str = ""
    most: int = 0
    cut: bool = False
    price: Price = Price()


class Stream:
    """A call under way."""

    def __init__(self, task: Task, desk: Desk, call: Call) -> None:
        self._task = task
        self._desk = desk
        self._call = call
        self._started = call.started
        self._opened = False
        self._text = Rope()
        self._reasoning = Rope()
        self._n = 0
        self._reasoning_n = 0
        self._pieces = 0

    async def run(self, model: ChatModel, request: ChatRequest) -> MessageFinished | Failed:
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
                    elif self._call.most and self._pieces > self._call.most:
                        last = Chunk(finish_reason="length")
                        break
            if not self._n and not last.tool_calls:
                raise EndpointGarbled("The model ended its answer without any text.", endpoint=model.endpoint)
        except EndpointError as error:
            await self._open()
            after = None if error.retry_after is None else error.retry_after * 1000
            text = self._text.whole
            ms = round((time.perf_counter() - begun) * 1000, 2)
            return Failed(error, self._started.step, text, error.retryable, after, error.endpoint, error.others, ms)
        if self._call.tail and not last.tool_calls:
            self._show(Chunk(text=self._call.tail))
        ended = time.perf_counter()
        timing = Timing(round(((first or ended) - begun) * 1000, 2), round((ended - begun) * 1000, 2))
        return self._finished(last, timing)

    async def _open(self) -> None:
        if not self._opened:
            await self._call.recorded
            self._opened = True
            self._desk.open(self._started)

    def _show(self, chunk: Chunk) -> None:
        self._pieces += chunk.tokens
        if chunk.reasoning:
            self._reasoning.add(chunk.reasoning)
            self._reasoning_n += len(chunk.reasoning)
            self._desk.stream(self._delta(self._reasoning_n, chunk.reasoning, chunk.tokens, reasoning=True))
        if chunk.text:
            self._text.add(chunk.text)
            self._n += len(chunk.text)
            self._desk.stream(self._delta(self._n, chunk.text, chunk.tokens))

    def _delta(self, n: int, text: str, tokens: int, *, reasoning: bool = False) -> Delta:
        task, started = self._task, self._started
        channel = "reasoning" if reasoning else "text"
        return Delta(
            task.thread_id, task.run_id, started.message_id, started.attempt, n, text, tokens, channel, task.task_id
        )

    def _cost(self, last: Chunk, usage: Usage) -> float:
        """As who answered says; by the model's price where nobody did, or did not know how much was used."""
        if last.cache is not None:
            return 0.0
        return last.cost if last.endpoint and last.usage is not None else self._call.price.of(usage)

    def _finished(self, last: Chunk, timing: Timing) -> MessageFinished:
        started = self._started
        reason, usage = last.finish_reason or "stop", last.usage
        if usage is None:
            usage = Usage(sum(section.tokens for section in started.sections), self._pieces, estimated=True)
        return MessageFinished(
            at=started.at + timing.total_ms / 1000,
            task_id=started.task_id,
            message_id=started.message_id,
            attempt=started.attempt,
            text=self._text.whole,
            reasoning=self._reasoning.whole,
            finish_reason="budget" if reason == "length" and self._call.cut else reason,
            usage=usage,
            timing=timing,
            model=last.model if last.model not in (started.model, started.model.partition("/")[2]) else "",
            step=started.step,
            tool_calls=[CallFacts(call.id, call.name, call.arguments) for call in last.tool_calls],
            endpoint=last.endpoint if last.endpoint != started.endpoint else "",
            tried=list(last.tried),
            cost=self._cost(last, usage),
            cache=last.cache,
            model_id=started.model,
        )
