"""A client that keeps what the protocol gives it, to the code point, and notes every frame that does not fit.

It survives its connections: what it has of a thread stays, and `cursors` says where to go on. It knows no page and no
pace; the benches that cut lines and kill servers use it.
"""

from __future__ import annotations

import itertools
import json
from typing import Any

import msgspec


class Frame(msgspec.Struct, rename="camel", tag_field=None):
    """The fields of any frame that matter here."""

    type: str
    name: str = ""
    run_id: str = ""
    seq: int = 0
    message_id: str = ""
    attempt: int = 0
    n: int = 0
    delta: str = ""
    tokens: int = 1
    status: str = ""
    value: dict[str, Any] = {}


class Message:
    def __init__(self, attempt: int) -> None:
        self.attempt = attempt
        self.n = 0
        self.pieces: list[str] = []
        self.ended = False

    @property
    def text(self) -> str:
        return "".join(self.pieces)


class Run:
    def __init__(self) -> None:
        self.seq = 0
        self.messages: dict[str, Message] = {}
        self.status = ""  # how it ended

    @property
    def text(self) -> str:
        return "".join(message.text for message in self.messages.values())


decode = msgspec.json.Decoder(Frame).decode
_command_ids = itertools.count()


def command(what: str, /, **fields: object) -> bytes:
    """A command frame with an id of its own; fields that are None are left out."""
    given = {name: value for name, value in fields.items() if value is not None}
    return json.dumps({"type": what, "id": f"c{next(_command_ids)}", **given}).encode()


class View:
    """What a client has of one thread. `faults` must stay empty; `merged` counts frames that carried several tokens."""

    def __init__(self) -> None:
        self.runs: dict[str, Run] = {}
        self.faults: list[str] = []
        self.frames = 0
        self.merged = 0

    def forget(self) -> None:
        """Reload: nothing is kept but the faults."""
        self.runs = {}

    def cursors(self) -> dict[str, Any]:
        return {
            run_id: {
                "seq": run.seq,
                "messages": {
                    message_id: {"attempt": message.attempt, "n": message.n}
                    for message_id, message in run.messages.items()
                    if not message.ended
                },
            }
            for run_id, run in self.runs.items()
        }

    def take(self, frame: Frame) -> None:
        """One frame of a run."""
        self.frames += 1
        run = self.runs.get(frame.run_id)
        if run is None:
            run = self.runs[frame.run_id] = Run()
        if frame.type == "TEXT_MESSAGE_CONTENT":
            self._content(run, frame)
            return
        if frame.seq:
            if frame.seq != run.seq + 1:
                self._fault(frame, f"seq {frame.seq} after {run.seq}")
            run.seq = frame.seq
        if frame.type == "TEXT_MESSAGE_START":
            before = run.messages.get(frame.message_id)
            if before is not None and before.attempt >= frame.attempt:
                self._fault(frame, f"attempt {frame.attempt} after {before.attempt}")
            run.messages[frame.message_id] = Message(frame.attempt)
        elif frame.type == "TEXT_MESSAGE_END":
            message = run.messages.get(frame.message_id)
            if message is None or message.n != frame.n:
                self._fault(frame, f"the end says {frame.n} code points, there are {message.n if message else None}")
            else:
                message.ended = True
        elif frame.type in ("RUN_FINISHED", "RUN_ERROR"):
            run.status = frame.status or "failed"

    def _content(self, run: Run, frame: Frame) -> None:
        message = run.messages.get(frame.message_id)
        if message is None or message.attempt != frame.attempt:
            self._fault(frame, f"text of attempt {frame.attempt}, which was not begun")
            return
        start = frame.n - len(frame.delta)
        if start != message.n:
            self._fault(frame, f"{'missing' if start > message.n else 'twice'}: text from {start} after {message.n}")
        if message.ended:
            self._fault(frame, "text after the end")
        message.n = frame.n
        message.pieces.append(frame.delta)
        self.merged += frame.tokens > 1

    def _fault(self, frame: Frame, what: str) -> None:
        self.faults.append(f"{frame.run_id} {frame.type}: {what}")
