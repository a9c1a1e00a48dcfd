"""The built page in a real browser, on a real server."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from planned_page import MODELS, TEAM, load
from playwright.sync_api import Browser, Page, expect
from stage import chromium, scripted_endpoint

from serving import REPO, Serving, running

PATIENCE_MS = 60_000  # the machine may have much else to do
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def built_page() -> Path:
    """The page as the server serves it; `make test` has built it."""
    page = REPO / "frontend" / "out" / "index.html"
    assert page.exists(), "the page is not built: run `make setup`"
    return page


@pytest.fixture(scope="session")
def browser() -> Generator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def open_page(browser: Browser, built_page: Path) -> Generator[Callable[..., Page]]:
    """Open the page of a server. At the end no script may have failed, nothing may have been asked of elsewhere, and
    the page's policy may have had nothing to refuse."""
    pages: list[Page] = []
    wrong: list[str] = []

    def open_(server: Serving, path: str = "/", *, width: int = 1280, height: int = 860, dark: bool = False) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
        )
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: wrong.append(f"script error: {error}"))
        page.add_init_script(
            "addEventListener('securitypolicyviolation', (event) =>"
            " console.error(`refused by policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`))"
        )
        page.on("console", lambda said: wrong.append(said.text) if said.text.startswith("refused by policy") else None)
        page.on(
            "request",
            lambda request: (
                None if request.url.startswith((server.url, "data:", "blob:")) else wrong.append(f"asked {request.url}")
            ),
        )
        load(page, server.url + path)
        pages.append(page)
        return page

    yield open_
    for page in pages:
        page.context.close()
    assert wrong == []


@pytest.fixture(scope="session")
def embedder_only(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> Callable[[], Path]:
    """Make fresh folders for servers, with the embedding model in them."""

    def make() -> Path:
        folder = tmp_path_factory.mktemp("server")
        models = folder / "data" / "models"
        models.mkdir(parents=True)
        (models / "minilm").symlink_to(data_dir.absolute() / "models" / "minilm")
        return folder

    return make


@pytest.fixture(scope="session")
def scripted(embedder_only: Callable[[], Path]) -> Generator[Serving]:
    """A server that answers by script, shared by the tests that do not break it."""
    with running(embedder_only()) as serving:
        yield serving


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> Generator[Serving]:
    """A server as a new user has it: the embedded model and nothing else."""
    folder = tmp_path_factory.mktemp("embedded")
    (folder / "data").mkdir()
    (folder / "data" / "models").symlink_to(data_dir.absolute() / "models")
    with running(folder, embedded="true", scripted="false", model=None) as serving:
        yield serving


@pytest.fixture
def fake_endpoint(tmp_path: Path) -> Generator[Callable[..., int]]:
    """Serve the scripted model with the given rules: gives the port."""
    with contextlib.ExitStack() as stack:
        yield lambda *rules: stack.enter_context(scripted_endpoint(tmp_path, rules))


@pytest.fixture(scope="module")
def rules_port(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[int]:
    """Where an endpoint serves the RULES of the test's module."""
    with scripted_endpoint(tmp_path_factory.mktemp("endpoint"), request.module.RULES) as port:
        yield port


@pytest.fixture(scope="module")
def team_folder(rules_port: int, embedder_only: Callable[[], Path]) -> Callable[[], Path]:
    """Make fresh folders for servers whose agents are answered by that endpoint; start them with TEAM."""

    def make() -> Path:
        folder = embedder_only()
        (folder / "models.toml").write_text(MODELS.format(port=rules_port))
        (folder / "models.toml").chmod(0o600)
        return folder

    return make


@pytest.fixture(scope="module")
def team(team_folder: Callable[[], Path]) -> Generator[Serving]:
    """A server whose agents say what the RULES of the test's module say."""
    with running(team_folder(), **TEAM) as serving:
        yield serving
