"""The judge: follows what becomes durable, and holds every process to it.

It keeps each run's log and state by itself, from the commits alone, so that at any moment it can say what a process
could know, and at the end whether everything that was ever committed is still there.
"""

from __future__ import annotations

import sqlalchemy as sa

from alma.db.tables import entries, runs
from alma.engine.fold import apply, fold
from alma.engine.journal import read_entries
from alma.engine.runner import Engine
from alma.engine.state import RunState
from alma.events import MessageFinished, Recorded
from alma.session.spend import check
from alma.sim.promises import Memory, broken, may_flow
from alma.sim.world import World


class Judge:
    def __init__(self, world: World) -> None:
        self.world = world
        self.logs: dict[str, list[Recorded]] = {}
        self.states: dict[str, RunState] = {}
        self.texts: dict[tuple[str, str], str] = {}  # of finished messages, by run and message
        self._memories: dict[str, Memory] = {}
        self._ran: dict[tuple[str, str], int] = {}  # by run and call: how often its tool ran

    # ── what becomes durable ──────────────────────────────────────────────────────────────────────────────────────

    def committed(self, new: list[Recorded]) -> None:
        for recorded in new:
            self._take(recorded)

    def first_entries(self, connection: sa.Connection) -> list[Recorded]:
        """The entries of runs that were not there before."""
        known = connection.execute(sa.select(runs.c.id)).scalars()
        fresh = {run_id: 0 for run_id in known if run_id not in self.logs}
        return [one for log in read_entries(connection, fresh).values() for one in log] if fresh else []

    def _take(self, recorded: Recorded) -> None:
        run_id, entry = recorded.run_id, recorded.entry
        log = self.logs.setdefault(run_id, [])
        state = self.states.setdefault(run_id, RunState(run_id))
        memory = self._memories.setdefault(run_id, Memory())
        self.world.note(f"{run_id} {recorded.seq:3} {type(entry).__name__} {_told(recorded)}")
        if recorded.seq != len(log) + 1:
            self.world.blame(f"run {run_id} went from seq {len(log)} to {recorded.seq}")
        if problem := broken(state, entry, memory):
            self.world.blame(f"run {run_id}, seq {recorded.seq}: {problem}")
        log.append(recorded)
        apply(state, recorded)
        if isinstance(entry, MessageFinished):
            self.texts[run_id, entry.message_id] = entry.text

    # ── what is done ──────────────────────────────────────────────────────────────────────────────────────────────

    def model_called(self, engine: Engine, run_id: str, task_id: str, step: str, quoted: set[str]) -> None:
        """A process calls a model for a step; `quoted`: the tasks whose results are in the prompt."""
        self.world.note(f"{run_id} model call for task {task_id}, {step}")
        known = engine.state(run_id)
        task = known.tasks.get(task_id) if known is not None else None
        if task is not None and step in task.steps:
            self.world.blame(f"run {run_id}: step {step} of task {task_id} is done again by who knows that it is done")
        state = self.states[run_id]
        if task_id in state.tasks and (leaked := quoted - may_flow(state, task_id)):
            self.world.blame(f"run {run_id}: task {task_id} was told results of {sorted(leaked)}")

    def tool_ran(self, run_id: str, call_id: str) -> None:
        """A tool is executed: there must be an intent in the log for every time."""
        self.world.note(f"{run_id} tool runs for {call_id}")
        ran = self._ran[run_id, call_id] = self._ran.get((run_id, call_id), 0) + 1
        if ran > self._memories[run_id].intents.get(call_id, 0):
            self.world.blame(f"run {run_id}: call {call_id} ran {ran} times, its log says less")

    # ── what is remembered ────────────────────────────────────────────────────────────────────────────────────────

    def compare(self, engine: Engine, name: str) -> None:
        """What a process holds of the runs it carries is what a cold fold of as much of their logs gives."""
        for run_id, log in self.logs.items():
            state = engine.state(run_id)
            if state is not None and state != fold(run_id, log[: state.head]):
                self.world.blame(f"{name} holds another state of run {run_id} than its log gives at {state.head}")

    def unfinished(self) -> list[RunState]:
        return [state for state in self.states.values() if state.finished is None]

    def close(self, connection: sa.Connection) -> None:
        """At the end: everything that was ever committed is there, as it was, and means what it meant."""
        heads = {row.id: row.head for row in connection.execute(sa.select(runs.c.id, runs.c.head))}
        count = connection.execute(sa.select(sa.func.count()).select_from(entries)).scalar_one()
        if count != sum(len(log) for log in self.logs.values()):
            self.world.blame(f"the database has {count} entries, not as many as were committed")
        for run_id, log in read_entries(connection, dict.fromkeys(self.logs, 0)).items():
            if log != self.logs[run_id] or heads[run_id] != len(log):
                self.world.blame(f"run {run_id} is not what was committed")
            if fold(run_id, log) != self.states[run_id]:
                self.world.blame(f"run {run_id} means something else when it is folded anew")
        for differs in check(connection).wrong:
            self.world.blame(f"what was spent is not what was written: {differs}")


def _told(recorded: Recorded) -> str:
    """What a reader of a trace wants to see of an entry first."""
    entry = recorded.entry
    names = ("message_id", "attempt", "call_id", "question_id", "assignment", "status", "step")
    return " ".join([entry.task_id, *(f"{name}={value}" for name in names if (value := getattr(entry, name, "")))])
