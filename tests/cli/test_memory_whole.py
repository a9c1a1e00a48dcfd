"""`alma memory` and `alma knowledge` as people use them: processes and the real embedding model, without a server
and with one."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import nursery
from alma.cli.process_transport import in_this_process
from alma.settings import Settings
from serving import environment, running

pytestmark = pytest.mark.slow
Alma = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def home(tmp_path: Path, data_dir: Path) -> Path:
    """An empty working directory whose data folder has the shipped models."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/models").symlink_to((data_dir / "models").resolve())
    (tmp_path / "models.toml").touch(mode=0o600)
    return tmp_path


@pytest.fixture
def alma(home: Path) -> Alma:
    """Do a command that succeeds."""

    def run(*words: str, text: str = "") -> subprocess.CompletedProcess[str]:
        done = nursery.done(list(words), home, environment(home, memory="true"), text, timeout=400)
        assert done.returncode == 0, done.stderr
        return done

    return run


def test_without_a_server_what_is_kept_is_found_by_its_meaning(alma: Alma, home: Path) -> None:
    anna = alma("memory", "add", "Anna's home is a small flat in Porto.").stdout.strip()
    alma("memory", "add", "-", text="The printer is on the second floor.\n")
    found = alma("memory", "search", "which", "city", "does", "she", "live", "in", "--limit", "1").stdout
    assert anna in found
    assert "by meaning #1" in found
    assert "2 in it, 0 missing (serving)" in alma("memory", "status").stdout
    for snapshot in (home / "data/memory").rglob("*"):
        if snapshot.is_file():
            snapshot.write_bytes(b"damaged")
    assert "have 2 memories" in alma("memory", "reindex").stdout
    assert anna in alma("memory", "search", "which city does she live in", "--limit", "1").stdout
    alma("memory", "export", "-o", str(home / "kept.jsonl"))
    alma("memory", "purge", "--yes", anna)
    assert "1 added, 1 known already" in alma("memory", "import", str(home / "kept.jsonl")).stdout
    alma("memory", "reindex")
    assert "2 alive, all of them with words and vectors" in alma("doctor", "--json").stdout


def test_without_a_server_a_file_is_read_and_found(alma: Alma, home: Path) -> None:
    name = "tides and winds.md"
    (home / name).write_text("# Tides\n\nThe moon pulls the water of the seas.\n\n# Winds\n\nWarm air rises.\n")
    assert f"{name}  2 pieces" in alma("knowledge", "add", name).stdout
    found = alma("memory", "search", "why is there ebb and flow", "--limit", "1").stdout
    assert "The moon pulls the water" in found
    assert f"from {name}, Tides" in found
    alma("knowledge", "remove", name)
    assert "No memory is like that." in alma("memory", "search", "why is there ebb and flow").stderr


@pytest.mark.parametrize("served", [False, True])
def test_a_file_may_be_larger_than_other_bodies(home: Path, served: bool) -> None:
    (home / "large.pdf").write_bytes(b"%PDF-1.7\n" + b"no page, " * 600_000)
    words = ["knowledge", "add", "large.pdf"]
    with running(home, memory="true") if served else contextlib.nullcontext():
        done = nursery.done(words, home, environment(home, memory="true"), timeout=400)
    assert done.returncode == 1
    assert "large.pdf cannot be read" in done.stderr
    assert "too large" not in done.stderr


def test_a_running_server_is_used_and_tells_the_doctor(alma: Alma, home: Path) -> None:
    with running(home, memory="true") as server:
        kept = alma("memory", "add", "I prefer tea to coffee.", "--key", "user.taste").stdout.strip()
        status, listed = server.call("GET", "/api/memories")
        assert (status, [one["memory"]["id"] for one in listed["memories"]]) == (200, [kept])
        assert kept in alma("memory", "search", "what do I like to drink", "--limit", "1").stdout
        assert "have 1 memory." in alma("memory", "reindex").stdout
        findings = {one["name"]: one for one in json.loads(alma("doctor", "--json").stdout)}
        assert findings["memory"]["detail"].startswith("1 alive, all of them in the index (usearch with ")
    assert kept in alma("memory", "list").stdout


async def test_what_had_to_be_kept_without_a_vector_has_one_when_the_command_ends(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alma.memory.memories.PATIENCE_S", 0.0)  # as with a machine that is busy
    settings = Settings(data_dir=home / "data", models_file=home / "models.toml", embedded=False, scripted=True)
    async with in_this_process(settings) as alma:
        status, _ = await alma.request("POST", "/api/memories", b'{"text": "Anna lives in Porto."}')
        assert status == 201
    with contextlib.closing(sqlite3.connect(home / "data/alma.db")) as database:
        assert database.execute("SELECT count(*) FROM memory_vectors").fetchone() == (1,)
