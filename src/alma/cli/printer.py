"""Shows a run to a person: its answer on standard output, everything else beside it on standard error.

On a terminal the answer appears as it comes, an attempt that had to be made again is visibly replaced by the next one,
and the tasks of a plan are lines that are updated in place. A pipe cannot take text back, so it gets the text of a
message when its attempt has ended well, and a line for each thing that happens.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from alma.cli import run_lines
from alma.cli.following import Event
from alma.cli.live_lines import LiveLines, can_redraw, size
from alma.cli.run_view import RunView, TaskView
from alma.cli.terminal import is_terminal, note, safe, styled
from alma.errors import AlmaError
from alma.events import ErrorFacts
from alma.plan import MAIN
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

_REDRAW_S = 0.1
_LINE = 100  # characters of an agent's text after which a line is broken at a space


class Printer:
    """Fed with a run's events in order, each after `view` has taken it. `every_agent`: show the text of all of them,
    line by line, and not that of the answer only."""

    def __init__(self, view: RunView, *, every_agent: bool = False, clock: Callable[[], float] = time.time) -> None:
        self._view = view
        self._every_agent = every_agent
        self._clock = clock
        self._live = is_terminal(sys.stdout)
        self._lines = LiveLines(sys.stderr) if can_redraw(sys.stderr) else None
        self._left: set[str] = set()  # tasks whose line stands further up
        self._drawn_at = 0.0
        self._held: list[str] | None = None
        self._answer = ""  # the open message of the run's own answer
        self._model = ""
        self._parts: list[str] = []
        self._midway = False  # the cursor stands in a line of the answer
        self._thinking = False
        self._texts: dict[str, str] = {}  # by message: what is not yet a line

    def show(self, event: Event) -> None:
        task = self._view.task(event.subagent_run_id)
        match event:
            case RunStartedEvent():
                pass
            case TextMessageStart() | TextMessageContent() | ReasoningMessageContent() | TextMessageEnd():
                self._text(task, event)
            case SubagentStarted():
                self._tell_of(event.assignment == 1, run_lines.started(task, event))
            case SubagentFinished():
                self._tell_of(True, run_lines.finished(task, event))
            case SubagentError():
                self.say(run_lines.failed(task, event))
            case ToolCallStart():
                self.say(run_lines.called(task, event))
            case ToolCallResult():
                self.say(run_lines.returned(task, event))
            case RunFinishedEvent():
                self._finish("stopped" if event.status == "canceled" else "")
            case RunErrorEvent():
                self._finish()
                self.fail(ErrorFacts(event.code, event.message, event.expected, event.actual, event.hint))
            case Custom():
                self._remark(task, event.name, event.value)

    # ── beside the answer ─────────────────────────────────────────────────────────────────────────────────────────

    def say(self, *lines: str) -> None:
        """Lines on standard error, above those that are updated in place."""
        if self._held is not None:
            self._held.extend(lines)
            return
        self._break_off()
        if self._lines is not None:
            self._lines.erase()
        for line in lines:
            note(line)
        self._draw()

    def hold(self) -> None:
        """Write nothing before `release`: the user is being asked."""
        if self._lines is not None:
            self._lines.erase()
        self._held = []

    def release(self) -> None:
        lines, self._held = self._held or [], None
        self.say(*lines)

    def withdraw(self) -> None:
        """What the user was asked needs no answer any more."""
        print(file=sys.stderr)
        note("(no answer is needed any more)")

    def fail(self, error: ErrorFacts | AlmaError) -> None:
        first, *more = run_lines.problem(error)
        print(f"{styled('failed:', 'red', sys.stderr)} {safe(first)} ({error.code})", file=sys.stderr)
        for line in more:
            print(safe(line), file=sys.stderr)

    def _tell_of(self, drawn: bool, line: str) -> None:
        """What a task's line shows by itself is not said once more."""
        if drawn and self._lines is not None:
            self._draw()
        else:
            self.say(line)

    def _remark(self, task: TaskView, name: str, value: Any) -> None:
        if name == "alma.route" and not self._live:
            return
        lines = run_lines.remark(task, name, value)
        if name == "alma.plan" and self._lines is not None and task.id not in self._view.asks:
            lines = lines[:1]  # its tasks are lines already
        if lines:
            self.say(*lines)
        else:
            self._draw()

    def _draw(self, *, soon: bool = False) -> None:
        """The tasks' lines, as they stand. `soon`: unless that was done a moment ago."""
        now = self._clock()
        if self._lines is None or self._held is not None or self._midway or (soon and now < self._drawn_at + _REDRAW_S):
            return
        self._drawn_at = now
        columns, rows = size(sys.stderr)
        tasks = [task for task in self._view.tasks.values() if task.id not in self._left]
        most = max(rows - 2, 1)
        if len(tasks) > most:
            tasks.sort(key=lambda task: (task.over, not task.began))
        lines = run_lines.task_lines(tasks[:most], int(now * 1000), columns - 1)
        if len(tasks) > most:
            lines[-1] = f"  … {len(tasks) - most + 1} more"
        self._lines.draw(lines)

    def _leave_lines(self) -> None:
        if self._lines is not None:
            self._draw()
            self._lines.leave()
            self._left.update(task.id for task in self._view.tasks.values() if task.over)

    def _finish(self, word: str = "") -> None:
        self._break_off()
        self._leave_lines()
        if word:
            note(word)
        if self._view.tasks:
            note(run_lines.totals(self._view))

    # ── texts ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _text(
        self,
        task: TaskView,
        event: TextMessageStart | TextMessageContent | ReasoningMessageContent | TextMessageEnd,
    ) -> None:
        match event:
            case TextMessageStart() if task.id == MAIN and event.step.startswith("answer"):
                self._begin(event)
            case TextMessageStart():
                self._begin_beside(task, event)
            case TextMessageContent() if event.message_id == self._answer:
                self._write(event.delta)
            case ReasoningMessageContent() if event.message_id == self._answer:
                self._think(event.delta)
            case TextMessageEnd() if event.message_id == self._answer:
                self._end(event)
            case TextMessageContent() if event.message_id in self._texts:
                self._write_beside(task, event)
            case TextMessageEnd():
                if rest := self._texts.pop(event.message_id, "").strip():
                    self.say(f"{_mark(task)} {rest}")
                self._draw()
            case TextMessageContent() | ReasoningMessageContent():
                self._draw(soon=True)

    def _begin(self, event: TextMessageStart) -> None:
        self._answer, self._model = event.message_id, event.model
        if event.attempt > 1:
            if self._live and self._parts:
                self._break_off()
                note(f"attempt {event.attempt}: it replaces the text above")
            self._parts = []

    def _think(self, delta: str) -> None:
        if self._live:
            self._thinking = True
            self._print(styled(safe(delta), "dim", sys.stdout))

    def _write(self, delta: str) -> None:
        self._parts.append(delta)
        if self._live:
            if self._thinking:
                self._print("\n\n")
                self._thinking = False
            self._print(safe(delta))

    def _print(self, text: str) -> None:
        if not self._midway:
            self._leave_lines()
            self._midway = True
        print(text, end="", flush=True)

    def _break_off(self) -> None:
        if self._midway:
            print(flush=True)
            self._midway = self._thinking = False

    def _end(self, event: TextMessageEnd) -> None:
        """A text that ends in calling tools is said on the way to the answer, and is not yet it."""
        text, self._parts, self._answer = "".join(self._parts), [], ""
        if self._live:
            self._break_off()
        elif not event.tool_calls:
            print(text, flush=True)
        elif text.strip():
            self.say(f"{_mark(self._view.main)} {text.strip()}")
        if not event.tool_calls and not self._view.tasks:
            note(run_lines.figures(event, self._model))

    def _begin_beside(self, task: TaskView, event: TextMessageStart) -> None:
        if self._every_agent and task.id != MAIN:
            self._texts[event.message_id] = ""
            if event.attempt > 1:
                self.say(f"{_mark(task)} attempt {event.attempt}: it replaces the one before")
        self._draw()

    def _write_beside(self, task: TaskView, event: TextMessageContent) -> None:
        *lines, rest = (self._texts[event.message_id] + event.delta).split("\n")
        while len(rest) > _LINE and (space := rest.rfind(" ", 0, _LINE)) > 0:
            lines.append(rest[:space])
            rest = rest[space + 1 :]
        self._texts[event.message_id] = rest
        if lines:
            self.say(*(f"{_mark(task)} {line}".rstrip() for line in lines))
        self._draw(soon=True)


def _mark(task: TaskView) -> str:
    return f"[{task.id}]"
