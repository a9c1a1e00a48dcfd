"""A scripted answer as bytes of the protocol, with all that can be odd about it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from alma.models.chat import ToolCall
from alma.models.script import Act

REFUSED_SCHEMA = {"error": {"message": "response_format of type json_schema is not supported by this model"}}
_DONE = b"data: [DONE]\n\n"


class Scripted:
    """One answer. `model`: what was asked for; `tokens`: of the prompt."""

    def __init__(self, act: Act, model: str, tokens: int) -> None:
        self._act = act
        self._model = act.manner.model or model
        self._tokens = tokens

    def event(self, delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
        """One chunk of the answer."""
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        body = {"id": "chatcmpl-scripted", "object": "chat.completion.chunk", "created": 0, "model": self._model}
        return b"data: " + msgspec.json.encode({**body, "choices": [choice]}) + b"\n\n"

    def events(self) -> list[bytes]:
        """The text, one event a piece, or a batch of pieces."""
        act, known, events = self._act, dict[tuple[str, str], bytes](), list[bytes]()
        for channel, pieces in (("reasoning_content", act.thoughts), ("content", act.pieces)):
            for piece in pieces if act.manner.batch == 1 else _batched(pieces, act.manner.batch):
                if act.manner.halves and not piece.isascii():
                    events.extend(self._halves(channel, piece))
                    continue
                key = (channel, piece)
                if key not in known:
                    known[key] = self.event({channel: piece})
                events.append(known[key])
        return events

    def end(self) -> bytes:
        """What follows the text."""
        match self._act.manner.end:
            case "eof":
                return b""
            case "done":
                return _DONE
            case _:
                return self.event({}, self._act.finish_reason) + self._usage_event() + _DONE

    def whole(self) -> dict[str, Any]:
        """The answer as one document."""
        act = self._act
        message: dict[str, Any] = {"role": "assistant", "content": "".join(act.pieces)}
        if act.thoughts:
            message["reasoning_content"] = "".join(act.thoughts)
        if act.tool_calls:
            message["tool_calls"] = [_call(call) for call in act.tool_calls]
        choice = {"index": 0, "message": message, "finish_reason": act.finish_reason}
        usage = self._usage()
        return {"model": self._model, "choices": [choice], **({} if usage is None else {"usage": usage})}

    def fragments(self) -> list[dict[str, Any]]:
        """Calls as real endpoints stream them: the name first, then the arguments in pieces, by default two."""
        how = self._act.manner.calls
        count = next((int(word) for word in how if word.isdigit()), 2)
        calls = [list(_pieces(index, call, count, how)) for index, call in enumerate(self._act.tool_calls)]
        if "mixed" in how:
            turns = itertools.zip_longest(*calls)
            return [part for turn in turns for part in turn if part is not None]
        return [part for call in calls for part in call]

    def _halves(self, channel: str, piece: str) -> Iterator[bytes]:
        """Characters outside ASCII in two events: an emoji as its halves of UTF-16, others cut within their UTF-8."""
        for char in piece:
            if char > "\uffff":
                units = char.encode("utf-16-be")
                for half in (units[:2], units[2:]):
                    yield self.event({channel: "@"}).replace(b"@", b"\\u%04x" % int.from_bytes(half), 1)
            elif char > "\x7f":
                data = char.encode()
                for part in (data[:1], data[1:]):
                    yield self.event({channel: "@"}).replace(b"@", part, 1)
            else:
                yield self.event({channel: char})

    def _usage_event(self) -> bytes:
        usage = self._usage()
        if usage is None:
            return b""
        return b"data: " + msgspec.json.encode({"model": self._model, "choices": [], "usage": usage}) + b"\n\n"

    def _usage(self) -> dict[str, Any] | None:
        into, out = self._tokens, len(self._act.pieces) + len(self._act.thoughts)
        match self._act.manner.usage:
            case "none":
                return None
            case "zero":
                into, out = 0, 0
            case "low":
                into, out = 1, 1
            case "high":
                into, out = into + 1_000_000, out + 1_000_000
            case "negative":
                into, out = -into, -out
            case "words":
                return {"prompt_tokens": "some", "completion_tokens": str(out)}
            case _:
                pass
        return {"prompt_tokens": into, "completion_tokens": out, "total_tokens": into + out}


def _batched(pieces: Sequence[str], size: int) -> Iterator[str]:
    for at in range(0, len(pieces), size):
        yield "".join(pieces[at : at + size])


def _call(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _pieces(index: int, call: ToolCall, count: int, how: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    place = {} if "bare" in how else {"index": 0 if "same" in how else index}
    id = call.id if "twin" in how else f"{call.id}{'' if not index else f'_{index + 1}'}"
    yield {**place, **_call(ToolCall(id, call.name, ""))}
    named = {"id": id} if "same" in how and "mixed" in how else {}
    size = max(1, -(-len(call.arguments) // count))
    for at in range(0, len(call.arguments), size):
        yield {**place, **named, "function": {"arguments": call.arguments[at : at + size]}}
