"""How an answer is read: bytes of a chat-completions reply in, `Chunk`s out. Pure; knows no socket and no clock.

Server-sent events are split by hand and every `data:` line goes straight into Structs, because this runs once per token
of every agent. What is not on the hot path (errors, tool calls, whole JSON answers) may take its time.
"""

from __future__ import annotations

from typing import Any, cast

import msgspec
from msgspec import Struct

from alma.errors import EndpointCut, EndpointGarbled
from alma.model_call import Usage
from alma.models.chat import Chunk, ToolCall
from alma.models.refusal import NOT_JSON, clip, error_of_status, shown

MAX_LINE = 8 * 1024 * 1024  # bytes; a line that long is not a token, it is an attack or a bug


class _Function(Struct, gc=False):
    name: str | None = None
    arguments: str | dict[str, Any] | None = None


class _Fragment(Struct, gc=False):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None


class _Delta(Struct, gc=False):
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[_Fragment] | None = None


class _Choice(Struct, gc=False):
    delta: _Delta | None = None
    finish_reason: str | None = None
    message: _Delta | None = None


class _Details(Struct, gc=False):
    cached_tokens: int | None = None


class _Usage(Struct, gc=False):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _Details | None = None


class _Event(Struct, gc=False):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: Any = None
    model: str | None = None


_decode = msgspec.json.Decoder(_Event).decode


class Lines:
    """Splits a byte stream into lines at LF, whatever the network's reads are; a CR before the LF stays on the line."""

    __slots__ = ("_rest", "_size")

    def __init__(self) -> None:
        self._rest: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that `data` completes. Raises OverflowError when an unfinished line passes `MAX_LINE`."""
        lines = data.split(b"\n")
        if self._rest:
            self._rest.append(lines[0])
            if len(lines) == 1:
                self._size += len(data)
                if self._size > MAX_LINE:
                    raise OverflowError
                return []
            lines[0] = b"".join(self._rest)
            self._rest.clear()
        if last := lines.pop():
            self._rest.append(last)
            self._size = len(last)
        return lines

    def rest(self) -> bytes:
        """The unfinished last line, if any; the end of the stream completes it."""
        rest = b"".join(self._rest)
        self._rest.clear()
        return rest


class Reply:
    """The fold of one reply. `feed` every read, then take `finish()`; `done` says that nothing more is to come."""

    __slots__ = (
        "_calls",
        "_finish",
        "_head",
        "_lines",
        "_model",
        "_usage",
        "done",
        "ended",
        "endpoint",
        "events",
        "fragments",
    )

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.done = False  # [DONE] was read
        self.ended = False  # a finish_reason was read; only usage and [DONE] may follow
        self.events = 0
        self.fragments = 0  # pieces of tool calls, which no chunk shows before the end
        self._lines = Lines()
        self._calls: dict[int, list[str]] = {}  # index → id, name, arguments so far
        self._finish: str | None = None
        self._usage: Usage | None = None
        self._model = ""
        self._head = b""

    def feed(self, data: bytes) -> Chunk | None:
        """What one read brought, joined into one chunk; None when it brought no text."""
        try:
            lines = self._lines.feed(data)
        except OverflowError:
            raise self._garbled(f"a line longer than {MAX_LINE:,} bytes", "a stream of short events") from None
        if not self.events:
            self._head = (self._head + data)[:512]
        return self._take(lines)

    def _take(self, lines: list[bytes]) -> Chunk | None:
        texts: list[str] = []
        thoughts: list[str] = []
        for line in lines:
            if line[:5] != b"data:":
                continue
            try:
                event = _decode(line[5:])
            except NOT_JSON as error:
                if not self._ends(line[5:], error):
                    continue
                break
            self.events += 1
            choices = event.choices
            if choices and (delta := choices[0].delta) is not None:
                if delta.content:
                    texts.append(delta.content)
                if thought := delta.reasoning_content or delta.reasoning:
                    thoughts.append(thought)
                if delta.tool_calls:
                    self._assemble(delta.tool_calls)
                if choices[0].finish_reason is None:
                    continue
            self._note(event)
        if not texts and not thoughts:
            return None
        if len(texts) == 1 and not thoughts:
            return Chunk(text=texts[0], tokens=1)
        return Chunk(text="".join(texts), reasoning="".join(thoughts), tokens=len(texts) + len(thoughts))

    def whole(self, body: bytes) -> Chunk | None:
        """A plain JSON answer (an endpoint that ignored `stream`) as one chunk; `finish()` follows as for a stream."""
        try:
            event = _decode(body)
        except NOT_JSON as error:
            raise self._garbled(shown(body), f"a chat completion ({error})") from None
        self.events += 1
        self._note(event)
        message = event.choices[0].message if event.choices else None
        if message is None:
            raise self._garbled(clip(body), "a chat completion with a message")
        self._finish = self._finish or "stop"
        if message.tool_calls:
            self._assemble(message.tool_calls)
        text, thought = message.content or "", message.reasoning_content or message.reasoning or ""
        return Chunk(text=text, reasoning=thought, tokens=bool(text) + bool(thought)) if text or thought else None

    def finish(self) -> tuple[Chunk | None, Chunk]:
        """What an unfinished last line still held, and the last chunk. Raises when the stream was not whole."""
        last = self._take([self._lines.rest()]) if not self.done else None
        if self._finish is None and not self.done:
            if not self.events:
                raise self._garbled(shown(self._head) or "nothing", "a stream of chat completion chunks")
            raise EndpointCut(
                f"{self.endpoint} cut its answer off in the middle.",
                endpoint=self.endpoint,
                expected="a finish_reason or [DONE] at the end of the stream",
                actual="the end of the connection",
            )
        calls = tuple(
            ToolCall(id=id or f"call_{index}", name=name, arguments=arguments or "{}")
            for index, (id, name, arguments) in sorted(self._calls.items())
        )
        finish = self._finish or ("tool_calls" if calls else "stop")
        return last, Chunk(tool_calls=calls, finish_reason=finish, usage=self._usage, model=self._model)

    def cut_short(self) -> Chunk:
        """The last chunk of an answer that is ended from this side; unfinished tool calls are dropped."""
        return Chunk(finish_reason="length", usage=self._usage, model=self._model)

    def _ends(self, payload: bytes, error: Exception) -> bool:
        """A payload that is no event: True for [DONE], False for a blank one; anything else is garbage."""
        payload = payload.strip()
        if payload == b"[DONE]":
            self.done = True
            return True
        if not payload:
            return False
        raise self._garbled(clip(payload), f"a chat completion chunk ({error})")

    def _note(self, event: _Event) -> None:
        """The rare parts of an event: an error, the end, usage, the model's name."""
        if event.error:
            raise self._error(event.error)
        if event.choices and event.choices[0].finish_reason:
            self._finish = event.choices[0].finish_reason
            self.ended = True
        if event.usage is not None:
            details = event.usage.prompt_tokens_details
            self._usage = Usage(
                input_tokens=event.usage.prompt_tokens or 0,
                output_tokens=event.usage.completion_tokens or 0,
                cached_tokens=(details.cached_tokens if details else None) or 0,
            )
        if event.model:
            self._model = event.model

    def _assemble(self, fragments: list[_Fragment]) -> None:
        self.fragments += len(fragments)
        for fragment in fragments:
            index = fragment.index
            if index is None:  # whole calls without an index: an id begins a new one
                index = len(self._calls) if fragment.id or not self._calls else max(self._calls)
            call = self._calls.setdefault(index, ["", "", ""])
            if fragment.id:
                call[0] = fragment.id
            if (function := fragment.function) is not None:
                call[1] += function.name or ""
                arguments = function.arguments or ""
                call[2] += arguments if isinstance(arguments, str) else msgspec.json.encode(arguments).decode()

    def _error(self, error: Any) -> Exception:
        fields = cast("dict[str, Any]", error) if isinstance(error, dict) else {"message": str(error)}
        code = fields.get("code")
        status = code if isinstance(code, int) and 400 <= code < 600 else 500
        said = str(fields.get("message") or fields)
        return error_of_status(self.endpoint, status, said, during="in the middle of its answer")

    def _garbled(self, actual: str, expected: str) -> EndpointGarbled:
        return EndpointGarbled(
            f"{self.endpoint} answered with something that is not a chat completion: {actual}",
            endpoint=self.endpoint,
            expected=expected,
            actual=actual,
            hint="Check that its address is an OpenAI-compatible one (it mostly ends in /v1).",
        )
