"""What the doors of access give and take. Times are Unix seconds."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from alma.security.fields import Exact, Line
from alma.server.bodies import Body, Reply


class SessionReply(Reply):
    """Who the asker is. `known`: it may come in; if not, `POST /api/session` with a token is what helps. `token`: its
    name, empty where none is asked for. `expiresAt`: of the sign-in or the token, null: never."""

    known: bool
    owner: str
    admin: bool
    token: str
    expires_at: float | None


class SignIn(Body):
    token: Annotated[str, Exact(300, 1)]


class TokenReply(Reply):
    id: str
    name: str
    owner: str
    admin: bool
    created_at: float
    expires_at: float | None
    revoked_at: float | None
    used_at: float


class TokenList(Reply):
    tokens: list[TokenReply]


class NewToken(Body):
    """`owner`: whose things its bearer sees, by default those of a person called as the token is. `days` null: it does
    not expire."""

    name: Annotated[str, Line(60, 1)]
    owner: Annotated[str, Line(60, 1)] | None = None
    admin: bool = False
    days: float | None = Field(90, gt=0, le=3650, allow_inf_nan=False)


class NewTokenReply(TokenReply):
    """`secret`: the token itself; it is shown this once."""

    secret: str


class LimitReply(Reply):
    """`left` of `quota` in the window of `windowS` seconds now; `resetS`: seconds until all of it is back."""

    policy: str
    quota: int
    window_s: float
    left: int
    reset_s: float


class LimitList(Reply):
    limits: list[LimitReply]
