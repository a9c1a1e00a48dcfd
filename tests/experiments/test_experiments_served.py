"""Experiments through a real server: files in, progress and reports out, `kill -9`, other settings, other owners."""

from __future__ import annotations

import json
import time
from collections.abc import Generator
from typing import Any

import pytest

from serving import Serving, running, start

pytestmark = pytest.mark.slow

SPEC = """
name: Brief or not
kind: chat
variants:
  - name: usual
  - name: brief
    prompt: You answer in one word.
    notes: [Never apologise.]
evaluators:
  - type: exact
"""


def data(count: int, wait: float = 0.0) -> str:
    rows = [{"task": f"!wait {wait} !say word{at}", "expected": f"word{at}"} for at in range(count)]
    return "\n".join(json.dumps(row) for row in rows)


def begin(serving: Serving, spec: str, rows: str) -> str:
    status, made = serving.call("POST", "/api/experiments", {"text": spec, "data": rows})
    assert status == 201, made
    assert serving.call("POST", f"/api/experiments/{made['id']}/start", {})[0] == 200
    return made["id"]


def ended(serving: Serving, experiment_id: str) -> dict[str, Any]:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        _, found = serving.call("GET", f"/api/experiments/{experiment_id}")
        if found["state"] != "running":
            return found
        time.sleep(0.1)
    raise AssertionError("the experiment did not end")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Serving]:
    with running(tmp_path_factory.mktemp("experiments")) as serving:
        yield serving


def test_variants_are_really_told_what_their_file_says(server: Serving) -> None:
    experiment_id = begin(server, SPEC, data(2))
    assert ended(server, experiment_id)["states"] == {"scored": 4}
    _, results = server.call("GET", f"/api/experiments/{experiment_id}/results")
    assert [one["scores"] for one in results["figures"]] == [{"exact": 1.0}, {"exact": 1.0}]
    table = server.call("GET", f"/api/experiments/{experiment_id}/report.csv")[1].decode().split("\n")
    runs = {line.split(",")[0]: line.split(",")[-1] for line in table[1:-1]}
    prompts = {}
    for variant, run_id in runs.items():
        _, prompt = server.call("GET", f"/api/runs/{run_id}/prompt")
        prompts[variant] = " ".join(message["content"] for message in prompt["messages"])
    assert "You answer in one word." in prompts["brief"]
    assert "Never apologise." in prompts["brief"]
    assert "You answer in one word." not in prompts["usual"]
    assert server.call("GET", f"/api/experiments/{experiment_id}/report.md")[1].startswith(b"# Brief or not")
    assert server.call("GET", f"/api/experiments/{experiment_id}/report.svg")[1].startswith(b"<svg")
    assert server.call("GET", "/api/threads")[1]["threads"] == []
    status, promoted = server.call("POST", f"/api/experiments/{experiment_id}/promote", {"variant": "brief"})
    assert status == 200
    assert len(promoted["versions"]) == 2
    for version in promoted["versions"]:
        assert server.call("POST", f"/api/learning/versions/{version}/promote", {"why": "It won."})[0] == 200
    other = begin(server, SPEC.replace("name: brief", "name: other"), data(3))
    ended(server, other)
    _, usual = server.call("GET", f"/api/experiments/{other}/runs?variant=usual&limit=1")
    _, prompt = server.call("GET", f"/api/runs/{usual['runs'][0]['runId']}/prompt")
    said = " ".join(message["content"] for message in prompt["messages"])
    assert "You answer in one word." in said, "as usual is what acts for the owner now"
    assert "Never apologise." in said
    _, compared = server.call("POST", "/api/experiments/compare", {"a": experiment_id, "b": other})
    assert [one["found"]["n"] for one in compared["comparisons"]] == [2]
    assert server.call("DELETE", f"/api/experiments/{experiment_id}")[0] == 204
    assert server.call("GET", f"/api/experiments/{experiment_id}")[0] == 404
    assert server.call("GET", f"/api/runs/{runs['brief']}/prompt")[0] == 404


def test_other_settings_are_an_alma_of_its_own(server: Serving) -> None:
    spec = """
name: Attempts
kind: chat
variants:
  - name: usual
  - name: once
    settings: {ALMA_MAX_ATTEMPTS: 1}
evaluators: [{type: exact}]
"""
    rows = json.dumps({"task": "!cut 1 x1 !say hello", "expected": "hello"})
    found = ended(server, begin(server, spec, rows))
    assert found["progress"] == {"usual": {"scored": 1}, "once": {"failed": 1}}
    folders = list((server.folder / "data" / "annexes").iterdir())
    assert len(folders) == 1
    assert server.call("DELETE", f"/api/experiments/{found['id']}")[0] == 204
    assert not folders[0].exists()
    for settings, words in (
        ("ALMA_PORT: 1", "data of its own"),
        ("ALMA_CACH: x", "ALMA_CACHE"),
        ("ALMA_CACHE: 7", "true"),
    ):
        wrong = spec.replace("ALMA_MAX_ATTEMPTS: 1", settings)
        _, check = server.call("POST", "/api/experiments/check", {"text": wrong, "data": rows})
        assert words in check["problems"][0]["message"], check


def test_what_is_wrong_is_refused_with_its_place(server: Serving) -> None:
    for body, code in (
        ({"text": SPEC, "data": ""}, "data_set_invalid"),
        ({"text": SPEC, "data": '{"task": "a", "odd": 1}'}, "data_set_invalid"),
        ({"text": "name: x", "data": data(1)}, "experiment_invalid"),
        ({"data": data(1)}, "invalid_field"),
        ({"text": SPEC, "threads": ["t_none"]}, "unknown_thread"),
        ({"spec": {"name": "x"}, "data": data(1)}, "experiment_invalid"),
    ):
        status, said = server.call("POST", "/api/experiments", body)
        assert 400 <= status < 500
        assert said["code"] == code, said
    _, check = server.call("POST", "/api/experiments/check", {"text": SPEC, "data": data(1)})
    assert (check["problems"], check["cells"]) == ([], 2)
    assert "one row" in check["notes"][0]
    for path in ("e_none/start", "e_none/pause", "e_none/cancel", "e_none/promote"):
        assert server.call("POST", f"/api/experiments/{path}", {})[1]["code"] == "unknown_experiment"


def test_a_killed_server_goes_on_where_it_was(server: Serving) -> None:
    """The last of this file: its server is gone."""
    experiment_id = begin(server, SPEC, data(6, wait=0.1))
    while server.call("GET", f"/api/experiments/{experiment_id}")[1]["states"].get("scored", 0) < 3:
        time.sleep(0.05)
    server.kill()
    serving = start(server.folder)
    try:
        found = ended(serving, experiment_id)
        assert (found["state"], found["states"]) == ("done", {"scored": 12})
        table = serving.call("GET", f"/api/experiments/{experiment_id}/report.csv")[1].decode().split("\n")[1:-1]
        assert len({line.split(",")[-1] for line in table}) == 12
        brief = next(line.split(",")[-1] for line in reversed(table) if line.startswith("brief,"))
        _, prompt = serving.call("GET", f"/api/runs/{brief}/prompt")
        assert "You answer in one word." in prompt["messages"][0]["content"]
    finally:
        serving.stop()
