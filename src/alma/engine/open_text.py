"""The text of messages that are being written now, so that whoever joins late can be given what has streamed.

In memory only: after a crash the attempt is made again. A message's pieces are kept as they came and joined when asked
for; joining is amortised by keeping the joined text.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from alma.events import Delta, MessageStarted


class OpenMessage(Struct):
    """One attempt under way; `n` and `reasoning_n` count code points, `opened_at` is when its first text came."""

    started: MessageStarted
    opened_at: float
    n: int = 0
    reasoning_n: int = 0
    tokens: int = 0
    _text: list[str] = []
    _reasoning: list[str] = []

    def extend(self, delta: Delta) -> None:
        self.tokens += delta.tokens
        if delta.channel == "text":
            self._text.append(delta.text)
            self.n = delta.n
        else:
            self._reasoning.append(delta.text)
            self.reasoning_n = delta.n

    @property
    def text(self) -> str:
        return _joined(self._text)

    @property
    def reasoning(self) -> str:
        return _joined(self._reasoning)


def _joined(pieces: list[str]) -> str:
    if len(pieces) > 1:
        pieces[:] = ["".join(pieces)]
    return pieces[0] if pieces else ""


class OpenText:
    """All open messages of this process, by run and message."""

    def __init__(self) -> None:
        self._runs: dict[str, dict[str, OpenMessage]] = {}

    def begin(self, run_id: str, started: MessageStarted, at: float) -> OpenMessage:
        """A new attempt replaces the message's earlier one."""
        message = OpenMessage(started, at)
        self._runs.setdefault(run_id, {})[started.message_id] = message
        return message

    def of(self, run_id: str) -> Iterable[OpenMessage]:
        """The open messages of a run."""
        return self._runs.get(run_id, {}).values()

    def end(self, run_id: str, message_id: str) -> None:
        messages = self._runs.get(run_id)
        if messages is not None:
            messages.pop(message_id, None)
            if not messages:
                del self._runs[run_id]
