"""An experiment from the form to the verdict: what is wrong is said, then it runs, is judged, promoted, deleted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from everybody import faults
from planned_page import part
from playwright.sync_api import Page, expect

from serving import Serving, running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
Open = Callable[..., Page]
EXPERIMENTS = "/?page=learning&part=experiments"
ROWS = [
    {"task": "!say Paris", "expected": "Paris", "slice": "places"},
    {"task": "!say Rome", "expected": "Rome", "slice": "places"},
    {"task": "!say nine", "expected": "eight", "slice": "numbers"},
    {"task": "!status 400", "expected": "never", "slice": "numbers"},
]
FILE = "name: Of a file\nkind: chat\nvariants:\n  - name: usual\n    modle: x\nevaluators: [{type: exact}]\n"


@pytest.fixture(scope="module")
def server(embedder_only: Callable[[], Path]) -> Generator[Serving]:
    with running(embedder_only()) as serving:
        yield serving


def test_from_the_form_to_the_verdict(server: Serving, open_page: Open) -> None:
    page = open_page(server, EXPERIMENTS)
    expect(part(page, "no-experiments")).to_be_visible()
    part(page, "new-experiment").click()

    # What is wrong is said where it is.
    part(page, "experiment-check").click()
    expect(part(page, "wrong-line").first).to_contain_text("name")
    expect(part(page, "field-wrong").first).to_be_visible()
    expect(part(page, "experiment-name")).to_have_attribute("aria-invalid", "true")
    part(page, "experiment-name").fill("Short or long")
    part(page, "experiment-data").fill('{"task": "one"}\n{"taks": "two"}')
    part(page, "experiment-check").click()
    expect(part(page, "experiment-wrong")).to_contain_text("line 2")
    expect(part(page, "experiment-data")).to_have_attribute("aria-invalid", "true")

    brief = part(page, "variant", index=1)
    brief.locator("[data-slot=variant-name]").fill("brief")
    brief.locator("[data-slot=variant-prompt]").fill("You answer in one word.")
    part(page, "evaluator", type="human").check()
    part(page, "experiment-kind").select_option("chat")
    part(page, "experiment-data").fill("\n".join(map(json.dumps, ROWS)))
    assert faults(page) == []
    part(page, "experiment-check").click()
    expect(part(page, "experiment-estimate")).to_contain_text("8 runs; about")
    expect(part(page, "experiment-estimate")).to_contain_text("at most")
    part(page, "experiment-start").click()

    # It runs by itself; what came of it is told in words and figures.
    expect(page).to_have_url(re.compile("item=e_"))
    state = part(page, "experiment-state")
    expect(state).to_have_attribute("data-state", "done")
    expect(part(page, "progress-words")).to_contain_text("all 8 runs done, 2 failed")
    verdict = part(page, "verdict")
    expect(verdict).to_contain_text("2 of 8 runs failed; each counts as 0 points.")
    expect(verdict).to_contain_text("regex: brief and as usual did equally well on each of 4 tasks.")
    expect(part(page, "figure-row", variant="brief")).to_contain_text("50.0")
    regex = part(page, "comparison", evaluator="regex")
    expect(regex.locator("[data-slot=slice]")).to_have_count(2)
    expect(regex.locator("[data-slot=difference-bar]").first).to_be_visible()
    failed = part(page, "experiment-run", state="failed")
    expect(failed).to_have_count(2)
    expect(failed.first.locator("[data-slot=run-error]")).not_to_be_empty()
    assert faults(page) == []
    with page.expect_download() as taken:
        part(page, "download-csv").click()
    assert Path(taken.value.path()).read_text().startswith("variant,row,seed")

    # People judge without being told whose an answer is.
    part(page, "experiment-judge").click()
    pair = part(page, "pair")
    expect(part(page, "pairs-left")).to_contain_text("3 pairs left")
    expect(pair).not_to_contain_text("brief")
    first = pair.get_attribute("data-key")
    page.keyboard.press("s")
    expect(pair).not_to_have_attribute("data-key", first or "")
    page.keyboard.press("1")
    expect(part(page, "pairs-left")).to_contain_text("2 pairs left")
    page.keyboard.press("2")
    expect(part(page, "pairs-left")).to_contain_text("1 pair left")
    part(page, "answers-equal").click()
    expect(part(page, "no-pair")).to_be_visible()
    page.get_by_role("link", name="Back to the experiment").click()
    expect(part(page, "comparison", evaluator="human")).to_be_visible()

    # A run is looked at; what a variant says otherwise becomes a draft.
    part(page, "promote-variant").select_option("brief")
    part(page, "promote-go").click()
    expect(part(page, "promoted")).to_contain_text("1 draft made")
    part(page, "show-runs", which="of brief").click()
    runs = part(page, "experiment-run")
    expect(runs).to_have_count(4)
    runs.first.locator("[data-slot=run-link]").click()
    expect(part(page, "turn").first).to_be_visible()
    page.go_back()

    # The same file again: two are put side by side.
    text = "name: Again\nkind: chat\nvariants: [{name: as usual}, {name: brief}]\nevaluators: [{type: regex}]\n"
    again = {"text": text, "data": "\n".join(map(json.dumps, ROWS[:2]))}
    _, made = server.call("POST", "/api/experiments", again)
    server.call("POST", f"/api/experiments/{made['id']}/start", {})
    first = part(page, "experiment-page").get_attribute("data-id") or ""
    part(page, "all-experiments").click()
    part(page, "compare-experiments").click()
    part(page, "compare-a").select_option(first)
    part(page, "compare-b").select_option(made["id"])
    brief = part(page, "comparison-row", name="brief of Again")
    expect(brief).to_be_visible()
    expect(brief.locator("[data-slot=difference-bar]")).to_be_visible()
    expect(part(page, "verdict")).to_contain_text("brief of Short or long")
    assert faults(page) == []
    server.call("DELETE", f"/api/experiments/{made['id']}")
    page.goto(f"{server.url}{EXPERIMENTS}&item={first}")
    part(page, "experiment-delete").click()
    part(page, "confirm-yes").click()
    expect(part(page, "no-experiments")).to_be_visible()


def test_a_file_is_refused_by_its_line_and_one_that_is_gone_leads_back(server: Serving, open_page: Open) -> None:
    page = open_page(server, f"{EXPERIMENTS}&item=new")
    part(page, "way-file").click()
    part(page, "experiment-text").fill(FILE)
    part(page, "experiment-data").fill(json.dumps(ROWS[0]))
    part(page, "experiment-check").click()
    expect(part(page, "wrong-line")).to_contain_text("line 5, variants 1, modle There is no such field.")
    part(page, "experiment-text").fill(FILE.replace("    modle: x\n", ""))
    part(page, "experiment-check").click()
    expect(part(page, "experiment-note").first).to_contain_text("one row")
    page = open_page(server, f"{EXPERIMENTS}&item=e_none")
    expect(part(page, "problem", code="unknown_experiment")).to_be_visible()
    part(page, "back-to-experiments").click()
    expect(part(page, "new-experiment")).to_be_visible()
