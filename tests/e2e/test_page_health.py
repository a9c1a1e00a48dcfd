"""Health in the page: components, a real alert that fires and is silenced, errors, reports."""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from everybody import faults
from planned_page import load, part, tab_to
from playwright.sync_api import Locator, Page, expect

from serving import Serving, running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
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
    assert faults(page) == []


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
    assert faults(page) == []
    expect(part(page, "health-tab-alerts")).to_have_text(re.compile(r"Alerts\s*\d"))
    loud = int(re.sub(r"\D", "", part(page, "health-tab-alerts").inner_text()))
    part(card, "silence").click()
    page.get_by_role("menuitem", name="8 hours").click()
    expect(part(card, "silenced")).to_contain_text("Silenced until")
    expect(part(page, "health-tab-alerts")).to_have_text(f"Alerts{loud - 1 or ''}")
    expect(named(page, "rule", "server_lives").locator("summary")).to_contain_text("Silenced, firing")
    load(page, watched.url + HEALTH + "&part=alerts")
    expect(part(card, "silenced")).to_be_visible()
    expect(notice).to_have_count(0)
    part(card, "unsilence").click()
    expect(part(card, "silence")).to_be_visible()
    expect(part(card, "silenced")).to_have_count(0)


def test_a_reason_for_silence_is_shown(watched: Serving, open_page: Open) -> None:
    silence = "/api/alerts/rules/responses_slow/silence"
    watched.call("PUT", silence, {"minutes": 60, "reason": "the machine is busy tonight"})
    page = open_page(watched, HEALTH + "&part=alerts")
    rule = named(page, "rule", "responses_slow")
    expect(rule.locator("summary")).to_contain_text("Silenced")
    rule.locator("summary").click()
    expect(part(rule, "silenced")).to_contain_text("the machine is busy tonight")
    watched.call("PUT", silence, {"minutes": 0})


def test_an_alert_leads_to_the_chart_of_its_figure(watched: Serving, open_page: Open) -> None:
    page = open_page(watched, HEALTH + "&part=alerts")
    part(part(page, "alert", rule="server_lives"), "to-dashboard").click()
    expect(page).to_have_url(re.compile("page=dashboard.*item=rss"))
    chart = part(page, "chart", chart="rss")
    expect(chart).to_have_attribute("data-meant", "true")
    expect(chart).to_be_in_viewport()


def test_a_dialog_over_a_part_leaves_it_as_it_was(watched: Serving, open_page: Open) -> None:
    page = open_page(watched, HEALTH + "&part=alerts")
    expect(part(page, "rules")).to_be_visible()
    page.keyboard.press("Control+Shift+M")
    expect(part(page, "models-dialog")).to_be_visible()
    expect(part(page, "rules")).to_be_visible()
    page.get_by_role("tab", name="Endpoints").click()
    expect(page).to_have_url(re.compile("part=endpoints"))
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile("part=alerts"))
    expect(part(page, "rules")).to_be_visible()


def test_rules_say_when_they_fire_and_what_is_wrong_with_them(watched: Serving, open_page: Open) -> None:
    page = open_page(watched, HEALTH + "&part=alerts", width=390)
    expect(part(page, "problem").filter(has_text="no_such_figure")).to_be_visible()
    rule = named(page, "rule", "responses_slow")
    rule.locator("summary").click()
    expect(rule).to_contain_text("above 2 min for 5 minutes; ends at 90")
    named(page, "channel", "page").locator("[data-slot=test-channel]").click()
    expect(part(page, "channel-said")).to_contain_text("The test has gone out")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert faults(page) == []


def with_a_bug(serving: Serving) -> None:
    """Lets a request fail on a row that nobody can read, which is taken away again."""
    database = serving.folder / "data" / "alma.db"
    row = "('broken', 'a broken one', 'x', 1, 1, 1, 'muted', '{broken')"
    columns = "(fingerprint, title, place, count, first_at, last_at, state, example)"
    with contextlib.closing(sqlite3.connect(database, timeout=20, isolation_level=None)) as connection:
        connection.execute(f"INSERT INTO error_groups {columns} VALUES {row}")
        status, _ = serving.call("GET", "/api/errors?state=muted")
        connection.execute("DELETE FROM error_groups WHERE fingerprint = 'broken'")
    assert status == 500


def test_an_error_is_looked_at_resolved_and_found_again(watched: Serving, open_page: Open) -> None:
    with_a_bug(watched)
    page = open_page(watched, HEALTH + "&part=errors")
    group = part(page, "error-group").first
    expect(group).to_be_visible(timeout=120_000)
    assert faults(page) == []
    part(group, "open-error").click()
    detail = part(page, "error-detail")
    expect(part(detail, "error-message")).not_to_be_empty()
    expect(part(detail, "error-context")).to_contain_text(re.compile(r"at\s*20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC"))
    expect(part(detail, "error-context").get_by_text("chat", exact=True)).to_have_count(0)
    assert faults(page) == []
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
    assert faults(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    part(page, "all-reports").click()
    expect(report).to_have_count(0)
    assert faults(page) == []


def test_the_keyboard_leads_there_and_through_it(watched: Serving, open_page: Open) -> None:
    page = open_page(watched)
    page.keyboard.press("Control+Shift+h")
    expect(part(page, "components")).to_be_visible()
    tab_to(page, "health-tab-errors")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("part=errors"))
    page.keyboard.press("Control+k")
    page.keyboard.type("health")
    expect(page.get_by_role("option", name=re.compile("^Health"))).to_be_visible()
    page.get_by_role("combobox", name="Find").fill("alert")
    page.keyboard.press("Enter")
    expect(part(page, "rules")).to_be_visible()
