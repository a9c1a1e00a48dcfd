"""Brings a database to the version this code knows. Alembic is loaded only when there is something to do."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from alma.errors import DatabaseNewer

_FOLDER = Path(__file__).parent / "migrations"


def known_versions() -> list[str]:
    """The versions this code has migrations for, oldest first."""
    return sorted(path.name.split("_")[0] for path in (_FOLDER / "versions").glob("[0-9]*.py"))


def current_version(connection: sa.Connection) -> str | None:
    """The version stamped in the database; None for an empty one."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def upgrade(connection: sa.Connection) -> bool:
    """Migrate to the newest known version. Returns whether anything was done; raises `DatabaseNewer`."""
    known = known_versions()
    current = current_version(connection)
    if current == known[-1]:
        return False
    if current is not None and current not in known:
        raise DatabaseNewer(
            "The database was made by a newer Alma.",
            expected=f"version {known[-1]} or older",
            actual=f"version {current}",
            hint="Update Alma, or point ALMA_DATABASE_URL (or ALMA_DATA_DIR) at another database.",
        )
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    return True
