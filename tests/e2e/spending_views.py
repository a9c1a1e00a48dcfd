"""Every view of windows, budgets, cache and endpoints, by name: how to come to it. For axe, as `views.py` is.

Behind them stands one chat in a window that is too small for it, answered once from the cache and cut once by a budget.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from planned_page import ask, has_ended, load, part
from playwright.sync_api import Page, expect
from views import visit

from serving import Serving


@dataclass
class Told:
    """Addresses: of the server, of a chat that had no room, of an answer from the cache, of one that a budget cut."""

    home: str
    tight: str
    cached: str
    cut: str


def tell(server: Serving, page: Page) -> Told:
    """Ask what the views show. The server has a window of 1,400 tokens, and its cache is on."""
    ask(page, "Tell at length of 0", kind="chat")
    has_ended(page)
    for at in range(1, 4):
        part(page, "composer-text").fill(f"Tell at length of {at}")
        part(page, "composer-text").press("Enter")
        expect(part(page, "turn")).to_have_count(at + 1)
        has_ended(page)
    expect(part(page, "left-out").last).to_be_visible()
    tight = page.url
    for _ in range(2):
        load(page, server.url)
        ask(page, "What is an ibis", kind="chat")
        has_ended(page)
    expect(part(page, "cache-mark")).to_be_visible()
    cached = page.url
    load(page, server.url)
    part(page, "limits-button").click()
    page.get_by_label("Tokens", exact=True).fill("420")
    page.keyboard.press("Escape")
    ask(page, "Tell at length of ends", kind="chat")
    has_ended(page)
    expect(part(page, "budget-note")).to_be_visible()
    return Told(server.url, tight, cached, page.url)


def left_out(page: Page, told: Told) -> None:
    visit(page, told.tight)
    expect(part(page, "left-out").last).to_be_visible()


def window(page: Page, told: Told) -> None:
    left_out(page, told)
    part(page, "open-context").last.click()
    expect(part(page, "trims")).to_be_visible()


def cached(page: Page, told: Told) -> None:
    visit(page, told.cached)
    expect(part(page, "cache-mark")).to_be_visible()


def cut(page: Page, told: Told) -> None:
    visit(page, told.cut)
    expect(part(page, "raise-budget")).to_be_visible()


def limits(page: Page, told: Told) -> None:
    """The limits of the next answer, unfolded; nothing of it is kept."""
    visit(page, told.cached)
    part(page, "limits-button").click()
    expect(part(page, "limits")).to_be_visible()


def spend(page: Page, told: Told) -> None:
    visit(page, f"{told.cached}&dialog=spend")
    expect(part(page, "model-spend")).to_be_visible()


def budget(page: Page, told: Told) -> None:
    visit(page, told.cached)
    visit(page, f"{told.cached}&dialog=spend&part=day")
    expect(part(page, "budget-form")).to_be_visible()


def endpoints(page: Page, told: Told) -> None:
    """With a test, and a question whether to remove it."""
    visit(page, f"{told.home}/?dialog=models&part=endpoints")
    part(page, "test-endpoint").first.click()
    expect(part(page, "test-result")).to_be_visible()
    part(page, "remove-endpoint").first.click()
    expect(part(page, "confirm")).to_be_visible()


def connect(page: Page, told: Told) -> None:
    visit(page, f"{told.home}/?dialog=models&part=connect")
    part(page, "connect-more").locator("summary").click()
    part(page, "connect-form").get_by_label("Aliases").fill("no alias")
    expect(part(page, "connect-form")).to_contain_text("is no alias")


def cache(page: Page, told: Told) -> None:
    visit(page, f"{told.home}/?dialog=models&part=cache")
    part(page, "cache-semantic").check()
    expect(part(page, "cache-threshold")).to_be_visible()


View = Callable[[Page, Told], None]
VIEWS: tuple[View, ...] = (left_out, window, cached, cut, limits, spend, budget, endpoints, connect, cache)
