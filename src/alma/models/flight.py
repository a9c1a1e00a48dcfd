"""One call under way that several may read: each gets what has come so far at once, then what comes, at its own pace.

The text is kept once, however many read it. Whoever asked first is charged for the call; when they leave, the next
one is. Nobody's leaving ends the call but the last one's, and that at once. Knows nothing of what is kept afterwards.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from msgspec.structs import replace

from alma.model_call import CacheHit, Usage
from alma.models.answers import Answer
from alma.models.chat import Chunk
from alma.models.replay import replay
from alma.rope import Rope

MOST_CHARS = 1 << 20  # of an answer that newcomers may join; past that, what all have read is let go


class Reader:
    """How far one of the readers is."""

    __slots__ = ("reasoning", "seen", "text", "tokens", "waiting")

    def __init__(self) -> None:
        self.seen = 0
        self.text = 0
        self.reasoning = 0
        self.tokens = 0
        self.waiting: asyncio.Future[None] | None = None


class Flight:
    """`owner`, `run_id`, `depends`: as in the `Caller` who asked first. `gone` is called once, when no newcomer may
    join any more. `keep`: whether its answer may be given later. `ms`: how long the call took, once it
    has `ended`."""

    def __init__(self, owner: str, run_id: str, depends: tuple[str, ...], gone: Callable[[], object]) -> None:
        self.owner = owner
        self.run_id = run_id
        self.depends = depends
        self.keep = True
        self.text = Rope()
        self.reasoning = Rope()
        self.tokens = 0
        self.last: Chunk | None = None
        self.task: asyncio.Task[None] | None = None
        self._began = time.monotonic()
        self._came = 0  # chunks
        self.ms = 0.0
        self._found: tuple[Answer, CacheHit] | None = None
        self.ended = False
        self._error: Exception | None = None
        self._gone: Callable[[], object] | None = gone
        self._readers: list[Reader] = []  # the first of them is charged
        self._charged = False

    # ── the call's side ───────────────────────────────────────────────────────────────────────────────────────────

    def add(self, chunk: Chunk) -> None:
        if chunk.reasoning:
            self.reasoning.add(chunk.reasoning)
        if chunk.text:
            self.text.add(chunk.text)
        self.tokens += chunk.tokens
        if chunk.finish_reason is not None:
            self.last = chunk
        self._came += 1
        if self.text.length + self.reasoning.length > MOST_CHARS:
            self.keep = False
            self.close()
            self.text.let_go(min((reader.text for reader in self._readers), default=0))
            self.reasoning.let_go(min((reader.reasoning for reader in self._readers), default=0))
        self._wake()

    def serve(self, answer: Answer, hit: CacheHit) -> None:
        """No call is needed: all who read are given this."""
        self._found = answer, hit
        self.end(0.0)

    def end(self, ms: float, error: Exception | None = None) -> None:
        """The call is over, after `ms` in all. What it failed with goes to all who read."""
        if not self.ended:
            self.ms, self._error, self.ended = ms, error, True
            self.close()
            self._wake()

    def close(self) -> None:
        """Nobody may join any more."""
        gone, self._gone = self._gone, None
        if gone is not None:
            gone()

    def _wake(self) -> None:
        for reader in self._readers:
            if reader.waiting is not None and not reader.waiting.done():
                reader.waiting.set_result(None)

    # ── the readers' side ─────────────────────────────────────────────────────────────────────────────────────────

    async def read(self) -> AsyncGenerator[Chunk]:
        """What has come, then what comes. Raises what the call failed with."""
        reader, age_s = Reader(), time.monotonic() - self._began
        self._readers.append(reader)
        try:
            while True:
                if reader.seen != self._came:
                    if (new := self._new(reader)) is not None:
                        yield new
                elif self.ended:
                    break
                else:
                    reader.waiting = asyncio.get_running_loop().create_future()
                    await reader.waiting
            if self._found is not None:
                async with aclosing(replay(*self._found)) as chunks:
                    async for chunk in chunks:
                        yield chunk
            if self._error is not None:
                raise self._error.with_traceback(None)
            if self.last is not None:
                yield self._last(self.last, age_s, first=self._readers[0] is reader)
        finally:
            self._leave(reader)

    def _new(self, reader: Reader) -> Chunk | None:
        """What `reader` has not had yet."""
        text, reasoning = self.text.since(reader.text), self.reasoning.since(reader.reasoning)
        tokens, reader.tokens = self.tokens - reader.tokens, self.tokens
        reader.text, reader.reasoning, reader.seen = self.text.length, self.reasoning.length, self._came
        return Chunk(text=text, reasoning=reasoning, tokens=tokens) if text or reasoning or tokens else None

    def _last(self, last: Chunk, age_s: float, *, first: bool) -> Chunk:
        """The end. All but the one who is charged are told what they saved."""
        last = replace(last, text="", reasoning="", tokens=0)
        if first and not self._charged:
            self._charged = True
            return last
        usage = last.usage or Usage()
        hit = CacheHit(
            source="shared",
            run_id=self.run_id,
            age_s=age_s,
            saved_input_tokens=usage.input_tokens,
            saved_output_tokens=usage.output_tokens,
            saved_ms=self.ms,
            saved_cost=last.cost,
        )
        return replace(last, cost=0.0, tried=(), cache=hit)

    def _leave(self, reader: Reader) -> None:
        self._readers.remove(reader)
        if not self._readers and not self.ended:
            self.close()
            if self.task is not None:
                self.task.cancel()
