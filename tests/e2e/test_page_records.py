"""What learning believes, in the page: records with their reasons, who gets which tasks, and what the owner allows."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from everybody import faults
from planned_page import has_ended, part, run_id_of
from playwright.sync_api import Page, expect
from websockets.sync.client import connect

from planned import role_file
from serving import Serving, running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
Open = Callable[..., Page]
RECORDS, CHOOSING = "/?page=learning&part=records", "/?page=learning&part=router&item=chat~manager"
REASON = "short and right"


def alma(folder: Path) -> dict[str, object]:
    """Settings of a server whose manager has a variant, so that who answers is up to choice."""
    role_file(folder / "roles", "brisk", "You are brisk.", variant_of="manager")
    return {"agents_dir": folder / "roles", "exploration": "0.5", "limit_requests": "off"}


@pytest.fixture(scope="module")
def taught(embedder_only: Callable[[], Path]) -> Generator[tuple[Serving, str]]:
    """A server of which six answers were judged, and the run that was judged last."""
    folder = embedder_only()
    with running(folder, **alma(folder)) as server:
        last = ""
        for number in range(6):
            last = answered(server, f"!say answer {number}")
            body = {"signal": "thumb", "value": 1 if number % 3 else -1, "reason": REASON}
            assert server.call("POST", f"/api/runs/{last}/feedback", body)[0] == 201
        deadline = time.monotonic() + 60
        while True:
            why = server.call("GET", "/api/learning/why?item=model:scripted/scripted&context=chat")[1]
            spoken = [one for one in why["runs"] if one["signals"][0]["name"] == "thumb"]
            if len(spoken) == 6:
                break
            assert time.monotonic() < deadline, why
            time.sleep(0.05)
        yield server, last


def answered(server: Serving, text: str) -> str:
    """The id of a run, once it has ended."""
    with connect(f"ws://127.0.0.1:{server.port}/ws?protocol=1", max_size=None, proxy=None) as ws:
        ws.send(json.dumps({"type": "run.start", "id": "c", "key": text, "text": text, "kind": "chat"}))
        while True:
            event = json.loads(ws.recv(timeout=120))
            if event["type"] == "RUN_FINISHED":
                return event["runId"]


def test_nothing_is_believed_until_something_was_asked(embedder_only: Callable[[], Path], open_page: Open) -> None:
    folder = embedder_only()
    with running(folder, **alma(folder)) as server:
        page = open_page(server, RECORDS)
        expect(part(page, "no-records")).to_contain_text("No agent has a record here yet.")
        part(page, "no-records").get_by_role("button", name="Ask something").click()
        part(page, "composer-text").fill("!say hello")
        part(page, "composer-text").press("Enter")
        page.wait_for_url(re.compile("thread="))
        has_ended(page)
        run_id = run_id_of(page)
        page.goto(server.url + RECORDS)
        expect(part(page, "record")).to_have_count(1)
        part(page, "open-record").click()
        expect(part(page, "why-run", run=run_id)).to_contain_text("How it ended")
        # Somebody says something: the open record hears of it by itself.
        body = {"signal": "thumb", "value": 1, "reason": REASON}
        assert server.call("POST", f"/api/runs/{run_id}/feedback", body)[0] == 201
        expect(part(page, "why-run", run=run_id)).to_contain_text(f"Thumbs up: {REASON}")
        server.kill()
        page.locator("[data-slot=record-kind][data-kind=model]").click()
        expect(part(page, "problem").first).to_contain_text("The server cannot be reached.")


def test_a_number_says_why_and_leads_to_its_runs(taught: tuple[Serving, str], open_page: Open) -> None:
    server, last = taught
    page = open_page(server, RECORDS)
    page.locator("[data-slot=record-kind][data-kind=model]").click()
    page.get_by_label("Kind of tasks").select_option("chat")
    row = part(page, "record", item="model:scripted/scripted")
    _, said = server.call("GET", "/api/learning/records?what=model&context=chat")
    expect(row).to_contain_text(f"{said['records'][0]['mean']:.2f}")
    row.locator("[data-slot=open-record]").click()
    expect(part(page, "learning-curve")).to_be_visible()
    expect(part(page, "why-number")).to_contain_text("6 tasks that speak")
    expect(part(page, "why-run")).to_have_count(6)
    spoken = part(page, "why-run", run=last)
    expect(spoken.locator("[data-signal=thumb]")).to_contain_text(REASON)
    page.reload()
    expect(part(page, "why-run")).to_have_count(6)
    part(page, "why-run", run=last).locator("[data-slot=run-why]").click()
    expect(part(page, "panel-why")).to_be_visible()
    expect(page).to_have_url(re.compile(f"run={last}"))
    page.go_back()
    expect(part(page, "why-run")).to_have_count(6)


def test_an_owner_says_what_learning_may_do(taught: tuple[Serving, str], open_page: Open) -> None:
    server, _ = taught
    page = open_page(server, RECORDS)
    expect(part(page, "preference-words")).to_contain_text("Up to 50 % of tasks")
    part(page, "change-preferences").click()
    part(page, "preference-exploration").fill("140")
    expect(part(page, "preference-problem")).to_contain_text("a number from 0 to 100")
    expect(part(page, "save-preferences")).to_be_disabled()
    part(page, "preference-exploration").fill("20")
    part(page, "signal-weights").locator("summary").click()
    part(page, "signal-weight", signal="copied").get_by_role("textbox").fill("eleven")
    expect(part(page, "preference-problem")).to_contain_text("0 leaves it out, 1 is a clear word")
    part(page, "signal-weight", signal="copied").get_by_role("textbox").fill("2")
    part(page, "save-preferences").click()
    expect(part(page, "preference-words")).to_contain_text("Up to 20 % of tasks")
    expect(part(page, "preference-words")).to_contain_text("the weight of one signal")
    _, kept = server.call("GET", "/api/learning")
    assert kept["ownExploration"] == pytest.approx(0.2)
    assert {one["name"]: one["weight"] for one in kept["signals"]}["copied"] == 2
    assert server.call("PUT", "/api/learning", {})[0] == 200


def test_who_gets_which_tasks_is_told_with_its_odds(taught: tuple[Serving, str], open_page: Open) -> None:
    server, last = taught
    _, told = server.call("GET", "/api/learning/router?role=manager&context=chat")
    page = open_page(server, CHOOSING)
    expect(part(page, "arm")).to_have_count(2)
    expect(part(page, "arm", usual="true")).to_contain_text("the usual way")
    for arm in told["arms"]:
        shown = part(page, "arm", arm=arm["id"])
        near = "|".join(f"{arm['mean'] + off:.2f}" for off in (-0.01, 0, 0.01))  # a half is rounded up here, down there
        expect(shown).to_contain_text(re.compile(near.replace(".", r"\.")))
        expect(shown.locator("[data-slot=arm-prior]")).to_contain_text("was expected of it: as of any answer")
    expect(part(page, "exploration")).to_contain_text("Of the last 6 choices")
    expect(part(page, "choice")).to_have_count(6)
    expect(part(page, "choice").first).to_have_attribute("data-run", last)
    part(page, "arm", usual="true").locator("[data-slot=arm-why]").click()
    expect(part(page, "why-number")).to_be_visible()
    page.go_back()
    part(page, "choice", run=last).locator("[data-slot=run-why]").click()
    expect(part(page, "panel-why").locator("[data-slot=chosen]")).to_be_visible()
    page.goto(server.url + "/?page=learning&part=router&item=nobody")
    expect(part(page, "problem")).to_be_visible()
    page.get_by_role("button", name="Look at the manager").click()
    expect(part(page, "arms")).to_have_attribute("data-role", "manager")


def test_everybody_can_read_it(taught: tuple[Serving, str], open_page: Open) -> None:
    server, _ = taught
    for width in (1280, 390):
        page = open_page(server, RECORDS, width=width)
        part(page, "open-record").first.click()
        expect(part(page, "why-number")).to_be_visible()
        part(page, "change-preferences").click()
        found = faults(page, dark=True)
        page.goto(server.url + CHOOSING)
        expect(part(page, "choice").first).to_be_visible()
        assert found + faults(page, dark=True) == []
