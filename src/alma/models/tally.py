"""What one call used, counted by Alma itself beside what the endpoint says, and what is learned from both.

Text is counted block by block while it streams, so that a long answer takes no more memory than a short one.
"""

from __future__ import annotations

import re

import msgspec
from msgspec.structs import replace

from alma.model_call import Usage
from alma.models.chat import ChatRequest, Chunk
from alma.models.counting import Counter
from alma.models.json_answer import JsonAnswer
from alma.models.usage import Reported, settle

_BLOCK = 256  # pieces
_BESIDE = 1024  # tokens of tools and schemas about which nobody wonders
_DATED = re.compile(r"-(?:\d{4}|\d{4}-\d{2}-\d{2}|\d{8}|latest)$")


class Tally:
    """Of one call. `limit`: tokens of an answer that go on at most. `only`: lets the JSON object of it through, where
    it was asked for."""

    __slots__ = ("_block", "_request", "chars", "counter", "limit", "only", "tokens")

    def __init__(self, counter: Counter, request: ChatRequest, limit: int) -> None:
        schema = request.json_schema
        self.counter = counter
        self.limit = limit
        self.only = JsonAnswer() if schema is not None and schema.get("type") == "object" else None
        self.tokens = 0.0
        self.chars = 0
        self._request = request
        self._block: list[str] = []

    def add(self, chunk: Chunk) -> None:
        """Text and thoughts of the answer."""
        block = self._block
        block.append(chunk.text)
        if chunk.reasoning:
            block.append(chunk.reasoning)
        if len(block) > _BLOCK:
            self._count()

    def ended(self, chunks: list[Chunk]) -> list[Chunk]:
        """What is to go on of the chunks at the end, the last of which has no text."""
        *rest, last = chunks
        passed: list[Chunk] = []
        for chunk in rest:
            if chunk.tokens > self.limit:
                chunk, last = shortened(chunk, self.limit), replace(last, finish_reason="length")
            self.add(chunk)
            part = self.only.feed(chunk) if self.only is not None else chunk
            passed += [part] if part is not None else []
        held = self.only.rest() if self.only is not None else None
        return [*passed, last] if held is None else [*passed, held, last]

    @property
    def empty(self) -> bool:
        """Whether nothing was said or thought."""
        return not self.chars and not any(self._block)

    def settled(self, last: Chunk, reported: Reported | None) -> Usage:
        """What is taken to have been used."""
        if reported is not None and self._is_usual(last, reported):
            self.chars += sum(map(len, self._block))
            self._block.clear()
            return reported.usage
        self._count()
        request, likely = self._request, self.counter.likely
        calls = sum(likely(call.name + call.arguments) for call in last.tool_calls)
        own = Usage(max(1, round(self.counter.likely_prompt(request.messages))), round(self.tokens + calls))
        beside = [part for part in (request.tools, request.json_schema) if part]  # not every template shows them
        extra = sum(self.counter.likely_again(msgspec.json.encode(part).decode()) for part in beside)
        return settle(reported, own, round(extra), request.sampling.max_tokens)

    def _is_usual(self, last: Chunk, reported: Reported) -> bool:
        """Whether the report is what most English texts have, a token for 2 to 8 characters: then nothing need be
        counted. What is usual is also believable."""
        if reported.odd or reported.hidden or last.tool_calls:
            return False
        request = self._request
        if not all(one.content.isascii() and not one.tool_calls for one in request.messages):
            return False
        asked = sum(len(one.content) for one in request.messages)
        said = self.chars + sum(map(len, self._block))
        beside = _BESIDE if request.tools or request.json_schema else 0
        return asked <= 8 * reported.input <= 4 * asked + 8 * beside and said <= 8 * reported.output <= 4 * said

    def named(self, answered: str) -> str:
        """Under which name an answer is counted: its model's own, unless that only says which version it is."""
        asked = self._request.model
        return asked if _undated(answered) in ("", _undated(asked)) else answered

    def teach(self, counter: Counter, usage: Usage, reported: Reported | None, events: int) -> bool:
        """Let `counter` learn from a report that is believed; whether there was something to learn. Templates of tools
        and schemas, and thoughts that were not sent, would only mislead it."""
        if reported is None or usage.doubted:
            return False
        plain = not self._request.tools and self._request.json_schema is None
        if plain:
            counter.prompt_had(self._request.messages, usage.input_tokens)
        if not reported.hidden and not self._request.tools:
            counter.stream_had(events - 2, self.chars, usage.output_tokens)  # the first and the last have no text
        return plain

    def _count(self) -> None:
        text = "".join(self._block)
        self._block.clear()
        if text:
            self.chars += len(text)
            self.tokens += max(1.0, self.counter.likely(text))


def shortened(chunk: Chunk, tokens: int) -> Chunk:
    """About the first `tokens` tokens of a longer chunk."""
    share = tokens / chunk.tokens
    text, thought = chunk.text[: int(len(chunk.text) * share)], chunk.reasoning[: int(len(chunk.reasoning) * share)]
    return replace(chunk, text=text, reasoning=thought, tokens=tokens)


def _undated(model: str) -> str:
    return _DATED.sub("", model.rpartition("/")[2]).lower()
