"""Which frames of a connection belong to one run, and the cursor to resume it from. Pure: no socket here."""

from __future__ import annotations

from typing import Any

import msgspec

from alma.server.commands import MessageCursor, RunCursor
from alma.session.wire import (
    Custom,
    ReasoningMessageContent,
    RunErrorEvent,
    RunFinishedEvent,
    RunStartedEvent,
    SubagentError,
    SubagentFinished,
    SubagentStarted,
    TextMessageContent,
    TextMessageEnd,
    TextMessageStart,
    ToolCallResult,
    ToolCallStart,
)

Event = (
    RunStartedEvent
    | TextMessageStart
    | TextMessageContent
    | ReasoningMessageContent
    | TextMessageEnd
    | SubagentStarted
    | SubagentFinished
    | SubagentError
    | ToolCallStart
    | ToolCallResult
    | RunFinishedEvent
    | RunErrorEvent
    | Custom
)
_events: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Event)


def parse_event(frame: str) -> Event | None:
    """The event of a frame, None for a kind that this client does not know: those are to be ignored."""
    try:
        return _events.decode(frame)
    except msgspec.ValidationError:
        return None


class Following:
    """One run as seen through connections that may be cut: `run_id` is empty until the server has named it. `live`: all
    that had happened before has been seen."""

    def __init__(self, run_id: str = "", thread_id: str = "") -> None:
        self.run_id = run_id
        self.thread_id = thread_id
        self.live = False
        self.ended = False
        self._seq = 0
        self._messages: dict[str, MessageCursor] = {}

    def take(self, event: Event) -> bool:
        """Note how far the run has come; whether the event belongs to it."""
        if not self.run_id or event.run_id != self.run_id:
            return False
        self._seq = max(self._seq, event.seq)
        match event:
            case TextMessageStart():
                self._messages[event.message_id] = MessageCursor(event.attempt, 0)
            case TextMessageContent():
                known = self._messages.get(event.message_id)
                self._messages[event.message_id] = MessageCursor(
                    event.attempt, event.n, known.reasoning_n if known and known.attempt == event.attempt else 0
                )
            case ReasoningMessageContent():
                known = self._messages.get(event.message_id)
                self._messages[event.message_id] = MessageCursor(
                    event.attempt, known.n if known and known.attempt == event.attempt else 0, event.n
                )
            case TextMessageEnd():
                self._messages.pop(event.message_id, None)
            case RunFinishedEvent() | RunErrorEvent():
                self.ended = True
            case (
                RunStartedEvent()
                | SubagentStarted()
                | SubagentFinished()
                | SubagentError()
                | ToolCallStart()
                | ToolCallResult()
                | Custom()
            ):
                pass
        return True

    def cursors(self) -> dict[str, RunCursor]:
        """What has been seen, for `thread.subscribe`."""
        return {self.run_id: RunCursor(self._seq, dict(self._messages))}
