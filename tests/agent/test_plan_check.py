"""What is wrong with a plan is said in sentences; loops of delegation are seen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alma.agent.facts import Facts, read_facts
from alma.agent.plan_check import GOAL, TITLE, PlanLimits, check, delegation, repeats, sanitise
from alma.plan import Plan, PlanTask
from bounded import within

REQUEST = "Compare a ferry and a bridge by cost and noise"
FACTS = read_facts(REQUEST)
ROLES = {"researcher", "analyst"}


def plan(*tasks: PlanTask) -> Plan:
    return Plan(list(tasks), source="model")


def ferry(**changes: object) -> PlanTask:
    given: dict[str, object] = {"id": "1", "role": "researcher", "goal": "Describe the ferry: cost, noise.", **changes}
    return PlanTask(**given)  # type: ignore[arg-type]


def bridge(**changes: object) -> PlanTask:
    return ferry(**{"id": "2", "goal": "Describe the bridge: cost, noise.", **changes})


def problems(*tasks: PlanTask, limits: PlanLimits | None = None) -> list[str]:
    return check(plan(*tasks), REQUEST, FACTS, ROLES, limits or PlanLimits())


def test_a_good_plan_has_no_problems() -> None:
    assert problems(ferry(), bridge()) == []


@pytest.mark.parametrize(
    ("tasks", "said"),
    [
        ([], "The plan has no tasks"),
        ([ferry(depends_on=["2"]), bridge(depends_on=["1"])], "in a circle: 1 → 2 → 1"),
        ([ferry(depends_on=["1"]), bridge()], "in a circle: 1 → 1"),
        ([ferry(), bridge(depends_on=["7"])], "depends on “7”, which is no task"),
        ([ferry(), bridge(role="wizard")], "unknown role “wizard”. Choose from: analyst, researcher"),
        ([ferry(), bridge(role="manager")], "given to manager, who makes this plan"),
        ([ferry(), bridge(), bridge(id="3", goal="describe the BRIDGE - cost; noise")], "2 and 3 have the same goal"),
        ([ferry(), bridge(), ferry(id="2", goal="The bridge too")], "Two tasks have the id 2"),
        ([ferry(), bridge(goal=" \n")], "Task 2 has no goal"),
        ([ferry(), bridge(), ferry(id="3", goal="Write a sonnet about cheese")], "nothing to do with the request"),
        ([ferry()], "No goal names the option “bridge”"),
        ([ferry(goal="The ferry: cost"), bridge(goal="The bridge: cost")], "No goal names the criterion “noise”"),
        ([ferry(), bridge(review_of="9")], "reviews “9”, which is no other task"),
        ([ferry(), bridge(review_of="2")], "reviews “2”, which is no other task"),
        ([ferry(), bridge(tokens=-1)], "negative budget"),
    ],
)
def test_each_problem_is_named(tasks: list[PlanTask], said: str) -> None:
    assert any(said in problem for problem in problems(*tasks)), problems(*tasks)


def test_budgets_and_depth_are_what_is_left() -> None:
    limits = PlanLimits(tokens_left=100, seconds_left=10, task_tokens=0)
    assert (
        "The tasks may spend 120 tokens together; 100 are left"
        in problems(ferry(tokens=120), bridge(), limits=limits)[0]
    )
    assert "10 s are left" in problems(ferry(seconds=11.0), bridge(), limits=limits)[0]
    assert "nested 3 deep" in problems(ferry(), bridge(), limits=PlanLimits(depth=3, depth_now=3))[0]


def test_a_thousand_tasks_are_refused_at_once() -> None:
    many = [ferry(id=str(at), depends_on=[str(one) for one in range(1000)]) for at in range(1000)]
    said = problems(*many)
    assert said == ["The plan has 1,000 tasks; at most 24 are allowed. Join those that belong together."]
    assert within(0.05, lambda: problems(*many))


def test_a_task_that_builds_on_a_related_one_is_related() -> None:
    assert problems(ferry(), bridge(), ferry(id="3", goal="Judge both", depends_on=["1", "2"])) == []
    assert problems(ferry(), bridge(), ferry(id="3", goal="Judge it", review_of="2")) == []


def test_other_scripts_are_compared_too() -> None:
    request = "比较燃气供暖和热泵的成本"
    tasks = plan(ferry(goal="说明燃气供暖的成本"), bridge(goal="写一首诗关于月亮"))
    assert [said[:6] for said in check(tasks, request, Facts(), ROLES, PlanLimits())] == ["Task 2"]


def test_loops_of_delegation_are_seen() -> None:
    again = plan(ferry(), bridge())
    above = {delegation("researcher", "describe the FERRY (cost, noise)"), delegation("analyst", bridge().goal)}
    assert [said[:6] for said in repeats(again, above)] == ["Task 1"]
    assert repeats(again, set()) == []


def test_texts_and_budgets_are_brought_within_bounds() -> None:
    wild = ferry(
        goal="word " * 1000 + "\x00\ud800",
        title="a\nb " * 50,
        inputs=["x" * 999] * 99,
        depends_on=["2", "2"],
        tokens=10**9,
    )
    kept = sanitise(plan(wild), PlanLimits()).tasks[0]
    assert len(kept.goal) <= GOAL
    assert len(kept.title) <= TITLE
    assert kept.goal.endswith("…")
    assert len(kept.inputs) == 1
    assert kept.depends_on == ["2"]
    assert kept.tokens == 160
    kept.goal.encode()


texts = st.text(max_size=60)
tasks = st.builds(
    PlanTask,
    id=st.sampled_from("12345"),
    role=texts | st.sampled_from(sorted(ROLES)),
    goal=texts,
    title=texts,
    depends_on=st.lists(st.sampled_from("12345x"), max_size=4),
    inputs=st.lists(texts, max_size=3),
    tokens=st.integers(-5, 500),
    seconds=st.floats(-1, 99),
    review_of=st.none() | st.sampled_from("123x"),
)


@given(st.lists(tasks, max_size=6), texts)
def test_any_plan_is_judged_and_made_clean(given_tasks: list[PlanTask], request: str) -> None:
    limits = PlanLimits()
    clean = sanitise(plan(*given_tasks), limits)
    said = check(clean, request, read_facts(request), ROLES, limits)
    assert all(one.endswith(".") for one in said)
    assert sanitise(clean, limits) == clean
