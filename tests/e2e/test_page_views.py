"""Every view of planned runs is for everybody: in both themes, in both sizes, by keyboard."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import views
from everybody import wrong_in
from planned_page import ask, calls, has_ended, joins, look, part, plans, says, tab_to, task
from playwright.sync_api import Page, expect

from serving import Serving

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
Open = Callable[..., Page]
TOWER = "Find out why the tower of the church leans"
RULES = [
    *views.RULES,
    plans(
        TOWER,
        task("researcher", "Measure how far the tower leans", title="Angle"),
        task("analyst", "Weigh why the tower leans", 1, title="Reasons"),
    ),
    calls("Measure how far the tower leans", ("ask_user", {"question": "Which tower?", "options": ["North", "South"]})),
    says("Measure how far the tower leans", "By two degrees."),
    says("Weigh why the tower leans", "Its ground is wet."),
    joins(TOWER, "The ground of the tower is wet [2]."),
]


@pytest.fixture(scope="module")
def told() -> dict[str, views.Told]:
    """The stories, once they have been told: by the server that knows them."""
    return {}


@pytest.mark.parametrize("size", [(1440, 900), (390, 844)], ids=["wide", "phone"])
def test_axe_finds_no_violation_in_a_planned_run(
    team: Serving, open_page: Open, told: dict[str, views.Told], size: tuple[int, int]
) -> None:
    if team.url not in told:
        told[team.url] = views.tell(team, open_page(team))
    page = open_page(team, width=size[0], height=size[1])
    wrong = wrong_in(page, views.VIEWS, told[team.url])
    assert not wrong, "\n".join(wrong)


def test_the_keyboard_is_enough_for_a_planned_run(team: Serving, open_page: Open) -> None:
    page = open_page(team)
    ask(page, TOWER, approve=True)
    expect(part(page, "plan-approval")).to_be_visible()
    tab_to(page, "approve-plan")
    page.keyboard.press("Enter")
    expect(part(page, "question")).to_be_visible()
    tab_to(page, "question-option")
    page.keyboard.press("Enter")
    has_ended(page)

    # Tabs, nodes, a task, and back out.
    look(page, "plan")
    part(page, "tab-plan").focus()
    page.keyboard.press("ArrowRight")
    expect(part(page, "panel-why")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    tab_to(page, "plan-node")
    for _ in range(4):
        if page.evaluate("document.activeElement.dataset.task") == "2":
            break
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(part(page, "task-detail")).to_have_attribute("data-task", "2")
    page.keyboard.press("Escape")
    expect(part(page, "task-detail")).to_have_count(0)

    # Back in time and to the present.
    look(page, "timeline")
    tab_to(page, "playhead")
    page.keyboard.press("ArrowLeft")
    expect(part(page, "scrub-bar")).to_be_visible()
    page.keyboard.press("Escape")
    expect(part(page, "scrub-bar")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(part(page, "inspector")).to_have_count(0)
    tab_to(page, "plan-summary")
    page.keyboard.press("Enter")
    expect(part(page, "task")).to_have_count(2)
