"""What tests of planned runs in the page share: what the agents of a story say, and how a person asks and looks.

A fake endpoint serves the rules, so that a test decides what each agent says, how fast, and when one of them asks,
calls a tool or fails. Every story has a request of its own, so that all of them fit on one server.
"""

from __future__ import annotations

import json
import re
from typing import Any

from playwright.sync_api import Locator, Page, expect

from serving import Serving

Rule = dict[str, Any]
FAST, STEADY, SLOW = 0.002, 0.03, 0.1  # seconds between two words
MODELS = """default = "fake/steady"
[[endpoint]]
name = "fake"
base_url = "http://127.0.0.1:{port}/v1"
models = ["steady", "other"]
concurrency = 64
context_window = 32768
"""
# Settings of a server on that endpoint: a budget for every run, and a tool that needs leave.
TEAM: dict[str, object] = {"model": None, "scripted": "false", "python_tool": "true", "run_tokens": 60_000}
ENDS = ("completed", "failed", "canceled")


# ── what the agents say ───────────────────────────────────────────────────────────────────────────────────────────


def task(role: str, goal: str, *depends_on: int, title: str = "", review_of: int | None = None) -> dict[str, Any]:
    """A task as a model plans it. Its goal has a word of the request."""
    return {
        "role": role,
        "title": title,
        "goal": goal,
        "inputs": [],
        "depends_on": list(depends_on),
        "expected": "",
        "done_when": "",
        "review_of": review_of,
    }


def plans(request: str, *tasks: dict[str, Any]) -> Rule:
    """The Manager splits the request so."""
    said = json.dumps({"action": "plan", "reason": "Its parts can be worked on apart.", "question": "", "tasks": tasks})
    return {"match": rf"(?s)^Decide how.*The request:\n{re.escape(request)}", "pieces": re.findall(r"[^,]*,?", said)}


def joins(request: str, answer: str, delay: float = FAST) -> Rule:
    """The Manager joins the results, or answers without a plan."""
    return {"match": rf"(?:The request: |^){re.escape(request)}$", "answer": answer, "delay": delay}


def says(goal: str, answer: str, delay: float = FAST, **more: Any) -> Rule:
    """Whoever has this goal answers so."""
    return {"match": rf"(?:^|\n){re.escape(goal)}$", "answer": answer, "delay": delay, **more}


def calls(goal: str, *asked: tuple[str, dict[str, Any]]) -> Rule:
    """Whoever has this goal, and has read nothing else yet, first calls these tools (name, arguments), once."""
    made = [{"id": f"m{at}", "name": name, "arguments": json.dumps(given)} for at, (name, given) in enumerate(asked)]
    return {"match": f"^{re.escape(goal)}$", "tool_calls": made, "finish_reason": "tool_calls", "times": 1}


def words(word: str, count: int) -> str:
    """A text of which every word can be told from the others."""
    return " ".join(f"{word}{number}" for number in range(1, count + 1))


# ── what a person does and sees ───────────────────────────────────────────────────────────────────────────────────


def load(page: Page, address: str) -> None:
    """Load the page anew. It is there once it is online: what is clicked before that may be lost."""
    page.goto(address)
    page.wait_for_selector("[data-slot=connection][data-phase=online]", state="attached")


def part(page: Page | Locator, name: str, /, **data: object) -> Locator:
    """All with this `data-slot`, and with these `data-` attributes besides."""
    more = "".join(f"[data-{key}={json.dumps(str(value))}]" for key, value in data.items())
    return page.locator(f"[data-slot={name}]{more}")


def ask(page: Page, request: str, *, approve: bool = False, kind: str | None = "analytical") -> None:
    """Send a request as one of that kind; None: the Manager finds out. `approve`: see its plan first."""
    if kind is not None and part(page, "kind-select").get_attribute("data-kind") != kind:
        part(page, "kind-select").click()
        page.get_by_role("menuitemradio", name=kind.capitalize()).click()
    pressed = part(page, "approve-toggle").get_attribute("aria-pressed") == "true"
    if pressed != approve:
        part(page, "approve-toggle").click()
    part(page, "composer-text").fill(request)
    part(page, "composer-text").press("Enter")
    page.wait_for_url(re.compile("thread="))
    expect(part(page, "turn")).to_be_visible()


def look(page: Page, tab: str) -> Locator:
    """Open a tab of the inspector; of a run under way it opens by itself where there is room."""
    wide = page.evaluate("innerWidth >= 1200")
    if wide and part(page, "turn").last.get_attribute("data-status") not in ENDS:
        expect(part(page, "inspector")).to_be_visible()
    elif "inspect=1" not in page.url:
        part(page, "toggle-inspector").click()
    part(page, f"tab-{tab}").click()
    return part(page, f"panel-{tab}")


def has_ended(page: Page, status: str = "completed") -> None:
    expect(part(page, "turn").last).to_have_attribute("data-status", status, timeout=120_000)


def tab_to(page: Page, slot: str) -> None:
    """Press Tab until the focus is on this part."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement?.dataset.slot") == slot:
            return
    raise AssertionError(f"the keyboard does not reach {slot}")


def run_id_of(page: Page) -> str:
    found = part(page, "turn").last.get_attribute("data-run")
    assert found
    return found


def path_of(server: Serving, page: Page) -> str:
    return page.url.removeprefix(server.url)


def entries(server: Serving, run_id: str, kind: str, task_id: str | None = None) -> list[dict[str, Any]]:
    """The journal's entries of a kind, of one task or of all."""
    _, found = server.call("GET", f"/api/runs/{run_id}/entries")
    all_entries = [one["entry"] for one in found["entries"] if one["entry"]["type"] == kind]
    return [one for one in all_entries if task_id is None or one.get("task_id", "main") == task_id]


def text_of(server: Serving, run_id: str, task_id: str = "main") -> list[str]:
    """The words of a task's result, as the journal has them."""
    return entries(server, run_id, "message_finished", task_id)[-1]["text"].split()


def lengths_until(page: Page, growing: str, end: str) -> list[int]:
    """Lengths of the text at the selector `growing`, frame by frame, until something matches `end`."""
    return page.evaluate(
        """async ([growing, end]) => {
            const seen = [];
            const late = performance.now() + 30_000;
            while (!document.querySelector(end) && performance.now() < late) {
                seen.push(document.querySelector(growing)?.textContent.length ?? 0);
                await new Promise(requestAnimationFrame);
            }
            return seen;
        }""",
        [growing, end],
    )
