"""Alerts and health of a real server: a rule that a failing run makes true, told over page, webhook and e-mail."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from alma.observability.health_checks import NAMES
from hook_server import posts_to
from observability.test_channels import mail_server
from serving import Serving, running
from token_mint import bearer, make_token

pytestmark = pytest.mark.slow

RULES = """
[too_many_failed]
summary = "Runs fail here"
hint = "Look at them."
metric = "runs_failed"
window_s = 4
above = 0
"""


class Page:
    """A page that watches."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self._ws = ws

    async def say(self, **command: object) -> None:
        await self._ws.send_str(json.dumps({"id": "c", **command}))

    async def until(self, name: str) -> dict[str, Any]:
        while True:
            event = json.loads((await self._ws.receive(timeout=120)).data)
            if name in (event.get("name"), event["type"]):
                return event.get("value") or event


@asynccontextmanager
async def page_of(server: Serving) -> AsyncGenerator[Page]:
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{server.url}/ws?protocol=1") as ws:
        yield Page(ws)


@asynccontextmanager
async def hook() -> AsyncGenerator[tuple[str, asyncio.Queue[dict[str, Any]]]]:
    """A receiver of webhooks that refuses the first one."""
    got: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    refusals = iter([503])

    async def take(request: web.Request) -> web.Response:
        status = next(refusals, 200)
        if status == 200:
            got.put_nowait(await request.json())
        return web.Response(status=status)

    async with posts_to("/", take) as address:
        yield address, got


async def fail_a_run(page: Page, key: str) -> None:
    await page.say(type="run.start", key=key, text="!status 401", kind="chat")
    await page.until("RUN_ERROR")


async def call(server: Serving, method: str, path: str, body: object = None) -> Any:
    status, said = await asyncio.to_thread(server.call, method, path, body)
    assert status == 200, said
    return said


async def test_from_a_run_that_fails_to_whoever_is_to_know_of_it(tmp_path: Path) -> None:
    tmp_path.joinpath("alerts.toml").write_text(RULES)
    with mail_server() as (mail_address, box):
        async with hook() as (url, got):
            settings = {"alert_webhook": url, "smtp_url": f"smtp://{mail_address}", "alert_mail": "ann@example.org"}
            with running(tmp_path, alerts_file=tmp_path / "alerts.toml", **settings) as server:
                async with page_of(server) as page:
                    assert await page.until("alma.alerts") == {"firing": []}
                    await fail_a_run(page, "1")
                    (firing,) = (await page.until("alma.alerts"))["firing"]
                    assert (firing["rule"], firing["summary"], firing["hint"]) == (
                        "too_many_failed",
                        "Runs fail here",
                        "Look at them.",
                    )
                    began = await asyncio.wait_for(got.get(), 30)
                    assert (began["what"], began["id"], began["value"]) == ("firing", firing["id"], 1)

                    async with page_of(server) as another:
                        told = await another.until("alma.alerts")
                        assert [one["rule"] for one in told["firing"]] == ["too_many_failed"], "who comes later knows"

                    assert (await page.until("alma.alerts"))["firing"] == []
                    ended = await asyncio.wait_for(got.get(), 30)
                    assert (ended["what"], ended["id"]) == ("ended", firing["id"])
                    while len(box.mails) < 2:
                        await asyncio.sleep(0.02)
                    subjects = [mail["Subject"] for mail in box.mails]
                    assert subjects == ["[Alma, warning] Runs fail here", "[Alma, over] Runs fail here"]

                    alerts = await call(server, "GET", "/api/alerts")
                    (kept,) = alerts["history"]
                    assert kept["told"] == {"page": "ok", "log": "ok", "webhook": "ok", "mail": "ok"}
                    assert kept["endedAt"] > kept["firedAt"]
                    assert [one["name"] for one in alerts["channels"] if one["on"]] == [
                        "page",
                        "log",
                        "webhook",
                        "mail",
                    ]

                    path = "/api/alerts/rules/too_many_failed/silence"
                    silenced = await call(server, "PUT", path, {"minutes": 60, "reason": "I know"})
                    assert (silenced["silencedBy"], silenced["silencedWhy"]) == ("local", "I know")
                    await fail_a_run(page, "2")
                    while not (now := (await page.until("alma.alerts"))["firing"]):
                        pass
                    assert now[0]["silencedUntil"] == silenced["silencedUntil"]
                    assert now[0]["link"] == silenced["link"] == "/?page=dashboard"
                    assert got.empty()
                    await call(server, "PUT", path, {"minutes": 0})
                    assert (await asyncio.wait_for(got.get(), 30))["what"] == "firing", "it still was so"

                    test = await call(server, "POST", "/api/alerts/test", {"channel": "webhook"})
                    assert test == {"channel": "webhook", "said": "ok"}
                    while (await asyncio.wait_for(got.get(), 30))["what"] != "test":
                        pass
                    await call(server, "POST", "/api/alerts/test", {"channel": "page"})
                    assert (await page.until("alma.notice"))["code"] == "alert_test"
            assert "alert too_many_failed firing" in (tmp_path / "server.log").read_text()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Generator[Serving]:
    """Asks for tokens; its disk is too small, an endpoint is not there, and its file of rules has a mistake."""
    folder = tmp_path_factory.mktemp("guarded")
    folder.joinpath("alerts.toml").write_text(RULES + '[mine]\nsummary = "x"\nmetric = "nope"\nabove = 1\n')
    folder.joinpath("models.toml").write_text(
        '[[endpoint]]\nname = "gone"\nbase_url = "http://127.0.0.1:9/v1"\nmodels = ["m"]\n'
    )
    with running(folder, alerts_file=folder / "alerts.toml", min_disk_mib=1_000_000, require_tokens="true") as server:
        yield server


@pytest.fixture(scope="module")
def ann(guarded: Serving) -> dict[str, str]:
    return bearer(make_token(guarded.folder, "ann"))


@pytest.fixture(scope="module")
def root(guarded: Serving) -> dict[str, str]:
    return bearer(make_token(guarded.folder, "root", admin=True))


def test_health_is_of_every_part(guarded: Serving, root: dict[str, str]) -> None:
    _, health = guarded.call("GET", "/health?fresh=1", **root)
    parts = {one["name"]: one for one in health["components"]}
    assert health["status"] == "degraded"
    assert parts["disk"]["status"] == "degraded"
    assert set(parts) == {*NAMES, "endpoint gone", "endpoint scripted"} - {"endpoints"}
    assert all(one["since"] > 0 for one in parts.values())
    assert all(one["hint"] for one in parts.values() if one["status"] != "ok")
    assert guarded.call("GET", "/readyz")[0] == 200, "it can still begin runs"


def test_who_is_no_administrator_sees_names_and_statuses_alone(
    guarded: Serving, ann: dict[str, str], root: dict[str, str]
) -> None:
    _, whole = guarded.call("GET", "/health", **root)
    _, some = guarded.call("GET", "/health?fresh=1", **ann)
    assert [one["name"] for one in some["components"]] == [one["name"] for one in whole["components"]]
    assert {one["status"] for one in some["components"]} >= {"ok", "degraded"}
    assert all(one["detail"] == one["hint"] == "" and one["since"] is None for one in some["components"])
    assert all(one["since"] > 0 for one in whole["components"])
    assert all(one["since"] is None for one in guarded.call("GET", "/readyz")[1]["components"])
    for path in ("/api/alerts", "/api/reports"):
        status, refused = guarded.call("GET", path, **ann)
        assert (status, refused["code"]) == (403, "admin_only")


async def test_pages_of_administrators_alone_hear_of_alerts(
    guarded: Serving, ann: dict[str, str], root: dict[str, str]
) -> None:
    url = f"{guarded.url}/ws?protocol=1"
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, headers=ann) as hers,
        session.ws_connect(url, headers=root) as theirs,
    ):
        await fail_a_run(Page(hers), "1")
        while not (await Page(theirs).until("alma.alerts"))["firing"]:
            pass
        await hers.send_str('{"type": "ping", "id": "last"}')
        heard: list[str] = []
        while not heard or heard[-1] != "alma.heartbeat":
            heard.append(json.loads((await hers.receive(timeout=120)).data).get("name", ""))
        assert "alma.alerts" not in heard


def test_what_is_wrong_in_the_file_of_rules_is_said(guarded: Serving, root: dict[str, str]) -> None:
    _, alerts = guarded.call("GET", "/api/alerts", **root)
    said = "rule mine, line 10, metric: there is no metric 'nope'; docs/operations.md names them"
    assert alerts["problems"] == [f"{guarded.folder / 'alerts.toml'}: {said}"]
    status, refused = guarded.call("PUT", "/api/alerts/rules/mine/silence", {"minutes": 1}, **root)
    assert (status, refused["code"]) == (404, "unknown_rule")
    status, refused = guarded.call("POST", "/api/alerts/test", {"channel": "mail"}, **root)
    assert (status, refused["code"]) == (409, "channel_off")
    assert "ALMA_SMTP_URL" in refused["hint"]


def test_a_report_is_made_read_and_listed(guarded: Serving, root: dict[str, str]) -> None:
    path = "/api/reports/2026-01-02"
    status, none = guarded.call("GET", path, **root)
    assert (status, none["code"]) == (404, "unknown_report")
    status, made = guarded.call("PUT", path, **root)
    assert status == 200
    assert made["text"].startswith("# Alma on 2026-01-02\n\nNothing was asked.")
    assert guarded.call("GET", path, **root) == (200, made)
    assert [one["day"] for one in guarded.call("GET", "/api/reports", **root)[1]["reports"]] == ["2026-01-02"]
    assert guarded.call("GET", "/api/reports/2026-02-31", **root)[1]["code"] == "no_day"
    assert guarded.call("PUT", "/api/reports/2999-01-01", **root)[1]["code"] == "day_to_come"
