"""docs/lab.md is a tutorial: its files and commands work as they stand there. And what a wrong file is told."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from alma.__main__ import main
from alma.lab.keeping import MEMORIES
from alma.lab.library import RETENTIONS
from alma.lab.running import known

PAGE = Path(__file__).parents[2] / "docs" / "lab.md"
_BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)
_COMMAND = re.compile(r"^    alma (lab .*?)(?:\s+#.*|\s+>.*)?$", re.MULTILINE)


@pytest.fixture(autouse=True)
def _own_things_go() -> Generator[None]:
    lab = known()
    all_of_it: tuple[dict[str, Any], ...] = (lab.worlds, lab.policies, lab.rewards, lab.fadings, RETENTIONS)
    before = [dict(one) for one in all_of_it]
    yield
    for one, then in zip(all_of_it, before, strict=True):
        one.clear()
        one.update(then)


def file_of(code: str) -> str:
    files = {
        "policy": "my_bandit.py",
        "reward": "my_reward.py",
        "fading": "my_curve.py",
        "retention": "my_retention.py",
    }
    return files[code.split()[3]]


def short(words: str, tasks: int) -> list[str]:
    if words.startswith("lab list"):
        return []
    return ["--seeds", "2", "--days" if words.startswith("lab remember") else "--tasks", str(tasks)]


@pytest.mark.parametrize("code", _BLOCK.findall(PAGE.read_text()), ids=file_of)
def test_each_file_of_the_tutorial_runs_by_its_command(
    code: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = file_of(code)
    (tmp_path / name).write_text(code)
    monkeypatch.chdir(tmp_path)
    (command,) = [words for words in _COMMAND.findall(PAGE.read_text()) if name in words]
    assert main([*shlex.split(command), *short(command, 120)]) == 0
    shown = capsys.readouterr().out
    assert ("found in memories" if name == "my_retention.py" else "regret in") in shown
    own = {"my_bandit.py": "halving", "my_retention.py": "half_a_year"}
    assert own.get(name, "alma") in shown


def test_the_other_commands_of_the_tutorial_run_too(capsys: pytest.CaptureFixture[str]) -> None:
    commands = [words for words in _COMMAND.findall(PAGE.read_text()) if "--file" not in words]
    assert len(commands) >= 3
    for words in commands:
        assert main([*shlex.split(words), *short(words, 60)]) == 0
    assert "tastes" in capsys.readouterr().out


def test_curves_come_as_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "run", "--world", "drift", "--policy", "usual", "--seeds", "2", "--tasks", "50", "--json"]) == 0
    (curves,) = json.loads(capsys.readouterr().out)
    assert (curves["world"], curves["policy"], curves["at"][-1]) == ("drift", "usual", 50)
    assert main(["lab", "list", "--json"]) == 0
    assert "drift" in {one["name"] for one in json.loads(capsys.readouterr().out)["world"]}


HEAD = "from alma.lab.library import policy, reward\n"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("1 / 0\n", "ZeroDivisionError"),
        ("x = 1\n", "names nothing"),
        (HEAD + "@policy('alma')\nclass A: pass\n", "has a policy 'alma' already"),
        (HEAD + "@reward('much')\ndef much(happened): return 7.0\n", "out of bounds"),
        (
            HEAD + "@policy('odd')\nclass A:\n    def __init__(self, setting, dice): pass\n"
            "    def choose(self, kind): return 'nobody'\n    def heard(self, kind, arm, reward): pass\n",
            "what is no arm",
        ),
    ],
)
def test_a_wrong_file_is_told_what_is_wrong(
    code: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(code)
    assert main(["lab", "run", "--file", str(file), "--seeds", "1", "--tasks", "20"]) == 1
    assert said in capsys.readouterr().err


def test_what_is_played_by_another_command_or_never_changes_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "run", "--world", MEMORIES.name]) == 1
    assert "`alma lab remember`" in capsys.readouterr().err
    few = ["--seeds", "1", "--tasks", "30", "--policy", "alma"]
    assert main(["lab", "run", *few, "--curve", "exponential"]) == 1
    assert "`alma lab remember --curve exponential`" in capsys.readouterr().err
    assert main(["lab", "run", *few, "--curve", "moon"]) == 1
    assert "none comes along" in capsys.readouterr().err
    assert main(["lab", "run", *few, "--world", "drift"]) == 0
    shown = capsys.readouterr()
    assert "drift changes at task 400, and so not in 30 tasks" in shown.err
    assert "One life has no interval" in shown.err
    assert "–" not in shown.out.splitlines()[-1]
    assert main(["lab", "run", *few, "--world", "drift", "--set", "at=15"]) == 0
    assert "changes" not in capsys.readouterr().err


def test_a_file_that_is_not_there_and_a_world_that_is_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "list", "--file", str(tmp_path / "gone.py")]) == 1
    assert main(["lab", "run", "--world", "moon"]) == 1
    assert main(["lab", "run", "--policy", "round_robin", "--curve", "none"]) == 0, "only a policy that takes one"
    told = capsys.readouterr().err
    assert "There is no file" in told
    assert "no world 'moon'" in told
