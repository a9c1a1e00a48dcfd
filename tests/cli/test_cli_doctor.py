"""`alma doctor`: what it finds, and that it names the cure."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
from collections.abc import Generator
from pathlib import Path

import pytest
import sqlalchemy as sa

from alma.__main__ import main
from alma.cli import checks, memory_checks, model_checks
from alma.cli.memory_replies import Counts, Index, State
from alma.memory.records import NewMemory
from alma.settings import Settings
from memory.fakes import MemoryBench
from token_mint import make_token


@pytest.fixture
def taken_port() -> Generator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_clone_that_is_set_up_has_the_locked_packages() -> None:
    root = checks.clone()
    assert root is not None
    assert checks.check_packages(root / "requirements.txt").state == "ok"


def test_packages_that_differ_from_the_lock_are_named(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text(
        "msgspec==0.0.1 \\\n    --hash=sha256:00\n"
        "no-such-package==1.0 \\\n    --hash=sha256:00\n"
        "another-one==1.0 ; sys_platform == 'amiga' \\\n    --hash=sha256:00\n"
    )
    finding = checks.check_packages(lock)
    assert finding.state == "problem"
    assert "locked 0.0.1" in finding.detail
    assert "no-such-package is missing" in finding.detail
    assert "another-one" not in finding.detail
    assert finding.mend == "make setup"


def test_a_missing_page_is_a_problem_that_set_up_mends(tmp_path: Path) -> None:
    assert checks.check_page(tmp_path) == checks.Finding("page", "problem", "not built", "make setup")


def test_missing_and_damaged_models_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models/SmolLM2-135M-Instruct.Q4_1.gguf").write_bytes(b"GGUF and then nonsense")
    chat, embedding, _ = model_checks.check_models(tmp_path)
    assert "damaged" in chat.detail
    assert "missing" in embedding.detail
    assert "alma.models.fetch" in embedding.mend


def test_a_database_that_does_not_exist_yet_is_fine_and_is_not_made(tmp_path: Path) -> None:
    finding = checks.check_database(f"sqlite:///{tmp_path / 'alma.db'}")
    assert finding.state == "ok"
    assert list(tmp_path.iterdir()) == []


def test_a_newer_database_is_a_problem(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "alma.db") as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('9999')")
    connection.close()
    finding = checks.check_database(f"sqlite:///{tmp_path / 'alma.db'}")
    assert finding.state == "problem"
    assert "has version 9999" in finding.detail


def test_a_file_that_is_no_database_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "alma.db").write_text("not a database, only a text that is long enough to have a header " * 3)
    finding = checks.check_database(f"sqlite:///{tmp_path / 'alma.db'}")
    assert (finding.state, "not a database" in finding.detail) == ("problem", True)


def test_a_database_server_that_does_not_answer_is_a_problem_without_its_password(taken_port: int) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    finding = checks.check_database(f"postgresql://me:secret@127.0.0.1:{port}/alma")
    assert finding.state == "problem"
    assert "secret" not in finding.detail


def test_a_port_in_use_is_a_problem_with_another_port_as_the_way_out(taken_port: int, tmp_path: Path) -> None:
    finding = checks.check_port(Settings(port=taken_port, data_dir=tmp_path))
    assert finding.state == "problem"
    assert f"--port {taken_port + 1}" in finding.mend


def test_a_port_held_by_alma_itself_is_fine(taken_port: int, tmp_path: Path) -> None:
    server = {"pid": os.getpid(), "url": f"http://127.0.0.1:{taken_port}"}
    (tmp_path / "server.json").write_text(json.dumps(server))
    finding = checks.check_port(Settings(port=taken_port, data_dir=tmp_path))
    assert (finding.state, f"process {os.getpid()}" in finding.detail) == ("ok", True)


def test_a_full_disk_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type(checks.shutil.disk_usage(tmp_path))
    monkeypatch.setattr(checks.shutil, "disk_usage", lambda path: usage(10**12, 10**12, 10**6))
    assert checks.check_disk(tmp_path).state == "problem"


def test_wrong_settings_are_findings_and_the_exit_code_is_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ALMA_PORT", "x")
    assert main(["doctor", "--json", "--data-dir", str(tmp_path)]) == 1
    findings = json.loads(capsys.readouterr().out)
    [settings] = [finding for finding in findings if finding["name"] == "settings"]
    assert settings["state"] == "problem"
    assert settings["detail"].startswith("ALMA_PORT: expected")


def test_a_broken_file_of_endpoints_is_sent_to_its_example(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models.toml").write_text('[[endpoint]]\nname = "Lab"\n')
    assert main(["doctor", "--json", "--data-dir", str(tmp_path)]) == 1
    found = [one for one in json.loads(capsys.readouterr().out) if one["name"] == "settings"]
    assert len(found) == 2
    assert {one["mend"] for one in found} == {"see models.example.toml"}


def test_the_doctor_changes_nothing(tmp_path: Path) -> None:
    main(["doctor", "--data-dir", str(tmp_path / "data")])
    assert list(tmp_path.iterdir()) == []


async def test_memories_without_words_or_vectors_are_told(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    assert memory_checks.check_memory(settings) == checks.Finding("memory", "ok", "none yet")
    with MemoryBench(settings.database) as bench:
        await bench.memories.add([NewMemory("local", "Rain is likely.")])
        assert "1 alive, all of them with words and vectors" in memory_checks.check_memory(settings).detail
        bench.embedding.down = True
        await bench.memories.add([NewMemory("local", "Snow is not.")])
        finding = memory_checks.check_memory(settings)
        assert (finding.state, finding.detail) == ("warn", "1 of 2 have no vector yet, and are found by words")
        await bench.database.write(lambda connection: connection.execute(sa.text("DELETE FROM memory_words")) and None)
        finding = memory_checks.check_memory(settings)
        assert (finding.state, finding.mend) == ("warn", "alma memory reindex")
        assert "2 memories are missing in the index of words" in finding.detail


@pytest.mark.parametrize(
    ("entries", "missing", "problem", "state", "said"),
    [
        (10, 0, "", "ok", "10 alive, all of them in the index (usearch with m)"),
        (7, 3, "", "warn", "3 of 10 are not in the index"),
        (7, 0, "", "warn", "3 of 10 are not in the index"),
        (10, 0, "The embedding process is down.", "warn", "by words alone: The embedding process is down."),
    ],
)
def test_a_running_server_tells_of_its_index(entries: int, missing: int, problem: str, state: str, said: str) -> None:
    index = Index("usearch", "m", 384, entries, missing, "serving")
    finding = memory_checks.of_state(State(True, Counts(10, 0, 0, {}, {}, {}), [index], missing, problem))
    assert finding.state == state
    assert said in finding.detail


def test_what_is_wrong_in_the_file_of_alert_rules_is_told(tmp_path: Path) -> None:
    path = tmp_path / "alerts.toml"
    assert not list(checks.check_alert_rules(path)), "it need not exist"
    path.write_text("[disk_low]\nenabled = false\n[memory_high]\nabove = 4096\n")
    (fine,) = checks.check_alert_rules(path)
    assert (fine.state, "1 of them yours" in fine.detail) == ("ok", True)
    path.write_text('[mine]\nsummary = "x"\nmetric = "nope"\nabove = 1\nfor_s = -1\n')
    found = list(checks.check_alert_rules(path))
    assert [one.state for one in found] == ["warn", "warn"]
    assert "line 3, metric: there is no metric" in found[0].detail
    assert "line 5, for_s: " in found[1].detail
    path.write_text("above = = 1")
    (broken,) = checks.check_alert_rules(path)
    assert "line 1: It is not TOML" in broken.detail


def test_a_server_that_would_not_start_for_want_of_a_token_is_a_problem(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", host="0.0.0.0")
    for _ in range(2):  # without a database, and with a token that is over
        finding = checks.check_access(settings)
        assert (finding.state, finding.detail[:19]) == ("problem", "Alma will not start")
        assert "alma tokens add" in finding.mend
        make_token(tmp_path, "over", lasts_s=-1)
    make_token(tmp_path, "ada")
    finding = checks.check_access(settings)
    assert (finding.state, "without TLS" in finding.detail) == ("warn", True)
    assert "docs/access.md" in finding.mend
    assert checks.check_access(Settings(data_dir=tmp_path / "data")).state == "ok"


def test_disk_space_is_told_in_the_unit_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: shutil._ntuple_diskusage(2**40, 0, 67 * 2**30))
    assert checks.check_disk(tmp_path).detail == "67.0 GiB free"
