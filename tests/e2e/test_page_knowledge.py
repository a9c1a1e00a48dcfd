"""Files and memory in the page: what is dropped is read, agents are reminded of it, and answers lead back to it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from everybody import wrong_in
from planned_page import MODELS, Rule, has_ended, load, look, part
from playwright.sync_api import Locator, Page, expect
from stage import scripted_endpoint

from serving import Serving, running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
Open = Callable[..., Page]
FILES = "/?page=knowledge"
# Answers a question about the pump with the first file that it was given, by the name that it was asked to use.
RULES: list[Rule] = [
    {"match": r"(?s)From \[([^\]]+)\].*curve of the heat pump", "answer": r"Begin with 0.6 [\1]. Not `[\1]`."},
    {"match": "curve of the heat pump", "answer": "I was given no file."},
    {"match": "Remember that", "answer": "Noted."},
    {"match": "", "answer": "Yes."},
]
HANDBOOK = """# Heat pump

## Heating curve

The curve of the heat pump begins with 0.6 and is raised in steps of 0.1 🌡 until every room is warm.

## Noise

At night the unit makes 38 decibels at three metres, which a neighbour does not hear behind a window.
"""
HEBREW = "הפגישה תתקיים ביום שלישי בשעה עשר, וישתתפו בה ארבעה חברים לפחות.\n"


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory, embedder_only: Callable[[], Path]
) -> Generator[tuple[Serving, Path]]:
    """A server that remembers, and the folder that it watches."""
    watched = tmp_path_factory.mktemp("watched")
    folder = embedder_only()
    with scripted_endpoint(tmp_path_factory.mktemp("endpoint"), RULES) as port:
        (folder / "models.toml").write_text(MODELS.format(port=port))
        (folder / "models.toml").chmod(0o600)
        settings: dict[str, object] = {"model": None, "scripted": "false", "memory": "true"}
        with running(folder, **settings, knowledge_dir=watched, max_document_mib=1) as serving:
            yield serving, watched


def file_row(page: Page, name: str, slot: str = "file") -> Locator:
    return page.locator(f"[data-slot={slot}][data-name={json.dumps(name)}]")


def as_it_is(page: Page, told: None) -> None:
    """The view that is on the screen; nothing of it hangs out below."""
    assert page.evaluate("document.documentElement.scrollHeight - innerHeight") <= 0


def put(page: Page, name: str, content: bytes) -> Locator:
    """Choose a file; gives its row once it is there."""
    part(page, "choose-files-input").set_input_files({"name": name, "mimeType": "", "buffer": content})
    return file_row(page, name)


def read(page: Page, name: str, content: str) -> Locator:
    row = put(page, name, content.encode())
    expect(row).to_have_attribute("data-state", "ready", timeout=120_000)
    return row


def ask(page: Page, request: str) -> Locator:
    part(page, "composer-text").fill(request)
    part(page, "composer-text").press("Enter")
    page.wait_for_url(re.compile("thread="))
    has_ended(page)
    return part(page, "turn").last


def test_a_file_is_read_and_its_pieces_are_shown_in_its_text(open_page: Open, served: tuple[Serving, Path]) -> None:
    page = open_page(served[0], FILES)
    row = read(page, "pump.md", HANDBOOK)
    expect(part(row, "file-state")).to_have_text(re.compile(r"^\d+ pieces?$"))
    part(row, "open-file").click()
    pieces = part(page, "piece").filter(visible=True)
    expect(pieces.first).to_be_visible()
    # Offsets count code points: the emoji before it must not move the piece.
    noise = pieces.filter(has_text="38 decibels")
    noise.click()
    expect(part(page, "chosen-piece")).to_contain_text("Noise")
    chosen = page.locator("[data-slot=piece-text][data-chosen]")
    expect(chosen).to_contain_text("At night the unit makes 38 decibels at three metres")
    expect(chosen).not_to_contain_text("0.6")
    assert "memory=" in page.url
    assert wrong_in(page, [as_it_is], None) == []


def test_an_answer_leads_to_the_place_in_the_file(open_page: Open, served: tuple[Serving, Path]) -> None:
    page = open_page(served[0], FILES)
    read(page, "pump.md", HANDBOOK)
    load(page, served[0].url)
    turn = ask(page, "What is the right curve of the heat pump?")
    cited = part(turn, "answer-text").locator("[data-slot=file-citation]")
    expect(cited).to_have_count(1)  # what stands in code is none
    expect(cited).to_contain_text("pump.md")
    expect(part(turn, "sources")).to_contain_text("pump.md")
    cited.click()
    expect(page.locator("[data-slot=piece-text][data-chosen]").first).to_be_visible()
    expect(part(page, "file-page")).to_contain_text("pump.md")
    page.go_back()
    expect(part(page, "answer-text")).to_be_visible()


def test_the_inspector_says_what_was_recalled_why_and_what_was_kept(
    open_page: Open, served: tuple[Serving, Path]
) -> None:
    page = open_page(served[0], FILES)
    read(page, "pump.md", HANDBOOK)
    load(page, served[0].url)
    turn = ask(page, "Which curve of the heat pump is right for an old house?")
    part(turn, "open-recalled").click()
    panel = part(page, "panel-memory")
    expect(part(panel, "recall-query")).to_contain_text("curve of the heat pump")
    hit = part(panel, "recalled").filter(has_text="begins with 0.6").first
    hit.locator("summary").click()
    expect(hit.locator("[data-reason=words]")).to_be_visible()
    expect(part(panel, "stored-memory").first).to_be_visible()
    assert wrong_in(page, [as_it_is], None) == []
    part(turn, "open-context").click()
    context = part(page, "panel-context")
    expect(part(context, "prompt-bar")).to_contain_text("pump.md")
    journal = look(page, "journal")
    expect(part(journal, "entry", kind="memories_recalled")).to_contain_text("recalled")
    look(page, "memory")
    part(panel, "on-the-map").click()
    expect(part(page, "memory-view")).to_have_attribute("data-page", "map")


def test_what_cannot_be_read_says_why_and_the_rest_goes_on(open_page: Open, served: tuple[Serving, Path]) -> None:
    page = open_page(served[0], FILES)
    failed = put(page, "really.pdf", b"this is no pdf")
    expect(failed).to_have_attribute("data-state", "failed", timeout=120_000)
    expect(part(failed, "file-error")).to_contain_text("not what its name says")
    expect(part(failed, "file-again")).to_be_visible()
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "PUT" else None)
    part(page, "choose-files-input").set_input_files(
        [
            {"name": "large.txt", "mimeType": "", "buffer": b"a" * 1_100_000},
            {"name": "film.mp4", "mimeType": "", "buffer": bytes(2000)},
            {"name": "hebrew.txt", "mimeType": "", "buffer": HEBREW.encode()},
        ]
    )
    expect(file_row(page, "hebrew.txt")).to_have_attribute("data-state", "ready", timeout=120_000)
    expect(file_row(page, "large.txt", "upload")).to_contain_text("too large")
    expect(file_row(page, "film.mp4", "upload")).to_contain_text("cannot be read")
    assert [url for url in sent if "hebrew" not in url] == []
    assert wrong_in(page, [as_it_is], None) == []
    # Right-to-left text stands at the right.
    part(file_row(page, "hebrew.txt"), "open-file").click()
    place = "each => { const [text] = [...each.childNodes].slice(-1); const range = document.createRange();"
    place += " range.selectNodeContents(text); const { left, right } = range.getBoundingClientRect();"
    place += " const box = each.parentElement.getBoundingClientRect(); return [left - box.left, box.right - right] }"
    left, right = part(page, "piece-text").first.evaluate(place)
    assert right < left


def test_files_of_the_watched_folder_come_change_and_go(open_page: Open, served: tuple[Serving, Path]) -> None:
    serving, watched = served
    page = open_page(serving, FILES)
    expect(part(page, "watched-folder")).to_contain_text(str(watched))
    (watched / "notes.md").write_text("# Trip\n\nThe train leaves at nine from the north station.\n")
    row = file_row(page, "notes.md")
    expect(row).to_have_attribute("data-state", "ready", timeout=120_000)
    expect(part(row, "file-origin")).to_contain_text("notes.md")
    expect(part(row, "remove-file")).to_have_count(0)
    (watched / "notes.md").unlink()
    expect(row).to_have_count(0, timeout=120_000)


def test_a_search_finds_places_in_files_only(open_page: Open, served: tuple[Serving, Path]) -> None:
    serving, _ = served
    serving.call("POST", "/api/memories", {"text": "The neighbour hears the unit at night."})
    page = open_page(serving, FILES)
    read(page, "pump.md", HANDBOOK)
    part(page, "file-search").fill("neighbour hears the unit at night")
    hits = part(page, "file-hit")
    expect(hits.first).to_contain_text("38 decibels")
    expect(hits.filter(has_text="The neighbour hears the unit at night.")).to_have_count(0)
    hits.first.get_by_role("button").click()
    expect(page.locator("[data-slot=piece-text][data-chosen]")).to_contain_text("38 decibels")


def test_a_file_is_forgotten_behind_a_question(open_page: Open, served: tuple[Serving, Path]) -> None:
    page = open_page(served[0], FILES)
    row = read(page, "gone.md", "# Gone\n\nThis stays for a moment only.\n")
    document = row.get_attribute("data-document")
    part(row, "remove-file").click()
    part(row, "confirm-no").click()
    expect(row).to_be_visible()
    part(row, "remove-file").click()
    part(row, "confirm-yes").click()
    expect(row).to_have_count(0)
    assert served[0].call("GET", f"/api/knowledge/{document}")[0] == 404
    load(page, f"{served[0].url}{FILES}&document={document}")
    expect(part(page, "file-removed")).to_contain_text("You removed this file.")


def test_files_may_be_dropped_anywhere_on_the_memory_view(open_page: Open, served: tuple[Serving, Path]) -> None:
    page = open_page(served[0], "/?page=memory")
    expect(part(page, "memory-view")).to_be_visible()
    drop(page, "dropped.txt", "A file that was dropped upon the list of memories.")
    expect(file_row(page, "dropped.txt")).to_have_attribute("data-state", "ready", timeout=120_000)


def drop(page: Page, name: str, content: str) -> None:
    """As the browser tells of a file that is dropped on the page."""
    given: dict[str, Any] = {"name": name, "content": content}
    page.evaluate(
        """({ name, content }) => {
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File([content], name));
            for (const type of ["dragenter", "dragover", "drop"])
                document.body.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer }));
        }""",
        given,
    )
