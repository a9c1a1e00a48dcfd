"""A database that is migrated once: to make one takes longer than most tests of a gate that use it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from alma.db.database import Database


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite database, to be copied."""
    file = tmp_path_factory.mktemp("migrated") / "alma.db"
    database = Database(f"sqlite:///{file}")
    database.open()
    database.close()
    return file


@pytest.fixture
def folder(migrated: Path, tmp_path: Path) -> Path:
    """An empty folder but for such a database, `alma.db`."""
    shutil.copy(migrated, tmp_path / "alma.db")
    return tmp_path
