"""How the run's own agent comes to a plan: what it is asked, in which steps, and the entries a decision leads to. Pure.

The decisions themselves are `planner.py`'s; the model calls are the agent loop's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from alma.agent.acts import plan_limits
from alma.agent.facts import read_facts
from alma.agent.planner import REPAIRS, AnswerDirectly, AskBack, Decision, PlanAsk, plan_messages, plan_schema
from alma.agent.role import Role
from alma.agent.task import Task, question_before_plan
from alma.events import JournalEntry, PlanMade, QuestionAsked
from alma.model_call import Sampling
from alma.models.chat import ChatMessage
from alma.plan import Plan

_PRONOUN = re.compile(r"\s*\b(?:it|this|that|these|those|them)\b\W*$", re.IGNORECASE)
SAMPLING = Sampling(temperature=0.2, top_p=0.9, max_tokens=2000)


def ask(task: Task, role: Role, *, strong: bool) -> PlanAsk:
    """What is decided on: the request, with what the user answered when they were asked about it."""
    return PlanAsk(
        request=_in_full(task, strong),
        roles=role.delegates_to,
        limits=plan_limits(task, role),
        first_number=task.next_child,
        follows=bool(task.history) or bool(task.replies),
        strong=strong,
    )


def _in_full(task: Task, strong: bool) -> str:
    """The request with the user's answers. For patterns, which read it as one sentence, they take the place of the
    pronoun that was asked about: "Compare them" and "gas and oil" become "Compare gas and oil"."""
    replies = [reply.text for reply in task.replies]
    if strong or not replies:
        return "\n".join([task.request, *replies])
    return " ".join([_PRONOUN.sub("", task.request), *replies])


def steps(task: Task) -> list[str]:
    """The names of the model calls that may be made: one, and its repairs; others once the user has answered."""
    of = "decide" if not task.replies else "decide.again"
    return [of, *(f"{of}.{number}" for number in range(2, REPAIRS + 2))]


def messages(
    asked: PlanAsk, role: Role, purposes: Mapping[str, str], problems: Sequence[str], last: str
) -> list[ChatMessage]:
    words = "\n\n".join(part for part in (role.prompt, role.sections.get("plan", "")) if part)
    facts = read_facts(asked.request)
    return plan_messages(words, asked.request, facts, purposes, problems, last, most=role.budgets.children)


def schema(role: Role) -> dict[str, Any]:
    return plan_schema(role.delegates_to, role.budgets.children)


def entries(task: Task, decision: Decision, at: float) -> list[JournalEntry]:
    """What is to be written; nothing when the task is to be answered directly. The user is asked back once."""
    match decision:
        case Plan():
            return [PlanMade(at=at, task_id=task.task_id, plan=decision, needs_approval=task.approve)]
        case AskBack(question, options) if not task.replies:
            question_id = question_before_plan(task.task_id)
            return [QuestionAsked(at=at, task_id=task.task_id, question_id=question_id, text=question, options=options)]
        case AskBack() | AnswerDirectly():
            return []
