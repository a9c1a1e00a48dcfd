"""The screens of learning, for `shoot.py`: what one says of answers, what is believed, tried and told."""

from collections.abc import Callable

from playwright.sync_api import Page

Screen = Callable[[Page], None]


def screens(base: str, ready: Screen) -> list[Screen]:
    def shown(page: Page, address: str, slot: str) -> None:
        page.goto(base + address)
        ready(page)
        page.wait_for_selector(f"[data-slot={slot}]")
        page.mouse.move(0, 0)
        page.wait_for_timeout(400)

    def part(page: Page, name: str, slot: str, item: str = "") -> None:
        shown(page, f"/?page=learning&part={name}" + (f"&item={item}" if item else ""), slot)

    def press(page: Page, slot: str, waits_for: str) -> None:
        page.locator(f"[data-slot={slot}]").first.click()
        page.wait_for_selector(f"[data-slot={waits_for}]")
        page.mouse.move(0, 0)
        page.wait_for_timeout(300)

    def feedback(page: Page) -> None:
        shown(page, "/?thread=t_00001", "thumb-down")
        if page.locator("[data-slot=thumb-down]").last.get_attribute("aria-pressed") == "true":
            page.locator("[data-slot=thumb-down]").last.click()  # by an earlier picture: it is taken back
            page.wait_for_selector("[data-slot=thumb-down][aria-pressed=true]", state="detached")
        page.locator("[data-slot=thumb-down]").last.click()
        page.wait_for_selector("[data-slot=feedback-reason]")
        page.locator("[data-slot=feedback-reason]").last.scroll_into_view_if_needed()
        page.mouse.move(0, 0)
        page.wait_for_timeout(300)

    def feedback_edit(page: Page) -> None:
        shown(page, "/?thread=t_00001", "edit-answer-open")
        page.locator("[data-slot=edit-answer-open]").last.click()
        page.wait_for_selector("[data-slot=edit-answer-form]")
        page.locator("[data-slot=edit-answer-form]").last.scroll_into_view_if_needed()
        page.wait_for_timeout(300)

    def learned_why(page: Page) -> None:
        shown(page, "/?thread=t_00005&inspect=1&tab=why", "chosen")
        page.locator("[data-slot=lessons] summary").click()
        page.locator("[data-slot=lessons]").scroll_into_view_if_needed()
        page.wait_for_timeout(300)

    def learning_records(page: Page) -> None:
        part(page, "records", "record")

    def learning_record(page: Page) -> None:
        part(page, "records", "why-run", "role:writer")

    def learning_preferences(page: Page) -> None:
        part(page, "records", "record")
        press(page, "change-preferences", "preference-form")

    def learning_router(page: Page) -> None:
        part(page, "router", "arms", "analytical~manager")

    def learning_versions(page: Page) -> None:
        part(page, "versions", "version")
        press(page, "reflect", "draft-form")
        page.locator("[data-slot=draft-how]").select_option("gepa")

    def learning_version(page: Page) -> None:
        part(page, "versions", "version-diff", "v:v_0003")

    def learning_prompt(page: Page) -> None:
        part(page, "versions", "prompt-text", "new:prompt:writer")

    def learning_notes(page: Page) -> None:
        part(page, "versions", "note-text", "new:notes:writer")

    def learning_policy(page: Page) -> None:
        part(page, "versions", "add-way", "new:policy:writer")
        press(page, "add-way", "policy-way")

    def learning_lessons(page: Page) -> None:
        part(page, "lessons", "lesson")
        press(page, "open-lesson", "lesson-detail")

    def learning_shares(page: Page) -> None:
        part(page, "shares", "role-share")

    def learning_lab(page: Page) -> None:
        part(page, "lab", "lab-form", "drift~alma,thompson~900~20")
        press(page, "lab-run", "lab-table")
        page.locator("[data-slot=lab-result]").evaluate("each => each.scrollIntoView()")
        page.wait_for_timeout(400)

    def memory_refinement(page: Page) -> None:
        shown(page, "/?page=memory&part=refinement", "pass")
        press(page, "preview-refinement", "refinement-preview")

    return [
        feedback,
        feedback_edit,
        learned_why,
        learning_records,
        learning_record,
        learning_preferences,
        learning_router,
        learning_versions,
        learning_version,
        learning_prompt,
        learning_notes,
        learning_policy,
        learning_lessons,
        learning_shares,
        learning_lab,
        memory_refinement,
    ]
