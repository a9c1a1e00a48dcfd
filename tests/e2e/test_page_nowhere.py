"""Addresses beside the page: one that is none of ours, the description of the API, and whatever else the build made."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from alma.security.headers import inline_scripts
from serving import Serving

pytestmark = pytest.mark.slow
Open = Callable[..., Page]


def said_at(page: Page, address: str) -> list[str]:
    """What the browser's console says there."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(address)
    return said


@pytest.mark.parametrize("dark", [False, True])
def test_an_address_that_is_none_of_ours_is_a_page_in_the_theme_that_runs_its_scripts(
    scripted: Serving, open_page: Open, dark: bool
) -> None:
    page = open_page(scripted, dark=dark)
    said = said_at(page, scripted.url + "/nowhere")
    expect(page.get_by_role("heading", name="There is no page at this address.")).to_be_visible()
    assert page.evaluate("document.documentElement.classList.contains('dark')") is dark
    assert [text for text in said if "404" not in text] == []  # that it is not there, the browser says itself


def test_every_page_of_the_build_may_run_what_stands_in_it(scripted: Serving, built_page: Path) -> None:
    pages = [path.relative_to(built_page.parent).as_posix() for path in built_page.parent.rglob("*.html")]
    assert {"index.html", "404.html"} <= set(pages)
    for path in [*pages, "nowhere"]:
        try:
            answer = urllib.request.urlopen(f"{scripted.url}/{path}")
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            html, policy = answer.read().decode(), answer.headers["content-security-policy"]
        assert html.startswith("<!DOCTYPE html>"), path
        assert all(script in policy for script in inline_scripts(html)), path


def test_the_description_of_the_api_asks_for_nothing_that_is_not_there(scripted: Serving, open_page: Open) -> None:
    page = open_page(scripted)
    said = said_at(page, scripted.url + "/docs")
    expect(page.get_by_role("heading", name="Alma API")).to_be_visible()
    assert said == []
