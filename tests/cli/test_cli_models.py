"""`alma models` against a server."""

from __future__ import annotations

from pathlib import Path

import pytest
from server_stand import Peer, Stand

from alma.__main__ import build_parser
from alma.cli.door import Door
from alma.cli.server_transport import to_server
from alma.errors import InvalidRequest, Misuse

MODELS = {
    "default": "embedded/tiny",
    "tinyOnly": True,
    "models": [
        {"id": "embedded/tiny", "kind": "embedded", "contextWindow": 8192},
        {"id": "ollama/big", "kind": "remote", "contextWindow": None},
    ],
    "endpoints": [{"name": "ollama", "baseUrl": "http://127.0.0.1:11434/v1", "state": "down", "detail": "No answer."}],
}
CATALOGUE = {
    "ramBytes": 16_000_000_000,
    "models": [
        {"repo": "a/small", "file": "s.gguf", "name": "Small", "sizeBytes": 10**9, "ramBytes": 2 * 10**9, "fits": True},
        {"repo": "a/huge", "file": "h.gguf", "name": "Huge", "sizeBytes": 10**11, "ramBytes": 10**11, "fits": False},
    ],
}


async def models(tmp_path: Path, *words: str) -> int:
    arguments = build_parser().parse_args(["models", *words])
    async with to_server(tmp_path, 1) as transport:
        return await arguments.act(Door(transport), arguments)


async def test_list_marks_the_default_and_says_what_is_wrong(
    stand: Stand, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stand.answers["GET /api/models"] = (200, MODELS)
    assert await models(tmp_path, "list") == 0
    shown = capsys.readouterr()
    _, first, second = shown.out.splitlines()
    assert first.split() == ["*", "embedded/tiny", "8,192", "embedded"]
    assert second.split() == ["ollama/big", "?", "remote"]
    assert "ollama (http://127.0.0.1:11434/v1): down. No answer." in shown.err
    assert "Only the tiny model is there" in shown.err


async def test_list_shows_how_endpoints_that_were_asked_are_doing(
    stand: Stand, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    busy = {
        "name": "lab",
        "state": "ready",
        "active": 3,
        "limit": 4,
        "queued": 2,
        "breaker": "half_open",
        "calls": 120,
        "errors": 7,
        "firstTokenP50Ms": 81.2,
        "firstTokenP95Ms": 1400.4,
        "tokensPerS": 52.4,
    }
    stand.answers["GET /api/models"] = (200, {**MODELS, "endpoints": [*MODELS["endpoints"], busy]})
    await models(tmp_path, "list")
    *_, row = capsys.readouterr().out.splitlines()
    assert row.split() == ["lab", "3", "of", "4", "2", "half", "open", "120", "7", "81", "ms", "1,400", "ms", "52"]


async def test_add_sends_what_an_endpoint_is_worth(stand: Stand, tmp_path: Path) -> None:
    stand.answers["POST /api/endpoints"] = (201, MODELS)
    words = ["--weight", "2", "--concurrency", "4", "--price", "0.5", "1.5", "--alias", "qwen2.5:7b", "qwen"]
    await models(tmp_path, "add", "mine", "--url", "http://127.0.0.1:9/v1", *words)
    ((_, body),) = stand.asked
    assert body == {
        "name": "mine",
        "baseUrl": "http://127.0.0.1:9/v1",
        "weight": 2.0,
        "concurrency": 4,
        "priceInput": 0.5,
        "priceOutput": 1.5,
        "aliases": {"qwen2.5:7b": "qwen"},
    }


async def test_found_names_the_command_that_connects(
    stand: Stand, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = {"name": "ollama", "baseUrl": "http://127.0.0.1:11434/v1", "models": ["qwen3:4b"]}
    stand.answers["GET /api/models/discover"] = (200, {"found": [found]})
    await models(tmp_path, "found")
    assert "alma models add ollama --url http://127.0.0.1:11434/v1" in capsys.readouterr().err


async def test_add_takes_the_key_from_the_environment(
    stand: Stand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "sk-1")
    stand.answers["POST /api/endpoints"] = (201, MODELS)
    await models(tmp_path, "add", "mine", "--url", "http://127.0.0.1:9/v1", "--key-env", "MY_KEY")
    body = {"name": "mine", "baseUrl": "http://127.0.0.1:9/v1", "apiKey": "sk-1"}
    assert stand.asked == [("POST /api/endpoints", body)]


async def test_add_without_the_key_that_was_promised_is_refused(stand: Stand, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="There is no key"):
        await models(tmp_path, "add", "mine", "--url", "http://127.0.0.1:9/v1", "--key-env", "NO_SUCH_KEY")
    assert stand.asked == []


async def test_use_tells_a_file_from_a_model(stand: Stand, tmp_path: Path) -> None:
    stand.answers["PUT /api/models/default"] = stand.answers["POST /api/models/gguf"] = (200, MODELS)
    await models(tmp_path, "use", "ollama/big")
    await models(tmp_path, "use", str(tmp_path / "x.gguf"))
    assert stand.asked == [
        ("PUT /api/models/default", {"model": "ollama/big"}),
        ("POST /api/models/gguf", {"path": str((tmp_path / "x.gguf").resolve())}),
    ]


async def test_test_shows_the_grades(stand: Stand, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    grades = [{"name": "schema", "grade": "A", "score": 1.0, "detail": "5 of 5"}]
    stand.answers["POST /api/models/test"] = (200, {"grades": grades, "tokensPerSecond": 98.0})
    await models(tmp_path, "test", "embedded/tiny")
    assert capsys.readouterr().out.splitlines()[1].split() == ["schema", "A", "100%", "5", "of", "5"]


async def test_a_model_that_is_not_there_is_refused_before_any_waiting(
    stand: Stand, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refusal = {"code": "unknown_model", "message": "There is no model nope/x."}
    stand.answers["POST /api/models/test"] = (404, {"error": refusal})
    with pytest.raises(Misuse):
        await models(tmp_path, "test", "nope/x")
    assert "a minute" not in capsys.readouterr().err


async def test_pull_without_a_name_shows_the_list(
    stand: Stand, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stand.answers["GET /api/models/catalog"] = (200, CATALOGUE)
    assert await models(tmp_path, "pull") == 0
    shown = capsys.readouterr()
    assert "too large" in shown.out
    assert "16 GB of memory" in shown.err


@pytest.mark.parametrize(("state", "code"), [("done", 0), ("failed", 1)])
async def test_pull_follows_the_download_to_its_end(
    stand: Stand, tmp_path: Path, capsys: pytest.CaptureFixture[str], state: str, code: int
) -> None:
    async def script(peer: Peer) -> None:
        await peer.welcome()
        while not any(request == "POST /api/models/pull" for request, _ in stand.asked):
            await peer.custom("alma.heartbeat")
        await peer.custom("alma.pull", id="p_other", file="o.gguf", state="done", doneBytes=1)
        await peer.custom("alma.pull", id="p_1", file="s.gguf", state="running", doneBytes=1, totalBytes=2)
        error = {"error": {"code": "download_failed", "message": "The disk is full."}} if state == "failed" else {}
        await peer.custom("alma.pull", id="p_1", file="s.gguf", state=state, doneBytes=2, model="embedded/s", **error)
        await peer.socket.receive()

    stand.script = script
    stand.answers["GET /api/models/catalog"] = (200, CATALOGUE)
    stand.answers["POST /api/models/pull"] = (202, {"id": "p_1"})
    assert await models(tmp_path, "pull", "Small") == code
    said = capsys.readouterr().err
    assert ("alma models use embedded/s" if state == "done" else "The disk is full.") in said
    assert stand.asked[-1] == ("POST /api/models/pull", {"repo": "a/small", "file": "s.gguf"})


async def test_pull_of_what_is_not_on_the_list_says_how_to_name_a_file(stand: Stand, tmp_path: Path) -> None:
    stand.answers["GET /api/models/catalog"] = (200, CATALOGUE)
    with pytest.raises(InvalidRequest) as caught:
        await models(tmp_path, "pull", "some/repo")
    assert caught.value.hint == "alma models pull some/repo FILE.gguf"
