"""The command line as such: help worth reading, instant start, errors that say what to do."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from alma.__main__ import build_parser, main
from alma.cli.terminal import safe

HEAVY = {
    "aiohttp",
    "alembic",
    "fastapi",
    "huggingface_hub",
    "numpy",
    "onnxruntime",
    "pydantic",
    "sqlalchemy",
    "uvicorn",
}
COMMANDS = (
    "serve",
    "run",
    "answer",
    "approve",
    "stop",
    "pause",
    "resume",
    "threads",
    "runs",
    "files",
    "memory",
    "knowledge",
    "agents",
    "models",
    "cache",
    "doctor",
    "settings",
)


@pytest.mark.parametrize("statement", ["import alma", "import alma.__main__ as m; m.build_parser().format_help()"])
def test_starting_up_loads_nothing_heavy(statement: str) -> None:
    program = f"{statement}\nimport sys; print(*sorted(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert HEAVY & set(answer.stdout.split()) == set()


def test_importing_alma_takes_less_than_four_tenths_of_a_second_of_processor_time() -> None:
    program = "import time; t = time.process_time(); import alma; print(time.process_time() - t)"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert float(answer.stdout) < 0.4


def help_of(*words: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as caught:
        main([*words, "--help"])
    assert caught.value.code == 0
    return capsys.readouterr().out


def test_help_names_every_command_and_gives_examples(capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of(capsys=capsys)
    assert "examples:" in text
    for command in COMMANDS:
        assert f"\n    {command} " in text


@pytest.mark.parametrize("command", COMMANDS)
def test_every_commands_help_gives_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of(command, capsys=capsys)
    assert f"alma {command}" in text.partition("examples:")[2]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_on_its_page(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    from alma.cli.checks import clone

    root = clone()
    assert root is not None
    assert f"## `alma {command}`" in (root / "docs/cli.md").read_text()


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    from importlib.metadata import version

    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"alma {version('alma')}\n"


def test_wrong_settings_stop_a_command_with_every_problem(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ALMA_PORT", "x")
    monkeypatch.setenv("ALMA_COLOUR", "blue")
    assert main(["settings"]) == 1
    shown = capsys.readouterr().err
    assert "Alma cannot go on: 2 problems" in shown
    assert "ALMA_PORT: expected a whole number" in shown
    assert "ALMA_COLOUR" in shown


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ((), ("serve", "doctor")),
        (("alerts",), ("list", "silence")),
        (("lab",), ("list", "run")),
        (("tokens",), ("add", "revoke")),
        (("budget",), ("set",)),
        (("memory",), ("search", "purge")),
        (("models",), ("found", "use")),
    ],
)
def test_a_command_without_its_action_lists_them_with_their_help(
    words: tuple[str, ...], named: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    shown = capsys.readouterr().err
    for name in named:
        assert re.search(rf"^ +{name} +\S", shown, re.MULTILINE), shown


def test_a_command_line_that_is_wrong_says_what_may_stand_there(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["run", "task", "--kind", "poetic"])
    assert caught.value.code == 2
    assert "analytical" in capsys.readouterr().err


def test_a_folder_that_cannot_be_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["threads", "list", "--data-dir", "/proc/nope"]) == 1
    assert "/proc/nope cannot be used: " in capsys.readouterr().err


def test_a_full_disk_under_the_output_is_a_sentence() -> None:
    program = f"{sys.executable} -m alma settings > /dev/full"
    answer = subprocess.run(["sh", "-c", program], capture_output=True, text=True, check=False)
    assert answer.returncode == 1
    assert answer.stderr == "alma: The system refused to read or write: No space left on device.\n"


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    from alma.cli import settings

    for bug in (TimeoutError(), ExceptionGroup("", [OSError(2, "x", "y"), KeyError("z")])):
        monkeypatch.setattr(settings, "read_settings", lambda bug=bug: (_ for _ in ()).throw(bug))
        with pytest.raises(type(bug)):
            main(["settings"])


def test_arguments_that_are_no_utf8_are_mended_and_that_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = build_parser().parse_args(["run", os.fsdecode(b"caf\xff")])
    assert arguments.task == "caf\N{REPLACEMENT CHARACTER}"
    assert "not all UTF-8" in capsys.readouterr().err
    assert build_parser().parse_args(["run", "café"]).task == "café"
    assert capsys.readouterr().err == ""


def test_a_reader_that_leaves_early_is_no_error() -> None:
    program = f"{sys.executable} -m alma settings | head -n 1"
    answer = subprocess.run(["sh", "-c", program], capture_output=True, text=True, check=False)
    assert answer.stdout.startswith("variable")
    assert answer.stderr == ""


def test_a_models_text_cannot_steer_the_terminal() -> None:
    assert safe("a\x1b[2Jb\x07\r\nc\td\x9be") == "a[2Jb\nc\tde"
    assert safe("gnp\u202eexe \u200fسلام") == "gnp⟦U+202E⟧exe \u200fسلام"
