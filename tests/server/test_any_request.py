"""Requests that nobody thought of: made by Schemathesis from the API's own description, right ones and wrong ones, and
texts that break programs at every door that takes a text. No 5xx, no answer that is not of the described form."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import schemathesis
from bench import naughty
from hypothesis import HealthCheck, Phase, settings

import serving
from alma.server.schema import document

# What these do leaves the machine: a download, an address that somebody names.
OUTWARD = ("/api/models/pull", "/api/endpoints", "/api/endpoints/test")
WIDE = {f"limit_{what}": "off" for what in ("requests", "messages", "runs", "bytes", "connects", "sign_ins")}


@schemathesis.serializer("application/x-ndjson")
def lines(_context: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else (json.dumps(value) + "\n").encode()


_schema = schemathesis.openapi.from_dict(document()).exclude(path=list(OUTWARD), method="POST")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[serving.Serving]:
    with serving.running(tmp_path_factory.mktemp("any"), memory="true", **WIDE) as running:
        yield running
        status, errors = running.call("GET", "/api/errors")
        assert (status, errors) == (200, {"groups": []}), "a request was taken for a bug"


@_schema.parametrize()
@settings(
    max_examples=8,
    phases=[Phase.explicit, Phase.generate],
    derandomize=True,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_no_request_is_a_bug(case: schemathesis.Case, server: serving.Serving) -> None:
    answer = case.call(base_url=server.url)
    if case.path not in ("/readyz", "/health"):
        assert answer.status_code < 500, (case.as_curl_command(), answer.text[:500])
    if answer.status_code >= 400:
        assert answer.headers["content-type"][0] == "application/problem+json", answer.text[:300]
        assert {"title", "status", "code", "detail"} <= json.loads(answer.content).keys()


def _takes_texts() -> list[tuple[str, str, Any]]:
    """Doors that take a text of a person, each with how it takes it."""
    return [
        ("POST", "/api/threads", lambda text: {"title": text}),
        ("POST", "/api/memories", lambda text: {"text": text}),
        ("POST", "/api/learning/lessons", lambda text: {"role": "writer", "task": text, "answer": text}),
        ("POST", "/api/learning/distil", lambda text: {"role": text}),
        ("POST", "/api/tokens", lambda text: {"name": text}),
        ("POST", "/api/session", lambda text: {"token": text}),
        ("PUT", "/api/budgets", lambda text: {"scope": "thread", "threadId": text, "tokens": 1}),
        ("POST", "/api/experiments/check", lambda text: {"text": text, "data": text}),
        ("PUT", "/api/alerts/rules/runs_fail/silence", lambda text: {"minutes": 0, "reason": text}),
    ]


@pytest.mark.parametrize(("method", "path", "body"), _takes_texts())
def test_no_text_is_a_bug(server: serving.Serving, method: str, path: str, body: Any) -> None:
    for text in naughty.ALL:
        status, said = server.call(method, path, body(text))
        assert status < 500, (text, said)
        assert status < 400 or "code" in said, (text, said)


@pytest.mark.parametrize(
    "path",
    [
        "/api/threads?search={}",
        "/api/memories?query={}",
        "/api/memories/{}",
        "/api/learning/lessons?query={}",
        "/api/threads/{}",
        "/api/threads/{}/files",
        "/api/runs/{}/entries",
        "/api/knowledge/{}",
        "/api/agents/{}",
        "/api/reports/{}",
        "/api/experiments/{}/results",
        "/api/metrics/behind?metric={}",
        "/{}",
    ],
)
def test_no_text_in_an_address_is_a_bug(server: serving.Serving, path: str) -> None:
    for text in naughty.ALL:
        status, said = server.call("GET", path.format(quote(text[:2000], safe="")))
        assert status < 500, (text, said)


def test_files_of_any_name_and_content_stay_in_their_folder(server: serving.Serving, tmp_path: Path) -> None:
    _, thread = server.call("POST", "/api/threads", {"title": "t"})
    before = {path for path in server.folder.rglob("*") if "files" not in path.parts and "logs" not in path.parts}
    for name in naughty.ALL:
        for door in (f"/api/threads/{thread['id']}/files/", "/api/knowledge/files/"):
            status, said = server.call("PUT", door + quote(name[:300], safe=""), b"content", Content_Type="text/plain")
            assert status < 500, (name, said)
    after = {path for path in server.folder.rglob("*") if "files" not in path.parts and "logs" not in path.parts}
    assert {path for path in after - before if "knowledge" not in path.parts and "memory" not in path.parts} == set()


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/plain", b'{"title":"t"}'),
        ("application/xml", b"<title>t</title>"),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="title"\r\n\r\nt\r\n--b--'),
        ("application/x-www-form-urlencoded", b"title=t"),
        ("application/json; charset=utf-16", '{"title":"t"}'.encode("utf-16")),
        ("application/json", b'{"title":"\xff\xfe"}'),
        ("application/json", b'{"title":"\\ud800"}'),
        ("application/json", b'{"title":' + b"[" * 100_000),
        ("application/json", b'{"title":' + b'{"a":' * 5_000 + b"1" + b"}" * 5_001),
        ("application/json", b'{"title":1' + b"0" * 100_000 + b"}"),
        ("application/json", b'{"title":NaN}'),
        ("application/json", b""),
        ("", b'{"title":"t"}'),
        ("application/json", b'{"title":"t","title":"u"}'),
        ("application/json", b"{" + b",".join(b'"f%d":1' % n for n in range(50_000)) + b"}"),
    ],
)
def test_a_body_of_another_kind_is_refused_in_words(server: serving.Serving, kind: str, body: bytes) -> None:
    status, said = server.call("POST", "/api/threads", body, Content_Type=kind)
    assert status in (201, 400, 413, 415, 422), said
    if status != 201:
        assert said["code"]
        assert said["detail"]
