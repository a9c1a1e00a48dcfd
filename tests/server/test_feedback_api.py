"""Feedback through a real server: what is said of answers, what is believed of it, and what is refused.

One server for all; each test speaks as an owner of its own, whose numbers are nobody else's.
"""

from __future__ import annotations

import itertools
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
_numbers = itertools.count()


class Owner:
    """Somebody who asks, and says what they think of it."""

    def __init__(self, server: Serving, folder: Path) -> None:
        self.server = server
        self.headers = bearer(make_token(folder, f"owner{next(_numbers)}"))

    def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        return self.server.call(method, path, body, **self.headers)

    def say(self, run_id: str, **body: object) -> tuple[int, Any]:
        return self.call("POST", f"/api/runs/{run_id}/feedback", body)

    def run(self, text: str, *, of: str = "", thread: str = "") -> tuple[str, str]:
        """The run's id and its thread's, once it has ended."""
        key = f"k{next(_numbers)}"
        command: dict[str, Any] = {"type": "run.start", "id": "c", "key": key, "text": text, "kind": "chat"}
        if of:
            command = {"type": "run.retry", "id": "c", "key": key, "runId": of}
        if thread and not of:
            command["threadId"] = thread
        url = f"ws://127.0.0.1:{self.server.port}/ws?protocol=1"
        with connect(url, max_size=None, proxy=None, ping_interval=None, additional_headers=self.headers) as ws:
            if of:
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

    def until(self, path: str, fine: Callable[[Any], bool]) -> Any:
        """What is answered once it is so; counting goes on in the background."""
        deadline, said = time.monotonic() + 60, None
        while time.monotonic() < deadline:
            status, said = self.call("GET", path)
            assert status == 200, said
            if fine(said):
                return said
        raise AssertionError(f"{path} stayed {said}")

    def counted(self, run_id: str, thumb: float | None = None) -> Any:
        def fine(said: Any) -> bool:
            heard = {one["name"]: one["value"] for task in said["tasks"][:1] for one in task["signals"]}
            return said["counted"] and (thumb is None or heard.get("thumb") == thumb)

        return self.until(f"/api/runs/{run_id}/feedback", fine)


class Before:
    """What was said while learning was off, on a server that was killed then."""

    def __init__(self, server: Serving, folder: Path) -> None:
        self.owner = Owner(server, folder)
        self.run_id, _ = self.owner.run("!say off")
        self.status, _ = self.owner.say(self.run_id, signal="thumb", value=1)
        _, self.told = self.owner.call("GET", f"/api/runs/{self.run_id}/feedback")
        _, self.records = self.owner.call("GET", "/api/learning/records")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("feedback")
    make_token(path, "first")  # from now on the server asks who one is
    return path


@pytest.fixture(scope="module")
def before(folder: Path) -> Before:
    with running(folder, learning="false") as server:
        found = Before(server, folder)
        server.kill()
    return found


@pytest.fixture(scope="module")
def server(folder: Path, before: Before) -> Generator[Serving]:
    with running(folder, exploration="0", limit_requests="off") as serving:
        before.owner.server = serving
        yield serving


@pytest.fixture
def ada(server: Serving, folder: Path) -> Owner:
    return Owner(server, folder)


@pytest.fixture
def bob(server: Serving, folder: Path) -> Owner:
    return Owner(server, folder)


def test_a_thumb_is_counted_and_explained(ada: Owner) -> None:
    run_id, _ = ada.run("!say a clear answer")
    before = ada.counted(run_id)
    assert before["said"] == []
    assert before["tasks"][0]["weight"] < 0.25, "what is seen alone says little"
    body = {"signal": "thumb", "value": 1, "reason": "just right"}
    status, kept = ada.call("POST", f"/api/runs/{run_id}/feedback", body)
    assert (status, kept["duplicate"], kept["said"]["reason"]) == (201, False, "just right")
    (task,) = ada.counted(run_id, 1.0)["tasks"]
    assert task["reward"] > 0.9
    assert task["words"].startswith(f"{task['reward']:.2f}, the mean of thumb 1.00 × 1.00")
    items = {one["item"].partition(":")[0] for one in task["parts"]}
    assert {"role", "model", "prompt"} <= items
    _, records = ada.call("GET", "/api/learning/records?what=role&context=chat")
    record = next(one for one in records["records"] if one["item"] == "role:manager")
    assert record["low"] < record["mean"] < record["high"]
    assert record["curve"][-1]["mean"] == pytest.approx(record["mean"])
    _, why = ada.call("GET", "/api/learning/why?item=role:manager&context=chat")
    speaks = next(one for one in why["runs"] if one["runId"] == run_id)
    assert speaks["reward"] == pytest.approx(task["reward"])
    assert {"name": "thumb", "why": "just right"}.items() <= speaks["signals"][0].items()


def test_the_same_twice_counts_once_and_the_newest_counts(ada: Owner) -> None:
    run_id, _ = ada.run("!say twice")
    path = f"/api/runs/{run_id}/feedback"
    for key in ("", "", "a"):
        ada.call("POST", path, {"signal": "thumb", "value": -1, "key": key})
    status, again = ada.call("POST", path, {"signal": "thumb", "value": -1})
    assert (status, again["duplicate"]) == (201, True)
    _, entries = ada.call("GET", f"/api/runs/{run_id}/entries")
    assert [one["entry"]["type"] for one in entries["entries"]].count("signaled") == 1
    low = ada.counted(run_id, 0.0)["tasks"][0]
    assert low["reward"] < 0.5
    assert ada.call("POST", path, {"signal": "thumb", "value": 1})[0] == 201
    assert ada.counted(run_id, 1.0)["tasks"][0]["reward"] > 0.9
    assert ada.call("POST", path, {"signal": "thumb", "value": 0})[0] == 201
    after = ada.until(path, lambda said: said["said"] == [] and len(said["tasks"][0]["signals"]) == 3)
    assert after["tasks"][0]["weight"] < 0.25


def test_an_edited_answer_and_a_choice_between_two(ada: Owner) -> None:
    first, thread = ada.run("!say one two three four")
    second, _ = ada.run("", of=first, thread=thread)
    heard = ada.counted(first)["said"]
    assert [one["signal"] for one in heard] == ["retried"], "asking again says something of the answer before"
    status, edited = ada.call(
        "POST", f"/api/runs/{second}/feedback", {"signal": "edited", "text": "one two three five"}
    )
    assert (status, edited["said"]["value"]) == (201, 0.5), "three of four words were kept"
    choice = {"signal": "preferred", "other": first}
    assert ada.call("POST", f"/api/runs/{second}/feedback", choice)[0] == 201
    assert ada.call("POST", f"/api/runs/{second}/feedback", choice)[1]["duplicate"]

    def passed(said: Any) -> bool:
        return any(one["name"] == "passed_over" for one in said["tasks"][0]["signals"])

    lost = ada.until(f"/api/runs/{first}/feedback", passed)
    assert lost["tasks"][0]["reward"] < 0.3
    stranger, _ = ada.run("!say another turn")
    refused = {"signal": "preferred", "other": stranger}
    assert ada.call("POST", f"/api/runs/{second}/feedback", refused)[1]["code"] == "not_siblings"


@pytest.fixture(scope="module")
def untouched(server: Serving, folder: Path) -> tuple[Owner, str, Any]:
    owner = Owner(server, folder)
    run_id, _ = owner.run("!say untouched")
    return owner, run_id, owner.counted(run_id)


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
def test_what_is_wrong_is_refused_and_moves_nothing(untouched: tuple[Owner, str, Any], body: Any, code: str) -> None:
    ada, run_id, before = untouched
    status, said = ada.call("POST", f"/api/runs/{run_id}/feedback", body)
    assert status in (400, 404, 422), said
    assert said["code"] == code
    assert ada.call("GET", f"/api/runs/{run_id}/feedback")[1] == before


def test_contradictions_weigh_less(ada: Owner) -> None:
    first, thread = ada.run("!say first")
    second, _ = ada.run("", of=first, thread=thread)
    path = f"/api/runs/{second}/feedback"
    ada.call("POST", path, {"signal": "thumb", "value": -1})
    alone = ada.counted(second, 0.0)["tasks"][0]
    ada.call("POST", path, {"signal": "preferred", "other": first})
    both = ada.until(path, lambda said: len(said["said"]) == 2 and len(said["tasks"][0]["signals"]) == 5)
    assert both["tasks"][0]["weight"] < alone["weight"]


def test_a_deleted_run_has_never_spoken(ada: Owner) -> None:
    _, before = ada.call("GET", "/api/learning/why?item=role:manager")
    run_id, thread_id = ada.run("!say gone soon")
    ada.call("POST", f"/api/runs/{run_id}/feedback", {"signal": "thumb", "value": -1})
    ada.counted(run_id, 0.0)
    ada.until("/api/learning/why?item=role:manager", lambda said: said["total"] == before["total"] + 1)
    assert ada.call("DELETE", f"/api/threads/{thread_id}")[0] == 204
    _, after = ada.call("GET", "/api/learning/why?item=role:manager")
    assert after == before, "to the last digit"
    status, said = ada.call("POST", f"/api/runs/{run_id}/feedback", {"signal": "thumb", "value": 1})
    assert (status, said["code"]) == (404, "unknown_run")


def test_weights_are_the_owners_and_weigh_all_anew(ada: Owner) -> None:
    run_id, _ = ada.run("!say weighed")
    ada.call("POST", f"/api/runs/{run_id}/feedback", {"signal": "thumb", "value": 1})
    before = ada.counted(run_id, 1.0)["tasks"][0]
    for wrong in ({"thumb": -1}, {"thumb": 11}, {"applause": 1}):
        assert ada.call("PUT", "/api/learning", {"weights": wrong})[1]["code"] == "invalid_field"
    assert ada.call("PUT", "/api/learning", b'{"weights":{"thumb":NaN}}')[1]["code"] == "invalid_field"
    status, said = ada.call("PUT", "/api/learning", {"weights": {"thumb": 0}, "exploration": 0.25})
    assert (status, said["exploration"]) == (200, 0.25)
    assert next(one for one in said["signals"] if one["name"] == "thumb")["weight"] == 0
    after = ada.counted(run_id)["tasks"][0]
    assert after["weight"] < 0.25 < before["weight"]
    assert ada.call("PUT", "/api/learning", {})[1]["ownExploration"] is None
    assert ada.counted(run_id)["tasks"][0]["weight"] == before["weight"]


def test_a_follow_up_that_corrects_speaks_of_the_answer_before(ada: Owner) -> None:
    first, thread = ada.run("!say the capital of Australia is Sydney")
    second, _ = ada.run("No, that's wrong.", thread=thread)
    path = f"/api/runs/{first}/feedback"
    said = ada.until(path, lambda said: bool(said["said"]) and said["counted"])["said"]
    assert [(one["signal"], one["other"]) for one in said] == [("corrected", second)]
    ada.run("Thanks, that's right.", thread=thread)
    assert ada.counted(second)["said"] == []


def test_nothing_of_one_owner_moves_anothers_numbers(ada: Owner, bob: Owner) -> None:
    hers, _ = ada.run("!say hers")
    his, _ = bob.run("!say his")
    bob.counted(his)
    before = bob.call("GET", "/api/learning/records")
    ada.say(hers, signal="thumb", value=-1)
    ada.counted(hers, 0.0)
    status, said = bob.say(hers, signal="thumb", value=1)
    assert (status, said["code"]) == (404, "unknown_run")
    assert bob.call("GET", f"/api/runs/{hers}/feedback")[0] == 404
    assert bob.call("GET", "/api/learning/records") == before
    assert ada.counted(hers, 0.0)["said"][0]["value"] == -1


def test_with_learning_off_feedback_is_kept_and_nothing_counted(before: Before) -> None:
    assert before.status == 201
    assert (before.told["counted"], before.told["said"][0]["value"]) == (False, 1)
    assert before.told["tasks"][0]["reward"] > 0.9, "what it comes to follows from the journal"
    assert before.records["total"] == 0


def test_once_it_is_on_again_all_is_counted_also_after_a_kill(server: Serving, before: Before) -> None:
    assert before.owner.server is server
    assert before.owner.counted(before.run_id, 1.0)["tasks"][0]["reward"] > 0.9
    assert before.owner.call("GET", "/api/learning/records")[1]["total"] > 0
