"""Telling agents that what they were told has changed: a message to each unfinished task that knows the memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from alma.events import MEMORY, AgentMessage
from alma.memory.access import may_read
from alma.memory.records import Change, Reader, Scope, outside_of

if TYPE_CHECKING:
    from alma.engine.runner import Engine

ScopesOf = Callable[[str], Sequence[Scope]]
_NEWS = frozenset(("edited", "superseded", "forgotten", "restored", "purged"))


async def tell_reminded(engine: Engine, changes: Sequence[Change], scopes_of: ScopesOf) -> None:
    """Agents hear of it at their next step, and the page shows the message. `scopes_of`: what a role may read, by its
    name: one that may not read the memory any more hears only that it was taken back."""
    news = {change.id: change for change in changes if change.what in _NEWS}
    if not news:
        return
    for active in engine.carried():
        for task in list(active.state.tasks.values()):
            for memory_id in sorted(task.reminded & news.keys()) if not task.ended else ():
                change = news[memory_id]
                reader = Reader(change.owner, task.role, tuple(scopes_of(task.role)))
                message = AgentMessage(
                    at=engine.clock(),
                    task_id=task.id,
                    sender=MEMORY,
                    recipient=task.id,
                    kind="inform",
                    text=_words(change, reader),
                    refs=[memory_id],
                    outside=_outside(change, reader),
                )
                await engine.tell(active.thread_id, active.run_id, message)


def _outside(change: Change, reader: Reader) -> list[str]:
    memory = change.memory
    return [phrase] if memory is not None and may_read(reader, memory) and (phrase := outside_of(memory)) else []


def _words(change: Change, reader: Reader) -> str:
    memory = change.memory
    if memory is None or not may_read(reader, memory) or change.what in ("forgotten", "purged"):
        return f"The memory {change.id} that you were given was taken back. Do not rely on it."
    if change.what == "superseded":
        return f"The memory {change.id} that you were given does not hold any more."
    return f"The memory {change.id} that you were given was changed. Now it is: {memory.text}"
