"""A chat model that keeps a record of its calls: for those of Alma's own, which no pool stands in front of."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from alma.errors import EndpointError
from alma.models.chat import ChatModel, ChatRequest, Chunk, Counted
from alma.models.health import Health


class Measured:
    """`model` as it is; `health` learns how its calls went. Time in its line counts as its own."""

    def __init__(self, model: ChatModel, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._model = model
        self.health = Health()
        self.clock = clock

    @property
    def endpoint(self) -> str:
        return self._model.endpoint

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Chunk]:
        """As the model's own; of all chunks it looks at the first and the last."""
        began, first = self.clock(), 0.0
        try:
            async with aclosing(self._model.stream(request)) as chunks:
                async for chunk in chunks:
                    if not first:
                        first = self.clock() - began
                    if chunk.finish_reason is not None:
                        now = self.clock()
                        tokens = chunk.usage.output_tokens if chunk.usage is not None else 0
                        self.health.answered(now, seconds=now - began, first_token_s=first, tokens=tokens)
                    yield chunk
        except EndpointError as error:
            self.health.failed(self.clock(), error.message)
            raise

    async def count_tokens(self, text: str) -> int:
        """By the model's own tokenizer."""
        return await self._model.count_tokens(text)

    def counted(self, text: str) -> int | None:
        return self._model.counted(text)

    @property
    def counting(self) -> Counted:
        return self._model.counting
