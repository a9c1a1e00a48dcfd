"""What became of a run, out of its journal alone: signals, credit, rewards. Pure.

How a reward comes down: a task has its own signals first. To the results that it was joined from it passes on what its
user said of it, at a discount and in equal parts: of an answer made of n results, each is an n-th of the reason. That
is heard there as one more implicit signal, so a user's word on the task itself outweighs it, and a critic's does not.
Work that was sent back, taken over from another run, or only judged others gets nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from alma.engine.fold import fold
from alma.engine.state import RunState, TaskState
from alma.events import Recorded, RouteCorrected, RunFinished, RunStarted, Signaled, TaskFinished
from alma.learner.credit import parts_of, pattern_of
from alma.learner.hearing import given_up, heard_of, of_route, said_of
from alma.learner.trail import Assignment, Trail, Trails, follow
from alma.learning.outcome import Heard, Outcome, TaskOutcome, context_of
from alma.learning.reward import PASSED_ON, Weights, reckon
from alma.plan import MAIN, parent_of

WeightsOf = Callable[[str], Weights]
DISCOUNT = 0.6  # of what a user said of a task, for the results that it was joined from, together
_TEXT_CHARS = 8_000  # of a request that are kept with its outcome


def outcome_of(log: Sequence[Recorded], weights: WeightsOf, known: RunState | None = None) -> Outcome | None:
    """`weights`: those of an owner. `known`: the run, as its engine left it. None: it has not ended, or is a trial that
    nobody asked for."""
    started = next((one.entry for one in log if isinstance(one.entry, RunStarted)), None)
    return None if started is None or started.trial is not None else counted(log, weights, known)


def counted(log: Sequence[Recorded], weights: WeightsOf, known: RunState | None = None) -> Outcome | None:
    """As `outcome_of`, of trials too."""
    if not log:
        return None
    state = known if known is not None and known.head == log[-1].seq else fold(log[0].run_id, log)
    started, finished = state.started, state.finished
    if started is None or finished is None:
        return None
    trails = follow(log)
    tasks: list[TaskOutcome] = []
    for task in state.tasks.values():
        if task.id == MAIN or (task.result is not None and not task.reused and _begun(trails, task)):
            tasks += _of_task(state, task, trails)
    end = next(one.seq for one in log if isinstance(one.entry, RunFinished))
    kind = state.route.kind if state.route is not None else ""
    outcome = Outcome(
        run_id=state.run_id,
        owner=started.owner,
        thread_id=started.thread_id,
        at=finished.at,
        kind=kind,
        text=started.text[:_TEXT_CHARS],
        status=finished.status,
        tasks=tasks,
        end=end,
    )
    return weighed(outcome, weights(started.owner))


def weighed(outcome: Outcome, weights: Weights) -> Outcome:
    """With the rewards that follow from its signals by these weights."""
    below: dict[str, list[str]] = {}
    for task in outcome.tasks:
        if task.passed_to:
            below.setdefault(parent_of(task.task_id) or "", []).append(task.task_id)
    passed: dict[str, Heard] = {}
    tasks: list[TaskOutcome] = []
    for task in sorted(outcome.tasks, key=lambda one: one.task_id.count(".") + (one.task_id != MAIN)):
        signals = [one for one in task.signals if one.name != PASSED_ON]
        if task.task_id in passed:
            signals.append(passed[task.task_id])
        signals = [_by(one, weights.of(one)) for one in signals]
        found = reckon(signals, weights)
        tasks.append(replace(task, signals=signals, reward=found.reward, weight=found.weight))
        heirs = below.get(task.task_id, ())
        spoken = [(one.value, weight) for one, weight in found.counted if one.kind != "automatic"]
        if heirs and found.spoken > 0.0:
            value = sum(value * weight for value, weight in spoken) / sum(weight for _, weight in spoken)
            weight = DISCOUNT * found.spoken / len(heirs)
            why = f"what was said of the task above, for one of {len(heirs)} results"
            passed |= dict.fromkeys(heirs, Heard(PASSED_ON, "implicit", value, weight, outcome.at, why))
    by_id = {task.task_id: task for task in tasks}
    return replace(outcome, tasks=[by_id[task.task_id] for task in outcome.tasks])


def _by(signal: Heard, weight: float) -> Heard:
    return signal if signal.weight == weight else replace(signal, weight=weight)


def with_late(outcome: Outcome, log: Sequence[Recorded], weights: Weights) -> Outcome:
    """A stored outcome with what was said since, of a run whose steps were given up meanwhile."""
    late: dict[str, dict[str, Signaled]] = {}
    route: RouteCorrected | None = None
    for recorded in log:
        if isinstance(recorded.entry, RouteCorrected):
            route = recorded.entry
        elif isinstance(recorded.entry, Signaled):
            late.setdefault(recorded.entry.task_id, {})[recorded.entry.signal] = recorded.entry
    tasks: list[TaskOutcome] = []
    for task in outcome.tasks:
        new = late.get(task.task_id, {})
        said = said_of(new, failed=bool(task.error))
        if task.task_id == MAIN and outcome.kind:
            said += of_route(route, outcome.kind)
        gone = {*new, *(one.name for one in said)}
        tasks.append(replace(task, signals=[*(one for one in task.signals if one.name not in gone), *said]))
    return weighed(replace(outcome, tasks=tasks), weights)


def pruned(log: Sequence[Recorded], outcome: Outcome) -> bool:
    """Whether the steps of a run were given up since its outcome was made."""
    return any(isinstance(one.entry, RunFinished) and one.seq < outcome.end for one in log)


def _of_task(state: RunState, task: TaskState, trails: Trails) -> list[TaskOutcome]:
    """The task, then what its earlier assignments have shown."""
    trail = trails.of(task.id)
    started, finished = state.started, state.finished
    assert started is not None
    assert finished is not None
    kind = state.route.kind if state.route is not None else ""
    pattern = pattern_of(state, task)
    end: RunFinished | TaskFinished = finished if task.id == MAIN or task.result is None else task.result
    found: list[TaskOutcome] = []
    last = len(trail.assignments)
    for number, now in enumerate(trail.assignments, 1):
        role = now.started.role if now.started is not None else task.role
        model = _model(now, task if number == last else None)
        asked = started.text if task.spec is None else task.spec.goal
        # Whoever was chosen in its place does the tasks of the role that was asked for.
        context = now.choices[0].context if now.choices else context_of(task.id, role, kind)
        ms, tokens, cost = _took(state, trails, trail) if task.id == MAIN else (now.ms, now.tokens, now.cost)
        stands = number == last
        one = TaskOutcome(
            task_id=task.id if stands else f"{task.id}@{number}",
            role=role,
            kind=context,
            prompt_version=now.started.prompt_version if now.started is not None else "",
            model=model,
            pattern=pattern if stands else "",
            parts=parts_of(now, role, model, pattern if stands else "", context, asked),
            choices=now.choices,
            signals=heard_of(state, task, trails, ms, cost) if stands else given_up(now),
            ms=ms if stands else now.ms,
            tokens=tokens if stands else now.tokens,
            cost=cost if stands else now.cost,
            error=(end.error.code if end.error is not None else "") if stands else now.error,
            passed_to=stands and _joined(state, task),
        )
        found.insert(0 if stands else len(found), one)
    return found


def _model(now: Assignment, task: TaskState | None) -> str:
    """Who wrote the last of it; what was asked for where nobody did."""
    for said in reversed(now.said):
        if said.model_id:
            return said.model_id
    if now.started is not None and now.started.model:
        return now.started.model
    return task.model or "" if task is not None else ""


def _took(state: RunState, trails: Trails, trail: Trail) -> tuple[float, int, float]:
    """The time of the whole run but for waiting for its user, and all that its calls used."""
    assert state.started is not None
    assert state.finished is not None
    wall = (state.finished.at - state.started.at) * 1000.0 - trails.waited_ms
    every = [one for other in trails.tasks.values() for one in other.assignments] or trail.assignments
    return max(wall, 0.0), sum(one.tokens for one in every), sum(one.cost for one in every)


def _begun(trails: Trails, task: TaskState) -> bool:
    """Whether anybody did anything for it."""
    return task.begun > 0 or any(one.started is not None or one.error for one in trails.of(task.id).assignments)


def _joined(state: RunState, task: TaskState) -> bool:
    """Whether its result went into that of the task above, if there was one."""
    above = state.tasks.get(parent_of(task.id) or "")
    if above is None or (above.answer is None and not above.text):
        return False
    if task.status != "completed" or task.replaced_by is not None:
        return False
    return task.spec is None or task.spec.review_of is None
