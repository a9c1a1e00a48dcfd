"""Databases with empty tables: to make them takes longer than most tests."""

from __future__ import annotations

import atexit
import contextlib
import functools
import secrets
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

import sqlalchemy as sa

from alma.db.database import Database

# Which tables and columns there are, and everything else that a test could have made.
_SHAPE = "SELECT string_agg(format('%s %s', oid, xmin), ' ' ORDER BY oid) FROM pg_class WHERE relkind <> 't'"
_ALONE = """SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"""
_EMPTY = """DO $$ DECLARE name text; BEGIN
    SET LOCAL session_replication_role = replica;
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version' LOOP
        EXECUTE format('DELETE FROM %I', name);
    END LOOP;
    PERFORM setval(format('%I', sequencename)::regclass, start_value, false)
        FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL;
END $$"""


@functools.cache
def empty_tables() -> Path:
    """An SQLite database to be copied; made once for a process, and gone with it."""
    folder = tempfile.mkdtemp(prefix="alma-tables-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    file = Path(folder) / "alma.db"
    make_tables(f"sqlite:///{file}")
    return file


def make_tables(url: str) -> None:
    database = Database(url)
    database.open()
    database.close()


class SharedTables:
    """A database on a PostgreSQL server, for one test after the other: emptied, or made anew where a test has changed
    more than rows."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._held = contextlib.ExitStack()
        self._url = ""
        self._shape = ""

    def __enter__(self) -> SharedTables:
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def emptied(self) -> str:
        """Its URL."""
        if not self._url or not self._empty():
            self._held.close()
            self._url = self._held.enter_context(postgres_database(self._server))
            make_tables(self._url)
            with postgres_at(self._url) as connection:
                self._shape = connection.execute(sa.text(_SHAPE)).scalar_one()
        return self._url

    def _empty(self) -> bool:
        with postgres_at(self._url) as connection:
            connection.execute(sa.text(_ALONE))
            if connection.execute(sa.text(_SHAPE)).scalar_one() != self._shape:
                return False
            connection.execute(sa.text(_EMPTY))
        return True


@contextlib.contextmanager
def postgres_database(server: str) -> Generator[str]:
    """The URL of a new database, which is gone afterwards."""
    name = f"alma_{secrets.token_hex(4)}"
    with postgres_at(server) as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    yield sa.make_url(server).set(drivername="postgresql", database=name).render_as_string(hide_password=False)
    with postgres_at(server) as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))


@contextlib.contextmanager
def postgres_at(url: str) -> Generator[sa.Connection]:
    """Each statement is a transaction of its own."""
    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()
