"""The knowledge base through HTTP: a real server in front of a real library."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import uvicorn
from fastapi import FastAPI
from shelf import OWNER, Shelf

from alma.server import knowledge_api, problems
from asked_by import ask_as

pytestmark = pytest.mark.slow
LIMIT = 3_000_000


class Door:
    def __init__(self, shelf: Shelf, port: int) -> None:
        self.shelf = shelf
        self.port = port

    async def call(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, Any]:
        def send() -> tuple[int, Any]:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
            connection.close()
            return answer.status, json.loads(content) if content else None

        return await asyncio.to_thread(send)


@pytest.fixture
async def door(tmp_path: Path) -> AsyncGenerator[Door]:
    shelf = Shelf(f"sqlite:///{tmp_path / 'alma.db'}", tmp_path, max_bytes=LIMIT)
    async with shelf.running():
        app = FastAPI()
        problems.install(app)
        app.include_router(knowledge_api.routes(shelf.library))
        ask_as(app, OWNER, body=1000)
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            async with asyncio.TaskGroup() as group:
                group.create_task(server.serve([listener]))
                yield Door(shelf, listener.getsockname()[1])
                server.should_exit = True


async def test_a_file_is_put_listed_read_and_deleted(door: Door) -> None:
    text = "# Dürer\n\nEr malte Hasen.\n"
    status, put = await door.call("PUT", f"/api/knowledge/files/{quote('Über Dürer.md')}", text.encode())
    assert (status, put["name"], put["origin"], put["state"], put["error"]) == (
        202,
        "Über Dürer.md",
        "page",
        "waiting",
        None,
    )
    await door.shelf.settled("Über Dürer.md")
    status, listed = await door.call("GET", "/api/knowledge")
    assert status == 200
    assert [(one["id"], one["state"], one["chunks"]) for one in listed["documents"]] == [(put["id"], "ready", 1)]
    assert (listed["folder"], listed["problem"], listed["maxBytes"]) == (None, "", LIMIT)
    assert {"md", "pdf", "docx", "csv", "py"} <= set(listed["formats"])
    status, read = await door.call("GET", f"/api/knowledge/{put['id']}")
    assert (status, read["text"], read["document"]["format"]) == (200, text, "md")
    assert [(one["place"], one["text"], one["start"], one["end"]) for one in read["chunks"]] == [
        ("Dürer", text.strip(), 0, len(text) - 1)
    ]
    assert await door.call("DELETE", f"/api/knowledge/{put['id']}") == (204, None)
    status, problem = await door.call("GET", f"/api/knowledge/{put['id']}")
    assert (status, problem["code"]) == (404, "unknown_document")
    assert (await door.call("DELETE", f"/api/knowledge/{put['id']}"))[0] == 404


async def test_what_cannot_be_read_is_taken_in_and_says_why(door: Door) -> None:
    status, put = await door.call("PUT", "/api/knowledge/files/photo.txt", b"\x89PNG\r\n\x1a\n and so on")
    assert (status, put["state"]) == (202, "waiting")
    await door.shelf.settled("photo.txt")
    _, read = await door.call("GET", f"/api/knowledge/{put['id']}")
    assert read["document"]["state"] == "failed"
    assert read["document"]["error"]["code"] == "unsupported_file"
    assert read["document"]["error"]["actual"] == "a PNG image (it is called TXT)"


@pytest.mark.parametrize("name", ["..", "a/b.txt", "..%2f..%2fetc", ".hidden", "con.txt", "x" * 300, "a%00.txt", "%20"])
async def test_a_name_that_no_file_may_have_is_refused(door: Door, name: str) -> None:
    status, problem = await door.call("PUT", f"/api/knowledge/files/{name}", b"x")
    assert (status, problem["code"]) == (400, "invalid_field" if "%00" in name else "bad_file_name")
    assert await door.shelf.library.list(OWNER) == []


async def test_a_file_may_be_larger_than_other_bodies_but_not_too_large(door: Door) -> None:
    status, _ = await door.call("PUT", "/api/knowledge/files/large.txt", b"a word " * (LIMIT // 7))
    assert status == 202
    for body in (b"x" * (LIMIT + 1), b"x" * (LIMIT * 10)):
        status, problem = await door.call("PUT", "/api/knowledge/files/larger.txt", body)
        assert (status, problem["code"], problem["actual"]) == (413, "file_too_large", f"{len(body):,} bytes")
    assert (await door.call("POST", "/api/knowledge/files/other.txt", b"x" * 1001))[1]["code"] == "body_too_large"


async def test_one_that_does_not_say_its_length_is_stopped_at_the_limit(door: Door) -> None:
    def send() -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", door.port, timeout=60)
        pieces = (b"x" * 100_000 for _ in range(50))
        connection.request("PUT", "/api/knowledge/files/larger.txt", pieces, encode_chunked=True)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, json.loads(content)

    status, problem = await asyncio.to_thread(send)
    assert (status, problem["code"]) == (413, "file_too_large")
    assert await door.shelf.library.list(OWNER) == []


async def test_a_sender_that_asks_first_is_refused_before_it_sends(door: Door) -> None:
    def send() -> bytes:
        with socket.create_connection(("127.0.0.1", door.port), timeout=60) as connection:
            connection.sendall(
                b"PUT /api/knowledge/files/a.pdf HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000000\r\n"
                b"Expect: 100-continue\r\n\r\n"
            )
            return connection.recv(100)

    assert (await asyncio.to_thread(send)).startswith(b"HTTP/1.1 413 ")


async def test_a_connection_that_breaks_leaves_nothing(door: Door, tmp_path: Path) -> None:
    arriving = tmp_path / "originals" / ".arriving"
    with socket.create_connection(("127.0.0.1", door.port), timeout=60) as connection:
        head = b"PUT /api/knowledge/files/a.txt HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000\r\n\r\n"
        connection.sendall(head + b"x" * 1000)
        while not list(arriving.glob("*")):
            await asyncio.sleep(0.01)
    while list(arriving.glob("*")):
        await asyncio.sleep(0.01)
    assert await door.shelf.library.list(OWNER) == []
