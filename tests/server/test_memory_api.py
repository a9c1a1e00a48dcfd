"""Memories over HTTP: the real routes over real memories on a real database; only vectors are made by a fake."""

from __future__ import annotations

import json
import re
from collections.abc import Generator, MutableMapping
from typing import Any
from urllib.parse import quote, unquote, urlencode

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alma.memory.records import MOST_CHARS, NewMemory, Source
from alma.security import text as forms
from alma.server import memory_api, problems
from alma.server.http import join
from asked_by import ask_as
from memory.fakes import MemoryBench

NDJSON = "application/x-ndjson"


class Api:
    """The routes without a network. `answer` of a call: (status, decoded body or bytes); `headers`: of the last one."""

    def __init__(self, bench: MemoryBench) -> None:
        self.bench = bench
        self.trouble = ""
        self.app = FastAPI()
        problems.install(self.app)
        join(self.app, [memory_api.routes(bench.memories, on=True, problem=lambda: self.trouble)])
        ask_as(self.app, "me", body=256 * 1024)
        self.headers: dict[str, str] = {}

    async def call(
        self, method: str, path: str, body: object = None, kind: str = "application/json"
    ) -> tuple[int, Any]:
        sent = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        path, _, query = path.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [
                (b"host", b"127.0.0.1"),
                (b"content-length", str(len(sent)).encode()),
                *([(b"content-type", kind.encode())] if sent else []),
            ],
            "client": ("127.0.0.1", 0),
            "server": ("127.0.0.1", 80),
        }
        status, parts = 0, list[bytes]()

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": sent}

        async def send(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            parts.append(message.get("body", b""))

        await self.app(scope, receive, send)
        whole = b"".join(parts)
        return status, json.loads(whole) if whole and "json" in self.headers["content-type"].split("x-nd")[0] else whole

    async def get(self, path: str, **query: Any) -> Any:
        """What a request that succeeds gives."""
        status, answer = await self.call("GET", f"{path}?{urlencode(query, doseq=True)}")
        assert status == 200, answer
        return answer

    async def add(self, text: str, **more: Any) -> Any:
        status, answer = await self.call("POST", "/api/memories", {"text": text, **more})
        assert status == 201, answer
        return answer["memory"]


@pytest.fixture
def api(database_url: str) -> Generator[Api]:
    with MemoryBench(database_url) as bench:
        yield Api(bench)


def texts(listing: Any) -> list[str]:
    return [one["memory"]["text"] for one in listing["memories"]]


# ── finding ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_newest_come_first_and_page_by_page(api: Api) -> None:
    for number in range(7):
        await api.add(f"Thing number {number} is kept in drawer {number}.")
    first = await api.get("/api/memories", limit=3)
    assert (first["total"], [text[13] for text in texts(first)]) == (7, ["6", "5", "4"])
    assert all(one["score"] is None and one["reasons"] is None for one in first["memories"])
    second = await api.get("/api/memories", limit=3, before=first["next"])
    third = await api.get("/api/memories", limit=3, before=second["next"])
    assert [text[13] for text in texts(second) + texts(third)] == ["3", "2", "1", "0"]
    assert third["next"] is None


async def test_a_search_gives_scores_and_reasons_best_first(api: Api) -> None:
    for text in ("Anna lives in Porto.", "The printer is on the second floor.", "Porto has six bridges."):
        await api.add(text)
    found = await api.get("/api/memories", query="where does anna live, in porto?", limit=2)
    assert texts(found)[0] == "Anna lives in Porto."
    scores = [one["score"] for one in found["memories"]]
    assert scores == sorted(scores, reverse=True)
    assert {"cosine", "denseRank", "textRank", "neighbour", "words"} <= found["memories"][0]["reasons"].keys()
    assert found["total"] >= len(found["memories"]) == 2


async def test_filters_leave_out_what_is_not_wanted(api: Api) -> None:
    await api.add("Rain is likely.", kind="semantic", scope="team")
    await api.add("Always carry an umbrella.", kind="procedural", scope="owner", pinned=True)
    await api.add("The umbrella is red.", kind="semantic", scope="private", key="umbrella.colour")
    for query, expected in (
        ({"kind": "procedural"}, 1),
        ({"kind": ["procedural", "semantic"]}, 3),
        ({"scope": ["team", "private"]}, 2),
        ({"pinned": "true"}, 1),
        ({"pinned": "false"}, 2),
        ({"key": "umbrella.colour"}, 1),
        ({"agent": "user"}, 3),
        ({"agent": "researcher"}, 0),
        ({"thread": "t_none"}, 0),
        ({"state": "forgotten"}, 0),
        ({"until": 0}, 0),
        ({"since": 0}, 3),
    ):
        assert (await api.get("/api/memories", **query))["total"] == expected, query
    assert texts(await api.get("/api/memories", query="umbrella", kind="procedural")) == ["Always carry an umbrella."]


async def test_only_the_owners_own_are_seen(api: Api) -> None:
    (other,) = await api.bench.memories.add([NewMemory("somebody else", "The safe's code is 4711.")])
    await api.add("My own safe has no code.")
    assert texts(await api.get("/api/memories")) == ["My own safe has no code."]
    assert texts(await api.get("/api/memories", query="the safe's code")) == ["My own safe has no code."]
    for method, path in (("GET", ""), ("DELETE", ""), ("DELETE", "?purge=true"), ("POST", "/restore")):
        status, problem = await api.call(method, f"/api/memories/{other.memory.id}{path}")
        assert (status, problem["code"]) == (404, "unknown_memory")


async def test_the_owner_in_person_sees_what_is_private_to_a_role(api: Api) -> None:
    await api.bench.memories.add([NewMemory("me", "Quote figures with their year.", scope="private", agent="analyst")])
    assert (await api.get("/api/memories", agent="analyst"))["total"] == 1


# ── one memory ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_memory_is_shown_with_its_line_its_history_and_what_it_replaced(api: Api) -> None:
    spoken = [
        NewMemory("me", f"Sentence {word} was said.", kind="episodic", line="r_1", position=at, source=Source("t_1"))
        for at, word in enumerate(("alpha", "bravo", "charlie"))
    ]
    middle = (await api.bench.memories.add(spoken))[1].memory
    shown = await api.get(f"/api/memories/{middle.id}")
    assert [one["text"] for one in shown["around"]] == ["Sentence alpha was said.", "Sentence charlie was said."]
    assert shown["memory"]["source"]["threadId"] == "t_1"
    old = await api.add("The user lives in Porto.", key="user.city")
    status, new = await api.call("POST", "/api/memories", {"text": "The user lives in Lisbon.", "key": "user.city"})
    assert (status, new["merged"], new["superseded"]) == (201, False, [old["id"]])
    shown = await api.get(f"/api/memories/{new['memory']['id']}")
    assert [one["id"] for one in shown["superseded"]] == [old["id"]]
    gone = (await api.get(f"/api/memories/{old['id']}"))["memory"]
    assert gone["supersededBy"] == new["memory"]["id"]
    assert gone["validTo"] is not None


async def test_the_same_again_is_merged_and_counted(api: Api) -> None:
    first = await api.add("I prefer tea.")
    status, again = await api.call("POST", "/api/memories", {"text": "I prefer  tea."})
    assert (status, again["merged"], again["memory"]["id"], again["memory"]["count"]) == (201, True, first["id"], 2)


async def test_a_change_names_the_version_it_saw(api: Api) -> None:
    made = await api.add("Meetings are on Monday.")
    path = f"/api/memories/{made['id']}"
    status, changed = await api.call("PATCH", path, {"version": made["version"], "text": "Meetings are on Tuesday."})
    assert (status, changed["version"]) == (200, made["version"] + 1)
    status, problem = await api.call("PATCH", path, {"version": made["version"], "text": "Meetings are on Friday."})
    assert (status, problem["code"]) == (409, "changed_meanwhile")
    assert problem["memory"] == changed
    shown = await api.get(path)
    assert shown["memory"]["text"] == "Meetings are on Tuesday."
    edits = [one for one in shown["history"] if one["what"] == "edited"]
    assert [one["before"]["text"] for one in edits] == ["Meetings are on Monday."]
    assert [one["by"] for one in edits] == ["user"]


async def test_of_a_long_history_the_newest_changes_are_shown(api: Api) -> None:
    made = await api.add("Version 1.")
    for version in range(1, 203):
        await api.call("PATCH", f"/api/memories/{made['id']}", {"version": version, "text": f"Version {version + 1}."})
    history = (await api.get(f"/api/memories/{made['id']}"))["history"]
    assert [one["version"] for one in history] == [*range(4, 204)]


async def test_pins_kinds_scopes_and_keys_can_be_changed(api: Api) -> None:
    made = await api.add("Use metric units.")
    change = {"pinned": True, "kind": "procedural", "scope": "team", "key": "units"}
    _, changed = await api.call("PATCH", f"/api/memories/{made['id']}", {"version": made["version"], **change})
    assert {name: changed[name] for name in change} == change
    assert changed["text"] == "Use metric units."


async def test_what_is_forgotten_is_not_found_until_it_is_restored(api: Api) -> None:
    made = await api.add("The boiler was replaced in March.")
    path = f"/api/memories/{made['id']}"
    status, gone = await api.call("DELETE", path)
    assert (status, gone["forgottenAt"] is not None) == (200, True)
    assert texts(await api.get("/api/memories")) == []
    assert texts(await api.get("/api/memories", query="boiler")) == []
    assert (await api.get("/api/memories", state="forgotten"))["total"] == 1
    status, back = await api.call("POST", f"{path}/restore")
    assert (status, back["forgottenAt"]) == (200, None)
    assert texts(await api.get("/api/memories")) == ["The boiler was replaced in March."]


async def test_several_are_forgotten_and_restored_at_once(api: Api) -> None:
    made = [(await api.add(text))["id"] for text in ("Anna lives in Porto.", "Cats purr.", "Bread is baked.")]
    await api.call("DELETE", f"/api/memories/{made[2]}")
    told: list[Any] = []
    api.bench.memories.listen(lambda changes: told.append([change.what for change in changes]))
    status, done = await api.call("POST", "/api/memories/forget", {"ids": [*made, made[0], "m_none"]})
    assert (status, done) == (200, {"changed": made[:2], "unknown": ["m_none"]})
    assert (await api.get("/api/memories"))["total"] == 0
    status, done = await api.call("POST", "/api/memories/restore", {"ids": done["changed"]})
    assert (status, done) == (200, {"changed": made[:2], "unknown": []})
    assert {*texts(await api.get("/api/memories"))} == {"Anna lives in Porto.", "Cats purr."}
    assert told == [["forgotten", "forgotten"], ["restored", "restored"]], "each in one transaction"
    for ids in ([], ["m_1"] * 501, [5]):
        assert (await api.call("POST", "/api/memories/forget", {"ids": ids}))[0] == 400


async def test_what_the_user_said_is_theirs_whichever_agent_keeps_it(api: Api) -> None:
    said = NewMemory("me", "I live in Porto.", "episodic", "private", "writer", speaker="user")
    told = NewMemory("me", "Porto has six bridges.", "episodic", "private", "writer", speaker="writer")
    await api.bench.memories.add([said, told])
    await api.add("Anna likes tea.")
    mine, theirs = {"I live in Porto.", "Anna likes tea."}, {"Porto has six bridges."}
    assert {*texts(await api.get("/api/memories", agent="user"))} == mine
    assert {*texts(await api.get("/api/memories", agent="user", query="porto"))} <= mine
    assert {*texts(await api.get("/api/memories", agent="writer", query="porto"))} == theirs
    assert {one["speaker"] for one in (await api.get("/api/memories/map", agent="writer"))["points"]} == {"writer"}
    assert (await api.get("/api/memory"))["counts"]["byAgent"] == {"user": 2, "writer": 1}


async def test_pieces_of_files_can_be_left_out(api: Api) -> None:
    await api.add("Anna lives in Porto.")
    piece = NewMemory("me", "Porto has six bridges.", source=Source(document_id="d_1", file="porto.md"))
    await api.bench.memories.add([piece])
    for files, wanted in (("true", ["Porto has six bridges."]), ("false", ["Anna lives in Porto."])):
        assert texts(await api.get("/api/memories", files=files)) == wanted
        assert texts(await api.get("/api/memories", files=files, query="porto")) == wanted
        shown = await api.get("/api/memories/map", files=files)
        assert ([point["label"] for point in shown["points"]], shown["total"]) == (wanted, 1)
    counts = (await api.get("/api/memory"))["counts"]
    assert (counts["alive"], counts["inFiles"], counts["byKind"]) == (2, 1, {"semantic": 1})
    for more, number in (("", 1), ("?files=true", 2)):
        lines = (await api.call("GET", f"/api/memories/export{more}"))[1].splitlines()
        assert len(lines) == number
    done = (await api.call("POST", "/api/memories/import", b"\n".join(lines), NDJSON))[1]
    assert (done["merged"], done["passedOver"], done["problems"][0]["line"]) == (1, 1, 2)
    assert "file that is not here" in done["problems"][0]["message"]


async def test_a_piece_of_a_file_keeps_its_text(api: Api) -> None:
    new = NewMemory("me", "The engine is a diesel.", source=Source(document_id="d_1", file="boat.md", place="Engine"))
    (added,) = await api.bench.memories.add([new])
    path = f"/api/memories/{added.memory.id}"
    status, problem = await api.call("PATCH", path, {"version": 1, "text": "The engine is electric."})
    assert (status, problem["code"], problem["memory"]["text"]) == (409, "piece_of_file", "The engine is a diesel.")
    assert (await api.call("PATCH", path, {"version": 1, "pinned": True}))[1]["pinned"]
    assert (await api.call("DELETE", path))[0] == 200


async def test_what_is_purged_is_gone_with_its_history(api: Api) -> None:
    made = await api.add("The key lies under the mat.")
    status, gone = await api.call("DELETE", f"/api/memories/{made['id']}?purge=true")
    assert (status, gone["id"]) == (200, made["id"])
    for method, path in (("GET", ""), ("POST", "/restore"), ("DELETE", ""), ("DELETE", "?purge=true")):
        status, problem = await api.call(method, f"/api/memories/{made['id']}{path}")
        assert (status, problem["code"]) == (404, "unknown_memory")
    assert (await api.get("/api/memories", state="any"))["total"] == 0


# ── in, out, and the map ──────────────────────────────────────────────────────────────────────────────────────────


async def test_what_is_exported_can_be_imported_elsewhere(api: Api) -> None:
    for text in ("Anna lives in Porto.", "Größe: 1,80 m — שלום 👋", "Rust before Go."):
        await api.add(text, pinned=text.startswith("Rust"))
    status, lines = await api.call("GET", "/api/memories/export")
    assert status == 200
    assert api.headers["content-type"] == NDJSON
    dated = r'attachment; filename="alma-memories-\d{4}-\d\d-\d\d\.jsonl"'
    assert re.fullmatch(dated, api.headers["content-disposition"])
    assert len(lines.splitlines()) == 3
    for one in (await api.get("/api/memories"))["memories"]:
        await api.call("DELETE", f"/api/memories/{one['memory']['id']}?purge=true")
    status, done = await api.call("POST", "/api/memories/import", lines, NDJSON)
    assert (status, done["added"], done["merged"], done["passedOver"]) == (200, 3, 0, 0)
    found = await api.get("/api/memories", limit=10)
    assert {one["memory"]["text"]: one["memory"]["pinned"] for one in found["memories"]} == {
        "Anna lives in Porto.": False,
        "Größe: 1,80 m — שלום 👋": False,
        "Rust before Go.": True,
    }
    again = (await api.call("POST", "/api/memories/import", lines, NDJSON))[1]
    assert (again["added"], again["merged"]) == (0, 3)


async def test_lines_that_are_wrong_are_named_and_the_others_taken(api: Api) -> None:
    await api.add("A good line.")
    good = (await api.call("GET", "/api/memories/export"))[1].strip()
    await api.call("DELETE", f"/api/memories/{(await api.get('/api/memories'))['memories'][0]['memory']['id']}?purge=1")
    bad = [b"{not json", b"[]", b"\xff\xfe", b'{"text": 7}', b'{"text": "x", "kind": "poetic"}', b"null"]
    status, done = await api.call("POST", "/api/memories/import", b"\n".join([*bad, good, b""]), NDJSON)
    assert (status, done["added"], done["passedOver"]) == (200, 1, len(bad))
    assert [one["line"] for one in done["problems"]] == [1, 2, 3, 4, 5, 6]
    assert all(one["message"] for one in done["problems"])


async def test_only_the_first_hundred_wrong_lines_are_named(api: Api) -> None:
    done = (await api.call("POST", "/api/memories/import", b"{\n" * 500, NDJSON))[1]
    assert (done["passedOver"], len(done["problems"])) == (500, 100)


async def test_an_import_of_another_type_or_size_is_refused(api: Api) -> None:
    status, problem = await api.call("POST", "/api/memories/import", b'{"text": "x"}', "application/json")
    assert (status, problem["code"]) == (415, "wrong_content_type")
    assert NDJSON in problem["detail"]
    status, problem = await api.call("POST", "/api/memories/import", b"x" * 300_000, NDJSON)
    assert (status, problem["code"]) == (413, "body_too_large")


async def test_the_map_has_a_point_for_each_with_the_beginning_of_its_text(api: Api) -> None:
    for text in ("Cats purr.", "Dogs bark at cats.", "Bread is baked.", "word " * 100):
        await api.add(text)
    reply = await api.get("/api/memories/map", limit=3)
    assert (len(reply["points"]), reply["total"], reply["ofRun"]) == (3, 4, [])
    assert all(-1 <= point[axis] <= 1 for point in reply["points"] for axis in "xy")
    labels = {point["label"] for point in reply["points"]}
    assert labels == {"word " * 15 + "word…", "Bread is baked.", "Dogs bark at cats."}
    assert 0 <= reply["explained"] <= 1
    assert (await api.get("/api/memories/map", kind="working"))["points"] == []


# ── the state ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_state_counts_and_tells_of_the_indexes(api: Api) -> None:
    await api.add("One.", kind="semantic")
    two = await api.add("Two.", kind="procedural", scope="team")
    await api.call("DELETE", f"/api/memories/{two['id']}")
    api.trouble = "The embedding process is down."
    state = await api.get("/api/memory")
    counts = state["counts"]
    assert (state["on"], counts["alive"], counts["forgotten"], counts["byKind"]["semantic"]) == (True, 1, 1, 1)
    assert (state["indexes"][0]["entries"], state["waiting"]) == (1, 0)
    assert state["problem"] == "The embedding process is down."


async def test_the_indexes_are_built_anew_on_demand(api: Api) -> None:
    await api.add("One.")
    status, state = await api.call("POST", "/api/memory/reindex")
    assert (status, state["counts"]["alive"]) == (200, 1)
    assert api.bench.dense.rebuilt == 1
    assert texts(await api.get("/api/memories", query="one")) == ["One."]


# ── bad input ─────────────────────────────────────────────────────────────────────────────────────────────────────

NAUGHTY = (
    "\0",
    "\ud800",
    "a\0b",
    "\u202e",
    "'; DROP TABLE memories;--",
    '"*" NEAR/0 (',
    "%",
    "\\",
    "💥" * 500,
    "⃢" * 4000,
)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/memories?limit=0", None),
        ("GET", "/api/memories?limit=201", None),
        ("GET", "/api/memories?limit=99999999999999999999999", None),
        ("GET", "/api/memories?limit=many", None),
        ("GET", "/api/memories?kind=poetic", None),
        ("GET", "/api/memories?scope=world", None),
        ("GET", "/api/memories?state=dead", None),
        ("GET", "/api/memories?since=nan", None),
        ("GET", "/api/memories?since=inf", None),
        ("GET", "/api/memories?until=1e300", None),
        ("GET", "/api/memories?pinned=perhaps", None),
        ("GET", "/api/memories?before=nonsense", None),
        ("GET", "/api/memories?before=nan~1", None),
        ("GET", "/api/memories?before=.~1", None),
        ("GET", "/api/memories?before=1~-99999999999999999999999999", None),
        ("GET", f"/api/memories?query={'x' * 4001}", None),
        ("GET", f"/api/memories?thread={'x' * 201}", None),
        ("GET", "/api/memories?" + "&".join(["agent=a"] * 65), None),
        ("GET", "/api/memories/map?limit=5001", None),
        ("GET", "/api/memories/export?state=dead", None),
        ("POST", "/api/memories", {}),
        ("POST", "/api/memories", []),
        ("POST", "/api/memories", {"text": ""}),
        ("POST", "/api/memories", {"text": " \n\t"}),
        ("POST", "/api/memories", {"text": "\0\x01"}),
        ("POST", "/api/memories", {"text": "\ud800"}),
        ("POST", "/api/memories", {"text": 7}),
        ("POST", "/api/memories", {"text": "x" * (MOST_CHARS + 1)}),
        ("POST", "/api/memories", {"text": "x", "kind": "poetic"}),
        ("POST", "/api/memories", {"text": "x", "scope": "world"}),
        ("POST", "/api/memories", {"text": "x", "key": "k" * 201}),
        ("POST", "/api/memories", {"text": "x", "owner": "somebody else"}),
        ("POST", "/api/memories", {"text": "x", "\ud800": 1}),
        ("POST", "/api/memories", b"{"),
        ("POST", "/api/memories", b'{"text": "\xff"}'),
        ("PATCH", "/api/memories/m_1", {}),
        ("PATCH", "/api/memories/m_1", {"version": 0, "pinned": True}),
        ("PATCH", "/api/memories/m_1", {"version": 10**30, "pinned": True}),
        ("PATCH", "/api/memories/m_1", {"version": "one", "pinned": True}),
        ("PATCH", "/api/memories/m_1", {"version": 1, "text": ""}),
        ("PATCH", "/api/memories/m_1", {"version": 1, "pinned": True}),
    ],
)
async def test_what_cannot_be_is_refused_with_a_sentence(api: Api, method: str, path: str, body: object) -> None:
    status, problem = await api.call(method, path, body)
    assert 400 <= status < 500, (status, problem)
    assert problem["code"] in ("invalid_field", "empty_memory", "memory_too_long", "bad_cursor", "unknown_memory")
    assert problem["detail"]
    assert (await api.get("/api/memories"))["total"] == 0


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
@pytest.mark.parametrize("memory_id", [*(one for one in NAUGHTY if one != "\ud800"), "m_0", "m" * 5000])
async def test_an_id_that_is_none_is_unknown(api: Api, method: str, memory_id: str) -> None:
    body = {"version": 1, "pinned": True} if method == "PATCH" else None
    status, problem = await api.call(method, f"/api/memories/{quote(memory_id, safe='')}", body)
    if re.fullmatch(forms.ID, memory_id):
        assert (status, problem["code"]) == (404, "unknown_memory")
    else:
        assert (status, problem["code"]) in ((404, "unknown_address"), (400, "invalid_field"))


@pytest.mark.parametrize("words", NAUGHTY)
async def test_any_words_can_be_searched_kept_and_filtered_by(api: Api, words: str) -> None:
    sent = quote(words, errors="surrogatepass")
    for name in ("query", "agent", "thread", "run", "document", "key", "before"):
        status, answer = await api.call("GET", f"/api/memories?{name}={sent}")
        assert status < 500, (name, answer)
    for body in ({"text": f"a word {words}"}, {"text": "a word", "key": words}):
        status, answer = await api.call("POST", "/api/memories", body)
        assert status == 201 or 400 <= status < 500, answer
        if status == 201:
            assert (await api.get(f"/api/memories/{answer['memory']['id']}"))["memory"]["text"].startswith("a word")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.sampled_from(
        ["/api/memories", "/api/memories/m_1", "/api/memories/map", "/api/memory", "/api/memories/x/restore"]
    ),
    method=st.sampled_from(["GET", "POST", "PATCH", "DELETE"]),
    query=st.dictionaries(
        st.sampled_from(["query", "kind", "limit", "since", "before", "pinned", "key", "run", "state", "purge"]),
        st.text(max_size=20) | st.floats() | st.integers(),
        max_size=3,
    ),
    body=st.none()
    | st.binary(max_size=50)
    | st.dictionaries(
        st.sampled_from(["text", "kind", "scope", "key", "version", "pinned"]),
        st.text(max_size=20) | st.integers() | st.booleans() | st.none(),
    ),
)
async def test_nothing_that_is_sent_makes_a_bug(api: Api, path: str, method: str, query: Any, body: object) -> None:
    asked = "&".join(f"{name}={quote(str(value), errors='surrogatepass')}" for name, value in query.items())
    status, answer = await api.call(method, f"{path}?{asked}", body)
    assert status < 500, answer
