"""Feedback through a real server: what is said of answers, what is believed of it, and what is refused."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from serving import Serving, running
from token_mint import bearer, make_token

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Serving]:
    with running(tmp_path_factory.mktemp("feedback"), exploration="0", limit_requests="off") as serving:
        yield serving


def run(server: Serving, text: str, *, of: str = "", thread: str = "", **headers: str) -> tuple[str, str]:
    """The run's id and its thread's, once it has ended."""
    key = f"k{time.time_ns()}"
    command: dict[str, Any] = {"type": "run.start", "id": "c", "key": key, "text": text, "kind": "chat"}
    if of:
        command = {"type": "run.retry", "id": "c", "key": key, "runId": of}
    if thread:
        command["threadId"] = thread
    url = f"ws://127.0.0.1:{server.port}/ws?protocol=1"
    with connect(url, max_size=None, proxy=None, ping_interval=None, additional_headers=headers) as ws:
        if of:
            _, said = server.call("GET", f"/api/runs/{of}/entries", **headers)
            thread = said["entries"][0]["entry"]["thread_id"]
            ws.send(json.dumps({"type": "thread.subscribe", "id": "s", "threadId": thread}))
        ws.send(json.dumps(command))
        mine = ""
        while True:
            event = json.loads(ws.recv(timeout=120))
            if event["type"] == "CUSTOM" and event["value"].get("id") == "c":
                assert event["name"] == "alma.ack", event
                mine = event["value"]["runId"]
            if event["type"] == "RUN_FINISHED" and event["runId"] == mine:
                return event["runId"], event["threadId"]


def until(server: Serving, path: str, fine: Callable[[Any], bool], **headers: str) -> Any:
    """What is answered once it is so; counting goes on in the background."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        status, said = server.call("GET", path, **headers)
        assert status == 200, said
        if fine(said):
            return said
        time.sleep(0.02)
    raise AssertionError(f"{path} stayed {said}")


def counted(server: Serving, run_id: str, thumb: float | None = None, **headers: str) -> Any:
    def fine(said: Any) -> bool:
        if not said["counted"]:
            return False
        heard = {one["name"]: one["value"] for one in said["tasks"][0]["signals"]}
        return thumb is None or heard.get("thumb") == thumb

    return until(server, f"/api/runs/{run_id}/feedback", fine, **headers)


def test_a_thumb_is_counted_and_explained(server: Serving) -> None:
    run_id, _ = run(server, "!say a clear answer")
    before = counted(server, run_id)
    assert before["said"] == []
    assert before["tasks"][0]["weight"] < 0.25, "what is seen alone says little"
    body = {"signal": "thumb", "value": 1, "reason": "just right"}
    status, kept = server.call("POST", f"/api/runs/{run_id}/feedback", body)
    assert (status, kept["duplicate"], kept["said"]["reason"]) == (201, False, "just right")
    (task,) = counted(server, run_id, 1.0)["tasks"]
    assert task["reward"] > 0.9
    assert task["words"].startswith(f"{task['reward']:.2f}, the mean of thumb 1.00 × 1.00")
    items = {one["item"].partition(":")[0] for one in task["parts"]}
    assert {"role", "model", "prompt"} <= items
    _, records = server.call("GET", "/api/learning/records?what=role&context=chat")
    record = next(one for one in records["records"] if one["item"] == "role:manager")
    assert record["low"] < record["mean"] < record["high"]
    assert record["curve"][-1]["mean"] == pytest.approx(record["mean"])
    _, why = server.call("GET", "/api/learning/why?item=role:manager&context=chat")
    speaks = next(one for one in why["runs"] if one["runId"] == run_id)
    assert speaks["reward"] == pytest.approx(task["reward"])
    assert {"name": "thumb", "why": "just right"}.items() <= speaks["signals"][0].items()


def test_the_same_twice_counts_once_and_the_newest_counts(server: Serving) -> None:
    run_id, _ = run(server, "!say twice")
    path = f"/api/runs/{run_id}/feedback"
    for key in ("", "", "a"):
        server.call("POST", path, {"signal": "thumb", "value": -1, "key": key})
    status, again = server.call("POST", path, {"signal": "thumb", "value": -1})
    assert (status, again["duplicate"]) == (201, True)
    _, entries = server.call("GET", f"/api/runs/{run_id}/entries")
    assert [one["entry"]["type"] for one in entries["entries"]].count("signaled") == 1
    low = counted(server, run_id, 0.0)["tasks"][0]
    assert low["reward"] < 0.5
    assert server.call("POST", path, {"signal": "thumb", "value": 1})[0] == 201
    assert counted(server, run_id, 1.0)["tasks"][0]["reward"] > 0.9
    assert server.call("POST", path, {"signal": "thumb", "value": 0})[0] == 201
    after = until(server, path, lambda said: said["said"] == [] and len(said["tasks"][0]["signals"]) == 3)
    assert after["tasks"][0]["weight"] < 0.25


def test_an_edited_answer_and_a_choice_between_two(server: Serving) -> None:
    first, _ = run(server, "!say one two three four")
    second, _ = run(server, "", of=first)
    heard = counted(server, first)["said"]
    assert [one["signal"] for one in heard] == ["retried"], "asking again says something of the answer before"
    status, edited = server.call(
        "POST", f"/api/runs/{second}/feedback", {"signal": "edited", "text": "one two three five"}
    )
    assert (status, edited["said"]["value"]) == (201, 0.5), "three of four words were kept"
    choice = {"signal": "preferred", "other": first}
    assert server.call("POST", f"/api/runs/{second}/feedback", choice)[0] == 201
    assert server.call("POST", f"/api/runs/{second}/feedback", choice)[1]["duplicate"]

    def passed(said: Any) -> bool:
        return any(one["name"] == "passed_over" for one in said["tasks"][0]["signals"])

    lost = until(server, f"/api/runs/{first}/feedback", passed)
    assert lost["tasks"][0]["reward"] < 0.3
    stranger, _ = run(server, "!say another turn")
    refused = {"signal": "preferred", "other": stranger}
    assert server.call("POST", f"/api/runs/{second}/feedback", refused)[1]["code"] == "not_siblings"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"signal":"thumb","value":NaN}', "invalid_field"),
        (b'{"signal":"thumb","value":1e400}', "invalid_field"),
        ({"signal": "thumb", "value": 2}, "invalid_field"),
        ({"signal": "thumb"}, "invalid_field"),
        ({"signal": "copied", "value": 1}, "invalid_field"),
        ({"signal": "edited"}, "invalid_field"),
        ({"signal": "preferred"}, "invalid_field"),
        ({"signal": "thumb", "value": 1, "text": "no"}, "invalid_field"),
        ({"signal": "applause"}, "invalid_field"),
        ({"signal": "thumb", "value": 1, "taskId": "7"}, "unknown_task"),
        ({"signal": "preferred", "other": "r_nowhere"}, "unknown_run"),
    ],
)
def test_what_is_wrong_is_refused_and_moves_nothing(server: Serving, body: Any, code: str) -> None:
    run_id, _ = run(server, "!say untouched")
    before = counted(server, run_id)
    status, said = server.call("POST", f"/api/runs/{run_id}/feedback", body)
    assert status in (400, 404, 422), said
    assert said["code"] == code
    assert server.call("GET", f"/api/runs/{run_id}/feedback")[1] == before


def test_a_flood_ends_in_a_clear_refusal_and_one_signal_that_counts(server: Serving) -> None:
    run_id, _ = run(server, "!say flooded")
    path = f"/api/runs/{run_id}/feedback"
    codes = [server.call("POST", path, {"signal": "thumb", "value": n / 200})[0] for n in range(1, 130)]
    assert codes == [201] * 100 + [409] * 29
    status, said = server.call("POST", path, {"signal": "thumb", "value": -1})
    assert (status, said["code"]) == (409, "too_much_feedback")
    task = counted(server, run_id, 0.75)["tasks"][0]
    assert task["weight"] < 1.3, "a flood weighs no more than the last of it"


def test_contradictions_weigh_less(server: Serving) -> None:
    first, _ = run(server, "!say first")
    second, _ = run(server, "", of=first)
    path = f"/api/runs/{second}/feedback"
    server.call("POST", path, {"signal": "thumb", "value": -1})
    alone = counted(server, second, 0.0)["tasks"][0]
    server.call("POST", path, {"signal": "preferred", "other": first})
    both = until(server, path, lambda said: len(said["said"]) == 2 and len(said["tasks"][0]["signals"]) == 5)
    assert both["tasks"][0]["weight"] < alone["weight"]


def test_a_deleted_run_has_never_spoken(server: Serving) -> None:
    _, before = server.call("GET", "/api/learning/why?item=role:manager")
    run_id, thread_id = run(server, "!say gone soon")
    server.call("POST", f"/api/runs/{run_id}/feedback", {"signal": "thumb", "value": -1})
    counted(server, run_id, 0.0)
    until(server, "/api/learning/why?item=role:manager", lambda said: said["total"] == before["total"] + 1)
    assert server.call("DELETE", f"/api/threads/{thread_id}")[0] == 204
    _, after = server.call("GET", "/api/learning/why?item=role:manager")
    assert after == before, "to the last digit"
    status, said = server.call("POST", f"/api/runs/{run_id}/feedback", {"signal": "thumb", "value": 1})
    assert (status, said["code"]) == (404, "unknown_run")


def test_weights_are_the_owners_and_weigh_all_anew(server: Serving) -> None:
    run_id, _ = run(server, "!say weighed")
    server.call("POST", f"/api/runs/{run_id}/feedback", {"signal": "thumb", "value": 1})
    before = counted(server, run_id, 1.0)["tasks"][0]
    for wrong in ({"thumb": -1}, {"thumb": 11}, {"applause": 1}):
        assert server.call("PUT", "/api/learning", {"weights": wrong})[1]["code"] == "invalid_field"
    assert server.call("PUT", "/api/learning", b'{"weights":{"thumb":NaN}}')[1]["code"] == "invalid_field"
    status, said = server.call("PUT", "/api/learning", {"weights": {"thumb": 0}, "exploration": 0.25})
    assert (status, said["exploration"]) == (200, 0.25)
    assert next(one for one in said["signals"] if one["name"] == "thumb")["weight"] == 0
    after = counted(server, run_id)["tasks"][0]
    assert after["weight"] < 0.25 < before["weight"]
    assert server.call("PUT", "/api/learning", {})[1]["ownExploration"] is None
    assert counted(server, run_id)["tasks"][0]["weight"] == before["weight"]


def test_a_follow_up_that_corrects_speaks_of_the_answer_before(server: Serving) -> None:
    first, thread = run(server, "!say the capital of Australia is Sydney")
    second, _ = run(server, "No, that's wrong.", thread=thread)
    path = f"/api/runs/{first}/feedback"
    said = until(server, path, lambda said: bool(said["said"]) and said["counted"])["said"]
    assert [(one["signal"], one["other"]) for one in said] == [("corrected", second)]
    run(server, "Thanks, that's right.", thread=thread)
    assert counted(server, second)["said"] == []


def test_nothing_of_one_owner_moves_anothers_numbers(tmp_path: Path) -> None:
    ada, bob = (bearer(make_token(tmp_path, name)) for name in ("ada", "bob"))
    with running(tmp_path, exploration="0") as server:
        hers, _ = run(server, "!say hers", **ada)
        his, _ = run(server, "!say his", **bob)
        counted(server, his, **bob)
        before = server.call("GET", "/api/learning/records", **bob)
        server.call("POST", f"/api/runs/{hers}/feedback", {"signal": "thumb", "value": -1}, **ada)
        counted(server, hers, 0.0, **ada)
        status, said = server.call("POST", f"/api/runs/{hers}/feedback", {"signal": "thumb", "value": 1}, **bob)
        assert (status, said["code"]) == (404, "unknown_run")
        assert server.call("GET", f"/api/runs/{hers}/feedback", **bob)[0] == 404
        assert server.call("GET", "/api/learning/records", **bob) == before
        assert counted(server, hers, 0.0, **ada)["said"][0]["value"] == -1


def test_a_kill_in_between_loses_nothing(tmp_path: Path) -> None:
    with running(tmp_path, exploration="0") as server:
        run_id, _ = run(server, "!say kept")
        server.call("POST", f"/api/runs/{run_id}/feedback", {"signal": "thumb", "value": -1})
        server.kill()
    with running(tmp_path, exploration="0") as server:
        task = counted(server, run_id, 0.0)["tasks"][0]
        assert task["reward"] < 0.5


def test_with_learning_off_feedback_is_kept_and_nothing_counted(tmp_path: Path) -> None:
    with running(tmp_path, learning="false") as server:
        run_id, _ = run(server, "!say off")
        path = f"/api/runs/{run_id}/feedback"
        assert server.call("POST", path, {"signal": "thumb", "value": 1})[0] == 201
        _, said = server.call("GET", path)
        assert (said["counted"], said["said"][0]["value"]) == (False, 1)
        assert said["tasks"][0]["reward"] > 0.9, "what it comes to follows from the journal"
        assert server.call("GET", "/api/learning/records")[1]["total"] == 0
    with running(tmp_path, exploration="0") as server:
        counted(server, run_id, 1.0)
