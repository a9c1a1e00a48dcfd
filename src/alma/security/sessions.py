"""Pages that have signed in: what their cookie holds, hashed, in the database."""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from msgspec import Struct

from alma.db.access_tables import page_sessions
from alma.security.tokens import hash_of

MOST_OF_ONE = 64  # pages of one token; one more ends the oldest
_KEPT_S = 86_400.0  # that a page is told how its sign-in ended


class PageSession(Struct, frozen=True):
    hash: bytes
    token_id: str
    created_at: float
    expires_at: float


def begin(token_id: str, at: float, expires_at: float) -> tuple[PageSession, str]:
    """A new one, and what its cookie holds."""
    secret = secrets.token_urlsafe(32)
    return PageSession(hash_of(secret), token_id, at, expires_at), secret


def insert_session(connection: sa.Connection, session: PageSession) -> None:
    row = {name: getattr(session, name) for name in PageSession.__struct_fields__}
    connection.execute(sa.insert(page_sessions).values(row))
    of_token = sa.select(page_sessions.c.hash).where(page_sessions.c.token_id == session.token_id)
    too_many = connection.execute(of_token.order_by(page_sessions.c.created_at.desc()).offset(MOST_OF_ONE)).scalars()
    if hashes := list(too_many):
        connection.execute(sa.delete(page_sessions).where(page_sessions.c.hash.in_(hashes)))


def load_sessions(connection: sa.Connection) -> list[PageSession]:
    return [PageSession(**row) for row in connection.execute(sa.select(page_sessions)).mappings()]


def delete_session(connection: sa.Connection, session_hash: bytes) -> None:
    connection.execute(sa.delete(page_sessions).where(page_sessions.c.hash == session_hash))


def prune_sessions(connection: sa.Connection, at: float) -> None:
    connection.execute(sa.delete(page_sessions).where(page_sessions.c.expires_at < at - _KEPT_S))
