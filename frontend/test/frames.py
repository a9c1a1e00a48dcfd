"""Measures what an answer costs the main thread per frame while it streams: 5,000 tokens at 1,000 tokens/s.

    python test/frames.py [http://127.0.0.1:4173] [mixed|paragraph|code|list|table ...]

Prints main-thread ms per animation frame for the first 600 tokens, the last 600, and all of them. Against the mock
server; needs Python's playwright and a Chromium at /usr/bin/chromium.
"""

import sys
import time

from playwright.sync_api import sync_playwright

BASE = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:4173"
SHAPES = sys.argv[2:] or ["mixed", "paragraph", "code", "list", "table"]
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
TOKENS, RATE = 5000, 1000
COUNT_FRAMES = """() => {
  window.__frames = 0; window.__worst = 0; let last = performance.now();
  const step = (now) => { window.__frames++; window.__worst = Math.max(window.__worst, now - last); last = now; requestAnimationFrame(step) };
  requestAnimationFrame(step);
}"""
STATE = """() => ({
  frames: window.__frames, worst: window.__worst,
  chars: document.querySelector('[data-slot=answer-text]')?.textContent.length ?? 0,
  done: !!document.querySelector('[data-slot=figures]'),
})"""


def measure(page, cdp, shape: str) -> None:
    page.goto(BASE + "/")
    page.wait_for_selector("[data-slot=connection][data-phase=online]", state="attached")
    page.wait_for_timeout(500)
    page.evaluate(COUNT_FRAMES)
    box = page.locator("[data-slot=composer-text]")
    box.fill(f"long {TOKENS} {shape if shape != 'mixed' else ''} at {RATE}")
    box.press("Enter")
    page.wait_for_selector("[data-slot=answer-text]")
    page.evaluate("() => { window.__worst = 0 }")
    samples = []
    while True:
        metrics = {m["name"]: m["value"] for m in cdp.send("Performance.getMetrics")["metrics"]}
        state = page.evaluate(STATE)
        samples.append((state, metrics))
        if state["done"]:
            break
        time.sleep(0.1)

    def between(first: int, last: int) -> str:
        (a, ma), (b, mb) = samples[first], samples[last]
        frames = max(1, b["frames"] - a["frames"])
        per = lambda name: (mb[name] - ma[name]) * 1000 / frames  # noqa: E731
        return (
            f"{per('TaskDuration'):5.2f} ms/frame (script {per('ScriptDuration'):.2f}, style {per('RecalcStyleDuration'):.2f}, "
            f"layout {per('LayoutDuration'):.2f}; {frames} frames)"
        )

    last = len(samples) - 2
    total = samples[last][0]["chars"]
    share = 600 / TOKENS
    head = next(i for i, (s, _) in enumerate(samples) if s["chars"] >= total * share)
    tail = max(i for i, (s, _) in enumerate(samples) if s["chars"] <= total * (1 - share))
    print(f"{shape:10} {total} chars; first 600: {between(0, head)}")
    print(f"{'':10} last 600:  {between(tail, last)}")
    marks = [next(i for i, (s, _) in enumerate(samples) if s["chars"] >= total * q / 5) for q in range(6)]
    for q in range(5):
        print(f"{'':10} fifth {q + 1}:   {between(marks[q], min(last, marks[q + 1]))}")
    print(f"{'':10} all:       {between(0, last)}; longest frame {samples[last][0]['worst']:.0f} ms")


with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
    for shape in SHAPES:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        cdp = page.context.new_cdp_session(page)
        cdp.send("Performance.enable")
        measure(page, cdp, shape)
        page.close()
    browser.close()
