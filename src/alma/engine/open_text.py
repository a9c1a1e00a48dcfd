"""The text of messages that are being written now, so that whoever joins late can be given what has streamed.

In memory only: after a crash the attempt is made again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from msgspec import Struct, field

from alma.events import Delta, MessageStarted
from alma.rope import Rope


class OpenMessage(Struct):
    """One attempt under way; `n` and `reasoning_n` count code points, `opened_at` is when its first text came."""

    started: MessageStarted
    opened_at: float
    n: int = 0
    reasoning_n: int = 0
    tokens: int = 0
    _text: Rope = field(default_factory=Rope)
    _reasoning: Rope = field(default_factory=Rope)

    def extend(self, delta: Delta) -> None:
        self.tokens += delta.tokens
        if delta.channel == "text":
            self._text.add(delta.text)
            self.n = delta.n
        else:
            self._reasoning.add(delta.text)
            self.reasoning_n = delta.n

    @property
    def text(self) -> str:
        return self._text.whole

    @property
    def reasoning(self) -> str:
        return self._reasoning.whole


class OpenText:
    """All open messages of this process, by run and message."""

    def __init__(self) -> None:
        self._runs: dict[str, dict[str, OpenMessage]] = {}
        self.ended: deque[tuple[str, OpenMessage]] | None = None  # of the last ones, for who looks now and then

    def begin(self, run_id: str, started: MessageStarted, at: float) -> OpenMessage:
        """A new attempt replaces the message's earlier one."""
        message = OpenMessage(started, at)
        self._runs.setdefault(run_id, {})[started.message_id] = message
        return message

    def of(self, run_id: str) -> Iterable[OpenMessage]:
        """The open messages of a run."""
        return self._runs.get(run_id, {}).values()

    def all(self) -> Iterator[tuple[str, OpenMessage]]:
        """Every open message, with its run's id."""
        return ((run_id, message) for run_id, messages in self._runs.items() for message in messages.values())

    def end(self, run_id: str, message_id: str) -> None:
        messages = self._runs.get(run_id)
        if messages is not None:
            gone = messages.pop(message_id, None)
            if gone is not None and self.ended is not None:
                self.ended.append((run_id, gone))
            if not messages:
                del self._runs[run_id]
