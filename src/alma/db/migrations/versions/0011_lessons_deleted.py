"""Which lessons their owner deleted, so that none comes back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "lessons_deleted",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("task_id", sa.Text, nullable=False),
    )
    op.create_index("lessons_deleted_by_run", "lessons_deleted", ["run_id"])


def downgrade() -> None:
    op.drop_table("lessons_deleted")
