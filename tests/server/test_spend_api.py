"""Spend and budgets through the server's door and from the command line, with a server in a process of its own."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from alma.__main__ import main
from serving import Serving, running

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Serving]:
    with running(tmp_path_factory.mktemp("server"), day_tokens=1_000_000, budget_warning=0.5) as serving:
        yield serving


async def say(server: Serving, text: str, **fields: object) -> dict[str, Any]:
    """Send a task; gives the last event of its run, or the refusal."""
    command = {"type": "run.start", "id": "c", "key": uuid.uuid4().hex, "text": text, "kind": "chat", **fields}
    url = f"{server.url}/ws?protocol=1"
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        await socket.send_str(json.dumps(command))
        while True:
            event = json.loads((await socket.receive(timeout=120)).data)
            if event["type"] in ("RUN_FINISHED", "RUN_ERROR"):
                return event
            if event.get("name") == "alma.error":
                return event["value"]


def scope_of(reply: dict[str, Any], scope: str) -> dict[str, Any]:
    return next(one for one in reply["scopes"] if one["scope"] == scope)


async def test_what_was_used_is_told_by_scope_day_and_model(server: Serving) -> None:
    end = await say(server, "!say one two three")
    status, reply = server.call("GET", f"/api/spend?thread={end['threadId']}")
    assert status == 200
    assert (reply["currency"], reply["warnAt"]) == ("USD", 0.5)
    assert [one["scope"] for one in reply["scopes"]] == ["run", "thread", "owner", "day"]
    assert scope_of(reply, "run")["seconds"] == {"used": 0, "limit": 900}
    assert scope_of(reply, "day")["tokens"]["limit"] == 1_000_000
    (today, *_) = reply["days"]
    assert today["day"] == datetime.now(UTC).date().isoformat()
    assert today["outputTokens"] >= 3
    assert today["inputTokens"] + today["outputTokens"] == scope_of(reply, "day")["tokens"]["used"]
    assert [one["model"] for one in reply["models"]] == ["scripted/scripted"]
    assert scope_of(reply, "thread")["tokens"]["used"] <= scope_of(reply, "owner")["tokens"]["used"]
    assert "thread" not in [one["scope"] for one in server.call("GET", "/api/spend")[1]["scopes"]]
    assert server.call("GET", "/api/spend?thread=t_none")[1]["code"] == "unknown_thread"


async def test_a_budget_is_set_changed_in_part_and_taken_back(server: Serving) -> None:
    end = await say(server, "Hello")
    of_thread = {"scope": "thread", "threadId": end["threadId"]}
    status, reply = server.call("PUT", "/api/budgets", {**of_thread, "tokens": 1, "money": 2.5})
    assert status == 200
    assert (scope_of(reply, "thread")["tokens"]["limit"], scope_of(reply, "thread")["money"]["limit"]) == (1, 2.5)
    refused = await say(server, "More", threadId=end["threadId"])
    assert refused["code"] == "budget_spent"
    reply = server.call("PUT", "/api/budgets", {**of_thread, "tokens": 0})[1]
    assert (scope_of(reply, "thread")["tokens"]["limit"], scope_of(reply, "thread")["money"]["limit"]) == (0, 2.5)
    assert (await say(server, "More", threadId=end["threadId"]))["type"] == "RUN_FINISHED"
    server.call("PUT", "/api/budgets", {"scope": "day", "tokens": 5_000_000})
    reply = server.call("PUT", "/api/budgets", {"scope": "day", "tokens": None})[1]
    assert scope_of(reply, "day")["tokens"]["limit"] == 1_000_000, "the setting's again"


@pytest.mark.parametrize(
    "body",
    [
        {"scope": "week", "tokens": 1},
        {"scope": "day", "tokens": -1},
        {"scope": "day", "money": "much"},
        {"scope": "day", "seconds": 1e300},
        {"scope": "day", "threadId": "t_1", "tokens": 1},
        {"scope": "thread", "tokens": 1},
        {"scope": "thread", "threadId": "t_none", "tokens": 1},
        {"scope": "day", "pounds": 1},
    ],
)
def test_what_is_no_budget_is_refused(server: Serving, body: dict[str, object]) -> None:
    status, problem = server.call("PUT", "/api/budgets", body)
    assert 400 <= status < 500
    assert problem["code"] in ("invalid_field", "unknown_thread")


def test_the_command_line_shows_sets_and_checks(server: Serving, capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(say(server, "Hello"))
    folder = str(Path(server.folder) / "data")
    assert main(["budget", "set", "owner", "--money", "12.5", "--data-dir", folder]) == 0
    assert "of $12.50" in capsys.readouterr().out
    assert main(["spend", "--data-dir", folder]) == 0
    shown = capsys.readouterr().out
    assert "scripted/scripted" in shown
    assert datetime.now(UTC).date().isoformat() in shown
    assert "at most 15.0 min" in shown
    assert main(["spend", "--json", "--data-dir", folder]) == 0
    assert json.loads(capsys.readouterr().out)["currency"] == "USD"
    assert main(["budget", "set", "owner", "--money", "default", "--data-dir", folder]) == 0
    assert main(["budget", "set", "owner", "--data-dir", folder]) == 1
    assert "--tokens, --seconds or --money" in capsys.readouterr().err


def test_the_command_line_limits_a_run(server: Serving, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(Path(server.folder) / "data")
    assert main(["run", "--kind", "chat", "--tokens", "20", "Hello", "--data-dir", folder]) == 1
    assert "The run has used up its budget of tokens." in capsys.readouterr().err
