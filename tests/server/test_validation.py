"""What text may be, at the doors of a real server: taken in its form, or refused with where."""

from __future__ import annotations

import json
from collections.abc import Generator
from urllib.parse import quote

import aiohttp
import pytest

from serving import Serving, running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Serving]:
    with running(tmp_path_factory.mktemp("validation"), memory="true") as serving:
        yield serving


def test_a_title_is_one_line_with_what_deceives_written_out(server: Serving) -> None:
    status, thread = server.call("POST", "/api/threads", {"title": "cafe\u0301 \u202egnp.exe\r\n\x07done"})
    assert (status, thread["title"]) == (201, "café ⟦U+202E⟧gnp.exe done")


def test_of_a_name_that_is_there_twice_the_last_counts_and_is_checked(server: Serving) -> None:
    assert server.call("POST", "/api/threads", b'{"title": "one", "title": "two"}')[1]["title"] == "two"
    assert server.call("POST", "/api/threads", b'{"title": "one", "title": "a\\u0000b"}')[0] == 400


def test_a_memory_keeps_the_direction_of_its_text(server: Serving) -> None:
    text = "سعر e\u0301 \u2066100\u2069\r\nend"
    status, added = server.call("POST", "/api/memories", {"text": text})
    assert (status, added["memory"]["text"]) == (201, "سعر é \u2066100\u2069\nend")


@pytest.mark.parametrize(
    "body",
    [
        '{"title": "a\\u0000b"}',
        '{"title": "\\ud800"}',
        '{"title": "' + "\u202e" * 100 + '"}',  # written out it is too long
        '{"title": 7}',
        '{"title": ["a"]}',
        '{"title": "a", "more": 1}',
        '"\\ud800',
        "NaN",
    ],
)
def test_a_body_that_is_wrong_is_refused_and_says_where(server: Serving, body: str) -> None:
    status, problem = server.call("POST", "/api/threads", body.encode())
    assert (status, problem["code"]) == (400, "invalid_field")
    assert problem["actual"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "1" + "0" * 400, "-1", '"x"', "[]", "{}"])
@pytest.mark.parametrize("field", ["tokens", "seconds", "money"])
def test_a_number_is_finite_and_within_bounds(server: Serving, field: str, number: str) -> None:
    body = f'{{"scope": "owner", "{field}": {number}}}'
    status, problem = server.call("PUT", "/api/budgets", body.encode())
    assert (status, problem["code"]) == (400, "invalid_field")


@pytest.mark.parametrize(
    "path",
    [
        "/api/threads/a%00b",
        "/api/threads/a%0ab",
        "/api/threads/" + "a" * 300,
        "/api/threads?before=nan",
        "/api/threads?before=1e400",
        "/api/threads?limit=" + "9" * 400,
        "/api/threads?search=%00",
        "/api/memories?query=a%00",
        "/api/memories?since=inf",
        "/api/memories?key=%ed%a0%80%00",
        "/api/runs/r%00/entries",
        "/api/agents/%00",
    ],
)
def test_an_address_is_checked_like_a_body(server: Serving, path: str) -> None:
    status, problem = server.call("GET", path)
    assert (status, problem["code"]) == (400, "invalid_field")


NAMES = [
    ".hidden",
    "a/b.txt",
    "..\\b.txt",
    "con",
    "CON .txt",
    "com1.txt",
    "COM¹.log",
    "lpt9",
    "conin$",
    "nul.md",
    "a\x01.txt",
    "invoice\u202efdp.exe",
    "a\u2066.txt",
    "a\u200b.txt",
    "a\U000e0041.txt",
    "x" * 201,
    "字" * 67,
    "end.",
    " a",
    "a:b",
    "a|b",
]


@pytest.mark.parametrize("door", ["thread", "knowledge"])
def test_a_file_is_named_by_the_same_rules_at_every_door(server: Serving, door: str) -> None:
    _, thread = server.call("POST", "/api/threads", {"title": "files"})
    place = f"/api/threads/{thread['id']}/files/" if door == "thread" else "/api/knowledge/files/"
    for name in NAMES:
        status, problem = server.call("PUT", place + quote(name, safe=""), b"text")
        assert status == 400, name
        assert problem["code"] in ("bad_file_name", "invalid_field"), name
    status, kept = server.call("PUT", place + quote("cafe\u0301 notes.md", safe=""), b"text")
    assert status in (200, 202)
    assert kept["name"] == "café notes.md"


async def test_a_command_is_taken_in_the_same_forms(server: Serving) -> None:
    url = f"{server.url}/ws?protocol=1"
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as ws:
        text = "e\u0301\r\n\x1b[31mred \u202eturned"
        await ws.send_json({"type": "run.start", "id": "1", "key": "k", "text": text, "kind": "chat"})
        while (started := await ws.receive_json())["type"] != "RUN_STARTED":
            assert started.get("name") != "alma.error", started
        await ws.send_json({"type": "run.start", "id": "2", "key": "k2", "text": "a\0", "kind": "chat"})
        while (refused := await ws.receive_json()).get("name") != "alma.error":
            pass
    assert "é\n[31mred \u202eturned" in json.dumps(started, ensure_ascii=False).replace("\\n", "\n")
    assert refused["value"]["code"] == "invalid_field"
    assert "$.text" in refused["value"]["actual"]
    _, thread = server.call("GET", f"/api/threads/{started['threadId']}")
    assert thread["title"] == "é [31mred ⟦U+202E⟧turned"
