"""Access tokens for tests, made where `alma tokens` makes them: in the database of a server's folder."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec
import sqlalchemy as sa

from alma.db.database import Database
from alma.security.tokens import Order, Token, end_token, insert_token, load_tokens, mint

T = TypeVar("T")


def make_token(
    folder: Path, name: str, *, owner: str | None = None, admin: bool = False, lasts_s: float | None = 3600.0
) -> str:
    """A token for the server whose folder this is, running or not; `lasts_s` below 0: it has expired."""
    token, text = mint(Order(name, owner or name, admin), time.time())
    token = msgspec.structs.replace(token, expires_at=None if lasts_s is None else time.time() + lasts_s)
    _in(folder, lambda connection: insert_token(connection, token))
    return text


def revoke_token(folder: Path, name: str) -> None:
    _in(folder, lambda connection: end_token(connection, name, time.time()))


def tokens_in(folder: Path) -> list[Token]:
    return _in(folder, load_tokens)


def _in(folder: Path, work: Callable[[sa.Connection], T]) -> T:
    path = folder / "data" / "alma.db"
    if not path.exists():
        database = Database(f"sqlite:///{path}")
        database.open()
        database.close()
    engine = sa.create_engine(f"sqlite:///{path}", poolclass=sa.NullPool)
    with engine.begin() as connection:
        return work(connection)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
