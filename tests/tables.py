"""An SQLite database with empty tables, to be copied: to make them takes longer than most tests."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

from alma.db.database import Database


@functools.cache
def empty_tables() -> Path:
    """Made once for a process, and gone with it."""
    folder = tempfile.mkdtemp(prefix="alma-tables-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    file = Path(folder) / "alma.db"
    make_tables(f"sqlite:///{file}")
    return file


def make_tables(url: str) -> None:
    database = Database(url)
    database.open()
    database.close()
