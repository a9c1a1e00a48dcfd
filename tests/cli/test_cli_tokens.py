"""`alma tokens`: whose a token is, what it may, and that its name is enough to end it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from alma.__main__ import main
from serving import environment


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "models.toml").touch(mode=0o600)
    for name, value in environment(tmp_path).items():
        if name.startswith("ALMA_"):
            monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)


def tokens(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert main(["tokens", "list", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("words", "owner", "admin"),
    [
        ((), "one", False),
        (("--admin",), "one", True),
        (("--mine",), "local", True),
        (("--mine", "--no-admin"), "local", False),
        (("--owner", "ada"), "ada", False),
    ],
)
def test_what_is_mine_is_an_administrators_as_at_this_machine(
    words: tuple[str, ...], owner: str, admin: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tokens", "add", "one", *words]) == 0
    assert ("administrators" in capsys.readouterr().err) == admin
    (token,) = tokens(capsys)
    assert (token["owner"], token["admin"]) == (owner, admin)


def test_two_that_hold_are_not_called_the_same_and_the_name_ends_the_one_that_holds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["tokens", "add", "a friend"]) == 0
    assert main(["tokens", "add", " a  friend", "--mine"]) == 1
    assert "called 'a friend' already" in capsys.readouterr().err
    assert main(["tokens", "revoke", "a friend"]) == 0
    assert main(["tokens", "add", "a friend"]) == 0, "the other one is over"
    newer, older = tokens(capsys)
    assert (newer["revoked_at"], older["revoked_at"] is None) == (None, False)
    assert main(["tokens", "revoke", "a friend"]) == 0
    assert all(one["revoked_at"] for one in tokens(capsys))


def test_settings_that_are_wrong_are_not_said_to_keep_a_server_from_starting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("models.toml").write_text("endpoints = = 1")
    assert main(["models", "list"]) == 1
    shown = capsys.readouterr().err
    assert "models.toml" in shown
    assert "did not start" not in shown
