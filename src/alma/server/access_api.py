"""Access over HTTP: who am I, signing a page in and out, tokens, and what is left of the limits."""

from __future__ import annotations

import logging
import time

import msgspec
from fastapi import APIRouter, Request, Response

from alma.observability.logs import fields
from alma.security.caller import Caller, caller_of
from alma.security.entry import caller_with, cookie_name, cookie_of, grant_of, head_of
from alma.security.fields import Id
from alma.security.keyring import Grant
from alma.security.rules import check_own_page
from alma.security.tokens import Order, Token, owner_called
from alma.server.access import Access
from alma.server.access_bodies import LimitList, NewToken, NewTokenReply, SessionReply, SignIn, TokenList, TokenReply
from alma.server.asking import ADMIN, Asker

log = logging.getLogger(__name__)


def routes(access: Access) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["access"])

    @router.get("/session")
    async def read_session(request: Request) -> SessionReply:
        """Who the asker is; open to everybody."""
        return _session(caller_of(request.scope), grant_of(request.scope))

    @router.post("/session")
    async def sign_in(body: SignIn, request: Request, response: Response) -> SessionReply:
        """Lets this browser in by a cookie (HttpOnly, SameSite=Strict) in exchange for an access token."""
        # Such a cookie is taken from its own page only, so another site gains nothing by having one set.
        head = head_of(request.scope)
        grant, secret = await access.keyring.sign_in(body.token, head.address)
        if before := cookie_of(head):
            await access.keyring.sign_out(before)
        assert grant.expires_at is not None
        lasts = max(int(grant.expires_at - time.time()), 1)
        name = cookie_name(secure=head.secure)
        response.set_cookie(name, secret, max_age=lasts, path="/", secure=head.secure, httponly=True, samesite="strict")
        caller = caller_with(grant, head.address)
        _tell("signed in", caller)
        return _session(caller, grant)

    @router.delete("/session", status_code=204)
    async def sign_out(request: Request, response: Response) -> None:
        """Also where the cookie is of no use any more."""
        head = head_of(request.scope)
        if cookie := cookie_of(head):
            check_own_page(head, access.rules)
            await access.keyring.sign_out(cookie)
            if (caller := caller_of(request.scope)).session:
                _tell("signed out", caller)
        name = cookie_name(secure=head.secure)
        response.delete_cookie(name, path="/", secure=head.secure, httponly=True, samesite="strict")

    @router.get("/tokens", dependencies=[ADMIN])
    async def list_tokens() -> TokenList:
        """Newest first, also those that are over."""
        return TokenList(tokens=[_shown(token) for token in access.keyring.list()])

    @router.post("/tokens", status_code=201, dependencies=[ADMIN])
    async def add_token(body: NewToken, caller: Asker) -> NewTokenReply:
        owner = body.owner or owner_called(body.name)
        token, secret = await access.keyring.add(Order(body.name, owner, body.admin, body.days), caller.owner)
        _tell("made the access token", caller, token)
        return NewTokenReply(**_shown(token).model_dump(), secret=secret)

    @router.delete("/tokens/{token_id}", dependencies=[ADMIN])
    async def revoke_token(token_id: Id, caller: Asker) -> TokenReply:
        """At once, also for what is connected with it."""
        token = await access.keyring.revoke(token_id)
        _tell("revoked the access token", caller, token)
        return _shown(token)

    @router.get("/limits")
    async def read_limits(caller: Asker) -> LimitList:
        """What is left to the asker."""
        return LimitList(limits=await access.limits.left(caller))

    return router


def _tell(did: str, caller: Caller, token: Token | None = None) -> None:
    """In the log, for whoever wants to know who let whom in."""
    what = "" if token is None else f" {token.name!r} ({token.id}) of {token.owner!r}"
    said = fields(address=caller.address, owner=caller.owner, token_name=caller.name)
    log.info("%s %s%s", caller, did, what, extra=said)


def _session(caller: Caller, grant: Grant | None) -> SessionReply:
    return SessionReply(
        known=caller.known,
        owner=caller.owner,
        admin=caller.admin,
        token=caller.name,
        expires_at=grant.expires_at if grant is not None else None,
    )


def _shown(token: Token) -> TokenReply:
    return TokenReply.model_validate(msgspec.structs.asdict(token))
