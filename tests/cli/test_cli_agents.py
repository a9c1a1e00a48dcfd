"""`alma agents`, without a server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alma.__main__ import main
from alma.agent.role import read_role, shipped_folder


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ALMA_AGENTS_DIR", raising=False)


def test_list_is_a_table_of_what_ships(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["agents", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["agent", "model", "tools", "from", "purpose"]
    assert [line.split()[0] for line in lines[1:]] == [
        *("analyst", "coder", "critic", "manager", "researcher", "writer"),
    ]


def test_list_names_the_users_files_and_says_that_something_is_wrong(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["agents", "new", "translator"]) == 0
    (tmp_path / "agents" / "bad.md").write_text("bad")
    monkeypatch.setenv("ALMA_AGENTS_DIR", "agents")
    capsys.readouterr()
    assert main(["agents", "list"]) == 0
    shown = capsys.readouterr()
    assert "agents/translator.md" in shown.out
    assert "problem" in shown.err
    assert main(["agents", "list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert "translator" in [agent["name"] for agent in listed["agents"]]
    assert {key: listed["problems"][0][key] for key in ("file", "line")} == {"file": "agents/bad.md", "line": 1}


def test_show_says_all_that_holds_for_an_agent(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["agents", "show", "critic"]) == 0
    shown = capsys.readouterr().out
    for said in ("Judges another task", "tool calls: 0", "JSON with verdict, notes", "You are a critic."):
        assert said in shown
    assert main(["agents", "show", "critic", "--source"]) == 0
    assert capsys.readouterr().out == (shipped_folder() / "critic.md").read_text()
    assert main(["agents", "show", "critic", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["budgets"]["tool_calls"] == 0


def test_show_of_nobody_says_whom_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["agents", "show", "critik"]) == 1
    assert "did you mean 'critic'?" in capsys.readouterr().err


def test_new_writes_a_valid_file_once_and_says_what_comes_next(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["agents", "new", "translator"]) == 0
    shown = capsys.readouterr()
    assert shown.out == "agents/translator.md\n"
    assert "alma agents check agents/translator.md" in shown.err
    assert "ALMA_AGENTS_DIR=agents" in shown.err
    assert read_role(tmp_path / "agents" / "translator.md").name == "translator"
    assert main(["agents", "check", "agents"]) == 0
    assert main(["agents", "new", "translator"]) == 1
    assert "is there already" in capsys.readouterr().err


def test_every_line_that_new_hides_is_valid_too(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["agents", "new", "greeter"]) == 0
    path = tmp_path / "agents" / "greeter.md"
    hidden = (
        "# model",
        "# examples",
        "#   - task",
        "#     answer",
        "# output_schema",
        "#   type",
        "#   prop",
        "#   req",
    )
    lines = [line.removeprefix("# ") if line.startswith(hidden) else line for line in path.read_text().splitlines()]
    path.write_text("\n".join(lines))
    assert main(["agents", "check", str(path)]) == 0
    role = read_role(path)
    assert (role.model, role.examples[0].answer) == ("ollama/qwen3:4b", "Hello, Ada!")
    assert role.output_schema is not None
    assert role.output_schema["required"] == ["greeting"]


def test_new_goes_into_the_folder_of_the_settings(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine").mkdir()
    monkeypatch.setenv("ALMA_AGENTS_DIR", "mine")
    assert main(["agents", "new", "writer"]) == 0
    shown = capsys.readouterr()
    assert shown.out == "mine/writer.md\n"
    assert "goes over the writer that Alma brings" in shown.err
    assert "A running Alma reads it" in shown.err


@pytest.mark.parametrize("name", ["Bad", "a b", "../x", "", "x" * 41])
def test_new_refuses_what_is_no_name(name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["agents", "new", name]) == 1
    assert "cannot be a role's name" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_check_prints_every_problem_as_file_line_field_message(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "a.md").write_text("---\nname: a\npurpose: x\nbudgets: {tokens: lots}\n---\nDo it.\n")
    (tmp_path / "b.md").write_text("---\nname: b\npurpose: x\ntools: [clok]\ndelegates_to: [writer]\n---\nDo it.\n")
    assert main(["agents", "check", "a.md", "b.md", "c.md"]) == 1
    shown = capsys.readouterr()
    assert shown.out.splitlines() == [
        "a.md:4: budgets.tokens: expected a whole number from 0 to 100,000,000, came 'lots'",
        "c.md: cannot be read: No such file or directory",
        "b.md:4: tools[0]: there is no tool named 'clok'; did you mean 'clock'?",
    ]
    assert "3 role files, 3 problems" in shown.err
    assert main(["agents", "check", "--json", "a.md"]) == 1
    assert json.loads(capsys.readouterr().out)[0]["field"] == "budgets.tokens"


def test_checked_files_may_name_each_other(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for name, other in (("a", "b"), ("b", "a")):
        (tmp_path / f"{name}.md").write_text(f"---\nname: {name}\npurpose: x\ndelegates_to: [{other}]\n---\nDo it.\n")
    assert main(["agents", "check", "."]) == 0
    assert "2 role files, no problems" in capsys.readouterr().err
    (tmp_path / "b.md").unlink()
    assert main(["agents", "check", "."]) == 1
    assert "no role named 'b'" in capsys.readouterr().out


def test_the_shipped_files_have_no_problem(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["agents", "check"]) == 0, capsys.readouterr().out
