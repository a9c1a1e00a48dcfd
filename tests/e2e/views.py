"""Every view of planned runs, by name: how to come to it. For looking at them all, with axe or with a camera.

Two runs of the bakery's story stand behind them: one that waits for its user, and one that is done and was forked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import bakery
from planned_page import Rule, ask, has_ended, joins, load, part, plans, run_id_of, says, task
from playwright.sync_api import Page, expect

from serving import Serving

FORKED = "Say in one paragraph, with its figures, why the cake shop earns less in winter"
MARKET = "Investigate why the market of the town is empty by noon"
RULES: list[Rule] = [
    *bakery.story(),
    *bakery.story("cake shop"),
    says(FORKED, "It earns less because 2,210 people come instead of 3,870, and at 24 percent instead of 31."),
    plans(
        MARKET,
        task("researcher", "Count who comes to the market, hour by hour", title="Hours"),
        task("researcher", "Ask the stalls of the market when they pack up", title="Stalls"),
        task("analyst", "Weigh why the market is empty by noon", 1, 2, title="Reasons"),
    ),
    joins(MARKET, "The stalls pack up at eleven [2]."),
]


@dataclass
class Told:
    """Addresses: of a run that waits for answers, of one whose plan waits for approval, of one that is done."""

    waiting: str
    approval: str
    done: str
    origin: str  # the run that the last one was forked from


def tell(server: Serving, page: Page) -> Told:
    """Play the stories until they stand still."""
    ask(page, bakery.request())
    expect(part(page, "question")).to_be_visible()
    expect(part(page, "tool-approval")).to_be_visible()
    expect(part(page, "task", task=3)).to_have_attribute("data-status", "completed")
    waiting = _thread(page)
    load(page, server.url)
    ask(page, bakery.request("cake shop"))
    part(page, "allow").click()
    part(page, "question-option").first.click()
    has_ended(page)
    origin = run_id_of(page)
    load(page, f"{_thread(page)}&inspect=1&task=4&tab=plan")
    part(page, "fork-task").click()
    part(page, "fork-dialog").get_by_label("Goal").fill(FORKED)
    part(page, "fork-dialog").get_by_role("button", name="Fork the run").click()
    expect(part(page, "branches")).to_have_text("2/2")
    has_ended(page)
    done = _thread(page)
    load(page, server.url)
    ask(page, MARKET, approve=True)
    expect(part(page, "plan-approval")).to_be_visible()
    return Told(waiting, _thread(page), done, origin)


def _thread(page: Page) -> str:
    return page.url.split("&")[0]


# ── how to come to each ───────────────────────────────────────────────────────────────────────────────────────────


def visit(page: Page, address: str) -> None:
    """Go there without loading the page anew, as the browser's Back does."""
    if not page.url.startswith(address.split("?")[0]):
        load(page, address)
        return
    page.evaluate(
        "address => { history.pushState(null, '', address); dispatchEvent(new PopStateEvent('popstate')) }", address
    )


def asks(page: Page, told: Told) -> None:
    """A question and a tool that wait, below the lines of the plan."""
    visit(page, told.waiting)
    expect(part(page, "question")).to_be_visible()


def approval(page: Page, told: Told) -> None:
    """A plan that waits for its user's word, with a task that they add."""
    visit(page, told.approval)
    part(page, "add-task").click()


def done(page: Page, told: Told) -> None:
    """All lines of a finished plan, and the answer."""
    visit(page, f"{told.done}&run={told.origin}")
    part(page, "plan-summary").click()
    expect(part(page, "task")).to_have_count(7)


def graph(page: Page, told: Told) -> None:
    visit(page, f"{told.waiting}&inspect=1&tab=plan")
    expect(part(page, "plan-node", task=5)).to_be_visible()


def chosen(page: Page, told: Told) -> None:
    """A task that is looked into, below the graph."""
    visit(page, f"{told.done}&run={told.origin}&inspect=1&tab=plan&task=2")
    expect(part(page, "task-detail")).to_be_visible()


def times(page: Page, told: Told) -> None:
    visit(page, f"{told.done}&run={told.origin}&inspect=1&tab=timeline")
    expect(part(page, "bar").first).to_be_visible()


def past(page: Page, told: Told) -> None:
    """The run as it was at a moment in its midst."""
    times(page, told)
    axis = part(page, "time-axis")
    box = axis.bounding_box()
    assert box
    axis.click(position={"x": box["width"] * 0.6, "y": box["height"] / 2})
    part(page, "tab-plan").click()
    expect(part(page, "scrub-bar")).to_be_visible()
    expect(part(page, "plan-node", task=1)).to_be_visible()


def streams(page: Page, told: Told) -> None:
    visit(page, f"{told.done}&run={told.origin}&inspect=1&tab=streams")
    expect(part(page, "stream")).to_have_count(8)


def messages(page: Page, told: Told) -> None:
    visit(page, f"{told.done}&run={told.origin}&inspect=1&tab=messages")
    expect(part(page, "mail-item")).to_have_count(2)


def context(page: Page, told: Told) -> None:
    visit(page, f"{told.done}&run={told.origin}&inspect=1&tab=context&task=4")
    part(page, "prompt-text").locator("summary").click()
    expect(part(page, "prompt-text").locator("pre").first).to_be_visible()


def journal(page: Page, told: Told) -> None:
    visit(page, f"{told.done}&run={told.origin}&inspect=1&tab=journal")
    part(page, "entry").nth(8).locator("summary").click()


def compare(page: Page, told: Told) -> None:
    visit(page, f"{told.done}&inspect=1&tab=compare")
    expect(part(page, "compare-task").first).to_be_visible()


def fork(page: Page, told: Told) -> None:
    chosen(page, told)
    part(page, "fork-task").click()
    expect(part(page, "fork-dialog")).to_be_visible()


View = Callable[[Page, Told], None]
VIEWS: tuple[View, ...] = (
    asks,
    graph,
    approval,
    done,
    chosen,
    times,
    streams,
    messages,
    context,
    journal,
    past,
    compare,
    fork,
)
