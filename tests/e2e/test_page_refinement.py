"""How memories are refined, taken back and worth, and the lab: from nothing to something, and what is wrong."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from everybody import faults
from planned_page import ask, has_ended, part
from playwright.sync_api import Locator, Page, expect

from serving import Serving, running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
Open = Callable[..., Page]
REFINEMENT = "/?page=memory&part=refinement"
FERRY = {"text": "The ferry left at four.", "agent": "writer", "kind": "episodic", "createdAt": 1000}
PORTO = {"text": "The user lives in Porto.", "agent": "writer", "scope": "team", "key": "user.city"}
KETTLE = "The kettle in the office boils a litre of water in two minutes."


@pytest.fixture(scope="module")
def server(embedder_only: Callable[[], Path]) -> Generator[Serving]:
    """A server that remembers, and refines only when it is asked."""
    with running(embedder_only(), memory="true", refine_idle_s="0") as serving:
        yield serving


def bring_in(server: Serving, *memories: dict[str, Any]) -> None:
    raw = "\n".join(map(json.dumps, memories)).encode()
    status, answer = server.call("POST", "/api/memories/import", raw, Content_Type="application/x-ndjson")
    assert (status, answer["passedOver"]) == (200, 0), answer


def keep(server: Serving, text: str) -> dict[str, Any]:
    status, added = server.call("POST", "/api/memories", {"text": text})
    assert status == 201, added
    return added["memory"]


def test_what_a_pass_does_is_seen_done_explained_and_taken_back(server: Serving, open_page: Open) -> None:
    page = open_page(server, "/?page=memory")
    part(page, "memory-tab-refinement").click()
    expect(page).to_have_url(re.compile("part=refinement"))
    expect(part(page, "no-passes")).to_be_visible()
    part(page, "preview-refinement").click()
    expect(part(page, "refinement-preview")).to_contain_text("There is nothing to refine just now")
    part(page, "dismiss-preview").click()

    # What only the owner can tell shows by itself as soon as it is there.
    lund = keep(server, "I live in Lund.")
    bring_in(server, FERRY, PORTO)
    contradiction = contradiction_of(page)
    expect(contradiction).to_contain_text("your city")
    expect(contradiction).to_contain_text("The user lives in Porto.")
    contradiction.get_by_role("listitem").filter(has_text="Lund").locator("[data-slot=this-holds]").click()
    expect(contradiction).to_have_count(0)
    expect(part(page, "pass").first).to_contain_text("1 settled · You settled a contradiction")

    part(page, "preview-refinement").click()
    preview = part(page, "refinement-preview")
    expect(preview).to_contain_text("It would do 1 thing · 1 archived")
    expect(preview).to_contain_text("The ferry left at four.")
    expect(preview).to_contain_text("It would come to mind with 0%")
    assert faults(page) == []
    preview.locator("[data-slot=refine-now]").click()
    act = part(page, "act", what="archive")
    expect(act).to_contain_text("Archived it")
    expect(page).to_have_url(re.compile("item=p_"))

    # What is archived is listed as such, and its history leads back to why.
    part(page, "memory-tab-memory").click()
    page.locator("[data-filter=State]").click()
    page.get_by_role("button", name="Archived", exact=True).click()
    row = part(page, "memory-row")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("Archived")
    page.keyboard.press("Escape")
    row.locator("[data-slot=memory-open]").click()
    expect(part(page, "memory-gone")).to_contain_text("It still holds, but no agent is reminded of it.")
    first = part(page, "memory-history").locator("li").first
    expect(first).to_contain_text("Archived by refinement")
    part(page, "history-pass").first.click()
    act.locator("[data-slot=undo-act]").click()
    expect(act).to_contain_text("taken back")
    expect(part(page, "memory-gone")).to_have_count(0)
    expect(first).to_contain_text("Restored, as you took refinement back")

    # The other pass is taken back as a whole; then the question is open again.
    settled = server.call("GET", "/api/memory/refinement/passes")[1]["passes"][1]["id"]
    page = open_page(server, f"{REFINEMENT}&item={settled}")
    part(page, "undo-act").click()
    expect(contradiction_of(page)).to_be_visible()
    contradiction_of(page).locator("[data-slot=all-hold]").click()
    expect(contradiction_of(page)).to_have_count(0)
    assert server.call("GET", f"/api/memories/{lund['id']}")[1]["memory"]["validTo"] is None


def contradiction_of(page: Page) -> Locator:
    return part(page, "contradiction", key="user.city")


def test_a_pass_that_is_not_there_says_so_and_leads_back(server: Serving, open_page: Open) -> None:
    page = open_page(server, f"{REFINEMENT}&item=p_00")
    expect(part(page, "problem", code="unknown_pass")).to_be_visible()
    part(page, "all-passes").click()
    expect(part(page, "problem")).to_have_count(0)


def test_an_archived_memory_is_restored_from_its_page(server: Serving, open_page: Open) -> None:
    bring_in(server, {**FERRY, "text": "The tram left at five."})
    done = server.call("POST", "/api/memory/refinement", {})[1]
    memory = done["acts"][0]["memories"][0]["id"]
    page = open_page(server, f"/?page=memory&memory={memory}")
    expect(part(page, "memory-gone")).to_contain_text("Archived")
    part(page, "memory-restore").click()
    expect(part(page, "memory-gone")).to_have_count(0)
    assert server.call("GET", f"/api/memories/{memory}")[1]["memory"]["archivedAt"] is None


def test_what_a_memory_is_worth_leads_to_the_answers_that_say_so(server: Serving, open_page: Open) -> None:
    memory = keep(server, KETTLE)["id"]
    page = open_page(server)
    ask(page, "How fast does the kettle in the office boil a litre of water?", kind="chat")
    has_ended(page)
    run = part(page, "turn").last.get_attribute("data-run")
    page = open_page(server, f"/?page=memory&memory={memory}")
    expect(part(page, "memory-use").first).to_be_visible()
    status, said = server.call("POST", f"/api/runs/{run}/feedback", {"signal": "thumb", "value": 1})
    assert status in (200, 201), said
    until_weighed(server, memory)
    page.reload()
    expect(part(page, "memory-utility")).to_have_text(re.compile(r"^\+0\.\d\d$"))
    part(page, "why-this-number").click()
    why = part(page, "memory-why-number")
    expect(why).to_contain_text("with nine chances in ten")
    expect(part(page, "why-run")).to_have_count(1)
    assert faults(page) == []
    part(page, "why-run").click()
    expect(page).to_have_url(re.compile(f"run={run}"))
    expect(part(page, "turn").last).to_be_visible()


def until_weighed(server: Serving, memory: str) -> None:
    """What is said of an answer reaches its memories a moment later."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if server.call("GET", f"/api/memories/{memory}")[1]["memory"]["strength"] > 0:
            return
        time.sleep(0.05)
    raise AssertionError("the memory was not weighed")


def test_the_lab_plays_policies_in_a_world_and_says_what_is_too_much(server: Serving, open_page: Open) -> None:
    page = open_page(server, "/?page=learning&part=lab")
    expect(part(page, "lab-empty")).to_be_visible()
    page.get_by_role("radio", name=re.compile("^drift")).check()
    page.get_by_role("checkbox", name=re.compile("^greedy")).check()
    expect(page).to_have_url(re.compile("drift"))
    part(page, "lab-tasks").fill("100")
    part(page, "lab-seeds").fill("3")
    part(page, "lab-seeds").press("Enter")
    result = part(page, "lab-result", world="drift")
    expect(result).to_contain_text("drift: 100 tasks, 3 lives")
    expect(part(page, "lab-verdict")).to_contain_text("over 100 tasks")
    expect(part(result, "lab-chart")).to_have_count(3)
    rows = part(page, "lab-table").locator("tbody tr")
    expect(rows).to_have_count(4)
    expect(rows.first).to_contain_text(re.compile(r"\d\.\d \(\d+\.\d to \d+\.\d\)"))
    plot = result.locator("[data-curve=regret] [data-slot=lab-plot]")
    plot.focus()
    page.keyboard.press("Home")
    expect(plot).to_have_attribute("aria-valuetext", re.compile(r"^After \d+ tasks: .*greedy \d"))
    assert faults(page) == []
    # What was chosen stands in the address.
    page.reload()
    expect(part(page, "lab-tasks")).to_have_value("100")
    expect(page.get_by_role("checkbox", name=re.compile("^greedy"))).to_be_checked()
    # More than is played at once is refused in a sentence, with a way out.
    part(page, "lab-tasks").fill("5000")
    part(page, "lab-seeds").fill("200")
    part(page, "lab-run").click()
    expect(part(page, "problem", code="lab_too_large")).to_contain_text("Take fewer seeds")
    expect(part(page, "lab-fewer")).to_have_text("Run 6 seeds")
    expect(part(page, "own-bandit")).to_contain_text("alma lab run --file my_bandit.py --world drift")
