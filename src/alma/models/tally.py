"""What one call used, counted by Alma itself beside what the endpoint says, and what is learned from both.

Text is counted block by block while it streams, so that a long answer takes no more memory than a short one.
"""

from __future__ import annotations

import re

import msgspec

from alma.model_call import Usage
from alma.models.chat import ChatRequest, Chunk
from alma.models.counting import Counter
from alma.models.usage import Reported, settle

_BLOCK = 256  # pieces
_DATED = re.compile(r"-(?:\d{4}|\d{4}-\d{2}-\d{2}|\d{8}|latest)$")


class Tally:
    """Of one call."""

    __slots__ = ("_block", "chars", "counter", "tokens")

    def __init__(self, counter: Counter) -> None:
        self.counter = counter
        self.tokens = 0.0
        self.chars = 0
        self._block: list[str] = []

    def add(self, chunk: Chunk) -> None:
        """Text and thoughts of the answer."""
        block = self._block
        block.append(chunk.text)
        if chunk.reasoning:
            block.append(chunk.reasoning)
        if len(block) > _BLOCK:
            self._count()

    @property
    def empty(self) -> bool:
        """Whether nothing was said or thought."""
        return not self.chars and not any(self._block)

    def _count(self) -> None:
        text = "".join(self._block)
        self._block.clear()
        if text:
            self.chars += len(text)
            self.tokens += max(1.0, self.counter.likely(text))

    def settled(self, request: ChatRequest, last: Chunk, reported: Reported | None) -> Usage:
        """What is taken to have been used."""
        self._count()
        calls = sum(self.counter.likely(call.name + call.arguments) for call in last.tool_calls)
        own = Usage(max(1, round(self.counter.likely_prompt(request.messages))), round(self.tokens + calls))
        beside = [part for part in (request.tools, request.json_schema) if part]  # not every template shows them
        extra = sum(self.counter.likely(msgspec.json.encode(part).decode()) for part in beside)
        return settle(reported, own, round(extra), request.sampling.max_tokens)

    @staticmethod
    def named(asked: str, answered: str) -> str:
        """Under which name an answer is counted: its model's own, unless that only says which version it is."""
        plain = _DATED.sub("", answered.rpartition("/")[2]).lower()
        return asked if plain in ("", _DATED.sub("", asked.rpartition("/")[2]).lower()) else answered

    def teach(
        self, counter: Counter, request: ChatRequest, usage: Usage, reported: Reported | None, events: int
    ) -> bool:
        """Let `counter` learn from a report that is believed; whether there was something to learn. Templates of tools
        and schemas, and thoughts that were not sent, would only mislead it."""
        if reported is None or usage.doubted:
            return False
        plain = not request.tools and request.json_schema is None
        if plain:
            counter.prompt_had(request.messages, usage.input_tokens)
        if not reported.hidden and not request.tools:
            counter.stream_had(events - 2, self.chars, usage.output_tokens)  # the first and the last have no text
        return plain
