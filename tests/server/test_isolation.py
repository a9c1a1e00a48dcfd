"""Nothing of one owner is seen or changed by another, through any door. The doors are taken from the server's own
description, so one that is new fails here until somebody says what it must do for a stranger."""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from websockets.sync.client import ClientConnection, connect

from alma.server import commands
from serving import Serving, running
from token_mint import bearer, make_token

pytestmark = pytest.mark.slow
WORD = "zanzibar"  # in all that is Ada's, and in nothing else
HERE = "marzipan"  # in what is of the person at this machine
SAID = f"!say the {WORD} is under the stairs"
DAY = "2026-01-01"


EXPERIMENT = {"name": "x", "variants": [{"name": "a"}], "evaluators": [{"type": "exact"}]}


@dataclass(frozen=True)
class Case:
    """What a stranger who is no administrator gets: `hidden`: 404, as if it were not there; `own`: an answer with
    nothing of Ada's in it; `nothing`: 409, there is nothing of theirs to learn from; `admin`: 403. `body`: what is
    sent; `{thread}` and the like stand for what is Ada's."""

    gets: Literal["hidden", "own", "nothing", "admin"]
    body: object = None
    path: str = ""
    kind: str = "application/json"


HTTP: dict[str, Case] = {
    "GET /api/agents": Case("own"),
    "GET /api/agents/{name}": Case("own", path="/api/agents/manager"),
    "GET /api/alerts": Case("admin"),
    "PUT /api/alerts/rules/{name}/silence": Case("admin", {"until": None}, "/api/alerts/rules/x/silence"),
    "POST /api/alerts/test": Case("admin", {"channel": "log"}),
    "PUT /api/budgets": Case("hidden", {"scope": "thread", "threadId": "{thread}", "tokens": 5}),
    "DELETE /api/cache": Case("own"),
    "GET /api/cache": Case("own"),
    "PUT /api/cache": Case("own", {"exact": True}),
    "POST /api/endpoints": Case("admin", {"name": "x", "baseUrl": "http://127.0.0.1:1/v1"}),
    "POST /api/endpoints/test": Case("admin", {"name": "scripted"}),
    "DELETE /api/endpoints/{name}": Case("admin", path="/api/endpoints/scripted"),
    "GET /api/errors": Case("admin"),
    "PATCH /api/errors/{fingerprint}": Case("admin", {"state": "muted"}, "/api/errors/x"),
    "GET /api/experiments": Case("own"),
    "POST /api/experiments": Case("own", {"spec": EXPERIMENT, "data": '{"task": "x"}'}),
    "POST /api/experiments/check": Case("own", {"spec": EXPERIMENT, "data": '{"task": "x"}'}),
    "POST /api/experiments/compare": Case("hidden", {"a": "{experiment}", "b": "{experiment}"}),
    "POST /api/experiments/data": Case("hidden", {"threads": ["{thread}"]}),
    "GET /api/experiments/{experiment_id}": Case("hidden", path="/api/experiments/{experiment}"),
    "DELETE /api/experiments/{experiment_id}": Case("hidden", path="/api/experiments/{experiment}"),
    "POST /api/experiments/{experiment_id}/cancel": Case("hidden", {}, "/api/experiments/{experiment}/cancel"),
    "GET /api/experiments/{experiment_id}/next-pair": Case("hidden", path="/api/experiments/{experiment}/next-pair"),
    "POST /api/experiments/{experiment_id}/pause": Case("hidden", {}, "/api/experiments/{experiment}/pause"),
    "POST /api/experiments/{experiment_id}/promote": Case("hidden", {}, "/api/experiments/{experiment}/promote"),
    "GET /api/experiments/{experiment_id}/report.csv": Case("hidden", path="/api/experiments/{experiment}/report.csv"),
    "GET /api/experiments/{experiment_id}/report.md": Case("hidden", path="/api/experiments/{experiment}/report.md"),
    "GET /api/experiments/{experiment_id}/report.svg": Case("hidden", path="/api/experiments/{experiment}/report.svg"),
    "GET /api/experiments/{experiment_id}/results": Case("hidden", path="/api/experiments/{experiment}/results"),
    "GET /api/experiments/{experiment_id}/runs": Case("hidden", path="/api/experiments/{experiment}/runs"),
    "POST /api/experiments/{experiment_id}/start": Case("hidden", {}, "/api/experiments/{experiment}/start"),
    "POST /api/experiments/{experiment_id}/verdicts": Case(
        "hidden", {"key": "1.0.0", "better": "tie"}, "/api/experiments/{experiment}/verdicts"
    ),
    "GET /api/knowledge": Case("own"),
    "PUT /api/knowledge/files/{name}": Case("own", b"mine", "/api/knowledge/files/mine.txt"),
    "GET /api/knowledge/{document_id}": Case("hidden", path="/api/knowledge/{document}"),
    "DELETE /api/knowledge/{document_id}": Case("hidden", path="/api/knowledge/{document}"),
    "GET /api/learning/lessons": Case("own"),
    "POST /api/learning/lessons": Case("own", {"role": "writer", "task": "Say it.", "answer": "It."}),
    "PATCH /api/learning/lessons/{lesson_id}": Case("hidden", {"on": False}, "/api/learning/lessons/{lesson}"),
    "DELETE /api/learning/lessons/{lesson_id}": Case("hidden", path="/api/learning/lessons/{lesson}"),
    "POST /api/learning/reflect": Case("nothing", {"role": "writer"}),
    "POST /api/learning/distil": Case("nothing", {"role": "writer"}),
    "GET /api/learning/versions": Case("own"),
    "POST /api/learning/versions": Case("own", {"what": "notes", "of": "writer", "content": "[]"}),
    "GET /api/learning/versions/{version_id}": Case("hidden", path="/api/learning/versions/{version}"),
    "PUT /api/learning/versions/{version_id}": Case("hidden", {"content": "[]"}, "/api/learning/versions/{version}"),
    "DELETE /api/learning/versions/{version_id}": Case("hidden", path="/api/learning/versions/{version}"),
    "POST /api/learning/versions/{version_id}/start": Case("hidden", {}, "/api/learning/versions/{version}/start"),
    "POST /api/learning/versions/{version_id}/stop": Case("hidden", {}, "/api/learning/versions/{version}/stop"),
    "POST /api/learning/versions/{version_id}/promote": Case("hidden", {}, "/api/learning/versions/{version}/promote"),
    "POST /api/learning/versions/{version_id}/revert": Case("hidden", {}, "/api/learning/versions/{version}/revert"),
    "POST /api/learning/versions/{version_id}/keep": Case("hidden", path="/api/learning/versions/{version}/keep"),
    "PUT /api/learning/versions/{version_id}/share": Case(
        "hidden", {"share": 0.3}, "/api/learning/versions/{version}/share"
    ),
    "GET /api/learning/router": Case("own", path="/api/learning/router?role=writer"),
    "GET /api/limits": Case("own"),
    "GET /api/memories": Case("own", path=f"/api/memories?query={WORD}&files=true&state=any"),
    "POST /api/memories": Case("own", {"text": "The stairs are steep.", "scope": "owner"}),
    "GET /api/memories/export": Case("own", path="/api/memories/export?files=true"),
    "POST /api/memories/forget": Case("own", {"ids": ["{memory}"]}),
    "POST /api/memories/import": Case(
        "own", b'{"text":"The attic is dusty.","scope":"owner"}\n', kind="application/x-ndjson"
    ),
    "GET /api/memories/map": Case("own", path="/api/memories/map?files=true"),
    "POST /api/memories/restore": Case("own", {"ids": ["{memory}"]}),
    "GET /api/learning": Case("own"),
    "PUT /api/learning": Case("own", {"exploration": 0.5, "weights": {"thumb": 2}}),
    "GET /api/learning/records": Case("own"),
    "GET /api/learning/why": Case("own", path="/api/learning/why?item=role:manager"),
    "GET /api/learning/shares": Case("own"),
    "GET /api/learning/lab": Case("own"),
    "POST /api/learning/lab/run": Case("own", {"world": "drift", "policies": ["usual"], "tasks": 9, "seeds": 1}),
    "GET /api/memories/{memory_id}": Case("hidden", path="/api/memories/{memory}"),
    "PATCH /api/memories/{memory_id}": Case("hidden", {"version": 1, "text": "Mine now."}, "/api/memories/{memory}"),
    "DELETE /api/memories/{memory_id}": Case("hidden", path="/api/memories/{memory}?purge=true"),
    "POST /api/memories/{memory_id}/restore": Case("hidden", path="/api/memories/{memory}/restore"),
    "GET /api/memory": Case("own"),
    "POST /api/memory/refinement": Case("own", {"dryRun": True}),
    "GET /api/memory/refinement/contradictions": Case("own"),
    "POST /api/memory/refinement/contradictions": Case("hidden", {"key": "user.city", "holds": "{memory}"}),
    "GET /api/memory/refinement/passes": Case("own"),
    "GET /api/memory/refinement/passes/{pass_id}": Case("hidden", path="/api/memory/refinement/passes/p_1"),
    "POST /api/memory/refinement/passes/{pass_id}/acts/{n}/undo": Case(
        "hidden", {}, "/api/memory/refinement/passes/p_1/acts/1/undo"
    ),
    "POST /api/memory/refinement/passes/{pass_id}/undo": Case("hidden", {}, "/api/memory/refinement/passes/p_1/undo"),
    "POST /api/memory/reindex": Case("admin"),
    "GET /api/metrics/behind": Case("admin", path="/api/metrics/behind?metric=x"),
    "GET /api/metrics/dashboard": Case("admin"),
    "GET /api/metrics/series": Case("admin"),
    "GET /api/models": Case("own"),
    "GET /api/models/catalog": Case("own"),
    "PUT /api/models/default": Case("admin", {"model": "scripted/scripted"}),
    "GET /api/models/discover": Case("admin"),
    "POST /api/models/gguf": Case("admin", {"path": "/etc/passwd"}),
    "POST /api/models/pull": Case("admin", {"repo": "a/b", "file": "c.gguf"}),
    "DELETE /api/models/pull/{pull_id}": Case("admin", path="/api/models/pull/x"),
    "POST /api/models/test": Case("admin", {"model": "scripted/scripted"}),
    "GET /api/models/tested": Case("hidden", path="/api/models/tested?model=scripted/scripted"),
    "GET /api/reports": Case("admin"),
    "GET /api/reports/{day}": Case("admin", path=f"/api/reports/{DAY}"),
    "PUT /api/reports/{day}": Case("admin", path=f"/api/reports/{DAY}"),
    "GET /api/route/examples": Case("own"),
    "DELETE /api/route/examples/{example_id}": Case("hidden", path="/api/route/examples/{example}"),
    "GET /api/runs/{run_id}/entries": Case("hidden", path="/api/runs/{run}/entries"),
    "GET /api/runs/{run_id}/feedback": Case("hidden", path="/api/runs/{run}/feedback"),
    "POST /api/runs/{run_id}/feedback": Case("hidden", {"signal": "thumb", "value": -1}, "/api/runs/{run}/feedback"),
    "GET /api/runs/{run_id}/prompt": Case("hidden", path="/api/runs/{run}/prompt"),
    "GET /api/session": Case("own"),
    "POST /api/session": Case("own", {"token": "{stranger}"}),
    "DELETE /api/session": Case("own"),
    "GET /api/spend": Case("hidden", path="/api/spend?thread={thread}"),
    "GET /api/threads": Case("own", path=f"/api/threads?search={WORD}"),
    "POST /api/threads": Case("own", {"title": "Stairs"}),
    "GET /api/threads/{thread_id}": Case("hidden", path="/api/threads/{thread}"),
    "PATCH /api/threads/{thread_id}": Case("hidden", {"title": "Mine"}, "/api/threads/{thread}"),
    "DELETE /api/threads/{thread_id}": Case("hidden", path="/api/threads/{thread}"),
    "GET /api/threads/{thread_id}/files": Case("hidden", path="/api/threads/{thread}/files"),
    "GET /api/threads/{thread_id}/files/{name}": Case("hidden", path="/api/threads/{thread}/files/{file}"),
    "PUT /api/threads/{thread_id}/files/{name}": Case(
        "hidden", b"mine", "/api/threads/{thread}/files/{file}", "text/plain"
    ),
    "DELETE /api/threads/{thread_id}/files/{name}": Case("hidden", path="/api/threads/{thread}/files/{file}"),
    "GET /api/tokens": Case("admin"),
    "POST /api/tokens": Case("admin", {"name": "mine", "owner": "ada"}),
    "DELETE /api/tokens/{token_id}": Case("admin", path="/api/tokens/x"),
    "GET /health": Case("own"),
    "GET /livez": Case("own"),
    "GET /readyz": Case("own"),
    "GET /metrics": Case("admin"),
}
# Of commands: the code of the refusal, or `own`: it is carried out, and answered with nothing of Ada's.
SOCKET: dict[str, tuple[str, dict[str, Any]]] = {
    "hello": ("own", {"protocol": 1}),
    "ping": ("own", {}),
    "run.start": ("unknown_thread", {"key": "s1", "text": "!say x", "threadId": "{thread}"}),
    "run.retry": ("unknown_run", {"key": "s2", "runId": "{run}"}),
    "run.fork": ("unknown_run", {"key": "s3", "runId": "{run}", "taskId": "main"}),
    "run.stop": ("unknown_run", {"runId": "{run}"}),
    "run.pause": ("unknown_run", {"runId": "{run}"}),
    "run.resume": ("unknown_run", {"runId": "{run}"}),
    "plan.decide": ("unknown_run", {"runId": "{run}", "approved": True}),
    "tool.decide": ("unknown_run", {"runId": "{run}", "toolCallId": "c", "approved": True}),
    "question.answer": ("unknown_run", {"runId": "{run}", "questionId": "q", "text": "yes"}),
    "route.correct": ("unknown_run", {"runId": "{run}", "kind": "creative"}),
    "route.preview": ("own", {"text": "under the stairs", "threadId": "{thread}"}),
    "thread.subscribe": ("unknown_thread", {"threadId": "{thread}"}),
    "thread.unsubscribe": ("own", {"threadId": "{thread}"}),
    "metrics.watch": ("admin_only", {}),
    "metrics.unwatch": ("own", {}),
}


class Wire:
    def __init__(self, ws: ClientConnection) -> None:
        self.ws = ws
        self.frames: list[dict[str, Any]] = []

    def say(self, **command: object) -> None:
        self.ws.send(json.dumps({"id": "c", **command}))

    def until(self, **wanted: object) -> dict[str, Any]:
        while True:
            event = json.loads(self.ws.recv(timeout=120))
            self.frames.append(event)
            flat = {**event["value"], **event} if event["type"] == "CUSTOM" else event
            if all(flat.get(name) == value for name, value in wanted.items()):
                return event

    def answered(self, command_id: str) -> dict[str, Any]:
        while True:
            event = self.until(type="CUSTOM")
            if event["value"].get("id") == command_id:
                return event

    def run(self, key: str, text: str, **more: object) -> dict[str, Any]:
        """The end of a run's answer."""
        self.say(type="run.start", key=key, text=text, kind="chat", **more)
        self.until(name="alma.ack")
        ended = self.until(type="TEXT_MESSAGE_END")
        self.until(type="RUN_FINISHED")
        return ended


@contextmanager
def connected(server: Serving, token: str) -> Generator[Wire]:
    url = f"ws://127.0.0.1:{server.port}/ws?protocol=1"
    with connect(url, additional_headers=bearer(token), max_size=None, proxy=None, ping_interval=None) as ws:
        yield Wire(ws)


@dataclass
class House:
    """`ids`: of what is Ada's."""

    server: Serving
    ada: str
    stranger: str
    ids: dict[str, str]

    def ask(self, token: str, method: str, path: str, body: object = None, kind: str = "application/json") -> Any:
        return self.server.call(method, path, body, Content_Type=kind, **bearer(token))

    def filled(self, what: Any) -> Any:
        if isinstance(what, str):
            return re.sub(r"\{(\w+)\}", lambda found: self.ids[found[1]], what)
        if isinstance(what, dict):
            return {name: self.filled(value) for name, value in what.items()}
        return [self.filled(one) for one in what] if isinstance(what, list) else what

    def check(self, said: object, *, sent: str = "") -> None:
        """Nothing of Ada's or of this machine's may be in it; ids only where the stranger has sent them."""
        text = said.decode() if isinstance(said, bytes) else json.dumps(said)
        assert HERE not in text
        assert WORD not in (text.replace(self.ids["file"], "") if self.ids["file"] in sent else text)
        for name in ("thread", "run", "memory", "document", "example", "version", "lesson"):
            assert self.ids[name] not in text or self.ids[name] in sent, name


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> Generator[Serving]:
    folder = tmp_path_factory.mktemp("isolation")
    (folder / "data" / "models").mkdir(parents=True)
    (folder / "data" / "models" / "minilm").symlink_to(data_dir.absolute() / "models" / "minilm")
    (folder / "watched").mkdir()
    (folder / "watched" / f"{HERE}.txt").write_text(f"The recipe of the {HERE}.")
    settings = {"require_tokens": "true", "memory": "true", "cache": "true", "cache_semantic": "true"}
    settings["limit_requests"] = "off"  # Ada looks after her things more often than a person could
    with running(folder, knowledge_dir=folder / "watched", **settings) as serving:
        yield serving


@pytest.fixture(scope="module")
def house(server: Serving) -> House:
    ada, stranger = (make_token(server.folder, name) for name in ("ada", "bob"))
    house = House(server, ada, stranger, {"file": f"{WORD}.txt", "stranger": stranger})
    with connected(server, ada) as client:
        client.run("first", SAID)
        end = next(frame for frame in client.frames if frame["type"] == "RUN_FINISHED")
        house.ids |= {"run": end["runId"], "thread": end["threadId"]}
        client.say(type="route.correct", runId=end["runId"], kind="analytical")
        client.until(name="alma.route_corrected")
    house.ask(ada, "PATCH", f"/api/threads/{house.ids['thread']}", {"title": f"The {WORD}"})
    house.ask(ada, "PUT", f"/api/threads/{house.ids['thread']}/files/{WORD}.txt", f"A {WORD}.".encode(), "text/plain")
    memory = {"text": f"My {WORD} is under the stairs.", "scope": "owner"}
    _, added = house.ask(ada, "POST", "/api/memories", memory)
    house.ids["memory"] = added["memory"]["id"]
    _, document = house.ask(ada, "PUT", f"/api/knowledge/files/{WORD}.txt", f"All about the {WORD}.".encode())
    house.ids["document"] = document["id"]
    notes = {"what": "notes", "of": "writer", "content": f'[{{"id": "n", "text": "Mind the {WORD}."}}]', "title": WORD}
    house.ids["version"] = house.ask(ada, "POST", "/api/learning/versions", notes)[1]["id"]
    lesson = {"role": "writer", "task": f"Where is the {WORD}?", "answer": "Under the stairs."}
    house.ids["lesson"] = house.ask(ada, "POST", "/api/learning/lessons", lesson)[1]["id"]
    house.ids["example"] = house.ask(ada, "GET", "/api/route/examples")[1]["examples"][0]["id"]
    mine = {"spec": EXPERIMENT | {"name": WORD}, "data": json.dumps({"task": WORD})}
    house.ids["experiment"] = house.ask(ada, "POST", "/api/experiments", mine)[1]["id"]
    return house


def kept(house: House) -> list[Any]:
    """All that is Ada's, without what changes by itself."""
    paths = (
        "/api/threads",
        f"/api/threads/{house.ids['thread']}/files/{WORD}.txt",
        f"/api/runs/{house.ids['run']}/entries",
        f"/api/runs/{house.ids['run']}/prompt",
        "/api/route/examples",
        f"/api/spend?thread={house.ids['thread']}",
    )
    found = [house.ask(house.ada, "GET", path) for path in paths]
    memory = house.ask(house.ada, "GET", f"/api/memories/{house.ids['memory']}")[1]["memory"]
    names = [one["name"] for one in house.ask(house.ada, "GET", "/api/knowledge")[1]["documents"]]
    return [*found, {name: memory[name] for name in ("text", "version", "forgottenAt")}, names]


def test_every_door_and_every_command_has_a_case(house: House) -> None:
    _, description = house.ask(house.ada, "GET", "/openapi.json")
    doors = {f"{method.upper()} {path}" for path, one in description["paths"].items() for method in one}
    assert doors - HTTP.keys() == set(), "say in HTTP what a stranger gets there"
    assert HTTP.keys() - doors <= {"GET /metrics"}
    assert {str(one.__struct_config__.tag) for one in commands.ALL} == SOCKET.keys()


@pytest.mark.parametrize("door", HTTP)
def test_a_stranger_at_a_door(house: House, door: str) -> None:
    case, before = HTTP[door], kept(house)
    method, _, path = door.partition(" ")
    path, body = house.filled(case.path or path), house.filled(case.body)
    status, said = house.ask(house.stranger, method, path, body, case.kind)
    sent = f"{path} {body!r}"
    match case.gets:
        case "hidden":
            assert status == 404, said
        case "own":
            assert status < 300, said
        case "nothing":
            assert (status, said["code"]) == (409, "nothing_to_learn")
        case "admin":
            assert (status, said["code"]) == (403, "admin_only")
    house.check(said, sent=sent)
    assert kept(house) == before


@pytest.mark.parametrize("kind", SOCKET)
def test_a_stranger_commands(house: House, kind: str) -> None:
    expected, fields = SOCKET[kind]
    before = kept(house)
    with connected(house.server, house.stranger) as client:
        client.say(type=kind, id="the command", **house.filled(fields))
        answer = client.answered("the command")
        assert answer["value"].get("code", "own") == expected
        client.say(type="ping", id="behind it")
        client.answered("behind it")
    house.check(client.frames, sent=json.dumps(house.filled(fields)))
    assert kept(house) == before


def test_a_stranger_hears_nothing_of_what_happens(house: House) -> None:
    """News of threads, memories, files, runs."""
    with connected(house.server, house.stranger) as stranger, connected(house.server, house.ada) as ada:
        stranger.until(name="alma.welcome")
        ada.until(name="alma.welcome")
        thread = house.ids["thread"]
        ada.run("more", SAID, threadId=thread)
        house.ask(house.ada, "PATCH", f"/api/threads/{thread}", {"title": f"Another {WORD}"})
        ada.until(name="alma.thread", title=f"Another {WORD}")
        memory = {"text": f"Another {WORD} is in the attic.", "scope": "owner"}
        house.ask(house.ada, "POST", "/api/memories", memory)
        ada.until(name="alma.memories")
        house.ask(house.ada, "PUT", "/api/knowledge/files/more.txt", f"More {WORD}.".encode())
        ada.until(name="alma.document", state="ready")
        house.ask(house.ada, "DELETE", f"/api/threads/{thread}")
        ada.until(name="alma.thread", deleted=True)
        stranger.say(type="ping", id="behind it all")
        stranger.answered("behind it all")
    house.check(stranger.frames)
    heard = {frame["name"] for frame in stranger.frames if frame["type"] == "CUSTOM"}
    assert not heard & {"alma.thread", "alma.memories", "alma.document", "alma.alerts", "alma.metrics", "alma.pull"}


def test_answers_of_one_owner_are_not_given_to_another(house: House) -> None:
    """Exactly the same question, one in other words, and one that is being answered just now."""
    with connected(house.server, house.stranger) as stranger, connected(house.server, house.ada) as ada:
        text = "!say Where do I keep the key of the garden shed?"
        first = ada.run("q1", text)
        assert first.get("cache") is None
        again = ada.run("q2", text)
        assert again["cache"]["source"] == "exact", "to its owner it is given again"
        assert (stranger.run("q1", text)).get("cache") is None, "the same key, too, is another run"
        slow = "!tokens 40 40"
        ada.say(type="run.start", key="slow", text=slow, kind="chat")
        ada.until(type="TEXT_MESSAGE_CONTENT")
        assert (stranger.run("slow", slow)).get("cache") is None
        ada.until(type="RUN_FINISHED")
    house.check(stranger.frames)


def test_an_answer_is_not_reminded_of_anothers_memories_and_files(house: House) -> None:
    with connected(house.server, house.stranger) as stranger:
        stranger.run("ask", "!say What is under my stairs?")
    run_id = stranger.frames[-1]["runId"]
    house.check(stranger.frames)
    house.check(house.ask(house.stranger, "GET", f"/api/runs/{run_id}/prompt")[1])
    with connected(house.server, house.ada) as ada:
        ada.run("ask", "!say What is under my stairs?")
    told = house.ask(house.ada, "GET", f"/api/runs/{ada.frames[-1]['runId']}/prompt")[1]
    assert WORD in json.dumps(told), "its owner is reminded of it"


def test_two_owners_may_have_files_of_one_name(house: House) -> None:
    path = f"/api/knowledge/files/{house.ids['file']}"
    before = kept(house)
    assert house.ask(house.stranger, "PUT", path, b"Of the stairs.")[0] == 202
    [own] = [one for one in house.ask(house.stranger, "GET", "/api/knowledge")[1]["documents"] if WORD in one["name"]]
    assert own["id"] != house.ids["document"]
    assert house.ask(house.stranger, "DELETE", f"/api/knowledge/{own['id']}")[0] == 204
    assert kept(house) == before


def test_what_one_owner_corrects_does_not_route_anothers_tasks(house: House) -> None:
    def kind_for(token: str) -> str:
        with connected(house.server, token) as client:
            client.say(type="route.preview", text=SAID)
            return (client.until(name="alma.route_preview"))["value"]["kind"]

    assert kind_for(house.ada) == "analytical"
    assert kind_for(house.stranger) != "analytical"
