"""What a real browser makes of the entry: the page's policy, signing in, and pages of other sites."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from serving import Serving, running
from token_mint import bearer, make_token

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
_WATCH = "addEventListener('securitypolicyviolation', (event) => (window.refused ??= []).push(event.violatedDirective))"


@pytest.fixture(scope="module")
def guarded(embedder_only: Callable[[], Path], built_page: Path) -> Generator[Serving]:
    assert built_page.exists()
    with running(embedder_only(), require_tokens="true") as serving:
        yield serving


@pytest.fixture
def page(browser: Browser) -> Generator[Page]:
    context = browser.new_context(reduced_motion="reduce")
    context.add_init_script(_WATCH)
    yield context.new_page()
    context.close()


@pytest.fixture
def other_site() -> Generator[str]:
    """A page of another origin: the same machine, another port."""

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>elsewhere</title>")

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    # A thread for each connection: a browser opens some in advance, and says nothing on them for a minute.
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def sign_in(page: Page, token: str) -> int:
    """From within the page; the status."""
    return page.evaluate(
        """async (token) => (await fetch('/api/session', {
            method: 'POST', headers: {'content-type': 'application/json'}, body: JSON.stringify({token}),
        })).status""",
        token,
    )


def test_a_page_signs_in_and_converses_under_its_policy(guarded: Serving, page: Page) -> None:
    page.goto(guarded.url)
    assert sign_in(page, "guess") == 401
    assert sign_in(page, make_token(guarded.folder, "ada")) == 200
    page.goto(guarded.url)
    page.wait_for_selector("[data-slot=connection][data-phase=online]", state="attached")
    composer = page.locator("[data-slot=composer-text]")
    composer.fill("!say hello from a page")
    composer.press("Enter")
    expect(page.locator("[data-slot=answer-text]")).to_contain_text("hello from a page")
    assert page.evaluate("document.cookie") == "", "no script can read the cookie"
    assert page.evaluate("window.refused ?? []") == []


def test_what_is_injected_does_not_run_and_reaches_nobody(guarded: Serving, page: Page, other_site: str) -> None:
    page.goto(guarded.url)
    page.evaluate(
        """async (elsewhere) => {
            const script = document.createElement('script');
            script.textContent = 'window.ran = true';
            document.body.append(script);
            const button = document.createElement('button');
            button.setAttribute('onclick', 'window.ran = true');
            document.body.append(button);
            button.click();
            try { await fetch(elsewhere) } catch { window.unreached = true }
            const frame = document.createElement('iframe');
            frame.src = elsewhere;
            document.body.append(frame);
            const base = document.createElement('base');
            base.href = elsewhere;
            document.head.append(base);
        }""",
        other_site,
    )
    page.wait_for_function("(window.refused ?? []).length >= 5")
    assert page.evaluate("window.ran") is None
    assert page.evaluate("window.unreached") is True
    refused = {directive.partition("-src")[0] for directive in page.evaluate("window.refused")}
    assert refused == {"script", "connect", "frame", "base-uri"}


def test_the_page_of_another_site_gets_nothing(guarded: Serving, page: Page, other_site: str) -> None:
    page.goto(guarded.url)
    assert sign_in(page, make_token(guarded.folder, "visitor")) == 200
    page.goto(other_site)
    ends = page.evaluate(
        """(url) => new Promise((done) => {
            const socket = new WebSocket(url.replace('http', 'ws') + '/ws?protocol=1');
            socket.onopen = () => done('opened');
            socket.onerror = () => done('refused');
        })""",
        guarded.url,
    )
    assert ends == "refused"
    for mode in ("cors", "no-cors"):
        options = {"method": "POST", "mode": mode, "credentials": "include", "body": '{"title":"forged"}'}
        page.evaluate(
            "([url, options]) => fetch(url, options).catch(() => null)", [f"{guarded.url}/api/threads", options]
        )
    page.evaluate(
        "(url) => new Promise((done) => { const image = new Image(); image.onerror = done; image.src = url })",
        f"{guarded.url}/icon.svg",
    )
    framed = page.evaluate(
        """(url) => new Promise((done) => {
            const frame = document.createElement('iframe');
            frame.onload = () => done(frame.contentDocument === null);
            frame.src = url;
            document.body.append(frame);
        })""",
        guarded.url,
    )
    assert framed, "nothing of it can be read"
    visitor = make_token(guarded.folder, "visitor again", owner="visitor")
    assert guarded.call("GET", "/api/threads", **bearer(visitor))[1]["threads"] == []


def test_the_description_of_the_api_is_shown_without_a_network(guarded: Serving, page: Page, browser: Browser) -> None:
    page.goto(guarded.url)
    assert sign_in(page, make_token(guarded.folder, "reader")) == 200
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{guarded.url}/docs")
    expect(page.get_by_text("/api/threads/{thread_id}", exact=True).first).to_be_visible()
    assert page.evaluate("window.refused ?? []") == []
    assert [url for url in asked if not url.startswith(guarded.url)] == []
    assert page.evaluate("getComputedStyle(document.body).maxWidth") != "none", "its style is taken"
