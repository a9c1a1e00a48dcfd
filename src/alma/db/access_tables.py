"""Tables of who may enter."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Double, Index, LargeBinary, Table, Text, false

from alma.db.tables import metadata

# Access tokens, by the hash of their secret (SHA-256 of 256 random bits: nothing to guess). `owner`: whose things the
# bearer sees. A token that is revoked stays, so that lists can say when.
access_tokens = Table(
    "access_tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("admin", Boolean, nullable=False, server_default=false()),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double),
    Column("revoked_at", Double),
    Column("used_at", Double, nullable=False, server_default="0"),
)

# Pages that have signed in with a token: what their cookie holds, hashed. It ends with the token, if not before.
page_sessions = Table(
    "page_sessions",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("token_id", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Index("page_sessions_by_token", "token_id"),
)
