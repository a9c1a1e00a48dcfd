"""The database: made, migrated, and refused when it is newer than the code."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from alma.db.database import Database
from alma.db.migrate import known_versions
from alma.db.schema import metadata
from alma.errors import DatabaseNewer, StorageFailure


def test_migrations_make_what_the_tables_say(empty_url: str) -> None:
    database = Database(empty_url)
    database.open()
    with database._engine.connect() as connection:
        # Full-text tables are each database's own; SQLAlchemy knows nothing of them.
        opts = {"compare_type": True, "include_name": lambda name, *_: not str(name).startswith("memory_words")}
        context = MigrationContext.configure(connection, opts=opts)
        assert compare_metadata(context, metadata) == []
    database.close()


def test_a_second_start_migrates_nothing(empty_url: str) -> None:
    for _ in range(2):
        database = Database(empty_url)
        database.open()
        database.close()


def test_a_newer_database_is_refused_and_left_alone(empty_url: str) -> None:
    database = Database(empty_url)
    database.open()
    database.close()
    engine = database._engine
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    again = Database(empty_url)
    with pytest.raises(DatabaseNewer) as refused:
        again.open()
    assert refused.value.code == "database_newer"
    assert "9999" in str(refused.value.actual)
    assert known_versions()[-1] in str(refused.value.expected)
    again.close()
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar() == "9999"
    engine.dispose()


def test_a_database_that_cannot_be_opened_is_explained(tmp_path: object) -> None:
    (tmp_path / "alma.db").write_bytes(b"this is no database, whatever its name says" * 100)  # type: ignore[operator]
    database = Database(f"sqlite:///{tmp_path}/alma.db")
    with pytest.raises(StorageFailure) as refused:
        database.open()
    assert "not a database" in str(refused.value.actual)
    database.close()


@pytest.mark.slow
async def test_a_lost_connection_to_postgres_is_made_again(postgres: str) -> None:
    database = Database(postgres)
    database.open()
    pid = await database.write(lambda connection: connection.exec_driver_sql("SELECT pg_backend_pid()").scalar())
    await database.read(lambda connection: connection.exec_driver_sql(f"SELECT pg_terminate_backend({pid})"))
    with pytest.raises(StorageFailure):
        await database.write(lambda connection: connection.exec_driver_sql("SELECT 1"))
    again = await database.write(lambda connection: connection.exec_driver_sql("SELECT pg_backend_pid()").scalar())
    assert again != pid
    database.close()


async def test_what_we_ask_wrongly_is_not_the_databases_trouble(tmp_path: object) -> None:
    database = Database(f"sqlite:///{tmp_path}/alma.db")
    database.open()
    with pytest.raises(sa.exc.IntegrityError):
        await database.write(lambda connection: connection.exec_driver_sql("INSERT INTO threads (id) VALUES ('x')"))
    database.close()
