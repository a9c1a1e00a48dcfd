"""A thread's events folded into turns, and one path through their tree: what a person would call the conversation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from alma.cli.following import Event
from alma.cli.run_view import RunView
from alma.session.wire import (
    RunErrorEvent,
    RunFinishedEvent,
    RunStartedEvent,
    TextMessageContent,
    TextMessageEnd,
    TextMessageStart,
)


@dataclass
class Turn:
    """A task and its answer. `started`: Unix milliseconds. `status`: working until the run has ended. `view`: the plan
    and how its tasks went. `parts`: of the message that is being read; `writing`: whose it is."""

    run_id: str
    parent_run_id: str | None
    started: int
    task: str
    answer: str = ""
    status: str = "working"
    error: str = ""
    model: str = ""
    view: RunView = field(default_factory=RunView)
    writing: str = ""
    parts: list[str] = field(default_factory=list[str])


def fold_turns(events: Iterable[Event]) -> list[Turn]:
    """All turns, in the order in which they were started."""
    turns: dict[str, Turn] = {}
    for event in events:
        if isinstance(event, RunStartedEvent):
            turns[event.run_id] = Turn(event.run_id, event.parent_run_id, event.timestamp, event.text)
        if event.run_id in turns:
            turns[event.run_id].view.take(event)
            _apply(turns[event.run_id], event)
    for turn in turns.values():
        turn.answer = turn.answer or "".join(turn.parts)
    return sorted(turns.values(), key=lambda turn: turn.started)


def _apply(turn: Turn, event: Event) -> None:
    """The answer is the last message of the run's own agent that asks for no tools; other agents' are no part of it."""
    match event:
        case TextMessageStart() if not event.subagent_run_id and event.step.startswith("answer"):
            turn.parts.clear()  # another attempt begins the text anew
            turn.writing, turn.model = event.message_id, event.model
        case TextMessageContent() if event.message_id == turn.writing:
            turn.parts.append(event.delta)
        case TextMessageEnd() if event.message_id == turn.writing and not event.tool_calls:
            turn.answer = "".join(turn.parts)
        case RunFinishedEvent():
            turn.status = event.status
        case RunErrorEvent():
            turn.status, turn.error = "failed", f"{event.message} ({event.code})"
        case _:
            pass


def newest_branch(turns: list[Turn]) -> list[Turn]:
    """The turns from the first one to the one started last."""
    by_id = {turn.run_id: turn for turn in turns}
    branch: list[Turn] = []
    turn = turns[-1] if turns else None
    while turn is not None:
        branch.append(turn)
        turn = by_id.get(turn.parent_run_id or "")
    return branch[::-1]


def as_markdown(title: str, turns: list[Turn]) -> str:
    """A conversation as a page: each task as a heading's quote, each answer as it was written."""
    parts = [f"# {title}"]
    for turn in turns:
        when = datetime.fromtimestamp(turn.started / 1000).strftime("%Y-%m-%d %H:%M")
        task = "\n".join(f"> {line}".rstrip() for line in turn.task.splitlines())
        remark = "" if turn.status == "completed" else f"\n\n*{turn.error or turn.status}*"
        parts.append(f"{task}\n\n{turn.answer.strip()}{remark}\n\n*{' · '.join(filter(None, [when, turn.model]))}*")
    return "\n\n".join(parts) + "\n"
