"""What a streaming answer costs the page's main thread: 5,000 tokens at 1,000 a second, in Chromium, on a real server.

The built page (`frontend/out`) is served by Alma, the task is typed into it, the answer comes over its WebSocket from
the scripted model: Markdown of sixteen like sections, 300 tokens each (heading, prose, list, code, table), with 200
tokens of prose between the eighth and the ninth.

Chromium's own trace tells the cost, so nothing is measured from inside the page: CPU time of the renderer's main thread
in all its tasks (script, style, layout, paint, garbage collection), by animation frame. CPU time, because on a shared
machine the time on the clock counts the neighbours too; it stands beside it. A frame lasts from its start to the next
one's, so that work done between two frames counts. The first and last 600 tokens are the first and last 12 % of the
time in which the answer came. They hold two sections each, but fall differently into frames, and 36 frames scatter:
the medians of some rounds count, with a quarter allowed.

First load: every script that the browser fetched to show `/` for the first time, gzipped.
"""

from __future__ import annotations

import bisect
import contextlib
import gzip
import json
import random
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, Response, sync_playwright

from bench import rig

TOKENS, RATE, SECTIONS, SECTION = 5000, 1000, 16, 300
SHARE = 600 / TOKENS
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
WORDS = (
    "the a harbour lamp keeps its light because every ship that passes needs one **steady** point to steer by and "
    "when fog comes in from the north a `signal` is rung by hand until morning while the crew waits below, counting"
)
PIECE = re.compile(r"\s*\S+")


def prose(chance: random.Random, tokens: int) -> str:
    words = [chance.choice(WORDS.split()) for _ in range(tokens)]
    words[15::16] = [word + "." for word in words[15::16]]
    return " ".join(words)


def section(chance: random.Random, number: int) -> str:
    items = "\n".join(f"- {prose(chance, 10)}" for _ in range(6))
    code = "\n".join(f"    value_{line} = measure(lamp[{line}], every={chance.randrange(99)})" for line in range(12))
    rows = "\n".join(f"| {chance.choice(WORDS.split())} | {row} | {chance.randrange(999)} |" for row in range(5))
    rest = (
        f"{items}\n\n```python\ndef watch(lamp):\n{code}\n    return value_0\n```\n\n"
        f"| what | row | seen |\n|---|---|---|\n{rows}"
    )
    head = f"\n\n## Section {number}\n\n"
    room = SECTION - len(PIECE.findall(head + rest))
    return f"{head}{prose(chance, room)}\n\n{rest}"


def answer() -> list[str]:
    """5,000 pieces, each a word with the white space before it."""
    chance = random.Random(5000)
    half = [section(chance, number + 1) for number in range(SECTIONS)]
    half.insert(SECTIONS // 2, "\n\n" + prose(chance, TOKENS - SECTIONS * SECTION))
    pieces = [piece for part in half for piece in PIECE.findall(part)]
    assert len(pieces) == TOKENS, len(pieces)
    return pieces


def ready(page: Page) -> None:
    page.wait_for_selector("[data-slot=connection][data-phase=online]", state="attached")
    page.wait_for_timeout(500)


def first_load(browser: Browser, url: str) -> dict[str, float]:
    """KB (1,024 bytes) of script, gzipped, and how many files."""
    responses: list[Response] = []
    with contextlib.closing(browser.new_context()) as context:
        page = context.new_page()
        page.on("response", lambda response: responses.append(response))
        page.goto(url + "/", wait_until="networkidle")
        ready(page)
        bodies = [one.body() for one in responses if "javascript" in one.headers.get("content-type", "") and one.ok]
    return {
        "first_load_js_kb": round(sum(len(gzip.compress(body)) for body in bodies) / 1024, 1),
        "first_load_scripts": len(bodies),
    }


def stream(browser: Browser, url: str) -> list[dict[str, Any]]:
    """One answer; returns the trace's events."""
    with contextlib.closing(browser.new_context(viewport={"width": 1440, "height": 900})) as context:
        page = context.new_page()
        page.goto(url + "/")
        ready(page)
        box = page.locator("[data-slot=composer-text]")
        box.fill("Tell me all about lighthouses.")
        browser.start_tracing(page=page, categories=["toplevel", "devtools.timeline"])
        box.press("Enter")
        page.wait_for_selector("[data-slot=figures]", timeout=60_000)
        page.wait_for_timeout(300)
        trace = json.loads(browser.stop_tracing())["traceEvents"]
        headings = page.locator("[data-slot=answer-text]").get_by_role("heading").count()
        assert headings == SECTIONS, f"{headings} of {SECTIONS} headings are on the page"
    return trace


def costs(trace: list[dict[str, Any]]) -> dict[str, float]:
    """ms of the main thread by frame, while the answer came."""
    threads = {(e["pid"], e["tid"]): e["args"]["name"] for e in trace if e["name"] == "thread_name"}
    received = sorted(e["ts"] for e in trace if e["name"] == "WebSocketReceive")
    # The first and the last few frames are the run's facts, not its text.
    began, ended = received[4], received[-5]
    fired = [e for e in trace if e["name"] == "FireAnimationFrame" and began <= e["ts"] <= ended]
    main = max({(e["pid"], e["tid"]) for e in fired}, key=lambda at: sum((e["pid"], e["tid"]) == at for e in fired))
    assert threads[main] == "CrRendererMain", threads[main]
    ours = [e for e in trace if (e["pid"], e["tid"]) == main]
    frames = sorted(
        e["ts"] for e in ours if e["name"] == "AnimationFrame" and e["ph"] == "b" and began <= e["ts"] <= ended
    )
    cpu, clock = [0.0] * len(frames), [0.0] * len(frames)
    for task in outermost(ours):
        frame = bisect.bisect_right(frames, task["ts"]) - 1
        if frame >= 0 and task["ts"] <= ended:
            cpu[frame] += task.get("tdur", task["dur"]) / 1000
            clock[frame] += task["dur"] / 1000
    head = bisect.bisect_right(frames, began + (ended - began) * SHARE)
    tail = bisect.bisect_left(frames, ended - (ended - began) * SHARE)

    def mean(values: list[float]) -> float:
        return sum(values) / len(values)

    return {
        "mean_ms": mean(cpu),
        "median_ms": rig.median(cpu),
        "p95_ms": rig.quantile(cpu, 0.95),
        "max_ms": max(cpu),
        "mean_clock_ms": mean(clock),
        "p95_clock_ms": rig.quantile(clock, 0.95),
        "first_600_ms": mean(cpu[:head]),
        "last_600_ms": mean(cpu[tail:]),
        "first_600_us_per_token": 1000 * sum(cpu[:head]) / 600,
        "last_600_us_per_token": 1000 * sum(cpu[tail:]) / 600,
        "frames_per_s": len(frames) / (ended - began) * 1e6,
        "seconds": (ended - began) / 1e6,
        "socket_frames": len(received),
    }


def outermost(events: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The thread's tasks without those that ran inside another."""
    end = 0.0
    tasks = (e for e in events if e["name"] == "ThreadControllerImpl::RunTask" and e["ph"] == "X")
    for task in sorted(tasks, key=lambda e: (e["ts"], -e["dur"])):
        if task["ts"] >= end:
            end = task["ts"] + task["dur"]
            yield task


def write_script(path: Path) -> None:
    path.write_text(json.dumps([{"pieces": answer(), "delay": 1 / RATE}]))


def main() -> int:
    quick = rig.options(__doc__).quick
    rounds: list[dict[str, float]] = []
    with rig.scratch() as folder:
        write_script(folder / "rules.json")
        with rig.fake_model(folder / "rules.json") as fake, sync_playwright() as playwright:
            alma = rig.start_alma(folder / "data", fake_port=fake.port)
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium") or shutil.which("chromium-headless-shell"), args=FLAGS.split()
            )
            try:
                load = first_load(browser, alma.url)
                for _ in range(2 if quick else 5):
                    rounds.append(costs(stream(browser, alma.url)))
                    print(", ".join(f"{name} {value:.2f}" for name, value in rounds[-1].items()))
            finally:
                browser.close()
                alma.stop()
    figures = {name: round(rig.median([one[name] for one in rounds]), 3) for name in rounds[0]} | load
    growth = rig.median([one["last_600_ms"] / one["first_600_ms"] for one in rounds])
    figures["last_over_first"] = round(growth, 3)
    print(", ".join(f"{name} {value}" for name, value in figures.items()))
    targets = {
        "main_thread_ms_per_frame": (figures["mean_ms"], "<=", 8.0),
        "last_600_over_first_600": (growth, "<=", 1.25),
        "first_load_js_kb": (load["first_load_js_kb"], "<=", 250.0),
    }
    return rig.report("page", figures, targets)


if __name__ == "__main__":
    sys.exit(main())
