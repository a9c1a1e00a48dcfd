"""A commit that the database refuses must not cost the writes after it, and what is asked for at the end is told so."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from alma.db.database import Database
from alma.errors import StorageFailure


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


async def test_what_is_asked_for_while_it_closes_or_later_is_refused(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/alma.db")
    database.open()
    begun, go_on = threading.Event(), threading.Event()

    def write(connection: sa.Connection) -> str:
        begun.set()
        go_on.wait(20)
        return "written"

    async with asyncio.timeout(120), asyncio.TaskGroup() as group:
        writing = group.create_task(database.write(write))
        await asyncio.to_thread(begun.wait)
        closing = group.create_task(asyncio.to_thread(database.close))
        while database._queue.empty():  # the end is queued
            await asyncio.sleep(0.005)
        try:
            with pytest.raises(StorageFailure, match="closed"):
                await asyncio.wait_for(database.write(lambda _: None), 5)
        finally:
            go_on.set()
        await closing
        assert await writing == "written"
        for asked in (database.read(lambda _: None), database.read(lambda _: None, slow=True)):
            with pytest.raises(StorageFailure, match="closed"):
                await asked
