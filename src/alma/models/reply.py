"""How an answer is read: bytes of a chat-completions reply in, `Chunk`s out. Pure; knows no socket and no clock.

Server-sent events are split by hand and every `data:` line goes straight into Structs, because this runs once per token
of every agent. What is not on the hot path (errors, tool calls, whole JSON answers) may take its time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import msgspec
from msgspec import Struct

from alma.errors import EndpointCut, EndpointGarbled
from alma.model_call import Usage
from alma.models.calls import Calls, Fragment
from alma.models.chat import Chunk
from alma.models.mending import Mender, whole
from alma.models.refusal import NOT_JSON, clip, error_of_status, shown
from alma.models.tokens import Live
from alma.models.usage import Reported, read_usage

MAX_LINE = 8 * 1024 * 1024  # bytes; a line that long is not a token, it is an attack or a bug


class _Delta(Struct, gc=False):
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[Fragment] | None = None


class _Choice(Struct, gc=False):
    delta: _Delta | None = None
    finish_reason: str | None = None
    message: _Delta | None = None


class _Event(Struct, gc=False):
    choices: list[_Choice] | None = None
    usage: Any = None
    error: Any = None
    model: str | None = None


_decode: Callable[[bytes], _Event] = msgspec.json.Decoder(_Event).decode


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
    """The fold of one reply. `feed` every read, then take `finish()`; `done` says that nothing more is to come. `live`
    counts pieces that are more than a token."""

    __slots__ = (
        "_calls",
        "_decode",
        "_finish",
        "_head",
        "_lines",
        "_live",
        "_long",
        "_mender",
        "_model",
        "done",
        "ended",
        "endpoint",
        "events",
        "reported",
    )

    def __init__(self, endpoint: str, live: Live | None = None) -> None:
        self.endpoint = endpoint
        self.done = False  # [DONE] was read
        self.ended = False  # a finish_reason was read; only usage and [DONE] may follow
        self.events = 0
        self.reported: Reported | None = None
        self._lines = Lines()
        self._calls = Calls()
        self._decode = _decode
        self._mender: Mender | None = None
        self._live = live
        self._long = live.long if live is not None else MAX_LINE
        self._finish: str | None = None
        self._model = ""
        self._head = b""

    @property
    def fragments(self) -> int:
        """Pieces of tool calls, which no chunk shows before the end."""
        return self._calls.fragments

    @property
    def model(self) -> str:
        """Who answers, as the endpoint says; empty when it does not."""
        return self._model

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
        decode, events = self._decode, 0
        for line in lines:
            if not line or line[:5] != b"data:":
                continue
            try:
                event = decode(line[5:])
            except NOT_JSON as error:
                event = self._odd(line[5:], error)
                if event is None:
                    if self.done:
                        break
                    continue
                decode = self._decode
            events += 1
            choices = event.choices
            if choices and (delta := choices[0].delta) is not None:
                if delta.content:
                    texts.append(delta.content)
                if thought := delta.reasoning_content or delta.reasoning:
                    thoughts.append(thought)
                if delta.tool_calls:
                    self._calls.add(delta.tool_calls)
                if choices[0].finish_reason is None:
                    continue
            self._note(event)
        self.events += events
        if len(texts) == 1 and not thoughts:
            text = texts[0]
            if len(text) <= self._long and "\0" not in text:
                return Chunk(text=text, tokens=1)
        return self._joined(texts, thoughts) if texts or thoughts else None

    def _joined(self, texts: list[str], thoughts: list[str]) -> Chunk | None:
        """The chunk of several pieces, or of one that is more than a token, or broken."""
        text, thought = "".join(texts), "".join(thoughts)
        if "\0" in text or "\0" in thought:
            text, thought = whole(text), whole(thought)
        tokens = len(texts) + len(thoughts)
        if self._live is not None and len(text) + len(thought) > self._long * tokens:
            tokens = sum(self._live.count(piece) for piece in (text, thought) if piece)
        return Chunk(text=text, reasoning=thought, tokens=tokens) if text or thought else None

    def whole(self, body: bytes) -> Chunk | None:
        """A plain JSON answer (an endpoint that ignored `stream`) as one chunk; `finish()` follows as for a stream."""
        try:
            event = self._decode(body)
        except NOT_JSON as error:
            try:
                event = self._mend(body)
            except NOT_JSON:
                raise self._garbled(shown(body), f"a chat completion ({error})") from None
        self.events += 1
        self._note(event)
        message = event.choices[0].message if event.choices else None
        if message is None:
            raise self._garbled(clip(body), "a chat completion with a message")
        self._finish = self._finish or "stop"
        if message.tool_calls:
            self._calls.add(message.tool_calls)
        thought = message.reasoning_content or message.reasoning
        return self._joined([message.content] if message.content else [], [thought] if thought else [])

    def finish(self) -> tuple[Chunk | None, Chunk]:
        """What an unfinished last line still held, and the last chunk. Raises when the stream was not whole."""
        last = self._last_line()
        if self._finish is None and not self.done:
            if not self.events:
                raise self._garbled(shown(self._head) or "nothing", "a stream of chat completion chunks")
            raise self._cut()
        calls = self._calls.whole()
        finish = self._finish or ("tool_calls" if calls else "stop")
        return last, Chunk(tool_calls=calls, finish_reason=finish, usage=self._usage(), model=self._model)

    def cut_short(self) -> Chunk:
        """The last chunk of an answer that is ended from this side; unfinished tool calls are dropped."""
        return Chunk(finish_reason="length", usage=self._usage(), model=self._model)

    def _last_line(self) -> Chunk | None:
        """A line that the end of the stream completed. Where that cut it in two, it is as if it had not come."""
        last = None
        if not self.done:
            try:
                last = self._take([self._lines.rest()])
            except EndpointGarbled:
                if not self.events:
                    raise
        if self._mender is not None and self._mender.waits:
            text = (last.text if last is not None else "") + "\ufffd"
            last = Chunk(text=text, reasoning=last.reasoning if last is not None else "", tokens=1)
        return last

    def _usage(self) -> Usage | None:
        return self.reported.usage if self.reported is not None else None

    # ── off the hot path ──────────────────────────────────────────────────────────────────────────────────────────

    def _odd(self, payload: bytes, error: Exception) -> _Event | None:
        """A payload that is no event at first sight: None for [DONE] and for a blank one; an event when only its text
        is broken; anything else is garbage."""
        stripped = payload.strip()
        if stripped == b"[DONE]":
            self.done = True
            return None
        if not stripped:
            return None
        try:
            return self._mend(stripped)
        except NOT_JSON:
            raise self._garbled(clip(stripped), f"a chat completion chunk ({error})") from None

    def _mend(self, payload: bytes) -> _Event:
        """From the first broken event on, all of them are read this way: the next one may have the other half."""
        if self._mender is None:
            self._mender, self._decode = Mender(), self._mend
        return msgspec.convert(self._mender.read(payload), _Event)

    def _note(self, event: _Event) -> None:
        """The rare parts of an event: an error, the end, usage, the model's name."""
        if event.error:
            raise self._error(event.error)
        if event.choices and event.choices[0].finish_reason:
            self._finish = event.choices[0].finish_reason
            self.ended = True
        if event.usage:
            self.reported = read_usage(event.usage)
        if event.model:
            self._model = event.model

    def _error(self, error: Any) -> Exception:
        fields = cast("dict[str, Any]", error) if isinstance(error, dict) else {"message": str(error)}
        code = fields.get("code")
        status = code if isinstance(code, int) and 400 <= code < 600 else 500
        said = str(fields.get("message") or fields)
        return error_of_status(self.endpoint, status, said, during="in the middle of its answer")

    def _cut(self) -> EndpointCut:
        return EndpointCut(
            f"{self.endpoint} cut its answer off in the middle.",
            endpoint=self.endpoint,
            expected="a finish_reason or [DONE] at the end of the stream",
            actual="the end of the connection",
            hint="If it does so every time, it does not speak the protocol to its end: use it through a gateway.",
        )

    def _garbled(self, actual: str, expected: str) -> EndpointGarbled:
        return EndpointGarbled(
            f"{self.endpoint} answered with something that is not a chat completion: {actual}",
            endpoint=self.endpoint,
            expected=expected,
            actual=actual,
            hint="Check that its address is an OpenAI-compatible one (it mostly ends in /v1).",
        )
