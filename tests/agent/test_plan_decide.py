"""Answer, ask back or plan: by pattern for a weak model, by what a strong one says otherwise."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alma.agent.facts import read_facts
from alma.agent.plan_check import PlanLimits, delegation
from alma.agent.planner import (
    AnswerDirectly,
    AskBack,
    PlanAsk,
    decide,
    plan_messages,
    plan_schema,
    read_decision,
    strength,
)
from alma.models.probe import Grade, ProbeReport
from alma.models.remote import ModelInfo
from alma.plan import Plan

ROLES = {"researcher": "Gathers facts.", "analyst": "Judges.", "critic": "Finds faults."}
REQUEST = "Compare a ferry and a bridge by cost and noise"
ASK = PlanAsk(REQUEST, ROLES)


def task(goal: str, **changes: Any) -> dict[str, Any]:
    return {
        "role": "researcher",
        "title": goal[:20],
        "goal": goal,
        "inputs": [],
        "depends_on": [],
        "expected": "Facts.",
        "done_when": "Cost and noise are named.",
        "review_of": None,
        **changes,
    }


def said(*tasks: dict[str, Any], action: str = "plan", question: str = "") -> str:
    return json.dumps({"action": action, "reason": "Two sides.", "question": question, "tasks": list(tasks)})


FERRY, BRIDGE = task("Describe the ferry: cost and noise"), task("Describe the bridge: cost and noise")


# ── by pattern ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text", ["Compare.", "Which is better?", "Help me decide", "Explain", "Which one?", "Plan it!"]
)
def test_a_fragment_is_asked_back_about_unless_it_follows_something(text: str) -> None:
    assert isinstance(decide(PlanAsk(text, ROLES)), AskBack)
    assert not isinstance(decide(PlanAsk(text, ROLES, follows=True)), AskBack)


@pytest.mark.parametrize(
    "text", ["Compare tea and milk", "Which phone is best?", "Explain GDP", "", "?", "Plan a picnic"]
)
def test_what_names_its_subject_is_no_fragment(text: str) -> None:
    assert not isinstance(decide(PlanAsk(text, ROLES)), AskBack)


def test_a_sum_is_answered_and_a_comparison_planned() -> None:
    assert isinstance(decide(PlanAsk("What is 3 percent of 90?", ROLES)), AnswerDirectly)
    plan = decide(ASK)
    assert isinstance(plan, Plan)
    assert [one.id for one in plan.tasks] == ["1", "2", "3", "4"]


def test_a_plan_that_an_ancestor_had_is_not_made_again() -> None:
    plan = decide(ASK)
    assert isinstance(plan, Plan)
    above = [delegation(one.role, one.goal) for one in plan.tasks]
    again = decide(PlanAsk(REQUEST, ROLES, ancestors=above))
    assert isinstance(again, AnswerDirectly)
    assert "same goal before" in again.reason


def test_nobody_to_ask_or_no_budget_means_answering() -> None:
    assert isinstance(decide(PlanAsk(REQUEST, [])), AnswerDirectly)
    assert isinstance(decide(PlanAsk(REQUEST, ROLES, PlanLimits(tokens_left=10))), AnswerDirectly)


@given(st.text(max_size=200))
def test_any_request_is_decided_on_and_alike_each_time(text: str) -> None:
    assert decide(PlanAsk(text, ROLES)) == decide(PlanAsk(text, ROLES))


# ── by model ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("wrap", ["{}", "```json\n{}\n```", "```\n{}```", "Here is the plan:\n{}\nGood luck!"])
def test_a_plan_is_read_out_of_what_surrounds_it(wrap: str) -> None:
    both = task("Judge which does better", role="critic", depends_on=[1, 2], review_of=2)
    plan = read_decision(wrap.replace("{}", said(FERRY, BRIDGE, both)), ASK, ["No JSON."])
    assert isinstance(plan, Plan)
    assert [one.id for one in plan.tasks] == ["1", "2", "3"]
    assert plan.tasks[2].depends_on == ["1", "2"]
    assert plan.tasks[2].review_of == "2"
    assert plan.tasks[0].done_when == "Cost and noise are named."
    assert (plan.source, plan.reason, plan.problems) == ("model", "Two sides.", ["No JSON."])


def test_ids_are_given_below_the_parent() -> None:
    plan = read_decision(
        said(FERRY, {**BRIDGE, "depends_on": [1]}), PlanAsk(REQUEST, ROLES, parent_id="2", first_number=5)
    )
    assert isinstance(plan, Plan)
    assert [(one.id, one.depends_on) for one in plan.tasks] == [("2.5", []), ("2.6", ["2.5"])]


def test_answers_and_questions() -> None:
    assert read_decision(said(action="answer"), ASK) == AnswerDirectly("Two sides.")
    assert read_decision(said(action="ask", question="Which river?"), ASK) == AskBack("Which river?")
    assert read_decision(said(action="ask"), ASK) == ["The action is ask, but question is empty."]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "This is no JSON"),
        ("I would rather talk.", "This is no JSON"),
        ('{"action": "plan", "tasks": [', "This is no JSON"),
        ('{"action": "dance"}', "The JSON has the wrong form"),
        ('{"action": "plan", "tasks": [{"role": 1}]}', "The JSON has the wrong form"),
        ("[" * 100_000, "The JSON has the wrong form"),
        (said(), "The plan has no tasks"),
        (said(FERRY), "No goal names the option “bridge”"),
        (said(FERRY, {**BRIDGE, "depends_on": [9]}), "depends on “number 9”, which is no task"),
        (said({**FERRY, "depends_on": [2]}, {**BRIDGE, "depends_on": [1]}), "in a circle"),
        (said(FERRY, {**BRIDGE, "role": "king"}), "unknown role “king”"),
        (said(*[FERRY] * 1000), "The plan has 1,000 tasks"),
    ],
)
def test_what_is_wrong_is_said(text: str, problem: str) -> None:
    problems = read_decision(text, ASK)
    assert isinstance(problems, list)
    assert problem in problems[0]


def test_a_loop_is_a_problem() -> None:
    above = [delegation("researcher", FERRY["goal"])]
    problems = read_decision(said(FERRY, BRIDGE), PlanAsk(REQUEST, ROLES, ancestors=above))
    assert isinstance(problems, list)
    assert problems[0].startswith("Task 1 was given to researcher with the same goal before")


@given(
    st.text(max_size=100)
    | st.recursive(st.none() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)).map(
        json.dumps
    )
)
def test_whatever_a_model_says_is_a_decision_or_problems(text: str) -> None:
    assert isinstance(read_decision(text, ASK), AnswerDirectly | AskBack | Plan | list)


def test_the_prompt_names_request_team_and_facts_and_then_the_problems() -> None:
    first = plan_messages("You are Alma.", REQUEST, read_facts(REQUEST), ROLES)
    assert [message.role for message in first] == ["system", "user"]
    for part in (REQUEST, "- analyst: Judges.", "Options it names: ferry; bridge.", "Criteria it names: cost; noise."):
        assert part in first[1].content
    again = plan_messages("You are Alma.", REQUEST, read_facts(REQUEST), ROLES, ["The plan has no tasks."], "{}")
    assert again[:2] == first
    assert [message.role for message in again[2:]] == ["assistant", "user"]
    assert "- The plan has no tasks." in again[3].content


def test_the_schema_allows_the_roles_and_nothing_else() -> None:
    schema = plan_schema(ROLES, 5)
    of_task = schema["properties"]["tasks"]["items"]
    assert of_task["properties"]["role"] == {"enum": ["analyst", "critic", "researcher"]}
    assert schema["properties"]["tasks"]["maxItems"] == 5
    assert sorted(of_task["required"]) == sorted(of_task["properties"])
    assert set(task("x")) == set(of_task["properties"])


# ── strength ──────────────────────────────────────────────────────────────────────────────────────────────────────


def model(**changes: Any) -> ModelInfo:
    of: dict[str, Any] = {"id": "here/m", "endpoint": "here", "name": "m", "context_window": 8192, "tiny": False}
    return ModelInfo(**{**of, "kind": "remote", **changes})


def report(planning: str, schema: str) -> ProbeReport:
    return ProbeReport(
        "here/m", [Grade("planning", planning, 0.7, ""), Grade("schema", schema, 1, "")], 50, 500, 100, 0
    )


@pytest.mark.parametrize(
    ("info", "probed", "level"),
    [
        (model(), None, "strong"),
        (model(tiny=True), None, "weak"),
        (model(kind="scripted"), None, "weak"),
        (model(tiny=True), report("C", "C"), "strong"),
        (model(), report("D", "A"), "weak"),
        (model(), report("A", "F"), "weak"),
        (model(), ProbeReport("here/m", [], 0, 0, 0, 0), "weak"),
    ],
)
def test_what_was_measured_comes_before_what_is_guessed(
    info: ModelInfo, probed: ProbeReport | None, level: str
) -> None:
    found = strength(info, probed)
    assert found.level == level
    assert found.reason.startswith(("here/m", "The probe graded here/m"))
