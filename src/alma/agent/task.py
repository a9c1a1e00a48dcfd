"""What an agent is given, what it gives back, and the desk through which it acts in between. Frozen data."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol

from msgspec import Struct

from alma.errors import AlmaError
from alma.events import Delta, JournalEntry, Kind, MessageFinished, MessageStarted, RouteChosen


class Turn(Struct, frozen=True):
    """One earlier exchange of the conversation, by its run; `answer` is empty when there was none."""

    run_id: str
    text: str
    answer: str


class Task(Struct, frozen=True):
    """One attempt at a task. `history`: the turns before it, oldest first; `older`: how many more there are.
    `route`: chosen by an earlier attempt."""

    run_id: str
    thread_id: str
    owner: str
    text: str
    history: list[Turn]
    attempt: int
    model: str | None = None
    older: int = 0
    kind: Kind | None = None
    route: RouteChosen | None = None

    @property
    def message_id(self) -> str:
        return f"{self.run_id}.main"


class Answer(Struct, frozen=True):
    message: MessageFinished


class Failed(Struct, frozen=True):
    """`text`: what had streamed. `retryable`: another attempt may help; `retry_after_ms`: asked for by the endpoint."""

    error: AlmaError
    text: str = ""
    retryable: bool = False
    retry_after_ms: float | None = None


Outcome = Answer | Failed


class Desk(Protocol):
    """The agent's only way out: durable facts and streaming text."""

    def record(self, *entries: JournalEntry) -> Awaitable[object]:
        """Journal the entries, in order; they are durable when the result has been awaited."""
        ...

    def open(self, started: MessageStarted) -> None:
        """From now on text of this attempt may stream."""
        ...

    def stream(self, delta: Delta) -> None:
        """Show text now. Never waits."""
        ...
