"""The roles at hand: shipped ones under the user's, followed while Alma runs; a broken file harms no other."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from alma.agent.role import Role, shipped_folder
from alma.agent.roles import Roles
from alma.errors import NotFound, StorageFailure
from alma.security.caller import LOCAL
from alma.server import problems
from alma.server.agents_api import routes
from alma.server.http import join
from asked_by import ask_as

SHIPPED = ["analyst", "coder", "critic", "manager", "researcher", "writer"]


def write(folder: Path, name: str, prompt: str = "Do it.", more: str = "") -> Path:
    path = folder / f"{name}.md"
    path.write_text(f"---\nname: {name}\npurpose: For tests.\n{more}---\n{prompt}\n")
    return path


def test_the_shipped_roles_are_there_and_fit_each_other() -> None:
    roles = Roles()
    assert roles.names() == SHIPPED
    assert [role.name for role in roles.all()] == SHIPPED
    assert roles.problems() == roles.check() == []
    assert roles.reload() == []


def test_an_unknown_role_is_not_found_and_the_near_one_is_named() -> None:
    with pytest.raises(NotFound) as caught:
        Roles().get("analist")
    assert caught.value.code == "unknown_role"
    assert "did you mean 'analyst'?" in str(caught.value.hint)


def test_the_users_files_go_over_the_shipped_ones(tmp_path: Path) -> None:
    write(tmp_path, "writer", "Write in verse.")
    write(tmp_path, "translator")
    (tmp_path / "README.md").write_text("About these.")
    (tmp_path / "_draft.md").write_text("Not yet.")
    roles = Roles(tmp_path)
    assert roles.names() == sorted([*SHIPPED, "translator"])
    assert roles.get("writer").prompt == "Write in verse."
    assert roles.file("writer") == tmp_path / "writer.md"
    assert roles.file("critic") == shipped_folder() / "critic.md"
    assert roles.problems() == []
    (tmp_path / "writer.md").unlink()
    assert roles.reload() == ["writer"]
    assert roles.get("writer").prompt.startswith("You are a writer")


def test_the_users_folder_may_be_the_shipped_one() -> None:
    assert Roles(shipped_folder()).names() == SHIPPED


def test_a_broken_file_harms_no_other_and_the_shipped_one_stands_in(tmp_path: Path) -> None:
    write(tmp_path, "translator")
    (tmp_path / "writer.md").write_text("no front matter")
    (tmp_path / "empty.md").write_text("")
    (tmp_path / "gone.md").symlink_to(tmp_path / "nowhere")
    roles = Roles(tmp_path)
    assert roles.names() == sorted([*SHIPPED, "translator"])
    assert roles.get("writer").prompt.startswith("You are a writer")
    assert [Path(problem.file).name for problem in roles.problems()] == ["empty.md", "gone.md", "writer.md"]


def test_the_last_good_version_stays_while_a_file_is_broken(tmp_path: Path) -> None:
    path = write(tmp_path, "translator", "Translate.")
    roles = Roles(tmp_path)
    path.write_text("---\nname: translator\npurpose: [\n---\n")
    assert roles.reload() == []
    assert roles.get("translator").prompt == "Translate."
    assert [problem.line for problem in roles.problems()] == [3]
    write(tmp_path, "translator", "Translate well.")
    assert roles.reload() == ["translator"]
    assert roles.get("translator").prompt == "Translate well."
    assert roles.problems() == []
    path.unlink()
    assert roles.reload() == ["translator"]
    assert "translator" not in roles.names()


def test_a_folder_that_vanishes_leaves_its_roles(tmp_path: Path) -> None:
    folder = tmp_path / "agents"
    folder.mkdir()
    write(folder, "translator")
    roles = Roles(folder)
    folder.rename(tmp_path / "elsewhere")
    assert roles.reload() == []
    assert "translator" in roles.names()
    assert "cannot be read" in roles.problems()[0].message
    (tmp_path / "elsewhere").rename(folder)
    assert roles.reload() == []
    assert roles.problems() == []


def test_names_of_roles_and_tools_that_are_not_there_are_told_with_their_line(tmp_path: Path) -> None:
    more = "delegates_to:\n  - critic\n  - crittic\nstand_ins: [nobody]\ntools: ['*', clok]\n"
    path = write(tmp_path, "translator", more=more)
    said = [str(problem) for problem in Roles(tmp_path).check(tools=["clock"])]
    assert [one for one in said if "translator" in one] == [
        f"{path}:6: delegates_to[1]: there is no role named 'crittic'; did you mean 'critic'?",
        f"{path}:7: stand_ins[0]: there is no role named 'nobody'",
        f"{path}:8: tools[1]: there is no tool named 'clok'; did you mean 'clock'?",
    ]
    assert not any(problem.field.startswith("tools") for problem in Roles(tmp_path).check())


def test_who_may_do_a_roles_tasks_in_its_place(tmp_path: Path) -> None:
    write(tmp_path, "brief", more="variant_of: writer\n")
    briefer = write(tmp_path, "briefer", more="models: [a/b]\nvariant_of: brief\n")
    lost = write(tmp_path, "lost", more="variant_of: writter\n")
    roles = Roles(tmp_path)
    assert [role.name for role in roles.variants("writer")] == ["brief"]
    assert roles.variants("brief") == roles.variants("nobody") == []
    assert [str(problem) for problem in roles.check()] == [
        f"{briefer}:5: variant_of: 'brief' is itself a variant, of 'writer'; name that one",
        f"{lost}:4: variant_of: there is no role named 'writter'; did you mean 'writer'?",
    ]


# ── while running ─────────────────────────────────────────────────────────────────────────────────────────────────


class Keeper:
    """Notes every change, whether it was in use already then, and may refuse to keep it."""

    def __init__(self, roles: Roles) -> None:
        self.roles = roles
        self.changes: asyncio.Queue[list[Role]] = asyncio.Queue()
        self.used_before: list[str] = []
        self.full = False

    async def __call__(self, changed: list[Role]) -> None:
        self.used_before += [one.name for one in changed if one in self.roles.all()]
        self.changes.put_nowait(changed)
        if self.full:
            raise StorageFailure("no space")

    async def next(self) -> list[str]:
        return [role.prompt for role in await asyncio.wait_for(self.changes.get(), 10)]


@asynccontextmanager
async def followed(roles: Roles) -> AsyncGenerator[Keeper]:
    keeper = Keeper(roles)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(roles.run(keeper, interval=0.01))
        yield keeper
        task.cancel()


async def in_use(roles: Roles, name: str, prompt: str | None) -> None:
    async with asyncio.timeout(120):
        while True:
            with suppress(NotFound):
                if roles.get(name).prompt == prompt:
                    return
            if prompt is None and name not in roles.names():
                return
            await asyncio.sleep(0.01)


async def test_files_that_come_change_and_go_are_followed_and_kept_before_they_are_used(tmp_path: Path) -> None:
    roles = Roles(tmp_path)
    async with followed(roles) as keeper:
        path = write(tmp_path, "translator", "One.")
        assert await keeper.next() == ["One."]
        await in_use(roles, "translator", "One.")
        write(tmp_path, "translator", "Two, longer.")
        assert await keeper.next() == ["Two, longer."]
        await in_use(roles, "translator", "Two, longer.")
        path.write_text("broken")
        assert await keeper.next() == [], "only the problems changed"
        path.unlink()
        assert await keeper.next() == [], "one is gone"
        await in_use(roles, "translator", None)
    assert keeper.used_before == []
    assert roles.problems() == []


async def test_a_version_that_cannot_be_kept_is_not_used_until_it_can(tmp_path: Path) -> None:
    write(tmp_path, "translator", "One.")
    roles = Roles(tmp_path)
    async with followed(roles) as keeper:
        keeper.full = True
        write(tmp_path, "translator", "Two, longer.")
        assert await keeper.next() == await keeper.next() == ["Two, longer."]
        assert roles.get("translator").prompt == "One."
        keeper.full = False
        await in_use(roles, "translator", "Two, longer.")


async def test_a_file_that_is_being_written_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "alma.agent.roles._SETTLED_S", 1.0
    )  # so that a busy machine does not look like an editor at rest
    roles = Roles(tmp_path)
    async with followed(roles) as keeper:
        path = tmp_path / "translator.md"
        with path.open("w") as file:
            for piece in ("---\nname: translator\n", "purpose: For tests.\n", "---\n", "Do ", "it ", "well."):
                file.write(piece)
                file.flush()
                await asyncio.sleep(0.03)
        assert await keeper.next() == ["Do it well."]
    assert keeper.changes.empty()


# ── over HTTP ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def get(roles: Roles, path: str) -> tuple[int, Any]:
    """One GET through the ASGI app."""
    app = FastAPI()
    problems.install(app)
    join(app, [routes(roles)])
    ask_as(app, LOCAL)
    status, body = 0, b""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status, body
        status = message.get("status", status)
        body += message.get("body", b"")

    scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b""}
    await app({**scope, "headers": [], "scheme": "http", "server": ("t", 80)}, receive, send)  # pyright: ignore
    return status, json.loads(body)


async def test_the_api_lists_agents_and_problems(tmp_path: Path) -> None:
    write(tmp_path, "translator", more="delegates_to: [nobody]\n")
    (tmp_path / "bad.md").write_text("bad")
    roles = Roles(tmp_path)
    status, answer = await get(roles, "/api/agents")
    assert status == 200
    agents = {agent["name"]: agent for agent in answer["agents"]}
    assert sorted(agents) == roles.names()
    assert agents["critic"]["outputSchema"]["properties"]["verdict"]["enum"] == ["accept", "revise"]
    assert agents["translator"]["delegatesTo"] == ["nobody"]
    assert agents["translator"]["budgets"]["toolCalls"] == 8
    assert "source" not in agents["translator"]
    assert [(Path(one["file"]).name, one["line"], one["field"]) for one in answer["problems"]] == [
        ("bad.md", 1, ""),
        ("translator.md", 4, "delegates_to[0]"),
    ]


async def test_the_api_shows_one_agent_with_its_file() -> None:
    roles = Roles()
    status, agent = await get(roles, "/api/agents/manager")
    assert status == 200
    assert agent["source"] == (shipped_folder() / "manager.md").read_text()
    assert agent["version"] == roles.get("manager").version
    assert agent["kinds"]["chat"]["sampling"]["maxTokens"] == 512
    status, refused = await get(roles, "/api/agents/nobody")
    assert (status, refused["code"]) == (404, "unknown_role")
