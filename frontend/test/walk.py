"""Walks through the page as a person would, against a mock server of its own, and checks what is to be seen.

    python test/walk.py

Needs a built page, Python's playwright, a Chromium at /usr/bin/chromium and Node.
"""

import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

PORT = 4199
BASE = f"http://127.0.0.1:{PORT}"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HERE = Path(__file__).parent


def serve() -> subprocess.Popen[bytes]:
    server = subprocess.Popen(["node", str(HERE / "mock-server.mjs"), "--port", str(PORT)], stdout=subprocess.DEVNULL)
    for _ in range(100):
        try:
            urllib.request.urlopen(BASE)
            return server
        except OSError:
            time.sleep(0.05)
    raise SystemExit("the mock server did not start")


def part(page: Page, name: str):
    return page.locator(f"[data-slot={name}]")


def open_page(page: Page, address: str = "/") -> None:
    page.goto(BASE + address)
    expect(part(page, "connection")).to_have_attribute("data-phase", "online")


def say(page: Page, text: str) -> None:
    part(page, "composer-text").fill(text)
    part(page, "composer-text").press("Enter")


def a_new_chat(page: Page) -> None:
    open_page(page)
    part(page, "example").first.click()
    expect(part(page, "user-text")).to_have_text("Write a haiku about rain.")
    expect(part(page, "figures")).to_be_visible()
    expect(part(page, "answer-text")).to_contain_text("Soft rain on the roof")
    assert "thread=" in page.url
    expect(part(page, "outgoing")).to_have_count(0)
    say(page, "Explain how a rainbow forms")
    expect(part(page, "turn")).to_have_count(2)
    expect(part(page, "figures")).to_have_count(2)
    page.go_back()
    expect(part(page, "empty-state")).to_be_visible()
    page.go_forward()
    expect(part(page, "turn")).to_have_count(2)


def stop_and_two_at_once(page: Page) -> None:
    open_page(page)
    say(page, "long 4000 at 60")
    expect(part(page, "answer-text")).to_be_visible()
    say(page, "And a haiku meanwhile")
    expect(part(page, "turn")).to_have_count(2)
    expect(part(page, "figures")).to_have_count(1)
    part(page, "stop").click()
    expect(part(page, "turn").first).to_have_attribute("data-status", "canceled")
    expect(part(page, "send")).to_be_visible()


def branches(page: Page) -> None:
    open_page(page, "/?thread=t_00001")
    versions = part(page, "branches")
    expect(versions).to_have_text("2/2")
    expect(part(page, "answer-text").last).to_contain_text("heat pump")
    page.get_by_role("button", name="Earlier version").click()
    expect(versions).to_have_text("1/2")
    expect(part(page, "answer-text").last).to_contain_text("Soft rain")
    page.reload()
    expect(part(page, "branches")).to_have_text("1/2")
    part(page, "turn").last.hover()
    part(page, "edit").last.click()
    page.get_by_label("Edit your message").fill("A haiku about snow")
    page.get_by_role("button", name="Send", exact=True).first.click()
    expect(part(page, "branches")).to_have_text("3/3")
    expect(part(page, "user-text").last).to_have_text("A haiku about snow")
    expect(part(page, "figures")).to_have_count(2)
    part(page, "retry").last.click()
    page.get_by_role("menuitem", name="Answer again").click()
    expect(part(page, "branches")).to_have_text("4/4")


def cut_and_resumed(page: Page) -> None:
    open_page(page)
    say(page, "cut long 600 at 150")
    expect(part(page, "answer-text")).to_be_visible()
    page.wait_for_function("document.querySelector('[data-slot=connection]').dataset.phase !== 'online'", polling=20)
    expect(part(page, "answer-text")).to_be_visible()
    expect(part(page, "connection")).to_have_attribute("data-phase", "online")
    expect(part(page, "figures")).to_be_visible(timeout=15_000)
    whole = part(page, "answer-text").inner_text()
    page.reload()
    expect(part(page, "figures")).to_be_visible()
    assert part(page, "answer-text").inner_text() == whole, "the text after a reload is another"


def offline_queue(page: Page) -> None:
    open_page(page)
    part(page, "thread-row").filter(has_text="TCP").click()
    expect(part(page, "turn")).to_have_count(1)
    server.terminate()
    server.wait()
    expect(part(page, "connection")).to_have_attribute("data-phase", re.compile("waiting|connecting"))
    say(page, "Sent while the server was away")
    expect(part(page, "outgoing")).to_contain_text("Will be sent when the connection is back")
    restart()
    part(page, "try-now").click(timeout=20_000)
    expect(part(page, "figures")).to_have_count(2, timeout=20_000)


def failures(page: Page) -> None:
    open_page(page)
    say(page, "flaky at 500")
    expect(part(page, "attempt-failed")).to_contain_text("Trying again in 1.20 s (attempt 2)")
    expect(part(page, "figures")).to_be_visible()
    expect(part(page, "attempts")).to_contain_text("It took 2 attempts")
    say(page, "fail at 500")
    expect(part(page, "run-error")).to_contain_text("cannot be reached")
    say(page, "refuse this")
    expect(part(page, "outgoing").locator("[data-slot=problem]")).to_contain_text("The disk is full")
    page.get_by_role("button", name="Back to the text field").click()
    expect(part(page, "composer-text")).to_have_value("refuse this")


def the_list(page: Page) -> None:
    open_page(page)
    part(page, "thread-search").fill("sour")
    expect(part(page, "thread-row")).to_have_count(1)
    part(page, "thread-search").fill("")
    row = part(page, "thread-row").filter(has_text="Sourdough")
    row.dblclick()
    part(page, "rename").fill("Bread")
    part(page, "rename").press("Enter")
    row = part(page, "thread-row").filter(has_text="Bread")
    expect(row).to_be_visible()
    row.hover()
    row.get_by_role("button").click()
    page.get_by_role("menuitem", name="Delete").click()
    expect(row).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(row).to_be_visible()


def kinds(page: Page) -> None:
    open_page(page)
    part(page, "composer-text").fill("Compare trains and planes")
    expect(part(page, "kind-select")).to_have_attribute("data-preview", "analytical")
    part(page, "composer-text").press("Enter")
    expect(part(page, "figures")).to_be_visible(timeout=15_000)
    part(page, "kind-chip").click()
    part(page, "kind-why").locator("button[data-kind=creative]").click()
    page.locator("[data-slot=answer-again-as]").click()
    expect(part(page, "branches")).to_have_text("2/2")
    expect(part(page, "kind-chip")).to_have_attribute("data-kind", "creative")


def models(page: Page) -> None:
    open_page(page)
    expect(part(page, "model-note")).to_have_attribute("data-state", "tiny")
    part(page, "connect-model").click()
    page.locator("[data-slot=found-server] button").click()
    expect(part(page, "notice")).to_contain_text("answers from now on")
    page.keyboard.press("Escape")
    expect(part(page, "model-note")).to_have_count(0)
    expect(part(page, "model-select")).to_have_attribute("data-model", "ollama/qwen3:8b")


def following(page: Page) -> None:
    open_page(page)
    say(page, "long 3000 at 300")
    expect(part(page, "answer-text")).to_be_visible()
    page.wait_for_timeout(2500)
    log = page.get_by_role("log")
    left = "log => log.scrollHeight - log.scrollTop - log.clientHeight"
    assert log.evaluate(left) < 4, "does not follow the end"
    log.hover()
    page.mouse.wheel(0, -600)
    page.wait_for_timeout(300)
    top = log.evaluate("log => log.scrollTop")
    page.wait_for_timeout(600)
    assert abs(log.evaluate("log => log.scrollTop") - top) < 2, "moves while one reads"
    part(page, "jump-to-latest").click()
    page.wait_for_timeout(600)
    assert log.evaluate(left) < 4, "does not follow again"


def keys(page: Page) -> None:
    open_page(page, "/?thread=t_00001")
    page.keyboard.press("Control+k")
    page.keyboard.type("tcp")
    page.keyboard.press("Enter")
    expect(part(page, "thread-title")).to_have_text("Difference between TCP and QUIC")
    page.keyboard.press("Control+i")
    expect(part(page, "timeline").locator("li")).to_have_count(5)
    page.keyboard.press("Control+i")
    expect(part(page, "inspector")).to_have_count(0)
    page.keyboard.press("Control+Shift+o")
    expect(part(page, "empty-state")).to_be_visible()


def restart() -> None:
    global server
    server = serve()


server = serve()
failed = 0
try:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        chosen = sys.argv[1:]
        walks = [
            a_new_chat,
            stop_and_two_at_once,
            branches,
            cut_and_resumed,
            failures,
            the_list,
            kinds,
            following,
            keys,
            models,
            offline_queue,
        ]
        for walk in walks:
            if chosen and walk.__name__ not in chosen:
                continue
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.on("pageerror", lambda error: print("page error:", error))
            try:
                walk(page)
                print("ok  ", walk.__name__)
            except AssertionError as error:
                failed += 1
                print("FAIL", walk.__name__, "\n", str(error)[:1200])
                page.screenshot(path=f"/tmp/walk-{walk.__name__}.png")
            except Exception as error:  # noqa: BLE001 (report every walk)
                failed += 1
                print("FAIL", walk.__name__, "\n", str(error)[:1200])
                page.screenshot(path=f"/tmp/walk-{walk.__name__}.png")
            page.close()
        browser.close()
finally:
    server.terminate()
sys.exit(1 if failed else 0)
