"""What from outside stands in the context of a task: web pages, files, what agents noted after reading them. Pure.

It is known by phrases ("a web page"), which follow from the log alone. A task has those of what its tools brought and
of what it was reminded of (`fold.py` gathers them), of the results and messages that it was given, of the board, and of
whoever made the plan that it is in; the run's own task also those of the turns before. What a task writes says what was
in its context then, so that whoever reads it has that too. Nothing takes a phrase away again: not another role, not a
shortened prompt.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from msgspec.structs import replace

from alma.agent.task import Turn
from alma.engine.briefing import mail, results_for
from alma.engine.state import RunState, TaskState
from alma.events import (
    AgentMessage,
    BoardWritten,
    JournalEntry,
    MessageFinished,
    PlanAmended,
    PlanMade,
    TaskFinished,
)

_MOST = 12  # phrases; beyond that it makes no difference
_Says = MessageFinished | PlanMade | PlanAmended | TaskFinished | AgentMessage | BoardWritten
E = TypeVar("E", bound=JournalEntry)


def outside_of(state: RunState, task: TaskState, before: Iterable[str] = ()) -> list[str]:
    """`before`: of the turns that the task follows."""
    found = dict.fromkeys([*before, *task.outside])
    if state.outside:
        for other in results_for(state, task):
            if other.result is not None:
                found |= dict.fromkeys(other.result.outside)
        for _, message in mail(state, task):
            found |= dict.fromkeys(message.outside)
        for written in state.board.values():
            found |= dict.fromkeys(written.outside)
    return list(found)[:_MOST]


def of_turns(turns: Iterable[Turn], *, older: bool) -> list[str]:
    """Of the answers in a conversation. `older`: a summary stands for turns of which nothing is known any more."""
    found = dict.fromkeys(phrase for turn in turns for phrase in turn.outside)
    return [*found, *(["an old part of the conversation"] if older else [])][:_MOST]


def marked(entries: Sequence[E], outside: Sequence[str]) -> list[E]:
    """What a task says, with what was in its context when it said it."""
    if not outside:
        return list(entries)
    return [replace(one, outside=list(outside)) if isinstance(one, _Says) else one for one in entries]
