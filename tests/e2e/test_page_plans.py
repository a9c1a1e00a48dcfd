"""A planned run in the page: seen as it happens, and never lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import bakery
import pytest
from planned_page import (
    STEADY,
    TEAM,
    Rule,
    ask,
    entries,
    has_ended,
    joins,
    lengths_until,
    look,
    part,
    path_of,
    plans,
    run_id_of,
    says,
    task,
    text_of,
    words,
)
from playwright.sync_api import Page, expect

from serving import Serving, start

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
Open = Callable[..., Page]
RULES: list[Rule] = [*bakery.story()]


# ── as it happens ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_planned_run_is_seen_as_it_happens(team: Serving, open_page: Open) -> None:
    page = open_page(team)
    ask(page, bakery.request())

    # The plan: a line and a node for each task; the inspector has opened by itself.
    expect(part(page, "task")).to_have_count(5)
    for number in range(1, 6):
        expect(part(page, "plan-node", task=number)).to_be_visible()
    expect(part(page, "plan-node", task=4)).to_have_attribute("data-status", "submitted")
    expect(part(page, "task", task=4)).to_contain_text("after 1, 2 and 3")

    # What waits for the user: a question and a tool. One agent is cut off, tried again, refused; another stands in.
    look(page, "timeline")
    rows = {number: part(page, "waterfall-row", task=number) for number in (1, 2, 3)}
    expect(part(rows[2], "bar", kind="approval", state="open")).to_be_visible()
    expect(part(rows[1], "bar", kind="question", state="open")).to_be_visible()
    expect(part(page, "task", task=3)).to_contain_text("done by the researcher in the end")
    expect(part(page, "task", task=3)).to_have_attribute("data-assignment", "2")
    expect(part(rows[3], "bar", state="failed")).to_have_count(2)

    # Streams: every agent's text, word by word.
    look(page, "streams")
    expect(part(page, "question")).to_contain_text(bakery.QUESTION)
    part(page, "question-option").first.click()
    pane = "[data-slot=stream][data-task='1'] [data-slot=agent-text]"
    lengths = lengths_until(page, pane, "[data-slot=task][data-task='1'][data-status=completed]")
    assert len(set(lengths)) >= 10, f"the text came in {len(set(lengths))} steps"

    # Messages and the board.
    look(page, "messages")
    expect(part(page, "mail-item")).to_contain_text(bakery.TOLD)
    expect(part(page, "board")).to_contain_text("July 3,960")

    # Budgets run down.
    look(page, "timeline")
    expect(part(rows[1], "bar", kind="question", state="done")).to_be_visible()
    rows[2].get_by_role("button").first.click()
    left = part(page, "budget").get_by_role("meter", name="Tokens left")
    expect(part(page, "task-detail")).to_have_attribute("data-task", "2")
    before = left.get_attribute("aria-valuetext")
    expect(part(page, "tool-approval")).to_contain_text("2140 * 6.2")
    part(page, "allow").click()
    expect(part(page, "task", task=2)).to_have_attribute("data-status", "completed")
    assert before != left.get_attribute("aria-valuetext")
    expect(part(page, "call")).to_contain_text("python")

    # The critic sends the work back: two more tasks; then the results are joined.
    expect(part(page, "task")).to_have_count(7, timeout=120_000)
    has_ended(page)
    expect(part(page, "plan-summary")).to_contain_text("7 tasks")
    expect(part(page, "answer-text")).to_contain_text("Based on")
    part(page, "citation").first.click()
    expect(part(page, "task-detail")).to_have_attribute("data-task", "1")
    run_id = run_id_of(page)
    look(page, "streams")
    for number in ("2", "3", "6"):
        shown = part(page, "stream", task=number).locator("[data-slot=agent-text]").last
        assert shown.inner_text().split() == text_of(team, run_id, number)


def test_a_click_shows_the_exact_prompt_of_a_call(team: Serving, open_page: Open) -> None:
    page = open_page(team)
    ask(page, FERRY)
    has_ended(page)
    look(page, "timeline")
    part(part(page, "waterfall-row", task=2), "bar", kind="writing").click()
    expect(part(page, "prompt-bar")).to_be_visible()
    part(page, "prompt-text").locator("summary").click()
    run_id = run_id_of(page)
    _, sent = team.call("GET", f"/api/runs/{run_id}/prompt?message={run_id}.2")
    shown = part(page, "prompt-text").locator("pre")
    expect(shown).to_have_count(len(sent["messages"]))
    assert [text.split() for text in shown.all_inner_texts()] == [one["content"].split() for one in sent["messages"]]
    assert "It is late in fog." in sent["messages"][-1]["content"], "the result it builds upon"


FERRY = "Investigate why the ferry is late so often"
RULES += [
    plans(FERRY, task("researcher", "Find when the ferry is late"), task("analyst", "Weigh why the ferry is late", 1)),
    says("Find when the ferry is late", "It is late in fog."),
    says("Weigh why the ferry is late", words("sight", 20), STEADY),  # a bar that is wide enough to be hit
    joins(FERRY, "The ferry is late because of fog [1]."),
]


def test_the_embedded_model_splits_a_comparison_and_joins_what_three_specialists_say(
    embedded: Serving, open_page: Open
) -> None:
    page = open_page(embedded)
    ask(page, "Compare heating a house with gas and with a heat pump: cost, climate, comfort; recommend one", kind=None)
    expect(part(page, "task").nth(2)).to_be_visible()
    expect(part(page, "turn")).to_have_attribute("data-status", "completed", timeout=120_000)
    run_id = run_id_of(page)
    begun = [one["task_id"] for one in entries(embedded, run_id, "task_started")]
    ended = {one["task_id"]: one["status"] for one in entries(embedded, run_id, "task_finished")}
    assert len(begun) >= 3
    assert ended == dict.fromkeys(begun, "completed")
    expect(part(page, "kind-chip")).to_have_attribute("data-kind", "analytical")
    expect(part(page, "answer-text")).to_contain_text("Based on")
    assert part(page, "citation").count() >= 3


# ── nothing is lost ───────────────────────────────────────────────────────────────────────────────────────────────

LAMP = "Investigate why the harbour lamp went out twice"
RULES += [
    plans(LAMP, task("researcher", "Read the log of the lamp"), task("analyst", "Weigh the wiring of the lamp")),
    says("Read the log of the lamp", words("log", 60), STEADY),
    says("Weigh the wiring of the lamp", words("wire", 50), STEADY),
    joins(LAMP, words("lamp", 30)),
]


def test_a_reload_in_mid_run_loses_nothing_and_a_second_tab_sees_the_same(team: Serving, open_page: Open) -> None:
    page = open_page(team)
    ask(page, LAMP)
    look(page, "streams")
    expect(part(page, "stream", task=1)).to_contain_text("log5")
    other = open_page(team, path_of(team, page))
    page.reload()
    expect(part(page, "stream", task=1)).to_contain_text("log5")
    run_id = run_id_of(page)
    for tab in (page, other):
        has_ended(tab)
        for number in ("1", "2"):
            pane = part(tab, "stream", task=number).locator("[data-slot=agent-text]")
            assert pane.inner_text().split() == text_of(team, run_id, number)
        expect(part(tab, "answer-text")).to_contain_text("lamp30")


TRAIN = "Investigate why the night train is late so often"
RULES += [
    plans(
        TRAIN,
        task("researcher", "Read the timetable of the train [#timetable]"),
        task("researcher", "Ask the driver of the train [#driver]"),
        task("analyst", "Weigh the reasons of the train [#reasons]", 1, 2),
    ),
    says("Read the timetable of the train [#timetable]", words("minute", 5)),
    says("Ask the driver of the train [#driver]", words("stop", 120), STEADY),
    says("Weigh the reasons of the train [#reasons]", words("reason", 10)),
    joins(TRAIN, "The night train waits for freight [1]."),
]


def test_kill_9_in_mid_run_the_run_goes_on_and_nothing_finished_is_done_twice(
    team_folder: Callable[[], Path], open_page: Open
) -> None:
    folder = team_folder()
    server = start(folder, **TEAM)
    try:
        page = open_page(server)
        ask(page, TRAIN)
        look(page, "streams")
        expect(part(page, "task", task=1)).to_have_attribute("data-status", "completed")
        expect(part(page, "stream", task=2)).to_contain_text("stop10")
        server.kill()
        expect(part(page, "connection")).not_to_have_attribute("data-phase", "online")
        expect(part(page, "stream", task=2)).to_contain_text("stop10")
        server = start(folder, port=server.port, **TEAM)
        has_ended(page)
        run_id = run_id_of(page)
        assert len(entries(server, run_id, "message_started", "1")) == 1, "a finished task was done again"
        attempts = [one["attempt"] for one in entries(server, run_id, "message_started", "2")]
        assert attempts == [1, 2]
        pane = part(page, "stream", task=2).locator("[data-slot=agent-text]")
        assert pane.inner_text().split() == words("stop", 120).split() == text_of(server, run_id, "2")
    finally:
        server.stop()
