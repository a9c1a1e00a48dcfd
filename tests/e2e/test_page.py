"""The page as a person uses it: tasks, streams, reloads, cuts, branches, errors, models."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from everybody import faults
from planned_page import load, tab_to
from playwright.sync_api import Locator, Page, expect

from serving import Serving, running, start

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
Open = Callable[..., Page]


def part(page: Page, name: str) -> Locator:
    return page.locator(f"[data-slot={name}]")


def say(page: Page, text: str) -> None:
    part(page, "composer-text").fill(text)
    part(page, "composer-text").press("Enter")


def lengths_while_streaming(page: Page) -> list[int]:
    """Lengths of the answer's text, frame by frame, until its figures are there."""
    return page.evaluate(
        """async () => {
            const seen = [];
            while (!document.querySelector('[data-slot=figures]')) {
                const answer = document.querySelector('[data-slot=answer-text]');
                seen.push(answer ? answer.textContent.length : 0);
                await new Promise(requestAnimationFrame);
            }
            return seen;
        }"""
    )


def journal_text(server: Serving, page: Page) -> str:
    """The text of the thread's last run, as the journal has it."""
    thread_id = re.search(r"thread=([\w]+)", page.url)
    assert thread_id
    run_id = part(page, "turn").last.get_attribute("data-run")
    _, found = server.call("GET", f"/api/runs/{run_id}/entries")
    return next(one["entry"]["text"] for one in found["entries"] if one["entry"]["type"] == "message_finished")


# ── with the embedded model ───────────────────────────────────────────────────────────────────────────────────────


def test_a_first_visit_the_embedded_model_answers_token_by_token(embedded: Serving, open_page: Open) -> None:
    page = open_page(embedded)
    expect(part(page, "model-note")).to_contain_text("tiny")
    part(page, "example").first.click()
    lengths = lengths_while_streaming(page)
    growing = sorted(set(lengths))
    assert len(growing) >= 5, f"the answer came in {len(growing)} steps"
    expect(part(page, "kind-chip")).to_have_attribute("data-kind", "creative")
    expect(part(page, "figures")).to_contain_text("tokens/s")
    assert part(page, "answer-text").inner_text().strip()
    assert journal_text(embedded, page).strip()


def test_an_analytical_task_streams_from_its_first_token_too(embedded: Serving, open_page: Open) -> None:
    page = open_page(embedded)
    say(page, "Compare tea and coffee: price, taste, health; recommend one")
    lengths = lengths_while_streaming(page)
    assert len(set(lengths)) >= 10
    expect(part(page, "kind-chip")).to_have_attribute("data-kind", "analytical")


# ── streams that are cut ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_reload_in_mid_stream_and_a_second_tab_see_the_same_text(scripted: Serving, open_page: Open) -> None:
    page = open_page(scripted)
    say(page, "!tokens 400 150")
    expect(part(page, "answer-text")).to_be_visible()
    page.wait_for_url(re.compile("thread="))
    other = open_page(scripted, page.url.removeprefix(scripted.url))
    page.reload()
    expect(part(page, "figures")).to_be_visible()
    expect(part(other, "figures")).to_be_visible()
    assert part(page, "answer-text").inner_text() == part(other, "answer-text").inner_text()
    assert part(page, "answer-text").inner_text().split() == journal_text(scripted, page).split()


def test_work_goes_on_while_no_browser_is_open(scripted: Serving, open_page: Open) -> None:
    page = open_page(scripted)
    say(page, "!tokens 200 200 [#alone]")
    expect(part(page, "answer-text")).to_be_visible()
    page.wait_for_url(re.compile("thread="))
    path = page.url.removeprefix(scripted.url)
    page.goto("about:blank")
    page.wait_for_timeout(1500)
    again = open_page(scripted, path)
    expect(part(again, "figures")).to_be_visible()
    assert journal_text(scripted, again).count("word") == 200


def test_kill_9_in_mid_stream_the_page_reconnects_and_ends_with_the_journals_text(
    embedder_only: Callable[[], Path], open_page: Open
) -> None:
    folder = embedder_only()
    server = start(folder)
    try:
        page = open_page(server)
        say(page, "!tokens 500 100")
        expect(part(page, "answer-text")).to_contain_text("word5")
        server.kill()
        expect(part(page, "connection")).not_to_have_attribute("data-phase", "online")
        expect(part(page, "answer-text")).to_contain_text("word5")
        say(page, "!say sent while it was away")
        expect(part(page, "outgoing")).to_be_visible()
        server = start(folder, port=server.port)
        expect(part(page, "connection")).to_have_attribute("data-phase", "online", timeout=120_000)
        expect(part(page, "figures")).to_have_count(2, timeout=120_000)
        expect(part(page, "user-text").last).to_have_text("!say sent while it was away")
        assert part(page, "answer-text").last.inner_text().split() == journal_text(server, page).split()
        assert part(page, "answer-text").first.inner_text().count("word") == 500
    finally:
        server.stop()


def test_a_part_of_the_page_that_is_first_needed_while_the_server_is_away_comes_later(
    embedder_only: Callable[[], Path], open_page: Open
) -> None:
    folder = embedder_only()
    server = start(folder)
    try:
        page = open_page(server)
        server.kill()
        expect(part(page, "connection")).not_to_have_attribute("data-phase", "online")
        page.keyboard.press("Control+Shift+M")
        page.wait_for_url(re.compile("dialog=models"))
        expect(part(page, "composer-text")).to_be_visible()
        server = start(folder, port=server.port)
        expect(part(page, "models-dialog")).to_be_visible()
    finally:
        server.stop()


# ── a conversation ────────────────────────────────────────────────────────────────────────────────────────────────


def test_stop_retry_edit_and_the_branches_they_make(scripted: Serving, open_page: Open) -> None:
    page = open_page(scripted)
    say(page, "!tokens 3000 100")
    expect(part(page, "answer-text")).to_be_visible()
    part(page, "stop").click()
    expect(part(page, "turn")).to_have_attribute("data-status", "canceled")
    part(page, "turn").hover()
    part(page, "edit").click()
    page.get_by_label("Edit your message").fill("!say edited")
    page.get_by_role("button", name="Send", exact=True).first.click()
    expect(part(page, "answer-text")).to_have_text("edited")
    expect(part(page, "branches")).to_have_text("2/2")
    page.get_by_role("button", name="Earlier version").click()
    expect(part(page, "user-text")).to_have_text("!tokens 3000 100")
    page.get_by_role("button", name="Later version").click()
    say(page, "!say and on")
    expect(part(page, "turn")).to_have_count(2)


MARKDOWN = """# Title

- one
- two

| a | b |
|---|---|
| 1 | 2 |

```python
print(1)
```

<img src=x onerror=alert(1)> and ![picture](http://elsewhere.example/x.png)
"""


def test_code_tables_and_lists_are_rendered_and_html_and_remote_images_are_not(
    embedder_only: Callable[[], Path], open_page: Open, fake_endpoint: Callable[..., int]
) -> None:
    port = fake_endpoint({"match": "in Markdown", "answer": MARKDOWN})
    with running(embedder_only(), model=None) as server:
        server.call("POST", "/api/endpoints", {"name": "fake", "baseUrl": f"http://127.0.0.1:{port}/v1"})
        server.call("PUT", "/api/models/default", {"model": "fake/scripted"})
        page = open_page(server)
        say(page, "Show me everything in Markdown")
        expect(part(page, "figures")).to_be_visible()
        answer = part(page, "answer-text")
        expect(answer.locator("[data-slot=table-block] td").first).to_have_text("1")
        expect(answer.locator("[data-slot=code-block]")).to_contain_text("print(1)")
        expect(answer.locator("li")).to_have_count(2)
        assert answer.locator("img").count() == 0
        answer.locator("[data-slot=code-block]").get_by_role("button").first.click()


def test_a_correction_of_the_kind_is_kept_and_answered_again(scripted: Serving, open_page: Open) -> None:
    page = open_page(scripted)
    say(page, "Describe the harbour at six in the morning")
    expect(part(page, "figures")).to_be_visible()
    chip = part(page, "kind-chip")
    before = chip.get_attribute("data-kind")
    other = "analytical" if before != "analytical" else "creative"
    chip.click()
    expect(part(page, "kind-why")).to_be_visible()
    part(page, "kind-why").locator(f"button[data-kind={other}]").click()
    part(page, "answer-again-as").click()
    expect(part(page, "branches")).to_have_text("2/2")
    expect(part(page, "kind-chip")).to_have_attribute("data-kind", other)
    _, kept = scripted.call("GET", "/api/route/examples")
    assert "Describe the harbour at six in the morning" in [one["text"] for one in kept["examples"]]


def test_why_this_answer(scripted: Serving, open_page: Open) -> None:
    page = open_page(scripted)
    say(page, "!say because")
    expect(part(page, "figures")).to_be_visible()
    part(page, "inspect").click()
    inspector = part(page, "inspector")
    expect(inspector).to_be_visible()
    expect(part(page, "timeline")).to_be_visible()
    expect(part(page, "prompt-bar")).to_be_visible()
    assert "inspect" in page.url
    page.reload()
    expect(part(page, "inspector")).to_be_visible()


def test_errors_are_sentences_with_a_way_out(scripted: Serving, open_page: Open) -> None:
    page = open_page(scripted)
    say(page, "!status 401")
    error = part(page, "run-error")
    expect(error).to_be_visible()
    assert error.get_by_role("button").count() >= 1
    load(page, f"{scripted.url}/?thread=t_does_not_exist")
    expect(part(page, "thread-missing")).to_be_visible()


def test_a_task_that_is_too_long_is_not_sent_and_says_why(scripted: Serving, open_page: Open) -> None:
    page = open_page(scripted)
    part(page, "composer-text").fill("word " * 40_001)
    expect(part(page, "composer-limit")).to_be_visible()
    expect(part(page, "send")).to_be_disabled()


def test_a_long_word_that_is_pasted_is_laid_out_unbroken_from_the_first(scripted: Serving, open_page: Open) -> None:
    page = open_page(scripted)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate(
        """word => {
        const look = event => { window.wrapped = getComputedStyle(event.target).whiteSpace };
        addEventListener("input", look, true);  // before the page hears of it
        return navigator.clipboard.writeText(word);
    }""",
        "x" * 100_000,
    )
    part(page, "composer-text").press("Control+v")
    expect(part(page, "composer-text")).to_have_value("x" * 100_000)
    assert page.evaluate("wrapped") == "pre"


def test_chats_are_found_renamed_and_deleted(scripted: Serving, open_page: Open) -> None:
    page = open_page(scripted)
    say(page, "!say the quick brown okapi")
    expect(part(page, "figures")).to_be_visible()
    part(page, "thread-search").fill("okapi")
    row = part(page, "thread-row")
    expect(row).to_have_count(1)
    row.dblclick()
    part(page, "rename").fill("About okapis")
    part(page, "rename").press("Enter")
    expect(part(page, "thread-row").filter(has_text="About okapis")).to_be_visible()
    row.hover()
    row.get_by_role("button").click()
    page.get_by_role("menuitem", name="Delete").click()
    expect(part(page, "thread-row").filter(has_text="About okapis")).to_have_count(0)


def test_an_endpoint_is_connected_in_the_page_and_answers(
    embedder_only: Callable[[], Path], open_page: Open, fake_endpoint: Callable[..., int]
) -> None:
    port = fake_endpoint()
    with running(embedder_only(), model=None) as server:
        page = open_page(server)
        part(page, "open-models").first.click()
        expect(part(page, "models-dialog")).to_be_visible()
        page.get_by_role("tab", name="Connect").click()
        form = part(page, "connect-form")
        form.get_by_role("button", name="Another").click()
        form.get_by_label("Address").fill("http://127.0.0.1:9/v1")
        form.get_by_role("button", name="Connect").click()
        expect(form.locator("[data-slot=problem]")).to_contain_text("cannot be reached")
        form.get_by_label("Address").fill(f"http://127.0.0.1:{port}/v1")
        form.get_by_role("button", name="Connect").click()
        rows = part(page, "endpoint").filter(has_text=str(port)).locator("[data-slot=model-row]")
        rows.filter(has_text="scripted").locator("[data-slot=use-model]").click()
        page.keyboard.press("Escape")
        say(page, "!say from the endpoint")
        expect(part(page, "answer-text")).to_have_text("from the endpoint")
        written = server.folder / "models.toml"
        assert f"127.0.0.1:{port}" in written.read_text()
        assert written.stat().st_mode & 0o077 == 0


# ── everybody ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("size", [(1440, 900), (390, 844)], ids=["wide", "phone"])
def test_axe_finds_no_violation(scripted: Serving, open_page: Open, size: tuple[int, int]) -> None:
    page = open_page(scripted, width=size[0], height=size[1])

    def check(where: str) -> None:
        assert faults(page, dark=True) == [], where

    check("empty")
    say(page, "!say Here is `code` and **more**.")
    expect(part(page, "figures")).to_be_visible()
    check("conversation")
    part(page, "inspect").first.click()
    expect(part(page, "inspector")).to_be_visible()
    check("inspector")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    expect(part(page, "palette")).to_be_visible()
    check("palette")
    page.keyboard.press("Escape")
    load(page, scripted.url)
    if size[0] > 600:
        part(page, "open-models").first.click()
        expect(part(page, "models-dialog")).to_be_visible()
        check("models")


def test_who_has_chosen_how_it_is_answered_writes_on(scripted: Serving, open_page: Open) -> None:
    page = open_page(scripted)
    for menu in ("kind-select", "model-select"):
        part(page, "composer-text").focus()
        part(page, menu).click()
        page.get_by_role("menuitemradio").first.click()
        expect(part(page, "composer-text")).to_be_focused()
        part(page, menu).click()
        page.keyboard.press("Escape")
        expect(part(page, menu)).to_be_focused()


def test_the_keyboard_is_enough(scripted: Serving, open_page: Open) -> None:
    page = open_page(scripted)
    page.keyboard.press("Control+k")
    expect(part(page, "palette")).to_be_visible()
    page.keyboard.press("Escape")
    part(page, "composer-text").focus()
    page.keyboard.type("!say by hand")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("second line")
    page.keyboard.press("Enter")
    expect(part(page, "figures")).to_be_visible()
    part(page, "composer-text").focus()
    page.keyboard.type("and on")
    tab_to(page, "send")
    outline = page.evaluate(
        "getComputedStyle(document.activeElement).outlineStyle + getComputedStyle(document.activeElement).boxShadow"
    )
    assert outline != "nonenone", "what has the focus is to be seen"
