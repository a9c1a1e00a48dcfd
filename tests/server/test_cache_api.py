"""The response cache over HTTP, on a real server: what it saved, and what makes it ask anew."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

import nursery
from serving import Serving, environment, running, start


@pytest.fixture
def server(tmp_path: Path) -> Generator[Serving]:
    with running(tmp_path, cache="true") as serving:
        yield serving


def alma(server: Serving, *words: str) -> str:
    """What the command says on standard output; its data folder is the server's."""
    done = nursery.done(list(words), server.folder, environment(server.folder, cache="true"))
    assert done.returncode == 0, done.stderr
    return done.stdout


def saved(server: Serving) -> tuple[int, int]:
    status, reply = server.call("GET", "/api/cache")
    assert status == 200
    return reply["hits"], reply["misses"]


def thread_of(server: Serving) -> str:
    return server.call("GET", "/api/threads")[1]["threads"][0]["id"]


def test_it_says_what_it_does_and_saved(server: Serving) -> None:
    for _ in range(3):
        alma(server, "run", "--kind", "chat", "Why is the sea salty?")
    _, reply = server.call("GET", "/api/cache")
    assert (reply["exact"], reply["semantic"], reply["threshold"], reply["ttlHours"]) == (True, False, 0.85, 168)
    assert (reply["hits"], reply["misses"], reply["entries"]) == (2, 1, 1)
    assert reply["savedTokens"] > 0
    assert 0 < reply["bytes"] <= reply["maxBytes"] == 64 << 20
    assert reply["sinceStart"]["hits"] == 2


def test_a_fresh_answer_is_asked_for(server: Serving) -> None:
    for options in ([], ["--fresh"]):
        alma(server, "run", "--kind", "chat", *options, "Why is the sea salty?")
    assert saved(server) == (0, 1)


def test_a_choice_is_kept_and_survives_the_server(server: Serving) -> None:
    status, reply = server.call("PUT", "/api/cache", {"semantic": True, "threshold": 0.92})
    assert (status, reply["exact"], reply["semantic"], reply["threshold"]) == (200, True, True, 0.92)
    server.stop()
    again = start(server.folder, cache="true")
    try:
        assert again.call("GET", "/api/cache")[1]["threshold"] == 0.92
    finally:
        again.stop()


def test_a_choice_that_is_none_is_refused(server: Serving) -> None:
    for body in ({"threshold": 1.5}, {"threshold": "much"}, {"exact": "perhaps"}, {"size": 3}, {"semantic": [1]}):
        status, reply = server.call("PUT", "/api/cache", body)
        assert (status, reply["code"]) == (400, "invalid_field") or status == 422, (body, reply)
        assert server.call("GET", "/api/cache")[1]["threshold"] == 0.85, body


def test_it_can_be_emptied(server: Serving) -> None:
    alma(server, "run", "--kind", "chat", "Why is the sea salty?")
    status, reply = server.call("DELETE", "/api/cache")
    assert (status, reply["entries"], reply["bytes"]) == (200, 0, 0)
    alma(server, "run", "--kind", "chat", "Why is the sea salty?")
    assert saved(server) == (0, 2)


def test_a_deleted_thread_takes_its_answers_along(server: Serving) -> None:
    alma(server, "run", "--kind", "chat", "Why is the sea salty?")
    assert server.call("DELETE", f"/api/threads/{thread_of(server)}")[0] == 204
    assert server.call("GET", "/api/cache")[1]["entries"] == 0


def test_the_command_line_shows_changes_and_empties_it(server: Serving) -> None:
    for _ in range(2):
        alma(server, "run", "--kind", "chat", "Why is the sea salty?")
    shown = alma(server, "cache", "show")
    assert "1 answer " in shown
    assert "1 of 2 calls" in shown
    changed = alma(server, "cache", "set", "--semantic", "on", "--threshold", "0.9")
    assert "semantic  on, from a likeness of 0.9" in changed
    assert "0 answers" in alma(server, "cache", "clear")
    assert "exact     off" in alma(server, "cache", "set", "--exact", "off")
