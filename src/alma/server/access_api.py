"""Access over HTTP: who am I, signing a page in and out, tokens, and what is left of the limits."""

from __future__ import annotations

import time

import msgspec
from fastapi import APIRouter, Request, Response

from alma.errors import Unauthorized
from alma.security.caller import Caller, caller_of
from alma.security.entry import caller_with, cookie_name, cookie_of, grant_of, head_of
from alma.security.fields import Id
from alma.security.keyring import Grant
from alma.security.rules import check_own_page
from alma.security.tokens import Order, Token
from alma.server.access import Access
from alma.server.access_bodies import LimitList, NewToken, NewTokenReply, SessionReply, SignIn, TokenList, TokenReply
from alma.server.asking import ADMIN, Asker


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
        try:
            grant, secret = await access.keyring.sign_in(body.token)
        except Unauthorized:
            await access.limits.wrong(head.address)
            raise
        if before := cookie_of(head):
            await access.keyring.sign_out(before)
        assert grant.expires_at is not None
        lasts = max(int(grant.expires_at - time.time()), 1)
        name = cookie_name(secure=head.secure)
        response.set_cookie(name, secret, max_age=lasts, path="/", secure=head.secure, httponly=True, samesite="strict")
        return _session(caller_with(grant, head.address), grant)

    @router.delete("/session", status_code=204)
    async def sign_out(request: Request, response: Response) -> None:
        """Also where the cookie is of no use any more."""
        head = head_of(request.scope)
        if cookie := cookie_of(head):
            check_own_page(head, access.rules)
            await access.keyring.sign_out(cookie)
        name = cookie_name(secure=head.secure)
        response.delete_cookie(name, path="/", secure=head.secure, httponly=True, samesite="strict")

    @router.get("/tokens", dependencies=[ADMIN])
    async def list_tokens() -> TokenList:
        """Newest first, also those that are over."""
        return TokenList(tokens=[_shown(token) for token in access.keyring.list()])

    @router.post("/tokens", status_code=201, dependencies=[ADMIN])
    async def add_token(body: NewToken) -> NewTokenReply:
        token, secret = await access.keyring.add(Order(body.name, body.owner or body.name, body.admin, body.days))
        return NewTokenReply(**_shown(token).model_dump(), secret=secret)

    @router.delete("/tokens/{token_id}", dependencies=[ADMIN])
    async def revoke_token(token_id: Id) -> TokenReply:
        """At once, also for what is connected with it."""
        return _shown(await access.keyring.revoke(token_id))

    @router.get("/limits")
    async def read_limits(caller: Asker) -> LimitList:
        """What is left to the asker."""
        return LimitList(limits=await access.limits.left(caller))

    return router


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
