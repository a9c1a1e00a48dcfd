"""All tables: importing this makes the metadata whole."""

from __future__ import annotations

from alma.db import access_tables, learning_tables, watch_tables
from alma.db.tables import metadata

__all__ = ["access_tables", "learning_tables", "metadata", "watch_tables"]
