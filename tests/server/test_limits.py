"""Limits through the real door: what is refused, how it says so, and that the same is taken after the wait."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from raw_socket import Raw, frame
from serving import Serving, running

pytestmark = pytest.mark.slow
FEW = 12


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Generator[Serving]:
    with running(
        tmp_path_factory.mktemp("counted"),
        limit_requests="10/second; 4000/minute",
        limit_messages="20/second",
        limit_runs="2/second",
        limit_bytes="3000000/second",
        max_connections_per_address=FEW,
        max_sockets_per_caller=3,
        max_json_depth=16,
        max_body_bytes=2_000_000,
    ) as serving:
        yield serving


def ask(
    server: Serving, method: str, path: str, body: bytes | None = None, source: str = "127.0.0.1", **headers: str
) -> tuple[int, dict[str, str], Any]:
    """`source`: the address that it comes from; each has rates of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120, source_address=(source, 0))
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    raw = answer.read()
    given = {name.lower(): value for name, value in answer.getheaders()}
    connection.close()
    return answer.status, given, json.loads(raw) if "json" in given.get("content-type", "") else raw


def a_window_begins() -> None:
    """Wait for it: at its edge, as much as the window before has left unused would be given too. All processes of a
    machine have the same clock, and windows of a second begin with its seconds."""
    time.sleep(1 - time.monotonic() % 1)


# ── requests ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_one_request_too_many_is_a_429_that_says_when_to_come_again(counted: Serving) -> None:
    a_window_begins()
    fine = refused = ask(counted, "GET", "/api/threads")
    for _ in range(60):
        if refused[0] == 429:
            break
        refused = ask(counted, "GET", "/api/threads")
    assert (fine[0], refused[0]) == (200, 429)
    assert fine[1]["ratelimit-policy"] == '"burst";q=10;w=1, "sustained";q=4000;w=60'
    assert fine[1]["ratelimit"].startswith('"burst";r=')
    _, headers, problem = refused
    assert headers["content-type"] == "application/problem+json"
    assert problem["code"] == "too_many_requests"
    assert (problem["policy"], problem["quota"], problem["windowS"]) == ("requests", 10, 1)
    assert headers["ratelimit"].startswith('"burst";r=')
    assert int(headers["retry-after"]) >= problem["retryAfterS"] > 0
    assert ask(counted, "GET", "/livez")[0] == 200, "whether it is alive may be asked at any rate"
    time.sleep(problem["retryAfterS"])
    assert ask(counted, "GET", "/api/threads")[0] == 200


def test_files_of_the_page_do_not_count(counted: Serving) -> None:
    answers = [ask(counted, "GET", "/favicon.ico") for _ in range(100)]
    assert 429 not in {status for status, _, _ in answers}
    assert all("ratelimit" not in headers for _, headers, _ in answers)


def test_what_is_left_can_be_asked(counted: Serving) -> None:
    ask(counted, "GET", "/api/threads", source="127.0.0.10")
    status, _, reply = ask(counted, "GET", "/api/limits", source="127.0.0.10")
    assert status == 200
    policies = {(one["policy"], one["windowS"]): one for one in reply["limits"]}
    assert policies["requests", 60]["quota"] == 4000
    assert policies["requests", 60]["left"] == 3998
    assert policies["runs", 1] == {"policy": "runs", "quota": 2, "windowS": 1, "left": 2, "resetS": 0}
    assert ("tokens", 60) not in policies


def test_bytes_of_bodies_are_counted(counted: Serving) -> None:
    body = json.dumps({"title": "x" * 1_600_000}).encode()
    a_window_begins()
    first, second = (
        ask(counted, "POST", "/api/threads", body, "127.0.0.11", Content_Type="application/json") for _ in range(2)
    )
    assert first[0] != 429
    assert (second[0], second[2]["code"]) == (429, "too_many_bytes")
    assert "retry-after" in second[1]


@pytest.mark.parametrize(
    ("kind", "body", "status", "code"),
    [
        ("application/json", b'{"a":' * 17 + b"1" + b"}" * 17, 400, "too_deep"),
        ("application/json", b"[" * 1_000_000, 400, "too_deep"),
        ("application/json; charset=utf-8", b'[{"":' * 300_000, 400, "too_deep"),
        ("application/json; of=application/x-ndjson", b"[" * 100_000, 400, "too_deep"),
        ("multipart/form-data; boundary=x", b"--x--", 415, "wrong_content_type"),
        ("application/x-www-form-urlencoded", b"a=b", 415, "wrong_content_type"),
        ("application/json", b"x" * 2_000_001, 413, "body_too_large"),
    ],
)
def test_what_no_body_may_be_is_refused(counted: Serving, kind: str, body: bytes, status: int, code: str) -> None:
    source = f"127.0.1.{len(body) % 250 + 1}"
    seen, _, problem = ask(counted, "POST", "/api/memories/import", body, source, Content_Type=kind)
    assert (seen, problem["code"]) == (status, code)


def test_brackets_in_a_string_are_no_nesting(counted: Serving) -> None:
    body = json.dumps({"title": "[" * 10_000 + '"'}).encode()
    answer = ask(counted, "POST", "/api/threads", body, "127.0.0.12", Content_Type="application/json")
    assert answer[2]["code"] != "too_deep"


# ── commands ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_run_too_many_is_refused_with_facts_and_taken_with_the_same_key_after_the_wait(counted: Serving) -> None:
    with Raw(counted, source="127.0.0.22") as client:
        client.open()
        a_window_begins()
        for number in range(4):
            client.say("run.start", key=f"run {number}", text="!say hi", kind="chat")
        acks, errors = [], []
        while len(acks) + len(errors) < 4:
            heard = client.hear()
            assert heard is not None
            event = json.loads(heard[1])
            if event.get("name") == "alma.ack":
                acks.append(event["value"])
            elif event.get("name") == "alma.error":
                errors.append(event["value"])
        assert (len(acks), {error["code"] for error in errors}) == (2, {"too_many_runs"})
        limit = errors[0]["limit"]
        assert (limit["policy"], limit["quota"], limit["windowS"]) == ("runs", 2, 1)
        time.sleep(limit["retryAfterS"])
        client.say("run.start", key="run 2", text="!say hi", kind="chat")
        assert client.until("alma.ack")["runId"] not in {ack["runId"] for ack in acks}


def test_a_client_that_floods_on_is_read_slowly_and_others_are_not(counted: Serving) -> None:
    with Raw(counted, source="127.0.0.20") as flood, Raw(counted, source="127.0.0.21") as other:
        flood.open()
        other.open()
        flood.send(frame(b'{"type":"ping","id":"p"}') * 2000)
        assert flood.until("alma.error")["code"] == "too_many_messages"
        for _ in range(15):
            other.say("ping")
            other.until("alma.heartbeat")
        flood.say("ping")
        assert flood.heard_by_now().count(b"alma.error") < 100, "it would have been all of them"


def test_a_frame_too_deep_is_refused_and_the_connection_goes_on(counted: Serving) -> None:
    with Raw(counted, source="127.0.0.23") as client:
        client.open()
        client.send(frame(b'{"type":"ping","id":' + b"[" * 500_000))
        assert client.until("alma.error")["code"] == "too_deep"
        client.say("ping")
        client.until("alma.heartbeat")


def test_more_sockets_than_a_caller_may_have_are_told_so(counted: Serving) -> None:
    source = "127.0.0.24"
    clients = [Raw(counted, source=source) for _ in range(4)]
    try:
        for client in clients[:3]:
            client.open()
            client.until("alma.welcome")
        clients[3].open()
        refusal = clients[3].until("alma.error")
        assert (refusal["code"], refusal["limit"]["quota"]) == ("too_many_connections", 3)
        assert clients[3].hear() == (8, (1013).to_bytes(2, "big") + b"too_many_connections")
        clients[0].socket.close()
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:  # until the server has noticed
            with Raw(counted, source=source) as again:
                again.open()
                heard = again.hear()
                assert heard is not None
                if b"alma.welcome" in heard[1]:
                    return
        raise AssertionError("a place that was given up is not given again")
    finally:
        for client in clients:
            client.socket.close()


def test_tokens_of_model_calls_are_counted_and_the_next_run_waits(tmp_path: Path) -> None:
    with running(tmp_path, limit_tokens="300/minute") as server, Raw(server) as client:
        client.open()
        client.say("run.start", key="much", text="!tokens 400", kind="chat")
        while json.loads((client.hear() or (0, b"{}"))[1]).get("type") != "RUN_FINISHED":
            pass
        client.say("run.start", key="more", text="!say hi", kind="chat")
        refusal = client.until("alma.error")
        assert (refusal["code"], refusal["limit"]["policy"], refusal["limit"]["quota"]) == (
            "too_many_tokens",
            "tokens",
            300,
        )
        left = {one["policy"]: one["left"] for one in server.call("GET", "/api/limits")[1]["limits"]}
        assert left["tokens"] == 0


# ── connections ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_one_connection_too_many_of_an_address_is_answered_and_closed(counted: Serving) -> None:
    source = "127.0.0.25"
    idle = [Raw(counted, source=source) for _ in range(FEW)]
    try:
        with Raw(counted, source=source) as refused:
            refused.send(refused.head("GET /livez HTTP/1.1"))
            status, headers, problem = refused.answer()
            assert (status, problem["code"]) == (429, "too_many_connections")
            assert int(headers["retry-after"]) > 0
    finally:
        for one in idle:
            one.socket.close()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:  # until the server has noticed that they are gone
        with Raw(counted, source=source) as client:
            client.send(client.head("GET /livez HTTP/1.1", Connection="close"))
            if b" 200 " in client.rest()[:20]:
                return
    raise AssertionError("places that were given up are not given again")


def test_ten_thousand_connections_of_one_address_do_no_harm_to_another(counted: Serving) -> None:
    held: list[Raw] = []
    try:
        for number in range(10_000):
            client = Raw(counted, source="127.0.0.26")
            if number < 200:
                held.append(client)
            else:
                client.socket.close()
        assert ask(counted, "GET", "/livez", source="127.0.0.27")[0] == 200
    finally:
        for client in held:
            client.socket.close()
