"""Versions through HTTP: a real server in front of real versions."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI

from alma.agent.roles import Roles
from alma.db.database import Database
from alma.db.tables import runs
from alma.learner import version_store as store
from alma.learner.version_records import Tried
from alma.learner.versions import Versions
from alma.server import problems, versions_api
from asked_by import ask_as

ROLE = "---\nname: poet\npurpose: Writes poems.\n---\nYou are a poet.\n"
OTHER = ROLE.replace("You are a poet.", "Rhyme.")
PATH = "/api/learning/versions"


class Door:
    def __init__(self, folder: Path, port: int, database: Database, versions: Versions, roles: Roles) -> None:
        self.file = folder / "poet.md"
        self.port = port
        self.database = database
        self.versions = versions
        self.roles = roles

    async def call(self, method: str, path: str = "", body: object = None) -> tuple[int, Any]:
        def send() -> tuple[int, Any]:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            data = json.dumps(body) if body is not None else None
            connection.request(method, PATH + path, data, {"content-type": "application/json"})
            answer = connection.getresponse()
            content = answer.read()
            connection.close()
            return answer.status, json.loads(content) if content else None

        return await asyncio.to_thread(send)

    async def made(self, content: str = OTHER, what: str = "prompt", title: str = "Rhymes") -> str:
        status, made = await self.call("POST", "", {"what": what, "of": "poet", "content": content, "title": title})
        assert status == 201, made
        return str(made["id"])


@pytest.fixture
async def door(folder: Path) -> AsyncGenerator[Door]:
    agents = folder / "agents"
    agents.mkdir()
    (agents / "poet.md").write_text(ROLE)
    database, roles = Database(f"sqlite:///{folder / 'alma.db'}"), Roles(agents)
    database.open()
    versions = Versions(database, roles)
    app = FastAPI()
    problems.install(app)
    app.include_router(versions_api.routes(database, versions, versions.delete))
    ask_as(app, "ada", body=1_000_000)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        async with asyncio.TaskGroup() as group:
            group.create_task(server.serve([listener]))
            yield Door(agents, listener.getsockname()[1], database, versions, roles)
            server.should_exit = True
    database.close()


async def test_a_version_by_hand_from_draft_to_promoted_and_back(door: Door) -> None:
    version_id = await door.made()
    _, listed = await door.call("GET", "?what=prompt&of=poet")
    assert [(one["id"], one["stage"], one["title"], one["madeBy"]) for one in listed["versions"]] == [
        (version_id, "draft", "Rhymes", "hand")
    ]
    assert (await door.call("GET", "?what=notes"))[1] == {"versions": []}
    status, changed = await door.call("PUT", f"/{version_id}", {"content": OTHER + "Always.\n", "title": "Always"})
    assert (status, changed["title"]) == (200, "Always")
    status, promoted = await door.call("POST", f"/{version_id}/promote", {})
    assert (status, promoted["stage"], promoted["fileChanged"]) == (200, "promoted", False)
    door.file.write_text(ROLE + "New.\n")
    door.roles.reload()
    assert (await door.call("GET"))[1]["versions"][0]["fileChanged"] is True
    assert (await door.call("POST", f"/{version_id}/keep"))[1]["fileChanged"] is False
    status, back = await door.call("POST", f"/{version_id}/revert", {"why": "It sounds wrong."})
    assert (status, back["stage"]) == (200, "rolled_back")
    _, found = await door.call("GET", f"/{version_id}")
    assert [(step["stage"], step["by"]) for step in found["history"]] == [
        ("draft", "ada"),
        ("promoted", "ada"),
        ("rolled_back", "ada"),
    ]
    assert "before the gate had decided" in found["history"][1]["why"]
    assert found["history"][2]["why"] == "It sounds wrong."
    assert (await door.call("DELETE", f"/{version_id}"))[0] == 204
    assert (await door.call("GET", f"/{version_id}"))[0] == 404


async def test_what_it_changes_line_by_line(door: Door) -> None:
    version_id = await door.made()
    _, found = await door.call("GET", f"/{version_id}")
    assert found["content"] == OTHER
    assert found["diff"].splitlines()[:2] == ["--- poet (base)", "+++ poet (version)"]
    assert "+Rhyme.\n" in found["diff"]
    assert found["baseContent"] == ROLE
    assert "-You are a poet.\n" in found["diff"]


async def test_the_evidence_of_a_canary(door: Door) -> None:
    version_id = await door.made()
    await door.call("POST", f"/{version_id}/start", {"stage": "canary"})
    status, shared = await door.call("PUT", f"/{version_id}/share", {"share": 0.5})
    assert (status, shared["share"]) == (200, 0.5)

    def write(connection: Any) -> None:
        for number in range(40):
            side, reward = ("candidate", 0.9) if number % 2 else ("base", 0.4)
            row = Tried(version_id, "canary", side, f"r_{number}", float(number), share=0.5, ms=10.0, context="chat")  # type: ignore[arg-type]
            store.keep_tried(connection, row if number == 39 else Tried(**{**_fields(row), "reward": reward}))
        connection.execute(
            runs.insert().values(id="r_7", thread_id="t_7", owner="local", text="x", head=1, created_at=0.0)
        )

    await door.database.write(write)
    _, found = await door.call("GET", f"/{version_id}")
    (stage,) = found["stages"]
    assert (stage["stage"], stage["verdict"], stage["waitingCandidate"]) == ("canary", "better", 1)
    assert stage["difference"] == pytest.approx(0.5)
    assert stage["low"] > 0.0
    assert [one["tasks"] for one in stage["course"]] == list(range(1, 40))
    assert {guard["name"]: guard["broken"] for guard in stage["guards"]} == {"errors": False, "latency": False}
    assert len(stage["tried"]) == 40
    assert {one["runId"] for one in stage["tried"]} == {f"r_{number}" for number in range(40)}
    assert {one["threadId"] for one in stage["tried"] if one["threadId"]} == {"t_7"}
    assert found["watch"] is None


def _fields(row: Tried) -> dict[str, Any]:
    return {name: getattr(row, name) for name in Tried.__struct_fields__}


WRONG: list[tuple[str, str, object, int, str]] = [
    ("POST", "", {"what": "prompt", "of": "poet", "content": "no role"}, 400, "role_invalid"),
    ("POST", "", {"what": "prompt", "of": "nobody", "content": OTHER}, 404, "unknown_role"),
    ("POST", "", {"what": "tools", "of": "poet", "content": "[]"}, 400, "invalid_field"),
    ("POST", "", {"what": "notes", "of": "poet", "content": "[1]"}, 400, "version_invalid"),
    ("POST", "", {"what": "notes", "of": "poet", "content": "x" * 270_000}, 400, "invalid_field"),
    ("GET", "/v_none", None, 404, "unknown_version"),
    ("PUT", "/v_none", {"content": ROLE}, 404, "unknown_version"),
    ("PUT", "/{id}/share", {"share": 0.9}, 400, "invalid_field"),
    ("PUT", "/{id}/share", {"share": "NaN"}, 400, "invalid_field"),
    ("POST", "/{id}/start", {"stage": "promoted"}, 400, "invalid_field"),
    ("POST", "/{id}/stop", {}, 409, "wrong_stage"),
    ("POST", "/{id}/revert", {}, 409, "wrong_stage"),
    ("POST", "/{id}/revert", {"to": "there"}, 400, "invalid_field"),
]


async def test_what_is_wrong_is_said(door: Door) -> None:
    version_id = await door.made()
    for method, path, body, status, code in WRONG:
        got, said = await door.call(method, path.format(id=version_id), body)
        assert (got, said["code"]) == (status, code), (method, path, body, said)
        assert [one.stage for one in door.versions.of_owner("ada")] == ["draft"]


async def test_lines_of_what_is_wrong_in_a_role_file(door: Door) -> None:
    broken = "---\nname: poet\npurpose: x\ntools: 3\nbudgets: {depth: x}\n---\nhi\n"
    _, said = await door.call("POST", "", {"what": "prompt", "of": "poet", "content": broken})
    assert [line.split(": ")[0] for line in said["actual"].splitlines()] == ["poet.md:4", "poet.md:5"]


async def test_two_on_trial_and_the_same_again(door: Door) -> None:
    first, second = await door.made(), await door.made(OTHER + "More.\n")
    same = await door.made(ROLE)
    assert (await door.call("POST", f"/{first}/start", {}))[1]["stage"] == "replay"
    assert (await door.call("POST", f"/{second}/start", {}))[1]["code"] == "trial_running"
    assert (await door.call("POST", f"/{same}/promote", {}))[1]["code"] == "same_as_base"
    assert (await door.call("DELETE", f"/{first}"))[1]["code"] == "version_in_use"
    assert (await door.call("POST", f"/{first}/stop", {}))[1]["stage"] == "draft"
