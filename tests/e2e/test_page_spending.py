"""What tokens, money and endpoints come to, in the page: windows, the cache, budgets, and who answers."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
import spending_views
from everybody import wrong_in
from planned_page import (
    FAST,
    STEADY,
    Rule,
    ask,
    entries,
    has_ended,
    joins,
    load,
    look,
    part,
    path_of,
    plans,
    run_id_of,
    says,
    tab_to,
    task,
    words,
)
from playwright.sync_api import Locator, Page, expect
from stage import scripted_endpoint

from serving import Serving, running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
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
    {"match": "^Count ", "answer": words("count", 60), "manner": {"usage": "none"}},  # so that Alma counts all of it
    {"match": "boil an egg", "answer": "Seven minutes."},
    {"match": "^What is (.*)", "answer": r"It is \1.", "delay": FAST},
]
SMALL = """default = "small/steady"
[[endpoint]]
name = "small"
base_url = "http://127.0.0.1:{port}/v1"
models = ["steady"]
context_window = {window}
price = {{ input = 2.0, output = 10.0 }}
"""
POOLED = """default = "pool/steady"
[[endpoint]]
name = "left"
base_url = "http://127.0.0.1:{left}/v1"
models = ["steady"]
weight = 1000
context_window = 32768
price = {{ input = 2.0, output = 10.0 }}
[[endpoint]]
name = "right"
base_url = "http://127.0.0.1:{right}/v1"
models = ["steady"]
weight = 0.01
context_window = 32768
price = {{ input = 2.0, output = 10.0 }}
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
    spoken = bar.text_content() or ""
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
        if note.get("tokens"):
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


# ── endpoints ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def pool(embedder_only: Callable[[], Path], rules_port: int, tmp_path: Path) -> Generator[Serving]:
    """Two endpoints of one model: `left`, asked first, breaks off in mid-answer; `right` says what RULES say."""
    breaks = {"match": "^Begin", "answer": words("lost", 40), "delay": STEADY, "fault": {"kind": "cut", "after": 12}}
    with scripted_endpoint(tmp_path, [breaks, *RULES]) as left:
        folder = embedder_only()
        (folder / "models.toml").write_text(POOLED.format(left=left, right=rules_port))
        (folder / "models.toml").chmod(0o600)
        with running(folder, **PLAIN) as serving:
            yield serving


def endpoints(page: Page, server: Serving) -> Locator:
    """Open the table of endpoints by its address."""
    load(page, server.url + "/?dialog=models&part=endpoints")
    expect(part(page, "endpoint-table")).to_be_visible()
    return part(page, "endpoint-row")


def test_another_endpoint_goes_on_where_one_broke_off_and_the_page_says_who(pool: Serving, open_page: Open) -> None:
    page = open_page(pool)
    ask(page, "Begin anew", kind="chat")
    expect(part(page, "answer-text")).to_contain_text("lost3")
    expect(part(page, "failover")).to_have_text("left broke off; right begins the answer anew.")
    expect(part(page, "answer-text")).to_contain_text("Begun anew")
    expect(part(page, "answer-text")).not_to_contain_text("lost")
    has_ended(page)
    assert part(page, "answer-text").inner_text().split() == ["Begun", "anew.", *words("begin", 30).split()]
    expect(part(page, "failover")).to_contain_text("left broke off; right began the answer anew.")
    expect(part(page, "figure-model")).to_contain_text("steady at right")
    expect(part(page, "answer")).to_have_attribute("data-attempt", "2")


def test_endpoints_are_shown_live_with_load_health_and_price(pool: Serving, open_page: Open) -> None:
    page = open_page(pool)
    watching = open_page(pool)
    rows = endpoints(watching, pool)
    expect(rows).to_have_count(2)
    left = rows.filter(has_text="left")
    expect(left).to_contain_text("$2.00 in, $10.00 out")
    expect(left).to_contain_text("× 1000")
    expect(part(left, "endpoint-calls")).to_have_text("0 calls")
    ask(page, "Begin once more", kind="chat")
    # The second page asks for nothing: it is told.
    expect(part(rows.filter(has_text="right"), "endpoint-load")).to_contain_text("1 of")
    has_ended(page)
    expect(part(rows.filter(has_text="right"), "endpoint-load")).to_contain_text("0 of")
    expect(part(rows.filter(has_text="right"), "endpoint-calls")).to_have_text("1 call")
    expect(left).to_contain_text("1 failed")


def test_models_of_several_endpoints_are_offered_as_a_pool(pool: Serving, open_page: Open) -> None:
    page = open_page(pool)
    part(page, "model-select").click()
    offered = page.get_by_role("menuitemradio").filter(has_text="left, right")
    expect(offered).to_have_attribute("aria-checked", "true")
    page.keyboard.press("Escape")
    load(page, pool.url + "/?dialog=models&part=models")
    expect(part(page, "pool")).to_contain_text("left, right")


def test_an_endpoint_is_tested_added_tested_again_and_removed(
    serve: Callable[..., Serving], open_page: Open, fake_endpoint: Callable[..., int]
) -> None:
    port = fake_endpoint({"match": "", "answer": "Ready when you are."})
    server = serve()
    page = open_page(server, "/?dialog=models&part=connect")
    form = part(page, "connect-form")
    form.get_by_role("button", name="Another").click()
    form.get_by_label("Address").fill("http://127.0.0.1:9/v1")
    form.get_by_role("button", name="Test").click()
    expect(part(form, "test-result", ok="false")).to_contain_text("cannot be reached")
    form.get_by_label("Address").fill(f"http://127.0.0.1:{port}/v1")
    part(form, "test-result").wait_for(state="detached")
    form.get_by_role("button", name="Test").click()
    expect(part(form, "test-result", ok="true")).to_contain_text("Ready when you are.")
    expect(part(form, "test-result")).to_contain_text("first token after")
    _, known = server.call("GET", "/api/models")
    assert [one["name"] for one in known["endpoints"]] == ["small"]  # a test connects nothing

    part(form, "connect-more").locator("summary").click()
    form.get_by_label("Name", exact=True).fill("mine")
    form.get_by_label("Weight").fill("2.5")
    form.get_by_label("At once").fill("3")
    form.get_by_label("US dollars per million tokens read").fill("0.5")
    form.get_by_label("US dollars per million tokens written").fill("1.5")
    form.get_by_label("Aliases").fill("scripted steady")
    form.get_by_role("button", name="Connect").click()
    expect(form).to_contain_text("“scripted steady” is no alias")
    form.get_by_label("Aliases").fill("scripted = steady")
    form.get_by_role("button", name="Connect").click()
    expect(part(page, "pool")).to_contain_text("small, mine")

    part(page, "tab-endpoints").click()
    row = part(page, "endpoint-row", endpoint="mine")
    expect(row).to_contain_text("$0.50 in, $1.50 out")
    expect(row).to_contain_text("× 2.5")
    expect(part(row, "endpoint-load")).to_have_text("0 of 3")
    part(row, "test-endpoint").click()
    expect(part(row, "test-result", ok="true")).to_contain_text("Ready when you are.")

    part(row, "remove-endpoint").click()
    expect(part(page, "confirm-no")).to_be_focused()
    page.keyboard.press("Escape")  # takes the question back, and leaves the dialog
    expect(part(page, "confirm-no")).to_have_count(0)
    expect(row).to_be_visible()
    part(row, "remove-endpoint").click()
    part(row, "confirm-yes").click()
    expect(row).to_have_count(0)
    _, known = server.call("GET", "/api/models")
    assert [one["name"] for one in known["endpoints"]] == ["small"]


# ── the cache ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_answer_from_the_cache_says_what_it_saved_and_can_be_asked_anew(
    serve: Callable[..., Serving], open_page: Open
) -> None:
    server = serve(cache="true")
    page = open_page(server)
    ask(page, "What is an okapi", kind="chat")
    has_ended(page)
    expect(part(page, "cache-mark")).to_have_count(0)
    expect(part(page, "figure-cost")).to_be_visible()
    load(page, server.url)
    ask(page, "What is an okapi", kind="chat")
    has_ended(page)
    mark = part(page, "cache-mark", source="exact")
    expect(mark).to_contain_text("From cache · saved")
    hit = entries(server, run_id_of(page), "message_finished")[-1]["cache"]
    saved = hit["saved_input_tokens"] + hit["saved_output_tokens"]
    expect(mark).to_contain_text(f"{saved:,} tokens")
    expect(part(page, "figure-cost")).to_have_count(0)  # it cost nothing

    part(mark, "ask-anew").click()
    expect(part(page, "branches")).to_have_text("2/2")
    has_ended(page)
    expect(part(page, "cache-mark")).to_have_count(0)
    expect(part(page, "answer-text")).to_have_text("It is an okapi.")


def test_one_message_can_ask_for_a_fresh_answer(serve: Callable[..., Serving], open_page: Open) -> None:
    server = serve(cache="true")
    page = open_page(server)
    ask(page, "What is a quagga", kind="chat")
    has_ended(page)
    load(page, server.url)
    part(page, "limits-button").click()
    page.get_by_label("Make it anew, not from the cache").check()
    page.keyboard.press("Escape")
    expect(part(page, "limits-button")).to_contain_text("anew")
    ask(page, "What is a quagga", kind="chat")
    has_ended(page)
    expect(part(page, "cache-mark")).to_have_count(0)
    expect(part(page, "limits-button")).not_to_contain_text("anew")  # it was for one message


def test_a_question_that_means_the_same_is_named_beside_its_answer(
    serve: Callable[..., Serving], open_page: Open
) -> None:
    server = serve(cache="true")
    page = open_page(server, "/?dialog=models&part=cache")
    part(page, "cache-semantic").check()
    slider = part(page, "cache-threshold")
    expect(slider).to_be_visible()
    slider.focus()
    before = part(page, "threshold-words").inner_text()
    for _ in range(30):
        page.keyboard.press("ArrowLeft")
    expect(part(page, "threshold-words")).not_to_have_text(before)
    expect(slider).to_have_value("0.7")
    page.reload()
    expect(part(page, "cache-semantic")).to_be_checked()
    expect(slider).to_have_value("0.7")  # it is kept

    load(page, server.url)
    ask(page, "How do I boil an egg?", kind="chat")
    has_ended(page)
    mark = part(page, "cache-mark", source="semantic")
    for way in ("the way", "a way", "the best way"):  # a question does not wait for an embedder that is busy
        load(page, server.url)
        ask(page, f"What is {way} to boil an egg?", kind="chat")
        has_ended(page)
        if mark.count():
            break
    expect(mark).to_contain_text("boil an egg?” was asked")
    hit = entries(server, run_id_of(page), "message_finished")[-1]["cache"]
    expect(mark).to_contain_text(f"similarity {hit['score']:.2f}")


def test_the_cache_is_emptied_in_the_page(serve: Callable[..., Serving], open_page: Open) -> None:
    server = serve(cache="true")
    page = open_page(server)
    ask(page, "What is a dodo", kind="chat")
    has_ended(page)
    load(page, server.url + "/?dialog=models&part=cache")
    expect(part(page, "cache-settings")).to_contain_text("1 answer")
    part(page, "clear-cache").click()
    part(page, "confirm-yes").click()
    expect(part(page, "cache-settings")).to_contain_text("0 answers")
    _, report = server.call("GET", "/api/cache")
    assert report["entries"] == 0


# ── budgets ───────────────────────────────────────────────────────────────────────────────────────────────────────


def spend_of(server: Serving, scope: str) -> dict[str, Any]:
    _, report = server.call("GET", "/api/spend")
    return next(one for one in report["scopes"] if one["scope"] == scope)


def set_limit(page: Page, scope: str, field: str, value: str) -> Locator:
    """In the dialog that is open, give a budget this limit."""
    row = part(page, "scope", scope=scope)
    expect(part(row, "budget-form").or_(part(row, "edit-budget"))).to_be_visible()  # the dialog asks the server first
    if part(row, "budget-form").count() == 0:
        part(row, "edit-budget").click()
    row.get_by_label(field).fill(value)
    part(row, "save-budget").click()
    expect(part(row, "budget-form")).to_have_count(0)
    return row


def test_one_message_is_given_limits_of_its_own_and_ends_where_they_do(
    serve: Callable[..., Serving], open_page: Open
) -> None:
    server = serve()
    page = open_page(server)
    ask(page, "Tell at length of nothing", kind="chat")
    has_ended(page)
    prompt = sections_of(entries(server, run_id_of(page), "message_started")[-1])
    limit = prompt + 150

    load(page, server.url)
    part(page, "limits-button").click()
    page.get_by_label("Tokens", exact=True).fill(str(limit))
    page.keyboard.press("Escape")
    expect(part(page, "limits-button")).to_contain_text(f"≤ {limit:,} tokens")
    ask(page, "Tell at length of nothing", kind="chat")
    has_ended(page)
    run_id = run_id_of(page)
    assert entries(server, run_id, "run_started")[0]["tokens"] == limit
    assert entries(server, run_id, "message_finished")[-1]["finish_reason"] == "budget"
    note = part(page, "budget-note", scope="run")
    expect(note).to_contain_text("The answer ends here. The tokens for this run are used up")
    expect(part(page, "answer-text")).to_contain_text("long1 long2")
    expect(part(page, "limits-button")).not_to_contain_text("tokens")  # it was for one message

    part(note, "raise-budget").click()
    expect(part(page, "branches")).to_have_text("2/2")
    has_ended(page)
    assert entries(server, run_id_of(page), "run_started")[0]["tokens"] == 2 * limit


def test_a_budget_is_set_in_the_page_stops_what_goes_beyond_it_and_is_raised_from_there(
    serve: Callable[..., Serving], open_page: Open
) -> None:
    server = serve()
    page = open_page(server)
    part(page, "open-spend").click()
    expect(part(page, "spend-dialog")).to_be_visible()
    row = set_limit(page, "day", "Tokens", "20")
    expect(row).to_contain_text("0 of 20 tokens")
    page.reload()
    expect(part(page, "scope", scope="day")).to_contain_text("0 of 20 tokens")  # it is kept, and the address leads here
    page.keyboard.press("Escape")
    expect(part(page, "spend-dialog")).to_have_count(0)

    ask(page, "What is a heron", kind="chat")
    has_ended(page, "failed")
    expect(part(page, "run-error")).to_have_attribute("data-code", "budget_spent")
    part(page, "open-budgets").click()
    set_limit(page, "day", "Tokens", "")
    assert spend_of(server, "day")["tokens"]["limit"] == 0
    page.keyboard.press("Escape")
    part(page, "run-error").get_by_role("button", name="Try again").click()
    has_ended(page)
    expect(part(page, "answer-text")).to_have_text("It is a heron.")


def test_when_most_of_a_budget_is_used_the_chat_says_so_and_when_all_is_it_can_be_raised(
    serve: Callable[..., Serving], open_page: Open
) -> None:
    server = serve()
    page = open_page(server)
    ask(page, "Count the cranes", kind="chat")
    has_ended(page)
    usage = entries(server, run_id_of(page), "message_finished")[-1]["usage"]
    used = spend_of(server, "day")["tokens"]["used"]
    assert used == usage["input_tokens"] + usage["output_tokens"]
    load(page, page.url + "&dialog=spend&part=thread")
    expect(part(page, "scope", scope="thread").get_by_label("Tokens")).to_be_focused()
    # Room for the next turn, which has the first one in its prompt, and for little more.
    set_limit(page, "thread", "Tokens", str(round((2 * used + usage["output_tokens"] + 50) * 1.1)))
    page.keyboard.press("Escape")
    expect(part(page, "budget-note")).to_have_count(0)

    say(page, "Count the crows")
    warning = part(page, "turn").last.locator("[data-slot=budget-note][data-warning]")
    expect(warning).to_contain_text("Most of the tokens for this chat are used")
    part(warning, "raise-budget").click()
    expect(part(page, "scope", scope="thread").get_by_label("Tokens")).to_be_focused()
    page.keyboard.press("Escape")  # closes the form, and not the dialog
    expect(part(page, "used", measure="tokens", tone="warned")).to_be_visible()
    page.keyboard.press("Escape")

    part(page, "composer-text").fill("Count the jays")
    part(page, "composer-text").press("Enter")
    expect(part(page, "turn")).to_have_count(3)
    has_ended(page, "failed")
    expect(part(page, "run-error")).to_have_attribute("data-code", "budget_spent")
    part(page, "run-error").locator("[data-slot=open-budgets]").click()
    set_limit(page, "thread", "Tokens", "1000000")
    page.keyboard.press("Escape")
    part(page, "run-error").get_by_role("button", name="Try again").click()
    has_ended(page)
    expect(part(page, "answer-text").last).to_contain_text("count60")


def test_spend_is_shown_by_day_and_by_model(serve: Callable[..., Serving], open_page: Open) -> None:
    server = serve()
    page = open_page(server)
    ask(page, "What is a finch", kind="chat")
    has_ended(page)
    _, report = server.call("GET", "/api/spend")
    [model] = report["models"]
    page.keyboard.press("Control+k")
    expect(part(page, "palette")).to_be_visible()
    page.keyboard.type("spend")
    page.keyboard.press("Enter")
    table = part(page, "model-spend")
    row = table.get_by_role("row").filter(has_text=model["model"])
    expect(row).to_contain_text(f"{model['inputTokens']:,}")
    expect(row).to_contain_text(f"{model['outputTokens']:,}")
    expect(part(page, "day-chart").get_by_role("row")).to_have_count(2)  # the head, and today
    expect(part(page, "scope")).to_have_count(4)
    expect(part(page, "scope", scope="thread")).to_contain_text("tokens")


# ── everybody ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def tight(embedder_only: Callable[[], Path], rules_port: int) -> Generator[Serving]:
    """A server whose window is too small for a chat, and whose cache is on."""
    folder = embedder_only()
    (folder / "models.toml").write_text(SMALL.format(port=rules_port, window=1400))
    (folder / "models.toml").chmod(0o600)
    with running(folder, **PLAIN, cache="true") as serving:
        yield serving


@pytest.fixture(scope="module")
def told() -> dict[str, spending_views.Told]:
    """What the views show, once it has been asked: by the server that knows it."""
    return {}


@pytest.mark.parametrize("size", [(1440, 900), (390, 844)], ids=["wide", "phone"])
def test_axe_finds_no_violation_in_spending(
    tight: Serving, open_page: Open, told: dict[str, spending_views.Told], size: tuple[int, int]
) -> None:
    if tight.url not in told:
        told[tight.url] = spending_views.tell(tight, open_page(tight))
    page = open_page(tight, width=size[0], height=size[1])
    wrong = wrong_in(page, spending_views.VIEWS, told[tight.url])
    assert not wrong, "\n".join(wrong)


def test_the_keyboard_is_enough_for_windows_and_budgets(tight: Serving, open_page: Open) -> None:
    page = open_page(tight)
    ask(page, "What is a lapwing", kind="chat")
    has_ended(page)
    tab_to(page, "limits-button")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Tokens", exact=True)).to_be_focused()
    page.keyboard.press("Escape")
    expect(part(page, "limits-button")).to_be_focused()
    tab_to(page, "open-context")
    page.keyboard.press("Enter")
    expect(part(page, "panel-context")).to_be_visible()
    tab_to(page, "open-spend")
    page.keyboard.press("Enter")
    tab_to(page, "edit-budget")
    page.keyboard.press("Enter")
    expect(part(page, "budget-form").get_by_label("Tokens")).to_be_focused()
    page.keyboard.press("Escape")
    expect(part(page, "budget-form")).to_have_count(0)
    expect(part(page, "spend-dialog")).to_be_visible()
