"""Takes a picture of every screen, light and dark, wide and phone, against the mock server; asks axe about each.

    python test/shoot.py [http://127.0.0.1:4173] [folder] [names,of,screens]

The mock server's `--pool` gives it the endpoints, prices and budgets that some of the screens are about.

Needs Python's playwright and a Chromium. Fails if axe finds anything, or one scrolls sideways.
"""

import sys
from pathlib import Path

from playwright.sync_api import Page

REPO = Path(__file__).parents[2]
sys.path[:0] = [str(REPO / folder) for folder in ("tests/e2e", "scripts")]

from everybody import faults, in_theme  # noqa: E402
from shoot_health import Screen  # noqa: E402
from shoot_health import screens as health_screens  # noqa: E402
from shoot_learning import screens as learning_screens  # noqa: E402
from stage import chromium  # noqa: E402

BASE = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:4173"
OUT = Path(sys.argv[2] if len(sys.argv) > 2 else "/tmp/shots")
ONLY = sys.argv[3] if len(sys.argv) > 3 else ""
SIZES = {"wide": (1440, 900), "phone": (390, 844)}
THREAD = "/?thread=t_00001"


def ready(page: Page) -> None:
    page.wait_for_selector("[data-slot=connection][data-phase=online]", state="attached")
    page.wait_for_timeout(300)


def composer(page: Page):
    return page.locator("[data-slot=composer-text]")


def empty(page: Page) -> None:
    page.goto(BASE + "/")
    ready(page)
    page.wait_for_selector("[data-slot=example]")


def conversation(page: Page) -> None:
    page.goto(BASE + THREAD)
    ready(page)
    page.wait_for_selector("[data-slot=turn]")
    page.wait_for_timeout(500)


def top(page: Page) -> None:
    conversation(page)
    page.get_by_role("log").evaluate("log => { log.scrollTop = 0 }")
    page.wait_for_timeout(200)


def inspector(page: Page) -> None:
    page.goto(BASE + THREAD + "&inspect=1")
    ready(page)
    page.wait_for_selector("[data-slot=timeline] li")
    page.wait_for_timeout(300)


def why(page: Page) -> None:
    conversation(page)
    page.locator("[data-slot=kind-chip]").last.click()
    page.wait_for_selector("[data-slot=kind-why]")
    page.wait_for_timeout(250)


def streaming(page: Page) -> None:
    page.goto(BASE + "/")
    ready(page)
    composer(page).fill("Please think, then explain how a rainbow forms, at 40 tokens")
    page.wait_for_timeout(500)
    composer(page).press("Enter")
    page.wait_for_selector("[data-slot=answer-text]")
    page.wait_for_timeout(900)


def failed(page: Page) -> None:
    page.goto(BASE + "/")
    ready(page)
    composer(page).fill("Let this one fail at 400 please")
    composer(page).press("Enter")
    page.wait_for_selector("[data-slot=run-error]")
    page.wait_for_timeout(200)


def flaky(page: Page) -> None:
    page.goto(BASE + "/")
    ready(page)
    composer(page).fill("A flaky answer at 400 please")
    composer(page).press("Enter")
    page.wait_for_selector("[data-slot=attempt-failed]")
    page.wait_for_timeout(100)


def typed(page: Page) -> None:
    conversation(page)
    composer(page).fill("Write a short story about a lighthouse that has grown tired of the sea")
    page.wait_for_timeout(600)


def too_long(page: Page) -> None:
    conversation(page)
    composer(page).fill("A long line of notes. " * 1000)
    page.wait_for_timeout(300)


def models(page: Page) -> None:
    page.goto(BASE + "/?dialog=models")
    ready(page)
    page.wait_for_selector("[data-slot=models-dialog]")
    page.locator("[data-slot=tab-models]").click()
    page.locator("[data-slot=test-model]").first.click()
    page.wait_for_selector("[data-slot=probe]")
    page.wait_for_timeout(250)


def connect(page: Page) -> None:
    page.goto(BASE + "/?dialog=models")
    ready(page)
    page.locator("[data-slot=tab-connect]").click()
    page.wait_for_selector("[data-slot=found-server]")
    page.get_by_label("Key", exact=True).fill("sk-wrong")
    page.get_by_role("button", name="Connect", exact=True).click()
    page.wait_for_selector("[data-slot=problem]")
    page.wait_for_timeout(250)


def download(page: Page) -> None:
    page.goto(BASE + "/?dialog=models")
    ready(page)
    page.locator("[data-slot=tab-download]").click()
    page.wait_for_selector("[data-slot=catalog-model]")
    page.get_by_role("button", name="Download").nth(0).click()
    page.wait_for_selector("[role=progressbar]")
    page.wait_for_timeout(900)


def palette(page: Page) -> None:
    conversation(page)
    page.keyboard.press("Control+k")
    page.wait_for_selector("[role=listbox]")
    page.wait_for_timeout(250)


def rail(page: Page) -> None:
    conversation(page)
    if page.viewport_size["width"] < 768:
        page.locator("[data-slot=show-rail]").click()
    else:
        page.locator("[data-slot=thread-row]").nth(2).hover()
    page.wait_for_timeout(300)


def edit(page: Page) -> None:
    conversation(page)
    page.locator("[data-slot=turn]").last.hover()
    page.locator("[data-slot=edit]").last.click()
    page.wait_for_timeout(200)


def missing(page: Page) -> None:
    page.goto(BASE + "/?thread=t_nowhere")
    ready(page)
    page.wait_for_selector("[data-slot=thread-missing]")


COMPARE = "Compare heating a house with gas and with a heat pump: cost, climate, comfort"


def ask(page: Page, text: str, *, approve: bool = False) -> None:
    page.goto(BASE + "/")
    ready(page)
    pressed = page.locator("[data-slot=approve-toggle]").get_attribute("aria-pressed") == "true"
    if pressed != approve:
        page.locator("[data-slot=approve-toggle]").click()
    composer(page).fill(text)
    composer(page).press("Enter")


def beside(page: Page) -> None:
    """Without the inspector, which opens by itself: the conversation is the subject."""
    if page.viewport_size["width"] >= 1200:
        page.get_by_label("Close the inspector").click()
        page.mouse.move(0, 0)
        page.keyboard.press("Shift")


def plan_running(page: Page) -> None:
    ask(page, COMPARE + ", deep, at 40 tokens")
    page.wait_for_selector("[data-slot=task][data-task='2.1'][data-status=working]")
    page.wait_for_timeout(1500)
    beside(page)
    page.wait_for_timeout(200)


def plan_done(page: Page) -> None:
    ask(page, COMPARE + ", reassign, at 600")
    page.wait_for_selector("[data-slot=turn][data-status=completed]", timeout=40_000)
    beside(page)
    page.wait_for_timeout(300)


def plan_open(page: Page) -> None:
    ask(page, COMPARE + ", reassign, lose, at 600")
    page.wait_for_selector("[data-slot=turn][data-status=completed]", timeout=40_000)
    beside(page)
    page.locator("[data-slot=plan-summary]").click()
    page.wait_for_timeout(300)


def plan_stopped(page: Page) -> None:
    ask(page, COMPARE + ", reassign, at 30")
    page.wait_for_selector("[data-slot=task][data-task='2'][data-status=working]")
    beside(page)
    page.locator("[data-task='2'] [data-slot=stop-task]").click()
    page.locator("[data-slot=pause-run]").click()
    page.wait_for_selector("[data-slot=task][data-task='2'][data-status=canceled]")
    page.wait_for_selector("[data-slot=task][data-task='3'][data-assignment='2']", timeout=20_000)
    page.wait_for_timeout(1200)


def approval(page: Page) -> None:
    ask(page, COMPARE, approve=True)
    page.wait_for_selector("[data-slot=plan-approval]")
    beside(page)
    page.locator("[data-slot=add-task]").click()
    page.wait_for_timeout(300)


def question(page: Page) -> None:
    ask(page, COMPARE + ", ask me, at 400")
    page.wait_for_selector("[data-slot=question]")
    beside(page)
    page.wait_for_selector("[data-slot=task][data-task='3'][data-status=completed]", timeout=20_000)
    page.wait_for_timeout(300)


def answered(page: Page) -> None:
    ask(page, COMPARE + ", ask me, look it up, at 400", approve=True)
    page.locator("[data-slot=approve-plan]").click()
    beside(page)
    page.locator("[data-slot=question-option]").first.click()
    page.locator("[data-slot=allow]").click()
    page.wait_for_selector("[data-slot=turn][data-status=completed]", timeout=40_000)
    page.get_by_role("log").evaluate("log => { log.scrollTop = 0 }")
    page.wait_for_timeout(300)


def tool_approval(page: Page) -> None:
    ask(page, COMPARE + ", look it up, at 400")
    page.wait_for_selector("[data-slot=tool-approval]")
    beside(page)
    page.wait_for_timeout(300)


def answered_in(page: Page, text: str) -> None:
    ask(page, text)
    page.wait_for_selector("[data-slot=turn][data-status=completed]", timeout=40_000)
    page.wait_for_timeout(300)


def left_out(page: Page) -> None:
    answered_in(page, "Explain a rainbow in a tight window, at 900")


def window(page: Page) -> None:
    left_out(page)
    page.locator("[data-slot=open-context]").click()
    page.wait_for_selector("[data-slot=trims]")
    page.wait_for_timeout(400)


def cached(page: Page) -> None:
    answered_in(page, "An alike haiku about rain")


def failover(page: Page) -> None:
    ask(page, "Explain a rainbow with a failover, at 40")
    page.wait_for_selector("[data-slot=failover]")
    page.wait_for_timeout(1500)


def budget_stop(page: Page) -> None:
    answered_in(page, "Explain a rainbow within a budget, at 900")


def limits(page: Page) -> None:
    conversation(page)
    page.locator("[data-slot=limits-button]").click()
    page.get_by_label("Tokens", exact=True).fill("2000")
    page.get_by_label("Money", exact=True).fill("0.05")
    page.wait_for_timeout(250)


def endpoints(page: Page) -> None:
    page.goto(BASE + "/?dialog=models&part=endpoints")
    ready(page)
    page.locator("[data-slot=test-endpoint]").nth(1).click()
    page.wait_for_selector("[data-slot=test-result]")
    page.locator("[data-slot=remove-endpoint]").last.click()
    page.wait_for_timeout(250)


def add_endpoint(page: Page) -> None:
    page.goto(BASE + "/?dialog=models&part=connect")
    ready(page)
    page.get_by_role("button", name="Another").click()
    page.get_by_label("Address").fill("https://api.groq.com/openai/v1")
    page.locator("[data-slot=connect-more] summary").click()
    page.locator("[data-slot=try-endpoint]").click()
    page.wait_for_selector("[data-slot=test-result]")
    page.locator("[data-slot=try-endpoint]").scroll_into_view_if_needed()
    page.wait_for_timeout(250)


def cache(page: Page) -> None:
    page.goto(BASE + "/?dialog=models&part=cache")
    ready(page)
    page.wait_for_selector("[data-slot=cache-threshold]")
    page.wait_for_timeout(250)


def spend(page: Page) -> None:
    page.goto(BASE + THREAD + "&dialog=spend")
    ready(page)
    page.wait_for_selector("[data-slot=model-spend]")
    page.mouse.move(0, 0)
    page.wait_for_timeout(250)


def spend_models(page: Page) -> None:
    spend(page)
    page.locator("[data-slot=model-spend]").scroll_into_view_if_needed()
    page.wait_for_timeout(250)


def budget_form(page: Page) -> None:
    page.goto(BASE + THREAD + "&dialog=spend&part=thread")
    ready(page)
    page.wait_for_selector("[data-slot=budget-form]")
    page.wait_for_timeout(250)


def memory(page: Page, query: str = "") -> None:
    page.goto(BASE + "/?page=memory" + query)
    ready(page)
    shown = ("memory-row", "empty-memory", "memory-page")
    page.wait_for_selector(", ".join(f"[data-slot={name}]" for name in shown), state="attached")
    page.wait_for_timeout(300)


def memory_list(page: Page) -> None:
    memory(page)


def memory_search(page: Page) -> None:
    memory(page)
    page.locator("[data-slot=memory-search]").fill("quiet hotel in porto")
    page.wait_for_selector("[data-slot=found-line]")
    page.locator("[data-slot=memory-why]").nth(1).click()
    page.mouse.move(0, 0)
    page.wait_for_timeout(300)


def memory_detail(page: Page) -> None:
    memory(page, "&memory=m_0001")
    page.wait_for_selector("[data-slot=memory-history]")
    page.wait_for_timeout(300)


def memory_edit(page: Page) -> None:
    memory_detail(page)
    page.locator("[data-slot=memory-edit]").click()
    page.locator("[data-slot=memory-draft]").fill("The trip to Porto is from 13 to 20 October, with Nora and Jonas.")
    page.request.patch(
        BASE + "/api/memories/m_0001",
        data={"version": version_of(page, "m_0001"), "text": "The trip to Porto is from 12 to 18 October, with Nora."},
    )
    page.locator("[data-slot=memory-save]").click()
    page.wait_for_selector("[data-slot=memory-conflict]")
    page.request.patch(
        BASE + "/api/memories/m_0001",
        data={"version": version_of(page, "m_0001"), "text": "The trip to Porto is from 12 to 19 October, with Nora."},
    )
    page.wait_for_timeout(300)


def version_of(page: Page, memory_id: str) -> int:
    return page.request.get(f"{BASE}/api/memories/{memory_id}").json()["memory"]["version"]


def memory_map(page: Page) -> None:
    page.goto(BASE + "/?page=map")
    ready(page)
    page.wait_for_selector("[data-slot=map-list-item]")
    page.wait_for_timeout(400)
    if page.viewport_size["width"] > 800:
        page.locator("[data-slot=map-list-item]").nth(3).hover()
    else:
        page.locator("[data-slot=map-list-item]").nth(3).focus()
    page.wait_for_timeout(300)


def memory_map_run(page: Page) -> None:
    page.goto(BASE + "/?page=map&thread=t_00001&run=r_00001")
    ready(page)
    page.wait_for_selector("[data-slot=map-lit]")
    page.wait_for_selector("[data-slot=map-list-item]")
    page.locator("[data-slot=map-colour]").select_option("agent")
    page.wait_for_timeout(400)


def memory_empty(page: Page) -> None:
    none = {"memories": [], "total": 0, "next": None, "ms": 0.1, "dense": True}
    page.route("**/api/memories?*", lambda route: route.fulfill(json=none))
    memory(page)


def memory_import(page: Page) -> None:
    memory(page)
    page.locator("[data-slot=memory-menu]").click()
    page.locator("[data-slot=import-memories]").click()
    lines = [
        '{"text": "Jonas is allergic to hazelnuts.", "kind": "semantic"}',
        '{"text": "Nora cooks on Wednesdays.", "kind": "belief"}',
        "this is no JSON",
        '{"text": ""}',
    ]
    page.locator("[data-slot=import-file]").set_input_files(
        {"name": "memories.jsonl", "mimeType": "application/x-ndjson", "buffer": "\n".join(lines).encode()}
    )
    page.wait_for_selector("[data-slot=import-report]")
    page.mouse.move(0, 0)
    page.wait_for_timeout(300)


def memory_add(page: Page) -> None:
    memory(page)
    page.locator("[data-slot=add-memory]").click()
    page.locator("[data-slot=new-memory-text]").fill("The bakery closes at noon on 24 December.")
    page.wait_for_timeout(250)


def run_memory(page: Page) -> None:
    ask(page, COMPARE + ", at 900")
    page.wait_for_selector("[data-slot=turn][data-status=completed]", timeout=40_000)
    page.locator("[data-slot=open-recalled]").click()
    page.wait_for_selector("[data-slot=stored-memory]", state="attached")
    page.locator("[data-slot=recalled] summary").first.click()
    page.wait_for_timeout(400)


def run_memory_left_out(page: Page) -> None:
    answered_in(page, "How loud is a heat pump at the neighbour's window, by words only, at 900")
    page.locator("[data-slot=open-recalled]").click()
    page.locator("[data-slot=missed] summary").first.click()
    page.locator("[data-slot=missed]").first.scroll_into_view_if_needed()
    page.wait_for_timeout(400)


def citations(page: Page) -> None:
    answered_in(page, "Look back: which heating curve does the handbook give, and what if rooms stay cold? At 900")
    page.wait_for_timeout(300)


def files(page: Page) -> None:
    page.goto(BASE + "/?page=knowledge")
    ready(page)
    page.wait_for_selector("[data-slot=file]")


def knowledge(page: Page) -> None:
    files(page)
    page.wait_for_timeout(300)


def knowledge_failed(page: Page) -> None:
    files(page)
    page.locator("[data-slot=choose-files-input]").set_input_files(
        [
            {"name": "minutes locked.pdf", "mimeType": "application/pdf", "buffer": b"x" * 4000},
            {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": bytes(4000)},
            {"name": "empty.txt", "mimeType": "text/plain", "buffer": b""},
        ]
    )
    page.wait_for_selector("[data-slot=file][data-name='minutes locked.pdf'][data-state=failed]")
    page.wait_for_timeout(600)
    scroll = "each => { each.closest('[role=region]').scrollTop = each.offsetTop }"
    page.locator("[data-slot=uploads]").evaluate(scroll)
    page.wait_for_timeout(200)


def knowledge_search(page: Page) -> None:
    files(page)
    page.locator("[data-slot=file-search]").fill("rooms stay cold")
    page.wait_for_selector("[data-slot=file-hit]")
    page.locator("[data-slot=file-hit] summary").first.click()
    page.locator("[data-slot=file-search]").scroll_into_view_if_needed()
    page.wait_for_timeout(300)


def knowledge_file(page: Page) -> None:
    files(page)
    page.locator("[data-slot=file][data-name='handbook.pdf'] [data-slot=open-file]").click()
    page.wait_for_selector("[data-slot=piece-text]")
    if page.viewport_size["width"] >= 1024:
        page.get_by_label("Pieces of the file").locator("[data-slot=piece]").nth(3).click()
        page.mouse.move(0, 0)
    else:
        page.locator("[data-slot=piece-text]").nth(3).click()
    page.wait_for_timeout(400)


def dashboard_as(page: Page, mode: str, query: str = "") -> None:
    """`mode`: what the mock server makes of metrics, by a cookie that no other screen may see."""
    page.context.add_cookies([{"name": "metrics", "value": mode, "url": BASE}])
    page.goto(f"{BASE}/?page=dashboard{query}")
    ready(page)
    page.wait_for_selector("[data-slot=board][data-loaded=true]", state="attached")
    page.wait_for_timeout(1500)
    page.context.clear_cookies()


def dashboard(page: Page) -> None:
    dashboard_as(page, "busy", "&range=6h")


def dashboard_live(page: Page) -> None:
    dashboard_as(page, "busy")
    page.locator("[data-chart=first_token] .u-over").hover(position={"x": 80, "y": 60})
    page.wait_for_timeout(200)


def dashboard_week(page: Page) -> None:
    dashboard_as(page, "busy", "&range=7d")
    page.locator("#dashboard-resources").scroll_into_view_if_needed()
    page.wait_for_timeout(500)


def dashboard_tables(page: Page) -> None:
    dashboard_as(page, "busy", "&range=24h")
    page.locator("[data-slot=table-route]").scroll_into_view_if_needed()
    page.wait_for_timeout(500)


def dashboard_behind(page: Page) -> None:
    dashboard_as(page, "busy", "&range=6h&behind=first_token_p95_ms")
    page.wait_for_selector("[data-slot=behind-run]")
    page.wait_for_timeout(300)


def dashboard_empty(page: Page) -> None:
    dashboard_as(page, "fresh")


SCREENS = [
    *health_screens(BASE, ready),
    *learning_screens(BASE, ready),
    run_memory,
    run_memory_left_out,
    citations,
    knowledge,
    knowledge_failed,
    knowledge_search,
    knowledge_file,
    memory_list,
    memory_search,
    memory_detail,
    memory_edit,
    memory_map,
    memory_map_run,
    memory_empty,
    memory_import,
    memory_add,
    left_out,
    window,
    cached,
    failover,
    budget_stop,
    limits,
    endpoints,
    add_endpoint,
    cache,
    spend,
    spend_models,
    budget_form,
    empty,
    conversation,
    top,
    inspector,
    why,
    streaming,
    failed,
    flaky,
    typed,
    too_long,
    models,
    connect,
    download,
    palette,
    rail,
    edit,
    missing,
    plan_running,
    plan_done,
    plan_open,
    plan_stopped,
    approval,
    question,
    answered,
    tool_approval,
    dashboard,
    dashboard_live,
    dashboard_week,
    dashboard_tables,
    dashboard_behind,
    dashboard_empty,
]


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    wrong = 0
    with chromium() as browser:
        for size, (width, height) in SIZES.items():
            viewport = {"width": width, "height": height}
            context = browser.new_context(viewport=viewport, has_touch=size == "phone", reduced_motion="reduce")
            for screen in SCREENS:
                if ONLY and screen.__name__ not in ONLY.split(","):
                    continue
                page = context.new_page()
                page.on("console", lambda m: print("console:", m.text) if m.type in ("error", "warning") else None)
                page.on("pageerror", lambda e: print("page error:", e))
                for each in shoot(page, screen, size):
                    wrong += 1
                    print(f"{screen.__name__}-{size}: {each}")
                page.close()
            context.close()
    print("wrong:", wrong)
    sys.exit(1 if wrong else 0)


def shoot(page: Page, screen: Screen, size: str) -> list[str]:
    """Take the screen in both themes; what is wrong with it."""
    try:
        screen(page)
        for theme in ("dark", "light"):
            in_theme(page, theme)
            page.screenshot(path=OUT / f"{screen.__name__}-{theme}-{size}.png")
        return faults(page, dark=True)
    except Exception as error:
        page.screenshot(path=OUT / f"{screen.__name__}-light-{size}.png")
        return [str(error)[:400]]


main()
