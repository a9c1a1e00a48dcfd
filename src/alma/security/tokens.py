"""Access tokens: how one is made and read, and its rows in the database.

A token is `alma_<id>_<secret>`. The secret is 256 random bits, of which only the SHA-256 is kept: nobody who reads the
database can enter with it, and a slow hash would guard nothing, since there is nothing to guess.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import shlex

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from alma.db.access_tables import access_tokens
from alma.errors import Conflict, Forbidden, InvalidRequest, NotFound
from alma.security.caller import LOCAL
from alma.security.text import NotText, line

_FORM = re.compile(r"alma_([0-9a-f]{10})_([0-9a-f]{64})")
LONGEST_NAME = 60


class Token(Struct, frozen=True):
    """A row. `owner`: whose things its bearer sees. `expires_at` None: never; `used_at` 0: not yet."""

    id: str
    name: str
    owner: str
    admin: bool
    hash: bytes
    created_at: float
    expires_at: float | None = None
    revoked_at: float | None = None
    used_at: float = 0.0

    def holds(self, at: float) -> bool:
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)


class Order(Struct, frozen=True):
    """A token to be made. `days` None: it does not expire."""

    name: str
    owner: str
    admin: bool = False
    days: float | None = None


def mint(order: Order, at: float) -> tuple[Token, str]:
    """A new token and its text, which is nowhere else. Raises `InvalidRequest`."""
    token_id, secret = secrets.token_hex(5), secrets.token_hex(32)
    made = Token(
        id=token_id,
        name=_named("name", order.name),
        owner=_named("owner", order.owner),
        admin=order.admin,
        hash=hash_of(secret),
        created_at=at,
        expires_at=None if order.days is None else at + order.days * 86_400,
    )
    return made, f"alma_{token_id}_{secret}"


def parse(text: str) -> tuple[str, bytes] | None:
    """The id in a token's text, and the hash of its secret; None where it has not the form of one."""
    found = _FORM.fullmatch(text)
    return (found[1], hash_of(found[2])) if found else None


def same(one: bytes, other: bytes) -> bool:
    """In a time that does not tell where they differ."""
    return hmac.compare_digest(one, other)


def hash_of(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def owner_called(name: str) -> str:
    """Whose a token is that is for the person of its own name. Raises `InvalidRequest`."""
    if _named("name", name) != LOCAL:
        return name
    raise InvalidRequest(
        "invalid_field",
        f"{LOCAL!r} is the person at the server's machine.",
        expected="another name, or an owner",
        actual=repr(name),
        hint="`alma tokens add NAME --mine` makes a token for that person.",
    )


def _named(field: str, given: str) -> str:
    try:
        name = " ".join(line(given).split())
    except NotText:
        name = ""
    if 0 < len(name) <= LONGEST_NAME:
        return name
    raise InvalidRequest(
        "invalid_field",
        f"This cannot be the {field} of a token.",
        expected=f"1 to {LONGEST_NAME} characters",
        actual=repr(given)[:80],
    )


# ── rows ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def insert_token(connection: sa.Connection, token: Token, by: str = LOCAL) -> None:
    """`by`: the owner who makes it. Whoever runs the machine may for everybody; others for themselves and for who was
    not here yet, because with a token of somebody's one sees what is theirs. Raises `Forbidden` else, `Conflict` where
    another one of this name holds: they could not be told apart by it, to revoke one."""
    tokens = load_tokens(connection)
    if by not in (LOCAL, token.owner) and token.owner in {LOCAL, *(other.owner for other in tokens)}:
        raise Forbidden(
            "owner_taken",
            f"{token.owner!r} is somebody else, whose things this token would open.",
            expected="an owner who has had no token yet, or yourself",
            hint=f"Where Alma runs, `alma tokens add NAME --owner {shlex.quote(token.owner)}` makes one.",
        )
    for other in tokens:
        if other.name == token.name and other.holds(token.created_at):
            raise Conflict(
                "token_name_taken",
                f"There is an access token called {token.name!r} already.",
                expected="a name of its own",
                actual=f"{other.id} is called so",
                hint="Choose another name, or revoke that one first.",
            )
    row = {name: getattr(token, name) for name in Token.__struct_fields__}
    connection.execute(sa.insert(access_tokens).values(row))


def load_tokens(connection: sa.Connection) -> list[Token]:
    """All, also those that are over; newest first."""
    order = access_tokens.c.created_at.desc(), access_tokens.c.id
    return [Token(**row) for row in connection.execute(sa.select(access_tokens).order_by(*order)).mappings()]


def end_token(connection: sa.Connection, wanted: str, at: float) -> Token:
    """Revoke the token of this id, or the one of this name that holds. Again is not an error. Raises `NotFound`,
    `Conflict` where several have the name and hold."""
    tokens = load_tokens(connection)
    found = [token for token in tokens if token.id == wanted]
    name = " ".join(wanted.split())
    found = found or [token for token in tokens if token.name == name and token.holds(at)]
    if not found:
        raise NotFound("unknown_token", "There is no such token.", actual=wanted[:80], hint="`alma tokens list`")
    if len(found) > 1:
        ids = ", ".join(token.id for token in found)
        raise Conflict("ambiguous_token", f"{len(found)} tokens are called {wanted!r}.", expected=f"one of {ids}")
    token = found[0]
    if token.revoked_at is None:
        connection.execute(sa.update(access_tokens).where(access_tokens.c.id == token.id).values(revoked_at=at))
        token = msgspec.structs.replace(token, revoked_at=at)
    return token


def note_used(connection: sa.Connection, used: dict[str, float]) -> None:
    """By id, when each was last shown."""
    change = sa.update(access_tokens).where(access_tokens.c.id == sa.bindparam("which"))
    values = [{"which": token_id, "at": at} for token_id, at in used.items()]
    connection.execute(change.values(used_at=sa.bindparam("at")), values)
