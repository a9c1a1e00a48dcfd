"""`alma experiment`: an example that runs as it is written, its verdict, reports, and what is wrong said by line."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path

import pytest

from alma.__main__ import main
from serving import Serving, environment, running

pytestmark = pytest.mark.slow
Shown = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Serving]:
    with running(tmp_path_factory.mktemp("experiment_cli")) as serving:
        yield serving


@pytest.fixture
def there(server: Serving, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name, value in environment(server.folder, port=server.port).items():
        if name.startswith("ALMA_"):
            monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_example_runs_and_is_reported(there: Path, capsys: Shown) -> None:
    assert main(["experiment", "list"]) == 0
    assert "no experiment yet" in capsys.readouterr().err
    assert main(["experiment", "new"]) == 0
    assert main(["experiment", "new"]) == 1
    assert "is there already" in capsys.readouterr().err
    assert main(["experiment", "run", "experiment.yaml"]) == 1, "nobody is there to say yes"
    assert "8 runs, about" in capsys.readouterr().err
    assert main(["experiment", "run", "experiment.yaml", "--yes"]) == 0
    shown = capsys.readouterr()
    assert "done: 8 of 8 done" in shown.err
    assert "did equally well on each of 4 tasks" in shown.out
    assert main(["experiment", "list", "--json"]) == 0
    (one,) = json.loads(capsys.readouterr().out)["experiments"]
    for format, begins in (("md", "# Short or long"), ("csv", "variant,row"), ("svg", "<svg"), ("json", '{"figures"')):
        assert main(["experiment", "report", one["id"], "--format", format]) == 0
        assert capsys.readouterr().out.startswith(begins)
    assert main(["experiment", "compare", one["id"], one["id"]]) == 0
    assert "brief of Short or long" in capsys.readouterr().out
    assert main(["experiment", "list"]) == 0
    assert "8/8" in capsys.readouterr().out
    assert main(["experiment", "run", one["id"]]) == 1
    assert "has ended" in capsys.readouterr().err


def test_files_beside_it_are_taken_in_and_what_is_wrong_is_said(there: Path, capsys: Shown) -> None:
    there.joinpath("other.md").write_text("---\nname: manager\n---\nHello\n")
    spec = there / "mine.toml"
    spec.write_text(
        'name = "x"\ndata = "rows.jsonl"\n[[variants]]\nname = "a"\nfile = "other.md"\n[[evaluators]]\ntype = "exact"\n'
    )
    assert main(["experiment", "run", "mine.toml", "--yes"]) == 1
    assert "rows.jsonl" in capsys.readouterr().err
    there.joinpath("rows.jsonl").write_text('{"task": "!say hi", "expected": "hi"}\n')
    assert main(["experiment", "run", "mine.toml", "--yes"]) == 1
    assert "variants[0]: The variant a has no usable file" in capsys.readouterr().err
    spec.write_text(spec.read_text().replace('file = "other.md"', "seeds = 1"))
    assert main(["experiment", "run", "mine.toml", "--yes"]) == 1
    assert "line 5, variants[0].seeds: there is no such field" in capsys.readouterr().err
    assert main(["experiment", "report", "e_none"]) == 1
    assert "There is no experiment" in capsys.readouterr().err


def test_without_a_server_it_runs_inside_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Shown
) -> None:
    for name, value in environment(tmp_path).items():
        if name.startswith("ALMA_"):
            monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    tmp_path.joinpath("models.toml").touch(mode=0o600)
    assert main(["experiment", "new", "it.yaml"]) == 0
    assert main(["experiment", "run", "it.yaml", "--yes", "--money", "1"]) == 0
    assert "did equally well" in capsys.readouterr().out
