"""What the log says of runs: one line where each begins or is taken up again, one where it ends. Ids and figures, never
words that a user or a model wrote."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager

from alma.engine.state import RunState
from alma.events import Recorded, RunFinished, RunStarted
from alma.observability.context import bound
from alma.observability.logs import fields

log = logging.getLogger(__name__)


class RunLog:
    """Hears of every entry that this process commits (`witness`), and (`changed`) when the engine begins to carry a run
    and when it does so no more."""

    def __init__(self) -> None:
        self._fresh: set[str] = set()  # begun just now, and not carried yet
        self._carried: set[str] = set()

    def witness(self, _thread_id: str, recorded: Recorded) -> None:
        started = recorded.entry
        if not isinstance(started, RunStarted):
            return
        self._fresh.add(recorded.run_id)
        with _ids_of(recorded.run_id, started):
            asked = {"kind": started.kind, "model": started.model}
            log.info("a run begins", extra=fields(**{name: value for name, value in asked.items() if value}))

    def changed(self, state: RunState) -> None:
        started, finished, run_id = state.started, state.finished, state.run_id
        if started is None:
            return
        with _ids_of(run_id, started):
            if finished is not None:
                log.info("a run ended: %s", finished.status, extra=fields(**_figures(state, started, finished)))
            elif run_id not in self._fresh | self._carried:
                log.info("a run goes on where it was left", extra=fields(entries=state.head))
            elif run_id in self._carried:
                log.info("a run is carried here no more: it was deleted, or another process has it")
        if finished is not None or run_id in self._carried:
            self._carried.discard(run_id)
        else:
            self._carried.add(run_id)
        self._fresh.discard(run_id)


def _ids_of(run_id: str, started: RunStarted) -> AbstractContextManager[None]:
    """Only the run's own: what is at work here may be another's task."""
    others = dict.fromkeys(("part", "task_id", "step", "attempt"), "")
    return bound(run_id=run_id, thread_id=started.thread_id, owner=started.owner, **others)


def _figures(state: RunState, started: RunStarted, finished: RunFinished) -> dict[str, object]:
    """`seconds`: from the task to the end, with what it waited for its user."""
    messages = [message for task in state.tasks.values() for message in task.steps.values()]
    models = sorted({message.model_id for message in messages if message.model_id})
    figures: dict[str, object] = {
        "kind": state.route.kind if state.route is not None else "",
        "model": ", ".join(models),
        "tasks": len(state.tasks),
        "calls": state.spent.calls,
        "input_tokens": state.spent.input_tokens,
        "output_tokens": state.spent.output_tokens,
        "seconds": round(finished.at - started.at, 3),
        "error": finished.error.code if finished.error is not None else "",
    }
    return {name: value for name, value in figures.items() if value != ""}
