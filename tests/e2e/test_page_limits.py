"""Limits and restarts in the page: nothing is lost, nothing comes twice, and the page says what it waits for."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from everybody import faults
from planned_page import has_ended, part
from playwright.sync_api import Page, expect

from serving import Serving, running, start

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def strict(embedder_only: Callable[[], Path]) -> Generator[Serving]:
    """Lets nobody begin more than one run in eight seconds: time enough for a slow page to say so."""
    with running(embedder_only(), limit_runs="1/8 second") as serving:
        yield serving


def ask(page: Page, text: str) -> None:
    part(page, "composer-text").fill(text)
    part(page, "composer-text").press("Enter")


def runs_of(server: Serving) -> list[str]:
    """How often each thread was asked, by its title."""
    _, listed = server.call("GET", "/api/threads")
    return [title for each in listed["threads"] for title in [each["title"]] * each["runs"]]


def test_a_message_too_many_goes_out_by_itself_and_once(strict: Serving, open_page: Open) -> None:
    page = open_page(strict)
    ask(page, "The first of two")
    page.wait_for_url(re.compile("thread="))
    ask(page, "The second of two")
    held = part(page, "held-back")
    expect(held).to_contain_text(re.compile(r"Sent too fast for this server: again in \d s"))
    assert faults(page) == []
    page.reload()  # it is kept over a reload
    expect(held.or_(part(page, "turn").nth(1))).to_be_visible()
    expect(part(page, "turn")).to_have_count(2)
    has_ended(page)
    expect(held).to_have_count(0)
    expect(part(page, "turn").last).to_contain_text("The second of two")
    assert runs_of(strict).count("The first of two") == 2


def test_a_message_that_waits_can_be_taken_back_or_sent_at_once(strict: Serving, open_page: Open) -> None:
    page = open_page(strict)
    ask(page, "Something else first")
    held = part(page, "held-back")
    expect(held.or_(part(page, "turn"))).to_be_visible()
    page.wait_for_url(re.compile("thread="))
    has_ended(page)
    ask(page, "What I take back")
    part(page, "cancel-send").click()
    expect(part(page, "composer-text")).to_have_value("What I take back")
    expect(held).to_have_count(0)
    ask(page, "What I want at once")
    part(page, "send-now").click()
    expect(part(page, "turn")).to_have_count(2)
    has_ended(page)
    assert runs_of(strict).count("Something else first") == 2


def test_a_list_that_was_asked_for_too_fast_says_when_it_comes(
    embedder_only: Callable[[], Path], open_page: Open
) -> None:
    with running(embedder_only(), limit_requests="40/10 second") as server:
        page = open_page(server)
        # The rest of what is allowed goes elsewhere, past the cache, where requests for one address wait;
        # and when the server begins to count the next ten seconds, so that most of them are left to wait for.
        time.sleep(10 - time.monotonic() % 10)
        flood = "Promise.all(Array.from({ length: 40 }, () => fetch('/api/agents', { cache: 'no-store' })))"
        page.evaluate(f"{flood}.then(() => null)")
        part(page, "thread-search").fill("nothing like it")
        expect(part(page, "held")).to_contain_text(re.compile(r"again in \d+ s"))
        expect(part(page, "thread-rail")).to_contain_text("Nothing with", timeout=120_000)
        expect(part(page, "held")).to_have_count(0)


def test_a_restart_is_announced_and_forgotten_when_it_is_over(
    embedder_only: Callable[[], Path], open_page: Open
) -> None:
    folder = embedder_only()
    server = start(folder)
    page = open_page(server)
    part(page, "composer-text").fill("kept over the restart")
    server.stop()
    notice = part(page, "notice").filter(has_text="Alma is restarting")
    expect(notice).to_be_visible()
    again = start(folder, port=server.port)
    try:
        page.wait_for_selector("[data-slot=connection][data-phase=online]", state="attached")
        expect(notice).to_have_count(0)
        expect(part(page, "composer-text")).to_have_value("kept over the restart")
    finally:
        again.stop()
