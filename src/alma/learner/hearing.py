"""What is heard of a task: each signal of the documented table that its journal has. Pure."""

from __future__ import annotations

import json

from alma.engine.state import RunState, TaskState
from alma.events import RouteCorrected, RunFinished, Signaled, TaskFinished
from alma.learner.trail import Assignment, Trail, Trails
from alma.learning.outcome import Heard
from alma.learning.reward import NEUTRAL, SIGNALS, from_said, hear, in_money, in_time
from alma.plan import MAIN

_STOPPED = from_said(SIGNALS["stopped"].usual)
_CHANGED = 0.3  # of a plan that its user changed
_AGAIN = ("retried", "resent")  # what says nothing of an answer where there was none


def said_of(signals: dict[str, Signaled], *, failed: bool) -> list[Heard]:
    """What was said and shown of a task. What was taken back is not heard, nor that it was asked again because it had
    failed: that it failed is heard anyway."""
    return [
        hear(name, from_said(one.value), one.at, one.reason)
        for name, one in signals.items()
        if one.value and not (failed and name in _AGAIN)
    ]


def of_route(corrected: RouteCorrected | None, kind: str) -> list[Heard]:
    """`kind`: as which it was treated."""
    if corrected is None:
        return []
    same = corrected.kind == kind
    why = "the kind was confirmed" if same else f"the kind was corrected to {corrected.kind}"
    return [hear("route", float(same), corrected.at, why)]


def heard_of(state: RunState, task: TaskState, trails: Trails, ms: float, cost: float) -> list[Heard]:
    trail = trails.of(task.id)
    end = state.finished if task.id == MAIN else task.result
    assert end is not None
    at = end.at
    found = said_of(trail.signals, failed=end.status == "failed")
    if task.id == MAIN and state.route is not None:
        found += of_route(trails.route, state.route.kind)
    found += _of_plan(trail)
    if trail.stopped is not None and end.status == "canceled":
        found.append(hear("stopped", _STOPPED, trail.stopped.at))
    found += _ended(end)
    if task.id != MAIN:
        found += _judged(state, task, at)
    found += _form(trail.last, at)
    calls = [went for went in trail.last.tools.values() if went is not None]
    if calls:
        found.append(hear("tools", sum(calls) / len(calls), at, f"{sum(calls)} of {len(calls)} calls went well"))
    if end.status == "completed" and not any(one.cache for one in trail.last.said):
        found.append(hear("latency", in_time(ms), at, f"{ms / 1000:.1f} s"))
        found.append(hear("cost", in_money(cost), at, f"{cost:.4f} US dollars"))
    return found


def given_up(now: Assignment) -> list[Heard]:
    """Of an assignment in whose place another was set."""
    return [hear("ended", 0.0, now.at, f"it was given up: {now.error}"), *_form(now, now.at)]


def _ended(end: RunFinished | TaskFinished) -> list[Heard]:
    match end.status:
        case "completed":
            return [hear("ended", NEUTRAL, end.at, "it came to its end")]
        case "failed":
            return [hear("ended", 0.0, end.at, f"it failed: {end.error.code if end.error else 'unknown'}")]
        case _:  # canceled: whoever stopped it is heard; rejected: it was never begun
            return []


def _of_plan(trail: Trail) -> list[Heard]:
    decided = trail.plan_decided
    if decided is None:
        return []
    if not decided.approved:
        return [hear("plan", 0.0, decided.at, "the plan was declined")]
    if decided.tasks is not None:
        return [hear("plan", _CHANGED, decided.at, "the plan was changed")]
    return [hear("plan", 1.0, decided.at, "the plan was approved as it was")]


def _judged(state: RunState, task: TaskState, at: float) -> list[Heard]:
    """By a critic, and by whether it was done as its plan says when."""
    found: list[Heard] = []
    verdict = next((said for other in state.tasks.values() if (said := _verdict(other, task.id)) is not None), None)
    if verdict is not None:
        found.append(hear("critic", float(verdict), at, "a critic accepted it" if verdict else "a critic sent it back"))
    if task.spec is not None and task.spec.done_when:
        if verdict is None:
            after = [other for other in state.tasks.values() if task.id in other.depends_on and other.ended]
            went_on = any(other.status == "completed" for other in after) if after else True
            done, by = task.status == "completed" and went_on, "the next step"
        else:
            done, by = verdict, "a critic"
        found.append(hear("done_when", float(done), at, f"{by} found it {'done' if done else 'not done'}"))
    return found


def _verdict(critic: TaskState, task_id: str) -> bool | None:
    if critic.spec is None or critic.spec.review_of != task_id or critic.status != "completed":
        return None
    said = _object(critic.text)
    return None if said is None or said.get("verdict") not in ("accept", "revise") else said["verdict"] == "accept"


def _form(now: Assignment, at: float) -> list[Heard]:
    """Only of answers of which it is clear that a form was asked for."""
    good = sum(1 for one in now.said if one.text.startswith("{") and _object(one.text) is not None)
    if not now.invalid and not good:
        return []
    whole = good + now.invalid
    return [hear("schema", good / whole, at, f"{good} of {whole} answers were of the form asked for")]


def _object(text: str) -> dict[str, object] | None:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None  # pyright: ignore[reportUnknownVariableType]  # of JSON
