"""What model calls have used, by run, day and model, and the budgets that owners set.

Runs of before are summed up from their entries, as far as these say what was used: attempts that failed do not.
"""

from __future__ import annotations

import json
import zlib
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_COUNTED = ("input_tokens", "output_tokens", "cached_tokens", "saved_tokens", "ms", "cost", "calls")
_AT_ONCE = 500  # runs


def upgrade() -> None:
    spend = op.create_table(
        "spend",
        sa.Column("run_id", sa.Text, primary_key=True),
        sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("input_tokens", sa.BigInteger, nullable=False),
        sa.Column("output_tokens", sa.BigInteger, nullable=False),
        sa.Column("cached_tokens", sa.BigInteger, nullable=False),
        sa.Column("saved_tokens", sa.BigInteger, nullable=False),
        sa.Column("ms", sa.Double, nullable=False),
        sa.Column("cost", sa.Double, nullable=False),
        sa.Column("calls", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("spend_by_owner", "spend", ["owner", "day"])
    op.create_table(
        "budgets",
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("scope", sa.Text, primary_key=True),
        sa.Column("thread_id", sa.Text, primary_key=True),
        sa.Column("tokens", sa.BigInteger),
        sa.Column("seconds", sa.Double),
        sa.Column("money", sa.Double),
        sqlite_with_rowid=False,
    )
    connection = op.get_bind()
    runs = connection.execute(sa.text("SELECT id, owner FROM runs")).all()
    for start in range(0, len(runs), _AT_ONCE):
        rows = [row for run in runs[start : start + _AT_ONCE] for row in _summed(connection, *run)]
        if rows:
            op.bulk_insert(spend, rows)


def downgrade() -> None:
    op.drop_table("budgets")
    op.drop_table("spend")


def _summed(connection: sa.Connection, run_id: str, owner: str) -> list[dict[str, Any]]:
    """A run's rows."""
    models: dict[str, str] = {}
    sums: dict[tuple[int, str], dict[str, Any]] = {}
    log = connection.execute(sa.text("SELECT data FROM entries WHERE run_id = :run ORDER BY seq"), {"run": run_id})
    for (data,) in log:
        entry = json.loads(zlib.decompress(data) if isinstance(data, bytes) else data)
        if entry["type"] == "message_started":
            models[entry["message_id"]] = entry["model"]
        elif entry["type"] == "message_finished":
            used = entry.get("usage", {})
            if not used.get("input_tokens") and not used.get("output_tokens"):
                continue  # its endpoint said that nothing was used
            key = (int(entry["at"] // 86_400), models.get(entry["message_id"], ""))
            row = sums.setdefault(key, dict.fromkeys(_COUNTED, 0))
            for name in ("input_tokens", "output_tokens", "cached_tokens"):
                row[name] += used.get(name, 0)
            row["ms"] += entry.get("timing", {}).get("total_ms", 0.0)
            row["cost"] += entry.get("cost", 0.0)
            row["calls"] += 1
    return [{"run_id": run_id, "owner": owner, "day": day, "model": model, **row} for (day, model), row in sums.items()]
