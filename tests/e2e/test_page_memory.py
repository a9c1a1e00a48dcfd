"""What is remembered, in the page: found with reasons, read, changed, forgotten, on the map, in and out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from everybody import faults
from planned_page import load
from playwright.sync_api import Locator, Page, expect

from serving import Serving, running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
Open = Callable[..., Page]
HOTEL = "Asked for a quiet hotel near the river in Porto; the Ribeira was too loud last time."
KNOWN = [
    HOTEL,
    "Nora does not eat fish, so restaurants need something else on the menu.",
    "The house used 21,400 kWh of gas last year.",
    "The heat pump would stand four metres from the neighbour's window.",
    "Rye bread sells out by ten on Saturdays.",
    "Wants to run ten kilometres in under 55 minutes by spring.",
    "Answers begin with the result and give the reasons after it.",
    "Jonas is allergic to hazelnuts.",
]


@pytest.fixture(scope="module")
def server(embedder_only: Callable[[], Path]) -> Generator[Serving]:
    """A server that remembers, with a few memories."""
    with running(embedder_only(), memory="true") as serving:
        for text in KNOWN:
            kind = "procedural" if text.startswith("Answers") else "semantic"
            keep(serving, text, kind=kind)
        yield serving


def keep(server: Serving, text: str, **more: Any) -> dict[str, Any]:
    status, added = server.call("POST", "/api/memories", {"text": text, **more})
    assert status == 201, added
    return added["memory"]


def part(page: Page, name: str) -> Locator:
    return page.locator(f"[data-slot={name}]")


def row(page: Page, text: str) -> Locator:
    return part(page, "memory-row").filter(has_text=text)


# ── the list ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_search_finds_by_meaning_and_by_words_and_says_why(server: Serving, open_page: Open) -> None:
    page = open_page(server)
    part(page, "open-memory").click()
    expect(page).to_have_url(re.compile(r"page=memory"))
    expect(row(page, "hazelnuts")).to_be_visible()
    page.keyboard.press("/")
    expect(part(page, "memory-search")).to_be_focused()
    page.keyboard.type("where to stay overnight in Porto")
    first = part(page, "memory-row").first
    expect(first).to_contain_text("quiet hotel")
    expect(first.locator("mark")).to_have_text(["Porto"])
    first.locator("[data-slot=memory-why]").click()
    reasons = first.locator("[data-slot=recall-reasons]")
    expect(reasons.locator("[data-reason=meaning]")).to_contain_text("#1")
    expect(reasons.locator("[data-reason=words]")).to_contain_text("porto")
    expect(page).to_have_url(re.compile(r"find=where"))


def test_filters_stand_in_the_address(server: Serving, open_page: Open) -> None:
    page = open_page(server, "/?page=memory")
    expect(row(page, "hazelnuts")).to_be_visible()
    page.locator("[data-filter=Kind]").click()
    page.get_by_role("button", name=re.compile("^Way of working")).click()
    expect(row(page, "Answers begin")).to_be_visible()
    expect(row(page, "hazelnuts")).to_have_count(0)
    page.reload()
    expect(row(page, "Answers begin")).to_be_visible()
    expect(row(page, "hazelnuts")).to_have_count(0)
    part(page, "clear-filters").click()
    expect(row(page, "hazelnuts")).to_be_visible()


def test_what_comes_meanwhile_does_not_move_what_is_read(server: Serving, open_page: Open) -> None:
    for number in range(30):
        keep(server, f"Shelf {number} of the store room holds jars of the {number + 1900} harvest.")
    page = open_page(server, "/?page=memory", height=500)
    rows = part(page, "memory-rows")
    expect(row(page, "Shelf 29 ")).to_be_visible()
    rows.evaluate("rows => { rows.scrollTop = 400 }")
    middle = part(page, "memory-row").nth(8)
    before, named = middle.bounding_box(), middle.get_attribute("data-memory")
    keep(server, "The store room has a new lock, number 4411.")
    expect(part(page, "show-held")).to_have_text("1 new memory")
    assert page.locator(f"[data-memory={named}]").bounding_box() == before
    part(page, "show-held").click()
    expect(part(page, "memory-row").first).to_contain_text("number 4411")
    # At the top it comes by itself.
    keep(server, "The lock of the store room was oiled.")
    expect(part(page, "memory-row").first).to_contain_text("oiled")


def test_the_keyboard_goes_from_the_search_through_the_list(server: Serving, open_page: Open) -> None:
    page = open_page(server, "/?page=memory")
    expect(part(page, "memory-row").first).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(part(page, "memory-open").nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    second = part(page, "memory-row").nth(1).get_attribute("data-memory")
    expect(part(page, "memory-page")).to_have_attribute("data-memory", second or "")


# ── one memory ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_change_is_kept_and_told_word_by_word(server: Serving, open_page: Open) -> None:
    memory = keep(server, "The lease of the shop ends in December 2028.")
    page = open_page(server, f"/?page=memory&memory={memory['id']}")
    part(page, "memory-edit").click()
    part(page, "memory-draft").fill("The lease of the shop ends in June 2029.")
    part(page, "memory-draft").press("Control+Enter")
    expect(part(page, "memory-text")).to_have_text("The lease of the shop ends in June 2029.")
    history = part(page, "memory-history")
    expect(history.locator("del")).to_have_text(["December", "2028"])
    expect(history.locator("ins")).to_have_text(["June", "2029"])
    expect(history.locator("li").first).to_contain_text("Changed by you")
    part(page, "memory-facts").get_by_label("Kind").select_option("episodic")
    expect(history.locator("li").first).to_contain_text("Fact → Episode")
    part(page, "memory-pin").click()
    expect(part(page, "memory-pin")).to_have_attribute("aria-pressed", "true")
    assert server.call("GET", f"/api/memories/{memory['id']}")[1]["memory"]["pinned"]


def test_two_who_write_at_once_see_both_texts(server: Serving, open_page: Open) -> None:
    memory = keep(server, "The dentist is on Thursday at nine.")
    page = open_page(server, f"/?page=memory&memory={memory['id']}")
    part(page, "memory-edit").click()
    part(page, "memory-draft").fill("The dentist is on Friday at nine.")
    theirs = {"version": memory["version"], "text": "The dentist is on Thursday at ten."}
    assert server.call("PATCH", f"/api/memories/{memory['id']}", theirs)[0] == 200
    # The page has heard of it, and still does not overwrite it unseen.
    expect(row(page, "Thursday at ten")).to_be_visible()
    part(page, "memory-save").click()
    conflict = part(page, "memory-conflict")
    expect(conflict).to_contain_text("The dentist is on Thursday at ten.")
    expect(conflict.locator("ins")).to_have_text(["Friday", "nine"])
    part(page, "keep-yours").click()
    expect(part(page, "memory-text")).to_have_text("The dentist is on Friday at nine.")


def test_forgetting_can_be_undone_and_deleting_asks_first(server: Serving, open_page: Open) -> None:
    memory = keep(server, "The spare key lies under the third flower pot.")
    page = open_page(server, f"/?page=memory&memory={memory['id']}")
    part(page, "memory-forget").click()
    expect(part(page, "memory-gone")).to_contain_text("Forgotten")
    expect(row(page, "flower pot")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(part(page, "memory-gone")).to_have_count(0)
    expect(row(page, "flower pot")).to_be_visible()
    part(page, "memory-forget").click()
    part(page, "memory-purge").click()
    part(page, "confirm-no").click()
    assert server.call("GET", f"/api/memories/{memory['id']}")[0] == 200
    part(page, "memory-purge").click()
    part(page, "confirm-yes").click()
    expect(part(page, "memory-page")).to_have_count(0)
    assert server.call("GET", f"/api/memories/{memory['id']}")[0] == 404


def test_a_memory_that_is_not_there_says_so(server: Serving, open_page: Open) -> None:
    page = open_page(server, "/?page=memory&memory=m_nowhere")
    expect(part(page, "memory-page").locator("[data-slot=problem]")).to_be_visible()
    expect(page.get_by_role("button", name="Try again")).to_be_visible()


# ── in and out ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_memory_is_added_by_hand(server: Serving, open_page: Open) -> None:
    page = open_page(server, "/?page=memory")
    part(page, "add-memory").click()
    part(page, "new-memory-text").fill("The piano tuner comes in March.")
    part(page, "keep-memory").click()
    expect(row(page, "piano tuner")).to_be_visible()
    part(page, "add-memory").click()
    part(page, "new-memory-text").fill("The piano tuner comes in March.")
    part(page, "keep-memory").click()
    expect(page.get_by_text("This was known already. It counts once more.")).to_be_visible()


def test_what_is_exported_can_be_imported_and_wrong_lines_are_named(
    server: Serving, open_page: Open, embedder_only: Callable[[], Path]
) -> None:
    page = open_page(server, "/?page=memory")
    part(page, "memory-menu").click()
    with page.expect_download() as download:
        part(page, "export-memories").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert HOTEL in {json.loads(line)["text"] for line in lines}
    with running(embedder_only(), memory="true") as other:
        page = open_page(other, "/?page=memory")
        expect(part(page, "empty-memory")).to_contain_text("Nothing is remembered yet")
        part(page, "memory-menu").click()
        part(page, "import-memories").click()
        content = "\n".join([*lines, "this is no JSON"]).encode()
        part(page, "import-file").set_input_files(
            {"name": "all.jsonl", "mimeType": "application/x-ndjson", "buffer": content}
        )
        report = part(page, "import-report")
        expect(report).to_contain_text(re.compile(rf"Line {len(lines) + 1}"))
        expect(report.locator("dd").first).not_to_have_text("0")
        page.get_by_role("button", name="Done").click()
        expect(part(page, "memory-row").first).to_be_visible()


def test_what_was_replaced_can_hold_again_and_give_way_once_more(server: Serving, open_page: Open) -> None:
    old = keep(server, "The bakery opens at six.", key="bakery.opens")
    new = keep(server, "The bakery opens at seven.", key="bakery.opens")
    page = open_page(server, f"/?page=memory&memory={old['id']}")
    expect(part(page, "memory-gone")).to_contain_text("it takes the place of what replaced it")
    part(page, "memory-restore").click()
    expect(part(page, "memory-gone")).to_have_count(0)
    page.get_by_text("It holds again, in place of what replaced it.").wait_for()
    assert server.call("GET", f"/api/memories/{new['id']}")[1]["memory"]["supersededBy"] == old["id"]
    page.get_by_role("button", name="Undo").click()
    expect(part(page, "memory-gone")).to_be_visible()
    assert server.call("GET", f"/api/memories/{old['id']}")[1]["memory"]["supersededBy"] == new["id"]


def test_many_are_chosen_and_forgotten_and_all_come_back(server: Serving, open_page: Open) -> None:
    for number in range(3):
        keep(server, f"Crate {number} of the cellar holds cider.", kind="working")
    page = open_page(server, "/?page=memory&find=kind:working")
    expect(part(page, "memory-row")).to_have_count(3)
    part(page, "choose-memories").click()
    row(page, "Crate 0").locator("[data-slot=memory-choose]").check()
    row(page, "Crate 2").locator("[data-slot=memory-open]").click()
    expect(part(page, "choice-bar")).to_contain_text("2 chosen")
    part(page, "forget-chosen").click()
    expect(part(page, "memory-row")).to_have_count(1)
    page.get_by_text("2 memories are forgotten. They are not recalled any more.").wait_for()
    page.get_by_role("button", name="Undo").click()
    expect(part(page, "memory-row")).to_have_count(3)
    expect(part(page, "choice-bar")).to_have_count(0)


def test_pieces_of_files_are_apart_from_what_was_said(server: Serving, open_page: Open) -> None:
    text = b"# Plants\n\nThe **fern** in the hall is watered on Mondays.\n"
    status, document = server.call(
        "PUT", "/api/knowledge/files/plants.md", text, Content_Type="application/octet-stream"
    )
    assert status == 202
    page = open_page(server, "/?page=memory")
    expect(part(page, "memory-state").first).to_contain_text("1 piece of files")
    expect(row(page, "fern")).to_have_count(0)
    page.locator("[data-filter='From files']").click()
    page.get_by_role("button", name=re.compile("^Pieces of files")).click()
    expect(part(page, "memory-row")).to_have_count(1)
    expect(row(page, "The fern in the hall")).to_be_visible()
    expect(page).to_have_url(re.compile("from(:|%3A)files"))
    page.reload()
    expect(row(page, "fern")).to_be_visible()
    page.keyboard.press("Escape")
    part(page, "memory-tab-map").click()
    expect(part(page, "map-canvas")).to_have_attribute("data-points", "1")
    assert server.call("DELETE", f"/api/knowledge/{document['id']}")[0] == 204
    page = open_page(server, f"/?page=knowledge&document={document['id']}")
    expect(part(page, "file-removed")).to_contain_text("You removed this file.")


# ── the map ───────────────────────────────────────────────────────────────────────────────────────────────────────


def places(server: Serving, canvas: Locator) -> dict[str, tuple[float, float]]:
    """Where on the canvas each memory is, when all are seen."""
    points = server.call("GET", "/api/memories/map?limit=5000")[1]["points"]
    box = canvas.bounding_box()
    assert box
    assert points
    xs, ys = [one["x"] for one in points], [one["y"] for one in points]
    scale = min((box["width"] - 72) / max(max(xs) - min(xs), 0.02), (box["height"] - 72) / max(max(ys) - min(ys), 0.02))
    x0, y0 = (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2
    return {
        one["id"]: ((one["x"] - x0) * scale + box["width"] / 2, (y0 - one["y"]) * scale + box["height"] / 2)
        for one in points
    }


def inked(canvas: Locator) -> int:
    """How many pixels are drawn."""
    return canvas.evaluate(
        """canvas => {
            const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
            let drawn = 0;
            for (let at = 3; at < data.length; at += 4) if (data[at] > 0) drawn++;
            return drawn;
        }"""
    )


def test_a_point_of_the_map_tells_its_text_and_opens(server: Serving, open_page: Open) -> None:
    page = open_page(server, "/?page=map")
    canvas = part(page, "map-canvas")
    expect(part(page, "map-list-item").first).to_be_visible()
    assert inked(canvas) > 500
    memory_id, (x, y) = next(iter(places(server, canvas).items()))
    canvas.hover(position={"x": x, "y": y})
    expect(part(page, "map-tip")).to_be_visible()
    canvas.click(position={"x": x, "y": y})
    expect(part(page, "memory-page")).to_be_visible()
    expect(page).to_have_url(re.compile(rf"page=map&memory={memory_id}|memory={memory_id}"))
    expect(part(page, "map-explained")).to_contain_text("% of the differences")


def test_a_loop_chooses_and_the_wheel_and_keys_move_the_map(server: Serving, open_page: Open) -> None:
    page = open_page(server, "/?page=map")
    listed = part(page, "map-list")
    expect(part(page, "map-list-item").first).to_be_visible()
    total = len(server.call("GET", "/api/memories/map?limit=5000")[1]["points"])
    expect(listed).to_contain_text(f"{total} memories in view")
    box = part(page, "map-canvas").bounding_box()
    assert box
    left, top, right, bottom = box["x"] + 4, box["y"] + 4, box["x"] + box["width"] - 4, box["y"] + box["height"] - 70
    page.keyboard.down("Shift")
    page.mouse.move(left, top)
    page.mouse.down()
    for x, y in ((right, top), (right, bottom), (left, bottom)):
        page.mouse.move(x, y, steps=4)
    page.mouse.up()
    page.keyboard.up("Shift")
    expect(listed).to_contain_text("chosen")
    part(page, "map-clear").click()
    expect(listed).to_contain_text("in view")
    part(page, "map-canvas").focus()
    for _ in range(6):
        page.keyboard.press("+")
    expect(listed).not_to_contain_text(f"{total} memories in view")
    page.keyboard.press("0")
    expect(listed).to_contain_text(f"{total} memories in view")
    memory_id, (x, y) = next(iter(places(server, part(page, "map-canvas")).items()))
    page.mouse.move(box["x"] + x, box["y"] + y)
    page.mouse.wheel(0, -2500)
    expect(listed).not_to_contain_text(f"{total} memories in view")
    expect(part(page, "map-list-item").and_(page.locator(f"[data-memory={memory_id}]"))).to_be_visible()
    page.mouse.move(box["x"] + x + 1, box["y"] + y)
    expect(part(page, "map-tip")).to_be_visible()
    page.keyboard.press("0")
    page.mouse.move(box["x"] + box["width"] - 90, box["y"] + 6)
    for _ in range(3):
        page.mouse.wheel(0, -2500)
    expect(listed).not_to_contain_text(re.compile(r"^0 memories"))


# ── beside a chat ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_said_is_remembered_and_leads_back(server: Serving, open_page: Open) -> None:
    page = open_page(server)
    part(page, "composer-text").fill("My sister Klara lives in Bregenz and keeps bees. !say Good to know.")
    part(page, "composer-text").press("Enter")
    expect(part(page, "figures")).to_be_visible()
    page.wait_for_url(re.compile("thread="))
    told = page.url
    page.keyboard.press("Control+Shift+L")
    part(page, "memory-search").fill("Klara bees")
    expect(row(page, "Klara").first).to_be_visible()
    row(page, "Klara").first.locator("[data-slot=memory-open]").click()
    part(page, "memory-source").click()
    expect(part(page, "turn").first).to_contain_text("Klara")
    expect(part(page, "memory-view")).to_have_count(0)
    assert page.url.startswith(told.split("&")[0])


def test_a_run_lights_its_memories_up_and_a_memory_leads_to_the_run(server: Serving, open_page: Open) -> None:
    keep(server, "Klara, the sister, lives in Bregenz.", key="user.sister")
    page = open_page(server)
    part(page, "composer-text").fill("In which town does my sister Klara live?")
    part(page, "composer-text").press("Enter")
    expect(part(page, "figures")).to_be_visible()
    asked = part(page, "turn").get_attribute("data-run")
    load(page, f"{server.url}/?page=map&run={asked}")
    expect(part(page, "map-lit")).to_contain_text("this answer was given")
    part(page, "map-list-item").filter(has_text="Klara").first.click()
    part(page, "memory-use").first.click()
    expect(page).to_have_url(re.compile(rf"run={asked}"))
    expect(part(page, "turn")).to_contain_text("In which town")


# ── for everybody ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing(server: Serving, open_page: Open, width: int) -> None:
    memory = server.call("GET", "/api/memories?query=hotel&limit=1")[1]["memories"][0]["memory"]
    page = open_page(server, "/?page=memory&find=hotel", width=width)
    expect(part(page, "memory-row").first).to_be_visible()
    part(page, "memory-why").first.click()
    for path in ("", f"/?page=memory&memory={memory['id']}", "/?page=map", "/?page=map&memory=" + memory["id"]):
        if path:
            load(page, server.url + path)
            expect(part(page, "memory-page" if "memory=" in path else "map-list")).to_be_visible()
        assert faults(page, dark=True) == [], path


def test_on_a_phone_a_memory_takes_the_screen_and_goes_back(server: Serving, open_page: Open) -> None:
    page = open_page(server, "/?page=memory", width=390, height=844)
    expect(part(page, "memory-row").first).to_be_visible()
    part(page, "memory-open").first.click()
    expect(part(page, "memory-page")).to_be_visible()
    expect(part(page, "memory-search")).to_be_hidden()
    part(page, "memory-back").click()
    expect(part(page, "memory-search")).to_be_visible()
    part(page, "leave-page").click()
    expect(part(page, "composer-text")).to_be_visible()
