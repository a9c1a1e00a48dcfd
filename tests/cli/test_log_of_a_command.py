"""A command that works without a server prints warnings alone, and keeps its log where a server would."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import nursery
from serving import environment


@pytest.mark.slow
def test_a_command_prints_warnings_alone_and_keeps_the_log(tmp_path: Path) -> None:
    (tmp_path / "models.toml").touch(mode=0o600)
    settings = environment(tmp_path, log_level="info", models_file=tmp_path / "models.toml")
    done = nursery.done(["run", "hello"], tmp_path, settings)
    assert done.returncode == 0, done.stderr
    assert "{" not in done.stderr
    assert "The embedding model is not in" in done.stderr
    records = [json.loads(line) for line in (tmp_path / "data" / "logs" / "alma.log").read_text().splitlines()]
    assert any(one["level"] == "info" for one in records)
    info = {one["event"] for one in records if one["level"] == "info"}
    assert not [line for line in done.stderr.splitlines() if line in info]


def test_help_loads_nothing_of_the_log() -> None:
    code = "import sys; from alma.__main__ import build_parser; build_parser(); print('structlog' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
