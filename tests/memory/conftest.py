"""A watched folder, and a library that looks into it when the test says so."""

from __future__ import annotations

from pathlib import Path

import pytest
from shelf import Shelf
from watched_folder import by_hand


@pytest.fixture
def watched(tmp_path: Path) -> Path:
    path = tmp_path / "watched"
    path.mkdir()
    return path


@pytest.fixture
def shelf(tmp_path: Path, watched: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    return by_hand(tmp_path, watched, monkeypatch)
