"""Who may enter: tokens, cookies of pages, this machine's own key; on real servers."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import stat
import subprocess
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

import nursery
from raw_socket import Raw
from serving import Serving, environment, free_port, running
from token_mint import bearer, make_token, revoke_token, tokens_in

pytestmark = pytest.mark.slow
OVER = 4401


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Generator[Serving]:
    """Asks for a token, and is reached through a proxy on this machine too."""
    folder = tmp_path_factory.mktemp("guarded")
    with running(
        folder,
        require_tokens="true",
        trusted_proxies="127.0.0.2",
        allowed_hosts="alma.example.org",
        limit_sign_ins="1000/minute",
    ) as serving:
        yield serving


@pytest.fixture(scope="module")
def ada(guarded: Serving) -> str:
    return make_token(guarded.folder, "ada")


@pytest.fixture(scope="module")
def root(guarded: Serving) -> str:
    return make_token(guarded.folder, "root", admin=True)


class Answer:
    def __init__(self, status: int, headers: dict[str, str], cookies: list[str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.cookies = cookies
        self.raw = body

    @property
    def body(self) -> Any:
        return json.loads(self.raw)


def ask(
    server: Serving, method: str, path: str, body: object = None, *, source: str = "127.0.0.1", **headers: str
) -> Answer:
    """With full control of the headers; `source`: the address that it comes from."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120, source_address=(source, 0))
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    data = None
    if body is not None:
        data, sent["Content-Type"] = json.dumps(body), "application/json"
    connection.request(method, path, data, sent)
    response = connection.getresponse()
    given = response.getheaders()
    raw = response.read()
    connection.close()
    cookies = [value for name, value in given if name.lower() == "set-cookie"]
    return Answer(response.status, {name.lower(): value for name, value in given}, cookies, raw)


class Wire:
    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.ws = ws
        self.frames: list[dict[str, Any]] = []

    async def say(self, **command: object) -> None:
        await self.ws.send_str(json.dumps({"id": "c", **command}))

    async def until(self, **wanted: object) -> dict[str, Any]:
        while True:
            message = await self.ws.receive(timeout=120)
            assert message.type is aiohttp.WSMsgType.TEXT, (message, self.ws.close_code)
            event = json.loads(message.data)
            self.frames.append(event)
            flat = {**event, **event["value"]} if event["type"] == "CUSTOM" else event
            if all(flat.get(name) == value for name, value in wanted.items()):
                return event

    async def end(self) -> tuple[str, int | None]:
        """The last error that was told, and the code with which the server closes."""
        code = ""
        while (message := await self.ws.receive(timeout=120)).type is aiohttp.WSMsgType.TEXT:
            event = json.loads(message.data)
            code = event["value"]["code"] if event.get("name") == "alma.error" else code
        return code, self.ws.close_code


@asynccontextmanager
async def connected(server: Serving, query: str = "?protocol=1", **headers: str) -> AsyncGenerator[Wire]:
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{server.url}/ws{query}", headers=headers) as ws:
        yield Wire(ws)


def signed_in(server: Serving, token: str) -> tuple[str, str]:
    """A page's cookie, and its origin."""
    answer = ask(server, "POST", "/api/session", {"token": token}, Origin=server.url)
    assert answer.status == 200, answer.raw
    return answer.cookies[0].partition(";")[0], server.url


# ── tokens ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/threads"),
        ("POST", "/api/threads"),
        ("GET", "/api/nothing"),
        ("GET", "/health"),
        ("GET", "/metrics"),
        ("GET", "/docs"),
        ("GET", "/openapi.json"),
        ("GET", "/something-new"),
        ("POST", "/"),
        ("OPTIONS", "/api/threads"),
    ],
)
def test_without_a_token_every_door_is_shut(guarded: Serving, method: str, path: str) -> None:
    answer = ask(guarded, method, path)
    assert (answer.status, answer.body["code"]) == (401, "token_missing")
    assert answer.headers["www-authenticate"] == 'Bearer realm="Alma"'
    assert answer.body["hint"]


def test_the_page_loads_and_says_that_nobody_is_signed_in(guarded: Serving) -> None:
    assert ask(guarded, "GET", "/").status in (200, 503)  # 503: it is not built
    assert ask(guarded, "GET", "/livez").status == 200
    assert ask(guarded, "GET", "/readyz").status == 200
    answer = ask(guarded, "GET", "/api/session")
    assert answer.body == {"known": False, "owner": "", "admin": False, "token": "", "expiresAt": None}


def test_a_token_opens_what_is_its_owners(guarded: Serving, ada: str) -> None:
    assert ask(guarded, "GET", "/api/threads", **bearer(ada)).body == {"threads": [], "more": False}
    session = ask(guarded, "GET", "/api/session", **bearer(ada)).body
    assert (session["known"], session["owner"], session["admin"], session["token"]) == (True, "ada", False, "ada")
    assert session["expiresAt"] > 0


def test_what_is_wrong_with_a_token_is_said(guarded: Serving, ada: str) -> None:
    over = make_token(guarded.folder, "over", lasts_s=-1)
    gone = make_token(guarded.folder, "gone")
    revoke_token(guarded.folder, "gone")
    wrong = ada[:-1] + ("0" if ada[-1] != "0" else "1")
    codes = {
        shown: ask(guarded, "GET", "/api/threads", Authorization=f"Bearer {shown}").body["code"]
        for shown in (over, gone, wrong, "alma_0000000000_" + "0" * 64, "secret", "")
    }
    assert list(codes.values()) == ["token_expired", "token_revoked", *["token_invalid"] * 4]
    answer = ask(guarded, "GET", "/api/threads", Authorization=f"Basic {ada}")
    assert (answer.status, answer.body["code"]) == (401, "token_invalid")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_a_token_in_the_address_opens_nothing(guarded: Serving, ada: str) -> None:
    for name in ("token", "access_token", "authorization"):
        assert ask(guarded, "GET", f"/api/threads?{name}={ada}").status == 401


def test_the_secret_is_in_no_file(guarded: Serving, ada: str) -> None:
    secret = ada.rpartition("_")[2].encode()
    files = [path for path in (guarded.folder / "data").rglob("*") if path.is_file()]
    assert any(path.name == "alma.db" for path in files)
    assert not [path for path in files if secret in path.read_bytes()]


def test_when_a_token_was_used_is_kept(guarded: Serving) -> None:
    token = make_token(guarded.folder, "seen")
    assert ask(guarded, "GET", "/api/threads", **bearer(token)).status == 200
    while not next(one.used_at for one in tokens_in(guarded.folder) if one.name == "seen"):
        ask(guarded, "GET", "/api/threads", **bearer(token))


def test_administrators_make_list_and_end_tokens(guarded: Serving, root: str, ada: str) -> None:
    for method, path in (("GET", "/api/tokens"), ("POST", "/api/tokens"), ("DELETE", "/api/tokens/x")):
        answer = ask(guarded, method, path, {"name": "x"} if method == "POST" else None, **bearer(ada))
        assert (answer.status, answer.body["code"]) == (403, "admin_only")
    made = ask(guarded, "POST", "/api/tokens", {"name": "bob", "days": 7}, **bearer(root))
    assert made.status == 201
    assert ask(guarded, "GET", "/api/session", **bearer(made.body["secret"])).body["owner"] == "bob"
    listed = ask(guarded, "GET", "/api/tokens", **bearer(root))
    assert made.body["secret"].encode() not in listed.raw
    assert made.body["id"] in [one["id"] for one in listed.body["tokens"]]
    ended = ask(guarded, "DELETE", f"/api/tokens/{made.body['id']}", **bearer(root))
    assert ended.body["revokedAt"] > 0
    assert ask(guarded, "GET", "/api/threads", **bearer(made.body["secret"])).body["code"] == "token_revoked"
    assert ask(guarded, "DELETE", "/api/tokens/none", **bearer(root)).body["code"] == "unknown_token"


def test_wrong_tokens_are_limited_and_right_ones_are_not(tmp_path: Path) -> None:
    with running(tmp_path, require_tokens="true", limit_sign_ins="3/hour") as server:
        token = make_token(tmp_path, "ada")
        wrong = [ask(server, "GET", "/api/threads", Authorization="Bearer guess").status for _ in range(4)]
        assert wrong == [401, 401, 401, 429]
        answer = ask(server, "POST", "/api/session", {"token": "guess"})
        assert (answer.status, answer.body["code"]) == (429, "too_many_sign_ins")
        assert int(answer.headers["retry-after"]) > 0
        assert ask(server, "GET", "/api/threads", **bearer(token)).status == 200
        assert ask(server, "GET", "/").status in (200, 503)


# ── pages ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_page_signs_in_by_a_cookie_and_out_again(guarded: Serving, ada: str) -> None:
    answer = ask(guarded, "POST", "/api/session", {"token": ada}, Origin=guarded.url)
    assert answer.body["owner"] == "ada"
    [cookie] = answer.cookies
    said = {part.strip().partition("=")[0].lower() for part in cookie.split(";")}
    assert {"alma_session", "httponly", "samesite", "path", "max-age"} <= said
    assert "secure" not in said
    assert "SameSite=strict" in cookie
    assert ada not in cookie
    cookie = cookie.partition(";")[0]
    assert ask(guarded, "GET", "/api/threads", Cookie=cookie).status == 200
    out = ask(guarded, "DELETE", "/api/session", Cookie=cookie, Origin=guarded.url)
    assert out.status == 204
    assert "Max-Age=0" in out.cookies[0]
    assert ask(guarded, "GET", "/api/threads", Cookie=cookie).status == 401


def test_a_wrong_token_signs_nobody_in(guarded: Serving) -> None:
    answer = ask(guarded, "POST", "/api/session", {"token": "guess"}, Origin=guarded.url)
    assert (answer.status, answer.body["code"], answer.cookies) == (401, "token_invalid", [])


def test_over_tls_the_cookie_is_for_tls_only(guarded: Serving, ada: str) -> None:
    host = {"Host": "alma.example.org", "Origin": "https://alma.example.org"}
    answer = ask(guarded, "POST", "/api/session", {"token": ada}, source="127.0.0.2", X_Forwarded_Proto="https", **host)
    assert answer.status == 200, answer.raw
    [cookie] = answer.cookies
    assert cookie.startswith("__Host-alma_session=")
    assert "Secure" in cookie
    assert "Path=/" in cookie
    assert answer.headers["strict-transport-security"].startswith("max-age=")
    plain = ask(guarded, "POST", "/api/session", {"token": ada}, X_Forwarded_Proto="https", **host)
    assert plain.cookies[0].startswith("alma_session="), "not every proxy is believed"
    assert "strict-transport-security" not in plain.headers
    downgraded = ask(
        guarded,
        "POST",
        "/api/session",
        {"token": ada},
        source="127.0.0.2",
        X_Forwarded_Proto="https",
        Host="alma.example.org",
        Origin="http://alma.example.org",
    )
    assert downgraded.body["code"] == "origin_denied"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({"Origin": "self"}, 201),
    ],
)
def test_a_cookie_acts_only_from_the_own_page(guarded: Serving, ada: str, headers: dict[str, str], status: int) -> None:
    cookie, origin = signed_in(guarded, ada)
    given = {name: origin if value == "self" else value for name, value in headers.items()}
    answer = ask(guarded, "POST", "/api/threads", {"title": "by cookie"}, Cookie=cookie, **given)
    assert answer.status == status, answer.raw
    if status == 403:
        assert answer.body["code"] == "origin_denied"


def test_a_program_with_a_token_needs_no_origin_and_a_strange_page_may_not_have_one(guarded: Serving, ada: str) -> None:
    assert ask(guarded, "POST", "/api/threads", {"title": "x"}, **bearer(ada)).status == 201
    answer = ask(guarded, "POST", "/api/threads", {"title": "x"}, Origin="https://evil.example", **bearer(ada))
    assert answer.status == 403


def test_only_names_of_the_server_are_answered(guarded: Serving, ada: str) -> None:
    for host, status in (("alma.example.org", 200), ("ALMA.example.org:443", 200), ("evil.example", 403), ("", 403)):
        assert ask(guarded, "GET", "/api/threads", Host=host, **bearer(ada)).status == status, host


def test_what_follows_a_body_in_pieces_is_no_part_of_the_head(guarded: Serving, ada: str) -> None:
    """Else a client could say behind a proxy what the proxy says of it: that it comes from elsewhere, or over TLS."""
    with Raw(guarded) as client:
        head = client.head(
            "POST /api/threads HTTP/1.1",
            Content_Type="application/json",
            Transfer_Encoding="chunked",
            Connection="close",
        )
        client.send(head + b"2\r\n{}\r\n0\r\nAuthorization: Bearer " + ada.encode() + b"\r\n\r\n")
        status, _, problem = client.answer()
        assert (status, problem["code"]) == (401, "token_missing")


# ── WebSockets ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_websocket_without_a_token_is_told_why_it_is_closed(guarded: Serving) -> None:
    async with connected(guarded) as client:
        assert await client.end() == ("token_missing", OVER)
    async with connected(guarded, Authorization="Bearer guess") as client:
        assert await client.end() == ("token_invalid", OVER)


async def test_a_websocket_knows_whose_it_is(guarded: Serving, ada: str, root: str) -> None:
    async with connected(guarded, **bearer(ada)) as client:
        welcome = (await client.until(name="alma.welcome"))["value"]
        assert (welcome["owner"], welcome["admin"], welcome["token"]) == ("ada", False, "ada")
    async with connected(guarded, **bearer(root)) as client:
        assert (await client.until(name="alma.welcome"))["value"].get("admin", True) is True
    cookie, origin = signed_in(guarded, ada)
    async with connected(guarded, Cookie=cookie, Origin=origin) as client:
        assert (await client.until(name="alma.welcome"))["value"]["owner"] == "ada"
    for headers in ({}, {"Origin": "https://evil.example"}):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with connected(guarded, Cookie=cookie, **headers):
                pass
        assert refused.value.status == 403


async def test_a_token_that_is_revoked_elsewhere_ends_in_mid_stream_and_its_run_goes_on(guarded: Serving) -> None:
    lost = make_token(guarded.folder, "lost", owner="carol")
    kept = make_token(guarded.folder, "kept", owner="carol")
    async with connected(guarded, **bearer(lost)) as client, connected(guarded, **bearer(kept)) as other:
        await client.say(type="run.start", key="k", text="!tokens 300 150", kind="chat")
        ack = (await client.until(name="alma.ack"))["value"]
        await client.until(type="TEXT_MESSAGE_CONTENT")
        revoked = await asyncio.to_thread(alma, guarded, "tokens", "revoke", "lost")
        assert revoked.returncode == 0
        assert await client.end() == ("token_revoked", OVER)
        await other.say(type="thread.subscribe", threadId=ack["threadId"])
        assert (await other.until(type="RUN_FINISHED"))["status"] == "completed"
        await other.say(type="ping", id="alive")
        await other.until(name="alma.heartbeat", id="alive")


async def test_a_token_and_a_page_end_by_the_clock_and_by_signing_out(guarded: Serving, ada: str) -> None:
    short = make_token(guarded.folder, "short", owner="ada", lasts_s=1.5)
    cookie, origin = signed_in(guarded, ada)
    async with (
        connected(guarded, **bearer(short)) as program,
        connected(guarded, Cookie=cookie, Origin=origin) as page,
        connected(guarded, **bearer(ada)) as other,
    ):
        for one in (program, page, other):
            await one.until(name="alma.welcome")
        assert await program.end() == ("token_expired", OVER)
        assert ask(guarded, "DELETE", "/api/session", Cookie=cookie, Origin=origin).status == 204
        assert await page.end() == ("token_expired", OVER)
        await other.say(type="ping", id="alive")
        await other.until(name="alma.heartbeat", id="alive")


# ── what browsers are told ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/", {}),
        ("GET", "/nothing-of-the-sort", {}),
        ("GET", "/livez", {}),
        ("GET", "/api/threads", {}),
        ("GET", "/api/threads", {"Host": "evil.example"}),
        ("GET", "/api/threads/t_none", {"token": "ada"}),
        ("POST", "/api/threads", {"token": "ada"}),
        ("GET", "/docs", {"token": "ada"}),
        ("GET", "/openapi.json", {"token": "ada"}),
    ],
)
def test_every_answer_has_the_security_headers(
    guarded: Serving, ada: str, method: str, path: str, headers: dict[str, str]
) -> None:
    given = {name: value for name, value in headers.items() if name != "token"}
    answer = ask(guarded, method, path, **given, **(bearer(ada) if "token" in headers else {}))
    said = answer.headers
    assert said["x-content-type-options"] == "nosniff"
    assert said["referrer-policy"] == "no-referrer"
    assert said["cross-origin-opener-policy"] == "same-origin"
    assert said["cross-origin-resource-policy"] == "same-origin"
    assert "camera=()" in said["permissions-policy"]
    policy = dict(part.strip().partition(" ")[::2] for part in said["content-security-policy"].split(";"))
    assert policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == "'none'"
    assert "'unsafe-inline'" not in policy.get("script-src", policy["default-src"])
    assert "unsafe-eval" not in said["content-security-policy"]
    assert "strict-transport-security" not in said
    assert "server" not in said
    assert "access-control-allow-origin" not in said


def test_the_description_of_the_api_needs_nothing_from_elsewhere(guarded: Serving, ada: str) -> None:
    html = ask(guarded, "GET", "/docs", **bearer(ada)).raw.decode()
    assert "/api/threads/{thread_id}" in html
    assert "http://" not in html
    assert "https://" not in html
    assert "<script" not in html


# ── this machine ──────────────────────────────────────────────────────────────────────────────────────────────────


def alma(server: Serving, *words: str, **settings: object) -> subprocess.CompletedProcess[str]:
    return nursery.done(list(words), server.folder, environment(server.folder, **settings))


def test_the_command_line_of_this_machine_enters_by_the_key_of_the_server(guarded: Serving, ada: str) -> None:
    file = guarded.folder / "data" / "server.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    ran = alma(guarded, "run", "!say by the person at this machine")
    assert (ran.returncode, ran.stdout.strip()) == (0, "by the person at this machine"), ran.stderr
    assert "by the person at this machine" in alma(guarded, "threads", "list").stdout
    assert "by the person at this machine" not in alma(guarded, "threads", "list", token=ada).stdout
    key = json.loads(file.read_text())["key"]
    session = ask(guarded, "GET", "/api/session", Authorization=f"Bearer {key}").body
    assert (session["owner"], session["admin"]) == ("local", True)


def test_a_server_file_that_others_can_write_is_not_believed(guarded: Serving) -> None:
    file = guarded.folder / "data" / "server.json"
    file.chmod(0o666)
    try:
        ran = alma(guarded, "threads", "list")
        assert ran.returncode == 1
        assert "server.json" in ran.stderr
    finally:
        file.chmod(0o600)


def test_on_loopback_a_token_is_honoured_and_what_was_forwarded_needs_one(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        token = make_token(tmp_path, "ada")
        assert ask(server, "GET", "/api/session").body["owner"] == "local"
        assert ask(server, "GET", "/api/session", **bearer(token)).body["owner"] == "ada"
        assert ask(server, "GET", "/api/threads", Authorization="Bearer guess").status == 401
        ask(server, "POST", "/api/threads", {"title": "ada's"}, **bearer(token))
        assert ask(server, "GET", "/api/threads").body["threads"] == []
        forwarded = ask(server, "GET", "/api/threads", X_Forwarded_For="203.0.113.7")
        assert (forwarded.status, forwarded.body["code"]) == (401, "token_missing")
        for by in ({"X-Real-IP": "203.0.113.7"}, {"Forwarded": 'for=127.0.0.1, for="[2001:db8::7]:4711";proto=https'}):
            assert ask(server, "GET", "/api/threads", **by).status == 401, by
        for by in ({"X-Forwarded-For": "127.0.0.1"}, {"X-Real-IP": "::1"}, {"Forwarded": 'For="[::1]:80";by=10.0.0.1'}):
            assert ask(server, "GET", "/api/threads", **by).status == 200, by
        strange = ask(server, "GET", "/api/threads", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors")
        assert strange.body["code"] == "origin_denied"


# ── where it listens ──────────────────────────────────────────────────────────────────────────────────────────────


def test_it_does_not_listen_to_others_until_there_is_a_token(tmp_path: Path) -> None:
    (tmp_path / "models.toml").touch(mode=0o600)
    port = free_port()

    def start() -> subprocess.CompletedProcess[str]:
        return nursery.done(["serve"], tmp_path, environment(tmp_path, host="0.0.0.0", port=port))

    for _ in range(2):  # without a database, and with one that has only a token which is over
        refused = start()
        assert refused.returncode == 1
        assert "alma tokens add" in refused.stderr
        assert "Traceback" not in refused.stderr
        make_token(tmp_path, "over", lasts_s=-1)
    token = make_token(tmp_path, "ada")
    with running(tmp_path, host="0.0.0.0", port=port, log_level="info") as server:
        assert ask(server, "GET", "/api/threads").status == 401
        assert ask(server, "GET", "/api/threads", Host="whatever.example", **bearer(token)).status == 200
        strange = ask(server, "POST", "/api/threads", {}, Origin="https://evil.example", **bearer(token))
        assert strange.body["code"] == "origin_denied"
        log = (tmp_path / "server.log").read_text()
        assert f"Alma is ready: http://127.0.0.1:{port}" in log
        (others,) = re.findall(rf"For others: http://(.+):{port}, each with a token", log)
        assert others != "0.0.0.0"
        url = json.loads((tmp_path / "data" / "server.json").read_text())["url"]
        assert url == f"http://127.0.0.1:{port}"
        assert alma(server, "threads", "list").returncode == 0
