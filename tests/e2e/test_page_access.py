"""The page on a server that asks who one is: signing in and out, tokens, and a token that ends in mid-stream."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from everybody import faults
from planned_page import MODELS, Rule, has_ended, load, part, run_id_of, words
from playwright.sync_api import Browser, Locator, Page, expect
from stage import scripted_endpoint

from serving import Serving, running
from token_mint import bearer, make_token

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
STORY = words("mile", 60)
RULES: list[Rule] = [
    {"match": "long way", "answer": STORY, "delay": 0.05},
    {"match": "", "answer": "Yes."},
]


@pytest.fixture(scope="module")
def guarded(
    tmp_path_factory: pytest.TempPathFactory, embedder_only: Callable[[], Path], built_page: Path
) -> Generator[Serving]:
    folder = embedder_only()
    with scripted_endpoint(tmp_path_factory.mktemp("endpoint"), RULES) as port:
        (folder / "models.toml").write_text(MODELS.format(port=port))
        (folder / "models.toml").chmod(0o600)
        with running(folder, model=None, scripted="false", require_tokens="true") as serving:
            yield serving


@pytest.fixture
def visit(browser: Browser) -> Generator[Callable[..., Page]]:
    """Open the page as a stranger does."""
    pages: list[Page] = []

    def open_(server: Serving, path: str = "/", width: int = 1280) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 860}, reduced_motion="reduce")
        page = context.new_page()
        page.set_default_timeout(60_000)
        pages.append(page)
        page.goto(server.url + path)
        return page

    yield open_
    for page in pages:
        page.context.close()


def sign_in(page: Page, token: str) -> None:
    part(page, "token-field").fill(token)
    page.keyboard.press("Enter")


def is_inside(page: Page) -> None:
    page.wait_for_selector("[data-slot=connection][data-phase=online]", state="attached")
    expect(part(page, "sign-in")).to_have_count(0)


def ask(page: Page, text: str) -> None:
    part(page, "composer-text").fill(text)
    part(page, "composer-text").press("Enter")


def kept_in(page: Page) -> str:
    """All that the page could leave behind."""
    return page.evaluate("JSON.stringify([location.href, {...localStorage}, {...sessionStorage}, document.cookie])")


def named(page: Page, slot: str, name: str) -> Locator:
    return page.locator(f"[data-slot={slot}][data-name={json.dumps(name)}]")


def test_a_stranger_is_asked_for_a_token_and_goes_on_where_they_wanted(
    guarded: Serving, visit: Callable[..., Page]
) -> None:
    secret = make_token(guarded.folder, "anna")
    page = visit(guarded, "/?page=memory")
    field = part(page, "token-field")
    expect(field).to_be_focused()
    assert field.get_attribute("type") == "password"
    assert faults(page) == []
    sign_in(page, "alma_wrong")
    expect(part(page, "sign-in-problem")).to_be_visible()
    assert faults(page) == []
    sign_in(page, secret)
    is_inside(page)
    expect(part(page, "memory-view")).to_be_visible()
    assert secret not in kept_in(page)
    page.reload()
    is_inside(page)


def test_who_signs_out_leaves_nothing_behind(guarded: Serving, visit: Callable[..., Page]) -> None:
    page = visit(guarded)
    sign_in(page, make_token(guarded.folder, "ben"))
    is_inside(page)
    part(page, "composer-text").fill("half a thought")
    part(page, "account").click()
    expect(part(page, "account-menu")).to_contain_text("ben")
    expect(part(page, "open-tokens")).to_have_count(0)
    assert faults(page) == []
    part(page, "sign-out").click()
    expect(part(page, "token-field")).to_be_visible()
    assert "half a thought" not in kept_in(page)
    page.reload()
    expect(part(page, "token-field")).to_be_visible()
    sign_in(page, make_token(guarded.folder, "clara"))
    is_inside(page)
    expect(part(page, "composer-text")).to_have_value("")


def test_a_token_that_is_revoked_in_mid_stream_costs_nothing(guarded: Serving, visit: Callable[..., Page]) -> None:
    admin = bearer(make_token(guarded.folder, "root", admin=True))
    first = make_token(guarded.folder, "dora")
    page = visit(guarded)
    sign_in(page, first)
    is_inside(page)
    ask(page, "Walk a long way")
    page.wait_for_url(re.compile("thread="))
    expect(part(page, "answer-text").last).to_contain_text("mile3")
    part(page, "composer-text").fill("and then?")
    address = page.url
    _, listed = guarded.call("GET", "/api/tokens", **admin)
    (mine,) = [each["id"] for each in listed["tokens"] if each["name"] == "dora"]
    assert guarded.call("DELETE", f"/api/tokens/{mine}", **admin)[0] == 200
    expect(part(page, "sign-in")).to_be_visible()
    expect(part(page, "sign-in-why")).to_contain_text("revoked")
    sign_in(page, make_token(guarded.folder, "dora again", owner="dora"))
    is_inside(page)
    assert page.url == address
    expect(part(page, "composer-text")).to_have_value("and then?")
    has_ended(page)
    expect(part(page, "answer-text")).to_have_text(STORY)
    expect(part(page, "turn")).to_have_count(1)


def test_who_signs_in_as_somebody_else_sees_nothing_of_the_one_before(
    guarded: Serving, visit: Callable[..., Page]
) -> None:
    admin = bearer(make_token(guarded.folder, "warden", admin=True))
    page = visit(guarded)
    sign_in(page, make_token(guarded.folder, "emil"))
    is_inside(page)
    ask(page, "A word of Emil's")
    page.wait_for_url(re.compile("thread="))
    has_ended(page)
    run = run_id_of(page)
    part(page, "composer-text").fill("Emil's secret")
    _, listed = guarded.call("GET", "/api/tokens", **admin)
    (his,) = [each["id"] for each in listed["tokens"] if each["name"] == "emil"]
    guarded.call("DELETE", f"/api/tokens/{his}", **admin)
    expect(part(page, "sign-in")).to_be_visible()
    sign_in(page, make_token(guarded.folder, "fritz"))
    page.wait_for_url(guarded.url + "/")
    is_inside(page)
    expect(part(page, "composer-text")).to_have_value("")
    expect(page.locator(f"[data-run={run}]")).to_have_count(0)
    expect(part(page, "thread-rail")).not_to_contain_text("Emil")
    assert "Emil" not in kept_in(page)


def test_who_is_no_administrator_is_offered_nothing_that_only_they_may(
    guarded: Serving, visit: Callable[..., Page]
) -> None:
    page = visit(guarded)
    sign_in(page, make_token(guarded.folder, "frieda"))
    is_inside(page)
    expect(part(page, "composer-text")).to_be_visible()
    expect(part(page, "connect-model")).to_have_count(0)
    page.keyboard.press("Control+Shift+M")
    expect(part(page, "model-row").first).to_be_visible()
    assert page.get_by_role("tab").all_inner_texts() == ["Models", "Endpoints", "Cache"]
    for slot in ("use-model", "test-model", "connect-form", "problem"):
        expect(part(page, slot)).to_have_count(0)
    page.get_by_role("tab", name="Endpoints").click()
    expect(part(page, "endpoint-table")).to_be_visible()
    for slot in ("test-endpoint", "remove-endpoint", "problem"):
        expect(part(page, slot)).to_have_count(0)
    assert faults(page) == []


def test_an_administrator_makes_a_token_that_is_shown_once_and_revokes_it(
    guarded: Serving, visit: Callable[..., Page]
) -> None:
    page = visit(guarded)
    sign_in(page, make_token(guarded.folder, "gerda", admin=True))
    is_inside(page)
    part(page, "account").click()
    part(page, "open-tokens").click()
    part(page, "add-token").click()
    page.keyboard.type("hanna")
    assert faults(page) == []
    page.keyboard.press("Enter")
    secret = part(page, "secret").inner_text()
    assert secret.startswith("alma_")
    assert faults(page) == []
    row = named(page, "token", "hanna")
    expect(row).to_contain_text("expires in 90 days")
    hanna = visit(guarded, width=390)
    sign_in(hanna, secret)
    is_inside(hanna)
    part(page, "secret-done").click()
    assert secret not in page.content()
    part(row, "revoke-token").click()
    part(row, "confirm-yes").click()
    expect(row).to_have_attribute("data-state", "revoked")
    expect(part(hanna, "sign-in")).to_be_visible()
    assert faults(hanna) == []


def test_nothing_of_it_shows_where_nobody_is_asked(scripted: Serving, open_page: Callable[..., Page]) -> None:
    page = open_page(scripted)
    expect(part(page, "open-health")).to_be_visible()
    expect(part(page, "account")).to_have_count(0)
    load(page, scripted.url + "/?page=health&part=tokens")
    expect(part(page, "no-tokens")).to_be_visible()
