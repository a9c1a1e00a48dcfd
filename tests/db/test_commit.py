"""A commit that the database refuses must not cost the writes after it."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from alma.db.database import Database


async def test_writes_go_on_after_a_commit_that_was_refused(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/alma.db")
    database.open()

    def make(connection: sa.Connection) -> None:
        connection.exec_driver_sql("CREATE TABLE above (id INTEGER PRIMARY KEY)")
        connection.exec_driver_sql("CREATE TABLE below (id INTEGER REFERENCES above(id) DEFERRABLE INITIALLY DEFERRED)")

    def orphan(connection: sa.Connection) -> None:
        connection.exec_driver_sql("INSERT INTO below VALUES (1)")  # found wrong by COMMIT, which leaves it open

    try:
        await database.write(make)
        with pytest.raises(sa.exc.IntegrityError):
            await database.write(orphan)
        await database.write(lambda connection: connection.exec_driver_sql("INSERT INTO above VALUES (1)") and None)
        assert await database.read(lambda c: c.exec_driver_sql("SELECT count(*) FROM above").scalar()) == 1
        assert await database.read(lambda c: c.exec_driver_sql("SELECT count(*) FROM below").scalar()) == 0
    finally:
        database.close()
