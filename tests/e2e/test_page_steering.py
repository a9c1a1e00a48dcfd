"""A person's hand on a planned run, in the page: stop, pause, answer, approve, refuse, fork, look back."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from planned_page import (
    SLOW,
    STEADY,
    TEAM,
    Rule,
    ask,
    calls,
    entries,
    has_ended,
    joins,
    look,
    part,
    plans,
    run_id_of,
    says,
    task,
    words,
)
from playwright.sync_api import Locator, Page, expect

from serving import Serving, start

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
Open = Callable[..., Page]
RULES: list[Rule] = []
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def counts(port: int, marker: str) -> dict[str, int]:
    """How the model calls with `[#marker]` in their prompt went, as their endpoint saw it."""
    with _opener.open(f"http://127.0.0.1:{port}/counts", timeout=10) as answer:
        return json.load(answer).get(marker, {})


def log(server: Serving, page: Page) -> list[dict[str, Any]]:
    _, found = server.call("GET", f"/api/runs/{run_id_of(page)}/entries")
    return [one["entry"] for one in found["entries"]]


def is_now(locator: Locator, status: str) -> None:
    expect(locator).to_have_attribute("data-status", status)


# ── stop ──────────────────────────────────────────────────────────────────────────────────────────────────────────

MILL = "Find out why the mill stands still and what helps"
RULES += [
    plans(
        MILL,
        task("researcher", "Look at the wheel of the mill [#wheel]", title="Wheel"),
        task("researcher", "Look at the stones of the mill", title="Stones"),
        task("analyst", "Weigh what stops the mill [#mill-reasons]", 1, 2, title="Reasons"),
    ),
    says("Look at the wheel of the mill [#wheel]", words("wheel", 600), SLOW),
    says("Look at the stones of the mill", words("stone", 5)),
    says("Weigh what stops the mill [#mill-reasons]", words("reason", 10)),
    joins(MILL, "The stones are worn [2]."),
]


def test_one_task_is_stopped_and_the_run_goes_on_without_it(team: Serving, open_page: Open, rules_port: int) -> None:
    page = open_page(team)
    ask(page, MILL)
    line = part(page, "task", task=1)
    expect(part(line, "task-tail")).to_contain_text("wheel3")
    line.hover()
    part(line, "stop-task").click()
    is_now(part(page, "plan-node", task=1), "canceled")
    has_ended(page)
    expect(part(page, "answer-text")).to_contain_text("Wheel (canceled)")
    expect(part(page, "plan-summary")).to_contain_text("1 stopped")
    assert counts(rules_port, "wheel")["dropped"] == 1, "the model call itself was stopped"
    assert counts(rules_port, "mill-reasons")["completed"] == 1


POOL = "Analyse why the swimming pool leaks"
RULES += [
    plans(
        POOL,
        task("researcher", "Look at the tiles of the pool [#tiles]", title="Tiles"),
        task("researcher", "Look at the pipes of the pool [#pipes]", title="Pipes"),
        task("analyst", "Weigh where the pool leaks [#leaks]", 1, 2, title="Leaks"),
    ),
    says("Look at the tiles of the pool [#tiles]", words("tile", 600), SLOW),
    says("Look at the pipes of the pool [#pipes]", words("pipe", 600), SLOW),
]


def test_a_run_is_stopped_with_all_that_is_under_way(team: Serving, open_page: Open, rules_port: int) -> None:
    page = open_page(team)
    ask(page, POOL)
    for number, word in ((1, "tile3"), (2, "pipe3")):
        expect(part(part(page, "task", task=number), "task-tail")).to_contain_text(word)
    part(page, "stop-run").click()
    has_ended(page, "canceled")
    for number in (1, 2, 3):
        is_now(part(page, "plan-node", task=number), "canceled")
    look(page, "streams")
    expect(part(page, "stream", task=1)).to_contain_text("tile3")
    assert [counts(rules_port, name) for name in ("tiles", "pipes", "leaks")] == [
        {"started": 1, "dropped": 1},
        {"started": 1, "dropped": 1},
        {},
    ]


# ── pause ─────────────────────────────────────────────────────────────────────────────────────────────────────────

SCHOOL = "Analyse why the village school loses pupils"
RULES += [
    plans(
        SCHOOL,
        task("researcher", "Count the pupils of the school", title="Pupils"),
        task("analyst", "Weigh why the school loses pupils", 1, title="Reasons"),
    ),
    says("Count the pupils of the school", words("pupil", 40), STEADY),
    says("Weigh why the school loses pupils", words("reason", 5)),
    joins(SCHOOL, "The village has fewer children [1]."),
]


def test_a_paused_run_finishes_what_is_being_written_and_begins_nothing(team: Serving, open_page: Open) -> None:
    page = open_page(team)
    ask(page, SCHOOL)
    expect(part(part(page, "task", task=1), "task-tail")).to_contain_text("pupil3")
    part(page, "pause-run").click()
    expect(part(page, "resume-run")).to_be_visible()
    is_now(part(page, "task", task=1), "completed")
    is_now(part(page, "task", task=2), "submitted")
    expect(part(page, "task", task=2)).to_contain_text("paused")
    expect(part(page, "plan-summary")).to_contain_text("paused")
    expect(part(page, "plan-note")).to_contain_text("Paused")
    page.reload()
    part(page, "resume-run").click()
    has_ended(page)
    order = [(one["type"], one.get("task_id", "main")) for one in log(team, page)]
    paused, first_done, resumed, second = map(
        order.index,
        [("pause_requested", "main"), ("task_finished", "1"), ("resume_requested", "main"), ("task_started", "2")],
    )
    assert paused < first_done < resumed < second


# ── ask ───────────────────────────────────────────────────────────────────────────────────────────────────────────

MUSEUM = "Investigate why the museum has few visitors on Mondays"
RULES += [
    plans(MUSEUM, task("researcher", "Count the visitors of the museum", title="Visitors")),
    calls("Count the visitors of the museum", ("ask_user", {"question": "With or without school classes?"})),
    says("Count the visitors of the museum", "Without them there are nine."),
    joins(MUSEUM, "On Mondays there are nine visitors [1]."),
]


def test_an_agents_question_is_answered_in_the_users_own_words(team: Serving, open_page: Open) -> None:
    page = open_page(team)
    ask(page, MUSEUM)
    expect(part(page, "question")).to_contain_text("With or without school classes?")
    is_now(part(page, "task", task=1), "input_required")
    page.reload()
    page.get_by_label("Your answer").fill("Without, please")
    page.get_by_label("Your answer").press("Enter")
    expect(part(page, "question-answer")).to_contain_text("You: Without, please")
    has_ended(page)
    _, sent = team.call("GET", f"/api/runs/{run_id_of(page)}/prompt?message={run_id_of(page)}.1.answer.2")
    assert sent["messages"][-1] == {"role": "tool", "content": "Without, please"}


ISLAND = "Investigate why the island has no water in August"
RULES += [
    plans(
        ISLAND,
        task("researcher", "Ask for the name of the island", title="Name"),
        task("researcher", "Measure the rain on the island [#rain]", title="Rain"),
    ),
    calls("Ask for the name of the island", ("ask_user", {"question": "Which island?", "options": ["Naxos", "Milos"]})),
    says("Ask for the name of the island", "It is Milos."),
    says("Measure the rain on the island [#rain]", "It does not rain in August."),
    joins(ISLAND, "Milos has no rain in August [1] [2]."),
]


def test_a_question_outlives_the_server(team_folder: Callable[[], Path], open_page: Open, rules_port: int) -> None:
    folder = team_folder()
    server = start(folder, **TEAM)
    try:
        page = open_page(server)
        ask(page, ISLAND)
        expect(part(page, "question-option")).to_have_count(2)
        is_now(part(page, "task", task=2), "completed")
        server.kill()
        expect(part(page, "connection")).not_to_have_attribute("data-phase", "online")
        server = start(folder, port=server.port, **TEAM)
        expect(part(page, "connection")).to_have_attribute("data-phase", "online", timeout=120_000)
        part(page, "question-option").filter(has_text="Milos").click()
        has_ended(page)
        expect(part(page, "question-answer")).to_contain_text("Milos")
        assert counts(rules_port, "rain")["started"] == 1
    finally:
        server.stop()


# ── approve ───────────────────────────────────────────────────────────────────────────────────────────────────────

LIBRARY = "Analyse how the library could lend more books"
RULES += [
    plans(
        LIBRARY,
        task("researcher", "Count the books of the library", title="Books"),
        task("analyst", "Weigh longer hours of the library [#hours]", title="Hours"),
    ),
    says("Count the borrowed books of the library", "Nine thousand a year."),
    says("Say what readers of the library miss", "They miss a place to sit."),
    joins(LIBRARY, "Buy chairs [3]."),
]


def test_a_plan_is_changed_and_approved_before_anything_begins(team: Serving, open_page: Open, rules_port: int) -> None:
    page = open_page(team)
    ask(page, LIBRARY, approve=True)
    card = part(page, "plan-approval")
    expect(part(card, "plan-task")).to_have_count(2)
    card.get_by_label("Goal of task 1").fill("Count the borrowed books of the library")
    card.get_by_label("Remove task 2").click()
    part(card, "add-task").click()
    card.get_by_label("Goal of task 3").fill("Say what readers of the library miss")
    card.get_by_label("Agent for task 3").select_option("writer")
    part(card, "approve-plan").click()
    has_ended(page)
    expect(card).to_have_attribute("data-settled", "true")
    part(page, "plan-summary").click()
    expect(part(page, "task")).to_have_count(2)
    (decided,) = entries(team, run_id_of(page), "plan_decided")
    assert [(one["id"], one["role"]) for one in decided["tasks"]] == [("1", "researcher"), ("3", "writer")]
    assert counts(rules_port, "hours") == {}
    order = [one["type"] for one in log(team, page)]
    assert order.index("plan_decided") < order.index("task_started")


WELL = "Investigate why the well of the village is dry"
RULES += [
    plans(WELL, task("researcher", "Measure the depth of the well [#depth]")),
    joins(WELL, "Nobody has cleaned it."),
]


def test_a_plan_that_is_turned_down_is_not_carried_out(team: Serving, open_page: Open, rules_port: int) -> None:
    page = open_page(team)
    ask(page, WELL, approve=True)
    part(page, "decline-plan").click()
    has_ended(page)
    expect(part(page, "answer-text")).to_have_text("Nobody has cleaned it.")
    expect(part(page, "plan-approval")).to_contain_text("without a plan")
    assert counts(rules_port, "depth") == {}


SCALE = "Find out why the scale of the market weighs too much"
RULES += [
    plans(SCALE, task("coder", "Compute the error of the scale", title="Error")),
    calls("Compute the error of the scale", ("python", {"code": "print(1003 - 1000)"})),
    says("Compute the error of the scale", "It could not be computed."),
    joins(SCALE, "The error is not known [1]."),
]


def test_a_tool_that_is_refused_is_not_called(team: Serving, open_page: Open) -> None:
    page = open_page(team)
    ask(page, SCALE)
    expect(part(page, "tool-approval")).to_contain_text("1003 - 1000")
    is_now(part(page, "task", task=1), "input_required")
    part(page, "refuse").click()
    has_ended(page)
    expect(part(page, "tool-approval")).to_contain_text("You refused")
    (returned,) = entries(team, run_id_of(page), "tool_returned")
    assert not returned.get("ok", False)
    assert "did not allow" in returned["text"]


# ── fork ──────────────────────────────────────────────────────────────────────────────────────────────────────────

ORCHARD = "Explain why the orchard bears little fruit, step by step"
RULES += [
    plans(
        ORCHARD,
        task("researcher", "Describe the frost in the orchard", title="Frost"),
        task("researcher", "Describe the bees in the orchard [#bees]", title="Bees"),
        task("analyst", "Weigh what harms the orchard", 1, title="Harm"),
    ),
    says("Describe the frost in the orchard", "There were two nights of frost in May."),
    says("Describe the drought in the orchard", "There was no rain in May."),
    says("Describe the bees in the orchard [#bees]", "Half of the hives are empty."),
    {"match": r"(?s)no rain.*Weigh what harms the orchard$", "answer": "The drought harms it most."},
    says("Weigh what harms the orchard", "The frost harms it most."),
    {"match": rf"(?s)drought harms.*{ORCHARD}$", "answer": "Water the trees [3]."},
    joins(ORCHARD, "Warm the trees [3]."),
]


def test_a_fork_does_again_what_follows_from_a_task_and_is_set_beside_the_run(
    team: Serving, open_page: Open, rules_port: int
) -> None:
    page = open_page(team)
    ask(page, ORCHARD)
    has_ended(page)
    first = run_id_of(page)
    look(page, "plan")
    part(page, "plan-node", task=1).click()
    part(page, "fork-task").click()
    dialog = part(page, "fork-dialog")
    dialog.get_by_label("Goal").fill("Describe the drought in the orchard")
    dialog.get_by_label("Role").select_option("analyst")
    dialog.get_by_label("Model").select_option("fake/other")
    dialog.get_by_role("button", name="Fork the run").click()
    expect(part(page, "branches")).to_have_text("2/2")
    has_ended(page)
    expect(part(page, "answer-text")).to_contain_text("Water the trees")
    fork = run_id_of(page)
    assert fork != first

    for number, same in (("1", False), ("2", True), ("3", False), ("main", False)):
        side = part(page, "compare-task", task=number)
        expect(side).to_have_attribute("data-same", str(same).lower())
    expect(part(page, "compare-task", task=1).locator("ins").first).to_contain_text("drought")
    expect(part(page, "compare-task", task=2)).to_contain_text("taken over")
    assert [one["task_id"] for one in entries(team, fork, "task_reused")] == ["2"]
    assert counts(rules_port, "bees")["started"] == 1, "what does not follow from it was not done again"
    (begun,) = entries(team, fork, "message_started", "1")
    assert (begun["role"], begun["model"]) == ("analyst", "fake/other")

    page.get_by_role("button", name="Earlier version").click()
    expect(part(page, "answer-text")).to_contain_text("Warm the trees")


# ── look back ─────────────────────────────────────────────────────────────────────────────────────────────────────

CHOIR = "Investigate why the choir of the town sings so low"
RULES += [
    plans(
        CHOIR,
        task("researcher", "Count the voices of the choir", title="Voices"),
        task("analyst", "Weigh the age of the choir", 1, title="Age"),
    ),
    says("Count the voices of the choir", words("voice", 20), STEADY),
    says("Weigh the age of the choir", words("year", 20), STEADY),
    joins(CHOIR, words("choir", 10)),
]


def test_a_finished_run_is_looked_back_through(team: Serving, open_page: Open) -> None:
    page = open_page(team)
    ask(page, CHOIR)
    has_ended(page)
    look(page, "timeline")
    axis = part(page, "time-axis").bounding_box()
    second = part(part(page, "waterfall-row", task=2), "bar", kind="writing").bounding_box()
    assert axis
    assert second
    page.mouse.click(second["x"] + second["width"] / 2, axis["y"] + axis["height"] / 2)
    expect(part(page, "scrub-bar")).to_contain_text("after it was asked")

    # In the midst of the second task: the first is done, the second under way, the answer not there.
    look(page, "plan")
    is_now(part(page, "plan-node", task=1), "completed")
    is_now(part(page, "plan-node", task=2), "working")
    look(page, "streams")
    written = part(page, "stream", task=2).locator("[data-slot=agent-text]").inner_text()
    assert 0 < len(written) < len(words("year", 20))
    assert words("year", 20).startswith(written)
    expect(part(page, "answer-text")).to_contain_text("choir10")

    # Entry by entry back to where nothing was planned, then on, then to the end.
    look(page, "timeline")
    part(page, "playhead").focus()
    page.keyboard.press("Home")
    look(page, "plan")
    is_now(part(page, "plan-node", task=1), "unplanned")
    planned = part(page, "plan-node", task=1, status="submitted")
    for _ in range(10):
        if planned.count():
            break
        page.get_by_label("To the next entry").click()
    expect(planned).to_be_visible()
    page.get_by_label("Play on from here").click()
    is_now(part(page, "plan-node", task=2), "completed")
    part(page, "leave-scrub").click()
    expect(part(page, "scrub-bar")).to_have_count(0)
    is_now(part(page, "plan-node", task=2), "completed")
