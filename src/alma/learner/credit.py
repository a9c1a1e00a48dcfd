"""Who and what had a part in a task, and how much of the credit each gets. Pure.

Who did it (role, model, prompt, pattern, arm) gets all of it, for it was all of the task. Of what was told (memories,
examples, notes) many stood in one prompt: those share it, by use. One that stands in the answer counts whole, one of
which nothing is seen a fifth of that; together they never get more than all.
"""

from __future__ import annotations

from collections.abc import Mapping

from alma.agent.teaching import DIRECT
from alma.engine.state import RunState, TaskState
from alma.learned import Choice, ChoiceWhat
from alma.learner.trail import Assignment
from alma.learner.using import HELPED, helped_by, says_again
from alma.learning.outcome import Part, item_id
from alma.plan import MAIN

USED, IDLE, UNSEEN = 1.0, 0.2, 0.5  # UNSEEN: of what no answer would show: notes, and what is told whatever is asked


def parts_of(now: Assignment, role: str, model: str, pattern: str, context: str, asked: str) -> list[Part]:
    """`asked`: the task in words."""
    odds = {one.what: one.propensity for one in now.choices}
    arm = odds.get("arm", 1.0)
    found = [Part(item_id("role", role), context, propensity=arm)]
    if model:
        found.append(Part(item_id("model", model), context, propensity=arm))
    if pattern:
        found.append(Part(item_id("pattern", pattern), context, propensity=arm))
    if now.started is not None and now.started.prompt_version:
        version = item_id("prompt", now.started.prompt_version)
        found.append(Part(version, context, propensity=odds.get("prompt", 1.0)))
    for what in ("arm", "notes"):
        chosen = _chosen(now.choices, what)
        if chosen is not None:
            found.append(Part(item_id(what, chosen.chosen), context, propensity=chosen.propensity))
    answer = now.said[-1].text if now.said else ""
    found += _shared(context, {item_id("memory", id): share for id, share in _memories(now, asked, answer).items()})
    shown = {item_id("example", one.id): _seen(answer, one.answer, asked) for one in now.examples.values()}
    found += _shared(context, shown)
    notes = [f"{role}.{one.version}.{one.id}" for one in now.notes.values()]  # ids are a set's own: each has an n1
    found += _shared(context, {item_id("note", name): UNSEEN for name in notes})
    return found


def pattern_of(state: RunState, task: TaskState) -> str:
    """Whether and how the task was split; empty where that was no question."""
    if task.plan is not None:
        return task.plan.plan.pattern or task.plan.plan.source
    analytical = task.id == MAIN and state.route is not None and state.route.kind == "analytical"
    return DIRECT if analytical else ""


def _chosen(choices: list[Choice], what: ChoiceWhat) -> Choice | None:
    return next((one for one in choices if one.what == what), None)


def _memories(now: Assignment, asked: str, answer: str) -> dict[str, float]:
    known = " ".join((asked, *now.queries))
    return {
        hit.id: UNSEEN if hit.standing else USED if answer and helped_by(hit, known, answer) == HELPED else IDLE
        for hit in now.told.values()
    }


def _seen(answer: str, told: str, asked: str) -> float:
    return USED if answer and says_again(answer, told, asked) else IDLE


def _shared(context: str, uses: Mapping[str, float]) -> list[Part]:
    """Each by its use; together at most one."""
    most = max(1.0, sum(uses.values()))
    return [Part(item, context, share=use / most) for item, use in uses.items()]
