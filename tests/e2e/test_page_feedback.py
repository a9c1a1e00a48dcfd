"""What an answer was worth, said in the page: by keys, with a reason, in other words; seen elsewhere, and later."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from everybody import faults
from planned_page import entries, has_ended, part, run_id_of
from playwright.sync_api import Page, expect

from serving import Serving, running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def server(embedder_only: Callable[[], Path]) -> Generator[Serving]:
    with running(embedder_only(), exploration="0") as serving:
        yield serving


def said(server: Serving, page: Page) -> list[tuple[str, float, str]]:
    found = entries(server, run_id_of(page), "signaled")
    return [(one["signal"], one["value"], one.get("reason", "") or one.get("text", "")) for one in found]


def test_an_answer_is_judged_and_that_stays(server: Serving, open_page: Open) -> None:
    page = open_page(server)
    part(page, "composer-text").fill("!say Tea is warm.")
    part(page, "composer-text").press("Enter")
    page.wait_for_url(re.compile("thread="))
    has_ended(page)
    up, down = part(page, "thumb-up"), part(page, "thumb-down")
    expect(up).to_have_attribute("aria-pressed", "false")
    down.focus()
    page.keyboard.press("Enter")
    expect(down).to_have_attribute("aria-pressed", "true")
    reasons = part(page, "feedback-reason")
    assert faults(page) == []
    reasons.get_by_role("button", name="Too short").click()
    expect(reasons).to_have_count(0)
    expect(part(page, "said-reason")).to_have_text("You said: Too short")

    other = open_page(server, page.url.removeprefix(server.url))
    expect(part(other, "thumb-down")).to_have_attribute("aria-pressed", "true")
    part(other, "edit-answer-open").click()
    form = part(other, "edit-answer-form")
    form.get_by_role("textbox").fill("Tea is hot.")
    form.get_by_role("button", name="Say so").click()
    expect(form).to_have_count(0)
    part(other, "thumb-up").click()

    expect(up).to_have_attribute("aria-pressed", "true")  # it comes to the first page by itself
    expect(down).to_have_attribute("aria-pressed", "false")
    page.reload()
    expect(up).to_have_attribute("aria-pressed", "true")
    expect(part(page, "edit-answer-open")).to_have_attribute("aria-pressed", "true")
    up.click()
    expect(up).to_have_attribute("aria-pressed", "false")
    part(page, "inspect").click()
    expect(page.get_by_text("You took back what you had said of the answer")).to_be_visible()
    assert said(server, page) == [
        ("thumb", -1, ""),
        ("thumb", -1, "Too short"),
        ("edited", 0.5, "Tea is hot."),  # the share of its words that stay
        ("thumb", 1, ""),
        ("thumb", 0, ""),
    ]


def test_what_could_not_be_said_is_told_and_can_be_said_again(server: Serving, open_page: Open) -> None:
    page = open_page(server)
    part(page, "composer-text").fill("!say Coffee is warm.")
    part(page, "composer-text").press("Enter")
    has_ended(page)
    page.route("**/feedback", lambda route: route.fulfill(status=503, json={"detail": "It is full.", "code": "full"}))
    part(page, "thumb-up").click()
    problem = part(page, "feedback-problem")
    expect(problem).to_be_visible()
    expect(part(page, "thumb-up")).to_have_attribute("aria-pressed", "false")
    page.unroute("**/feedback")
    problem.get_by_role("button", name="Say it again").click()
    expect(part(page, "thumb-up")).to_have_attribute("aria-pressed", "true")
    expect(problem).to_have_count(0)


def test_what_resources_follow_has_a_page(server: Serving, open_page: Open) -> None:
    page = open_page(server, "/?page=learning&part=shares")
    expect(part(page, "no-shares").or_(part(page, "role-share").first)).to_be_visible()
    expect(part(page, "store-room")).to_have_count(3)
    assert faults(page) == []
