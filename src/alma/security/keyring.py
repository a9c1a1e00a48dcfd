"""The tokens and page sessions of a running server, in memory, as the database had them a moment ago.

Another process may make and revoke tokens (`alma tokens`), so the database is read about once a second; one that is not
known is looked for at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from typing import Protocol

import sqlalchemy as sa
from msgspec import Struct

from alma.db.database import Database
from alma.errors import StorageFailure, Unauthorized
from alma.security.sessions import (
    PageSession,
    begin,
    delete_session,
    insert_session,
    load_sessions,
    prune_sessions,
)
from alma.security.tokens import (
    Order,
    Token,
    end_token,
    hash_of,
    insert_token,
    load_tokens,
    mint,
    note_used,
    parse,
    same,
)

log = logging.getLogger(__name__)
_LOOK_S = 1.0
_USED_S = 60.0  # between two writes of when a token was last used
_PRUNE_S = 3600.0


class Grant(Struct, frozen=True):
    """What somebody has shown, and held when they did. `session`: the hash of their cookie; empty: the token itself."""

    token: Token
    session: bytes = b""
    expires_at: float | None = None


class Tries(Protocol):
    """Counts the wrong tokens that an address shows."""

    async def spent(self, address: str) -> bool:
        """Whether one more would be too many."""
        ...

    async def wrong(self, address: str) -> None:
        """Counts one. Raises `TooMany`."""
        ...


class Keyring:
    """`open` it, then keep `run` running: else what changes elsewhere is not seen. `session_s`: how long a page stays
    signed in."""

    def __init__(
        self, database: Database, session_s: float, tries: Tries, clock: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._session_s = session_s
        self._tries = tries
        self._clock = clock
        self._tokens: dict[str, Token] = {}
        self._sessions: dict[bytes, PageSession] = {}
        self._used: dict[str, float] = {}
        self._looking = asyncio.Lock()
        self._looks = 0
        self._looked = asyncio.Event()
        self._opened = False
        self._told: set[tuple[str, str]] = set()  # what was made and revoked here
        self._pruned_at = 0.0

    async def open(self) -> None:
        await self._look()

    async def run(self, looked: Callable[[], None]) -> None:
        """Until cancelled. `looked` is called each time that what holds may have changed."""
        while True:
            await asyncio.sleep(_LOOK_S)
            try:
                await self._look()
                await self._keep_up()
            except StorageFailure as error:  # what is in memory holds on, and ends by the clock
                log.warning("the access tokens could not be read again: %s", error.actual or error.message)
            looked()

    # ── who is it ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def by_token(self, text: str, address: str) -> Grant:
        """What was shown at this address. Raises `Unauthorized`, `TooMany` after too many wrong ones from there."""
        try:
            return await self._found(text, address)
        except Unauthorized:
            await self._tries.wrong(address)
            raise

    async def _found(self, text: str, address: str) -> Grant:
        parsed = parse(text)
        if parsed is None:
            raise _invalid()
        token_id, shown = parsed
        if token_id not in self._tokens:
            # Who guesses on does not make the database be read: they wait until it is anyhow.
            await (self._next_look() if await self._tries.spent(address) else self._look())
        token = self._tokens.get(token_id)
        if token is None or not same(token.hash, shown):
            raise _invalid()
        return self._granted(Grant(token, expires_at=token.expires_at))

    async def by_cookie(self, secret: str) -> Grant | None:
        """None for a cookie that is not known (any more). Raises `Unauthorized` for one whose time or token is over."""
        session = self._sessions.get(hash_of(secret))
        token = self._tokens.get(session.token_id) if session is not None else None
        if session is None or token is None:
            return None
        expires_at = min(session.expires_at, token.expires_at or session.expires_at)
        return self._granted(Grant(token, session.hash, expires_at))

    def _granted(self, grant: Grant) -> Grant:
        if (over := self.why_over(grant.token.id, grant.session)) is not None:
            raise over
        at, token = self._clock(), grant.token
        if at - max(token.used_at, self._used.get(token.id, 0.0)) >= _USED_S:
            self._used[token.id] = at
        return grant

    def why_over(self, token_id: str, session_hash: bytes = b"") -> Unauthorized | None:
        """None: it holds."""
        at, token = self._clock(), self._tokens.get(token_id)
        if token is None or token.revoked_at is not None:
            return Unauthorized(
                "token_revoked", "This access token was revoked.", hint="Ask whoever runs this Alma for another one."
            )
        if not token.holds(at):
            return Unauthorized(
                "token_expired", "This access token has expired.", hint="Ask whoever runs this Alma for another one."
            )
        if session_hash:
            session = self._sessions.get(session_hash)
            if session is None or session.expires_at <= at:
                return Unauthorized("token_expired", "This page is signed out.", hint="Sign in with an access token.")
        return None

    # ── what changes ──────────────────────────────────────────────────────────────────────────────────────────────

    def list(self) -> list[Token]:
        return list(self._tokens.values())

    async def add(self, order: Order, by: str) -> tuple[Token, str]:
        """`by`: the owner who asks for it. Raises `Forbidden` where it is not theirs to give, `Conflict`."""
        token, text = mint(order, self._clock())
        self._told.add(("made", token.id))
        await self._database.write(lambda connection: insert_token(connection, token, by))
        await self._look()
        return token, text

    async def revoke(self, token_id: str) -> Token:
        """Raises `NotFound`."""
        at = self._clock()
        self._told.add(("revoked", token_id))
        token = await self._database.write(lambda connection: end_token(connection, token_id, at))
        await self._look()
        return token

    async def sign_in(self, text: str, address: str) -> tuple[Grant, str]:
        """What was shown, as a cookie. Raises as `by_token` does."""
        grant = await self.by_token(text, address)
        at = self._clock()
        until = min(at + self._session_s, grant.expires_at or float("inf"))
        session, secret = begin(grant.token.id, at, until)
        await self._database.write(lambda connection: insert_session(connection, session))
        await self._look()
        return Grant(grant.token, session.hash, until), secret

    async def sign_out(self, secret: str) -> None:
        session_hash = hash_of(secret)
        if session_hash in self._sessions:
            await self._database.write(lambda connection: delete_session(connection, session_hash))
            await self._look()

    # ── the database ──────────────────────────────────────────────────────────────────────────────────────────────

    async def _look(self) -> None:
        """As the database is from now on; many who ask at once are served by one look."""

        def read(connection: sa.Connection) -> tuple[list[Token], list[PageSession]]:
            return load_tokens(connection), load_sessions(connection)

        begun = self._looks
        async with self._looking:
            if self._looks > begun:  # somebody looked meanwhile, who began after this was called
                return
            self._looks += 1
            tokens, sessions = await self._database.read(read)
            if self._opened:
                self._tell_news(tokens)
            self._opened = True
            self._tokens = {token.id: token for token in tokens}
            self._sessions = {session.hash: session for session in sessions}
            self._looked.set()
            self._looked = asyncio.Event()

    async def _next_look(self) -> None:
        with contextlib.suppress(TimeoutError):  # the database is away: as it was
            async with asyncio.timeout(2 * _LOOK_S):
                await self._looked.wait()

    def _tell_news(self, tokens: list[Token]) -> None:
        """What another process has done; who asks this one tells it with who they are."""
        for token in tokens:
            before = self._tokens.get(token.id)
            happened = ["made"] if before is None else []
            if token.revoked_at is not None and (before is None or before.revoked_at is None):
                happened.append("revoked")
            for what in happened:
                if (what, token.id) not in self._told:
                    about = token.name, token.id, token.owner
                    log.info("The access token %r (%s) of %r was %s from outside of this server.", *about, what)

    async def _keep_up(self) -> None:
        if self._used:
            used, self._used = self._used, {}
            await self._database.write(lambda connection: note_used(connection, used))
        at = self._clock()
        if at - self._pruned_at > _PRUNE_S:
            self._pruned_at = at
            await self._database.write(lambda connection: prune_sessions(connection, at))


def _invalid() -> Unauthorized:
    return Unauthorized(
        "token_invalid",
        "This is not an access token of this Alma.",
        expected="alma_… as `alma tokens add` has shown it",
        hint="Make one with `alma tokens add NAME`.",
    )
