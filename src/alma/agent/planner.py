"""Whether a task is answered, asked back about, or planned, and by which plan. Pure: the caller makes the model call.

Two strategies. A weak model is never asked: a pattern decides (`decide`). A strong one is asked once, under
`plan_schema`; what it says is read and checked by `read_decision`, and the problems found go back to it with
`plan_messages`. When it never gets there, `decide` is what is left.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

import msgspec
from msgspec import Struct

from alma.agent.facts import Facts, read_facts
from alma.agent.patterns import fill, matching
from alma.agent.plan_check import NOTE, PlanLimits, check, line, repeats, sanitise
from alma.agent.sentences import LOOKED_AT, content
from alma.models.chat import ChatMessage
from alma.models.probe import ProbeReport
from alma.models.refusal import NOT_JSON
from alma.models.remote import ModelInfo
from alma.plan import MAIN, Plan, PlanTask, child_id

REPAIRS = 2  # how often a model is told what was wrong with its plan
_ENOUGH = ("A", "B", "C")  # grades of a model that can plan


class PlanAsk(Struct, frozen=True):
    """What is decided on. `roles`: whom the agent may delegate to. `ancestors`: the delegations above and before, as
    `plan_check.delegation` gives them. `follows`: there are earlier turns that the request may speak of."""

    request: str
    roles: Collection[str]
    limits: PlanLimits = PlanLimits()
    parent_id: str = MAIN
    first_number: int = 1
    ancestors: Collection[str] = ()
    follows: bool = False
    strong: bool = False


class AnswerDirectly(Struct, frozen=True):
    """There is nothing to split. `reason`: a sentence."""

    reason: str


class AskBack(Struct, frozen=True):
    """The request does not say enough. `options`: answers to choose from, where there are any."""

    question: str
    options: list[str] = []


Decision = AnswerDirectly | AskBack | Plan


class Strength(Struct, frozen=True):
    """Whether a model may plan by itself, and why."""

    level: Literal["weak", "strong"]
    reason: str


def strength(info: ModelInfo, report: ProbeReport | None) -> Strength:
    """What the probe measured decides; before it ran, the model's kind and size do."""
    if report is not None:
        grades = {one.name: one.grade for one in report.grades}
        planning, schema = grades.get("planning", "F"), grades.get("schema", "F")
        level = "strong" if planning in _ENOUGH and schema in _ENOUGH else "weak"
        return Strength(level, f"The probe graded {info.id} {planning} for planning and {schema} for obeying a schema.")
    if info.kind == "scripted":
        return Strength("weak", f"{info.id} is scripted: it says what it was told to.")
    if info.tiny:
        return Strength("weak", f"{info.id} has fewer than two billion parameters and was not tested.")
    return Strength("strong", f"{info.id} was not tested, and nothing says that it is small.")


# ── by pattern ────────────────────────────────────────────────────────────────────────────────────────────────────

_FRAGMENT = re.compile(
    r"\b(?:compare|comparison|which|what|better|best|choose|decide|recommend|weigh|versus|vs|should|pros and cons"
    r"|analy[sz]e|explain|evaluate|plan|help)\b",
    re.IGNORECASE,
)
_LONGEST_FRAGMENT = 6  # words
_COMPARES = re.compile(r"\b(?:compar|better|best|choose|decide|versus|vs|should|which|recommend|weigh)", re.IGNORECASE)


def decide(ask: PlanAsk, wanted: str = "") -> Decision:
    """Decide without a model: deterministic, in about a millisecond. `wanted`: by this pattern, where it fits; empty:
    by the first that does."""
    facts = read_facts(ask.request)
    if not ask.follows and _is_fragment(ask.request, facts):
        question = "What should be compared?" if _COMPARES.search(ask.request) else "What is it about?"
        return AskBack(f"{question} Please name it, and what matters to you.")
    fitting = matching(ask.request, facts, strong=ask.strong)
    pattern = next((one for one in fitting if one.name == wanted), fitting[0] if fitting else None)
    if pattern is None:
        return AnswerDirectly("There is nothing in it to split: one agent does it best.")
    plan = fill(pattern, facts, ask.roles, ask.limits, parent_id=ask.parent_id, first_number=ask.first_number)
    if plan is None:
        return AnswerDirectly("There is nobody to delegate to, or no budget left for it.")
    problems = [*check(plan, ask.request, facts, ask.roles, ask.limits), *repeats(plan, ask.ancestors)]
    return AnswerDirectly(f"The plan by pattern is no use here: {problems[0]}") if problems else plan


def patterns(ask: PlanAsk) -> list[str]:
    """Names of the patterns that fit the request, the usual one first, then `direct`; empty where it would be asked
    back, or nothing fits."""
    facts = read_facts(ask.request)
    if not ask.follows and _is_fragment(ask.request, facts):
        return []
    fitting = [one.name for one in matching(ask.request, facts, strong=ask.strong)]
    return [*fitting, "direct"] if fitting else []


def _is_fragment(request: str, facts: Facts) -> bool:
    words = request[:LOOKED_AT].split()
    if facts.options or facts.criteria or len(words) > _LONGEST_FRAGMENT or _FRAGMENT.search(request) is None:
        return False
    left = _FRAGMENT.sub(" ", request)
    return not content(left) and not re.search(r"[^\W_]*[A-Z\d]\w", left[1:]) and len(words) > 0


# ── by model ──────────────────────────────────────────────────────────────────────────────────────────────────────


def plan_schema(roles: Collection[str], tasks: int = 24) -> dict[str, Any]:
    """The JSON schema of a decision. Every field is required, as strict endpoints want it; empty where not needed."""
    text = {"type": "string"}
    fields: dict[str, Any] = {
        "role": {"enum": sorted(roles)},
        "title": text,
        "goal": text,
        "inputs": {"type": "array", "items": text},
        "depends_on": {"type": "array", "items": {"type": "integer", "minimum": 1}},
        "expected": text,
        "done_when": text,
        "review_of": {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]},
    }
    task = {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}
    top: dict[str, Any] = {
        "action": {"enum": ["answer", "ask", "plan"]},
        "reason": text,
        "question": text,
        "tasks": {"type": "array", "items": task, "maxItems": tasks},
    }
    return {"type": "object", "properties": top, "required": list(top), "additionalProperties": False}


_HOW = """Decide how to treat the request below, and say so as JSON.
- "answer": you answer it best yourself, in one go. Leave question and tasks empty.
- "ask": you cannot begin without knowing something that only the user knows. Put it into question.
- "plan": it has parts that others can work on at the same time. Put them into tasks.
For tasks: number them from 1 in the order given. Each goal stands by itself, because its agent sees neither the request
nor the other tasks; use the request's own words. depends_on holds the numbers of tasks whose results it needs: use few.
review_of is the number of a task that this one judges, else null. inputs are the words of the request it is about.
expected says what the result is; done_when how to tell that it is reached. Do not plan the joining of results: that is
your own work afterwards."""


def plan_messages(
    role_prompt: str,
    request: str,
    facts: Facts,
    roles: Mapping[str, str],
    problems: Sequence[str] = (),
    last: str = "",
    *,
    most: int = 24,
) -> list[ChatMessage]:
    """The prompt of a decision. `roles`: name → purpose. After a failed try: its `problems`, and what was said."""
    team = "\n".join(f"- {name}: {purpose}" for name, purpose in sorted(roles.items()))
    named = [
        f"{what} it names: {'; '.join(items)}."
        for what, items in (
            ("Options", facts.options),
            ("Criteria", facts.criteria),
            ("Constraints", facts.constraints),
        )
        if items
    ]
    if named:
        named.append("Each option and criterion must be named in the goal of a task.")
    parts = [
        _HOW,
        f"At most {most} tasks. Roles:\n{team}",
        f"The request:\n{request}",
        *(["\n".join(named)] if named else []),
    ]
    messages = [ChatMessage("system", role_prompt), ChatMessage("user", "\n\n".join(parts))]
    if problems:
        told = "\n".join(f"- {problem}" for problem in problems)
        again = f"This cannot be used:\n{told}\nSend the whole JSON again without these problems."
        messages += [ChatMessage("assistant", line(last, 8000) or "{}"), ChatMessage("user", again)]
    return messages


class _Task(Struct):
    role: str
    goal: str
    title: str = ""
    inputs: list[str] = []
    depends_on: list[int] = []
    expected: str = ""
    done_when: str = ""
    review_of: int | None = None


class _Said(Struct):
    action: Literal["answer", "ask", "plan"]
    reason: str = ""
    question: str = ""
    tasks: list[_Task] = []


def read_decision(text: str, ask: PlanAsk, told: Sequence[str] = ()) -> Decision | list[str]:
    """What a model decided, or what is wrong with it, in sentences for `plan_messages`. `told`: the problems that it
    was told about before; a plan keeps them."""
    try:
        said = msgspec.json.decode(_json_in(text), type=_Said)
    except msgspec.ValidationError as error:
        return [f"The JSON has the wrong form: {error}."]
    except NOT_JSON as error:
        return [f"This is no JSON ({line(str(error), 100)}). Send one JSON object and nothing else."]
    match said.action:
        case "answer":
            return AnswerDirectly(line(said.reason, NOTE) or "The model answers it directly.")
        case "ask":
            question = line(said.question, NOTE)
            return AskBack(question) if question else ["The action is ask, but question is empty."]
        case "plan":
            return _plan(said, ask, told)


def _plan(said: _Said, ask: PlanAsk, told: Sequence[str]) -> Plan | list[str]:
    count = len(said.tasks)
    if count > ask.limits.tasks:
        return [
            f"The plan has {count:,} tasks; at most {ask.limits.tasks} are allowed. Join those that belong together."
        ]

    def id_of(number: int) -> str:
        """An unknown number stays as it is, for the check to name."""
        return child_id(ask.parent_id, ask.first_number + number - 1) if 1 <= number <= count else f"number {number}"

    tasks = [
        PlanTask(
            id=id_of(at),
            role=task.role,
            goal=task.goal,
            title=task.title,
            inputs=task.inputs,
            depends_on=[id_of(number) for number in task.depends_on],
            expected=task.expected,
            done_when=task.done_when,
            review_of=None if task.review_of is None else id_of(task.review_of),
        )
        for at, task in enumerate(said.tasks, 1)
    ]
    plan = sanitise(Plan(tasks, source="model", reason=said.reason, problems=list(told)), ask.limits)
    problems = check(plan, ask.request, read_facts(ask.request), ask.roles, ask.limits)
    return problems or repeats(plan, ask.ancestors) or plan


def _json_in(text: str) -> str:
    """The JSON object in an answer, also inside a Markdown fence or between sentences."""
    begin, end = text.find("{"), text.rfind("}")
    return text[begin : end + 1] if 0 <= begin < end else text
