"""Memories with their vectors, history and uses, the files of the knowledge base, and the full-text table of words."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "memories",
        sa.Column("num", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("key", sa.Text, nullable=False, server_default=""),
        sa.Column("source", sa.Text, nullable=False, server_default="{}"),
        sa.Column("thread_id", sa.Text, nullable=False, server_default=""),
        sa.Column("run_id", sa.Text, nullable=False, server_default=""),
        sa.Column("message_id", sa.Text, nullable=False, server_default=""),
        sa.Column("document_id", sa.Text, nullable=False, server_default=""),
        sa.Column("line", sa.Text, nullable=False, server_default=""),
        sa.Column("position", sa.Integer, nullable=False, server_default="0"),
        sa.Column("parent", sa.Text, nullable=False, server_default=""),
        sa.Column("speaker", sa.Text, nullable=False, server_default=""),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("seen_at", sa.Double, nullable=False),
        sa.Column("valid_from", sa.Double, nullable=False),
        sa.Column("valid_to", sa.Double),
        sa.Column("superseded_by", sa.Text, nullable=False, server_default=""),
        sa.Column("forgotten_at", sa.Double),
        sa.Column("count", sa.Integer, nullable=False, server_default="1"),
        sa.Column("uses", sa.Integer, nullable=False, server_default="0"),
        sa.Column("used_at", sa.Double, nullable=False, server_default="0"),
        sa.Column("utility", sa.Double, nullable=False, server_default="0"),
        sa.Column("pinned", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("version", sa.Integer, nullable=False, server_default="1"),
        sa.Column("stamp", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("memories_by_document", "memories", ["document_id"])
    op.create_index("memories_by_hash", "memories", ["owner", "hash"])
    op.create_index("memories_by_key", "memories", ["owner", "key"])
    op.create_index("memories_by_line", "memories", ["line", "position"])
    op.create_index("memories_by_owner", "memories", ["owner", "created_at"])
    op.create_index("memories_by_run", "memories", ["run_id"])
    op.create_index("memories_by_stamp", "memories", ["stamp"])
    op.create_index("memories_by_thread", "memories", ["thread_id"])
    op.create_table(
        "memory_vectors",
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("num", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("vector", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "memory_history",
        sa.Column("num", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("before", sa.Text, nullable=False),
    )
    op.create_table(
        "memory_uses",
        sa.Column("num", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("run_id", sa.Text, primary_key=True),
        sa.Column("message_id", sa.Text, primary_key=True),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("score", sa.Double, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
    )
    op.create_index("memory_uses_by_run", "memory_uses", ["run_id"])
    op.create_table(
        "remembered_runs",
        sa.Column("run_id", sa.Text, primary_key=True),
        sa.Column("at", sa.Double, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "documents",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("format", sa.Text, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("chunks", sa.Integer, nullable=False, server_default="0"),
        sa.Column("done", sa.Integer, nullable=False, server_default="0"),
        sa.Column("text", sa.Text, nullable=False, server_default=""),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("updated_at", sa.Double, nullable=False),
        sa.UniqueConstraint("owner", "origin", "name", name="documents_by_name"),
    )
    # Conversations of before were had without memory, and stay out of it.
    op.execute("INSERT INTO remembered_runs (run_id, at) SELECT id, created_at FROM runs WHERE finished")
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE memory_words USING fts5(words, tokenize='porter unicode61 remove_diacritics 2')"
        )
    else:
        op.execute("CREATE TABLE memory_words (num BIGINT PRIMARY KEY, words TSVECTOR NOT NULL)")
        op.execute("CREATE INDEX memory_words_found ON memory_words USING gin (words)")


def downgrade() -> None:
    op.execute("DROP TABLE memory_words")
    op.drop_table("documents")
    op.drop_table("remembered_runs")
    op.drop_table("memory_uses")
    op.drop_table("memory_history")
    op.drop_table("memory_vectors")
    op.drop_table("memories")
