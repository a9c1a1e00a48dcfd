"""The screens of health and access, for `shoot.py`. Cookies tell the mock server what there is to be seen."""

from collections.abc import Callable

from playwright.sync_api import Page

Screen = Callable[[Page], None]


def screens(base: str, ready: Screen) -> list[Screen]:
    def told(page: Page, *cookies: str) -> None:
        page.context.clear_cookies()
        page.context.add_cookies([{"name": each, "value": "1", "url": base} for each in cookies])

    def health_part(page: Page, part: str, slot: str, *cookies: str) -> None:
        told(page, *cookies)
        page.goto(f"{base}/?page=health&part={part}")
        ready(page)
        page.wait_for_selector(f"[data-slot={slot}]")
        page.context.clear_cookies()
        page.wait_for_timeout(250)
        while page.get_by_role("button", name="Dismiss").count() > 0:
            page.get_by_role("button", name="Dismiss").last.click()
        page.mouse.move(0, 0)
        page.wait_for_timeout(250)

    def health(page: Page) -> None:
        health_part(page, "components", "component", "unwell")

    def health_well(page: Page) -> None:
        health_part(page, "components", "component")

    def health_alerts(page: Page) -> None:
        health_part(page, "alerts", "alert", "unwell")

    def health_rule(page: Page) -> None:
        health_part(page, "alerts", "rule")
        for name in ("many_chats", "responses_slow"):
            page.locator(f"[data-slot=rule][data-name={name}] summary").click()
        page.locator("[data-slot=channel][data-name=mail] [data-slot=test-channel]").click()
        page.wait_for_selector("[data-slot=channel-said]")
        page.mouse.move(0, 0)
        page.wait_for_timeout(250)

    def health_errors(page: Page) -> None:
        health_part(page, "errors", "error-group")

    def health_error(page: Page) -> None:
        health_part(page, "errors", "error-group")
        page.locator("[data-slot=open-error]").first.click()
        page.wait_for_selector("[data-slot=traceback]")
        page.wait_for_timeout(250)

    def health_reports(page: Page) -> None:
        health_part(page, "reports", "open-report")
        page.locator("[data-slot=open-report]").first.click()
        page.wait_for_selector("[data-slot=report] table")
        page.mouse.move(0, 0)
        page.wait_for_timeout(250)

    def tokens(page: Page) -> None:
        health_part(page, "tokens", "token")
        page.locator("[data-slot=add-token]").click()
        page.get_by_label("Name", exact=True).fill("kitchen tablet")
        page.locator("[data-slot=make-token]").click()
        page.wait_for_selector("[data-slot=secret]")
        page.mouse.move(0, 0)
        page.wait_for_timeout(250)

    def token_form(page: Page) -> None:
        health_part(page, "tokens", "token")
        page.locator("[data-slot=add-token]").click()
        page.get_by_label("Name", exact=True).fill("kitchen tablet")
        page.wait_for_timeout(250)

    def alert_notice(page: Page) -> None:
        told(page, "unwell")
        page.goto(f"{base}/?thread=t_00001")
        ready(page)
        page.wait_for_selector("[data-slot=notice]")
        page.context.clear_cookies()
        page.wait_for_timeout(400)

    def sign_in(page: Page) -> None:
        told(page, "guarded")
        page.goto(base + "/")
        page.wait_for_selector("[data-slot=token-field]")
        page.wait_for_timeout(400)

    def sign_in_refused(page: Page) -> None:
        sign_in(page)
        page.locator("[data-slot=token-field]").fill("alma_late")
        page.locator("[data-slot=sign-in-send]").click()
        page.wait_for_selector("[data-slot=sign-in-problem]")
        page.wait_for_timeout(250)
        page.context.clear_cookies()

    def account(page: Page) -> None:
        sign_in(page)
        page.locator("[data-slot=token-field]").fill("alma_anna")
        page.locator("[data-slot=sign-in-send]").click()
        ready(page)
        if not page.locator("[data-slot=account]").is_visible():
            page.locator("[data-slot=show-rail]").click()
        page.locator("[data-slot=account]").filter(visible=True).click()
        page.wait_for_selector("[data-slot=account-menu]")
        page.context.clear_cookies()
        page.wait_for_timeout(250)

    def limited(page: Page) -> None:
        told(page)
        page.goto(base + "/?thread=t_00001")
        ready(page)
        page.locator("[data-slot=composer-text]").fill("And what is it like when I am limited?")
        page.locator("[data-slot=composer-text]").press("Enter")
        page.wait_for_selector("[data-slot=held-back]")
        page.wait_for_timeout(400)

    return [
        health,
        health_well,
        health_alerts,
        health_rule,
        health_errors,
        health_error,
        health_reports,
        tokens,
        token_form,
        alert_notice,
        sign_in,
        sign_in_refused,
        account,
        limited,
    ]
