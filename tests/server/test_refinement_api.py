"""Refinement over a real server: ask for it, look at it, take it back; what is wrong is said."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from serving import Serving, running

pytestmark = pytest.mark.slow
BASE = "/api/memory/refinement"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Serving]:
    with running(tmp_path_factory.mktemp("refined"), memory="true", refine_idle_s="0") as serving:
        yield serving


def bring_in(server: Serving, *lines: str) -> None:
    raw = "\n".join(lines).encode()
    status, answer = server.call("POST", "/api/memories/import", raw, Content_Type="application/x-ndjson")
    assert (status, answer["passedOver"]) == (200, 0), answer


def state_of(server: Serving, text: str) -> dict[str, Any]:
    """The state of the memory with this text."""
    for state in ("alive", "archived", "superseded", "forgotten"):
        found = server.call("GET", f"/api/memories?state={state}&limit=200")[1]["memories"]
        for one in found:
            if one["memory"]["text"] == text:
                return {**one["memory"], "state": state}
    raise AssertionError(f"no memory says {text}")


def test_a_pass_is_previewed_done_looked_at_and_undone(server: Serving) -> None:
    bring_in(
        server,
        '{"text": "The ferry left at four.", "agent": "writer", "kind": "episodic", "createdAt": 1000}',
        '{"text": "The ferry is mine.", "kind": "episodic", "createdAt": 1000}',
    )
    status, plan = server.call("POST", BASE, {"dryRun": True})
    assert (status, plan["passId"], plan["dryRun"]) == (200, "", True)
    (act,) = plan["acts"]
    assert (act["what"], act["n"], act["memories"][0]["text"]) == ("archive", 0, "The ferry left at four.")
    assert state_of(server, "The ferry left at four.")["state"] == "alive"
    done = server.call("POST", BASE, {})[1]
    faded = state_of(server, "The ferry left at four.")
    assert (faded["state"], faded["archivedAt"] > 1000) == ("archived", True)
    assert state_of(server, "The ferry is mine.")["state"] == "alive"
    assert server.call("GET", "/api/memory")[1]["counts"]["archived"] == 1
    listed = server.call("GET", f"{BASE}/passes")[1]["passes"]
    assert [(one["id"], one["by"], one["counts"]) for one in listed] == [(done["passId"], "asked", {"archive": 1})]
    path = f"{BASE}/passes/{done['passId']}"
    (shown,) = server.call("GET", path)[1]["acts"]
    assert shown["why"].startswith("It would come to mind with 0%")
    status, undone = server.call("POST", f"{path}/acts/1/undo", {})
    assert (status, undone["acts"][0]["left"], undone["undoneAt"] is not None) == (200, [], True)
    assert state_of(server, "The ferry left at four.")["state"] == "alive"
    status, refused = server.call("POST", f"{path}/undo", {})
    assert (status, refused["code"]) == (409, "already_undone")


def test_a_contradiction_is_listed_and_settled(server: Serving) -> None:
    status, mine = server.call("POST", "/api/memories", {"text": "I live in Lund."})
    assert status == 201
    bring_in(server, '{"text": "The user lives in Porto.", "agent": "writer", "scope": "team", "key": "user.city"}')
    (found,) = server.call("GET", f"{BASE}/contradictions")[1]["contradictions"]
    assert (found["key"], len(found["memories"])) == ("user.city", 2)
    wrong = server.call("POST", f"{BASE}/contradictions", {"key": "user.city", "holds": "m_other"})
    assert (wrong[0], wrong[1]["code"]) == (400, "not_among_them")
    holds = mine["memory"]["id"]
    status, settled = server.call("POST", f"{BASE}/contradictions", {"key": "user.city", "holds": holds})
    assert (status, settled["by"], settled["counts"]) == (200, "owner", {"settle": 1})
    assert state_of(server, "The user lives in Porto.")["supersededBy"] == holds
    gone = server.call("POST", f"{BASE}/contradictions", {"key": "user.city", "holds": holds})
    assert (gone[0], gone[1]["code"]) == (404, "unknown_contradiction")


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/passes/p_none", None, 404, "unknown_pass"),
        ("POST", "/passes/p_none/undo", {}, 404, "unknown_pass"),
        ("POST", "/passes/p_none/acts/0/undo", {}, 400, "invalid_field"),
        ("GET", "/passes?before=nonsense", None, 400, "invalid_field"),
        ("GET", "/passes?limit=0", None, 400, "invalid_field"),
        ("POST", "", {"dryRun": "maybe"}, 400, "invalid_field"),
        ("POST", "", {"surplus": 1}, 400, "invalid_field"),
        ("POST", "/contradictions", {"key": "", "holds": None}, 404, "unknown_contradiction"),
    ],
)
def test_what_is_wrong_is_said(server: Serving, method: str, path: str, body: object, status: int, code: str) -> None:
    got, answer = server.call(method, BASE + path, body)
    assert (got, answer["code"]) == (status, code)


def test_without_memory_there_is_nothing_to_refine(tmp_path: Path) -> None:
    with running(tmp_path, memory="false") as server:
        status, answer = server.call("POST", BASE, {})
        assert (status, answer["code"]) == (409, "memory_off")
