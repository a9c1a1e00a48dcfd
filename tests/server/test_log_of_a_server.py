"""The log of a real server: structured, with ids, whole at its end; and what went wrong, over HTTP."""

from __future__ import annotations

import json
import sqlite3
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from serving import Serving, running

SECRET = "correct-horse-battery-staple"


def logged(folder: Path) -> list[dict[str, Any]]:
    text = (folder / "data" / "logs" / "alma.log").read_text()
    assert text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def printed(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "server.log").read_text().splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def request_id(serving: Serving, given: str | None) -> str:
    request = urllib.request.Request(f"{serving.url}/livez", headers={"X-Request-ID": given} if given else {})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=120) as response:
        return response.headers["x-request-id"]


@pytest.mark.slow
def test_requests_have_ids_and_the_last_lines_before_the_end_are_there(tmp_path: Path) -> None:
    with running(tmp_path, log_level="debug", database_url=f"sqlite:///{tmp_path}/made-here.db") as serving:
        assert request_id(serving, "from-the-proxy.1") == "from-the-proxy.1"
        for odd in ("with space", "x" * 65, 'a"b', None):
            assert len(request_id(serving, odd)) == 16
        serving.call("GET", f"/api/threads?token={SECRET}", X_Request_ID="threads-1")
        serving.stop()
    records = logged(tmp_path)
    assert records == printed(tmp_path)
    (asked,) = [one for one in records if one.get("request_id") == "threads-1"]
    assert (asked["route"], asked["status"], asked["owner"]) == ("/api/threads", 200, "local")
    assert (asked["level"], asked["logger"]) == ("debug", "alma.server.request_log")
    assert any(one.get("request_id") == "from-the-proxy.1" for one in records)
    assert SECRET not in (tmp_path / "server.log").read_text()
    assert records[-1]["event"].startswith("Finished server process")  # after which it writes nothing more
    assert {one["logger"].partition(".")[0] for one in records} >= {"alma", "uvicorn", "alembic"}
    assert not any("readyz" in one["event"] for one in records if one["level"] == "warning")


def group_of(serving: Serving, wanted: str) -> dict[str, Any]:
    """The group whose title has these words, once it is there."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        for group in serving.call("GET", "/api/errors")[1]["groups"]:
            if wanted in group["title"]:
                return group
        time.sleep(0.05)
    raise AssertionError("no such group came")


@pytest.mark.slow
def test_a_bug_behind_a_request_is_answered_logged_once_and_listed(tmp_path: Path) -> None:
    with running(tmp_path, log_level="info") as serving:
        with sqlite3.connect(tmp_path / "data" / "alma.db", timeout=20) as connection:
            connection.execute(
                "INSERT INTO error_groups (fingerprint, title, place, count, first_at, last_at, state, example)"
                " VALUES ('old', 'an old one', 'x', 7, 1, 1, 'muted', '{broken')"
            )
        connection.close()
        status, body = serving.call("GET", "/api/errors?state=muted", X_Request_ID="bug-1")
        assert (status, body["code"]) == (500, "internal")
        token = body["hint"].removeprefix("The log has it under ").removesuffix(".")
        with sqlite3.connect(tmp_path / "data" / "alma.db", timeout=20) as connection:
            connection.execute("DELETE FROM error_groups WHERE fingerprint = 'old'")
        connection.close()
        group = group_of(serving, "DecodeError")
        assert (group["count"], group["state"]) == (1, "open")
        assert group["place"].startswith("alma.observability.error_groups")
        assert token in group["example"]["message"]
        assert group["example"]["ids"] == {"request_id": "bug-1", "owner": "local"}
        assert "_group" in group["example"]["traceback"]
        address = f"/api/errors/{group['fingerprint']}"
        assert serving.call("PATCH", address, {"state": "resolved"})[1]["state"] == "resolved"
        assert serving.call("GET", "/api/errors?state=open")[1]["groups"] == []
        assert serving.call("PATCH", "/api/errors/unknown", {"state": "muted"})[1]["code"] == "unknown_error"
    records = [one for one in logged(tmp_path) if one["level"] == "error"]
    assert [one["request_id"] for one in records] == ["bug-1"]
    assert records[0]["error"]["fingerprint"] == group["fingerprint"]
    slow_or_failed = [one for one in logged(tmp_path) if one["logger"] == "alma.server.request_log"]
    assert [(one["status"], one["level"]) for one in slow_or_failed] == [(500, "warning")]


@pytest.mark.slow
def test_a_server_goes_on_where_its_log_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "logs").write_text("a file where the folder should be")
    with running(tmp_path, log_level="info") as serving:
        assert serving.call("GET", "/api/threads")[0] == 200
        parts = {one["name"]: one for one in serving.call("GET", "/health")[1]["components"]}
        deadline = time.monotonic() + 120
        while parts["log file"]["status"] == "ok" and time.monotonic() < deadline:
            time.sleep(0.05)
            parts = {one["name"]: one for one in serving.call("GET", "/health")[1]["components"]}
        assert "cannot be written" in parts["log file"]["detail"]
    assert len([one for one in printed(tmp_path) if one["event"].startswith("The log file")]) == 1
