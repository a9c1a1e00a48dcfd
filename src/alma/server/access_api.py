"""Access over HTTP: who am I, signing a page in and out, tokens, and what is left of the limits."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from alma.server.access_bodies import LimitList, NewToken, NewTokenReply, SessionReply, SignIn, TokenList, TokenReply
from alma.server.asking import Admin, Asker


def routes() -> APIRouter:
    router = APIRouter(prefix="/api", tags=["access"])

    @router.get("/session")
    async def read_session(request: Request) -> SessionReply:
        """Who the asker is; open to everybody."""
        raise NotImplementedError

    @router.post("/session")
    async def sign_in(body: SignIn, request: Request, response: Response) -> SessionReply:
        """Lets this browser in by a cookie (HttpOnly, SameSite=Strict) in exchange for an access token."""
        raise NotImplementedError

    @router.delete("/session", status_code=204)
    async def sign_out(request: Request, response: Response) -> None:
        raise NotImplementedError

    @router.get("/tokens")
    async def list_tokens(caller: Admin) -> TokenList:
        raise NotImplementedError

    @router.post("/tokens", status_code=201)
    async def add_token(caller: Admin, body: NewToken) -> NewTokenReply:
        raise NotImplementedError

    @router.delete("/tokens/{token_id}")
    async def revoke_token(caller: Admin, token_id: str) -> TokenReply:
        """At once, also for what is connected with it."""
        raise NotImplementedError

    @router.get("/limits")
    async def read_limits(caller: Asker) -> LimitList:
        """What is left to the asker."""
        raise NotImplementedError

    return router
