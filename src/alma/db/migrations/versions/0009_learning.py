"""What is learned: outcomes of runs, versions and their evidence, approved answers, experiments, refinement."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("threads", sa.Column("hidden", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("memories", sa.Column("archived_at", sa.Double))
    op.add_column("memories", sa.Column("strength", sa.Double, nullable=False, server_default="0"))
    op.create_table(
        "outcomes",
        sa.Column("num", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("run_id", sa.Text, nullable=False, unique=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("thread_id", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("head", sa.BigInteger, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("outcomes_by_owner", "outcomes", ["owner", "num"])
    op.create_index("outcomes_by_thread", "outcomes", ["thread_id"])
    op.create_table(
        "learning_owners",
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("data", sa.Text, nullable=False),
    )
    op.create_table(
        "versions",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("of", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("base", sa.Text, nullable=False, server_default=""),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False, server_default=""),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False, server_default=""),
        sa.Column("stage", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("changed_at", sa.Double, nullable=False),
        sa.Column("evidence", sa.Text, nullable=False, server_default="{}"),
    )
    op.create_index("versions_by_owner", "versions", ["owner", "what", "of"])
    op.create_table(
        "version_history",
        sa.Column("version_id", sa.Text, primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("stage", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("why", sa.Text, nullable=False, server_default=""),
        sa.Column("data", sa.Text, nullable=False, server_default="{}"),
    )
    op.create_table(
        "version_trials",
        sa.Column("version_id", sa.Text, primary_key=True),
        sa.Column("phase", sa.Text, primary_key=True),
        sa.Column("arm", sa.Text, primary_key=True),
        sa.Column("run_id", sa.Text, primary_key=True),
        sa.Column("pair", sa.Text, nullable=False, server_default=""),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("reward", sa.Double),
        sa.Column("error", sa.Text, nullable=False, server_default=""),
        sa.Column("ms", sa.Double, nullable=False, server_default="0"),
        sa.Column("cost", sa.Double, nullable=False, server_default="0"),
        sa.Column("share", sa.Double, nullable=False, server_default="0"),
        sa.Column("context", sa.Text, nullable=False, server_default=""),
        sqlite_with_rowid=False,
    )
    op.create_index("version_trials_by_run", "version_trials", ["run_id"])
    op.create_table(
        "lessons",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False, server_default=""),
        sa.Column("run_id", sa.Text, nullable=False, server_default=""),
        sa.Column("task_id", sa.Text, nullable=False, server_default=""),
        sa.Column("thread_id", sa.Text, nullable=False, server_default=""),
        sa.Column("task", sa.Text, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("vector", sa.LargeBinary),
        sa.Column("how", sa.Text, nullable=False),
        sa.Column("on", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("tokens", sa.Integer, nullable=False, server_default="0"),
        sa.Column("created_at", sa.Double, nullable=False),
    )
    op.create_index("lessons_by_owner", "lessons", ["owner", "role"])
    op.create_index("lessons_by_run", "lessons", ["run_id"])
    op.create_index("lessons_by_thread", "lessons", ["thread_id"])
    op.create_table(
        "experiments",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("spec", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("thread_id", sa.Text, nullable=False, server_default=""),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("started_at", sa.Double),
        sa.Column("ended_at", sa.Double),
        sa.Column("error", sa.Text, nullable=False, server_default=""),
        sa.Column("data", sa.Text, nullable=False, server_default="{}"),
    )
    op.create_index("experiments_by_owner", "experiments", ["owner", "created_at"])
    op.create_table(
        "experiment_cells",
        sa.Column("experiment_id", sa.Text, primary_key=True),
        sa.Column("variant", sa.Text, primary_key=True),
        sa.Column("row", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("seed", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False, server_default=""),
        sa.Column("answer", sa.Text, nullable=False, server_default=""),
        sa.Column("scores", sa.Text, nullable=False, server_default="{}"),
        sa.Column("error", sa.Text, nullable=False, server_default=""),
        sa.Column("ms", sa.Double, nullable=False, server_default="0"),
        sa.Column("tokens", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("cost", sa.Double, nullable=False, server_default="0"),
        sa.Column("at", sa.Double, nullable=False, server_default="0"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "experiment_verdicts",
        sa.Column("experiment_id", sa.Text, primary_key=True),
        sa.Column("by", sa.Text, primary_key=True),
        sa.Column("row", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("seed", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("left", sa.Text, primary_key=True),
        sa.Column("right", sa.Text, primary_key=True),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "refinement_passes",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("ms", sa.Double, nullable=False),
        sa.Column("undone_at", sa.Double),
        sa.Column("data", sa.Text, nullable=False),
    )
    op.create_index("refinement_passes_by_owner", "refinement_passes", ["owner", "at"])


def downgrade() -> None:
    for name in (
        "refinement_passes",
        "experiment_verdicts",
        "experiment_cells",
        "experiments",
        "lessons",
        "version_trials",
        "version_history",
        "versions",
        "learning_owners",
        "outcomes",
    ):
        op.drop_table(name)
    op.drop_column("memories", "strength")
    op.drop_column("memories", "archived_at")
    op.drop_column("threads", "hidden")
