"""Entries and deltas as frames: one JSON text each. Encoded once, however many clients follow."""

from __future__ import annotations

from typing import assert_never

import msgspec

from alma.events import (
    AttemptFailed,
    Delta,
    MessageFinished,
    MessageStarted,
    Recorded,
    RouteChosen,
    RouteCorrected,
    RunFinished,
    RunStarted,
    StopRequested,
)
from alma.session import wire

_encode = msgspec.json.Encoder().encode
_NAME_OF = {payload: name for name, payload in wire.CUSTOM_PAYLOADS.items()}


def frame(event: wire.Wire) -> str:
    """Any event as a frame."""
    return _encode(event).decode()


def custom(payload: wire.Payload, *, thread_id: str = "", run_id: str = "", seq: int = 0, timestamp: int = 0) -> str:
    """A CUSTOM event; its name is the payload's."""
    return frame(
        wire.Custom(
            name=_NAME_OF[type(payload)],
            value=payload,
            thread_id=thread_id,
            run_id=run_id,
            seq=seq,
            timestamp=timestamp,
        )
    )


def delta_frame(delta: Delta) -> str:
    """Text or reasoning as it streams. The hot path: everything but the text is plain by construction."""
    kind = "TEXT_MESSAGE_CONTENT" if delta.channel == "text" else "REASONING_MESSAGE_CONTENT"
    return (
        f'{{"type":"{kind}","threadId":"{delta.thread_id}","runId":"{delta.run_id}",'
        f'"messageId":"{delta.message_id}","attempt":{delta.attempt},"n":{delta.n},'
        f'"tokens":{delta.tokens},"delta":{_encode(delta.text).decode()}}}'
    )


def entry_frame(thread_id: str, recorded: Recorded) -> str:
    """A journal entry as its event. The text of a finished message is not in it: see `rest`."""
    entry, run_id, seq = recorded.entry, recorded.run_id, recorded.seq
    timestamp = int(entry.at * 1000)
    match entry:
        case RunStarted():
            event: wire.Wire | wire.Payload = wire.RunStartedEvent(
                text=entry.text,
                parent_run_id=entry.parent_run_id,
                of_run_id=entry.of_run_id,
                model=entry.model,
                kind=entry.kind,
                key=entry.key,
            )
        case MessageStarted():
            event = wire.TextMessageStart(
                message_id=entry.message_id,
                attempt=entry.attempt,
                name=entry.role,
                model=entry.model,
                endpoint=entry.endpoint,
                sections=entry.sections,
                left_out_turns=entry.left_out_turns,
                context_window=entry.context_window,
                prompt_version=entry.prompt_version,
            )
        case MessageFinished():
            event = wire.TextMessageEnd(
                message_id=entry.message_id,
                attempt=entry.attempt,
                n=len(entry.text),
                reasoning_n=len(entry.reasoning),
                finish_reason=entry.finish_reason,
                usage=entry.usage,
                timing=entry.timing,
                model=entry.model,
            )
        case RunFinished():
            event = _end(entry)
        case RouteChosen():
            event = wire.Route(
                kind=entry.kind,
                source=entry.source,
                scores=entry.scores,
                neighbours=entry.neighbours,
                role=entry.role,
                prompt_version=entry.prompt_version,
                sampling=entry.sampling,
            )
        case RouteCorrected():
            event = wire.RouteCorrection(kind=entry.kind)
        case AttemptFailed():
            event = wire.AttemptFailure(
                message_id=entry.message_id, attempt=entry.attempt, error=entry.error, retry_in_ms=entry.retry_in_ms
            )
        case StopRequested():
            event = wire.Stopping()
        case _:
            assert_never(entry)
    if isinstance(event, wire.Payload):
        return custom(event, thread_id=thread_id, run_id=run_id, seq=seq, timestamp=timestamp)
    return frame(msgspec.structs.replace(event, thread_id=thread_id, run_id=run_id, seq=seq, timestamp=timestamp))


def _end(entry: RunFinished) -> wire.Wire:
    if entry.status == "failed" and entry.error is not None:
        error = entry.error
        return wire.RunErrorEvent(
            code=error.code, message=error.message, expected=error.expected, actual=error.actual, hint=error.hint
        )
    return wire.RunFinishedEvent(outcome={"type": "success"}, status=entry.status)


def rest(
    thread_id: str, run_id: str, message_id: str, attempt: int, text: str, reasoning: str, n: int, reasoning_n: int
) -> list[str]:
    """What is missing of a message for a client that has `n` code points of text and `reasoning_n` of reasoning."""
    frames: list[str] = []
    if reasoning_n < len(reasoning):
        missing = reasoning[reasoning_n:]
        frames.append(
            delta_frame(Delta(thread_id, run_id, message_id, attempt, len(reasoning), missing, 0, "reasoning"))
        )
    if n < len(text):
        frames.append(delta_frame(Delta(thread_id, run_id, message_id, attempt, len(text), text[n:], 0)))
    return frames
