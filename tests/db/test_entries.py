"""How entries are kept: long ones compressed on SQLite, all of them as they were after a migration."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from alma.db import migrate
from alma.db.database import Database
from alma.db.tables import entries

SHORT = '{"type":"pause_requested"}'
LONG = '{"text":"' + "Prüfung, 試験, 🚢 " * 400 + '"}'


def keep(connection: sa.Connection) -> None:
    rows = [{"run_id": "r", "seq": seq, "data": data} for seq, data in enumerate((SHORT, LONG), 1)]
    connection.execute(sa.insert(entries), rows)


def kept(connection: sa.Connection) -> list[str]:
    return list(connection.execute(sa.select(entries.c.data).order_by(entries.c.seq)).scalars())


async def test_an_entry_comes_back_as_it_was(database_url: str) -> None:
    database = Database(database_url)
    database.open()
    await database.write(keep)
    assert await database.read(kept) == [SHORT, LONG]
    database.close()


async def test_sqlite_keeps_long_ones_small_and_short_ones_plain(tmp_path: object) -> None:
    database = Database(f"sqlite:///{tmp_path}/alma.db")
    database.open()
    await database.write(keep)
    raw = await database.read(lambda c: c.exec_driver_sql("SELECT data FROM entries ORDER BY seq").scalars().all())
    assert raw[0] == SHORT
    assert isinstance(raw[1], bytes)
    assert len(raw[1]) < len(LONG.encode()) / 10
    database.close()


def test_a_database_of_before_is_taken_over(empty_url: str) -> None:
    """Entries written by the version before are there after the migration, and after the way back."""
    database = Database(empty_url)
    config = Config()
    config.set_main_option("script_location", str(migrate._FOLDER))
    with database._engine.connect() as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        statement = sa.text("INSERT INTO entries (run_id, seq, data) VALUES ('r', :seq, :data)")
        connection.execute(statement, [{"seq": seq, "data": data} for seq, data in enumerate((SHORT, LONG), 1)])
        command.upgrade(config, "0002")
        assert kept(connection) == [SHORT, LONG]
        command.downgrade(config, "0001")
        assert kept(connection) == [SHORT, LONG]
    database._engine.dispose()
