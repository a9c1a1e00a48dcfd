"""The server as a process: its doors, who may enter, what goes wrong on the way in, and kill -9."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

import nursery
from serving import Serving, environment, free_port, running, start
from session_bench import texts

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> Generator[Serving]:
    folder = tmp_path_factory.mktemp("server")
    models = folder / "data" / "models"
    models.mkdir(parents=True)
    (models / "minilm").symlink_to(data_dir.absolute() / "models" / "minilm")
    with running(folder, max_prompt_chars=25_000, max_frame_bytes=100_000, max_body_bytes=100_000) as serving:
        yield serving


class Socket:
    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.ws = ws
        self.frames: list[dict[str, Any]] = []

    async def say(self, **command: object) -> None:
        await self.ws.send_str(json.dumps({"id": f"c{len(self.frames)}", **command}))

    async def until(self, **wanted: object) -> dict[str, Any]:
        while True:
            message = await self.ws.receive(timeout=120)
            assert message.type is aiohttp.WSMsgType.TEXT, message
            event = json.loads(message.data)
            self.frames.append(event)
            flat = {**event, **event["value"]} if event["type"] == "CUSTOM" else event
            if all(flat.get(name) == value for name, value in wanted.items()):
                return event


@asynccontextmanager
async def connected(server: Serving, query: str = "?protocol=1", **headers: str) -> AsyncGenerator[Socket]:
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{server.url}/ws{query}", headers=headers) as ws:
        yield Socket(ws)


# ── the main job ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_task_through_the_real_door(server: Serving) -> None:
    async with connected(server) as client:
        welcome = (await client.until(name="alma.welcome"))["value"]
        assert welcome["protocol"] == 1
        await client.say(type="run.start", key="a task", text="!say one two three")
        route = (await client.until(name="alma.route"))["value"]
        assert route["source"] == "examples"
        assert len(route["neighbours"]) == 5
        end = await client.until(type="RUN_FINISHED")
    assert list(texts(client.frames).values()) == ["one two three"]
    run_id, thread_id = end["runId"], end["threadId"]
    status, entries = server.call("GET", f"/api/runs/{run_id}/entries")
    assert status == 200
    assert [one["entry"]["type"] for one in entries["entries"]] == [
        "run_started",
        "route_chosen",
        "message_started",
        "message_finished",
        "run_finished",
    ]
    status, prompt = server.call("GET", f"/api/runs/{run_id}/prompt")
    assert prompt["messages"][-1] == {"role": "user", "content": "!say one two three"}
    assert prompt["messages"][0]["content"].startswith("You are a helpful AI assistant named Alma")
    status, thread = server.call("GET", f"/api/threads/{thread_id}")
    assert (thread["title"], thread["runs"], thread["working"]) == ("!say one two three", 1, False)


async def test_a_preview_and_a_correction(server: Serving) -> None:
    async with connected(server) as client:
        await client.say(type="route.preview", text="Write a poem about the sea")
        assert (await client.until(name="alma.route_preview"))["value"]["kind"] == "creative"
        await client.say(type="run.start", key="corrected", text="Tell me about my garden in June")
        run = await client.until(type="RUN_FINISHED")
        await client.say(type="route.correct", runId=run["runId"], kind="creative")
        assert (await client.until(name="alma.route_corrected"))["seq"] == 6
        _, kept = server.call("GET", "/api/route/examples")
        example = next(one for one in kept["examples"] if one["text"] == "Tell me about my garden in June")
        assert example["kind"] == "creative"
        await client.say(type="route.preview", text="Tell me about my garden in June")
        assert (await client.until(name="alma.route_preview"))["value"]["kind"] == "creative"
    assert server.call("DELETE", f"/api/route/examples/{example['id']}")[0] == 204
    assert server.call("DELETE", f"/api/route/examples/{example['id']}")[0] == 404


async def test_threads_are_listed_searched_renamed_and_deleted(server: Serving) -> None:
    async with connected(server) as client:
        await client.say(type="run.start", key="t1", text="!say the zebra 100% crossed_the road", kind="chat")
        end = await client.until(type="RUN_FINISHED")
        thread_id = end["threadId"]
        for search in ("zebra", "ZEBRA road", "100%", "crossed_the"):
            _, found = server.call("GET", f"/api/threads?search={search.replace('%', '%25').replace(' ', '%20')}")
            assert thread_id in [one["id"] for one in found["threads"]], search
        for search in ("zebr_", "giraffe", "zebra%25giraffe"):
            assert server.call("GET", f"/api/threads?search={search}")[1]["threads"] == [], search
        _, renamed = server.call("PATCH", f"/api/threads/{thread_id}", {"title": "  My\n zebra "})
        assert renamed["title"] == "My zebra"
        assert (await client.until(name="alma.thread", title="My zebra"))["value"]["id"] == thread_id
        await client.say(type="run.start", key="t2", threadId=thread_id, text="!tokens 9000 50", kind="chat")
        await client.until(type="TEXT_MESSAGE_CONTENT")
        assert server.call("DELETE", f"/api/threads/{thread_id}")[0] == 204
        await client.until(name="alma.thread", deleted=True)
        status, problem = server.call("GET", f"/api/threads/{thread_id}")
        assert (status, problem["code"]) == (404, "unknown_thread")
        assert server.call("GET", f"/api/runs/{end['runId']}/entries")[0] == 404
        await client.say(type="ping", id="alive")
        await client.until(name="alma.heartbeat", id="alive")


def test_pages_of_threads(server: Serving) -> None:
    for number in range(5):
        server.call("POST", "/api/threads", {"title": f"page {number}"})
    _, first = server.call("GET", "/api/threads?limit=2&search=page")
    assert [one["title"] for one in first["threads"]] == ["page 4", "page 3"]
    assert first["more"] is True
    before = first["threads"][-1]["updatedAt"]
    _, rest = server.call("GET", f"/api/threads?limit=10&search=page&before={before!r}")
    assert [one["title"] for one in rest["threads"]] == ["page 2", "page 1", "page 0"]
    assert rest["more"] is False


# ── who may enter, and what is wrong on the way in ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Origin": "https://evil.example"}, "origin_denied"),
        ({"Origin": "null"}, "origin_denied"),
        ({"Origin": "http://127.0.0.1:1"}, "origin_denied"),
        ({"Host": "evil.example"}, "host_denied"),
        ({"Host": "127.0.0.1.evil.example"}, "host_denied"),
    ],
)
async def test_other_sites_and_rebound_names_are_refused(server: Serving, headers: dict[str, str], code: str) -> None:
    status, problem = server.call("GET", "/api/threads", **headers)
    assert (status, problem["code"]) == (403, code)
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with connected(server, **headers):
            pass
    assert refused.value.status == 403


async def test_the_own_page_may_enter(server: Serving) -> None:
    async with connected(server, Origin=server.url) as client:
        await client.until(name="alma.welcome")


async def test_another_protocol_is_refused_with_words(server: Serving) -> None:
    async with connected(server, "?protocol=7") as client:
        error = (await client.until(name="alma.error"))["value"]
        assert error["code"] == "protocol_mismatch"
        assert (await client.ws.receive()).type is aiohttp.WSMsgType.CLOSE


async def test_a_frame_over_the_limit_is_answered_and_one_far_over_it_closes(server: Serving) -> None:
    async with connected(server) as client:
        await client.say(type="run.start", key="big", text="x" * 150_000)
        assert (await client.until(name="alma.error"))["value"]["code"] == "frame_too_large"
        await client.say(type="run.start", key="long", text="x" * 60_000)
        assert (await client.until(name="alma.error"))["value"]["code"] == "prompt_too_long"
        await client.ws.send_bytes(b"\x00")
        assert (await client.until(name="alma.error"))["value"]["code"] == "binary_frame"
        await client.say(type="run.start", key="huge", text="x" * 1_000_000)
        message = await client.ws.receive(timeout=120)
        assert message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
        assert client.ws.close_code == 1009
    async with connected(server) as client:
        await client.until(name="alma.welcome")


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/api/threads/t_none", None, 404, "unknown_thread"),
        ("PATCH", "/api/threads/t_none", {"title": "x"}, 404, "unknown_thread"),
        ("DELETE", "/api/threads/t_none", None, 404, "unknown_thread"),
        ("GET", "/api/runs/r_none/entries", None, 404, "unknown_run"),
        ("GET", "/api/runs/r_none/prompt", None, 404, "unknown_run"),
        ("GET", "/api/nothing", None, 404, "unknown_address"),
        ("PUT", "/api/threads", None, 405, "wrong_method"),
        ("POST", "/api/threads", b"{", 400, "invalid_field"),
        ("POST", "/api/threads", {"title": 7}, 400, "invalid_field"),
        ("POST", "/api/threads", {"tilte": "x"}, 400, "invalid_field"),
        ("POST", "/api/threads", {"title": "x" * 201}, 400, "invalid_field"),
        ("POST", "/api/threads", b"[" * 90_000, 400, "too_deep"),
        ("POST", "/api/threads", b'{"title":"' + b"x" * 200_000 + b'"}', 413, "body_too_large"),
        ("GET", "/api/threads?limit=0", None, 400, "invalid_field"),
        ("GET", "/api/threads?before=soon", None, 400, "invalid_field"),
        ("PUT", "/api/models/default", {"model": "nobody/nothing"}, 404, "unknown_model"),
        ("POST", "/api/endpoints", {"name": "x", "baseUrl": "not an address"}, 400, "invalid_field"),
        ("POST", "/api/endpoints", {"name": "x", "baseUrl": "http://127.0.0.1:1/v1"}, 502, "endpoint_unreachable"),
        ("POST", "/api/endpoints", {"name": "pool", "baseUrl": "http://127.0.0.1:1/v1"}, 400, "invalid_field"),
        ("POST", "/api/endpoints", {"name": "x", "baseUrl": "http://x/v1", "weight": 0}, 400, "invalid_field"),
        ("POST", "/api/endpoints/test", {}, 400, "invalid_field"),
        ("POST", "/api/endpoints/test", {"name": "x", "baseUrl": "http://x/v1"}, 400, "invalid_field"),
        ("POST", "/api/endpoints/test", {"name": "none"}, 404, "unknown_endpoint"),
        ("DELETE", "/api/endpoints/none", None, 404, "unknown_endpoint"),
        ("POST", "/api/models/gguf", {"path": "/etc/passwd"}, 409, "embedded_off"),
        ("POST", "/api/models/pull", {"repo": "no repo", "file": "x.gguf"}, 400, "invalid_field"),
        ("DELETE", "/api/models/pull/none", None, 404, "unknown_pull"),
    ],
)
def test_wrong_requests_are_problems_with_a_code(
    server: Serving, method: str, path: str, body: object, status: int, code: str
) -> None:
    seen, problem = server.call(method, path, body)
    assert (seen, problem["code"]) == (status, code)
    assert problem["detail"]
    assert problem["status"] == status


def test_health_metrics_and_api_description(server: Serving) -> None:
    assert server.call("GET", "/livez") == (200, {"status": "ok"})
    assert server.call("GET", "/readyz")[0] == 200
    status, health = server.call("GET", "/health")
    assert status == 200
    names = {one["name"] for one in health["components"]}
    assert names >= {"database", "disk", "embedder", "embedded model", "endpoint scripted", "index"}
    _, description = server.call("GET", "/openapi.json")
    assert "/api/threads/{thread_id}" in description["paths"]


# ── starting, and being killed ────────────────────────────────────────────────────────────────────────────────────


def refused_start(folder: Path, **settings: object) -> str:
    (folder / "models.toml").touch(mode=0o600)
    result = nursery.done(["serve"], folder, environment(folder, **settings))
    assert result.returncode not in (0, None)
    assert "Traceback" not in result.stderr
    return result.stderr + result.stdout


def test_a_port_in_use_and_a_folder_in_use_are_explained(server: Serving, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        said = refused_start(tmp_path, port=other.getsockname()[1])
        assert f"Port {other.getsockname()[1]}" in said
        assert "ALMA_PORT" in said
    said = refused_start(tmp_path, port=free_port(), data_dir=server.folder / "data")
    assert str(server.process.pid) in said
    assert "ALMA_DATA_DIR" in said


async def test_kill_9_in_mid_stream_loses_nothing(tmp_path: Path) -> None:
    server = start(tmp_path)
    async with connected(server) as before:
        await before.say(type="run.start", key="k", text="!tokens 300 200", kind="chat")
        ack = (await before.until(name="alma.ack"))["value"]
        await before.until(type="TEXT_MESSAGE_CONTENT")
        server.kill()
    again = start(tmp_path, port=server.port)
    try:
        async with connected(again) as after:
            started = [frame for frame in before.frames if "seq" in frame]
            await after.say(
                type="thread.subscribe",
                threadId=ack["threadId"],
                cursors={ack["runId"]: {"seq": started[-1]["seq"], "messages": {}}},
            )
            end = await after.until(type="RUN_FINISHED")
            assert end["status"] == "completed"
            attempts = [f["attempt"] for f in after.frames if f["type"] == "TEXT_MESSAGE_START"]
            assert attempts == [2], "what had streamed is replaced by a new attempt"
            text = texts(after.frames)[f"{ack['runId']}.main"]
            await after.say(type="run.start", key="k", text="!tokens 300 200", kind="chat")
            duplicate = (await after.until(name="alma.ack", runId=ack["runId"]))["value"]
            assert duplicate["duplicate"] is True
        _, entries = again.call("GET", f"/api/runs/{ack['runId']}/entries")
        finished = [one["entry"] for one in entries["entries"] if one["entry"]["type"] == "message_finished"]
        assert [one["text"] for one in finished] == [text]
        assert text.count("word") == 300
    finally:
        again.stop()


async def test_a_graceful_stop_ends_quickly_and_the_run_goes_on_later(tmp_path: Path) -> None:
    server = start(tmp_path, shutdown_grace_s=1)
    async with connected(server) as client:
        await client.say(type="run.start", key="k", text="!tokens 400 100", kind="chat")
        await client.until(type="TEXT_MESSAGE_CONTENT")
        server.stop()
        assert server.process.returncode == 0
    assert not (tmp_path / "data" / "server.json").exists()
    assert "Traceback" not in (tmp_path / "server.log").read_text()
    with running(tmp_path) as again:
        async with connected(again) as client:
            thread_id = again.call("GET", "/api/threads")[1]["threads"][0]["id"]
            await client.say(type="thread.subscribe", threadId=thread_id)
            await client.until(type="RUN_FINISHED")
