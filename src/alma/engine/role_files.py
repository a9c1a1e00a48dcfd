"""The files of roles as they were when runs used them: each version once, so that any prompt can be shown again."""

from __future__ import annotations

import time

import sqlalchemy as sa

from alma.agent.role import Role
from alma.db.tables import role_versions


def keep_role(connection: sa.Connection, role: Role) -> None:
    """Store a role's file under its version, once, before a run uses it."""
    known = connection.execute(sa.select(role_versions.c.version).where(role_versions.c.version == role.version))
    if known.first() is None:
        row = {"version": role.version, "role": role.name, "source": role.source, "created_at": time.time()}
        connection.execute(sa.insert(role_versions).values(row))
