"""Whether a page is there for everybody: what axe finds in it, in both themes, and whether it scrolls sideways."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

from playwright.sync_api import Page

Told = TypeVar("Told")
_AXE = Path(__file__).parents[2] / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
_OF_COLOURS = ["color-contrast", "link-in-text-block"]  # rules that a theme can break which the other one keeps


def faults(page: Page, *, dark: bool = False) -> list[str]:
    """One line of each. `dark`: what has to do with colours is looked at in the dark theme too, and the page is light
    again afterwards."""
    found = _axe(page, {})
    if dark:
        in_theme(page, "dark")
        found += [f"dark: {each}" for each in _axe(page, {"runOnly": _OF_COLOURS})]
        in_theme(page, "light")
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [*found, f"scrolls sideways by {wide} px"] if wide > 0 else found


def wrong_in(page: Page, views: Sequence[Callable[[Page, Told], object]], told: Told) -> list[str]:
    """What is wrong in these views of a page, in either theme."""
    wrong: list[str] = []
    for view in views:
        view(page, told)
        wrong += [f"{getattr(view, '__name__', 'view')}: {each}" for each in faults(page, dark=True)]
    return wrong


def in_theme(page: Page, theme: Literal["light", "dark"]) -> None:
    """Let the system have that theme, and the page follow it."""
    page.emulate_media(color_scheme=theme)
    page.wait_for_function(
        "theme => document.documentElement.classList.contains('dark') === (theme === 'dark')", arg=theme
    )


def _axe(page: Page, options: dict[str, Any]) -> list[str]:
    if not page.evaluate("'axe' in window"):
        page.evaluate(_AXE.read_text())
    asked = json.dumps({"resultTypes": ["violations"], "preload": False, **options})
    violations = page.evaluate(f"axe.run(document, {asked}).then((found) => found.violations)")
    return [
        f"{each['id']}: {each['nodes'][0].get('failureSummary', '')} "
        + "; ".join(node["html"][:200] for node in each["nodes"][:3])
        for each in violations
    ]
