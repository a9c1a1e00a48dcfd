"""Shows a run on a terminal, or writes its answer into a pipe.

On a terminal text appears as it comes, and an attempt that had to be made again is visibly replaced by the next one.
A pipe cannot take text back, so it gets the text of a message when its attempt has ended well.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import msgspec

from alma.cli.following import Event
from alma.cli.terminal import is_terminal, note, safe, styled
from alma.session.wire import (
    AttemptFailure,
    Custom,
    ReasoningMessageContent,
    Route,
    RunErrorEvent,
    RunFinishedEvent,
    RunStartedEvent,
    TextMessageContent,
    TextMessageEnd,
    TextMessageStart,
)


class Outcome:
    """What became of a run: its name once it has `started`, and 0, 1 or 130 once it has ended."""

    def __init__(self) -> None:
        self.run_id = ""
        self.started = asyncio.Event()
        self.exit_code: int | None = None

    def take(self, event: Event) -> None:
        match event:
            case RunStartedEvent():
                self.run_id = event.run_id
                self.started.set()
            case RunFinishedEvent():
                self.exit_code = 130 if event.status == "canceled" else 0
            case RunErrorEvent():
                self.exit_code = 1
            case _:
                pass


class Printer:
    """Fed with a run's events in order."""

    def __init__(self) -> None:
        self._live = is_terminal(sys.stdout)
        self._parts: list[str] = []
        self._thinking = False
        self._model = ""

    def show(self, event: Event) -> None:
        match event:
            case RunStartedEvent():
                pass
            case TextMessageStart():
                self._start(event)
            case ReasoningMessageContent():
                self._think(event.delta)
            case TextMessageContent():
                self._write(event.delta)
            case TextMessageEnd():
                self._end(event)
            case RunFinishedEvent():
                if event.status == "canceled":
                    note("stopped")
            case RunErrorEvent():
                self._fail(event)
            case Custom():
                self._remark(event.name, event.value)

    def _start(self, event: TextMessageStart) -> None:
        self._model = event.model
        if event.attempt > 1:
            if self._live and self._parts:
                print()
                note(f"attempt {event.attempt}: it replaces the text above")
            self._parts = []

    def _think(self, delta: str) -> None:
        if self._live:
            self._thinking = True
            print(styled(safe(delta), "dim", sys.stdout), end="", flush=True)

    def _write(self, delta: str) -> None:
        self._parts.append(delta)
        if self._live:
            if self._thinking:
                print("\n")
                self._thinking = False
            print(safe(delta), end="", flush=True)

    def _end(self, event: TextMessageEnd) -> None:
        if self._live:
            print()
        else:
            print("".join(self._parts), flush=True)
        self._parts = []
        note(figures(event, self._model))

    def _fail(self, event: RunErrorEvent) -> None:
        if self._live and self._parts:
            print()
        print(f"{styled('failed:', 'red', sys.stderr)} {safe(event.message)} ({event.code})", file=sys.stderr)
        for label, text in (("expected", event.expected), ("came", event.actual), ("→", event.hint)):
            if text:
                print(f"  {label} {safe(text)}", file=sys.stderr)

    def _remark(self, name: str, value: Any) -> None:
        if name == "alma.route" and self._live:
            route = msgspec.convert(value, Route)
            note(f"{route.kind}, as {'you said' if route.source == 'user' else route.role + ' sees it'}")
        elif name == "alma.attempt_failed":
            failure = msgspec.convert(value, AttemptFailure)
            again = "" if failure.retry_in_ms is None else f"; trying again in {failure.retry_in_ms / 1000:.1f} s"
            note(f"attempt {failure.attempt} failed: {failure.error.message}{again}")


def figures(event: TextMessageEnd, model: str) -> str:
    """`first token 0.12 s · 98 tokens/s · 214 tokens · 37 in · embedded/tiny`: what a message cost."""
    timing, usage = event.timing, event.usage
    writing_s = (timing.total_ms - timing.first_token_ms) / 1000
    words = [f"first token {timing.first_token_ms / 1000:.2f} s"]
    if writing_s > 0 and usage.output_tokens > 1:
        words.append(f"{(usage.output_tokens - 1) / writing_s:.0f} tokens/s")
    words.append(f"{usage.output_tokens} tokens{' (counted here)' if usage.estimated else ''}")
    words.append(
        f"{usage.input_tokens} in" + (f", {usage.cached_tokens} of them cached" if usage.cached_tokens else "")
    )
    return " · ".join([*words, model])
