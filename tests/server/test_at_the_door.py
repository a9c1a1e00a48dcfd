"""Who is not let in: they have rates too, are answered ever more slowly, and what happens is in the log."""

from __future__ import annotations

import asyncio
import http.client
import json
import math
import re
import subprocess
from pathlib import Path
from typing import Any

import aiohttp
import pytest

import nursery
from alma.errors import TooMany, Unauthorized
from alma.security.keyring import Keyring
from alma.security.rates import Rates
from raw_socket import Raw
from serving import Serving, environment, running
from token_mint import bearer, make_token

UNKNOWN = {"Authorization": "Bearer alma_0123456789_" + "a" * 64}


def ask(
    server: Serving, method: str, path: str, body: object = None, *, source: str = "127.0.0.1", **headers: str
) -> tuple[int, dict[str, str], Any]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120, source_address=(source, 0))
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    data = None if body is None else json.dumps(body)
    connection.request(method, path, data, sent if data is None else {"Content-Type": "application/json", **sent})
    answer = connection.getresponse()
    raw = answer.read()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, json.loads(raw or b"null")


@pytest.mark.slow
def test_who_shows_no_token_meets_a_rate_and_those_at_the_same_address_do_not(tmp_path: Path) -> None:
    with running(tmp_path, require_tokens="true", limit_requests="5/hour") as server:
        token = make_token(tmp_path, "ada")
        seen = [ask(server, "GET", "/api/threads") for _ in range(8)]
        assert [status for status, _, _ in seen] == [401] * 5 + [429] * 3
        assert seen[0][1]["ratelimit-policy"] == '"sustained";q=5;w=3600'
        assert seen[0][1]["ratelimit"].startswith('"sustained";r=4;')
        _, headers, problem = seen[-1]
        assert headers["content-type"] == "application/problem+json"
        assert headers["ratelimit"].startswith('"sustained";r=0;')
        assert (problem["code"], problem["policy"], problem["quota"]) == ("too_many_requests", "requests", 5)
        assert int(headers["retry-after"]) == math.ceil(problem["retryAfterS"])
        assert f"Try again in {int(headers['retry-after']):,} s." in problem["hint"]
        assert ask(server, "GET", "/api/threads", **bearer(token))[0] == 200
        assert ask(server, "GET", "/api/session")[0] == 200


@pytest.mark.slow
def test_what_comes_from_a_strange_page_counts_and_takes_nothing_from_the_own_one(tmp_path: Path) -> None:
    with running(tmp_path, limit_requests="5/hour") as server:
        strange = [ask(server, "POST", "/api/threads", {}, Origin="https://evil.example")[0] for _ in range(7)]
        assert strange == [403] * 5 + [429] * 2
        assert ask(server, "GET", "/api/threads")[0] == 200


@pytest.mark.slow
async def test_websockets_without_a_token_meet_a_rate(tmp_path: Path) -> None:
    with running(tmp_path, require_tokens="true", limit_connects="3/hour") as server:
        told: list[tuple[str, int | None]] = []
        async with aiohttp.ClientSession() as session:
            for _ in range(5):
                async with session.ws_connect(f"{server.url}/ws") as ws:
                    error = (await ws.receive_json())["value"]
                    await ws.receive()
                    told.append((error["code"], ws.close_code))
                    assert error.get("limit", {}).get("quota") == (3 if ws.close_code == 1013 else None)
            assert told == [("token_missing", 4401)] * 3 + [("too_many_connects", 1013)] * 2
            token = make_token(tmp_path, "ada")
            async with session.ws_connect(f"{server.url}/ws", headers=bearer(token)) as ws:
                assert (await ws.receive_json())["name"] == "alma.welcome"


@pytest.mark.slow
def test_too_many_wrong_tokens_are_told_as_every_limit_is(tmp_path: Path) -> None:
    with running(tmp_path, require_tokens="true", limit_sign_ins="2/hour") as server:
        *_, (status, headers, problem) = [ask(server, "GET", "/api/threads", **UNKNOWN) for _ in range(3)]
        assert (status, problem["code"]) == (429, "too_many_sign_ins")
        assert (problem["policy"], problem["quota"], problem["windowS"]) == ("sign_ins", 2, 3600)
        assert headers["ratelimit-policy"] == '"sustained";q=2;w=3600'
        assert headers["ratelimit"].startswith('"sustained";r=0;')
        assert int(headers["retry-after"]) == math.ceil(problem["retryAfterS"])


class Counted:
    """A database without tokens, that counts how often it is read."""

    reads = 0

    async def read(self, _work: object) -> tuple[list[object], list[object]]:
        self.reads += 1
        return [], []


class Tries:
    def __init__(self) -> None:
        self.rates = Rates({"sign_ins": "3/minute"})

    async def spent(self, address: str) -> bool:
        return (await self.rates.left("sign_ins", address))[0].left < 1

    async def wrong(self, address: str) -> None:
        await self.rates.take("sign_ins", address)


async def test_who_guesses_on_does_not_make_the_database_be_read() -> None:
    database: Any = Counted()
    keyring = Keyring(database, 60, Tries())

    async def guess(number: int, address: str = "192.0.2.1") -> str:
        with pytest.raises((Unauthorized, TooMany)) as refused:
            await keyring.by_token(f"alma_{number:010x}_" + "a" * 64, address)
        return str(refused.value.code)

    assert [await guess(number) for number in range(3)] == ["token_invalid"] * 3
    assert database.reads == 3
    async with asyncio.TaskGroup() as group:
        more = [group.create_task(guess(number)) for number in range(3, 9)]
        await asyncio.sleep(0)  # they begin, and wait
        assert await guess(9, "192.0.2.2") == "token_invalid", "who has not guessed too often is answered at once"
    assert {task.result() for task in more} == {"too_many_sign_ins"}
    assert database.reads == 4


# ── who may make tokens for whom ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
def test_an_administrator_cannot_make_a_token_that_opens_what_is_anothers(tmp_path: Path) -> None:
    with running(tmp_path, require_tokens="true") as server:
        make_token(tmp_path, "ada's", owner="ada", lasts_s=-1)
        ops = bearer(make_token(tmp_path, "ops", admin=True))
        mine = bearer(make_token(tmp_path, "laptop", owner="local", admin=True))
        for order in ({"name": "x", "owner": "ada"}, {"name": "ada"}, {"name": "y", "owner": " local "}):
            status, _, problem = ask(server, "POST", "/api/tokens", order, **ops)
            assert (status, problem["code"]) == (403, "owner_taken"), order
        assert ask(server, "POST", "/api/tokens", {"name": "local"}, **ops)[2]["code"] == "invalid_field"
        for order in ({"name": "bob"}, {"name": "ops too", "owner": "ops"}):
            assert ask(server, "POST", "/api/tokens", order, **ops)[0] == 201, order
        assert ask(server, "POST", "/api/tokens", {"name": "again", "owner": "ada"}, **mine)[0] == 201
        assert ask(server, "POST", "/api/tokens", {"name": "local"}, **mine)[2]["code"] == "invalid_field"


def alma(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return nursery.done(list(words), folder, environment(folder))


@pytest.mark.slow
def test_the_name_of_the_person_at_the_machine_is_given_on_purpose_only(tmp_path: Path) -> None:
    (tmp_path / "models.toml").touch(mode=0o600)
    for words in (("local",), ("phone", "--owner", "local"), (" local ",)):
        refused = alma(tmp_path, "tokens", "add", *words)
        assert refused.returncode != 0, words
        assert "--mine" in refused.stderr
        assert "Traceback" not in refused.stderr
    assert alma(tmp_path, "tokens", "add", "local", "--mine").returncode == 0


# ── the log ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
def test_what_happens_at_the_door_is_in_the_log_a_flood_as_a_line_with_a_count(tmp_path: Path) -> None:
    settings = {"require_tokens": "true", "log_level": "info", "limit_sign_ins": "3/hour", "limit_requests": "30/hour"}
    with running(tmp_path, **settings) as server:
        root = make_token(tmp_path, "root", admin=True)
        secrets = [root]
        status, headers, _ = ask(server, "POST", "/api/session", {"token": root}, Origin=server.url)
        assert status == 200
        cookie = headers["set-cookie"].partition(";")[0]
        secrets.append(cookie.partition("=")[2])
        ask(server, "DELETE", "/api/session", Cookie=cookie, Origin=server.url)
        _, _, made = ask(server, "POST", "/api/tokens", {"name": "bob"}, **bearer(root))
        secrets.append(made["secret"])
        ask(server, "DELETE", f"/api/tokens/{made['id']}", **bearer(root))
        for _ in range(12):
            ask(server, "GET", "/api/threads", source="127.0.0.9", **UNKNOWN)
        for _ in range(40):
            ask(server, "GET", "/api/threads", **bearer(root))
        ran = alma(tmp_path, "tokens", "add", "carol")
        secrets.append(ran.stdout.strip())
        while "'carol'" not in (tmp_path / "server.log").read_text():
            assert server.call("GET", "/livez")[0] == 200
    log = (tmp_path / "server.log").read_text()
    for said in (
        "root at 127.0.0.1, with the token 'root' signed in",
        "root at 127.0.0.1, with the token 'root' signed out",
        f"root at 127.0.0.1, with the token 'root' made the access token 'bob' ({made['id']}) of 'bob'",
        f"root at 127.0.0.1, with the token 'root' revoked the access token 'bob' ({made['id']}) of 'bob'",
        "of 'carol' was made from outside of this server",
        "Refused somebody at 127.0.0.9: wrong token",
        "Refused somebody at 127.0.0.9: wrong token, 11 times",
        "Refused root at 127.0.0.1, with the token 'root': too many requests",
    ):
        assert said in log, said
    assert "'bob' was" not in log, "what this server did itself is said once"
    assert log.count("wrong token") == 2
    assert not [secret for secret in secrets if secret in log or secret.rpartition("_")[2] in log]


# ── what browsers are told ────────────────────────────────────────────────────────────────────────────────────────

EVERYWHERE = {"x-content-type-options", "content-security-policy", "referrer-policy", "x-frame-options"}


@pytest.mark.slow
def test_what_is_refused_before_there_is_a_request_has_the_security_headers_too(tmp_path: Path) -> None:
    upgrade = {"Upgrade": "websocket", "Connection": "upgrade", "Sec_WebSocket_Version": "13"}
    key = {"Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    with running(tmp_path) as server:
        seen: list[str] = []
        for first, headers in (
            ("GARBAGE", {}),
            (f"GET /{'x' * 9000} HTTP/1.1", {}),
            ("GET /ws HTTP/1.1", upgrade),
            ("POST /ws HTTP/1.1", {**upgrade, **key}),
            ("GET /ws HTTP/1.1", {**upgrade, **key, "Origin": "https://evil.example"}),
        ):
            with Raw(server) as client:
                client.send(client.head(first, **headers))
                head = client.rest().partition(b"\r\n\r\n")[0].decode("latin-1").lower()
            found = re.match(r"http/1.1 (\d+)", head)
            assert found is not None
            seen.append(found[1])
            assert {line.partition(":")[0] for line in head.splitlines()} >= EVERYWHERE, (first[:20], head)
        assert seen == ["400", "414", "400", "405", "403"]
