"""The response cache: answers that may be given again, what they go back to, and what each owner chose and saved."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "cached_answers",
        sa.Column("key", sa.LargeBinary, primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("likes", sa.LargeBinary),
        sa.Column("vector", sa.LargeBinary),
        sa.Column("bytes", sa.Integer, nullable=False),
        sa.Column("made_at", sa.Double, nullable=False),
        sa.Column("used_at", sa.Double, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
    )
    op.create_index("cached_answers_by_likes", "cached_answers", ["likes"])
    op.create_index("cached_answers_by_run", "cached_answers", ["run_id"])
    op.create_index("cached_answers_by_owner", "cached_answers", ["owner"])
    op.create_table(
        "cached_sources",
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("key", sa.LargeBinary, primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_index("cached_sources_by_key", "cached_sources", ["key"])
    op.create_table(
        "cache_owners",
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("exact", sa.Boolean),
        sa.Column("semantic", sa.Boolean),
        sa.Column("threshold", sa.Double),
        sa.Column("hits", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("misses", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("saved_tokens", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("saved_ms", sa.Double, nullable=False, server_default="0"),
        sa.Column("saved_cost", sa.Double, nullable=False, server_default="0"),
    )


def downgrade() -> None:
    for table in ("cached_answers", "cached_sources", "cache_owners"):
        op.drop_table(table)
