"""What is wrong with a plan, told in sentences that a model can act on; and loops of delegation. Pure.

It knows plans, requests and bounds; neither how a plan was made nor how it is run.
"""

from __future__ import annotations

from collections.abc import Collection

from msgspec import Struct
from msgspec.structs import replace

from alma.agent.facts import Facts
from alma.agent.sentences import content, normal, readable
from alma.plan import Plan, PlanTask

TITLE = 40  # characters
GOAL = 1200
NOTE = 300  # of `expected`, `done_when` and one input
INPUTS = 12
TOLD = 8  # problems that are told at once; a model mends no more


class PlanLimits(Struct, frozen=True):
    """Bounds of one plan. `tasks`: how many it may have. `depth_now`: of the task whose agent plans, 0 for the run's
    own; `depth`: of the deepest task of a run. `tokens_left`, `seconds_left`: what there is to share; None is without
    bound. `task_tokens`: what one task gets at most, 0 is without bound. `role`: whose plan it is."""

    tasks: int = 24
    depth: int = 3
    depth_now: int = 0
    tokens_left: int | None = None
    seconds_left: float | None = None
    task_tokens: int = 160
    role: str = "manager"


def check(plan: Plan, request: str, facts: Facts, roles: Collection[str], limits: PlanLimits) -> list[str]:
    """Problems of `plan`, at most eight; none: it can run. `roles`: those that the agent may delegate to."""
    tasks = plan.tasks
    if not tasks:
        return ["The plan has no tasks. Give at least one."]
    if limits.depth_now + 1 > limits.depth:
        return [f"No task may be delegated here: tasks are nested {limits.depth} deep already. Answer without a plan."]
    if len(tasks) > limits.tasks:
        return [
            f"The plan has {len(tasks):,} tasks; at most {limits.tasks} are allowed. Join those that belong together."
        ]
    problems = _of_tasks(tasks, roles, limits)
    problems += _of_order(tasks)
    problems += _of_budget(tasks, limits)
    problems += _unrelated(tasks, request, facts)
    problems += _left_out(tasks, facts)
    return problems[:TOLD]


# ── each task, and what they wait for ─────────────────────────────────────────────────────────────────────────────


def _of_tasks(tasks: list[PlanTask], roles: Collection[str], limits: PlanLimits) -> list[str]:
    problems: list[str] = []
    known = ", ".join(sorted(roles)) or "none"
    goals: dict[str, str] = {}
    ids: set[str] = set()
    for task in tasks:
        if task.id in ids:
            problems.append(f"Two tasks have the id {task.id}. Ids must differ.")
        ids.add(task.id)
        if task.role == limits.role:
            problems.append(f"Task {task.id} is given to {task.role}, who makes this plan. Choose from: {known}.")
        elif task.role not in roles:
            problems.append(f"Task {task.id} has the unknown role {_shown(task.role)}. Choose from: {known}.")
        goal = normal(task.goal)
        if not goal:
            problems.append(f"Task {task.id} has no goal. Say in a sentence what its agent must do.")
        elif (earlier := goals.setdefault(goal, task.id)) != task.id:
            problems.append(f"Tasks {earlier} and {task.id} have the same goal. Keep one, or make them differ.")
    return problems


def _of_order(tasks: list[PlanTask]) -> list[str]:
    problems: list[str] = []
    ids = {task.id for task in tasks}
    for task in tasks:
        for one in task.depends_on:
            if one not in ids:
                problems.append(f"Task {task.id} depends on {_shown(one)}, which is no task of this plan.")
        if task.review_of is not None and (task.review_of not in ids or task.review_of == task.id):
            problems.append(f"Task {task.id} reviews {_shown(task.review_of)}, which is no other task of this plan.")
    circle = _circle({task.id: [one for one in task.depends_on if one in ids] for task in tasks})
    if circle:
        told = " → ".join([*circle, circle[0]])
        problems.append(f"Tasks wait for one another in a circle: {told}. Remove one of these dependencies.")
    return problems


def _circle(waits: dict[str, list[str]]) -> list[str]:
    """The tasks of one circle, each waiting for the next; empty where there is none."""
    open_tasks = {task: set(on) for task, on in waits.items()}
    while free := [task for task, on in open_tasks.items() if not on]:
        for task in free:
            del open_tasks[task]
        for on in open_tasks.values():
            on.difference_update(free)
    if not open_tasks:
        return []
    path = [next(iter(open_tasks))]
    while (after := min(open_tasks[path[-1]])) not in path:
        path.append(after)
    return path[path.index(after) :]


def _of_budget(tasks: list[PlanTask], limits: PlanLimits) -> list[str]:
    problems = [
        f"Task {task.id} has a negative budget. Give none, or what it may spend."
        for task in tasks
        if task.tokens < 0 or task.seconds < 0
    ]
    tokens, seconds = sum(task.tokens for task in tasks), sum(task.seconds for task in tasks)
    if limits.tokens_left is not None and tokens > limits.tokens_left:
        problems.append(
            f"The tasks may spend {tokens:,} tokens together; {limits.tokens_left:,} are left. Give them less."
        )
    longest = max((task.seconds for task in tasks), default=0.0)
    if limits.seconds_left is not None and longest > limits.seconds_left:
        problems.append(f"A task may take {longest:g} s; {limits.seconds_left:g} s are left ({seconds:g} s in all).")
    return problems


# ── what the request asks ─────────────────────────────────────────────────────────────────────────────────────────


def _unrelated(tasks: list[PlanTask], request: str, facts: Facts) -> list[str]:
    """Generous: one shared word is enough, or a task that builds on one that has it."""
    asked = content(" ".join([request, *facts.options, *facts.criteria, *facts.constraints]))
    if len(asked) < 2:
        return []
    own = [kept for one in [facts.subject, *facts.options, *facts.criteria] if (kept := normal(one))]
    related: set[str] = set()
    for task in tasks:
        said = normal(" ".join([task.goal, task.title, *task.inputs]))
        if asked & content(said) or any(words in said for words in own):
            related.add(task.id)
    grew = True
    while grew:
        more = {t.id for t in tasks if related & {*t.depends_on, t.review_of or ""}} - related
        related |= more
        grew = bool(more)
    return [
        f"Task {task.id} ({_shown(task.goal)}) has nothing to do with the request. Remove it, or say how it serves it."
        for task in tasks
        if task.id not in related and normal(task.goal)
    ]


def _left_out(tasks: list[PlanTask], facts: Facts) -> list[str]:
    goals = [(normal(task.goal), content(task.goal)) for task in tasks]

    def covered(item: str) -> bool:
        words, stems = normal(item), content(item)
        return any(words in goal or (stems and stems <= of_goal) for goal, of_goal in goals)

    named = [("option", one) for one in facts.options] + [("criterion", one) for one in facts.criteria]
    return [f"No goal names the {kind} {_shown(one)}. Add it to a goal." for kind, one in named if not covered(one)]


def _shown(text: str) -> str:
    text = " ".join(text[:240].split())
    return f"“{text[:60]}…”" if len(text) > 60 else f"“{text}”"


# ── bounds ────────────────────────────────────────────────────────────────────────────────────────────────────────


def sanitise(plan: Plan, limits: PlanLimits) -> Plan:
    """The plan with texts on one line and within their lengths, no dependency twice, and budgets within bounds."""
    return replace(plan, tasks=[_clean(task, limits) for task in plan.tasks], reason=line(plan.reason, NOTE))


def _clean(task: PlanTask, limits: PlanLimits) -> PlanTask:
    tokens, seconds = max(0, task.tokens), max(0.0, task.seconds)
    return replace(
        task,
        role=line(task.role, TITLE),
        goal=line(task.goal, GOAL),
        title=line(task.title, TITLE) or line(task.goal, TITLE),
        inputs=list(dict.fromkeys(kept for one in task.inputs[:INPUTS] if (kept := line(one, NOTE)))),
        # Whoever judges a task waits for it, also where that was not said.
        depends_on=list(dict.fromkeys([*task.depends_on, *([task.review_of] if task.review_of else [])])),
        expected=line(task.expected, NOTE),
        done_when=line(task.done_when, NOTE),
        tokens=min(tokens, limits.task_tokens) if limits.task_tokens else tokens,
        seconds=seconds if limits.seconds_left is None else min(seconds, limits.seconds_left),
    )


def line(text: str, most: int) -> str:
    """The text on one line of at most `most` characters, cut at a word where one ends nearby."""
    text = " ".join(readable(text).split())
    if len(text) <= most:
        return text
    cut = text[: most - 1]
    head, space, _ = cut.rpartition(" ")
    return (head if space and len(head) > most // 2 else cut).rstrip(" ,;:.") + "…"


# ── loops ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def delegation(role: str, goal: str) -> str:
    """What makes two delegations the same: role, and goal but for case, spaces and punctuation."""
    return f"{role}: {normal(goal)}"


def repeats(plan: Plan, ancestors: Collection[str]) -> list[str]:
    """Problems of tasks that an agent above, or a sibling of an earlier plan, had already. `ancestors`: theirs, as
    `delegation` gives them."""
    return [
        f"Task {task.id} was given to {task.role} with the same goal before. Answer it, or ask for something smaller."
        for task in plan.tasks
        if delegation(task.role, task.goal) in ancestors
    ][:TOLD]
