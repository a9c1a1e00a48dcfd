"""Folders with a database for tests of learning."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest


@pytest.fixture
def folder(migrated: Path, tmp_path: Path) -> Path:
    """An empty folder but for such a database, `alma.db`."""
    shutil.copy(migrated, tmp_path / "alma.db")
    return tmp_path
