"""The lab over HTTP: what there is, curves of what is played, what is too much, and that it ends when nobody waits."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Generator
from typing import Any

import pytest

from serving import Serving, running

pytestmark = pytest.mark.slow
RUN: dict[str, Any] = {"world": "drift", "policies": ["alma", "usual"], "tasks": 80, "seeds": 2}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Serving]:
    with running(tmp_path_factory.mktemp("lab")) as serving:
        yield serving


def test_it_says_which_worlds_and_policies_there_are(server: Serving) -> None:
    status, lab = server.call("GET", "/api/learning/lab")
    assert status == 200
    worlds = {one["name"]: one for one in lab["worlds"]}
    assert {"tastes", "skills", "drift", "adversarial", "lazy", "costly", "null"} <= worlds.keys()
    assert worlds["drift"]["settings"]["at"] == 400
    assert not worlds["drift"]["stationary"]
    assert all(one["about"] for one in (*lab["worlds"], *lab["policies"]))


def test_it_plays_and_gives_curves_with_intervals(server: Serving) -> None:
    status, said = server.call("POST", "/api/learning/lab/run", RUN)
    assert status == 200
    assert (said["world"], said["tasks"], said["seeds"]) == ("drift", 80, 2)
    assert [one["policy"] for one in said["curves"]] == ["alma", "usual"]
    for one in said["curves"]:
        assert one["at"][-1] == 80
        assert len(one["regrets"]) == 2
        assert one["regret"]["low"][-1] <= one["regret"]["mean"][-1] <= one["regret"]["high"][-1]
    assert server.call("POST", "/api/learning/lab/run", RUN)[1] == said, "the same seeds give the same"


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"world": "moon"}, 404, "unknown_world"),
        ({"policies": ["moon"]}, 404, "unknown_policy"),
        ({"policies": []}, 400, "invalid_field"),
        ({"seeds": 0}, 400, "invalid_field"),
        ({"exploration": 2}, 400, "invalid_field"),
        ({"tasks": 5000, "seeds": 200}, 400, "lab_too_large"),
        ({"settings": {"colour": 1}}, 400, "unknown_lab_setting"),
        ({"settings": {"arms": 1_000_000}}, 400, "bad_lab_setting"),
        ({"settings": {"arms": 2.5}}, 400, "bad_lab_setting"),
        ({"world": "tastes", "settings": {"good": 0}}, 400, "bad_lab_setting"),
    ],
)
def test_what_cannot_be_played_is_refused(server: Serving, change: dict[str, Any], status: int, code: str) -> None:
    got, problem = server.call("POST", "/api/learning/lab/run", RUN | change)
    assert (got, problem["code"]) == (status, code), problem


def test_it_stops_when_its_client_leaves(server: Serving) -> None:
    body = json.dumps({"world": "skills", "policies": ["alma"], "tasks": 1000, "seeds": 120}).encode()
    head = f"POST /api/learning/lab/run HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Type: application/json\r\n"
    with socket.create_connection(("127.0.0.1", server.port)) as line:
        line.sendall(head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        status = 200
        while status == 200:  # until it has begun
            status, problem = server.call("POST", "/api/learning/lab/run", RUN | {"tasks": 2, "seeds": 1})
        assert (status, problem["code"]) == (409, "lab_busy")
        assert server.call("GET", "/livez")[0] == 200, "others are served meanwhile"
    while status == 409:
        time.sleep(0.05)
        status, _ = server.call("POST", "/api/learning/lab/run", RUN)
    assert status == 200
