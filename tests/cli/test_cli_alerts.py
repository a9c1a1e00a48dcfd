"""`alma alerts`, `alma report`, and what `alma doctor` says of a server: without one, and of one that runs."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Generator
from pathlib import Path

import msgspec
import pytest

from alma.__main__ import main
from alma.cli.health_checks import Health, of_health
from serving import Serving, environment, running

RULES = '[busy]\nsummary = "It is up"\nmetric = "health.database"\nabove = 0\nclear = 0\n[odd]\ncolour = "red"\n'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Serving]:
    folder = tmp_path_factory.mktemp("alerts")
    folder.joinpath("alerts.toml").write_text(RULES)
    with running(folder, alerts_file=folder / "alerts.toml", min_disk_mib=1_000_000) as serving:
        yield serving


@pytest.fixture
def there(server: Serving, monkeypatch: pytest.MonkeyPatch) -> Serving:
    for name, value in environment(server.folder, port=server.port).items():
        if name.startswith("ALMA_"):
            monkeypatch.setenv(name, value)
    monkeypatch.chdir(server.folder)
    return server


def fires(server: Serving) -> None:
    while not any(one["state"] == "firing" for one in server.call("GET", "/api/alerts")[1]["rules"]):
        time.sleep(0.05)


def test_list_says_what_fires_and_what_is_wrong_in_the_file(there: Serving, capsys: pytest.CaptureFixture[str]) -> None:
    fires(there)
    assert main(["alerts", "list"]) == 1
    shown = capsys.readouterr()
    assert shown.out.splitlines()[1].split()[:4] == ["busy", "firing", "warning", "1"]
    assert "rule odd, line 7, colour: there is no such field" in shown.err
    assert main(["alerts", "list", "--json"]) == 1
    assert {one["name"] for one in json.loads(capsys.readouterr().out)["rules"]} >= {"busy", "disk_low"}


def test_what_is_not_there_is_said_plainly(there: Serving, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["alerts", "silence", "nope", "2h"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "alma: No alert rule is called 'nope'.",
        "  got nope",
        "  → `alma alerts list` names them.",
    ]
    assert main(["report", "1969-01-01"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "alma: There are no reports of '1969-01-01'.",
        "  expected a day since 1970, such as 2026-11-26",
        "  got '1969-01-01'",
    ]
    with pytest.raises(SystemExit):
        main(["report", "2026-13-01"])
    assert "expected today, yesterday or a day such as 2026-11-26, got '2026-13-01'" in capsys.readouterr().err


def test_silence_and_test(there: Serving, capsys: pytest.CaptureFixture[str]) -> None:
    fires(there)
    assert main(["alerts", "silence", "busy", "2h", "--reason", "I know"]) == 0
    assert "busy is silent until" in capsys.readouterr().out
    assert main(["alerts", "list"]) == 0, "what is silenced does not count"
    assert re.search(r"firing, silenced .*\(silenced until .*: I know\)", capsys.readouterr().out)
    assert main(["alerts", "silence", "busy", "off"]) == 0
    assert main(["alerts", "test", "log"]) == 0
    assert "log: ok" in capsys.readouterr().out
    assert main(["alerts", "test", "webhook"]) == 1
    assert "ALMA_ALERT_WEBHOOK" in capsys.readouterr().err
    assert main(["alerts", "silence", "nothing", "2h"]) == 1
    with pytest.raises(SystemExit):
        main(["alerts", "silence", "busy", "soon"])


def test_history(there: Serving, capsys: pytest.CaptureFixture[str]) -> None:
    fires(there)
    assert main(["alerts", "history"]) == 0
    row = capsys.readouterr().out.splitlines()[1]
    assert " busy " in row
    assert " still " in row


def test_doctor_says_how_the_servers_parts_are(there: Serving, capsys: pytest.CaptureFixture[str]) -> None:
    main(["doctor", "--json"])
    found = {one["name"]: one for one in json.loads(capsys.readouterr().out)}
    low = found["server: disk"]
    assert low["state"] == "warn"
    assert "less than" in low["detail"]
    assert "alma runs prune" in low["mend"]
    assert "server: database" not in found, "what is well is not told"


def test_a_vital_part_that_is_down_is_a_problem_and_another_a_remark() -> None:
    parts = [
        {"name": "database", "status": "down", "detail": "full", "hint": "free some"},
        {"name": "disk", "status": "ok"},
    ]
    (down,) = of_health(msgspec.convert({"status": "down", "components": parts}, Health))
    assert (down.name, down.state, down.mend) == ("server: database", "problem", "free some")
    (remark,) = of_health(msgspec.convert({"status": "degraded", "components": parts}, Health))
    assert remark.state == "warn"
    (well,) = of_health(msgspec.convert({"status": "ok", "components": parts[1:]}, Health))
    assert (well.state, well.detail) == ("ok", "all 1 parts of it are well")


def test_a_report_is_made_and_printed_without_a_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "models.toml").touch(mode=0o600)
    for name, value in environment(tmp_path).items():
        if name.startswith("ALMA_"):
            monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    assert main(["report", "2026-01-02"]) == 1
    assert "alma report 2026-01-02 --make" in capsys.readouterr().err
    assert main(["report", "2026-01-02", "--make"]) == 0
    made = capsys.readouterr().out
    assert made.startswith("# Alma on 2026-01-02\n")
    assert main(["report", "2026-01-02"]) == 0
    assert capsys.readouterr().out == made
    assert main(["report", "--list"]) == 0
    assert capsys.readouterr().out == "2026-01-02\n"
    assert main(["alerts", "list"]) == 0
    with pytest.raises(SystemExit):
        main(["report", "never"])
