"""What tokens, money and endpoints come to, in the page: windows, the cache, budgets, and who answers."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from planned_page import (
    FAST,
    STEADY,
    Rule,
    ask,
    entries,
    has_ended,
    joins,
    look,
    part,
    path_of,
    plans,
    run_id_of,
    says,
    task,
    words,
)
from playwright.sync_api import Locator, Page, expect

from serving import Serving, running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
Open = Callable[..., Page]
BRIDGES = "Investigate which of two bridges lasts longer"
RULES: list[Rule] = [
    plans(
        BRIDGES,
        task("researcher", "Find out about the bridge of wood", title="Wood"),
        task("analyst", "Weigh wood against stone", 1, title="Weighing"),
    ),
    says("Find out about the bridge of wood", words("wood", 40)),
    says("Weigh wood against stone", words("stone", 30)),
    joins(BRIDGES, "Stone lasts longer [2]."),
    {"match": "^Tell at length", "answer": words("long", 260), "delay": 0},
    {"match": "^Begin (.*)", "answer": r"Begun \1. " + words("begin", 30), "delay": STEADY},
    {"match": "^What is (.*)", "answer": r"It is \1.", "delay": FAST},
]
SMALL = """default = "small/steady"
[[endpoint]]
name = "small"
base_url = "http://127.0.0.1:{port}/v1"
models = ["steady"]
context_window = {window}
price = { input = 2.0, output = 10.0 }
"""
PLAIN: dict[str, object] = {"model": None, "scripted": "false"}


@pytest.fixture
def serve(embedder_only: Callable[[], Path], rules_port: int) -> Generator[Callable[..., Serving]]:
    """Start a server whose one endpoint says what RULES say, behind a window of so many tokens."""
    with contextlib.ExitStack() as stack:

        def start(window: int = 32_768, **settings: object) -> Serving:
            folder = embedder_only()
            (folder / "models.toml").write_text(SMALL.format(port=rules_port, window=window))
            (folder / "models.toml").chmod(0o600)
            return stack.enter_context(running(folder, **PLAIN, **settings))

        yield start


def say(page: Page, request: str) -> None:
    """Ask in the thread that is open, and wait for the answer."""
    turns = part(page, "turn").count()
    part(page, "composer-text").fill(request)
    part(page, "composer-text").press("Enter")
    expect(part(page, "turn")).to_have_count(turns + 1)
    has_ended(page)


def number(text: str) -> int:
    """The first number of a text, as the page writes it."""
    found = re.search(r"\d[\d,]*", text)
    assert found, text
    return int(found[0].replace(",", ""))


def sections_of(entry: dict[str, Any]) -> int:
    return sum(section["tokens"] for section in entry["sections"])


def rows_of(panel: Locator) -> list[str]:
    return part(panel, "prompt-part").all_inner_texts()


# ── what filled the window ────────────────────────────────────────────────────────────────────────────────────────


def test_a_bar_under_the_answer_says_what_filled_the_window_and_leads_to_it(team: Serving, open_page: Open) -> None:
    page = open_page(team)
    ask(page, "What is an okapi", kind="chat")
    has_ended(page)
    started = entries(team, run_id_of(page), "message_started")[-1]
    bar = part(page, "open-context")
    spoken = bar.get_attribute("aria-label") or ""
    assert number(spoken) == sections_of(started)
    assert f"of {started['context_window']:,} tokens" in spoken
    assert f"Kept for the answer: {started['reserve']:,} tokens" in spoken
    pieces = [one.get_attribute("data-part") for one in bar.locator("[data-part]").all()]
    assert pieces[0] == "role"
    assert pieces[-2:] == ["reserve", "free"]

    bar.click()
    panel = part(page, "panel-context")
    expect(panel).to_be_visible()
    assert f"call={started['message_id']}" in page.url
    expect(part(panel, "prompt-bar")).to_contain_text(f"{sections_of(started):,} tokens of a window of")
    # A link to it leads there, too.
    again = open_page(team, path_of(team, page))
    expect(part(again, "panel-context")).to_contain_text(f"{sections_of(started):,} tokens of a window of")


def test_every_agents_call_has_its_window(team: Serving, open_page: Open) -> None:
    page = open_page(team)
    ask(page, BRIDGES)
    has_ended(page)
    panel = look(page, "context")
    chooser = part(panel, "choose-call")
    run_id = run_id_of(page)
    calls = entries(team, run_id, "message_started")
    expect(chooser.locator("option")).to_have_count(len(calls))
    for started in calls:
        chooser.select_option(started["message_id"])
        expect(part(panel, "prompt-bar")).to_contain_text(f"{sections_of(started):,} tokens of a window of")
    weighing = next(one for one in calls if one.get("task_id") == "2")
    chooser.select_option(weighing["message_id"])
    result = part(panel, "prompt-part").filter(has_text="Result of 1: Wood")
    expected = next(one["tokens"] for one in weighing["sections"] if one["name"] == "result")
    expect(result).to_contain_text(f"{expected:,}")


def test_what_had_no_room_stands_beside_the_bar_in_words_and_in_the_order_it_was_taken_out(
    serve: Callable[..., Serving], open_page: Open
) -> None:
    server = serve(window=1400)
    page = open_page(server)
    ask(page, "Tell at length of one", kind="chat")
    has_ended(page)
    expect(part(page, "left-out")).to_have_count(0)
    for at in range(3):
        say(page, f"Tell at length of {at}")
    told = part(page, "left-out").last
    expect(told).to_contain_text("as the window has room for 1,400 tokens")
    run_id = run_id_of(page)
    started = entries(server, run_id, "message_started")[-1]
    notes = entries(server, run_id, "context_trimmed")
    assert started["left_out_turns"] > 0
    assert notes
    expect(told).to_contain_text(f"{started['left_out_turns']} earlier turn")

    part(page, "open-context").last.click()
    trims = part(page, "trims").locator("[data-slot=trim]")
    expect(trims).to_have_count(len(notes))
    shown = [one.get_attribute("data-rung") for one in trims.all()]
    assert shown == [note["rung"] for note in notes]
    for row, note in zip(trims.all(), notes, strict=True):
        expect(row).to_contain_text(f"{note['tokens']:,} tokens freed")


def test_a_run_that_fits_no_window_says_so(serve: Callable[..., Serving], open_page: Open) -> None:
    server = serve(window=1024)
    page = open_page(server)
    ask(page, "What is " + words("heavy", 900), kind="chat")
    has_ended(page, "failed")
    expect(part(page, "run-error")).to_have_attribute("data-code", "context_overflow")
    part(page, "toggle-inspector").click()
    part(page, "tab-context").click()
    expect(part(page, "panel-context").locator("[data-rung=refused]")).to_be_visible()
