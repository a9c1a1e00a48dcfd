"""A run as one process carries it: its folded state, the workers on its tasks, and what it has queued."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from alma.engine.decide import Begin, End
from alma.engine.dispatch import Ticket
from alma.engine.fold import apply
from alma.engine.journal import Fence
from alma.engine.state import RunState
from alma.events import Recorded, RunFinished, TaskFinished
from alma.model_call import Paid
from alma.plan import MAIN

if TYPE_CHECKING:
    from alma.engine.worker import Worker


class Active:
    """A run that this process knows. `fence`: of its own task, when it was begun here. `queued`: tasks handed to the
    dispatcher and not yet taken up. `log`: the entries that `state` is made of."""

    def __init__(self, state: RunState, thread_id: str = "", fence: Fence | None = None) -> None:
        self.state = state
        self.log: list[Recorded] = []
        self.thread_id = thread_id
        self.fence = fence
        self.workers: dict[str, Worker] = {}
        self.queued: set[str] = set()
        self.elsewhere: set[str] = set()  # tasks that another process has taken over
        self.behind = False  # the log has entries that are not in `state`
        self.told: set[tuple[str, str, bool, str]] = set()  # budgets of which the user is being told: see `Purse`
        self.deciding = False
        self.again = False
        self.abandoned = False
        self.wake: asyncio.TimerHandle | None = None
        self.wake_at = 0.0  # when it is due, in Unix seconds; 0: it is not
        self.unsubscribe: Callable[[], None] = lambda: None

    @property
    def run_id(self) -> str:
        return self.state.run_id

    def take(self, recorded: Recorded) -> None:
        """The next entry of its log; one that was taken already changes nothing."""
        if recorded.seq > self.state.head:
            apply(self.state, recorded)
            self.log.append(recorded)

    def ticket(self, decision: Begin) -> Ticket:
        started, task = self.state.started, self.state.tasks[decision.task_id]
        assert started is not None
        # What was begun is ended first: a synthesis goes before other runs' first steps.
        own = task.spec.priority if task.spec is not None else 0
        priority = 2 * (started.priority + own) + (task.plan is not None)
        model = task.model or started.model or ""
        return Ticket(
            self.run_id, task.id, started.owner, task.role, model, priority=priority, not_before=decision.not_before
        )


def end_entry(decision: End, at: float, lost: Paid | None = None) -> TaskFinished | RunFinished:
    """`lost`: what a message without an end has used."""
    if decision.task_id != MAIN:
        return TaskFinished(at=at, task_id=decision.task_id, status=decision.status, error=decision.error, lost=lost)
    status = "canceled" if decision.status == "canceled" else "failed"
    return RunFinished(at=at, status=status, error=decision.error, lost=lost)
