"""The dashboard in the page: figures of real runs, live, over time, and the way from each number to its run."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from everybody import faults
from planned_page import ask, has_ended, load, part, tab_to
from playwright.sync_api import Locator, Page, Position, expect

from serving import Serving, running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
Open = Callable[..., Page]
DASHBOARD = "/?page=dashboard"
RANGES = ["5m", "1h", "6h", "24h", "7d"]


@pytest.fixture(scope="module")
def server(embedder_only: Callable[[], Path]) -> Generator[Serving]:
    """A server of which nothing has been asked."""
    with running(embedder_only()) as serving:
        yield serving


@pytest.fixture(scope="module")
def asked(server: Serving, browser: Any, built_page: Path) -> str:
    """Somebody asks something; gives the id of the run."""
    page = browser.new_page(reduced_motion="reduce")
    load(page, server.url)
    ask(page, "Say how a kettle works.", kind="chat")
    has_ended(page)
    run = part(page, "turn").last.get_attribute("data-run")
    page.close()
    assert run is not None
    return run


def figure(page: Page, metric: str) -> Locator:
    return part(page, "figure", metric=metric)


def number(found: Locator) -> float:
    return float(found.get_attribute("data-value") or "nan")


def is_there(page: Page) -> None:
    expect(part(page, "board")).to_have_attribute("data-loaded", "true")


def is_drawn(chart: Locator) -> None:
    """Charts are drawn when they are seen."""
    chart.scroll_into_view_if_needed()
    expect(part(chart, "legend").first).not_to_contain_text("–")


def test_before_anything_was_asked_it_says_so_and_shows_the_machine(server: Serving, open_page: Open) -> None:
    page = open_page(server)
    part(page, "open-dashboard").click()
    expect(page).to_have_url(re.compile("page=dashboard"))
    expect(part(page, "untouched")).to_contain_text("Nothing was asked in the last 5 minutes")
    is_drawn(part(page, "chart", chart="rss"))
    expect(part(page, "figure")).to_have_count(0)
    assert faults(page) == []
    part(page, "untouched").get_by_role("button").click()
    expect(part(page, "composer-text")).to_be_focused()


def test_figures_of_runs_appear_by_themselves(server: Serving, open_page: Open) -> None:
    watching = open_page(server, DASHBOARD)
    is_there(watching)
    asking = open_page(server)
    ask(asking, "Write a haiku about a kettle.", kind="chat")
    has_ended(asking)
    expect(figure(watching, "response_p50_ms")).to_have_attribute("data-value", re.compile(r"^\d"))
    assert number(figure(watching, "response_p50_ms")) > 0
    expect(figure(watching, "runs_failed")).to_have_attribute("data-value", "0")
    calls = part(watching, "legend", metric="calls")
    calls.scroll_into_view_if_needed()
    expect(calls).to_contain_text(re.compile(r"ended\s*[1-9]"))
    expect(part(watching, "standing")).to_have_text("Live")


def test_every_figure_that_the_server_takes_is_in_a_chart(server: Serving, open_page: Open) -> None:
    page = open_page(server, DASHBOARD)
    is_there(page)
    _, reply = server.call("GET", "/api/metrics/dashboard")
    drawn = set(part(page, "legend").evaluate_all("all => all.map(each => each.dataset.metric)"))
    assert {metric["name"] for metric in reply["metrics"]} - drawn == set()


def test_a_range_is_chosen_and_stays_in_the_address(asked: str, server: Serving, open_page: Open) -> None:
    page = open_page(server, DASHBOARD)
    for each in RANGES:
        with page.expect_response(lambda response, each=each: f"dashboard?range={each}" in response.url) as told:
            part(page, "range", range=each).click()
        assert told.value.ok
        is_there(page)
        expect(page).to_have_url(re.compile(f"range={each}"))
        expect(figure(page, "response_p50_ms")).to_have_attribute("data-value", re.compile(r"^\d"))
    page.reload()
    expect(part(page, "range", range="7d")).to_have_attribute("aria-pressed", "true")


def test_a_long_range_counts_what_has_just_been(asked: str, server: Serving, open_page: Open) -> None:
    page = open_page(server, f"{DASHBOARD}&range=1h")
    is_there(page)
    for metric in ("runs_started", "runs_finished", "calls"):
        part(page, "range", range="1h").click()
        is_there(page)
        legend = part(page, "legend", metric=metric)
        legend.scroll_into_view_if_needed()
        expect(legend).to_contain_text(re.compile(r"[1-9]"))
        in_an_hour = legend.inner_text()
        for longer in ("24h", "7d"):
            part(page, "range", range=longer).click()
            is_there(page)
            legend.scroll_into_view_if_needed()
            expect(legend).to_have_text(in_an_hour, use_inner_text=True)


def test_the_way_down_moves_the_dashboard_and_not_the_page(asked: str, server: Serving, open_page: Open) -> None:
    page = open_page(server, f"{DASHBOARD}&range=1h", width=1440)
    is_there(page)
    for name, section in (("Tables", "tables"), ("Server", "server")):
        page.get_by_role("navigation", name="Parts").get_by_role("button", name=name).click()
        expect(page.locator(f"#dashboard-{section} h2")).to_be_in_viewport()
        for slot in ("leave-page", "range", "new-chat"):
            if part(page, slot).count():
                expect(part(page, slot).first).to_be_in_viewport(ratio=1)
        assert page.evaluate("document.scrollingElement.scrollTop + document.body.scrollTop") == 0
        assert page.evaluate("document.querySelector('[data-slot=workbench]').getBoundingClientRect().top") == 0


def test_a_number_leads_to_the_very_call_of_the_run(asked: str, server: Serving, open_page: Open) -> None:
    page = open_page(server, f"{DASHBOARD}&range=1h")
    figure(page, "first_token_p50_ms").click()
    expect(page).to_have_url(re.compile("behind=first_token_p50_ms"))
    run = part(page, "behind-run", run=asked)
    expect(run).to_contain_text(re.compile(r"\d m?s"))
    assert faults(page) == []
    page.reload()
    run.click()
    expect(page).to_have_url(re.compile(rf"run={asked}.*call="))
    expect(part(page, "turn", run=asked)).to_be_visible()
    expect(part(page, "panel-context")).to_be_visible()
    expect(part(page, "prompt-bar")).to_be_visible()
    page.go_back()
    expect(part(page, "behind", metric="first_token_p50_ms")).to_be_visible()
    part(page, "close-behind").click()
    expect(part(page, "behind")).to_have_count(0)


def test_tables_are_sorted_and_their_numbers_lead_to_the_runs(asked: str, server: Serving, open_page: Open) -> None:
    page = open_page(server, f"{DASHBOARD}&range=1h")
    agents = part(page, "table-agent")
    expect(agents.locator("[data-slot=agent-dot]").first).to_be_visible()
    part(agents, "sort", column="name").click()
    names = agents.locator("tbody tr").evaluate_all("rows => rows.map(row => row.dataset.name)")
    assert names == sorted(names)
    expect(part(page, "table-route")).to_contain_text("/api/metrics/dashboard")
    row = part(page, "table-model").locator("tbody tr").first
    part(row, "cell", column="calls").click()
    expect(page).to_have_url(re.compile("behind=calls\\+model"))
    expect(part(page, "behind-run", run=asked).first).to_contain_text(row.get_attribute("data-name") or "?")


def test_dragging_on_a_chart_looks_closer_and_escape_goes_back(asked: str, server: Serving, open_page: Open) -> None:
    page = open_page(server, f"{DASHBOARD}&range=1h")
    is_there(page)
    over = part(page, "chart", chart="response").locator(".u-over")
    box = over.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 40, steps=4)
    with page.expect_response(lambda response: "series?range=1h&since=" in response.url):
        page.mouse.up()
    since, until = (int(each) for each in re.findall(r"zoom=(\d+)-(\d+)", page.url)[0])
    assert 850 < until - since < 950  # a quarter of an hour
    expect(part(page, "zoom")).to_be_visible()
    expect(part(page, "behind")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(part(page, "zoom")).to_have_count(0)
    assert "zoom=" not in page.url


def test_one_cursor_moves_over_all_charts_and_a_point_leads_to_its_runs(
    asked: str, server: Serving, open_page: Open
) -> None:
    page = open_page(server, f"{DASHBOARD}&range=1h")
    is_there(page)
    for each in ("runs", "response"):
        is_drawn(part(page, "chart", chart=each))
    over = part(page, "chart", chart="runs").locator(".u-over")
    box = over.bounding_box()
    assert box is not None
    at: Position = {"x": box["width"] - 3, "y": 3.0}  # nearest to the line that is higher
    over.hover(position=at)
    expect(part(part(page, "chart", chart="response"), "cursor-time")).to_be_visible()
    expect(part(part(page, "chart", chart="tokens"), "cursor-time")).to_be_visible()
    over.click(position=at)
    expect(page).to_have_url(re.compile(r"behind=runs_finished\+\d+-\d+"))


def test_the_keyboard_reaches_a_chart_and_reads_its_values(asked: str, server: Serving, open_page: Open) -> None:
    page = open_page(server)
    expect(part(page, "composer-text")).to_be_visible()
    page.keyboard.press("Control+Shift+D")
    is_there(page)
    tab_to(page, "plot")
    chart = page.locator("[data-slot=plot]:focus")
    before = chart.get_attribute("aria-valuenow")
    assert re.match(r"\d\d:\d\d:\d\d: p50 ", chart.get_attribute("aria-valuetext") or "")
    page.keyboard.press("ArrowLeft")
    expect(chart).not_to_have_attribute("aria-valuenow", before or "")
    page.keyboard.press("Home")
    expect(chart).to_have_attribute("aria-valuenow", "0")
    page.keyboard.press("Enter")
    expect(part(page, "behind", metric="response_p50_ms")).to_be_visible()
    expect(page.locator("#behind-title")).to_be_focused()
    page.keyboard.press("Escape")
    expect(part(page, "behind")).to_have_count(0)


def test_charts_can_be_read_as_tables(asked: str, server: Serving, open_page: Open) -> None:
    page = open_page(server, f"{DASHBOARD}&range=1h")
    is_there(page)
    part(page, "as-tables").click()
    table = part(page, "chart-table", chart="response")
    expect(table).to_contain_text(re.compile(r"\d m?s"))
    assert table.locator("tbody tr").count() <= 20
    expect(part(page, "plot")).to_have_count(0)
    assert faults(page) == []


def test_the_lost_connection_is_told_and_what_was_missed_is_fetched(
    asked: str, embedder_only: Callable[[], Path], open_page: Open
) -> None:
    with running(embedder_only()) as other:
        page = open_page(other, DASHBOARD)
        is_there(page)
        expect(part(page, "standing")).to_have_text("Live")
        other.kill()
        expect(part(page, "standing")).to_have_attribute("data-stale", "true")
        expect(part(page, "standing")).to_contain_text("As of")
        with running(other.folder, port=other.port):
            expect(part(page, "standing")).to_have_text("Live", timeout=120_000)


def test_where_nothing_is_measured_it_says_so(embedder_only: Callable[[], Path], open_page: Open) -> None:
    with running(embedder_only(), metrics="false") as other:
        page = open_page(other, DASHBOARD)
        expect(part(page, "metrics-off")).to_contain_text("No figures are taken")
        assert faults(page) == []


@pytest.mark.parametrize("width", [390, 1280])
def test_it_fits_and_is_accessible(asked: str, server: Serving, open_page: Open, width: int) -> None:
    page = open_page(server, f"{DASHBOARD}&range=24h", width=width)
    is_there(page)
    assert faults(page, dark=True) == []
    assert part(page, "board").evaluate("board => board.scrollWidth - board.clientWidth") <= 0
    figure(page, "cost").click()
    expect(part(page, "behind")).to_be_visible()
    assert part(page, "board").is_visible() == (width >= 1024)
    part(page, "close-behind").click()
    expect(part(page, "board")).to_be_visible()
