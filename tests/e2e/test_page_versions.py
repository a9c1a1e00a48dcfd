"""What learning would change, in the page: written by hand, tried, promoted, taken back; and answers that are told."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from everybody import faults
from planned_page import ask, has_ended, load, part, run_id_of
from playwright.sync_api import Page, expect

from serving import Serving, running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
Open = Callable[..., Page]
VERSIONS, LESSONS = "/?page=learning&part=versions", "/?page=learning&part=lessons"


@pytest.fixture(scope="module")
def server(embedder_only: Callable[[], Path]) -> Generator[Serving]:
    with running(embedder_only(), exploration="0") as serving:
        yield serving


def stages(server: Serving, what: str) -> list[str]:
    _, found = server.call("GET", f"/api/learning/versions?what={what}")
    return [one["stage"] for one in found["versions"]]


def test_versions_and_lessons_go_from_nothing_to_what_acts_and_back(server: Serving, open_page: Open) -> None:
    page = open_page(server, VERSIONS)
    expect(part(page, "no-versions")).to_be_visible()
    assert faults(page) == []
    nothing_is_learned_from_nothing(page)
    a_prompt_by_hand(page, server)
    notes_on_trial(page, server)
    routes(page, server)
    approved_answers(page, server)


def nothing_is_learned_from_nothing(page: Page) -> None:
    for way in ("distil", "reflect"):
        part(page, way).click()
        expect(part(page, "draft-form", by=way)).to_contain_text("Model")
        part(page, "make-draft").click()
        problem = part(page, "draft-problem", code="nothing_to_learn")
        expect(problem).to_contain_text("too little to learn from for manager")
        expect(problem).to_contain_text("say why")
    part(page, "draft-how").select_option("gepa")
    part(page, "draft-calls").fill("0")
    expect(part(page, "make-draft")).to_be_disabled()
    assert faults(page) == []
    problem.get_by_role("button", name="Write it by hand").click()
    expect(part(page, "prompt-text")).to_have_value(re.compile("name: manager"))


def a_prompt_by_hand(page: Page, server: Serving) -> None:
    load(page, server.url + VERSIONS + "&item=writer")
    part(page, "new-prompt").click()
    text = part(page, "prompt-text")
    expect(text).to_have_value(re.compile("name: writer"))
    file = text.input_value()
    expect(part(page, "keep-version")).to_be_disabled()  # it says just what acts now
    text.fill(file.replace("purpose:", "porpoise:", 1))
    part(page, "keep-version").click()
    number = file.split("\n").index(next(line for line in file.split("\n") if line.startswith("purpose:"))) + 1
    problems = part(page, "line-problems")
    expect(problems).to_contain_text("porpoise")
    problems.get_by_role("button", name=f"Line {number}", exact=True).first.click()
    expect(text).to_be_focused()
    assert "porpoise" in page.evaluate("getSelection().toString()")

    text.fill(file.rstrip("\n") + "\n\nName the sources of all figures.\n")
    expect(problems).to_have_count(0)
    part(page, "version-name").fill("Sources named")
    part(page, "keep-version").click()
    expect(part(page, "version-title")).to_have_text("Sources named")
    expect(part(page, "version-diff").locator("[data-kind=added]").last).to_contain_text("Name the sources")
    expect(part(page, "no-evidence")).to_be_visible()
    assert faults(page) == []
    expect(part(page, "version-actions")).to_contain_text("One click takes it back")
    part(page, "version-promote").click()
    expect(part(page, "stage")).to_have_text("Active")
    assert stages(server, "prompt") == ["promoted"]
    part(page, "version-revert").click()
    expect(part(page, "stage")).to_have_text("Taken back")
    expect(part(page, "version-step").first).to_contain_text("Taken back, by you")
    assert stages(server, "prompt") == ["rolled_back"]


def notes_on_trial(page: Page, server: Serving) -> None:
    """Tasks of a canary are its evidence, and lead to their runs."""
    load(page, server.url + VERSIONS + "&item=manager")
    part(page, "new-notes").click()
    part(page, "note-text").fill("Be brief.")
    part(page, "add-note").click()
    part(page, "note-text").last.fill("Give prices in euros.")
    part(page, "keep-version").click()
    expect(part(page, "version-diff")).to_contain_text("Give prices in euros.")
    address = page.url
    part(page, "trial-from").select_option("canary")
    part(page, "version-start").click()
    expect(part(page, "stage")).to_have_text("Canary")
    part(page, "canary-share").select_option("0.5")
    expect(part(page, "version-actions")).to_contain_text("In its canary it does")

    load(page, server.url)
    ask(page, "!say Tea is warm.", kind="chat")
    has_ended(page)
    run_id = run_id_of(page)
    part(page, "thumb-up").click()
    load(page, address)
    evidence = part(page, "version-evidence", stage="canary")
    expect(part(evidence, "verdict")).to_have_text("Not decided yet")
    expect(part(page, "canary-share")).to_have_value("0.5")
    part(evidence, "why-verdict").locator("summary").click()
    row = part(evidence, "tried").locator(f"tr[data-run={run_id}]")
    expect(row).to_be_visible()
    assert faults(page) == []
    part(row, "run-link").click()
    expect(page).to_have_url(re.compile(f"run={run_id}"))
    load(page, address)
    part(page, "version-stop").click()
    expect(part(page, "stage")).to_have_text("Draft")
    part(page, "version-delete").click()
    part(page, "confirm-yes").click()
    expect(part(page, "version-title")).to_have_count(0)
    expect(part(page, "role-versions", role="writer")).to_be_visible()
    load(page, address)
    expect(part(page, "problem", code="unknown_version")).to_be_visible()
    page.get_by_role("button", name="Show all versions").click()
    expect(part(page, "version", stage="rolled_back")).to_contain_text("Sources named")


def routes(page: Page, server: Serving) -> None:
    load(page, server.url + VERSIONS + "&item=writer")
    part(page, "new-policy").click()
    part(page, "policy-exploration").fill("500")
    expect(page.get_by_text("0 to 100 percent")).to_be_visible()
    expect(part(page, "keep-version")).to_be_disabled()
    part(page, "policy-exploration").fill("5")
    part(page, "add-way").click()
    page.get_by_label("Role of way 1").fill("writer")
    part(page, "keep-version").click()
    expect(part(page, "version-diff")).to_contain_text('"exploration": 0.05')
    expect(part(page, "version-diff")).to_contain_text("writer||")
    assert stages(server, "policy") == ["draft"]


def approved_answers(page: Page, server: Serving) -> None:
    load(page, server.url + LESSONS)
    thumb = part(page, "lesson").filter(has_text="Tea is warm.")
    expect(thumb).to_be_visible()
    part(page, "add-lesson").click()
    form = part(page, "lesson-form")
    part(form, "lesson-form-role").select_option("writer")
    part(form, "lesson-task").fill("Write of the harbour")
    part(form, "lesson-answer").fill("The harbour sleeps.")
    part(form, "keep-lesson").click()
    mine = part(page, "lesson").filter(has_text="harbour")
    expect(mine).to_be_visible()
    part(page, "lesson-search").fill("harbour")
    expect(part(page, "lesson")).to_have_count(1)
    expect(page).to_have_url(re.compile("item="))
    part(mine, "lesson-on").click()
    expect(mine).to_have_attribute("data-on", "false")
    part(mine, "open-lesson").click()
    expect(mine).to_contain_text("Off: nobody is told it")
    expect(part(mine, "why-number")).to_contain_text("Nothing speaks of it yet")
    assert faults(page) == []
    part(mine, "edit-lesson").click()
    part(mine, "lesson-answer").fill("The harbour is asleep.")
    part(mine, "keep-lesson").click()
    expect(part(mine, "lesson-form")).to_have_count(0)
    expect(mine).to_contain_text("The harbour is asleep.")
    part(mine, "delete-lesson").click()
    part(mine, "confirm-yes").click()
    expect(part(page, "no-lessons")).to_have_text("None is like that.")
    part(page, "lesson-search").fill("")
    expect(thumb).to_be_visible()
