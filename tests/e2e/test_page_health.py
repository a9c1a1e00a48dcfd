"""Health in the page: components, a real alert that fires and is silenced, errors, reports."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from planned_page import AXE, AXE_SCRIPT, load, part, tab_to
from playwright.sync_api import Locator, Page, expect

from serving import Serving, running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
Open = Callable[..., Page]
HEALTH = "/?page=health"
# The first fires as long as the server lives; the second can never be used.
ALERTS = """
[server_lives]
summary = "The server has memory"
hint = "That is as it should be: `alma serve` needs some."
severity = "critical"
metric = "rss"
above = 1
channels = ["page", "log"]

[nonsense]
summary = "It measures nothing"
metric = "no_such_figure"
above = 1
"""


@pytest.fixture(scope="module")
def watched(embedder_only: Callable[[], Path]) -> Generator[Serving]:
    folder = embedder_only()
    (folder / "alerts.toml").write_text(ALERTS)
    with running(folder, alerts_file=folder / "alerts.toml", min_disk_mib=1_000_000, metrics="true") as serving:
        yield serving


def named(page: Page, slot: str, name: str) -> Locator:
    return page.locator(f"[data-slot={slot}][data-name={json.dumps(name)}]")


def axe(page: Page) -> list[str]:
    page.evaluate(AXE_SCRIPT.read_text())
    return [each["id"] for each in page.evaluate(AXE)]


def test_components_say_how_they_are_since_when_and_what_to_do(watched: Serving, open_page: Open) -> None:
    page = open_page(watched, HEALTH)
    disk = named(page, "component", "disk")
    expect(disk).to_have_attribute("data-status", "degraded")
    expect(disk).to_contain_text(re.compile(r"Degraded for \d+ (second|minute)"))
    expect(part(disk, "component-hint")).not_to_be_empty()
    expect(named(page, "component", "database")).to_contain_text("Well")
    expect(part(page, "health-summary")).to_contain_text("Alma works, but")
    expect(part(page, "health-mark")).to_be_visible()
    with page.expect_request(lambda request: request.url.endswith("/health?fresh=1")):
        part(page, "check-now").click()
    assert axe(page) == []


def test_an_alert_fires_is_told_of_silenced_and_heard_again(watched: Serving, open_page: Open) -> None:
    page = open_page(watched)
    notice = part(page, "notice").filter(has_text="The server has memory")
    expect(notice).to_be_visible()
    expect(part(page, "health-mark")).to_have_attribute("data-status", "down")
    notice.get_by_role("button", name="Look at Health").click()
    expect(page).to_have_url(re.compile("page=health&part=alerts|part=alerts&page=health"))
    card = part(page, "alert", rule="server_lives")
    expect(card).to_contain_text("Critical")
    expect(card).to_contain_text("fires above 1 MiB")
    expect(part(card, "to-dashboard")).to_be_visible()
    assert axe(page) == []
    part(card, "silence").click()
    page.get_by_role("menuitem", name="8 hours").click()
    expect(part(card, "silenced")).to_contain_text("Silenced until")
    load(page, watched.url + HEALTH + "&part=alerts")
    expect(part(card, "silenced")).to_be_visible()
    expect(notice).to_have_count(0)
    part(card, "unsilence").click()
    expect(part(card, "silence")).to_be_visible()
    expect(part(card, "silenced")).to_have_count(0)


def test_rules_say_when_they_fire_and_what_is_wrong_with_them(watched: Serving, open_page: Open) -> None:
    page = open_page(watched, HEALTH + "&part=alerts", width=390)
    expect(part(page, "problem").filter(has_text="no_such_figure")).to_be_visible()
    rule = named(page, "rule", "responses_slow")
    rule.locator("summary").click()
    expect(rule).to_contain_text("above 2 min for 5 minutes; ends at 90")
    named(page, "channel", "page").locator("[data-slot=test-channel]").click()
    expect(part(page, "channel-said")).to_contain_text("The test has gone out")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert axe(page) == []


def test_an_error_is_looked_at_resolved_and_found_again(watched: Serving, open_page: Open) -> None:
    page = open_page(watched, HEALTH + "&part=errors")
    group = part(page, "error-group").first
    expect(group).to_be_visible(timeout=30_000)
    assert axe(page) == []
    part(group, "open-error").click()
    detail = part(page, "error-detail")
    expect(part(detail, "error-message")).not_to_be_empty()
    assert axe(page) == []
    detail.locator("[data-slot=error-state][data-to=resolved]").click()
    expect(detail).to_have_attribute("data-state", "resolved")
    part(page, "all-errors").click()
    part(page, "error-filter", state="resolved").click()
    expect(part(page, "error-group", state="resolved").first).to_be_visible()


def test_todays_report_is_made_and_read(watched: Serving, open_page: Open) -> None:
    page = open_page(watched, HEALTH + "&part=reports")
    part(page, "make-report").click()
    report = part(page, "report")
    expect(report.locator("h3").first).to_be_visible()
    expect(report.locator("table").first).to_be_visible()
    expect(part(page, "open-report").first).to_contain_text("Today")
    assert axe(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    part(page, "all-reports").click()
    expect(report).to_have_count(0)
    assert axe(page) == []


def test_the_keyboard_leads_there_and_through_it(watched: Serving, open_page: Open) -> None:
    page = open_page(watched)
    page.keyboard.press("Control+Shift+h")
    expect(part(page, "components")).to_be_visible()
    tab_to(page, "health-tab-errors")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("part=errors"))
    page.keyboard.press("Control+k")
    page.keyboard.type("health")
    expect(page.get_by_role("option", name=re.compile("Health, alerts"))).to_be_visible()
