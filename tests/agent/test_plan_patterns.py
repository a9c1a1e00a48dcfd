"""Plans by pattern: how the work is split, and that every plan so made passes the check."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alma.agent.facts import Facts, read_facts
from alma.agent.patterns import PATTERNS, fill, match
from alma.agent.plan_check import TITLE, PlanLimits, check
from alma.plan import Plan

ROLES = {"researcher", "analyst", "writer", "coder", "critic"}


def planned(text: str, limits: PlanLimits | None = None, *, strong: bool = False) -> Plan:
    facts = read_facts(text)
    pattern = match(text, facts, strong=strong)
    assert pattern is not None
    plan = fill(pattern, facts, ROLES, limits or PlanLimits())
    assert plan is not None
    return plan


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("Tea or coffee?", "compare"),
        ("Explain the difference between a lake and a pond", "compare"),
        ("What are the pros and cons of school uniforms?", "pros and cons"),
        ("What are the trade-offs of remote work?", "pros and cons"),
        ("What were the causes and effects of the Gold Rush?", "aspects"),
        ("Make a weekly schedule for three exams", "schedule"),
        ("Estimate how many bricks a tower needs", "estimate"),
        ("Investigate why our website got slower", "investigate"),
        ("Discuss the dangers of avalanches", "risks"),
        ("Which database should a small shop choose, and why?", "choose"),
        ("Analyse why the Roman Empire fell", "why"),
        ("Explain how a refrigerator keeps food cold", "explain"),
    ],
)
def test_each_shape_of_request_has_its_pattern(text: str, pattern: str) -> None:
    plan = planned(text)
    assert plan.pattern == pattern
    assert plan.source == "pattern"
    assert len(plan.tasks) >= 3
    assert all(not task.depends_on for task in plan.tasks)


@pytest.mark.parametrize(
    ("text", "limits", "reason"),
    [
        (
            "Compare heating with gas and with a heat pump: cost, climate, comfort",
            PlanLimits(),
            "It names options: they are compared by cost, climate and comfort at the same time, then as a whole.",
        ),
        (
            "Compare tea, coffee and cocoa",
            PlanLimits(),
            "It names options: each is described at the same time, then they are compared.",
        ),
        (
            "Compare tea, coffee and cocoa",
            PlanLimits(tasks=2),
            "It names options: groups of them are described at the same time, then they are compared.",
        ),
        (
            "Tea or coffee?",
            PlanLimits(),
            "It names options: each is described and what decides worked out at the same time, then they are compared.",
        ),
        (
            "Analyse why the Roman Empire fell",
            PlanLimits(tasks=2),
            "It asks for causes: background and main causes are worked out at the same time.",
        ),
        (
            "What were the causes and effects of the Gold Rush?",
            PlanLimits(),
            "It names several aspects of one subject: each is described at the same time, and so is the background.",
        ),
    ],
)
def test_the_reason_is_of_the_plan_that_was_made(text: str, limits: PlanLimits, reason: str) -> None:
    assert planned(text, limits).reason == reason


@pytest.mark.parametrize(
    "text",
    [
        "What is 12 percent of 480? Show the steps",
        "Solve 2x - 7 = 9",
        "Find the bug in this loop: for i in range(3) print(i)",
        "Hello there",
        "",
        "…",
    ],
)
def test_what_one_agent_does_best_is_not_split(text: str) -> None:
    assert match(text, read_facts(text)) is None


def test_a_strong_model_reviews_its_mend_of_code() -> None:
    mend, review = planned("Find the bug in this loop and correct it", strong=True).tasks
    assert (mend.role, review.role) == ("coder", "critic")
    assert review.review_of == mend.id
    assert review.depends_on == [mend.id]


def test_two_options_by_three_criteria_are_a_task_per_criterion() -> None:
    plan = planned("Compare heating a house with gas and with a heat pump: cost, climate, comfort; recommend one")
    assert [task.title for task in plan.tasks] == ["Cost", "Climate", "Comfort"]
    for task in plan.tasks:
        assert "heating a house with gas" in task.goal
        assert "heating a house with a heat pump" in task.goal
        assert task.title.lower() in task.inputs
    assert plan.tasks[0].goal.startswith("What is the cost of heating a house with gas, and of")


def test_two_by_two_are_four_tasks_and_two_alone_are_three() -> None:
    assert [task.title for task in planned("Compare tea and milk by cost and taste").tasks] == [
        "Tea: cost",
        "Tea: taste",
        "Milk: cost",
        "Milk: taste",
    ]
    assert [task.title for task in planned("Tea or milk?").tasks][2] == "What decides"


def test_many_options_are_grouped_into_at_most_six_tasks() -> None:
    plan = planned("Compare tin, iron, zinc, lead, gold, brass, steel and silver by price")
    assert len(plan.tasks) == 6
    assert all(any(metal in task.goal for task in plan.tasks) for metal in ("tin", "lead", "silver"))


def test_what_options_alone_do_not_say_stands_in_the_goal() -> None:
    plan = planned("Compare these cities for a conference:\n- Graz\n- Turin\n- Split\nby price")
    assert all("cities for a conference" in task.goal for task in plan.tasks)


def test_constraints_go_along() -> None:
    plan = planned("Plan a trip to Bern with a budget of 500 euros within two weeks")
    assert all("500 euros" in task.goal and "two weeks" in task.goal for task in plan.tasks)


def test_limits_shape_the_plan_or_forbid_it() -> None:
    facts = read_facts("Compare a, b, c, d and e by x")
    pattern = next(one for one in PATTERNS if one.name == "compare")
    two = fill(pattern, facts, ROLES, PlanLimits(tasks=2))
    assert two is not None
    assert len(two.tasks) == 2
    assert check(two, "Compare a, b, c, d and e by x", facts, ROLES, PlanLimits(tasks=2)) == []
    assert fill(pattern, facts, ROLES, PlanLimits(depth=1, depth_now=1)) is None
    assert fill(pattern, facts, ROLES, PlanLimits(tokens_left=100, task_tokens=160)) is None
    assert fill(pattern, facts, {"manager"}, PlanLimits()) is None


def test_ids_go_on_where_they_are_told_to() -> None:
    facts = read_facts("Tea or coffee?")
    plan = fill(PATTERNS[1], facts, {"writer"}, PlanLimits(), parent_id="2", first_number=4)
    assert plan is not None
    assert [task.id for task in plan.tasks] == ["2.4", "2.5", "2.6"]
    assert {task.role for task in plan.tasks} == {"writer"}


VOCABULARY = """compare should we or and vs between by in terms of : , . ? - (1) tea coffee heat pump gas cost climate
500 euros within two weeks pros cons plan why explain Kraków 字 estimate risks of the a given recommend one"""
words = st.sampled_from([*VOCABULARY.split(), "\n"])
asked = st.text(max_size=200) | st.lists(words, max_size=40).map(" ".join)
limits_of = st.builds(
    PlanLimits,
    tasks=st.integers(0, 9),
    depth_now=st.integers(0, 3),
    tokens_left=st.none() | st.integers(0, 2000),
    task_tokens=st.sampled_from([0, 60, 160]),
)


@given(asked, st.sampled_from(PATTERNS), st.sets(st.sampled_from(sorted(ROLES))), limits_of)
def test_every_pattern_filled_from_any_text_passes_the_check(
    text: str, pattern: object, roles: set[str], limits: PlanLimits
) -> None:
    facts = read_facts(text)
    matched = match(text, facts)
    for one in [candidate for candidate in (matched, pattern) if candidate is not None]:
        if one.name == "compare" and not facts.options:  # type: ignore[attr-defined]
            continue
        if one.name == "aspects" and not facts.criteria:  # type: ignore[attr-defined]
            continue
        plan = fill(one, facts, roles, limits)  # type: ignore[arg-type]
        if plan is None:
            continue
        assert check(plan, text, facts, roles, limits) == []
        assert all(len(task.title) <= TITLE for task in plan.tasks)
        for item in [*facts.options, *facts.criteria]:
            assert any(item in task.goal and item in task.inputs for task in plan.tasks)
        assert plan == fill(one, facts, roles, limits)  # type: ignore[arg-type]


def test_facts_without_a_subject_still_make_goals() -> None:
    for pattern in PATTERNS:
        if pattern.name not in ("compare", "aspects"):
            plan = fill(pattern, Facts(), ROLES, PlanLimits())
            assert plan is not None
            assert all(task.goal and task.title for task in plan.tasks)
